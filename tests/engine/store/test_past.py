"""What became of checks, what was told about it, and how much of that is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.state import State, Tally, Verdict
from engine.port import Event, EventQuery, Lapse, Past, PastQuery, Query
from engine.store import CheckMemory, Reconfigured, Store, ledger, past
from engine.store.instants import stored, told
from engine.store.opening import prepare
from engine.store.queries import migrations
from engine.store.sqlite import open_sqlite
from tests.engine.store.conftest import Opener
from tests.support.clock import NOW
from tests.support.judging import CHECK, KEY, judge, memory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0, minute=0)


def judged(at: datetime, state: State = State.FAIL, **changes: Any) -> CheckMemory:
    """Build what is remembered of a check whose result was changed."""
    plain = memory(state=state, now=at)
    assert plain.result is not None
    return msgspec.structs.replace(plain, result=msgspec.structs.replace(plain.result, **changes))


async def became(store: Store, name: str = CHECK) -> Past:
    """Give what became of a check, ever."""
    [told] = await store.past(PastQuery(checks=(name,), since=NOW - 999 * DAY, until=NOW + 999 * DAY))
    return told


async def test_a_check_that_was_renamed_keeps_its_past(store: Store) -> None:
    """Its turns and days are under the new name, and none are left under the old one."""
    await judge(store, [], NOW)
    before = await became(store)
    await store.reconfigure(Reconfigured(renamed={CHECK: "staff-mfa"}), NOW)
    after = await became(store, "staff-mfa")
    assert (after.turns, after.days) == (before.turns, before.days) != ([], [])
    assert await became(store) == Past(check=CHECK)


async def test_a_check_that_was_retired_holds_no_state(store: Store) -> None:
    """From its removal on nothing holds; once it is judged again, that does."""
    await judge(store, [], NOW, remembered=memory(state=State.PASS))
    await store.reconfigure(Reconfigured(gone_checks=[CHECK]), NOW + HOUR)
    await judge(store, [], NOW + DAY, remembered=memory(state=State.PASS, now=NOW + DAY))
    told = await became(store)
    assert [(turn.at - NOW, turn.state) for turn in told.turns] == [
        (timedelta(0), State.PASS),
        (HOUR, None),
        (DAY, State.PASS),
    ]
    [held] = await store.past(PastQuery(checks=(CHECK,), since=NOW + 2 * HOUR, until=NOW + 3 * HOUR))
    assert [turn.state for turn in held.turns] == [None]


async def test_an_engine_that_stood_still_is_a_gap(store: Store) -> None:
    """Days on which nobody looked are not among the days, and the next one tells how long that was."""
    for days in (0, 1, 5):
        await judge(store, [], NOW + days * DAY, remembered=memory(now=NOW + days * DAY))
    told = await became(store)
    assert [(day.day.day, day.longest_gap_seconds / 86_400) for day in told.days] == [(21, 0.0), (22, 1.0), (26, 4.0)]


async def test_a_time_without_a_judgement_is_kept_with_its_place(store: Store) -> None:
    """Of an hour or more; what is shorter is no lapse."""
    for minutes in (0, 15, 30, 150, 165):
        at = MIDNIGHT + timedelta(minutes=minutes)
        await judge(store, [], at, remembered=memory(now=at))
    [day] = (await became(store)).days
    assert day.lapses == (Lapse(start=MIDNIGHT + timedelta(minutes=30), end=MIDNIGHT + timedelta(minutes=150)),)


async def test_a_check_of_a_short_age_keeps_short_lapses(store: Store) -> None:
    """What is stale after ten minutes was not believed for longer."""
    for minutes in (0, 5, 20):
        at = MIDNIGHT + timedelta(minutes=minutes)
        await judge(store, [], at, remembered=memory(now=at, max_age_seconds=600.0))
    [day] = (await became(store)).days
    assert [each.start - MIDNIGHT for each in day.lapses or ()] == [timedelta(minutes=5)]


async def test_a_turn_tells_who_may_be_missing_and_its_evidence(store: Store) -> None:
    """The evidence where the state changed; None missing is no bound, and not nobody."""
    for hours, state, missing in ((0, State.FAIL, 3), (1, State.FAIL, None), (2, State.PASS, 0)):
        at = NOW + hours * HOUR
        remembered = judged(at, state, tally=Tally(passed=9, failed=1, missing=missing))
        await judge(store, [], at, remembered=msgspec.structs.replace(remembered, manifests=("sha256:aa",)))
    turns = (await became(store)).turns
    assert [(turn.missing, turn.evidence) for turn in turns] == [(3, ("sha256:aa",)), (None, ()), (0, ("sha256:aa",))]


async def test_an_event_tells_who_did_it_and_several_objects_are_asked_for_at_once(store: Store) -> None:
    """By whom, as claimed; and of any of the names."""
    told = [Event(at=NOW, kind="operator", what=name, text="paused", by=by) for name, by in (("a", "ana"), ("b", ""))]
    await store.append((), [*told, Event(at=NOW, kind="operator", what="c", text="paused")])
    found = await store.events(EventQuery(whats=("a", "b")))
    assert sorted((each.what, each.by) for each in found.events) == [("a", "ana"), ("b", "")]
    assert [each.by for each in (await store.load()).events][-1] == "ana"
    assert (await store.events(EventQuery(text="ana"))).matching == 1


async def test_events_are_counted_part_by_part(store: Store) -> None:
    """Of those that match, between two instants; without both of them nothing is counted."""
    told = [Event(at=NOW + number * HOUR, kind="source", what="aws", text="503") for number in (0, 1, 1, 3)]
    await store.append((), [*told, Event(at=NOW, kind="engine", what="engine", text="new")])
    asked = EventQuery(kinds=("source",), since=NOW, until=NOW + 4 * HOUR, cells=4, limit=0)
    assert (await store.events(asked)).counts == [1, 2, 0, 1]
    assert (await store.events(EventQuery(cells=4))).counts == []


async def test_a_day_tells_how_many_judgements_were_conclusive(store: Store) -> None:
    """A judgement that came out unknown is counted, and is not conclusive."""
    for hours, verdict in ((0, Verdict.PASS), (1, Verdict.UNKNOWN), (2, Verdict.FAIL)):
        await judge(store, [], NOW + hours * HOUR, remembered=judged(NOW + hours * HOUR, verdict=verdict))
    [day] = (await became(store)).days
    assert (day.judged, day.conclusive, day.last_at - day.first_at) == (3, 2, 2 * HOUR)


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        pytest.param(99, [0, 1, 2, 25, 26, 49, 50], id="all, while they are few"),
        pytest.param(6, [0, 2, 26, 49, 50], id="the last of each day where counts alone changed"),
        pytest.param(3, [26, 49, 50], id="the latest, if that is not enough"),
    ],
)
async def test_a_flapping_check_is_told_in_less_detail(
    opener: Opener, monkeypatch: pytest.MonkeyPatch, most: int, kept: list[int]
) -> None:
    """Turns of state stay longest; what is left out is the oldest."""
    monkeypatch.setattr(past, "MOST_TURNS", most)
    store = opener()
    for hours, state in ((0, "fail"), (1, "fail"), (2, "fail"), (25, "fail"), (26, "fail"), (49, "pass"), (50, "pass")):
        at = MIDNIGHT + hours * HOUR
        remembered = judged(at, State(state), tally=Tally(passed=hours, failed=1), verdict=Verdict(state))
        await judge(store, [], at, remembered=remembered)
    told = await became(store)
    await store.close()
    assert [(turn.at - MIDNIGHT) // HOUR for turn in told.turns] == kept


async def test_events_are_kept_for_ninety_days(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones go with the next that is written, and so do those past the greatest number; the latest 200 stay."""
    old = [Event(at=NOW - 91 * DAY, kind="engine", what="engine", text=f"old {number}") for number in range(300)]
    await store.append((), old)
    await store.append((), [Event(at=NOW, kind="engine", what="engine", text="new")])
    assert (await store.events(EventQuery())).matching == 200
    monkeypatch.setattr(ledger, "MOST_EVENTS", 250)
    young = [Event(at=NOW, kind="engine", what="engine", text=f"young {number}") for number in range(300)]
    await store.append((), young)
    found = await store.events(EventQuery(limit=1))
    assert (found.matching, found.events[0].text) == (250, "young 299")


async def test_a_store_of_the_second_schema_is_brought_on(tmp_path: Path) -> None:
    """A subject that was forgotten before is shown by its hash, and a check that was retired holds no state."""
    path = tmp_path / "store.sqlite"
    prepare(path, migrations()[:2])
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "INSERT INTO checks (id, name, family, judged_at) VALUES (1, 'gone', 'mfa', 7), (2, 'new', 'mfa', NULL)"
        )
        raw.execute("INSERT INTO transitions VALUES (1, 5, 'pass', 'pass', 9, 0, 0, 0)")
        raw.execute(
            "INSERT INTO findings (check_id, subject, source, outcome, reason, facts, urgent, first_seen, opened_at)"
            " VALUES (2, x'ab', 'okta-prod', 'fail', 'no factor', '{}', 0, 5, 5)"
        )
    store = open_sqlite(path, subject_key=KEY)
    gone = await store.past(PastQuery(checks=("gone",), since=told(0), until=NOW))
    rows = (await store.rows(Query(), NOW)).rows
    await store.close()
    assert [(stored(turn.at), turn.state) for turn in gone[0].turns] == [(5, State.PASS), (8, None)]
    assert [(row.subject, row.label) for row in rows] == [("forgotten:ab", "forgotten")]
