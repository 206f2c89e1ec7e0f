"""What a judgement opens, resolves, holds and re-dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.result import Finding
from checks.model.state import State
from engine.port import Query, Row
from engine.store import Diff, Live, Store, StoreError
from engine.store.diff import matcher
from engine.store.sqlite import open_sqlite
from tests.support.clock import NOW
from tests.support.judging import CHECK, KEY, finding, judge

HOUR = timedelta(hours=1)
DAYS_30 = timedelta(days=30)

ANA, BEN = finding("ana"), finding("ben")
ANA_UNKNOWN = finding("ana", outcome=Outcome.UNKNOWN, cause=Cause.DENIED, reason="factors are not told")
ANA_WARNED = finding("ana", outcome=Outcome.WARN, reason="a factor is weak", urgent=True)
ANA_HELD = finding("ana", outcome=Outcome.UNKNOWN, cause=Cause.DENIED, reason="factors are not told", carried=True)


async def open_rows(store: Store, now: datetime = NOW) -> dict[str, Row]:
    """Give the open findings by the last part of their subject."""
    found = await store.rows(Query(limit=10_000), now)
    return {row.subject.removeprefix("okta-prod/"): row for row in found.rows}


@pytest.mark.parametrize(
    ("first", "second", "complete", "expected", "left"),
    [
        pytest.param([], [ANA], True, Diff(opened=1), {"ana": "fail"}, id="opened"),
        pytest.param([ANA], [ANA], True, Diff(), {"ana": "fail"}, id="unchanged"),
        pytest.param([ANA, BEN], [BEN], True, Diff(resolved=1), {"ben": "fail"}, id="resolved"),
        pytest.param([ANA, BEN], [], True, Diff(resolved=2), {}, id="all resolved"),
        pytest.param([ANA, BEN], [BEN], False, Diff(), {"ana": "fail", "ben": "fail"}, id="partial resolves nothing"),
        pytest.param([ANA], [BEN], False, Diff(opened=1), {"ana": "fail", "ben": "fail"}, id="partial adds"),
        pytest.param([ANA], [ANA_HELD], True, Diff(), {"ana": "fail"}, id="carried holds an open one"),
        pytest.param([], [ANA_HELD], True, Diff(), {}, id="carried opens nothing"),
        pytest.param([ANA], [ANA_UNKNOWN], True, Diff(), {"ana": "unknown"}, id="fail to unknown"),
        pytest.param([ANA_UNKNOWN], [ANA_WARNED], True, Diff(), {"ana": "warn"}, id="unknown to warn"),
        pytest.param([ANA_WARNED], [ANA], True, Diff(), {"ana": "fail"}, id="warn to fail"),
        pytest.param([], [ANA_WARNED, ANA, ANA_UNKNOWN], True, Diff(opened=1), {"ana": "fail"}, id="worst of several"),
        pytest.param([ANA], [ANA_WARNED, ANA], True, Diff(), {"ana": "fail"}, id="a lesser one beside the stored"),
        pytest.param(
            [ANA_WARNED], [ANA_WARNED, ANA], True, Diff(), {"ana": "fail"}, id="a worse one beside the stored"
        ),
        pytest.param([ANA], [ANA, ANA], True, Diff(), {"ana": "fail"}, id="the same twice"),
    ],
)
async def test_a_judgement_changes_what_it_says(
    store: Store,
    first: Sequence[Finding],
    second: Sequence[Finding],
    *,
    complete: bool,
    expected: Diff,
    left: Mapping[str, str],
) -> None:
    """After a complete first judgement the second leaves these findings open, and counts what it changed."""
    await judge(store, first)
    assert await judge(store, second, NOW + HOUR, complete=complete) == expected
    assert {name: row.outcome for name, row in (await open_rows(store)).items()} == left


async def test_first_seen_and_due_stay_while_a_finding_is_open(store: Store) -> None:
    """Neither a changed outcome nor a changed policy moves the instant of first sight or the due date."""
    await judge(store, [ANA], remediate_within=DAYS_30)
    await judge(store, [ANA_UNKNOWN], NOW + HOUR, remediate_within=DAYS_30)
    await judge(store, [ANA], NOW + 2 * HOUR, remediate_within=timedelta(days=90))
    row = (await open_rows(store))["ana"]
    assert (row.first_seen, row.due) == (NOW, NOW + DAYS_30)


async def test_what_comes_back_keeps_its_id_and_is_due_anew(store: Store) -> None:
    """A regression is counted; the new opening has its own first sight and due date, and no acknowledgement."""
    await judge(store, [ANA], remediate_within=DAYS_30)
    before = (await open_rows(store))["ana"]
    assert await store.ack(before.id, "ticket 7", "lee", NOW)
    await judge(store, [], NOW + HOUR)
    diff = await judge(store, [ANA], NOW + 2 * HOUR, remediate_within=DAYS_30)
    after = (await open_rows(store))["ana"]
    assert (diff.opened, diff.regressed) == (1, 1)
    assert (after.id, after.regressions, after.acked) == (before.id, 1, None)
    assert (after.first_seen, after.due) == (NOW + 2 * HOUR, NOW + 2 * HOUR + DAYS_30)


async def test_a_failure_is_undue_until_its_due_date(store: Store) -> None:
    """Before its due date a failure is undue and names the date; at it, and without a grace, it is not."""
    assert (await judge(store, [BEN])).undue == 0
    diff = await judge(store, [ANA, BEN], NOW + HOUR, remediate_within=DAYS_30)
    assert (diff.undue, diff.next_due) == (1, NOW + HOUR + DAYS_30)
    last = await judge(store, [ANA, BEN], NOW + HOUR + DAYS_30, remediate_within=DAYS_30)
    assert (last.undue, last.next_due) == (0, None)


@pytest.mark.parametrize(
    ("pattern", "covers"),
    [
        ("okta-prod/ana", True),
        ("ana@example.org", True),
        ("ANA@example.org", True),
        ("okta-prod/ANA", False),
        ("ana@*", True),
        ("okta-prod/*", True),
        ("okta-prod/an?", True),
        ("ana", False),
        ("okta-prod/[ab]na", False),
    ],
)
async def test_a_waiver_covers_what_is_written(store: Store, pattern: str, *, covers: bool) -> None:
    """A waiver covers an exact subject, a label whatever its case, or what fits ``*`` and ``?``, and nothing else."""
    waiver = Live(id="W-1", subjects=[pattern], starts=NOW, ends=NOW + DAYS_30)
    diff = await judge(store, [ANA], waivers=[waiver])
    assert (diff.waived, diff.next_due) == ((1, NOW + DAYS_30) if covers else (0, None))
    assert (await open_rows(store))["ana"].waiver == ("W-1" if covers else None)


def test_brackets_stand_for_themselves() -> None:
    """A subject with an IPv6 address is waived by its own text, which is no pattern for others."""
    match = matcher([Live(id="W", subjects=["edge/[2001:db8::1]:443"], starts=NOW, ends=NOW)])
    assert match("edge/[2001:db8::1]:443", "") is not None
    assert match("edge/2:443", "") is None


async def test_waivers_begin_and_end_with_the_judgement(store: Store) -> None:
    """An unchanged failure takes up a new waiver, loses one that is gone, and one that is over covers nothing."""
    waiver = Live(id="W-1", subjects=["okta-prod/*"], starts=NOW, ends=NOW + 3 * HOUR)
    assert (await judge(store, [ANA])).waived == 0
    assert (await judge(store, [ANA], NOW + HOUR, waivers=[waiver])).waived == 1
    assert (await judge(store, [ANA], NOW + 2 * HOUR)).waived == 0
    assert (await judge(store, [ANA], NOW + 3 * HOUR, waivers=[waiver])).waived == 0
    assert (await open_rows(store))["ana"].waiver is None


async def test_a_waived_failure_is_not_undue(store: Store) -> None:
    """A failure is forgiven once: by its waiver, not by its due date as well."""
    waiver = Live(id="W-1", subjects=["okta-prod/ana"], starts=NOW, ends=NOW + HOUR)
    diff = await judge(store, [ANA, BEN], remediate_within=DAYS_30, waivers=[waiver])
    assert (diff.waived, diff.undue, diff.next_due) == (1, 1, NOW + HOUR)


@pytest.mark.parametrize(
    ("second", "complete"),
    [
        pytest.param([ANA_HELD], True, id="held"),
        pytest.param([], False, id="not shown by a partial collection"),
        pytest.param([ANA_UNKNOWN], True, id="unknown now"),
        pytest.param([ANA_WARNED], True, id="warned now"),
    ],
)
async def test_only_failures_of_this_judgement_are_forgiven(
    store: Store,
    second: Sequence[Finding],
    *,
    complete: bool,
) -> None:
    """A failure that is not in this judgement's tally is neither waived nor undue in it: else too much would pass."""
    waiver = Live(id="W-1", subjects=["okta-prod/ana"], starts=NOW, ends=NOW + DAYS_30)
    await judge(store, [ANA], remediate_within=DAYS_30, waivers=[waiver])
    diff = await judge(store, second, NOW + HOUR, complete=complete, remediate_within=DAYS_30, waivers=[waiver])
    assert (diff.waived, diff.undue) == (0, 0)


async def test_checks_do_not_touch_each_other(store: Store) -> None:
    """The same subject has a finding per check; judging one check leaves the other's as it was."""
    await judge(store, [ANA], check="one")
    await judge(store, [ANA, BEN], check="two")
    assert (await judge(store, [], NOW + HOUR, check="two")).resolved == 2
    rows = await store.rows(Query(), NOW)
    assert [(row.check, row.label) for row in rows.rows] == [("one", "ana@example.org")]


async def test_a_new_label_is_shown(store: Store) -> None:
    """A renamed login shows under its new name, and its finding is the same."""
    await judge(store, [ANA])
    diff = await judge(store, [finding("ana", label="anna@example.org")], NOW + HOUR)
    assert diff == Diff()
    assert (await open_rows(store))["ana"].label == "anna@example.org"


async def test_history_tells_openings_changes_and_resolutions(store: Store) -> None:
    """What happened to a finding is told newest first; facts that change alone are no news."""
    await judge(store, [ANA])
    await judge(store, [finding("ana", facts={"mfa": False, "age": "91d"})], NOW + HOUR)
    await judge(store, [ANA_UNKNOWN], NOW + 2 * HOUR)
    await judge(store, [], NOW + 3 * HOUR)
    await judge(store, [ANA], NOW + 4 * HOUR)
    row = (await open_rows(store))["ana"]
    told = [(event.at, event.text.partition(":")[0], event.state) for event in await store.history(row.id)]
    assert told == [
        (NOW + 4 * HOUR, "regressed", State.FAIL),
        (NOW + 3 * HOUR, "resolved", None),
        (NOW + 2 * HOUR, "changed", State.UNKNOWN),
        (NOW, "opened", State.FAIL),
    ]


async def test_stages_grow_side_by_side(store: Store) -> None:
    """Several judgements are staged at once, page by page in turn, and settle one after the other."""
    one, two = store.stage("one", "mfa"), store.stage("two", "mfa")
    for number in range(3):
        await one.add([finding(f"one-{number}")])
        await two.add([finding(f"two-{number}-{part}") for part in range(1_000)])
    for stage, count in ((two, 3_000), (one, 3)):
        diff = await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())
        assert diff.opened == count
        await stage.abort()
    assert (await store.rows(Query(view="all"), NOW)).total == 0


async def test_an_aborted_stage_changes_nothing_and_frees_the_turn(store: Store) -> None:
    """After abort, before or after the comparison, nothing is to be seen and the next judgement goes ahead."""
    stage = store.stage(CHECK, "mfa")
    await stage.add([ANA])
    await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())
    await stage.abort()
    await stage.abort()
    assert await open_rows(store) == {}
    assert (await judge(store, [BEN])).opened == 1


async def test_a_stage_is_compared_once_and_committed_once(store: Store) -> None:
    """A stage that is over refuses: a second comparison without its findings would resolve them all."""
    stage = store.stage(CHECK, "mfa")
    await stage.add([ANA])
    await stage.abort()
    with pytest.raises(StoreError, match="over"):
        await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())


@dataclass
class Oracle:
    """The diff in plain Python: what a reader would do with a dictionary and a pencil."""

    rows: dict[str, tuple[Outcome, str, datetime, datetime, int]] = field(default_factory=dict)
    """Subject to outcome, reason, opened, due, regressions of open findings."""
    gone: dict[str, int] = field(default_factory=dict)
    """Subject to regressions of resolved ones."""

    def judge(self, found: Sequence[Finding], now: datetime, *, complete: bool) -> tuple[int, int, int]:
        """Apply one judgement; give how many opened, resolved, came back."""
        opened = resolved = regressed = 0
        staged: dict[str, tuple[Outcome, str]] = {}
        for item in found:
            if not item.carried:
                shown = (item.outcome, item.reason)
                staged[item.subject] = min(staged.get(item.subject, shown), shown)
        for subject, (outcome, reason) in staged.items():
            if subject in self.rows:
                _, _, since, due, times = self.rows[subject]
            else:
                back = subject in self.gone
                times = self.gone.pop(subject) + 1 if back else 0
                since, due = now, now + DAYS_30
                opened, regressed = opened + 1, regressed + back
            self.rows[subject] = (outcome, reason, since, due, times)
        held = {item.subject for item in found}
        for subject in [subject for subject in self.rows if complete and subject not in held]:
            self.gone[subject] = self.rows.pop(subject)[4]
            resolved += 1
        return opened, resolved, regressed


FINDINGS = st.builds(
    finding,
    st.sampled_from(["a", "b", "c", "d", "e"]),
    outcome=st.sampled_from([Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN]),
    reason=st.sampled_from(["one", "two"]),
    carried=st.booleans(),
    facts=st.sampled_from([{"n": 1}, {"n": 2}]),
)
JUDGEMENTS = st.lists(st.tuples(st.lists(FINDINGS, max_size=6), st.booleans()), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(JUDGEMENTS, st.integers(0, 3))
async def test_the_store_agrees_with_a_pencil(
    tmp_path_factory: pytest.TempPathFactory,
    judgements: Sequence[tuple[Sequence[Finding], bool]],
    in_memory: int,
) -> None:
    """Over any run of judgements the store opens, resolves, holds and dates exactly as the plain Python oracle does."""
    store = open_sqlite(tmp_path_factory.mktemp("property") / "store.sqlite", subject_key=KEY, in_memory=in_memory)
    oracle = Oracle()
    try:
        for number, (found, complete) in enumerate(judgements):
            now = NOW + number * HOUR
            diff = await judge(store, found, now, complete=complete, remediate_within=DAYS_30)
            assert (diff.opened, diff.resolved, diff.regressed) == oracle.judge(found, now, complete=complete)
            rows = (await store.rows(Query(), now)).rows
            stored = {row.subject: (row.outcome, row.reason, row.first_seen, row.due, row.regressions) for row in rows}
            assert stored == oracle.rows
            failing = {item.subject for item in found if not item.carried and item.outcome is Outcome.FAIL}
            assert diff.waived + diff.undue <= len(failing)
        assert (await store.verify()).first_bad is None
    finally:
        await store.close()
