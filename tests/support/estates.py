"""Whole estates as a screen sees them, and a port over an in-memory list that filters, sorts and pages for real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome
from checks.model.state import WORST_FIRST, State, Tally
from engine.port import (
    BlindBy,
    CheckView,
    Command,
    Detail,
    Event,
    EventQuery,
    Events,
    EvidenceRef,
    Past,
    PastQuery,
    PortFault,
    Query,
    Reply,
    Row,
    Rows,
    Run,
    Snapshot,
    SourceView,
    WaiverView,
    Was,
)
from engine.words import WordsFault, all_hold, terms
from tests.support.clock import NOW
from tests.support.pasts import a_past, many_events, some_waivers
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
_ORDER: Final = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS, Outcome.EXCLUDED)


class CannedPort:
    """A port over fixed snapshots and a list of findings; commands are remembered."""

    def __init__(
        self,
        snapshot: Snapshot | None,
        findings: Sequence[Row] = (),
        *,
        fault: str | None = None,
        pasts: Sequence[Past] | None = None,
        log: Sequence[Event] | None = None,
        waiver_file: Sequence[WaiverView] | None = None,
    ) -> None:
        """Hold a snapshot and findings; history, events and waivers are those of the estate unless they are given."""
        checks = snapshot.checks if snapshot else ()
        self.now_shown = snapshot
        self.findings = list(findings)
        self.down = fault
        self.pasts = {each.check: each for each in (map(a_past, checks) if pasts is None else pasts)}
        self.log = list(many_events() if log is None else log)
        self.waiver_file = list(some_waivers() if waiver_file is None else waiver_file)
        self.sent: list[Command] = []
        self.asked: list[Query] = []

    def snapshot(self) -> Snapshot | None:
        """Give the snapshot that is shown now."""
        return self.now_shown

    def fault(self) -> str | None:
        """Give the fault, if there is one."""
        return self.down

    async def rows(self, query: Query) -> Rows:
        """Filter, sort and page the findings."""
        self.asked.append(query)
        try:
            words, reason = terms(query.text), terms(query.reason)
        except WordsFault as fault:
            raise PortFault(str(fault)) from None
        scoped = [row for row in self.findings if _in_scope(row, query)]
        matching = [
            row
            for row in scoped
            if query.outcome in {None, row.outcome}
            and (not query.outcomes or row.outcome in query.outcomes)
            and query.waived in {None, row.waiver is not None}
            and (query.due_by is None or (row.due is not None and row.due <= query.due_by))
            and (not query.ids or row.id in query.ids)
            and all_hold(words, row.label, row.subject, row.reason, row.check)
            and all_hold(reason, row.reason)
        ]
        ordered = sorted(matching, key=_SORTS[query.sort], reverse=query.reverse)
        place = next((place for place, row in enumerate(ordered) if row.id == query.around), None)
        offset = query.offset if place is None else place - place % max(1, query.limit)
        page = ordered[offset : offset + query.limit]
        return Rows(rows=page, offset=offset, place=place, matching=len(matching), total=len(scoped))

    async def detail(self, finding: int) -> Detail | None:
        """Give a finding with its history, evidence and record."""
        row = next((each for each in self.findings if each.id == finding), None)
        view = row and self.now_shown and next((v for v in self.now_shown.checks if v.name == row.check), None)
        return a_detail(row, view) if row and view else None

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Cut the period out of what became of the checks."""
        return [_cut(self.pasts.get(name, Past(check=name)), query.since, query.until) for name in query.checks]

    async def events(self, query: EventQuery) -> Events:
        """Filter and page the events."""
        try:
            words = terms(query.text)
        except WordsFault as fault:
            raise PortFault(str(fault)) from None
        matching = [
            event
            for event in sorted(self.log, key=lambda event: event.at, reverse=True)
            if (not query.kinds or event.kind in query.kinds)
            and query.what in {"", event.what}
            and all_hold(words, event.what, event.text)
            and (query.since is None or event.at >= query.since)
            and (query.until is None or event.at < query.until)
        ]
        return Events(events=matching[query.offset : query.offset + query.limit], matching=len(matching))

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers."""
        return self.waiver_file

    async def send(self, command: Command) -> Reply:
        """Remember the command."""
        self.sent.append(command)
        if isinstance(command, Run):
            return Reply(ok=True, message=f"{command.source or 'every source'} runs now")
        return Reply(ok=True, message="done")


def _in_scope(row: Row, query: Query) -> bool:
    if query.check not in {None, row.check} or query.family not in {None, row.family}:
        return False
    if (query.checks and row.check not in query.checks) or query.source not in {None, row.subject.partition("/")[0]}:
        return False
    is_open = row.resolved_at is None
    return {
        "open": is_open and row.waiver is None,
        "all": True,
        "new": is_open and row.first_seen >= NOW - DAY,
        "waived": is_open and row.waiver is not None,
        "resolved": not is_open,
    }[query.view]


def _cut(past: Past, since: datetime, until: datetime) -> Past:
    """Keep the turn that held when a period began, the turns within it, and its days."""
    held = [turn for turn in past.turns if turn.at <= since][-1:]
    within = [turn for turn in past.turns if since < turn.at < until]
    days = [day for day in past.days if since.date() <= day.day and day.first_at < until]
    return Past(check=past.check, turns=[*held, *within], days=days)


def _worst(row: Row) -> tuple[Any, ...]:
    return (_ORDER.index(row.outcome), not row.urgent, row.first_seen, row.id)


_SORTS: Final[dict[str, Callable[[Row], Any]]] = {
    "worst": _worst,
    "label": lambda row: (row.label.casefold(), row.id),
    "since": lambda row: (row.first_seen, row.id),
    "reason": lambda row: (row.reason, row.id),
    "check": lambda row: (row.check, *_worst(row)),
    "source": lambda row: (row.subject.partition("/")[0], *_worst(row)),
}


def a_row(number: int = 1, **changes: Any) -> Row:
    """Build a finding that fails."""
    row = Row(
        id=number,
        check="workforce-mfa",
        family="mfa",
        subject=f"okta-prod/00u{number}",
        label=f"user{number:05d}@example.org",
        outcome=Outcome.FAIL,
        reason="no second factor is enrolled",
        facts={"factors": 0, "required": "any factor that is not weak", "last_login": None},
        first_seen=NOW - (number % 40) * DAY - 3 * HOUR,
    )
    return msgspec.structs.replace(row, **changes)


def a_detail(row: Row, view: CheckView) -> Detail:
    """Build a finding's history, evidence and record."""
    return Detail(
        row=row,
        check=view,
        history=[
            Event(at=row.first_seen, kind="finding", what=row.subject, text="opened", state=State.FAIL),
            Event(at=row.first_seen - 30 * DAY, kind="finding", what=row.subject, text="resolved", state=State.PASS),
        ],
        evidence=[
            EvidenceRef(
                source=row.subject.partition("/")[0],
                digest="sha256:" + "9f2c" * 16,
                blob="sha256:" + "a1b2" * 16,
                as_of=NOW - 5 * MINUTE,
                records=143,
                complete=True,
            ),
        ],
        record='{"type":"account/1","id":"00u1","label":"user00001@example.org","mfa":false,"factors":[]}\n',
    )


_REASONS: Final = (
    "no second factor is enrolled",
    "only a weak factor is enrolled",
    "inside the enrolment grace",
    "the source may not read factors",
)


def many_rows(count: int) -> list[Row]:
    """Build findings of all kinds."""
    outcomes = (Outcome.FAIL, Outcome.WARN, Outcome.WARN, Outcome.UNKNOWN)
    return [
        a_row(
            number,
            outcome=outcomes[number % 4],
            cause=Cause.DENIED if number % 4 == 3 else None,
            waiver="WV-22" if number % 29 == 0 else None,
            check="admin-mfa" if number % 17 == 0 else "workforce-mfa",
            reason=_REASONS[number % 4],
        )
        for number in range(1, count + 1)
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


def a_gap(source: str = "okta-prod") -> Gap:
    """Build a gap that names what it hides."""
    detail = "GET /api/v1/iam/assignees answered 403; grant okta.roles.read"
    return Gap(source=source, cause=Cause.DENIED, kind="facts", fields=("account.roles",), detail=detail)


ESTATES: Final[dict[str, Callable[[], Snapshot]]] = {
    "all-pass": all_pass,
    "mixed": mixed,
    "all-blind": all_blind,
    "empty": empty,
    "starting": starting,
}
STATES: Final = WORST_FIRST
