"""What the overview's boards show of the four families, each in its place, and of the latest events; pure."""

from __future__ import annotations

from collections.abc import Sequence

from checks.model.state import State
from engine.port import Event
from tui.attention import nothing, team
from tui.eventlog import event_glyph, folded
from tui.format import age3, brief, clean, fit, moment, moved, number, seconds
from tui.lines import Line, Span, line
from tui.model import FAMILIES, RANK, Item, Model, Word, worst_word
from tui.status import (
    ROLES,
    WORD_GLYPHS,
    coverage,
    data_line,
    figure,
    since,
    sources_of,
    state_cell,
)
from tui.widgets.board import Content

_EDGES = 3
"""Lines of a panel that are neither checks nor what is put below them: its frame and how fresh its data is."""


def panel(model: Model, family: str, place: int, width: int, height: int = 0, below: Sequence[Line] = ()) -> Content:
    """Show a family: its checks, what is put below them, and how fresh its data is.

    Checks keep their configured order; only where ``height`` does not hold all of them do the worst come first, so
    that what fails is never the one that does not fit.
    """
    items = model.family(family)
    worst = worst_word(items)
    title = line(Span(FAMILIES[family], "strong"))
    if worst is not None:
        title = (Span(f"{WORD_GLYPHS[worst]} ", f"bold.{ROLES[worst]}"), *title)
    foot = foot_lines(items, model, width, spare=height - _EDGES - len(items) - len(below))
    if 0 < height < len(items) + _EDGES:
        items.sort(key=lambda item: RANK[item.word])
    return Content(
        title=title,
        note=line(Span(str(place), "dim")),
        rows=list(zip([item.view.name for item in items], check_lines(items, model, width - 1), strict=True)),
        empty=nothing(model, f"no {FAMILIES[family]} check configured"),
        foot=[*below, *foot],
        more=lambda keys: more(model, keys),
    )


def configured(model: Model) -> list[str]:
    """Give the families that have a check, in their order; all of them while none has, as before the first snapshot."""
    return [family for family in FAMILIES if model.family(family)] or list(FAMILIES)


def unset(model: Model) -> Line:
    """Name the families that have no check, in one line: what nobody looks at is never a pass."""
    shown = configured(model)
    missing = [f"{at} {title}" for at, (family, title) in enumerate(FAMILIES.items(), 1) if family not in shown]
    return line(Span(f" no check configured: {' · '.join(missing)}", "dim"))


def foot_lines(items: Sequence[Item], model: Model, width: int, spare: int = 0) -> list[Line]:
    """Say how fresh a family's data is; where a line can be spared, how much was judged, or what no longer counts."""
    if not items:
        return []
    sources = {source.name: source for item in items for source in sources_of(item, model)}
    lines = [(Span(" "), *data_line(list(sources.values()), model.now, width - 2))]
    if spare < 1:
        return lines
    seen = [item.view.was.at for item in items if item.word is Word.BLIND and item.view.was is not None]
    if seen:
        return [*lines, line(Span(f" last known {moment(min(seen), model.now)}, which no longer counts", "blind"))]
    done = sum(item.view.standing.tally is not None for item in items)
    if done < len(items):
        return [*lines, line(Span(f" … first run, {done}/{len(items)} checks judged", "dim"))]
    judged = sum(item.view.tally.population for item in items)
    took = [source.duration_seconds for source in sources.values() if source.duration_seconds is not None]
    slowest = f", the slowest source took {seconds(max(took))}" if took else ""
    return [*lines, line(Span(f" {number(judged)} judgement{'' if judged == 1 else 's'}{slowest}", "dim"))]


def more(model: Model, keys: Sequence[str]) -> Line:
    """Say how many checks do not fit, and the worst of them."""
    hidden = [item for item in model.items if item.view.name in keys]
    parts = [Span(f"… {len(keys)} more ", "dim")]
    for word in Word:
        count = sum(item.word is word for item in hidden)
        if count:
            parts.append(Span(f" {WORD_GLYPHS[word]}{count}", ROLES[word]))
    return tuple(parts)


def check_lines(items: Sequence[Item], model: Model, width: int) -> list[Line]:
    """Write checks in a row each; the narrower, the fewer columns."""
    wide, middle, told = width >= 66, width >= 52, width >= 74
    figures = [figure(item, model.now, short=not middle) for item in items]
    counts = max([9 if middle else 6, *map(len, figures)])
    name = width - 9 - (1 + counts) - (1 + 4) - (12 if middle else 0) - (12 if wide else 0) - (8 if told else 0)
    lines: list[Line] = []
    for item, counted in zip(items, figures, strict=True):
        cells: list[Span] = [
            *state_cell(item),
            Span(fit(clean(item.view.name), name), "dim" if item.word is Word.PASS else "text"),
            Span(" " + fit(counted, counts, right=True), _figure_role(item)),
        ]
        if wide:
            cells.append(Span(" " + fit(coverage(item), 11, right=True), "dim"))
        cells.append(Span(" " + fit(_until(item, model), 4, right=True), "waived" if _ends(item) else "dim"))
        if told:
            cells.append(Span(" " + fit(_moved(item), 7, right=True), "dim"))
        if middle:
            cells += [Span("  "), team(item, 10)]
        lines.append(tuple(cells))
    return lines


def _ends(item: Item) -> bool:
    return item.word is Word.WAIVED and item.view.waiver_ends is not None


def _until(item: Item, model: Model) -> str:
    """Write how long a state has held; of a waived check when its first waiver ends, ``→12d``."""
    ends = item.view.waiver_ends
    return f"→{age3(ends - model.now)}" if item.word is Word.WAIVED and ends is not None else since(item, model.now)


def _moved(item: Item) -> str:
    """Write what moved among the findings within a day: ``+3 -1``."""
    opened, resolved = item.view.opened_24h, item.view.resolved_24h
    return moved(opened, resolved, 7) or "·"


def _figure_role(item: Item) -> str:
    if item.word is Word.PASS and item.view.tally.failed:
        return "text"
    return "dim" if item.word in {Word.PASS, Word.BLIND} else "strong"


def events(model: Model, *, settled: bool = False) -> Content:
    """Show what happened lately, newest first; the same several times in a row once.

    A row keeps its key as others come, or, while nobody is in the list (``settled``), the first one is always the same.
    """
    found = model.snapshot.events if model.snapshot else ()
    rows = []
    for place, fold in enumerate(folded(found)):
        event = fold.newest
        times = (Span(f"×{fold.count} ", "strong"),) if fold.count > 1 else ()
        told = line(
            Span(fit(brief(event.at, model.now, 13), 14), "dim"),
            event_glyph(event),
            Span(f" {fit(clean(event.what), 26)} "),
            *times,
            Span(clean(event.text), "text" if event.state is State.FAIL else "dim"),
        )
        rows.append((str(place) if settled else fold.key, told))
    return Content(
        title=line(Span("Events", "strong"), Span(" newest first", "dim")),
        note=line(Span("e", "dim")),
        rows=rows,
        empty=[line(Span("  nothing has changed since the engine started", "dim"))],
    )


def event_of(model: Model, key: str) -> Event | None:
    """Give the event of a row."""
    found = model.snapshot.events if model.snapshot else ()
    return next((fold.newest for fold in folded(found) if fold.key == key), None)
