"""A port over an in-memory list that filters, sorts and pages for real."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from checks.model.judgement import Outcome
from engine.port import (
    Command,
    Detail,
    Event,
    EventQuery,
    Events,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    PortFault,
    Query,
    Reply,
    Row,
    Rows,
    Run,
    Snapshot,
    WaiverView,
)
from engine.words import WordsFault, all_hold, terms
from tests.support.clock import NOW
from tests.support.findings import DAY, a_detail
from tests.support.pasts import a_past, many_events, some_waivers

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
        self.packs: list[PackQuery] = []

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
            and query.reason_is in {"", row.reason}
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
        about = {query.what, *(waiver.id for waiver in self.waiver_file if waiver.check == query.what)}
        matching = [
            event
            for event in sorted(self.log, key=lambda event: event.at, reverse=True)
            if (not query.kinds or event.kind in query.kinds)
            and (not query.what or event.what in about)
            and (not query.whats or event.what in query.whats)
            and all_hold(words, event.what, event.text)
            and (query.since is None or event.at >= query.since)
            and (query.until is None or event.at < query.until)
        ]
        counts = [0] * query.cells
        if query.cells and query.since is not None and query.until is not None:
            for event in matching:
                counts[int((event.at - query.since) / (query.until - query.since) * query.cells)] += 1
        page = matching[query.offset : query.offset + query.limit]
        return Events(events=page, matching=len(matching), counts=counts)

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers."""
        return self.waiver_file

    async def pack(self, query: PackQuery) -> Packed:
        """Give an archive of one file, and remember the question."""
        self.packs.append(query)
        descriptor, path = tempfile.mkstemp(prefix="canned-", suffix=".zip")
        with os.fdopen(descriptor, "wb") as file:
            file.write(an_archive())
        return Packed(
            name="controlwatch-evidence.zip",
            path=path,
            size_bytes=len(an_archive()),
            digest="0" * 64,
            files=1,
            checks=8,
            chain_valid=True,
        )

    async def send(self, command: Command) -> Reply:
        """Remember the command."""
        self.sent.append(command)
        if isinstance(command, Run):
            return Reply(ok=True, message=f"{command.source or 'every source'} runs now")
        return Reply(ok=True, message="done")


def an_archive() -> bytes:
    """Build an archive of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("controlwatch-evidence/SHA256SUMS", "")
    return made.getvalue()


def _in_scope(row: Row, query: Query) -> bool:
    if query.check not in {None, row.check} or query.family not in {None, row.family}:
        return False
    if (query.checks and row.check not in query.checks) or query.source not in {None, row.subject.partition("/")[0]}:
        return False
    is_open = row.resolved_at is None
    return {
        "open": is_open,
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
    return (row.waiver is not None, _ORDER.index(row.outcome), not row.urgent, row.first_seen, row.id)


_SORTS: Final[dict[str, Callable[[Row], Any]]] = {
    "worst": _worst,
    "label": lambda row: (row.label.casefold(), row.id),
    "since": lambda row: (row.first_seen, row.id),
    "reason": lambda row: (row.reason, row.id),
    "check": lambda row: (row.check, *_worst(row)),
    "source": lambda row: (row.subject.partition("/")[0], *_worst(row)),
}
