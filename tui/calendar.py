"""What the history screen tells: a strip for each family and check, what the cursor's cell was, and gaps; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo

from checks.model.state import State
from engine.port import Day
from engine.port.timeline import DAY, Gap, Timeline, coverage
from tui.format import age2, clean, fit, in_zone, moment, number, percent, zone_mark
from tui.lines import BLANK, Line, Span, line
from tui.model import FAMILIES, WORD_OF, Item
from tui.past import Cell, cells
from tui.period import AUDIT, day_of
from tui.plots import GAP, ruler, runs
from tui.scene import Scene
from tui.status import GLYPHS, ROLES
from tui.widgets.board import Content

FUTURE = "·"
HERE = "here"
_ROOMY = 100
"""From this width on the cursor's line tells more."""


def keys(items: Sequence[Item], opened: Collection[str]) -> list[str]:
    """Name the rows: families in their fixed order, the checks of those that are open under them."""
    found = []
    for family in FAMILIES:
        mine = [item for item in items if item.view.family == family]
        if mine:
            found.append(family)
        if family in opened:
            found += [f"{family}/{item.view.name}" for item in mine]
    return found


def strips(drawn: Scene, opened: Collection[str], cursor: int | None, selected: str | None, note: str) -> Content:
    """Show the strips: one cell is a time, its worst state wins."""
    rows = [(key, _row(drawn, key, opened, cursor, lit=key == selected)) for key in keys(drawn.items, opened)]
    found = drawn.edges
    head = (
        Span(" " * (drawn.name_width + 2)),
        *marked(ruler(found, drawn.stride), cursor, drawn.stride),
        Span(" " * (drawn.room - (len(found) - 1) * drawn.stride)),
        Span("In control" + fit("Cover", 6, right=True) + "  ✖" if drawn.figures_width > 7 else "   Held", "dim"),
    )
    size = found[1] - found[0]
    legend = f"1 cell = {_length(size)}, worst wins · ? no data"
    return Content(
        title=line(Span("History ", "strong"), Span(drawn.period.title, "text"), Span(_day_of(drawn), "dim")),
        note=line(Span(note or legend, "dim")),
        head=[head],
        rows=rows,
        empty=[line(Span("  no check configured", "dim"))],
    )


def _day_of(drawn: Scene) -> str:
    """Say how far an audit period has gone."""
    if drawn.period.name != AUDIT:
        return ""
    day, whole = day_of(drawn.period, drawn.horizon)
    return f" · day {day}/{whole}"


def _length(size: timedelta) -> str:
    if size % DAY == timedelta(0):
        return "1 day" if size == DAY else f"{size.days} days"
    return f"{size // timedelta(hours=1)} h" if size >= timedelta(hours=1) else f"{size // timedelta(minutes=1)} min"


def _row(drawn: Scene, key: str, opened: Collection[str], cursor: int | None, *, lit: bool) -> Line:
    family, _, name = key.partition("/")
    mark = "  " if name else "▼ " if family in opened else "▸ "
    title = Span(
        fit(mark + (clean(name) if name else FAMILIES[family]), drawn.name_width), "text" if name else "strong"
    )
    strip = strip_of(drawn.cells(key), drawn.stride)
    if cursor is not None:
        strip = _chipped(strip, cursor, drawn.stride) if lit else marked(strip, cursor, drawn.stride)
    rest = Span(" " * (drawn.room - (len(drawn.edges) - 1) * drawn.stride))
    return (title, Span(" "), *strip, rest, *_figures(drawn, key))


def _figures(drawn: Scene, key: str) -> Line:
    """Write the days in control of those judged, how much is covered, and how often it was in breach."""
    told, width = drawn.of(key), drawn.figures_width
    if not told:
        return (Span(fit("?", width, right=True), "dim"),)
    held, judged = drawn.control(key)
    breached = sum(len(each.breaches) for each in told)
    if width < 10:
        return (Span(fit(f"{held}/{judged}", width, right=True), "text" if judged else "dim"),)
    return (
        Span(fit(f"{held}/{judged}", 10, right=True), "text" if judged else "dim"),
        Span(fit(percent(min(each.covered for each in told)), 6, right=True), "dim"),
        Span(fit(str(breached) if breached < 1000 else "99+", 3, right=True), "fail" if breached else "dim"),
    )


def mark_of(cell: Cell) -> tuple[str, str]:
    """Give a cell's glyph and role."""
    if cell.future:
        return FUTURE, "faint"
    return (GAP, "dim") if cell.state is None else (GLYPHS[cell.state], state_role(cell.state))


def state_role(state: State) -> str:
    """Give the role of a state."""
    return "stale" if state is State.STALE else ROLES[WORD_OF[state]]


def strip_of(found: Sequence[Cell], stride: int = 1) -> Line:
    """Draw one glyph a cell."""
    marks: list[tuple[str, str]] = []
    for cell in found:
        marks += [mark_of(cell), *([(" ", "text")] * (stride - 1))]
    return runs(marks)


def marked(drawn: Line, cursor: int | None, stride: int) -> Line:
    """Put the cursor's background behind a cell."""
    return drawn if cursor is None else _split(drawn, cursor * stride, stride, "cursor.")


def _chipped(drawn: Line, cursor: int, stride: int) -> Line:
    return _split(drawn, cursor * stride, 1, "chip.")


def _split(drawn: Line, place: int, width: int, prefix: str) -> Line:
    """Give some columns of a line another role."""
    spans: list[tuple[str, str]] = [(char, span.role) for span in drawn for char in span.text]
    for index in range(place, min(place + width, len(spans))):
        char, role = spans[index]
        kept = role if prefix == "cursor." or role in ROLES.values() or role == "stale" else ""
        spans[index] = (char, f"{prefix}{kept}".rstrip("."))
    return runs(spans)


def told(drawn: Scene, key: str | None, cursor: int | None) -> list[Line]:
    """Say in two lines what the cursor's cell was, and which gaps touch it."""
    if key is None or not drawn.timelines:
        return [BLANK, BLANK]
    if cursor is None or cursor >= len(drawn.edges) - 1:
        return [_period_line(drawn, key), _gap_line(drawn, drawn.gaps(key), "in this period")]
    start, end = drawn.edges[cursor], drawn.edges[cursor + 1]
    touching = [gap for gap in drawn.gaps(key) if gap.start < end and gap.end > start]
    return [_cell_line(drawn, key, start, end), _gap_line(drawn, touching, HERE)]


def _period_line(drawn: Scene, key: str) -> Line:
    lines = drawn.of(key)
    held, judged = drawn.control(key)
    covered = min((each.covered for each in lines), default=0.0)
    share = f" ({percent(held / judged)})" if judged else ""
    family, _, name = key.partition("/")
    text = f"  in control {held} of {judged} judged days{share}, period covered {percent(covered)}"
    return line(Span(f" {clean(name) or FAMILIES[family]}", "strong"), Span(text))


def _cell_line(drawn: Scene, key: str, start: datetime, end: datetime) -> Line:
    when = f" {when_of(start, end)}"
    lines = drawn.of(key)
    pairs = [(cells([each], [start, end], drawn.horizon)[0], each) for each in lines]
    if not pairs or pairs[0][0].future:
        return line(Span(when, "strong"), Span("  in the future" if pairs else "  not told", "dim"))
    whole = cells(lines, [start, end], drawn.horizon)[0]
    glyph, role = mark_of(whole)
    word = "NO DATA" if whole.state is None else WORD_OF[whole.state].value
    worst = next(each for cell, each in pairs if cell.state is whole.state)
    judged = [day for day in worst.days if day.first_at < end and day.last_at >= start]
    counts = _counts(worst, start, end) if whole.state else ""
    return line(
        Span(when + "  ", "strong"),
        Span(f"{glyph} {word}", f"bold.{role}" if role in ROLES.values() else role),
        Span(f"  {clean(worst.check)}"),
        Span(counts, "text"),
        Span(_judged(judged, wide=drawn.width >= _ROOMY, whole_days=end - start >= DAY), "dim"),
    )


def _judged(days: Sequence[Day], *, wide: bool, whole_days: bool) -> str:
    """Write how many judgements of these days were conclusive, and the longest pause."""
    if not days:
        return ""
    longest = timedelta(seconds=max(day.longest_gap_seconds for day in days))
    pause = f", longest pause {age2(longest)}" if whole_days and wide else ""
    judged, conclusive = sum(day.judged for day in days), sum(day.conclusive for day in days)
    word = " judgements conclusive" if wide else " conclusive"
    return f" · {number(conclusive)}/{number(judged)}{word}{pause}"


def when_of(start: datetime, end: datetime) -> str:
    """Write the time of a cell, in its own zone."""
    size = end - start
    if size == DAY:
        return start.strftime("%a %d %b %Y")
    if size > DAY:
        return f"{start:%d %b}–{end - timedelta(days=1):%d %b %Y}"
    return f"{start:%d %b %H:%M}–{end:%H:%M}{zone_mark(end)}"


def _counts(one: Timeline, start: datetime, end: datetime) -> str:
    """Write the counts of the worst moment of a cell."""
    inside = [each for each in one.stretches if each.start < end and each.end > start and each.turn is not None]
    if not inside:
        return ""
    turn = max(inside, key=lambda each: (each.state is State.FAIL, each.turn.failed if each.turn else 0)).turn
    if turn is None:
        return ""
    low, high = coverage(turn)
    share = percent(low) if low == high else f"{percent(low).rstrip('%')}–{percent(high)}"
    of = turn.passed + turn.failed + turn.unknown
    missing = "?" if turn.missing is None else number(turn.missing)
    parts = [
        f"{number(turn.failed)} fail" if turn.failed else "",
        f"{number(turn.unknown)} unknown" if turn.unknown else "",
        f"{missing} may be missing" if turn.missing != 0 else "",
    ]
    return "".join([f" {share} of {number(of)}", *(f", {part}" for part in parts if part)])


def _gap_line(drawn: Scene, gaps: Sequence[Gap], where: str) -> Line:
    if not gaps:
        first = [one.stretches[0] for one in drawn.timelines.values() if one.stretches]
        known = max((each.end for each in first if each.state is None), default=None)
        if known is not None and where != HERE:
            return line(Span(" ? ", "blind"), Span(f"nothing is known before {moment(known, drawn.local_horizon)}"))
        return line(Span(f" no gap {where}", "dim"))
    longest = max(gaps, key=lambda gap: gap.lost)
    rest = f" · {len(gaps) - 1} more" if len(gaps) > 1 else ""
    why = " (nothing was judged)" if is_silent(drawn, longest) else ""
    text = Span(gap_text(longest, drawn.zone) + why)
    return line(Span(" ? ", "blind"), text, Span(f"{rest} · shown as ?, never as ✔", "dim"))


def is_silent(drawn: Scene, gap: Gap) -> bool:
    """Tell whether no check at all was judged in a gap, as when the engine stood still."""
    others = drawn.timelines.values()
    return len(others) > 1 and all(
        any(each.start < gap.end and each.end > gap.start and each.is_placed for each in one.gaps) for one in others
    )


def gap_text(gap: Gap, zone: tzinfo | None) -> str:
    """Say when a gap was, in the reader's zone."""
    at, until = in_zone(gap.start, zone), in_zone(gap.end, zone)
    day = "" if until.date() == at.date() else f"{until:%d %b} "
    period = f"{at:%d %b %H:%M}–{day}{until:%H:%M}{zone_mark(until)}"
    if gap.is_placed:
        return f"gap: {period} ({age2(gap.lost)}) no data"
    return f"gap: {age2(gap.lost)} without data, somewhere within {period}"
