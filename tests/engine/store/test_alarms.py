"""Which failures raise an alarm, when it is raised anew, and what ends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.result import Finding
from engine.port import Alarm, Query
from engine.store import Live, Raises, Reconfigured, Store
from engine.store.instants import stored
from engine.store.opening import prepare
from engine.store.queries import migrations
from engine.store.spooled import hasher
from engine.store.sqlite import open_sqlite
from tests.engine.store.conftest import Opener
from tests.support.clock import NOW
from tests.support.judging import CHECK, KEY, finding, judge

HOUR = timedelta(hours=1)
USED, IDLE = "is a break-glass account and was used", "is dormant"
BY_REASON = Raises(reasons={USED: "used", "was opened": "used"}, renews=frozenset({"last"}))
BY_LOSS = Raises(loses="lost")


def used(last: str = "monday", **changes: object) -> Finding:
    """Build a break-glass account that was used."""
    return finding("glass", **{"reason": USED, "facts": {"last": last, "window": "90d"}, **changes})


ONE = finding("ana")
UNSURE = finding("ana", outcome=Outcome.UNKNOWN, cause=Cause.DENIED, reason="factors are not told")
HELD = msgspec.structs.replace(UNSURE, carried=True)
WARNED = finding("ana", outcome=Outcome.WARN, reason="a factor is weak")
ANA = "okta-prod/ana"


@dataclass(frozen=True)
class Step:
    """One judgement, an hour after the one before."""

    found: Sequence[Finding] = ()
    passing: Sequence[str] = ()
    complete: bool = True
    waived: bool = False
    since: int | None = None
    """The step at which the waiver began; None: this one."""
    same_policy: bool = True


async def take(store: Store, steps: Sequence[Step], raises: Raises) -> Alarm:
    """Judge step by step; give the only kind of alarm after the last."""
    last: dict[str, Alarm] = {}
    for number, step in enumerate(steps):
        began = NOW + (number if step.since is None else step.since) * HOUR
        live = Live(id="W-1", subjects=["okta-prod/*"], starts=began, ends=NOW + timedelta(days=9))
        waivers = [live] if step.waived else []
        diff = await judge(
            store,
            step.found,
            NOW + number * HOUR,
            complete=step.complete,
            waivers=waivers,
            raises=raises,
            passing=step.passing,
            same_policy=step.same_policy,
        )
        last = dict(diff.alarms)
    assert list(last) == list(raises.kinds)
    return last[raises.kinds[0]]


def raised(hour: int | None) -> Alarm:
    """Build one alarm that was raised at a step, or none."""
    return Alarm() if hour is None else Alarm(count=1, at=NOW + hour * HOUR)


FAILS, PASSES, GONE = Step([ONE]), Step(passing=[ANA]), Step()
WAS_USED = Step([used()])
WAIVED = Step([used()], waived=True)
UNTOLD = finding("glass", outcome=Outcome.UNKNOWN, cause=Cause.DENIED, reason="is not told when it was last used")


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        pytest.param([GONE], None, id="nothing fails"),
        pytest.param([WAS_USED], 0, id="it opens"),
        pytest.param([WAS_USED, WAS_USED], 0, id="it stays as it is"),
        pytest.param([Step([used(reason=IDLE)])], None, id="another reason"),
        pytest.param([Step([used(outcome=Outcome.WARN)])], None, id="a warning"),
        pytest.param([Step([used(outcome=Outcome.WARN)]), WAS_USED], 1, id="a warning that became a failure"),
        pytest.param([WAS_USED, Step([used("friday")])], 1, id="used again while it is open"),
        pytest.param([WAS_USED, Step([used(facts={"last": "monday", "window": "30d"})])], 0, id="the policy changed"),
        pytest.param([WAS_USED, Step([used(label="glass-1", urgent=True)])], 0, id="another name"),
        pytest.param([WAS_USED, Step([used(reason="was opened")])], 1, id="another reason that raises it"),
        pytest.param([WAS_USED, Step([used(reason=IDLE)])], None, id="a reason that does not"),
        pytest.param([WAS_USED, GONE], None, id="resolved"),
        pytest.param([WAS_USED, GONE, WAS_USED], 2, id="it comes back"),
        pytest.param([Step([UNTOLD])], None, id="unknown from the start"),
        pytest.param([WAS_USED, Step([UNTOLD])], 0, id="unknown since"),
        pytest.param([Step([used()], waived=True), Step([UNTOLD], waived=True)], None, id="waived, and unknown since"),
        pytest.param([WAS_USED, Step([UNTOLD]), GONE], None, id="unknown, then resolved"),
        pytest.param([WAS_USED, Step([UNTOLD]), WAS_USED], 0, id="unknown for a while"),
        pytest.param([WAS_USED, Step([UNTOLD]), Step([used("friday")])], 2, id="used again while unknown"),
        pytest.param([WAS_USED, Step([used(carried=True, outcome=Outcome.UNKNOWN)])], 0, id="held by a gap"),
        pytest.param([WAS_USED, Step(complete=False)], 0, id="absent from a partial collection"),
        pytest.param([Step([used()], waived=True)], None, id="waived"),
        pytest.param([Step([used()], waived=True), WAS_USED], 0, id="the waiver ended"),
        pytest.param([WAS_USED, Step(complete=False, waived=True)], None, id="waived while it is absent"),
        pytest.param([WAS_USED, WAIVED], None, id="used, then waived"),
        pytest.param([WAS_USED, WAIVED, Step([used("friday")], waived=True, since=1)], 2, id="used again, waived"),
        pytest.param([Step(), Step([used()], waived=True, since=0)], 1, id="waived before it was used"),
        pytest.param(
            [WAS_USED, WAIVED, Step([used("friday")], waived=True, since=1), Step([used("friday")], waived=True)],
            None,
            id="used again, and waived anew",
        ),
    ],
)
async def test_a_reason_raises_an_alarm(store: Store, steps: Sequence[Step], at: int | None) -> None:
    """After these judgements one alarm counts, raised at this one; or none does."""
    assert await take(store, steps, BY_REASON) == raised(at)


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        pytest.param([FAILS], None, id="it never passed"),
        pytest.param([FAILS, FAILS], None, id="it never passed, still"),
        pytest.param([PASSES, FAILS], 1, id="lost"),
        pytest.param([PASSES, FAILS, FAILS], 1, id="still lost"),
        pytest.param([PASSES, FAILS, Step([finding("ana", facts={"mfa": None})])], 1, id="lost, with other facts"),
        pytest.param([PASSES, FAILS, Step([finding("ana", reason="other")])], 1, id="lost, for another reason"),
        pytest.param([Step([WARNED], [ANA]), FAILS], 1, id="lost by one that was warned"),
        pytest.param([PASSES, Step([UNSURE]), FAILS], 2, id="lost while nobody could tell"),
        pytest.param([PASSES, Step([HELD]), FAILS], 2, id="lost behind a gap"),
        pytest.param([PASSES, FAILS, Step([UNSURE])], 1, id="lost, and unknown since"),
        pytest.param([PASSES, FAILS, Step([UNSURE]), FAILS], 1, id="lost, unknown, lost"),
        pytest.param([PASSES, FAILS, Step([HELD])], 1, id="lost, and held"),
        pytest.param([PASSES, FAILS, PASSES], None, id="won back"),
        pytest.param([PASSES, FAILS, Step([WARNED], [ANA])], None, id="won back with a warning"),
        pytest.param([PASSES, FAILS, PASSES, FAILS], 3, id="lost again"),
        pytest.param([PASSES, FAILS, Step([WARNED], [ANA]), FAILS], 3, id="lost again after a warning"),
        pytest.param([PASSES, GONE, FAILS], 2, id="gone, and back without it"),
        pytest.param([PASSES, GONE, GONE, Step([UNSURE]), FAILS], 4, id="gone, untold, and back without it"),
        pytest.param([PASSES, GONE, PASSES, FAILS], 3, id="gone, back, and lost"),
        pytest.param([PASSES, GONE, Step([ONE], same_policy=False)], None, id="back after the policy changed"),
        pytest.param([FAILS, GONE, FAILS], None, id="it never passed, gone, and back"),
        pytest.param([PASSES, Step(complete=False), FAILS], 2, id="absent from a partial collection"),
        pytest.param([PASSES, FAILS, Step(complete=False)], 1, id="lost, and absent from a partial collection"),
        pytest.param([PASSES, FAILS, GONE, FAILS], 3, id="lost, gone, and back without it"),
        pytest.param([PASSES, FAILS, GONE, FAILS, FAILS], 3, id="lost, gone, back without it, and so still"),
        pytest.param([PASSES, FAILS, GONE, PASSES], None, id="lost, gone, and back with it"),
        pytest.param([PASSES, FAILS, Step([UNSURE]), GONE, FAILS], 4, id="lost, untold, gone, and back without it"),
        pytest.param([PASSES, Step([ONE], complete=False)], 1, id="a partial collection adds the loss"),
        pytest.param([FAILS, Step(passing=[ANA], complete=False), FAILS], 2, id="passed in a partial collection"),
        pytest.param([PASSES, Step([ONE], same_policy=False)], None, id="the policy changed"),
        pytest.param([PASSES, Step([ONE], same_policy=False), FAILS], None, id="the policy changed before"),
        pytest.param([PASSES, FAILS, Step([ONE], same_policy=False)], 1, id="lost, then the policy changed"),
        pytest.param([PASSES, Step(passing=[ANA], same_policy=False), FAILS], 2, id="passed under both policies"),
        pytest.param([PASSES, Step([ONE], waived=True)], None, id="waived"),
        pytest.param([PASSES, Step([ONE], waived=True), FAILS], 1, id="the waiver ended"),
        pytest.param([PASSES, Step([ONE, WARNED], [ANA]), FAILS], 1, id="the worst of several"),
        pytest.param(
            [FAILS, Step(passing=[ANA], complete=False), Step(complete=False)], None, id="passed, then not shown"
        ),
    ],
)
async def test_a_loss_raises_an_alarm(store: Store, steps: Sequence[Step], at: int | None) -> None:
    """After these judgements one loss counts, told at this one; or none does."""
    assert await take(store, steps, BY_LOSS) == raised(at)


async def test_a_due_date_silences_no_alarm(store: Store) -> None:
    """A failure that has time until it is due is undue, and raises its alarm all the same."""
    diff = await judge(store, [used()], remediate_within=timedelta(days=30), raises=BY_REASON)
    assert (diff.undue, diff.alarms) == (1, {"used": raised(0)})


async def test_several_alarms_are_counted_with_the_latest(store: Store) -> None:
    """The count is of all that are open; the instant is that of the last one raised."""
    await judge(store, [used()], raises=BY_REASON)
    diff = await judge(store, [used(), used(subject="okta-prod/other")], NOW + HOUR, raises=BY_REASON)
    assert diff.alarms == {"used": Alarm(count=2, at=NOW + HOUR)}


async def test_an_alarm_that_is_new_to_the_check_is_raised_of_what_is_open(store: Store) -> None:
    """A version that declares an alarm raises it of unchanged failures, and one that drops it counts none."""
    assert (await judge(store, [used()])).alarms == {}
    assert (await judge(store, [used()], NOW + HOUR, raises=BY_REASON)).alarms == {"used": raised(1)}
    assert (await judge(store, [used()], NOW + 2 * HOUR)).alarms == {}


async def test_checks_remember_apart(store: Store) -> None:
    """What passed one check is no loss to another."""
    await judge(store, [], check="one", raises=BY_LOSS, passing=[ANA])
    diff = await judge(store, [ONE], NOW + HOUR, check="two", raises=BY_LOSS)
    assert diff.alarms == {"lost": Alarm()}


async def test_a_restart_and_a_new_name_keep_what_passed_and_what_was_lost(opener: Opener) -> None:
    """Opened anew and renamed, the store still tells a loss from a lack, and when it was told."""
    store = opener()
    both = [ANA, "okta-prod/ben"]
    await judge(store, [], raises=BY_LOSS, passing=both)
    await judge(store, [ONE], NOW + HOUR, raises=BY_LOSS, passing=both[1:])
    await store.reconfigure(Reconfigured(renamed={CHECK: "admins"}), NOW)
    await store.close()
    store = opener()
    again = await judge(store, [ONE], NOW + 2 * HOUR, check="admins", raises=BY_LOSS, passing=both[1:])
    more = await judge(store, [ONE, finding("ben")], NOW + 3 * HOUR, check="admins", raises=BY_LOSS)
    await store.close()
    assert again.alarms == {"lost": Alarm(count=1, at=NOW + HOUR)}
    assert more.alarms == {"lost": Alarm(count=2, at=NOW + 3 * HOUR)}


@pytest.mark.parametrize(
    ("checks", "sources"),
    [pytest.param([CHECK], [], id="check"), pytest.param([], ["okta-prod"], id="source")],
)
async def test_what_is_removed_forgets_who_passed(store: Store, checks: Sequence[str], sources: Sequence[str]) -> None:
    """Nobody watched in between, so a failure after the return proves no loss; one that was told still stands."""
    both = [ANA, "okta-prod/ben"]
    await judge(store, [], raises=BY_LOSS, passing=both)
    await judge(store, [ONE], NOW + HOUR, raises=BY_LOSS, passing=both[1:])
    await store.reconfigure(Reconfigured(gone_checks=checks, gone_sources=sources), NOW + HOUR)
    gone = await judge(store, [], NOW + 2 * HOUR, check="another", raises=BY_LOSS)
    back = await judge(store, [ONE, finding("ben")], NOW + 3 * HOUR, raises=BY_LOSS)
    assert gone.alarms == {"lost": Alarm()}
    assert back.alarms == {"lost": raised(1)}


async def test_a_retired_finding_counts_no_alarm(store: Store) -> None:
    """The findings of a removed source are not open, so they raise nothing while they are away."""
    await judge(store, [used()], raises=BY_REASON)
    await store.reconfigure(Reconfigured(gone_sources=["okta-prod"]), NOW)
    assert (await judge(store, [], NOW + HOUR, raises=BY_REASON)).alarms == {"used": Alarm()}


async def test_who_is_forgotten_leaves_no_trace_and_raises_nothing_twice(opener: Opener, tmp_path: Path) -> None:
    """The hash of what raised an alarm goes with the facts; the alarm stays, and only a new use raises it anew."""
    store = opener()
    await judge(store, [used()], raises=BY_REASON)
    await judge(store, [], check="admins", raises=BY_LOSS, passing=["okta-prod/glass"])
    await store.forget("okta-prod/glass")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        assert raw.execute("SELECT count(*) FROM passers").fetchone() == (0,)
        assert raw.execute("SELECT alarm, alarm_mark FROM findings").fetchall() == [("used", None)]
    again = [await judge(store, [used(last)], NOW + HOUR, raises=BY_REASON) for last in ("monday", "friday")]
    await store.close()
    assert [diff.alarms["used"] for diff in again] == [raised(0), raised(1)]


@pytest.mark.parametrize(
    ("away", "at"),
    [
        pytest.param(timedelta(days=30), Alarm(count=1, at=NOW + timedelta(days=31)), id="thirty days"),
        pytest.param(timedelta(days=30, hours=1), Alarm(), id="longer"),
    ],
)
@pytest.mark.parametrize("lost", [pytest.param(False, id="passed"), pytest.param(True, id="lost")])
async def test_who_left_is_remembered_for_thirty_days(store: Store, away: timedelta, at: Alarm, *, lost: bool) -> None:
    """Whoever comes back within them without what it had has lost it; later it is new."""
    gone = NOW + timedelta(days=31) - away
    await judge(store, [], NOW - HOUR, raises=BY_LOSS, passing=[ANA])
    if lost:
        await judge(store, [ONE], NOW, raises=BY_LOSS)
    for complete, now in ((True, gone), (True, gone + HOUR), (False, gone + 2 * HOUR)):
        await judge(store, [], now, complete=complete, raises=BY_LOSS)
    back = await judge(store, [ONE], NOW + timedelta(days=31), raises=BY_LOSS)
    assert back.alarms == {"lost": at}


async def test_a_waiver_covers_a_condition_however_often_it_returns(store: Store) -> None:
    """A backup that is overdue again, and may be, wakes nobody; no use and no loss is such a condition."""
    late = Raises(reasons={USED: "late"})
    live = Live(id="W-1", subjects=["okta-prod/*"], starts=NOW, ends=NOW + timedelta(days=9))
    for hour, found in enumerate([[used()], [], [used()]], 1):
        diff = await judge(store, found, NOW + hour * HOUR, waivers=[live], raises=late)
        assert diff.alarms == {"late": Alarm()}


async def test_a_loss_that_comes_after_its_waiver_began_is_told(store: Store) -> None:
    """Who may be without a second factor, got one and lost it, is told; the finding stays waived."""
    live = Live(id="W-1", subjects=["okta-prod/*"], starts=NOW, ends=NOW + timedelta(days=9))
    steps: Sequence[tuple[list[Finding], list[str]]] = (([ONE], []), ([], [ANA]), ([ONE], []))
    diffs = [
        await judge(store, found, NOW + hour * HOUR, waivers=[live], raises=BY_LOSS, passing=passing)
        for hour, (found, passing) in enumerate(steps)
    ]
    assert [diff.alarms["lost"].count for diff in diffs] == [0, 0, 1]
    assert diffs[-1].waived == 1


async def test_of_several_waivers_the_one_that_began_last_counts(store: Store) -> None:
    """The one that ends last is named, and what the other one began after is accepted."""
    old = Live(id="W-1", subjects=["okta-prod/*"], starts=NOW, ends=NOW + timedelta(days=9))
    new = Live(id="W-2", subjects=["glass@example.org"], starts=NOW + HOUR, ends=NOW + timedelta(days=2))
    await judge(store, [], raises=BY_REASON)
    diffs = [
        await judge(store, [used()], NOW + HOUR, waivers=waivers, raises=BY_REASON)
        for waivers in ([old], [old, new], [new, old], [old])
    ]
    assert [diff.alarms["used"].count for diff in diffs] == [1, 0, 0, 1]
    assert [row.waiver for row in (await store.rows(Query(), NOW)).rows] == ["W-1"]


async def test_passers_are_no_more_than_passed_lately(opener: Opener, tmp_path: Path) -> None:
    """Thousands come and go, and those that left long ago are not remembered."""
    store = opener()
    for turn, first in enumerate((0, 1_000, 2_000, 2_000)):
        names = [f"okta-prod/{number}" for number in range(first, first + 2_000)]
        await judge(store, [], NOW + turn * timedelta(days=31), raises=BY_LOSS, passing=names)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        assert raw.execute("SELECT count(*) FROM passers").fetchone() == (2_000,)


async def test_a_store_of_the_first_schema_gets_its_alarms(tmp_path: Path) -> None:
    """What was open before the migration is open after it, raises its alarm when judged again, and a copy was kept."""
    path = tmp_path / "store.sqlite"
    _first_schema(path)
    store = open_sqlite(path, subject_key=KEY)
    [row] = (await store.rows(Query(), NOW)).rows
    diff = await judge(store, [used()], NOW + HOUR, raises=BY_REASON)
    await store.close()
    assert (row.label, row.reason, row.first_seen) == ("glass@example.org", USED, NOW)
    assert (diff.opened, diff.alarms) == (0, {"used": raised(1)})
    with closing(sqlite3.connect(tmp_path / "store.sqlite.schema-1.bak")) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
        assert raw.execute("SELECT count(*) FROM findings").fetchone() == (1,)


def _first_schema(path: Path) -> None:
    """Write a store as the first schema had it, with one open finding."""
    prepare(path, migrations()[:1])
    row = {"now": stored(NOW), "reason": USED}
    hashed = hasher(KEY)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO checks (id, name, family) VALUES (1, 'workforce-mfa', 'mfa')")
        subject = hashed(b"okta-prod/glass")
        raw.execute("INSERT INTO subjects VALUES (?, 'okta-prod/glass', 'glass@example.org')", (subject,))
        raw.execute(
            "INSERT INTO findings (check_id, subject, source, outcome, reason, facts, urgent, mark, first_seen,"
            " opened_at) VALUES (1, :subject, 'okta-prod', 'fail', :reason, '{}', 0, :mark, :now, :now)",
            {**row, "subject": subject, "mark": hashed(msgspec.json.encode(used(), order="deterministic"))},
        )
