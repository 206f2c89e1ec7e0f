"""What a list of findings and one finding look like; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

from checks.model.judgement import Outcome
from checks.model.state import State
from engine.port import Detail, Event, EvidenceRef, Query, Row
from tui.format import age, age2, clean, clean_lines, fit, full, moment, number, scalar, wrap
from tui.lines import BLANK, Line, Span, line
from tui.model import Item, Word
from tui.status import GLYPHS, coverage, row_word, word_cell

View = Literal["open", "all", "new", "waived", "resolved"]
Sort = Literal["worst", "since", "label", "reason", "check", "source"]
VIEWS: tuple[View, ...] = get_args(View)
SORTS: tuple[Sort, ...] = get_args(Sort)
STATUSES = {"fail": Outcome.FAIL, "blind": Outcome.UNKNOWN, "unknown": Outcome.UNKNOWN, "warn": Outcome.WARN}
RECORD_CAP = 200_000
"""Characters of a raw record that are shown."""


def parse_filter(text: str) -> tuple[str, Outcome | None]:
    """Split what was typed into words and ``status:fail|blind|warn``; an unknown status is a word like any other."""
    words: list[str] = []
    outcome: Outcome | None = None
    for word in text.split():
        name, _, value = word.partition(":")
        if name == "status" and value in STATUSES:
            outcome = STATUSES[value]
        else:
            words.append(word)
    return " ".join(words), outcome


def chips(query: Query, typed: str, matching: int, total: int) -> Line:
    """Show what narrows the list: never an invisible filter."""
    spans = [Span(" view ", "dim"), Span(query.view, "strong")]
    if query.check is not None:
        spans += [Span("  check ", "dim"), Span(clean(query.check), "strong")]
    spans += [Span("  sort ", "dim"), Span(f"{query.sort} {'▲' if query.reverse else '▼'}", "text")]
    if typed:
        spans += [Span("  "), Span(f" / {clean(typed)} ", "chip.waived")]
    shown = number(total) if matching == total else f"{number(matching)} of {number(total)}"
    spans.append(Span(f"  {shown}", "dim"))
    return tuple(spans)


def headings(width: int, query: Query) -> Line:
    """Name the columns; the sorted one carries a mark."""
    mark = "▲" if query.reverse else "▼"

    def named(column: str, sort: str) -> str:
        return f"{column}{mark}" if query.sort == sort else column

    label, check, reason = _widths(width)
    cells = [fit(named("State", "worst"), 9), fit(named("Subject", "label"), label)]
    if check:
        cells.append(" " + fit(named("Check", "check"), check))
    cells += [" " + fit(named("Since", "since"), 6, right=True), "  " + fit(named("Why", "reason"), reason)]
    return line(Span(" " + "".join(cells), "dim"))


def _widths(width: int) -> tuple[int, int, int]:
    """Share the width among subject, check (0: not shown) and reason."""
    check = 16 if width >= 96 else 0
    room = width - 9 - 7 - 2 - (check + 1 if check else 0)
    label = max(12, min(44, room * 9 // 20))
    return label, check, max(0, room - label)


def row_line(row: Row, now: datetime, width: int) -> Line:
    """Write one finding in a row."""
    label, check, reason = _widths(width)
    word = row_word(row)
    flag = flags(row, now)
    left = reason - (len(flag) + 1 if flag else 0)
    cells = [word_cell(word), Span(fit(clean(row.label), label), "strong" if word is Word.FAIL else "text")]
    if check:
        cells.append(Span(" " + fit(clean(row.check), check), "dim"))
    cells += [
        Span(" " + fit(age(now - row.first_seen), 6, right=True), "dim"),
        Span("  " + fit(clean(row.reason), left), "dim"),
    ]
    if flag:
        cells.append(Span(f" {flag}", "fail" if "URGENT" in flag else "waived"))
    return tuple(cells)


def flags(row: Row, now: datetime) -> str:
    """Write what is special about a finding, the most important first."""
    due = row.due is not None and row.due > now
    candidates = (
        (row.resolved_at is not None, f"resolved {age(now - (row.resolved_at or now))}"),
        (row.urgent, "URGENT"),
        (row.waiver is not None, clean(row.waiver or "", 16)),
        (row.acked is not None, "ack"),
        (due, f"due {age((row.due or now) - now)}"),
        (row.regressions > 0, f"back ×{row.regressions}"),
        ((now - row.first_seen).days < 1, "NEW"),
    )
    return next((text for holds, text in candidates if holds), "")


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
    lines = [(Span(" "), word_cell(row_word(row)), Span(f"since {full(row.first_seen)} ({age(now - row.first_seen)})"))]
    found: list[Line] = list(lines)
    found += pair("subject", clean(row.subject), width, "dim")
    if row.resolved_at is not None:
        found += pair("resolved", full(row.resolved_at), width, "pass")
    if row.due is not None:
        left = f"in {age2(row.due - now)}" if row.due > now else f"{age2(now - row.due)} ago"
        found += pair("due", f"{full(row.due)}, {left}", width, "warn")
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
        aged = "never" if ref.as_of is None else f"{full(ref.as_of)} ({age(now - ref.as_of)} old)"
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


def history(events: Sequence[Event]) -> list[Line]:
    """Tell what became of it, newest first."""
    lines = [section("History")]
    for event in events:
        glyph = GLYPHS[event.state] if event.state else "·"
        role = {State.FAIL: "fail", State.PASS: "pass", State.WARN: "warn", State.WAIVED: "waived"}.get(
            event.state or State.UNKNOWN, "dim"
        )
        lines.append(line(Span(f"  {full(event.at)} ", "dim"), Span(f"{glyph} ", role), Span(clean(event.text))))
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
        history(detail.history),
    ]
    lines: list[Line] = []
    for part in parts:
        lines += [*part, BLANK]
    return lines
