"""What became of an estate: turns and days of checks, events of all kinds, waivers of every status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from checks.model.state import State, state_of
from engine.port import CheckView, Day, Event, Past, Turn, WaiverView
from tests.support.clock import NOW

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)


def a_past(view: CheckView, days: int = 400) -> Past:
    """Build what became of a check: judged daily every quarter of an hour but for a gap of three days, with turns."""
    tally, state = view.tally, state_of(view.standing, NOW)
    population = max(1, tally.passed + tally.failed + tally.unknown)
    turns = [Turn(at=NOW - days * DAY, state=State.PENDING)]
    for ago in range(days - 1, 0, -7):
        failed = ago // 7 % 5 * population // 100
        verdict = State.FAIL if failed else State.PASS
        at = NOW - ago * DAY
        turns.append(Turn(at=at, state=verdict, verdict=verdict.value, passed=population - failed, failed=failed))
    turns.append(Turn(at=NOW - 41 * DAY, state=State.STALE, verdict="pass", passed=population))
    turns.append(
        Turn(
            at=view.state_since or NOW,
            state=state,
            verdict=view.verdict,
            passed=tally.passed,
            warned=tally.warned,
            failed=tally.failed,
            unknown=tally.unknown,
        )
    )
    lived = [a_day(ago) for ago in range(days, -1, -1) if ago not in {40, 41, 42}]
    return Past(check=view.name, turns=sorted(turns, key=lambda turn: turn.at), days=lived)


def a_day(ago: int, **changes: Any) -> Day:
    """Build a day of judgements every quarter of an hour, some of them inconclusive now and then."""
    start = NOW.replace(hour=0, minute=0) - ago * DAY
    last = min(start + DAY - 15 * MINUTE, NOW)
    judged = int((last - start) / (15 * MINUTE)) + 1
    day = Day(
        day=start.date(),
        judged=judged,
        conclusive=judged if ago % 11 else judged // 2,
        first_at=start,
        last_at=last,
        longest_gap_seconds=3 * 86_400.0 + 900 if ago == 39 else 900.0,
    )
    return msgspec.structs.replace(day, **changes)


def many_events(count: int = 1_000) -> list[Event]:
    """Build events of all kinds, newest first, one every quarter of an hour."""
    return [
        msgspec.structs.replace(_KINDS[number % len(_KINDS)], at=NOW - number * 15 * MINUTE) for number in range(count)
    ]


def some_waivers() -> list[WaiverView]:
    """Build a file of waivers of every status."""
    active = WaiverView(
        id="WV-22",
        check="workforce-mfa",
        status="active",
        subjects=("okta-prod/00u29", "okta-prod/00u58"),
        reason="hardware keys for the plant are ordered and arrive in December",
        compensating_control="sign-in from the plant's network alone",
        requested_by="ana",
        approved_by="lee",
        ticket="SEC-2201",
        starts=NOW - 20 * DAY,
        ends=NOW + 12 * DAY,
        covers=2,
    )
    found = [
        active,
        msgspec.structs.replace(active, id="WV-23", status="requested", approved_by="", ticket="SEC-2230", covers=1),
        msgspec.structs.replace(active, id="WV-24", status="future", starts=NOW + DAY, ends=NOW + 30 * DAY, covers=0),
        msgspec.structs.replace(active, id="WV-7", status="expired", ends=NOW - DAY, covers=0),
        msgspec.structs.replace(
            active, id="WV-9", check="access-keys", subjects=(), source="aws", cause="denied", ticket="", covers=0
        ),
        msgspec.structs.replace(
            active, id="WV-25", emergency=True, approved_by="ana", starts=NOW - HOUR, ends=NOW + 23 * HOUR, covers=1
        ),
        WaiverView(
            id="WV-26", check="no-such", status="malformed", fault="waivers.toml: waiver[6].check: no configured check"
        ),
    ]
    return [msgspec.structs.replace(each, entry=f"sha256:{each.id}") for each in found]


_KINDS: Final = (
    Event(at=NOW, kind="source", what="aws", text="503 Service Unavailable, asks again in 15 minutes"),
    Event(at=NOW, kind="state", what="backups", text="pass → fail", state=State.FAIL),
    Event(at=NOW, kind="finding", what="workforce-mfa", text="3 opened, 1 resolved"),
    Event(at=NOW, kind="state", what="backups", text="fail → pass", state=State.PASS),
    Event(at=NOW, kind="config", what="controlwatch.toml", text="read again: 8 checks, 7 sources"),
    Event(at=NOW, kind="waiver", what="WV-22", text="approved by lee"),
    Event(at=NOW, kind="operator", what="leavers", text="paused by ana until 2026-11-22 05:30Z: roster is rebuilt"),
    Event(at=NOW, kind="engine", what="controlwatch", text="started"),
)
