"""What is otherwise than a day ago: which checks changed their state, what moved among findings, which waivers end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.model.state import BLIND, State
from engine.port.timeline import DAY, at
from tui.calendar import mark_of, state_role
from tui.format import age, clean, compact, moment, number
from tui.lines import BLANK, Line, Span, crop, line
from tui.model import NEVER, RANK, Item, Model, Word
from tui.past import Cell
from tui.scene import Scene
from tui.status import GLYPHS, ROLES, WORD_GLYPHS
from tui.widgets.board import Content

ENDS_SOON = timedelta(days=14)
"""A waiver that ends within this is told of."""
_EPOCH = datetime.fromtimestamp(0, tz=UTC)
_NAMED = 3
"""Names in the header; more are counted."""


@dataclass(frozen=True, slots=True)
class Move:
    """A check that is in another state than a day ago."""

    item: Item
    was: State | None
    """None: it was not judged then."""


def moves(model: Model, drawn: Scene | None) -> list[Move]:
    """Find what changed, the worst first, then the latest; nothing while the past is not known."""
    found: list[Move] = []
    for item in model.items if drawn is not None else ():
        past = drawn.timelines.get(item.view.name) if drawn is not None else None
        if past is None or drawn is None:
            continue
        held = at(past, drawn.horizon - DAY)
        was = held.state if held is not None else None
        if was is not item.state:
            found.append(Move(item, was))
    return sorted(found, key=lambda each: (RANK[each.item.word], NEVER - (each.item.since or NEVER)))


def before(drawn: Scene | None, item: Item) -> State | None:
    """Give the last known state before the present one; None where none is known."""
    past = drawn.timelines.get(item.view.name) if drawn is not None else None
    states = [each.state for each in past.stretches if each.state is not None] if past is not None else []
    return next((state for state in reversed(states) if state is not item.state), None)


def is_new(item: Item, model: Model) -> bool:
    """Tell whether a check entered its state within a day."""
    return item.word is not Word.PASS and item.since is not None and model.now - item.since <= DAY


def told(model: Model, found: Sequence[Move] | None) -> list[Line]:
    """Tell in one line what changed since yesterday, the longest form first; None: what checks were is not known."""
    findings = _findings(model)
    if found is None:
        return [line(Span(f"24h {findings}", "dim", "app.events"))]
    known = [each for each in found if each.was is not None]
    many, one, none = (_parts(known, names) for names in (_NAMED, 1, 0))
    head, tail = Span("24h ", "dim", "changed"), Span(findings, "dim", "app.events")
    named = [(head, *many, tail), (head, *one, tail), *([(head, *one)] if one else [])]
    return [*named, (head, *none, tail), *([(head, *none)] if none else [])]


def _parts(known: Sequence[Move], names: int) -> Line:
    """Count what came to fail, to be blind, and to hold again, with so many names each."""
    groups = (
        (Word.FAIL, [each for each in known if each.item.word is Word.FAIL]),
        (Word.BLIND, [each for each in known if each.item.word is Word.BLIND and each.was not in BLIND]),
        (Word.PASS, [each for each in known if each.item.word is Word.PASS]),
    )
    spans: list[Span] = []
    for word, group in groups:
        if not group:
            continue
        named = ", ".join(clean(each.item.view.name, 24) for each in group[:names])
        more = "…" if named and len(group) > names else ""
        spans.append(Span(f"{WORD_GLYPHS[word]}+{len(group)}", f"bold.{ROLES[word]}", "changed"))
        spans.append(Span(f" {named}{more}  " if named else "  ", "text", "changed"))
    return tuple(spans)


def _findings(model: Model) -> str:
    opened = sum(item.view.opened_24h for item in model.items)
    resolved = sum(item.view.resolved_24h for item in model.items)
    write = number if max(opened, resolved) < 10_000 else compact
    return f"+{write(opened)} -{write(resolved)} findings" if opened or resolved else "no finding moved"


def changed(model: Model, drawn: Scene | None, width: int = 48) -> Content:
    """Show which checks are in another state than a day ago, and what moved among findings."""
    found = moves(model, drawn)
    return Content(
        title=line(Span("Changed since yesterday", "strong")),
        note=line(Span(f"{len(found)} of {len(model.items)} checks" if drawn is not None else "…", "dim")),
        rows=[(each.item.view.name, _change(each, model)) for each in found],
        empty=[line(Span("  no check is in another state than a day ago" if drawn is not None else "  …", "dim"))],
        foot=_foot(model, width, unknown=any(each.was is None for each in found)),
    )


def _foot(model: Model, width: int, *, unknown: bool) -> list[Line]:
    legend = "  ? no data" if unknown else ""
    shows = f"  {model.keymap.named('move.open')} shows which{legend}"
    ends = [crop(line(Span(f"  {_findings(model)}", "dim"), Span(shows, "dim")), width)]
    ending = [
        (item.view.waiver_ends - model.now, item.view.name)
        for item in model.items
        if item.view.waiver_ends is not None and timedelta(0) <= item.view.waiver_ends - model.now <= ENDS_SOON
    ]
    if ending:
        names = ", ".join(f"{clean(name)} {age(left)}" for left, name in sorted(ending))
        ends.append(crop(line(Span("  ◆ waivers end: ", "waived"), Span(names)), width))
    return ends


def _change(each: Move, model: Model) -> Line:
    item = each.item
    mark = mark_of(Cell(_EPOCH, _EPOCH, each.was))
    return line(
        Span(" "),
        Span(mark[0], mark[1]),
        Span("→", "dim"),
        Span(GLYPHS[item.state], f"bold.{state_role(item.state)}" if item.state is not State.STALE else "stale"),
        Span(f" {moment(item.since, model.now):<14}", "dim"),
        Span(clean(item.view.name)),
    )


def turned(drawn: Scene | None, item: Item) -> Line:
    """Write the last change of state: ``✔→✖ ``; nothing where what was before is not known."""
    was = before(drawn, item)
    if was is None:
        return BLANK
    mark = mark_of(Cell(_EPOCH, _EPOCH, was))
    return line(Span(mark[0], mark[1]), Span("→", "dim"), Span(f"{GLYPHS[item.state]} ", ROLES[item.word]))
