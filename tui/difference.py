"""What a day changed: state and counts of each check at its end beside those at its beginning; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from engine.port.timeline import Stretch, Timeline, at, coverage
from tui.calendar import mark_of, when_of
from tui.format import clean, clock, fit, number, percent
from tui.keymap import PLAIN, Keymap
from tui.lines import BLANK, Line, Span, line, rule, size
from tui.model import RANK, WORD_OF, Item
from tui.past import Cell
from tui.scene import Scene, moment_of

_COLUMNS = ("check", "clock", "share", "counts", "more")
_SHED = ("more", "clock", "counts", "share")
"""In which order columns go that have no room."""


def difference(drawn: Scene, cursor: int | None, height: int, keymap: Keymap = PLAIN) -> list[Line]:
    """Show what changed within the cursor's cell, of all checks; those that failed first."""
    if cursor is None or cursor >= len(drawn.edges) - 1 or not drawn.timelines:
        told = f"  {keymap.named('history.later')} puts the cursor on a day, and here is what that day changed"
        head = rule(line(Span("Changes", "strong")), BLANK, drawn.width + 1, "faint")
        return _filled([head, line(Span(told, "dim"))], height)
    start, end = drawn.edges[cursor], moment_of(drawn, cursor)
    found = []
    for item in drawn.items:
        one = drawn.timelines.get(item.view.name)
        before, after = (at(one, start), at(one, end)) if one is not None else (None, None)
        turns = _turns(one, start, end) if one is not None else 0
        if turns or _differs(before, after):
            found.append((item, before, after, turns))
    found.sort(key=lambda each: _rank(each[0], each[2]))
    title = line(Span("Changes ", "strong"), Span(when_of(start, drawn.edges[cursor + 1])))
    back = f"{keymap.named('history.difference')} the plots again"
    note = line(Span(f"{len(found)} of {len(drawn.items)} checks · {back}", "dim"))
    rows = _fitted([_row(drawn, *each) for each in found], drawn.width + 1)
    if not rows:
        rows = [line(Span("  no check changed its state or its counts", "dim"))]
    if len(rows) > height - 1:
        rows = [*rows[: height - 2], line(Span(f"  … {len(rows) - height + 2} more", "dim"))]
    return _filled([rule(title, note, drawn.width + 1, "faint"), *rows], height)


def _filled(lines: Sequence[Line], height: int) -> list[Line]:
    return [*lines[:height], *[BLANK] * (height - len(lines))]


def _turns(one: Timeline, start: datetime, end: datetime) -> int:
    """Count the changes of state within a cell, those that left no trace at its end too."""
    inside = [each.state for each in one.stretches if each.start < end and each.end > start]
    return sum(one is not other for one, other in pairwise(inside))


def _differs(before: Stretch | None, after: Stretch | None) -> bool:
    one, other = (None if each is None else each.turn for each in (before, after))
    if one is None or other is None:
        return (one is None) is not (other is None)
    counts = [(each.passed, each.failed, each.unknown, each.missing) for each in (one, other)]
    return counts[0] != counts[1]


def _rank(item: Item, after: Stretch | None) -> tuple[int, str]:
    state = None if after is None else after.state
    return (len(RANK) if state is None else RANK[WORD_OF[state]], item.view.name)


def _fitted(rows: Sequence[Mapping[str, Line]], width: int) -> list[Line]:
    """Put the columns of all rows beside each other; where one row has no room for all of them, none has the next."""
    left = list(_COLUMNS)
    for name in _SHED:
        if all(size(_joined(each, left)) <= width for each in rows):
            break
        left.remove(name)
    return [_joined(each, left) for each in rows]


def _joined(row: Mapping[str, Line], names: Sequence[str]) -> Line:
    return tuple(span for name in names for span in row[name])


def _row(drawn: Scene, item: Item, before: Stretch | None, after: Stretch | None, turns: int) -> Mapping[str, Line]:
    """Write what changed of a check, by column."""
    marks = [_mark(each) for each in (before, after)]
    last = clock(drawn.horizon if after is None else after.start, drawn.local_horizon)
    told = after is not None and turns > 0
    return {
        "check": line(
            Span("  " + fit(clean(item.view.name), drawn.name_width)),
            Span(" "),
            *(Span(*marks[0]), Span(" → ", "dim"), Span(*marks[1])),
        ),
        "clock": line(Span(f" {last} " if told else " " * (len(last) + 2), "dim")),
        "share": line(Span(f" {_share(before)} → {_share(after)}")),
        "counts": tuple(_counts(before, after)),
        "more": line(Span(f" · {turns} changes of state" if turns > 1 else "", "dim")),
    }


def _mark(held: Stretch | None) -> tuple[str, str]:
    if held is None:
        return "?", "dim"
    return mark_of(Cell(held.start, held.end, held.state))


def _share(held: Stretch | None) -> str:
    if held is None or held.turn is None:
        return "no data"
    low, high = coverage(held.turn)
    return percent(low) if low == high else f"{percent(low).rstrip('%')}–{percent(high)}"


def _counts(before: Stretch | None, after: Stretch | None) -> list[Span]:
    """Write what fails and what is unknown, where that changed."""
    one, other = (None if each is None else each.turn for each in (before, after))
    if one is None or other is None:
        return []
    pairs = (("fail", one.failed, other.failed), ("unknown", one.unknown, other.unknown))
    return [
        Span(f"  {number(was)} → {number(now)} {name}", "fail" if name == "fail" and now > was else "dim")
        for name, was, now in pairs
        if was != now
    ]
