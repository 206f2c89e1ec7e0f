"""What a screen shows, as JSON (a contract, ``controlwatch.check/1``), a table, or JUnit."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import click

from checks.model.state import BLIND, State, Tally
from checks.model.units import format_duration, rfc3339
from engine.port import CheckView, Query, Snapshot, selftest_holds, state_at, worst

if TYPE_CHECKING:
    from checks.model.result import Doubted
    from engine.port import Port, Row, SourceView

SCHEMA = "controlwatch.check/1"
PAGE = 1_000
GLYPHS = {
    State.FAIL: ("✖", "red"),
    State.UNKNOWN: ("?", "magenta"),
    State.STALE: ("!", "yellow"),
    State.PENDING: ("…", "white"),
    State.WAIVED: ("◆", "cyan"),
    State.WARN: ("▲", "yellow"),
    State.PASS: ("✔", "green"),
}
FINDINGS_SHOWN = 10
FACTS_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Told:
    """A snapshot with the findings of the checks that were asked for, read at one instant."""

    snapshot: Snapshot
    checks: Sequence[CheckView]
    findings: Mapping[str, Sequence[Row]]
    now: datetime

    @property
    def states(self) -> list[State]:
        """The states of the checks."""
        return [state_at(view, self.snapshot, self.now) for view in self.checks]


async def gather(port: Port, names: Sequence[str], now: datetime) -> Told:
    """Read the named checks (all without names) and their open findings from an engine."""
    snapshot = port.snapshot()
    assert snapshot is not None
    views = [view for view in snapshot.checks if not names or view.name in names]
    findings = {view.name: await _findings(port, view.name) for view in views}
    return Told(snapshot, views, findings, now)


async def _findings(port: Port, check: str) -> list[Row]:
    found: list[Row] = []
    while True:
        page = await port.rows(Query(check=check, view="open", offset=len(found), limit=PAGE))
        found += page.rows
        if not page.rows or len(found) >= page.matching:
            return found


def document(told: Told) -> dict[str, Any]:
    """Give the JSON document."""
    used = {name for view in told.checks for name in view.sources}
    return {
        "schema": SCHEMA,
        "as_of": rfc3339(told.now),
        "state": worst(told.states) or State.UNKNOWN,
        **({"demo": True} if told.snapshot.demo else {}),
        "checks": [_check(view, state, told) for view, state in zip(told.checks, told.states, strict=True)],
        "sources": [_source(view) for view in told.snapshot.sources if view.name in used],
    }


def _check(view: CheckView, state: State, told: Told) -> dict[str, Any]:
    tally = view.tally
    low, high = tally.coverage()
    valid_until = view.standing.valid_until
    return {
        "name": view.name,
        "check": view.check,
        "title": view.title,
        "family": view.family,
        "severity": view.severity,
        "state": state,
        "verdict": view.verdict,
        "since": _instant(view.state_since),
        "as_of": _instant(view.as_of),
        "valid_until": _instant(valid_until),
        "read": view.read,
        "excluded": dict(view.excluded),
        **_counts(tally),
        "coverage": [round(low, 6), round(high, 6)],
        "visibility": round(tally.visibility(), 6),
        "depths": dict(view.depths),
        "gaps": [_gap(item) for item in view.gaps],
        "paused": _pause(view, told.now),
        "blind_by": _blind(view) if state in BLIND and not is_paused(view, told.now) else None,
        "findings": [_finding(row) for row in told.findings[view.name]],
        "policy": {key: {"value": item.value, "from": item.origin} for key, item in view.policy.items()},
        "controls": list(view.controls),
        "evidence": list(view.evidence),
    }


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "population": tally.population,
        "passed": tally.passed,
        "warned": tally.warned,
        "failed": tally.failed,
        "unknown": tally.unknown,
        "waived": tally.waived,
        "undue": tally.undue,
    }


def _gap(doubted: Doubted) -> dict[str, Any]:
    gap = doubted.gap
    return {
        "source": gap.source,
        "cause": gap.cause,
        "kind": gap.kind,
        "fields": list(gap.fields),
        "missing": gap.missing,
        "subjects": doubted.subjects,
        "examples": list(doubted.examples),
        "detail": gap.detail,
    }


def _blind(view: CheckView) -> dict[str, Any] | None:
    blind = view.blind_by
    if blind is None:
        return None
    was = {"state": view.was.state, "at": _instant(view.was.at)} if view.was is not None else None
    since = _instant(blind.since)
    return {"source": blind.source, "cause": blind.cause, "since": since, "detail": blind.detail, "was": was}


def is_paused(view: CheckView, now: datetime) -> bool:
    """Tell whether somebody has paused a check, so that it is unknown whatever its sources tell."""
    return view.paused_until is not None and now < view.paused_until


def _pause(view: CheckView, now: datetime) -> dict[str, Any] | None:
    if not is_paused(view, now):
        return None
    return {"until": _instant(view.paused_until), "by": view.paused_by, "reason": view.paused_reason}


def _paused(view: CheckView) -> str:
    """Say until when a check is paused, by whom, as claimed, and why."""
    by = f" by {clean(view.paused_by)}" if view.paused_by else ""
    why = f": {clean(view.paused_reason)}" if view.paused_reason else ""
    return f"paused{by} until {_instant(view.paused_until)}{why}"


def _finding(row: Row) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "label": row.label,
        "verdict": row.outcome,
        "reason": row.reason,
        "cause": row.cause,
        "facts": dict(row.facts),
        "first_seen": _instant(row.first_seen),
        "due": _instant(row.due),
        "waiver": row.waiver,
        "urgent": row.urgent,
    }


def _source(view: SourceView) -> dict[str, Any]:
    return {
        "name": view.name,
        "kind": view.kind,
        "complete": view.complete,
        "records": view.records,
        "as_of": _instant(view.as_of),
        "last_error": view.last_error,
        "cause": view.cause,
        "digest": view.digest,
    }


def _instant(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def table(told: Told, *, color: bool) -> str:
    """Give the table that people read; text from sources is stripped of control and direction characters."""
    states = told.states
    head = worst(states) or State.UNKNOWN
    lines = [f"{'DEMO estate: ' if told.snapshot.demo else ''}{_word(head, color=color)} at {rfc3339(told.now)}", ""]
    if not selftest_holds(told.snapshot, told.now):
        error = told.snapshot.selftest.error or "it has not held for two hours"
        lines += [f"The self-test of controlwatch failed, so nothing may be believed: {error}", ""]
    width = max((len(view.name) for view in told.checks), default=0)
    order = sorted(zip(told.checks, states, strict=True), key=lambda pair: (list(State).index(pair[1]), pair[0].name))
    for view, state in order:
        lines += _block(view, state, width, told, color=color)
    used = {name for view in told.checks for name in view.sources}
    lines.append("Sources")
    lines += [_source_line(view, told.now) for view in told.snapshot.sources if view.name in used]
    return "\n".join(lines) + "\n"


def _block(view: CheckView, state: State, width: int, told: Told, *, color: bool) -> list[str]:
    tally = view.tally
    counts = f"{tally.passed}/{tally.population} pass"
    parts = [
        f"{number} {word}"
        for number, word in ((tally.failed, "fail"), (tally.unknown, "unknown"), (tally.warned, "warned"))
        if number
    ]
    excluded = sum(view.excluded.values())
    parts += [f"{excluded} excluded"] if excluded else []
    lines = [f"{_word(state, color=color)}  {view.name.ljust(width)}  {', '.join([counts, *parts])}"]
    if state in BLIND:
        lines += _why_blind(view, told.now)
    rows = told.findings[view.name]
    lines += [f"      {_row(row)}" for row in rows[:FINDINGS_SHOWN]]
    if len(rows) > FINDINGS_SHOWN:
        lines.append(f"      … and {len(rows) - FINDINGS_SHOWN} more; --format json gives them all")
    return [*lines, ""]


def _why_blind(view: CheckView, now: datetime) -> list[str]:
    was = f"; was {view.was.state.value} at {rfc3339(view.was.at)}" if view.was is not None else ""
    if is_paused(view, now):
        return [f"      {_paused(view)}{was}"]
    blind = view.blind_by
    if blind is None:
        return []
    detail = [f"      {clean(blind.detail)}"] if blind.detail else []
    return [f"      blind by {blind.source or 'controlwatch'}: {blind.cause}{was}", *detail]


def _row(row: Row) -> str:
    facts = _short(", ".join(f"{key} {value}" for key, value in row.facts.items() if value is not None))
    told = f"{row.outcome.value:7} {clean(row.label)}: {row.reason}"
    waived = f" [waived by {row.waiver}]" if row.waiver else ""
    return f"{told}{f' ({clean(facts)})' if facts else ''}{waived}"


def _short(text: str) -> str:
    return text if len(text) <= FACTS_SHOWN else text[: FACTS_SHOWN - 1] + "…"


def _source_line(view: SourceView, now: datetime) -> str:
    if view.last_error is not None:
        return f"  ✖ {view.name} ({view.kind}): {clean(view.last_error)}"
    if view.as_of is None:
        return f"  … {view.name} ({view.kind}): not collected yet"
    return f"  ✔ {view.name} ({view.kind}): {view.records} records, {format_duration(now - view.as_of)} old"


def _word(state: State, *, color: bool) -> str:
    glyph, hue = GLYPHS[state]
    text = f"{glyph} {state.value.upper():7}"
    return click.style(text, fg=hue, bold=state is State.FAIL) if color else text


def clean(text: str) -> str:
    """Drop control, direction and other invisible characters from text that a source told."""
    return "".join(
        " " if char in "\n\t" else char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C"
    )


def junit(told: Told) -> str:
    """Give JUnit XML: a fail is a failure; unknown, stale and pending are errors; waived is skipped with its reason."""
    states = told.states
    suite = ET.Element(
        "testsuite",
        name="controlwatch",
        tests=str(len(states)),
        failures=str(states.count(State.FAIL)),
        errors=str(sum(state in BLIND for state in states)),
        skipped=str(states.count(State.WAIVED)),
        timestamp=rfc3339(told.now),
    )
    for view, state in zip(told.checks, states, strict=True):
        case = ET.SubElement(suite, "testcase", classname=f"controlwatch.{view.family}", name=view.name)
        if state is State.FAIL:
            node = ET.SubElement(case, "failure", message=f"{view.tally.failed} fail: {view.title}")
            node.text = "\n".join(_row(row) for row in told.findings[view.name])
        elif state in BLIND:
            blind = view.blind_by
            detail = f"{blind.source}: {blind.cause}" if blind is not None else state.value
            detail = _paused(view) if is_paused(view, told.now) else detail
            ET.SubElement(case, "error", message=f"{state.value}: {clean(detail)}")
        elif state is State.WAIVED:
            ET.SubElement(case, "skipped", message="waived")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"
