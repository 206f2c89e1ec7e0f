"""Plots as lines of text: block ramps, filled plots with a target, bars with a mark, dates on an axis; pure.

Where nothing is known nothing is drawn but ``?``: a gap is a gap. Every glyph is one cell wide and has one of ASCII.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from tui.format import age, fit
from tui.lines import Line, Span
from tui.past import Sample

RAMP = "▁▂▃▄▅▆▇█"
GAP = "?"
NOTHING = "·"
"""Above a gap's mark."""
_EIGHTHS = len(RAMP)
_FLOORS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)
_STEPS = (1, 2, 5)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The values at the bottom and the top of a plot."""

    bottom: float
    top: float

    def eighths(self, value: float, height: int) -> int:
        """Give the height of a value in eighths of a row, rounded down, so that almost the top is not the top."""
        share = (value - self.bottom) / (self.top - self.bottom)
        return max(0, min(height * _EIGHTHS, int(share * height * _EIGHTHS + 1e-9)))


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a plot shows."""

    low: float
    high: float
    """More than ``low``: what is in doubt lies between."""
    role: str = "focus"


def coverage_scale(lows: Sequence[float], target: float) -> Scale:
    """Give a scale up to 100 % that shows the lowest value and the target."""
    least = min([target, *lows])
    return Scale(bottom=next(floor for floor in _FLOORS if floor < least or floor == 0.0), top=1.0)


def count_scale(values: Sequence[int]) -> Scale:
    """Give a scale from 0 to a round number that is not below any value."""
    most = max(values, default=0)
    size = 1
    while True:
        for step in _STEPS:
            if step * size >= most:
                return Scale(bottom=0.0, top=float(step * size))
        size *= 10


def sparkline(values: Sequence[float | None], scale: Scale, role: str = "text") -> Line:
    """Draw a row of blocks, one a value; ``?`` where there is none."""
    marks = [(GAP, "faint") if value is None else (RAMP[_level(value, scale)], role) for value in values]
    return runs(marks)


def _level(value: float, scale: Scale) -> int:
    return min(_EIGHTHS - 1, scale.eighths(value, 1))


def runs(cells: Sequence[tuple[str, str]]) -> Line:
    """Join cells of one role."""
    return tuple(
        Span("".join(text for text, _ in same), role) for role, same in groupby(cells, key=lambda cell: cell[1])
    )


def area(
    columns: Sequence[Column | None],
    scale: Scale,
    height: int,
    target: float | None = None,
    future_from: int | None = None,
) -> list[Line]:
    """Draw a filled plot, top row first: full up to the low value, shaded up to the high one; a gap is a faint band.

    The target is a line where it is above what is drawn; from ``future_from`` on there is that line alone.
    """
    goal = None if target is None else max(0, min(height - 1, (scale.eighths(target, height) - 1) // _EIGHTHS))
    rows = []
    for row in reversed(range(height)):
        marks = [_cell(column, scale, height, row, at_goal=row == goal) for column in columns[:future_from]]
        ahead = len(columns) - len(marks)
        rows.append(runs([*marks, *[_rest(at_goal=row == goal)] * ahead]))
    return rows


def _cell(column: Column | None, scale: Scale, height: int, row: int, *, at_goal: bool) -> tuple[str, str]:
    if column is None:
        return (GAP, "dim") if row == 0 else (NOTHING, "faint")
    low = scale.eighths(column.low, height) - row * _EIGHTHS
    high = scale.eighths(column.high, height) - row * _EIGHTHS
    if row == 0 and high <= 0:
        return RAMP[0], column.role
    if low >= _EIGHTHS:
        return RAMP[-1], column.role
    if low > 0:
        return RAMP[low - 1], column.role
    return ("░", "blind") if high > 0 else _rest(at_goal=at_goal)


def _rest(*, at_goal: bool) -> tuple[str, str]:
    return ("─", "strong") if at_goal else (" ", "text")


def lane(found: Sequence[Sample | None], *, future_from: int) -> Line:
    """Mark under a plot what it cannot show: ``?`` a gap, ``◆`` a waiver."""
    marks = [
        (" ", "text")
        if index >= future_from
        else (GAP, "dim")
        if sample is None
        else ("◆", "waived")
        if sample.waived
        else (" ", "text")
        for index, sample in enumerate(found)
    ]
    return runs(marks)


def bar(share: float, width: int, mark: float, role: str) -> Line:
    """Draw a bar of ``share`` of a width, with a mark at a share of its own; past the end it is cut at an arrow."""
    filled = max(1, min(width, int(share * width)))
    place = min(width - 1, int(mark * width))
    cells = [("▇" if index < filled else " ", role) for index in range(width)]
    if share > 1.0:
        cells[-1] = ("▸", role)
    cells[place] = ("│", "strong")
    return runs(cells)


def distance(span: timedelta, horizon: timedelta, width: int, role: str, *, is_sure: bool = True) -> Line:
    """Draw how far away a date is, up to a horizon: a line to a point, or an arrow past it; ``?`` if it is not sure."""
    if span >= horizon:
        return (Span("─" * (width - 1), "faint"), Span("▸" if is_sure else "?", "dim"))
    place = max(0, int(span / horizon * width))
    point = Span("●", role) if is_sure else Span("?", "dim")
    return (Span("─" * place, "faint"), point, Span(" " * (width - place - 1)))


def ruler(edges: Sequence[datetime], stride: int) -> Line:
    """Write dates over the cells at which they begin, as many as fit, years first; ``stride`` columns a cell."""
    width = (len(edges) - 1) * stride
    written = " " * width
    tick = _ticks(edges)
    labels = [(index * stride, tick(start, end)) for index, (start, end) in enumerate(pairwise(edges))]
    for place, label in sorted(labels, key=lambda each: (not each[1].isdigit(), each[0])):
        after = place + len(label)
        if label and after <= width and not written[max(0, place - 1) : after + 1].strip():
            written = written[:place] + label + written[after:]
    return (Span(written, "dim"),)


Tick = Callable[[datetime, datetime], str]


def _ticks(edges: Sequence[datetime]) -> Tick:
    """Choose what is written: hours, days, weeks, or months."""
    span, cell = edges[-1] - edges[0], edges[1] - edges[0]
    if span <= 2 * _HOUR:
        return lambda start, _end: start.strftime("%H:%M") if start.minute % 15 == 0 else ""
    if span <= 2 * _DAY:
        return _hours
    if span <= 15 * _DAY:
        return lambda start, _end: start.strftime("%d %b") if start.hour == 0 else ""
    if span <= 62 * _DAY:
        return lambda start, end: _week(start, end, cell)
    return _months


def _hours(start: datetime, end: datetime) -> str:
    """Name midnights by their day, and else every third hour."""
    if start.hour == 0 and start.minute == 0:
        return start.strftime("%d %b")
    return start.strftime("%H:%M") if start.hour % 3 == 0 and start.minute == 0 and end > start else ""


def _week(start: datetime, end: datetime, cell: timedelta) -> str:
    """Name Mondays."""
    days = [start + number * _DAY for number in range(max(1, (end - start) // _DAY))]
    due = any(day.weekday() == 0 for day in days) and (cell >= _DAY or start.hour == 0)
    return start.strftime("%d %b") if due else ""


def _months(start: datetime, end: datetime) -> str:
    """Name the months that begin, January by its year."""
    last = end - timedelta(microseconds=1)
    if start.day != 1 and start.month == last.month:
        return ""
    return last.strftime("%Y" if last.month == 1 else "%b")


def left(span: timedelta) -> str:
    """Write how long until a date: ``41d``; ``2d ago`` when it is past."""
    return age(span) if span >= timedelta(0) else f"{age(-span)} ago"


def axis(rows: Sequence[Line], labels: Sequence[str], width: int) -> list[Line]:
    """Put an axis with labels, one a row, at the left of a plot; ``width`` is that of labels and axis."""
    return [
        (Span(fit(label, width - 2, right=True), "dim"), Span(" ┤" if label else " │", "faint"), *row)
        for row, label in zip(rows, labels, strict=True)
    ]
