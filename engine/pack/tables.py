"""The tables of an evidence pack, each as CSV and as JSON; pure.

In CSV no cell begins like a formula: what a person or a source wrote is data, in a spreadsheet too. The JSON has it as
it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from checks.model.units import format_duration, rfc3339
from engine.pack.told import Checked, Told
from engine.port.cells import safe_cell
from engine.port.timeline import Breach, Timeline, control, coverage, timeline
from engine.waivers import Waiver

Cell = str | int | float | bool | datetime | date | timedelta | Sequence[str] | None
_JSON: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def csv(self) -> bytes:
        """Write it as CSV, UTF-8, with CRLF."""
        made = io.StringIO()
        writer = csv.writer(made, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([safe_cell(_text(cell)) for cell in row] for row in self.rows)
        return made.getvalue().encode()

    def json(self) -> bytes:
        """Write it as a list of objects, one a line."""
        lines = [
            _JSON.encode({name: _plain(cell) for name, cell in zip(self.columns, row, strict=True)})
            for row in self.rows
        ]
        return b"[\n" + b",\n".join(lines) + b"\n]\n" if lines else b"[]\n"


def tables(told: Told) -> list[Table]:
    """Give the tables of a pack."""
    lines = {
        check.name: timeline(past, told.since, told.horizon, check.limit)
        for check, past in zip(told.checks, told.pasts, strict=True)
    }
    return [
        _summary(told, lines),
        _checks(told.checks),
        _policy(told.checks),
        _days(told),
        _turns(told),
        _gaps(lines.values()),
        _breaches(told, lines),
        _waivers(told),
        _manifests(told),
    ]


def _summary(told: Told, lines: dict[str, Timeline]) -> Table:
    columns = (
        "check",
        "family",
        "days_in_control",
        "days_judged",
        "days_conclusive",
        "period_covered",
        "breaches",
        "longest_gap_seconds",
    )
    rows = []
    for check in told.checks:
        one = lines[check.name]
        held, judged = control([one])
        within = [day for day in one.days if told.since <= day.last_at and day.first_at < told.until]
        conclusive = sum(day.conclusive > 0 for day in within)
        longest = max((gap.lost.total_seconds() for gap in one.gaps), default=0.0)
        facts = (round(one.covered, 6), len(one.breaches), longest)
        rows.append((check.name, check.family, held, judged, conclusive, *facts))
    return Table("summary", columns, rows)


def _checks(checks: Sequence[Checked]) -> Table:
    columns = (
        *("name", "check", "family", "severity", "team", "policy_ref", "controls", "sources"),
        *("min_coverage", "max_age", "gap_limit", "config"),
    )
    rows = [
        (
            *(
                each.name,
                each.check,
                each.family,
                each.severity,
                each.team,
                each.policy_ref,
                each.controls,
                each.sources,
            ),
            *(each.threshold, each.max_age, each.limit, each.digest),
        )
        for each in checks
    ]
    return Table("checks", columns, rows)


def _policy(checks: Sequence[Checked]) -> Table:
    rows = [
        (each.name, name, value.value, value.origin) for each in checks for name, value in sorted(each.policy.items())
    ]
    return Table("policy", ("check", "parameter", "value", "from"), rows)


def _days(told: Told) -> Table:
    columns = ("check", "day", "judged", "conclusive", "first_at", "last_at", "longest_gap_seconds")
    rows = [
        (past.check, day.day, day.judged, day.conclusive, day.first_at, day.last_at, day.longest_gap_seconds)
        for past in told.pasts
        for day in past.days
        if day.last_at >= told.since
    ]
    return Table("days", columns, rows)


def _turns(told: Told) -> Table:
    columns = (
        *("check", "at", "state", "verdict", "passed", "warned", "failed", "unknown", "missing"),
        *("coverage_low", "coverage_high", "evidence"),
    )
    rows: list[Sequence[Cell]] = []
    for past in told.pasts:
        held = max((turn.at for turn in past.turns if turn.at <= told.since), default=told.since)
        for turn in past.turns:
            if turn.at >= held:
                state = None if turn.state is None else turn.state.value
                counts = (turn.passed, turn.warned, turn.failed, turn.unknown, turn.missing)
                rows.append((past.check, turn.at, state, turn.verdict, *counts, *coverage(turn), turn.evidence))
    return Table("turns", columns, rows)


def _gaps(lines: Iterable[Timeline]) -> Table:
    rows = [
        (one.check, gap.start, gap.end, gap.lost.total_seconds(), gap.is_placed) for one in lines for gap in one.gaps
    ]
    return Table("gaps", ("check", "start", "end", "without_judgement_seconds", "exact"), rows)


def _breaches(told: Told, lines: dict[str, Timeline]) -> Table:
    columns = (
        *("check", "start", "end", "seconds", "ended_by", "most_failed", "unseen_seconds", "began_earlier"),
        *("owner", "waivers", "evidence"),
    )
    rows = []
    for check in told.checks:
        for each in lines[check.name].breaches:
            until = each.end or told.horizon
            rows.append(
                (
                    *(each.check, each.start, each.end, (until - each.start).total_seconds()),
                    *(None if each.ended is None else each.ended.value, each.failed, each.unseen.total_seconds()),
                    *(each.is_older, check.team, _waived(told, each, until), each.evidence),
                )
            )
    return Table("breaches", columns, rows)


def _waived(told: Told, breach: Breach, until: datetime) -> list[str]:
    """Name the approved waivers of the check that were in force during a breach."""
    return [
        each.written.id
        for each in told.waivers
        if each.approved and each.written.check == breach.check and each.starts < until and each.ends > breach.start
    ]


def _waivers(told: Told) -> Table:
    columns = (
        *("id", "check", "status", "starts", "ends", "subjects", "source", "cause", "reason", "compensating_control"),
        *("requested_by", "approved_by", "emergency", "vendor", "ticket", "extends"),
        *("revoked_by", "revoked_reason", "entry", "fault"),
    )
    rows: list[Sequence[Cell]] = [
        _waiver(each, told.at) for each in told.waivers if each.starts < told.until and each.ends > told.since
    ]
    for bad in told.malformed:
        fault = "; ".join(f"{key}: {message}" if key else message for key, message in bad.faults)
        rows.append((bad.id, bad.text("check"), "malformed", *[None] * 15, bad.digest, fault))
    return Table("waivers", columns, rows)


def _waiver(each: Waiver, now: datetime) -> Sequence[Cell]:
    one = each.written
    return (
        *(one.id, one.check, each.status(now), each.starts, each.ends, one.subjects, one.source, one.cause),
        *(one.reason, one.compensating_control, one.requested_by, one.approved_by, one.emergency, one.vendor),
        *(one.ticket, one.extends, one.revoked_by, one.revoked_reason, each.digest, ""),
    )


def _manifests(told: Told) -> Table:
    columns = ("line", "digest", "source", "finished_at", "blob_let_go_at", "blob", "blob_is")
    rows = [
        (number, each.digest, each.source, each.finished_at, each.tombstoned_at, each.blob, each.blob_is)
        for number, each in enumerate(told.manifests, 1)
    ]
    return Table("manifests", columns, rows)


def _text(cell: Cell) -> str:
    plain = _plain(cell)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return " ".join(plain) if isinstance(plain, list) else str(plain)


def _plain(cell: Cell) -> str | int | float | bool | list[str] | None:
    match cell:
        case None | bool() | int() | float() | str():
            return cell
        case datetime():
            return rfc3339(cell)
        case date():
            return cell.isoformat()
        case timedelta():
            return format_duration(cell)
        case _:
            return list(cell)
