"""What a list of findings and one finding look like; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from checks.model.state import State
from engine.port import Detail, Event, EvidenceRef, Query, Row
from tui.format import age, age2, clean, clean_lines, fit, full, moment, number, scalar, wrap
from tui.lines import BLANK, Line, Span, line
from tui.model import Item, Word
from tui.status import GLYPHS, coverage, row_word, word_cell

View = Literal["open", "all", "new", "waived", "resolved"]
VIEWS: tuple[View, ...] = get_args(View)
RECORD_CAP = 200_000
"""Characters of a raw record that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a list stands, for the line above it."""

    query: Query
    typed: str = ""
    """What was typed into the filter."""
    faults: Sequence[str] = ()
    """What of it was not understood."""
    matching: int = 0
    total: int = 0
    took_seconds: float | None = None
    """How long the filter took; None where it is not worth telling."""
    waiting_seconds: float | None = None
    """How long an answer has been waited for; None while none is."""
    marked: str = ""
    frozen: str | None = None
    """What a frozen list does not show; None while it is not frozen."""
    exporting: str = ""


def chips(shown: Shown) -> Line:
    """Show what narrows the list: never an invisible filter, never an invisible mark; the most important first."""
    query = shown.query
    spans: list[Span] = [Span(" ")]
    if shown.frozen is not None:
        spans += [Span(f" FROZEN {shown.frozen} ", "chip.stale", "freeze"), Span(" ")]
    if shown.typed:
        spans += [Span(f" / {clean(shown.typed)} ", "chip.waived", "filter"), Span(" ")]
    spans += [Span(f"! {clean(fault)} ", "warn") for fault in shown.faults[:1]]
    spans.append(Span(_found(shown), "dim"))
    if shown.marked:
        spans += [Span("  "), Span(f"● {shown.marked}", "mark", "unmark")]
    if shown.exporting:
        spans += [Span("  "), Span(shown.exporting, "strong", "export")]
    spans += [Span("  view ", "dim", "view"), Span(query.view, "strong", "view")]
    if query.check is not None:
        spans += [Span("  check ", "dim"), Span(clean(query.check), "strong", "next_check")]
    spans += [Span("  sort ", "dim", "sort"), Span(f"{query.sort} {'▲' if query.reverse else '▼'}", "text", "reverse")]
    return tuple(spans)


def _found(shown: Shown) -> str:
    """Say how many there are, of how many, and how long that took or takes."""
    if shown.waiting_seconds is not None:
        return f"… asking the store, {shown.waiting_seconds:.1f} s"
    if not shown.typed:
        return number(shown.total)
    took = "" if shown.took_seconds is None else f" in {shown.took_seconds:.2f} s"
    return f"{number(shown.matching)} of {number(shown.total)}{took}"


def check_chip(item: Item) -> Line:
    """Write a check of the family in a few cells."""
    return (
        word_cell(item.word, len(item.word) + 2),
        Span(f" {clean(item.view.name, 32)}"),
        Span(f" {coverage(item)}", "dim"),
    )


def about(row: Row | None, item: Item | None, now: datetime) -> list[Line]:
    """Tell three lines about the finding under the cursor: who and since when, why, what to do."""
    if row is None:
        return [BLANK, BLANK, BLANK]
    first = line(
        Span(" "),
        word_cell(row_word(row), 0 if row_word(row) is Word.WAIVED else 9),
        Span(clean(row.label), "strong"),
        Span(f"  since {moment(row.first_seen, now)} ({age(now - row.first_seen)})"),
        Span(f" · {clean(row.check)}", "dim"),
    )
    facts = " · ".join(f"{clean(name)} {scalar(value)}" for name, value in row.facts.items())
    return [
        first,
        line(Span(f" why  {clean(row.reason)} · {facts}", "dim")),
        line(Span(f" do   {todo(row, item)}", "dim")),
    ]


def todo(row: Row, item: Item | None) -> str:
    """Say what to do about a finding."""
    if item is None:
        return "see the check's runbook"
    known = item.view.explain.get(row.reason)
    book = f"runbook {clean(item.view.runbook)}" if item.view.runbook else ""
    return " · ".join(part for part in (clean(known) if known else "", book) if part) or "no runbook configured"


def section(name: str) -> Line:
    """Write a heading within a page of text."""
    return line(Span(f" {name}", "strong"))


def pair(name: str, text: str, width: int, role: str = "text", margin: int = 12) -> list[Line]:
    """Write a named text, wrapped, its name in the margin."""
    wrapped = wrap(text, max(8, width - margin - 3)) or ["–"]
    return [
        line(Span("  " + fit(clean(name, margin - 1) if index == 0 else "", margin), "dim"), Span(each, role))
        for index, each in enumerate(wrapped)
    ]


def why(row: Row, width: int) -> list[Line]:
    """Tell the reason and every fact that was compared."""
    lines = [section("Why"), *pair("reason", clean(row.reason), width, "text")]
    if row.cause is not None:
        lines += pair("not told", row.cause.value.replace("_", " "), width, "blind")
    margin = min(24, max([12, *(len(name) + 1 for name in row.facts)]))
    for name, value in row.facts.items():
        role = "blind" if value is None else "text"
        lines += pair(name, scalar(value), width, role, margin)
    return lines


def standing(row: Row, now: datetime, width: int) -> list[Line]:
    """Tell since when it is so, until when it may be, and who has said what about it."""
    lines = [
        (Span(" "), word_cell(row_word(row)), Span(f"since {full(row.first_seen, now)} ({age(now - row.first_seen)})"))
    ]
    found: list[Line] = list(lines)
    found += pair("subject", clean(row.subject), width, "dim")
    if row.resolved_at is not None:
        found += pair("resolved", full(row.resolved_at, now), width, "pass")
    if row.due is not None:
        left = f"in {age2(row.due - now)}" if row.due > now else f"{age2(now - row.due)} ago"
        found += pair("due", f"{full(row.due, now)}, {left}", width, "warn")
    if row.waiver is not None:
        found += pair("waiver", clean(row.waiver), width, "waived")
    if row.acked is not None:
        found += pair("ack", clean(row.acked), width)
    if row.regressions:
        found += pair("came back", f"{row.regressions} times after it was resolved", width, "warn")
    return found


def evidence(refs: Sequence[EvidenceRef], now: datetime, width: int) -> list[Line]:
    """Tell what the verdict rests on."""
    lines = [section("Evidence")]
    for ref in refs:
        whole = "complete" if ref.complete else "NOT COMPLETE"
        aged = "never" if ref.as_of is None else f"{full(ref.as_of, now)} ({age(now - ref.as_of)} old)"
        lines += pair("source", f"{clean(ref.source)}, {number(ref.records)} records, {whole}", width)
        lines += pair("as of", aged, width)
        lines += pair("manifest", clean(ref.digest, 80), width, "dim")
        lines += pair("records", clean(ref.blob, 80), width, "dim")
    return lines if refs else [*lines, line(Span("  none is kept", "dim"))]


def steps(row: Row, detail: Detail, width: int) -> list[Line]:
    """Tell what to do."""
    view = detail.check
    known = view.explain.get(row.reason)
    lines = [section("Do")]
    if known:
        lines += pair("next", clean(known), width, "strong")
    lines += pair("runbook", clean(view.runbook) or "none configured", width, "text" if view.runbook else "dim")
    lines += pair("owner", clean(view.team) or "unowned", width, "text" if view.team else "warn")
    lines += pair("again", f"controlwatch check {clean(view.name)} --collect", width)
    if view.controls:
        lines += pair("controls", clean(", ".join(view.controls)), width, "dim")
    if view.policy_ref:
        lines += pair("policy", clean(view.policy_ref), width, "dim")
    return lines


def history(events: Sequence[Event], now: datetime | None = None) -> list[Line]:
    """Tell what became of it, newest first; in UTC, or in the zone of ``now``."""
    lines = [section("History")]
    for event in events:
        glyph = GLYPHS[event.state] if event.state else "·"
        role = {State.FAIL: "fail", State.PASS: "pass", State.WARN: "warn", State.WAIVED: "waived"}.get(
            event.state or State.UNKNOWN, "dim"
        )
        lines.append(line(Span(f"  {full(event.at, now)} ", "dim"), Span(f"{glyph} ", role), Span(clean(event.text))))
    return lines if events else [*lines, line(Span("  nothing is known before this", "dim"))]


def record(text: str | None, width: int) -> list[Line]:
    """Show the record as the source told it, wrapped; nothing of it is interpreted."""
    if text is None:
        return [line(Span(" the record is no longer kept; its digest is in the evidence", "dim"))]
    lines: list[Line] = []
    for each in text[:RECORD_CAP].splitlines():
        for part in clean_lines(_indented(each)):
            indent = len(part) - len(part.lstrip(" ")) + 1
            lines += [line(Span(" " * indent + cut)) for cut in wrap(part, max(10, width - indent - 1))]
    return lines


def _indented(text: str) -> str:
    """Write one record a field a line; what is not JSON stays as it is."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except ValueError:
        return text


def page(detail: Detail, now: datetime, width: int) -> list[Line]:
    """Write everything about a finding as one page of text."""
    row = detail.row
    parts = [
        standing(row, now, width),
        why(row, width),
        steps(row, detail, width),
        evidence(detail.evidence, now, width),
        history(detail.history, now),
    ]
    lines: list[Line] = []
    for part in parts:
        lines += [*part, BLANK]
    return lines
