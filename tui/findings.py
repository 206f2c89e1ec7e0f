"""What a list of findings and one finding look like; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from checks.model.judgement import Scalar
from checks.model.state import State
from engine.port import Event, Query, Row
from tui.format import age, clean, clean_lines, fit, full, moment, number, scalar, wrap
from tui.lines import BLANK, Line, Span, crop, ends, line, rule, size
from tui.model import Item, Model
from tui.plots import left
from tui.status import GLYPHS, row_word, sources_line, word_cell

View = Literal["open", "all", "new", "waived", "resolved"]
VIEWS: tuple[View, ...] = get_args(View)
_AGES = {"new": " 24h"}
"""Of which time a view is."""
_BAR = 10
"""Cells of the bar that shows how far down the list is."""
SLIM = 60
"""Below this width there is no such bar."""
_ENDS = frozenset({"resolved", "retired"})
"""What a finding's history calls the ways out of it."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
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
    """Findings that match; of those that are not counted yet, how many are known."""
    total: int = 0
    counted: bool = True
    """Whether the numbers are those of the query."""
    fetched: bool = True
    """Whether rows are here, or under way."""
    error: str = ""
    """Why they are not: what the engine answered."""
    took_seconds: float | None = None
    """How long the filter took; None where it is not worth telling."""
    waiting_seconds: float | None = None
    """How long an answer has been waited for; None while none is."""
    marked: str = ""
    frozen: str | None = None
    """What a frozen list does not show; None while it is not frozen."""
    exporting: str = ""
    judged: int | None = None
    """Subjects that were judged; None where that is not known exactly."""
    columns_key: str = "c"
    """The key that asks which columns are shown, as a person writes it."""
    hidden: int = 0
    """Columns that are not drawn."""


def chips(shown: Shown) -> Line:
    """Show what narrows the list: never an invisible filter, never an invisible mark; the most important first."""
    query = shown.query
    spans: list[Span] = [Span(" ")]
    if shown.frozen is not None:
        spans += [Span(f" FROZEN {shown.frozen} ", "chip.stale", "freeze"), Span(" ")]
    if shown.typed:
        spans += [Span(f" / {clean(shown.typed)} ", "chip.waived", "filter"), Span(" ")]
    spans += [Span(f"! {clean(fault)} ", "warn") for fault in shown.faults[:1]]
    no_filter = "" if shown.fetched else refused(shown.error)
    spans += [Span(no_filter or _found(shown), "fail" if no_filter else "dim"), Span(_judged(shown), "dim")]
    if shown.marked:
        spans += [Span("  "), Span(f"● {shown.marked}", "mark", "unmark")]
    if shown.exporting:
        spans += [Span("  "), Span(shown.exporting, "strong", "export")]
    spans += [Span("  view ", "dim", "view"), Span(f"{query.view}{_AGES.get(query.view, '')}", "strong", "view")]
    if query.check is not None:
        spans += [Span("  check ", "dim"), Span(clean(query.check), "strong", "next_check")]
    spans += [Span("  sort ", "dim", "sort"), Span(f"{query.sort} {'▲' if query.reverse else '▼'}", "text", "reverse")]
    if shown.hidden:
        what = "1 column hidden" if shown.hidden == 1 else f"{shown.hidden} columns hidden"
        key = Span(shown.columns_key, "key", "columns")
        spans += [Span(f"  {what} (", "dim", "columns"), key, Span(")", "dim", "columns")]
    return tuple(spans)


def refused(error: str) -> str:
    """Say that what was typed is no filter; empty of any other fault, which may be gone when asked again.

    The engine begins to tell of a regular expression that it cannot read with the expression, ``~…``.
    """
    return f"not a filter: {clean(error, 120)}" if error.startswith("~") else ""


def _judged(shown: Shown) -> str:
    """Say of how many subjects the open findings are, where all of them are meant."""
    if shown.typed or not shown.counted or shown.waiting_seconds is not None:
        return ""
    if shown.query.view == "open" and shown.judged is not None:
        return f" of {number(shown.judged)} judged"
    return " finding" if shown.total == 1 else " findings"


def _found(shown: Shown) -> str:
    """Say how many there are, of how many, and how long that took or takes."""
    if not shown.counted and shown.matching:
        waited = "" if shown.waiting_seconds is None else f", {shown.waiting_seconds:.1f} s"
        return f"{number(shown.matching)}+ found, … counting{waited}"
    if not shown.counted and shown.waiting_seconds is None:
        return "… asking the store" if shown.fetched else "not fetched"
    if shown.waiting_seconds is not None:
        return f"… asking the store, {shown.waiting_seconds:.1f} s"
    if not shown.typed:
        return number(shown.total)
    took = "" if shown.took_seconds is None else f" in {shown.took_seconds:.2f} s"
    return f"{number(shown.matching)} of {number(shown.total)}{took}"


@dataclass(frozen=True, slots=True)
class Sight:
    """Where the cursor is in a list, and what of the list is in sight."""

    index: int
    matching: int
    top: int
    height: int

    @property
    def below(self) -> int:
        """Count the rows below those in sight."""
        return max(0, self.matching - self.top - self.height)


def place(row: Row | None, sight: Sight, width: int) -> Line:
    """Draw the rule under a list: what the cursor is on, which row that is, and what is not in sight."""
    if row is None or not sight.matching:
        return (Span("─" * width, "faint"),)
    word = row_word(row)
    named = line(word_cell(word, len(word) + 2), Span(f" {clean(row.label)}", "strong"))
    note = line(Span(f"row {number(sight.index + 1)}/{number(sight.matching)}", "dim"))
    if sight.matching > sight.height:
        share = sight.index / max(1, sight.matching - 1)
        filled = round(_BAR * share)
        bars = (Span("█" * filled, "dim"), Span("░" * (_BAR - filled), "faint")) if width >= SLIM else BLANK
        more = Span(f"… {number(sight.below)} more   " if sight.below else "", "dim")
        note = line(more, *note, Span(" "), *bars, Span(f" {int(100 * share)}%", "dim"))
    room = width - size(note) - 8
    return rule(crop(named, room) if size(named) > room > 0 else named, note, width, "faint")


def about(row: Row | None, item: Item | None, model: Model, width: int) -> list[Line]:
    """Tell three lines about the finding under the cursor: since when and whose, why on what data, what to do."""
    if row is None:
        return [BLANK, BLANK, BLANK]
    now = model.now
    team = clean(item.view.team) if item else ""
    waiver = Span(f"waiver {clean(row.waiver)}", "waived") if row.waiver else Span("no waiver", "dim")
    due = f" · due {moment(row.due, now)}" if row.due is not None and row.resolved_at is None else ""
    over = row.resolved_at
    ended = "" if over is None else f" · resolved {moment(over, now)} ({age(now - over)} ago)"
    ack = f" · {clean(row.acked, 40)}" if row.acked else ""
    facts = " · ".join(f"{clean(name)} {fact(value, now)}" for name, value in row.facts.items())
    data = sources_line([each for each in model.sources if each.name == row.subject.partition("/")[0]], now)
    mark = Span(" · ", "dim")
    return [
        line(
            Span(f" since {moment(row.first_seen, now)} ({age(now - row.first_seen)}){ended}", "text"),
            Span(f" · {clean(row.check)}{due} · owner ", "dim"),
            Span(team or "unowned", "text" if team else "warn"),
            mark,
            waiver,
            Span(ack, "dim"),
        ),
        ends(line(Span(" why  ", "dim"), Span(clean(row.reason), "text"), Span(f" · {facts}", "dim")), data, width - 1),
        line(Span(f" do   {todo(row, item)}", "dim")),
    ]


def fact(value: Scalar, now: datetime) -> str:
    """Write a compared fact; an instant with its distance from now. The record has it to the second."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return scalar(value) or "–"
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return scalar(value)
    return f"{moment(at, now)} ({left(at - now)})"


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


def history(events: Sequence[Event], now: datetime, *, short: bool = False) -> list[Line]:
    """Tell what became of it, newest first, in the zone of ``now``; ``short`` where there is no room for seconds."""
    write = moment if short else full
    lines: list[Line] = []
    for event in events:
        state = None if is_end(event) else event.state
        glyph = GLYPHS[state] if state else "·"
        role = {State.FAIL: "fail", State.WARN: "warn", State.WAIVED: "waived"}.get(state or State.UNKNOWN, "dim")
        lines.append(line(Span(f"  {write(event.at, now)} ", "dim"), Span(f"{glyph} ", role), Span(clean(event.text))))
    return lines or [line(Span("  nothing is known before this", "dim"))]


def is_end(event: Event) -> bool:
    """Tell whether a finding was open no more from then on, which proves nothing of its subject."""
    return event.text.partition(":")[0] in _ENDS


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
