"""What became of the synthetic company of ``company``: judgements, breaches, a gap, events, waivers; for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from checks.model.state import State, state_of
from engine.port import CheckView, Day, Event, EventKind, Past, Turn, WaiverView
from tests.support.clock import NOW
from tests.support.pasts import a_day

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
_EVENTS: Final[Sequence[tuple[timedelta, EventKind, str, str, State | None]]] = (
    (3 * MINUTE, "source", "aws", "503 Service Unavailable, asks again in 15 minutes", None),
    (26 * MINUTE, "finding", "workforce-mfa", "1 opened, 2 resolved", None),
    (4 * HOUR, "state", "cloud-keys", "pass → unknown (aws)", State.UNKNOWN),
    (4 * HOUR + 2 * MINUTE, "source", "aws", "connection refused", None),
    (7 * HOUR + 13 * MINUTE, "state", "databases", "pass → fail", State.FAIL),
    (9 * HOUR, "state", "leavers", "pass → fail", State.FAIL),
    (9 * HOUR + MINUTE, "finding", "leavers", "1 opened, 0 resolved", None),
    (14 * HOUR, "operator", "leavers", "acknowledged by ana: asked people-ops, ticket HR-88", None),
    (20 * HOUR, "waiver", "WV-31", "requested by ola", None),
    (23 * HOUR, "config", "controlwatch.toml", "read again: 11 checks, 9 sources", None),
    (51 * HOUR, "state", "admin-mfa", "pass → fail", State.FAIL),
    (3 * DAY, "state", "public-tls", "pass → warn", State.WARN),
)
_BREACHES: Final = {
    "admin-mfa": ((61, 2, 1), (33, 1, 1), (17, 4, 3)),
    "code-mfa": ((41, 3, 2),),
    "leavers": ((70, 1, 1), (44, 1, 2), (12, 2, 1)),
    "databases": ((38, 1, 1), (19, 1, 2)),
    "public-tls": ((28, 1, 1),),
}
"""Days ago, days that it lasted, subjects that failed."""


def latest_events() -> list[Event]:
    """Tell what happened in the last days, newest first."""
    return [_event(*each) for each in _EVENTS]


def _event(ago: timedelta, kind: EventKind, what: str, text: str, state: State | None) -> Event:
    return Event(at=NOW - ago, kind=kind, what=what, text=text, state=state)


def older_events() -> list[Event]:
    """Tell of the breaches before, and of days on which nothing but findings changed."""
    found = []
    for check, breaches in _BREACHES.items():
        for ago, lasted, _ in breaches:
            found.append(_event(ago * DAY, "state", check, "pass → fail", State.FAIL))
            found.append(_event((ago - lasted) * DAY, "state", check, "fail → pass", State.PASS))
    daily = [_event(ago * DAY + HOUR, "finding", "workforce-mfa", "2 opened, 2 resolved", None) for ago in range(2, 30)]
    return [*found, *daily]


def past_of(view: CheckView, days: int = 120) -> Past:
    """Tell what became of a check since it was first judged, with its breaches and a gap of two days."""
    now = view.tally
    whole = now.passed + now.failed + now.unknown
    turns = [_turn(days, whole, 0)]
    for ago, lasted, failed in _BREACHES.get(view.name, ()):
        turns += [_turn(ago, whole, failed), _turn(ago - lasted, whole, 0)]
    last = Turn(
        at=view.state_since or NOW,
        state=state_of(view.standing, NOW),
        verdict=view.verdict,
        passed=now.passed,
        warned=now.warned,
        failed=now.failed,
        unknown=now.unknown,
    )
    return Past(check=view.name, turns=sorted([*turns, last], key=lambda turn: turn.at), days=_days(days))


def _turn(ago: int, whole: int, failed: int) -> Turn:
    state = State.FAIL if failed else State.PASS
    return Turn(at=NOW - ago * DAY, state=state, verdict=state.value, passed=whole - failed, failed=failed)


def _days(days: int) -> list[Day]:
    """Tell that it was judged every quarter of an hour, but for two days in which the engine stood still."""
    lived = [a_day(ago) for ago in range(days, -1, -1) if ago not in {8, 9}]
    gap = (2 * DAY + 15 * MINUTE).total_seconds()
    return [
        msgspec.structs.replace(
            day, conclusive=day.judged, longest_gap_seconds=gap if day.day == (NOW - 7 * DAY).date() else 900.0
        )
        for day in lived
    ]


def waiver_file() -> list[WaiverView]:
    """Give a waiver in force, one that is asked for, one of a blind spot, and one that has ended."""
    keys = WaiverView(
        id="WV-22",
        check="provider-keys",
        status="active",
        subjects=("github/eval-runner key …7f3a", "github/batch-labels key …91c0"),
        reason="the provider rotates keys with its own release on 3 December; both are bound to one address",
        compensating_control="egress from the runners' network alone, spend limit",
        requested_by="ana",
        approved_by="lee",
        ticket="SEC-2201",
        starts=NOW - 20 * DAY,
        ends=NOW + 12 * DAY,
        covers=2,
        alone=2,
    )
    reason = "the new hardware key is lost in the post; the next one is here on the 30th"
    asked = {"id": "WV-31", "check": "admin-mfa", "subjects": ("okta-prod/rae.cedar",), "ticket": "SEC-2230"}
    alone = {"compensating_control": "signs in from the office network alone", "starts": NOW, "ends": NOW + 9 * DAY}
    blind = {
        "id": "WV-28",
        "check": "cloud-keys",
        "subjects": (),
        "source": "aws",
        "cause": "denied",
        "ticket": "OPS-7",
    }
    log = {"compensating_control": "the provider's own audit log is read every week", "ends": NOW + 98 * DAY}
    ended = {"id": "WV-17", "check": "workforce-mfa", "subjects": ("okta-prod/lou.teak",), "ticket": "SEC-1990"}
    desk = {"compensating_control": "the service desk calls back", "ends": NOW - 2 * DAY}
    change = msgspec.structs.replace
    return [
        keys,
        change(
            keys,
            **asked,
            **alone,
            status="requested",
            requested_by="ola",
            approved_by="",
            reason=reason,
            covers=1,
            alone=1,
        ),
        change(keys, **blind, **log, reason="the auditor's account may not read keys", covers=0, alone=0),
        change(
            keys, **ended, **desk, status="expired", reason="no phone until the new one is there", covers=0, alone=1
        ),
    ]
