"""The fold does the arithmetic: exclusions, bounds, gaps that carry subjects, and nothing lost on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest

from checks.model.check import AlarmKind, Check, Family
from checks.model.doubt import Cause, Gap
from checks.model.fold import Exclusion, Fold, Part, Question
from checks.model.judgement import Judgement, Outcome, excluded, failed, passed, unknown, warned
from checks.model.known import Known
from checks.model.records import Account, Backup, BackupSet, Record
from checks.model.result import Finding, Result
from checks.model.state import Verdict
from tests.support.builders import account, ago, ahead, backup, backup_set
from tests.support.clock import NOW


def judge_status(item: Account, policy: object, now: datetime, known: Known) -> Judgement:
    """Judge an account by its status alone: a check small enough to see the fold through."""
    table = {
        "active": passed(until=ahead("9d"), depth="exists"),
        "locked": warned("is locked", {}, until=ahead("2d"), urgent=True, depth="exists"),
        "disabled": failed("is disabled", {"status": "disabled"}, until=ahead("5d")),
        "deleted": excluded("deleted"),
        "roster": unknown("not on the roster shown", Cause.TRUNCATED, of="people"),
        "raise": passed(),
    }
    if item.status == "raise":
        raise ZeroDivisionError
    return table.get(item.status or "", unknown("status not told", Cause.DENIED, ("account.status",)))


CHECK = Check(
    title="The status is fine",
    family=Family.ACCESS,
    over=(Account,),
    reads=frozenset({"account.status"}),
    judge=judge_status,
    controls=(),
    examples=(),
)


def run(statuses: Sequence[str | None], **question: Any) -> tuple[Result, list[Finding]]:
    """Fold accounts with these statuses, named ``a0``, ``a1`` and on."""
    asked: dict[str, Any] = {
        "name": "status",
        "check": CHECK,
        "policy": None,
        "threshold": 1.0,
        "now": NOW,
        "parts": (Part("okta-prod", ago("1h")),),
        **question,
    }
    fold = Fold(Question(**asked))
    found = fold.feed([account(f"a{index}", status=status) for index, status in enumerate(statuses)])
    return fold.result(), found


def gap(kind: str = "members", cause: Cause = Cause.DENIED, **told: Any) -> Gap:
    """Build a gap of the source judged."""
    return msgspec.convert({"source": "okta-prod", "cause": cause, "kind": kind, **told}, Gap)


def part(*gaps: Gap) -> tuple[Part, ...]:
    """Build the part of the source judged, with gaps."""
    return (Part("okta-prod", ago("1h"), gaps),)


def test_counts_add_up() -> None:
    """Each subject is counted once, exclusions by reason, and each that is not green leaves a finding."""
    result, found = run(["active", "locked", "disabled", None, "deleted", "deleted"])
    assert (result.read, dict(result.excluded), result.tally.population) == (6, {"deleted": 2}, 4)
    assert (result.tally.passed, result.tally.warned, result.tally.failed, result.tally.unknown) == (2, 1, 1, 1)
    assert [(item.subject, item.outcome) for item in found] == [
        ("okta-prod/a1", Outcome.WARN),
        ("okta-prod/a2", Outcome.FAIL),
        ("okta-prod/a3", Outcome.UNKNOWN),
    ]
    assert (dict(result.depths), result.urgent) == ({"exists": 2}, 1)
    assert dict(result.unknown_causes) == {"okta-prod:denied": 1}


def test_the_earliest_until_is_the_results() -> None:
    """A result stands until the first of its judgements would change."""
    assert run(["active", "disabled"])[0].until == ahead("5d")
    assert run(["active", "locked"])[0].until == ahead("2d")
    assert run(["deleted"])[0].until is None


def test_a_judge_that_raises_leaves_its_subject_unknown() -> None:
    """A fault of our own is an unknown with cause internal, not a missing subject."""
    result, found = run(["active", "raise"])
    assert (result.read, result.tally.unknown, result.verdict) == (2, 1, Verdict.UNKNOWN)
    assert found[0].cause is Cause.INTERNAL


@pytest.mark.parametrize(
    ("statuses", "allow", "gaps", "expected"),
    [
        pytest.param([], False, (), Verdict.UNKNOWN, id="nothing read"),
        pytest.param(["deleted"], False, (), Verdict.UNKNOWN, id="nothing in scope"),
        pytest.param([], True, (), Verdict.PASS, id="allowed"),
        pytest.param([], True, (gap(),), Verdict.UNKNOWN, id="allowed, with a gap"),
        pytest.param(
            [], True, (gap("facts", fields=("account.status",)),), Verdict.UNKNOWN, id="allowed, facts doubtful"
        ),
    ],
)
def test_an_empty_population_is_unknown(
    statuses: list[str],
    allow: bool,  # noqa: FBT001 - a column of the table
    gaps: tuple[Gap, ...],
    expected: Verdict,
) -> None:
    """Nobody to judge is no pass, unless the configuration says so and nothing is hidden."""
    assert run(statuses, allow_empty=allow, parts=part(*gaps))[0].verdict is expected


@pytest.mark.parametrize(
    ("statuses", "missing", "threshold", "verdict", "coverage"),
    [
        pytest.param(["active"] * 4, 1, 0.8, Verdict.UNKNOWN, (0.8, 1.0), id="bounded, enough even so, still barred"),
        pytest.param(["active"] * 4, None, 0.5, Verdict.UNKNOWN, (0.0, 1.0), id="unbounded"),
        pytest.param(["active", "disabled"], 2, 0.75, Verdict.UNKNOWN, (0.25, 0.75), id="may still reach it"),
        pytest.param(["active", "disabled"], 1, 0.75, Verdict.FAIL, (1 / 3, 2 / 3), id="cannot reach it"),
        pytest.param(["active", "disabled"], None, 1.0, Verdict.FAIL, (0.0, 1.0), id="all must pass and one does not"),
        pytest.param(["active", "disabled"], None, 0.99, Verdict.UNKNOWN, (0.0, 1.0), id="many may be hidden"),
    ],
)
def test_missing_subjects_widen_the_bounds(
    statuses: list[str],
    missing: int | None,
    threshold: float,
    verdict: Verdict,
    coverage: tuple[float, float],
) -> None:
    """Subjects that may be missing are counted as failing for the low bound and as passing for the high one."""
    result, _ = run(statuses, threshold=threshold, parts=part(gap(missing=missing)))
    assert result.verdict is verdict
    assert result.tally.coverage() == pytest.approx(coverage)


def test_bounds_of_several_gaps_add_up() -> None:
    """Two members gaps hide the sum of what each may hide; one without a bound has none together either."""
    two = part(gap(missing=2), gap(cause=Cause.TRUNCATED, missing=3))
    assert run(["active"], parts=two)[0].tally.missing == 5
    assert run(["active"], parts=part(gap(missing=2), gap(cause=Cause.BUSY)))[0].tally.missing is None


def test_a_facts_gap_bars_only_what_reads_it() -> None:
    """Doubt about a field that the check does not read is shown, and bars nothing."""
    read = run(["active"], parts=part(gap("facts", fields=("account.roles", "account.status"))))[0]
    other = run(["active"], parts=part(gap("facts", fields=("account.roles",))))[0]
    assert (read.verdict, read.gaps[0].bars) == (Verdict.UNKNOWN, True)
    assert (other.verdict, other.gaps[0].bars) == (Verdict.PASS, False)


def test_a_gap_carries_the_subjects_that_it_alone_makes_unknown() -> None:
    """Such subjects are counted under the gap with three examples, in order; their findings are marked as carried."""
    result, found = run([None] * 5 + ["disabled"], parts=part(gap("facts", fields=("account.status",))))
    assert result.tally.unknown == 5
    assert (result.gaps[0].subjects, result.gaps[0].examples) == (5, tuple(f"a{i}@example.org" for i in range(3)))
    assert [item.carried for item in found] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param(gap("facts", fields=("account.mfa",)), "another field", id="another field"),
        pytest.param(gap("facts", Cause.THROTTLED, fields=("account.status",)), "another cause", id="another cause"),
        pytest.param(gap("members"), "a members gap", id="a members gap"),
    ],
)
def test_a_gap_does_not_carry_what_it_does_not_explain(told: Gap, why: str) -> None:
    """A subject that is unknown for another reason than the gap's stays a finding of its own."""
    result, found = run([None], parts=part(told))
    assert result.gaps[0].subjects == 0, why
    assert not found[0].carried


def test_a_roster_that_is_not_complete_carries_its_subjects() -> None:
    """An unknown through another source is counted under that source's members gap."""
    hidden = Gap(source="people", cause=Cause.TRUNCATED, kind="members")
    result, found = run(["roster"], joined=(Part("people", ago("3h"), (hidden,)),))
    assert (result.gaps[0].subjects, found[0].carried) == (1, True)
    assert dict(result.unknown_causes) == {"people:truncated": 1}


def test_as_of_is_the_oldest_observation_joins_included() -> None:
    """A result is as old as the oldest data that it rests on, and has no age when a source never completed."""
    assert run(["active"], joined=(Part("people", ago("7h")),))[0].as_of == ago("7h")
    assert run(["active"], joined=(Part("people", None),))[0].as_of is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"klass": "service"}, {"rule:bots": 1}, id="fits"),
        pytest.param({"klass": "SERVICE"}, {"rule:bots": 1}, id="in any case"),
        pytest.param({"klass": "human"}, {}, id="does not fit"),
        pytest.param({"klass": None}, {}, id="not told"),
        pytest.param({"klass": None, "status": "deleted"}, {"deleted": 1}, id="out of scope by itself"),
    ],
)
def test_an_exclusion_must_be_proven(told: dict[str, Any], expected: dict[str, int]) -> None:
    """A subject is left out only when every field of the rule is told and fits."""
    rule = Exclusion({"klass": "serv*", "id": "*"}, "bots")
    fold = Fold(Question(name="c", check=CHECK, policy=None, threshold=1.0, now=NOW, parts=part(), exclude=(rule,)))
    fold.feed([account(**told)])
    assert dict(fold.result().excluded) == expected


def test_an_exclusion_that_cannot_be_told_is_unknown_and_never_hides_a_failure() -> None:
    """Doubt about a rule makes a passing subject unknown, and leaves a failing one failing."""
    rule = Exclusion({"klass": "service"}, "bots")
    fold = Fold(Question(name="c", check=CHECK, policy=None, threshold=1.0, now=NOW, parts=part(), exclude=(rule,)))
    fold.feed([account("one", klass=None), account("two", klass=None, status="disabled")])
    assert (fold.result().tally.unknown, fold.result().tally.failed) == (1, 1)


def test_a_partial_collection_adds_failures_and_clears_none() -> None:
    """Over the last complete collection, a partial one may fail a subject or add one, and can clear neither."""
    fold = Fold(Question(name="c", check=CHECK, policy=None, threshold=1.0, now=NOW, parts=part()))
    healed = (account("a", status="disabled"), account("a"))
    broken = (account("b"), account("b", status="disabled"))
    found = fold.feed_over([healed, broken, (None, account("c"))])
    assert [item.subject for item in found] == ["okta-prod/a", "okta-prod/b"]
    assert (fold.result().tally.failed, fold.result().tally.passed) == (2, 1)


LOSING = dataclasses.replace(CHECK, loses=AlarmKind.MFA_LOST)
EVERY = ["active", "locked", "disabled", "deleted", "roster", "raise", None]


@pytest.mark.parametrize(
    ("check", "exclude", "expected"),
    [
        pytest.param(CHECK, (), [], id="a check that remembers nobody"),
        pytest.param(LOSING, (), ["okta-prod/a0", "okta-prod/a1"], id="passed and warned"),
        pytest.param(LOSING, (Exclusion({"id": "a0"}, "kiosk"),), ["okta-prod/a1"], id="left out"),
        pytest.param(LOSING, (Exclusion({"roles": "x"}, "role"),), ["okta-prod/a0", "okta-prod/a1"], id="not left out"),
    ],
)
def test_who_passes_goes_out_once(check: Check, exclude: Sequence[Exclusion], expected: list[str]) -> None:
    """A check that tells a loss gives those that passed, warned ones too, page by page; the result is as ever."""
    asked = Question(name="c", check=check, policy=None, threshold=1.0, now=NOW, parts=part(), exclude=exclude)
    fold, other = Fold(asked), Fold(dataclasses.replace(asked, check=CHECK))
    items = [account(f"a{index}", status=status) for index, status in enumerate(EVERY)]
    assert fold.feed(items) == other.feed(items)
    assert fold.take_passing() == expected
    assert fold.take_passing() == []
    assert fold.result() == other.result()


def test_who_passed_before_a_partial_collection_still_passes() -> None:
    """Laid over the complete collection, what is unknown in the partial one passes as before; a failure does not."""
    fold = Fold(Question(name="c", check=LOSING, policy=None, threshold=1.0, now=NOW, parts=part()))
    dim = (account("a"), account("a", status=None))
    broken = (account("b"), account("b", status="disabled"))
    fold.feed_over([dim, broken, (None, account("c"))])
    assert fold.take_passing() == ["okta-prod/a", "okta-prod/c"]


def _count_backups(item: Sequence[Record], policy: object, now: datetime, known: Known) -> Judgement:
    return failed("counts", {"records": len(item)})


@pytest.mark.parametrize(
    ("group", "subject"),
    [
        pytest.param([backup("s2"), backup_set("web"), backup("s1")], "offsite/web", id="named by its set"),
        pytest.param([backup("s2"), backup("s1")], "offsite/web", id="named by its key, without a set"),
    ],
)
def test_a_group_is_one_subject(group: list[Record], subject: str) -> None:
    """All records of a subject are judged together, under one name."""
    check = Check(
        title="t",
        family=Family.BACKUP,
        over=(BackupSet, Backup),
        reads=frozenset(),
        judge=_count_backups,
        controls=(),
        examples=(),
        by=lambda record: record.set if isinstance(record, Backup) else record.id,
    )
    fold = Fold(Question(name="c", check=check, policy=None, threshold=1.0, now=NOW, parts=(Part("offsite", NOW),)))
    found = fold.feed([group])
    assert [(item.subject, item.facts["records"]) for item in found] == [(subject, len(group))]
    assert fold.result().read == 1
