"""Whole estates as a screen sees them; with their findings and their port, all that a test of a screen asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause
from checks.model.state import WORST_FIRST, State, Tally
from engine.port import BlindBy, CheckView, Event, Snapshot, SourceView, Was
from tests.support.canned_port import CannedPort
from tests.support.clock import NOW
from tests.support.findings import DAY, HOUR, MINUTE, a_detail, a_gap, a_row, many_rows
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing

__all__ = [
    "DAY",
    "ESTATES",
    "HOUR",
    "MINUTE",
    "STATES",
    "CannedPort",
    "a_detail",
    "a_gap",
    "a_row",
    "all_blind",
    "all_pass",
    "empty",
    "many_rows",
    "mixed",
    "starting",
]


def all_pass() -> Snapshot:
    """Build an estate in which everything holds."""
    return a_snapshot(checks=[_well(*each) for each in _CHECKS], sources=[_fresh(*each) for each in _SOURCES])


def mixed() -> Snapshot:
    """Build an estate with every state and a blind source."""
    views = {view.name: view for view in all_pass().checks}
    down = {
        "last_error": "503 Service Unavailable after 4 tries; the provider will answer again",
        "cause": Cause.UNREACHABLE,
    }
    sources = [
        msgspec.structs.replace(
            each, complete=False, failing_since=NOW - 4 * HOUR, as_of=NOW - 26 * HOUR, failures=9, **down
        )
        if each.name == "aws"
        else each
        for each in all_pass().sources
    ]
    for name, change in _CHANGES.items():
        views[name] = change(views[name])
    return a_snapshot(checks=list(views.values()), sources=sources, events=_events())


def all_blind() -> Snapshot:
    """Build an estate whose every source is down, past its age."""
    estate = all_pass()
    return msgspec.structs.replace(
        estate,
        checks=[_blind(view, view.sources[0], Cause.UNREACHABLE) for view in estate.checks],
        sources=[
            msgspec.structs.replace(
                each,
                as_of=NOW - 2 * DAY,
                complete=False,
                failing_since=NOW - 2 * DAY,
                last_error="connection refused",
                cause=Cause.UNREACHABLE,
            )
            for each in estate.sources
        ],
    )


def empty() -> Snapshot:
    """Build an estate in which nothing is configured."""
    return a_snapshot(checks=[], sources=[])


def starting() -> Snapshot:
    """Build an estate whose first runs are under way."""
    estate = all_pass()
    standing = a_standing(tally=None, attempted=False, completed=False, valid_until=None, pending_until=NOW + HOUR)
    return msgspec.structs.replace(
        estate,
        phase="starting",
        checks=[
            msgspec.structs.replace(view, standing=standing, as_of=None, state_since=NOW) for view in estate.checks
        ],
        sources=[
            msgspec.structs.replace(
                each,
                as_of=None,
                complete=False,
                completed_at=None,
                records=0,
                running=True,
                requests_done=212,
                requests_planned=1204,
                plan_seconds=360.0,
                known_since=None,
            )
            for each in estate.sources
        ],
    )


_CHECKS: Final = (
    ("workforce-mfa", "mfa", "Every active account is enrolled in MFA", ("okta-prod",), 43112, "identity"),
    ("admin-mfa", "mfa", "Every administrator signs in with a strong factor", ("okta-prod", "aws"), 41, "identity"),
    ("stale-accounts", "access", "Every account is still used", ("okta-prod", "aws"), 43112, "identity"),
    ("leavers", "access", "No leaver can sign in", ("okta-prod", "people"), 902, "people-ops"),
    ("access-keys", "access", "Every key is rotated, used and owned", ("aws",), 318, "platform"),
    ("backups", "backup", "The newest complete backup is younger than its RPO", ("dumps", "offsite"), 62, "dba"),
    ("certificates", "certification", "Every TLS certificate is in force", ("edge",), 204, "platform"),
    ("attestations", "certification", "Every attestation is in force", ("register",), 18, ""),
)
_SOURCES: Final = (
    ("okta-prod", "okta", 43153, 15 * MINUTE, DAY),
    ("aws", "aws_iam", 359, HOUR, DAY),
    ("people", "roster", 902, HOUR, 2 * DAY),
    ("dumps", "files", 31, 10 * MINUTE, 6 * HOUR),
    ("offsite", "restic", 31, 10 * MINUTE, 6 * HOUR),
    ("edge", "tls", 204, HOUR, DAY),
    ("register", "register", 18, HOUR, DAY),
)


def _well(name: str, family: str, title: str, sources: tuple[str, ...], population: int, team: str) -> CheckView:
    return a_check(
        name,
        family=family,
        title=title,
        sources=sources,
        team=team,
        read=population,
        excluded={},
        standing=a_standing(tally=Tally(passed=population)),
        runbook=f"https://runbooks.example.org/{name}",
        evidence=("sha256:" + "9f2c" * 16,),
        explain={"no second factor is enrolled": "Ask the person to enrol a factor, or disable the account."},
    )


def _fresh(name: str, kind: str, records: int, every: timedelta, max_age: timedelta) -> SourceView:
    return a_source(
        name,
        kind=kind,
        records=records,
        every=every,
        max_age=max_age,
        as_of=NOW - 4 * MINUTE,
        checks=tuple(check for check, _, _, sources, *_ in _CHECKS if name in sources),
        runs=96,
        failures=0,
        duration_seconds=2.1,
        digest="sha256:" + "a1b2" * 16,
    )


def _tallied(since: timedelta, **counts: Any) -> Callable[[CheckView], CheckView]:
    return lambda view: msgspec.structs.replace(
        view,
        standing=a_standing(tally=Tally(**counts)),
        state_since=NOW - since,
        opened_24h=3,
        resolved_24h=1,
    )


def _blind(view: CheckView, source: str, cause: Cause) -> CheckView:
    return msgspec.structs.replace(
        view,
        standing=a_standing(tally=view.standing.tally, valid_until=NOW - 4 * HOUR),
        state_since=NOW - 4 * HOUR,
        was=Was(state=State.PASS, at=NOW - 4 * HOUR),
        blind_by=BlindBy(
            source=source, cause=cause, since=NOW - 4 * HOUR, detail="503 Service Unavailable after 4 tries"
        ),
    )


_CHANGES: Final[dict[str, Callable[[CheckView], CheckView]]] = {
    "admin-mfa": _tallied(2 * DAY, passed=38, failed=3),
    "workforce-mfa": _tallied(11 * DAY, passed=43112, warned=1204),
    "stale-accounts": lambda view: _blind(view, "aws", Cause.UNREACHABLE),
    "access-keys": lambda view: _blind(view, "aws", Cause.UNREACHABLE),
    "leavers": _tallied(9 * DAY, passed=901, failed=1, waived=1),
    "backups": _tallied(7 * HOUR, passed=60, failed=1, unknown=1),
}


def _events() -> list[Event]:
    return [
        Event(at=NOW - 3 * MINUTE, kind="source", what="aws", text="503 Service Unavailable, asks again at 05:44Z"),
        Event(at=NOW - 4 * HOUR, kind="state", what="stale-accounts", text="pass → unknown (aws)", state=State.UNKNOWN),
        Event(at=NOW - 7 * HOUR, kind="state", what="backups", text="pass → fail", state=State.FAIL),
        Event(at=NOW - 30 * HOUR, kind="state", what="certificates", text="warn → pass", state=State.PASS),
    ]


ESTATES: Final[dict[str, Callable[[], Snapshot]]] = {
    "all-pass": all_pass,
    "mixed": mixed,
    "all-blind": all_blind,
    "empty": empty,
    "starting": starting,
}
STATES: Final = WORST_FIRST
