"""The history screen's plots: coverage and failures of one check, column under column of the strips; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from engine.port.timeline import Timeline
from tui.calendar import marked
from tui.format import clean, compact, fit, moment, percent, zone_mark
from tui.lines import BLANK, Line, Span, line, rule
from tui.model import Item, Word
from tui.past import Sample
from tui.period import finer
from tui.plots import Column, Scale, area, axis, count_scale, coverage_scale, lane, ruler
from tui.scene import Scene, moment_of, value_at

_LEAST = 9
"""Rows from which on failures have a plot of their own."""
_TALLEST = 14
"""Rows of a plot; more would only make it coarser."""


def plots(drawn: Scene, key: str | None, cursor: int | None, height: int) -> list[Line]:
    """Draw coverage and failures under the strips, column under column."""
    item = drawn.lead(key) if key is not None else None
    one = drawn.timelines.get(item.view.name) if item is not None else None
    if item is None or one is None or height < 5:
        return [BLANK] * height
    found = drawn.samples(item.view.name)
    both = height >= _LEAST
    rows = height - (4 if both else 3)
    upper = min(_TALLEST, (rows * 3 + 4) // 5 if both else rows)
    lower = min(_TALLEST // 2, rows - upper)
    lines = [_title(drawn, item, one, cursor), *_coverage(drawn, item, found, upper, cursor)]
    if both:
        lines += [_failing_title(drawn, item, found), *_failing(drawn, found, lower, cursor)]
    left = Span(fit("? gap ◆ waived", drawn.name_width, right=True) + "  ", "faint")
    lines.append((left, *marked(lane(found, future_from=_known(drawn)), cursor, drawn.stride)))
    lines.append((Span(" " * (drawn.name_width + 2)), *marked(ruler(drawn.edges, drawn.stride), cursor, drawn.stride)))
    return lines


def _known(drawn: Scene) -> int:
    """Count the columns that are not in the future."""
    return sum(edge < drawn.horizon for edge in finer(drawn.edges, drawn.stride)[:-1])


def _title(drawn: Scene, item: Item, one: Timeline, cursor: int | None) -> Line:
    at = moment_of(drawn, cursor)
    if cursor is None:
        when, value = _latest(drawn, item, one)
    else:
        value = value_at(one, at)
        whole = drawn.edges[1] - drawn.edges[0] >= timedelta(days=1)
        when = f"{at:%d %b}" if whole else f"{at:%d %b %H:%M}{zone_mark(at)}"
    name = line(Span("Coverage ", "strong"), Span(clean(item.view.name)), Span(f"  {when} ", "dim"))
    note = line(Span(f"target ≥ {percent(item.view.standing.threshold)}", "dim"))
    return rule((*name, Span(value, "strong")), note, drawn.width + 1, "faint")


def _latest(drawn: Scene, item: Item, one: Timeline) -> tuple[str, str]:
    """Say when the latest coverage was known, and what it was; of a blind check that is not now."""
    if item.word is not Word.BLIND:
        return "now", value_at(one, moment_of(drawn, None))
    if item.view.as_of is None:
        return "now", "–"
    at = min(item.view.as_of, moment_of(drawn, None))
    now = drawn.horizon.astimezone(drawn.zone)
    return f"at {moment(at, now)}", value_at(one, at)


def _coverage(drawn: Scene, item: Item, found: Sequence[Sample | None], height: int, cursor: int | None) -> list[Line]:
    target = item.view.standing.threshold
    scale = coverage_scale([sample.low for sample in found if sample is not None], target)
    columns = [
        None if sample is None else Column(sample.low, sample.high, "waived" if sample.waived else "focus")
        for sample in found
    ]
    rows = area(columns, scale, height, target, _known(drawn))
    labels = [percent(scale.top), *[""] * (height - 1)]
    goal = height - 1 - max(0, min(height - 1, (scale.eighths(target, height) - 1) // 8))
    labels[goal] = percent(target)
    if height > 1 and goal != height - 1:
        labels[-1] = percent(scale.bottom)
    return _framed(drawn, rows, labels, cursor)


def _failing_title(drawn: Scene, item: Item, found: Sequence[Sample | None]) -> Line:
    known = [sample.failed for sample in found if sample is not None]
    name = line(Span("Failing ", "strong"), Span(clean(item.view.name)))
    note = line(Span(f"at most {compact(max(known))}" if known else "no data", "dim"))
    return rule(name, note, drawn.width + 1, "faint")


def _failing(drawn: Scene, found: Sequence[Sample | None], height: int, cursor: int | None) -> list[Line]:
    scale = count_scale([sample.failed for sample in found if sample is not None])
    columns = [_failed(sample, scale) for sample in found]
    labels = [compact(int(scale.top)), *[""] * (height - 1)]
    if height > 1:
        labels[-1] = "0"
    return _framed(drawn, area(columns, scale, height, future_from=_known(drawn)), labels, cursor)


def _failed(sample: Sample | None, scale: Scale) -> Column | None:
    """Draw at least the smallest block where anything fails, and a faint ground line where nothing does."""
    if sample is None:
        return None
    value = max(float(sample.failed), scale.top / 16 if sample.failed else 0.0)
    return Column(value, value, "fail" if sample.failed else "faint")


def _framed(drawn: Scene, rows: Sequence[Line], labels: Sequence[str], cursor: int | None) -> list[Line]:
    banded = [marked(row, cursor, drawn.stride) for row in rows]
    return axis(banded, labels, drawn.name_width + 2)
