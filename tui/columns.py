"""The columns of the list of findings: which there are, which fit, and what stands in them; pure.

The first column never scrolls away, and where there is room neither does the subject beside it. Columns that do not fit
are reached by scrolling sideways, one at a time, and the heading says on which side more are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from engine.port import Query, Row
from tui.findings import fact
from tui.format import age, age3, brief, clean, compact, fit, fitting
from tui.lines import Line, Span, line
from tui.model import Item, Word
from tui.status import row_word, word_cell

Sort = Literal["worst", "since", "label", "reason", "check", "source"]
SORTS: tuple[Sort, ...] = get_args(Sort)
GAP = 2
"""Cells between columns."""
FACT = "fact:"
"""Begins the name of a column of one compared fact."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    least: int
    """Cells that it needs."""
    grows: int = 0
    """Its share of the cells that are left over; 0: none."""
    most: int = 0
    """Cells past which it does not grow; 0: any number."""
    sort: Sort | None = None
    """What sorts by it."""
    right: bool = False
    from_width: int | None = 0
    """Width from which it is shown without being chosen; None: only when it is chosen."""
    says: str = ""
    """For the menu."""

    @property
    def title(self) -> str:
        """Give what stands above it."""
        return clean(self.name.removeprefix(FACT), 24)


COLUMNS: Mapping[str, Column] = {
    each.name: each
    for each in (
        Column("State", 8, sort="worst", says="the word, and its glyph"),
        Column("Subject", 12, 9, 44, "label", says="whom or what it is about"),
        Column("Check", 14, 2, 24, "check", from_width=96, says="the configured check"),
        Column("Source", 10, 1, 20, "source", from_width=None, says="who told it"),
        Column("Since", 13, sort="since", from_width=110, says="when it began"),
        Column("Age", 5, sort="since", right=True, says="how long it has been so"),
        Column("Why", 10, 11, sort="reason", says="the reason"),
        Column("Due", 9, right=True, from_width=None, says="when it must be mended"),
        Column("Owner", 10, 1, 16, from_width=140, says="the team of the check"),
        Column("Facts", 16, 9, from_width=170, says="all that was compared"),
        Column("Waiver", 10, from_width=None, says="the waiver that covers it"),
        Column("Ack", 10, 1, 24, from_width=None, says="the note of who looks at it"),
        Column("Flag", 8, from_width=72, says="what is special: NEW, URGENT, due, waived, back"),
    )
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are drawn, and how wide."""

    cells: Sequence[tuple[Column, int]]
    before: int = 0
    """Columns that are scrolled away."""
    after: int = 0
    """Columns that do not fit any more."""
    lead: int = 1
    """Columns that do not scroll."""


def column(name: str) -> Column | None:
    """Give a column by its name: one of the list's own, or of one fact; None where there is none."""
    if name.startswith(FACT) and name != FACT:
        return Column(name, min(24, max(8, len(name) - len(FACT))), 2, 24, says="a fact that was compared")
    return COLUMNS.get(name)


def chosen(names: Sequence[str] | None, width: int, *, alone: bool = False) -> list[Column]:
    """Give the columns in order: those that a person chose, else those that suit the width.

    ``alone``: the list is of one check, so that who told it says more than the check's name.
    """
    known = [each for name in dict.fromkeys(names or ()) if (each := column(name)) is not None]
    if known:
        return known
    swapped = {"Check": replace(COLUMNS["Source"], from_width=COLUMNS["Check"].from_width)} if alone else {}
    every = [swapped.get(name, each) for name, each in COLUMNS.items()]
    return [each for each in every if each.from_width is not None and width >= each.from_width]


def fact_columns(rows: Sequence[Row]) -> list[str]:
    """Name a column for each fact of the rows, in the order of the checks."""
    return [f"{FACT}{name}" for name in dict.fromkeys(name for row in rows for name in row.facts)]


def lay_out(columns: Sequence[Column], width: int, shift: int = 0) -> Layout:
    """Share the width; ``shift`` columns after the lead are scrolled away, as far as that is needed."""
    lead = _lead(columns, width)
    head, rest = list(columns[:lead]), columns[lead:]
    room = width - _need(head) + GAP
    shift = max(0, min(shift, _furthest(rest, room)))
    shown: list[Column] = []
    for each in rest[shift:]:
        if shown and room < GAP + each.least:
            break
        room -= GAP + each.least
        shown.append(each)
    after = len(rest) - shift - len(shown)
    return Layout(_grown([*head, *shown], width), shift, after, lead)


def _lead(columns: Sequence[Column], width: int) -> int:
    """Count the columns that never scroll away: the first, and with room to spare the subject beside it."""
    return 2 if len(columns) > 2 and columns[1].name == "Subject" and width >= 56 else 1


def _need(columns: Sequence[Column]) -> int:
    """Count the cells that columns need, with a gap after each."""
    return sum(GAP + each.least for each in columns)


def _furthest(rest: Sequence[Column], room: int) -> int:
    """Count the columns that may be scrolled away before the last one is in sight."""
    for kept, each in enumerate(reversed(rest)):
        room -= GAP + each.least
        if room < 0:
            return len(rest) - max(1, kept)
    return 0


def _grown(shown: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Give what is left over to the columns that grow; take what is missing from the last."""
    if not shown:
        return []  # A list that is not in sight may have no width at all.
    sizes = [min(each.least, width) for each in shown]
    room = width - _need(shown) + GAP
    if room < 0:
        sizes[-1] = max(0, sizes[-1] + room)
    while room > 0:
        eager = [n for n, each in enumerate(shown) if each.grows and (not each.most or sizes[n] < each.most)]
        if not eager:
            break
        total, left = sum(shown[n].grows for n in eager), room
        for n in eager:
            more = max(1, left * shown[n].grows // total)
            more = min(more, room, (shown[n].most or more + sizes[n]) - sizes[n])
            sizes[n] += more
            room -= more
    if room > 0:
        sizes[-1] += room
    return list(zip(shown, sizes, strict=True))


def headings(layout: Layout, query: Query) -> Line:
    """Name the columns; the sorted one carries a mark, and a click on one sorts by it."""
    mark = "▲" if query.reverse else "▼"
    spans: list[Span] = []
    marked = False
    for place, (each, width) in enumerate(layout.cells):
        here = each.sort == query.sort and not marked
        marked = marked or here
        name = f"{each.title}{mark}" if here else each.title
        if layout.before and place == layout.lead:
            name = f"< {name}"
        if layout.after and place == len(layout.cells) - 1:
            name = f"{fit(name, min(len(name), width - 2))} >"
        spans += [Span(" " * GAP, "dim")] if place else []
        action = f"sort_by('{each.sort}')" if each.sort else ""
        spans.append(Span(fit(name, width, right=each.right), "strong" if here else "dim", action))
    return tuple(spans)


def row_line(row: Row, item: Item | None, now: datetime, layout: Layout) -> Line:
    """Write one finding in a row."""
    spans: list[Span] = []
    for place, (each, width) in enumerate(layout.cells):
        span = _cell(each, width, row, item, now)
        spans.append(Span(" " * GAP + span.text, span.role) if place else span)
    return tuple(spans)


def _cell(drawn: Column, width: int, row: Row, item: Item | None, now: datetime) -> Span:
    if drawn.name == "State":
        return word_cell(row_word(row), width)
    text, role = _text(drawn, row, item, now)
    return Span(fit(text, width, right=drawn.right), role)


def _text(drawn: Column, row: Row, item: Item | None, now: datetime) -> tuple[str, str]:
    """Give what stands in a column, and its role; nothing where the row's check does not compare that fact."""
    if not drawn.name.startswith(FACT):
        return _TEXTS[drawn.name](row, item, now)
    name = drawn.name.removeprefix(FACT)
    if name not in row.facts:
        return "", "dim"
    return fact(row.facts[name], now), "blind" if row.facts[name] is None else "text"


def _facts(row: Row, _item: Item | None, now: datetime) -> tuple[str, str]:
    return " · ".join(f"{clean(name)} {fact(value, now)}" for name, value in row.facts.items()), "dim"


def _flag(row: Row, _item: Item | None, now: datetime) -> tuple[str, str]:
    flag = flags(row, now)
    return flag, "bold.fail" if flag in {"URGENT", "overdue"} else "waived"


def flags(row: Row, now: datetime) -> str:
    """Write what is special about a finding, the most important first, in eight cells."""
    candidates = (
        (row.resolved_at is not None, f"{age3(now - (row.resolved_at or now))} ago"),
        (row.urgent, "URGENT"),
        (row.waiver is not None, clean(row.waiver or "", 16)),
        (row.acked is not None, "ack"),
        (row.due is not None and row.due > now, f"due {age((row.due or now) - now)}"),
        (row.due is not None and row.due <= now, "overdue"),
        (row.regressions > 0, fitting(8, f"back ×{row.regressions}", f"×{compact(row.regressions)}")),
        ((now - row.first_seen).days < 1, "NEW"),
    )
    return next((text for holds, text in candidates if holds), "")


def due(row: Row, now: datetime) -> str:
    """Write when a finding must be mended; ``past 3d`` when it should have been."""
    if row.due is None:
        return "–"
    return f"in {age(row.due - now)}" if row.due > now else f"past {age(now - row.due)}"


_TEXTS: Mapping[str, Callable[[Row, Item | None, datetime], tuple[str, str]]] = {
    "State": lambda row, _item, _now: (row_word(row), "text"),
    "Subject": lambda row, _item, _now: (clean(row.label), "strong" if row_word(row) is Word.FAIL else "text"),
    "Check": lambda row, _item, _now: (clean(row.check), "dim"),
    "Source": lambda row, _item, _now: (clean(row.subject.partition("/")[0]), "dim"),
    "Since": lambda row, _item, now: (brief(row.first_seen, now, COLUMNS["Since"].least), "dim"),
    "Age": lambda row, _item, now: (age(now - row.first_seen), "dim"),
    "Why": lambda row, _item, _now: (clean(row.reason), "dim"),
    "Due": lambda row, _item, now: (due(row, now), "warn" if row.due is not None and row.due <= now else "dim"),
    "Owner": lambda _row, item, _now: (clean(item.view.team) if item else "", "dim"),
    "Facts": _facts,
    "Waiver": lambda row, _item, _now: (clean(row.waiver or "–"), "waived" if row.waiver else "dim"),
    "Ack": lambda row, _item, _now: (clean(row.acked or "–"), "dim"),
    "Flag": _flag,
}


def plain_cells(row: Row, item: Item | None, now: datetime, columns: Sequence[Column]) -> list[str]:
    """Write a finding's cells whole, to be copied."""
    return [_text(each, row, item, now)[0] for each in columns]


def sort_beside(sort: Sort, way: int, columns: Sequence[Column]) -> Sort:
    """Give what the next sortable column to the left or right sorts by."""
    found = list(dict.fromkeys(each.sort for each in columns if each.sort))
    if sort not in found:
        return found[0] if found else sort
    return found[(found.index(sort) + way) % len(found)]


def column_row(each: Column, *, shown: bool) -> Line:
    """Describe a column in the menu."""
    return line(
        Span(f"({'*' if shown else ' '}) "),
        Span(fit(each.title, 16), "strong" if shown else "text"),
        Span(each.says, "dim"),
    )
