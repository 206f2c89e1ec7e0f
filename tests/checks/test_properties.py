"""What holds for every check found by discovery, present and future: green is proven."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.model.check import ALWAYS_READ, EXAMPLE_NOW, AlarmKind, Check, Example
from checks.model.doubt import Gap
from checks.model.fold import Exclusion, Fold, Part, Question
from checks.model.judgement import Judgement, Outcome, failed, passed
from checks.model.known import Known
from checks.model.records import Record, field_names
from checks.model.result import Finding, Result
from checks.model.state import Verdict
from tests.checks.cases import CHECKS, ROSTER, SOURCE, TICK, Case, cases, gaps, near_examples
from tests.support.builders import known_of

GREENER: Final[Mapping[Outcome, frozenset[Outcome]]] = {
    Outcome.PASS: frozenset({Outcome.EXCLUDED}),
    Outcome.WARN: frozenset({Outcome.PASS, Outcome.EXCLUDED}),
    Outcome.UNKNOWN: frozenset({Outcome.PASS, Outcome.WARN, Outcome.EXCLUDED}),
    Outcome.FAIL: frozenset({Outcome.PASS, Outcome.WARN, Outcome.EXCLUDED}),
    Outcome.EXCLUDED: frozenset({Outcome.PASS, Outcome.WARN}),
}
"""What an outcome must never become when less is told."""
GREENER_VERDICT: Final[Mapping[Verdict, frozenset[Verdict]]] = {
    Verdict.PASS: frozenset(),
    Verdict.WARN: frozenset({Verdict.PASS}),
    Verdict.UNKNOWN: frozenset({Verdict.PASS, Verdict.WARN}),
    Verdict.FAIL: frozenset({Verdict.PASS, Verdict.WARN}),
}
THRESHOLDS: Final = st.sampled_from([1.0, 1.0, 0.9, 0.75, 0.5])
EXCLUDE: Final = st.sampled_from(
    [(), (), (Exclusion({"klass": "human"}, "people"),), (Exclusion({"id": "*a*"}, "an a"),)]
)
every_check = pytest.mark.parametrize("name", CHECKS)


def runs(examples: int) -> settings:
    """Fix the number of cases, and their order, so that a run repeats."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def fold(
    case: Case,
    *,
    threshold: float = 1.0,
    judged_gaps: Sequence[Gap] = (),
    joined_gaps: Sequence[Gap] = (),
    exclude: Sequence[Exclusion] = (),
    pages: Sequence[Sequence[Any]] | None = None,
) -> tuple[Result, list[Finding]]:
    """Fold a case as the engine does."""
    own = case.check.knows_own
    question = Question(
        name="case",
        check=case.check,
        policy=case.policy,
        threshold=threshold,
        now=case.now,
        parts=(Part(SOURCE, case.now, tuple(judged_gaps)),),
        joined=() if case.check.knows is None or own else (Part(ROSTER, case.now, tuple(joined_gaps)),),
        known=case.known([*joined_gaps, *(judged_gaps if own else ())]),
        exclude=exclude,
    )
    running = Fold(question)
    found = [finding for page in ([case.items] if pages is None else pages) for finding in running.feed(page)]
    return running.result(), found


@every_check
@runs(60)
@given(data=st.data())
def test_nothing_leaves_the_count(name: str, data: st.DataObject) -> None:
    """Read is population and excluded; population is passed, failed, unknown; each that is not green is a finding."""
    case = data.draw(cases(name, most=6, least=0))
    result, found = fold(case, threshold=data.draw(THRESHOLDS), exclude=data.draw(EXCLUDE))
    tally = result.tally
    assert result.read == len(case.items) == tally.population + sum(result.excluded.values())
    assert tally.population == tally.passed + tally.failed + tally.unknown
    assert len(found) == tally.warned + tally.failed + tally.unknown
    assert tally.unknown == sum(result.unknown_causes.values())
    low, high = tally.coverage()
    assert 0 <= low <= high <= 1
    assert result.verdict not in {Verdict.PASS, Verdict.WARN} or tally.population


@every_check
@runs(150)
@given(data=st.data())
def test_erasing_a_field_never_makes_a_subject_greener(name: str, data: st.DataObject) -> None:
    """A subject that fails, is unknown or is warned stays at least as bad when any field of any record is not told."""
    case = data.draw(cases(name))
    before = case.judge(case.items[0])
    for field, poorer in case.erasures():
        after = poorer.judge(poorer.items[0])
        assert after.outcome not in GREENER[before.outcome], (field, before, after)


@every_check
def test_erasing_a_field_near_an_example_never_makes_it_greener(name: str) -> None:
    """The same, exhaustively, of every example and of every example with one declared field at each of its borders."""
    for case in near_examples(name):
        before = case.judge(case.items[0])
        if before.until is not None:
            assert case.judge(case.items[0], before.until - TICK).outcome is before.outcome, (before, case)
        for field, poorer in case.erasures():
            after = poorer.judge(poorer.items[0])
            assert after.outcome not in GREENER[before.outcome], (field, before, after, case)


@every_check
@runs(40)
@given(data=st.data())
def test_erasing_a_field_never_makes_a_population_greener(name: str, data: st.DataObject) -> None:
    """A verdict never gets greener, and the population never shrinks, when any field of any record is not told.

    A tolerated failure is no warning (design, section 3), so where failures are tolerated a warned subject whose grace
    can no longer be proven may leave a pass behind.
    """
    case = data.draw(cases(name, most=4))
    threshold, exclude = data.draw(THRESHOLDS), data.draw(EXCLUDE)
    before, _ = fold(case, threshold=threshold, exclude=exclude)
    for field, poorer in case.erasures():
        after, _ = fold(poorer, threshold=threshold, exclude=exclude)
        assert after.tally.population >= before.tally.population, field
        tolerated = threshold < 1 and after.tally.failed > before.tally.failed
        if not (tolerated and before.verdict is Verdict.WARN):
            assert after.verdict not in GREENER_VERDICT[before.verdict], (field, before.tally, after.tally)


@every_check
@runs(100)
@given(data=st.data())
def test_adding_a_gap_never_makes_a_population_greener(name: str, data: st.DataObject) -> None:
    """A verdict never gets greener by doubt; a doubt about facts that the check does not read changes nothing."""
    check = CHECKS[name]
    case, threshold = data.draw(cases(name, most=4)), data.draw(THRESHOLDS)
    gap = data.draw(gaps(check))
    of_roster = gap.source == ROSTER and check.knows is not None and not check.knows_own
    told = msgspec.structs.replace(gap, source=ROSTER if of_roster else SOURCE)
    before, _ = fold(case, threshold=threshold)
    if of_roster:
        after, _ = fold(case, threshold=threshold, joined_gaps=[told])
    else:
        after, _ = fold(case, threshold=threshold, judged_gaps=[told])
    assert after.tally.population == before.tally.population
    assert after.verdict not in GREENER_VERDICT[before.verdict]
    if gap.kind == "members" or check.reads.intersection(gap.fields):
        assert after.verdict not in {Verdict.PASS, Verdict.WARN}
    else:
        assert after.verdict is before.verdict


@every_check
@runs(40)
@given(data=st.data())
def test_a_result_does_not_depend_on_pages_or_order(name: str, data: st.DataObject) -> None:
    """The same records in any order and any pages give the same result and the same findings, byte for byte."""
    check = CHECKS[name]
    case = data.draw(cases(name, most=6))
    members = data.draw(st.lists(gaps(check), max_size=2))
    told = [msgspec.structs.replace(gap, source=SOURCE) for gap in members]
    whole, found = fold(case, judged_gaps=told)
    shuffled = [_shuffled(data, item) for item in data.draw(st.permutations(list(case.items)))]
    border = data.draw(st.integers(0, len(shuffled)))
    paged, again = fold(case, judged_gaps=told[::-1], pages=[shuffled[:border], [], shuffled[border:]])
    assert _bytes(whole, found) == _bytes(paged, again)


def _shuffled(data: st.DataObject, item: Any) -> Any:
    return item if isinstance(item, Record) else tuple(data.draw(st.permutations(list(item))))


def _bytes(result: Result, found: Sequence[Finding]) -> bytes:
    ordered = sorted(found, key=lambda finding: finding.subject)
    return msgspec.json.encode([result, ordered], order="deterministic")


@every_check
@runs(150)
@given(data=st.data())
def test_a_judgement_stands_until_it_says(name: str, data: st.DataObject) -> None:
    """The same bytes are judged the same at every instant before ``until``; for ever, where there is none."""
    case = data.draw(cases(name))
    now = case.judge(case.items[0])
    if now.until is not None:
        assert now.until > case.now
    horizon = timedelta(days=4000) if now.until is None else now.until - case.now - TICK
    moment = case.now + data.draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0])) * horizon
    then = case.judge(case.items[0], moment)
    assert (then.outcome, then.urgent) == (now.outcome, now.urgent), moment


@every_check
@runs(60)
@given(data=st.data())
def test_a_field_that_is_not_declared_changes_nothing(name: str, data: st.DataObject) -> None:
    """A judge reads what its check declares in ``reads``, and identity, and no other field."""
    case = data.draw(cases(name))
    before = case.judge(case.items[0])
    for field, other in case.erasures(declared=False):
        kept = Case(name, _keeping_why(case, other), other.joined, other.policy, other.now)
        assert kept.judge(kept.items[0]) == before, field


def _keeping_why(before: Case, after: Case) -> Sequence[Any]:
    """Erase without a cause, since the cause of a field that is not read must not count either."""
    old, new = before.items[0], after.items[0]
    if isinstance(new, Record):
        return [msgspec.structs.replace(new, why=old.why)]
    return [tuple(msgspec.structs.replace(record, why=was.why) for record, was in zip(new, old, strict=True))]


@every_check
@runs(150)
@given(data=st.data())
def test_a_finding_says_why_and_what_next(name: str, data: st.DataObject) -> None:
    """Every reason has an answer in ``explain``; an exclusion is a slug; an unknown has a cause; facts are scalars."""
    check = CHECKS[name]
    case = data.draw(cases(name))
    judgement = case.judge(case.items[0])
    assert msgspec.json.decode(msgspec.json.encode(judgement), type=Judgement) == judgement
    assert (judgement.cause is not None) == (judgement.outcome is Outcome.UNKNOWN)
    if judgement.outcome is Outcome.EXCLUDED:
        assert re.fullmatch(r"[a-z_]+", judgement.reason)
    elif judgement.outcome is not Outcome.PASS:
        assert judgement.reason in check.explain
        assert not re.search(r"[0-9@]", judgement.reason.replace("MFA", ""))


def judge_example(check: Check, example: Example, now: datetime = EXAMPLE_NOW) -> Judgement:
    """Judge an example."""
    known = known_of(check, [*example.joined, *(example.records if check.knows_own else ())])
    item = example.records[0] if check.by is None else tuple(example.records)
    return check.judge(item, check.policy(), now, known)


@every_check
def test_examples_come_out_as_they_say(name: str) -> None:
    """Every example is judged as expected, alone, and the four outcomes are among them."""
    check = CHECKS[name]
    outcomes = {example.name: judge_example(check, example).outcome for example in check.examples}
    assert outcomes == {example.name: example.expect for example in check.examples}
    assert {Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN} <= set(outcomes.values())


@every_check
def test_examples_can_share_one_population(name: str) -> None:
    """Examples have subjects of their own and names of their own, and come out the same when judged together."""
    check = CHECKS[name]
    assert len({example.name for example in check.examples}) == len(check.examples)
    records = [record for example in check.examples for record in example.records]
    assert len({(type(record), record.id) for record in records}) == len(records)
    assert {record.source for record in records} == {SOURCE}
    known = known_of(check, [record for example in check.examples for record in example.joined])
    for example in check.examples:
        item = example.records[0] if check.by is None else tuple(example.records)
        assert check.judge(item, check.policy(), EXAMPLE_NOW, known).outcome is example.expect, example.name


@every_check
def test_a_check_declares_itself(name: str) -> None:
    """What a check reads exists; its controls are named by framework; its policy is documented field by field."""
    check = CHECKS[name]
    kinds = [*check.over, *([] if check.knows is None else [check.knows])]
    assert check.reads <= {name for kind in kinds for name in field_names(kind)}
    assert not {name.split(".")[1] for name in check.reads} & ALWAYS_READ
    assert len({mapped.control for mapped in check.controls}) == len(check.controls) > 0
    for mapped in check.controls:
        assert re.fullmatch(r"(soc2|iso27001|nist80053|cis8):[A-Z0-9][A-Za-z0-9.()-]*", mapped.control)
        assert mapped.why
        assert "\n" not in mapped.why
    assert check.max_age(check.policy()) > timedelta(0)
    assert check.knows is None or check.keys is not None


@every_check
def test_alarms_are_raised_by_failures_that_examples_show(name: str) -> None:
    """Every reason that raises an alarm is explained and comes out of an example; so do the facts that renew it."""
    check = CHECKS[name]
    judgements = [judge_example(check, example) for example in check.examples]
    failures = {judgement.reason: judgement for judgement in judgements if judgement.outcome is Outcome.FAIL}
    assert set(check.alarms) <= set(failures) & set(check.explain)
    for reason in check.alarms:
        assert check.renews <= set(failures[reason].facts)
    assert set(check.kinds) == {*check.alarms.values(), check.loses} - {None}
    assert not check.renews or check.alarms
    assert check.loses is None or not check.alarms, "one failure cannot hold two alarms"


def test_every_kind_of_alarm_has_its_check() -> None:
    """What may wake somebody is declared where it is judged, once."""
    declared = [kind for check in CHECKS.values() for kind in check.kinds]
    assert sorted(declared) == sorted(AlarmKind)


@pytest.mark.parametrize("name", ["tls_expiry"])
@given(data=st.data())
def test_every_failure_of_such_a_check_raises_its_alarm(name: str, data: st.DataObject) -> None:
    """However a record is bent, there is no failure that raises none."""
    case = data.draw(cases(name))
    judgement = case.judge(case.items[0])
    assert judgement.outcome is not Outcome.FAIL or judgement.reason in case.check.alarms


def _always(judgement: Judgement) -> Any:
    return lambda _item, _policy, _now, _known: judgement


def _filling(check: Check, donor: Example | None) -> Any:
    """Judge after giving every field that is not told a value: that of a passing record, or else a plain no."""
    donors: dict[type[Record], Record] = {}
    for record in () if donor is None else (*donor.records, *donor.joined):
        donors.setdefault(type(record), record)

    def fill(record: Record) -> Record:
        values = {}
        for name in type(record).__struct_fields__:
            if getattr(record, name) is None:
                values[name] = getattr(donors.get(type(record)), name, None) if donors else _no(record, name)
        return msgspec.structs.replace(record, **values, why={})

    def judge(item: Any, policy: Any, now: datetime, known: Known) -> Judgement:
        filled = fill(item) if isinstance(item, Record) else tuple(fill(record) for record in item)
        return check.judge(filled, policy, now, known)

    return judge


def _no(record: Record, name: str) -> Any:
    """Give the plain no of a field: what a careless reader takes nothing for."""
    hint = str(type(record).__annotations__.get(name, ""))
    plain: list[tuple[str, Any]] = [
        ("bool", False),
        ("timedelta", timedelta(0)),
        ("datetime", EXAMPLE_NOW - timedelta(days=9000)),
        ("tuple", ()),
        ("int", 0),
        ("float", 0.0),
        ("str", ""),
    ]
    return next((value for word, value in plain if word in hint), None)


@every_check
@pytest.mark.parametrize("mutant", ["always pass", "always fail", "none as yes", "none as no"])
def test_examples_notice_a_broken_judge(name: str, mutant: str) -> None:
    """A judge that always passes, always fails, or takes what is not told for a yes or a no, trips the examples."""
    check = CHECKS[name]
    donor = next(example for example in check.examples if example.expect is Outcome.PASS)
    judge = {
        "always pass": _always(passed()),
        "always fail": _always(failed("fails", {})),
        "none as yes": _filling(check, donor),
        "none as no": _filling(check, None),
    }[mutant]
    known = known_of(check, [record for example in check.examples for record in example.joined])
    outcomes = []
    for example in check.examples:
        item = example.records[0] if check.by is None else tuple(example.records)
        outcomes.append(judge(item, check.policy(), EXAMPLE_NOW, known).outcome)
    assert outcomes != [example.expect for example in check.examples]


def test_eight_checks_are_found() -> None:
    """Discovery finds the checks by scanning their folder."""
    assert set(CHECKS) >= {
        "admin_mfa",
        "backup_freshness",
        "certification_expiry",
        "key_age",
        "leaver_access",
        "mfa_coverage",
        "stale_access",
        "tls_expiry",
    }
