"""What the overview's panels add where there is room: how coverage moved, backup ages, what expires next; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len

from engine.port.timeline import DAY, HOUR, midnight
from tui.calendar import FUTURE, strip_of
from tui.deadlines import SOON, End, axis, backups, expiries
from tui.format import age, clean, fit, percent
from tui.lines import BLANK, Line, Span, crop, line, size
from tui.model import Item, Model
from tui.past import cells, samples
from tui.plots import bar, coverage_scale, distance, left, runs, sparkline
from tui.scene import Scene
from tui.status import coverage

_SPANS = {"1h": HOUR, "3h": 3 * HOUR, "8h": 8 * HOUR, "24h": DAY, "3d": 3 * DAY, "7d": 7 * DAY, "14d": 14 * DAY}
_LONGEST = "30d"
HORIZON = 90 * DAY
"""The far end of the axis on which expiries are shown."""
_AIRY = 6
"""With so many lines one may be blank."""
_FINE = 120
"""From this width on the past of one check has twice the cells."""
_MOST = 4
"""Bars or dates in a panel."""


def glance(model: Model, drawn: Scene | None, family: str, width: int, room: int) -> list[Line]:
    """Fill at most ``room`` lines: what is peculiar to a family, then how it went lately."""
    if room < 1:
        return []
    past = _lately(drawn, family, width) if drawn is not None else []
    own_room = min(_MOST, max(1, room - len(past) - (room >= _AIRY)))
    own = {"backup": _backups, "certification": _expiries}.get(family, _nothing)(model, width, own_room)
    if not own and not past:
        return []
    spare = room - len(own) - len(past)
    between = [BLANK] if own and past and spare > 1 else []
    return [*([BLANK] if spare > 0 and (room >= _AIRY or not own) else []), *own, *between, *past][:room]


def _nothing(_model: Model, _width: int, _room: int) -> list[Line]:
    return []


def _lately(drawn: Scene, family: str, width: int) -> list[Line]:
    """Draw the coverage of the family's worst check, and the worst state of all its checks."""
    item = drawn.lead(family)
    if item is None or item.view.name not in drawn.timelines:
        return []
    name, span = _span(drawn)
    count = 60 if width >= 100 else 30 if width >= 60 else 15 if width >= 48 else 10
    label = Span(f" {name:<4}", "dim")
    edges = _edges(drawn, span, max(count, 30))
    strip = _unborn(strip_of(cells(drawn.of(family), edges, drawn.horizon)), drawn, edges)
    held, observed = drawn.control(family)
    told = Span(f" in control {held} of {observed} days", "dim")
    return [
        (label, *_coverage(drawn, item, span, count, width - 5)),
        (label, *strip, *((told,) if width >= 60 and name == _LONGEST else ())),
    ]


def trend(drawn: Scene, item: Item, width: int) -> Line:
    """Draw how the coverage of one check went lately, its value, its target, and the days in control."""
    if item.view.name not in drawn.timelines:
        return BLANK
    name, span = _span(drawn)
    held, observed = drawn.control(f"{item.view.family}/{item.view.name}")
    told = f"   in control {held} of {observed} days" if observed else ""
    head = (Span(f" {clean(item.view.name, 32)}", "strong"), Span(f"  {name} ", "dim"))
    return (*head, *_valued(drawn, item, span, 60 if width >= _FINE else 30), Span(told, "dim"))


def _born(drawn: Scene) -> datetime:
    """Give the first judgement of all that is known."""
    first = [day.first_at for past in drawn.pasts.values() for day in past.days[:1]]
    return min(first, default=drawn.horizon)


def _span(drawn: Scene) -> tuple[str, timedelta]:
    """Choose the shortest time that holds all that is known, at most thirty days."""
    known = drawn.horizon - _born(drawn)
    return next(((name, span) for name, span in _SPANS.items() if known <= span), (_LONGEST, 30 * DAY))


def _unborn(line_: Line, drawn: Scene, edges: Sequence[datetime]) -> Line:
    """Leave the time before anything was ever judged without a mark: it is no gap in what was watched."""
    early = sum(end <= _born(drawn) for end in edges[1:])
    marks = [(char, span.role) for span in line_ for char in span.text]
    return runs([(FUTURE, "faint") if index < early else mark for index, mark in enumerate(marks)])


def _edges(drawn: Scene, span: timedelta, count: int) -> list[datetime]:
    cell = span / count
    start = midnight(drawn.horizon)
    end = start + DAY if cell >= DAY else start + (-((start - drawn.horizon) // cell)) * cell
    return [end - (count - number) * cell for number in range(count + 1)]


def _coverage(drawn: Scene, item: Item, span: timedelta, count: int, width: int) -> Line:
    """Draw a check's coverage with its value and its target beside it, and its name where there is room."""
    drawn_so = _valued(drawn, item, span, count)
    name = width - size(drawn_so) - 1
    return (*drawn_so, *((Span(" " + fit(clean(item.view.name), name).rstrip(), "dim"),) if name >= 6 else ()))


def _valued(drawn: Scene, item: Item, span: timedelta, count: int) -> Line:
    """Draw a check's coverage with its value and its target beside it."""
    edges = _edges(drawn, span, count)
    found = samples(drawn.timelines[item.view.name], edges)
    target = item.view.standing.threshold
    scale = coverage_scale([sample.low for sample in found if sample is not None], target)
    spark = sparkline([None if sample is None else sample.low for sample in found], scale, "focus")
    rest = line(Span(f" {coverage(item)}", "strong"), Span(f" ≥ {percent(target)}", "dim"))
    return (*_unborn(spark, drawn, edges), *rest)


def _backups(model: Model, width: int, room: int) -> list[Line]:
    """Draw the ages of the backups that are oldest against their RPO, which is at the mark."""
    aged = backups(model, model.family("backup"))
    name = 12 if width < 60 else 24
    lines = []
    for index, each in enumerate(aged[:room]):
        more = f" +{len(aged) - room}" if index == room - 1 and len(aged) > room else ""
        told = f" {age(each.old):>3}{' of RPO ' if width >= 60 else ' of '}{age(each.rpo)}"
        bars = bar(each.share / 2, max(4, width - name - (20 if width >= 60 else 16)), 0.5, each.role)
        look = "strong" if each.share > 1.0 else "dim"
        lines.append(
            (Span(" "), Span(fit(each.name, name)), Span(" "), *bars, Span(told, look), Span(more, "dim")),
        )
    return lines


def _expiries(model: Model, width: int, room: int) -> list[Line]:
    """Show what ends next on an axis of days, the nearest first, and what has ended; in a line where that is all."""
    every = expiries(model)
    over = [each for each in every if each.at <= model.now]
    found = every[len(over) :]
    if not every:
        return []
    if room < 2 or not found:
        return [_next(model, over, found, width)]
    lines = [_over(model, over, width)] if over else []
    room -= len(lines)
    name = 16 if width < 60 else 28
    cells_ = max(6, width - name - 12)
    shown = found[: room - 1 if room >= _MOST - 1 else room]
    more = f"+{len(found) - len(shown)} later" if len(found) > len(shown) else ""
    lines += [_expiry(model, each, name, cells_) for each in shown]
    return [*lines, _axis(name, cells_, more)] if room >= _MOST - 1 else lines


def _over(model: Model, over: Sequence[End], width: int) -> Line:
    """Name what has ended, the latest first, since the others are known for longer."""
    names = [f"{each.name} {left(each.at - model.now)}" for each in over[::-1]]
    return crop(line(Span(f" ✖ {len(over)} ended: ", "bold.fail"), Span(" · ".join(names))), width)


def _expiry(model: Model, each: End, name: int, width: int) -> Line:
    span = each.at - model.now
    role = "warn" if span < SOON else "text"
    text = Span(fit(each.name, name), "text" if each.is_sure else "dim")
    drawn = distance(span, HORIZON, width, role, is_sure=each.is_sure)
    return (Span(" "), text, Span(" "), *drawn, Span(f" {left(span):>8}", _soon(span) if each.is_sure else "dim"))


def _soon(span: timedelta) -> str:
    return "strong" if span < SOON else "dim"


def _axis(name: int, width: int, more: str) -> Line:
    """Label the axis at each third, and at its end."""
    text = axis(HORIZON.days, width)
    return (Span(" " + fit(more, name) + " ", "dim"), Span(text, "dim"), Span(f" {f'{HORIZON.days}d':>8}", "dim"))


def _next(model: Model, over: Sequence[End], found: Sequence[End], width: int) -> Line:
    """Write in one line how many have ended, and what ends next; ``?`` of what nobody can vouch for."""
    ended = (Span(f" ✖ {len(over)} ended", "bold.fail"),) if over else ()
    if not found:
        return _over(model, over, width)
    parts: list[Span] = []
    used = size(ended) + len(" · next: ")
    for each in found:
        span = each.at - model.now
        text = f"{clean(each.name, max(8, width - used - 6))} "
        away = left(span) if each.is_sure else f"{left(span)}?"
        used += cell_len(text) + len(away) + (len(" · ") if parts else 0)
        if used > width and parts:
            break
        parts += [Span(" · ", "dim")] if parts else []
        parts += [Span(text), Span(away, _soon(span) if each.is_sure else "dim")]
    return crop((*ended, Span(" · next: " if over else " next: ", "dim"), *parts), width)
