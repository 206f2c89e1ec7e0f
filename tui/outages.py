"""Which sources of the checks on the screen do not tell all, and what that costs each check; pure.

A line for somebody in a hurry: who, in which state, why, since when, what that costs, and when it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from checks.model.result import Doubted
from engine.port import SourceView
from tui.format import age, age2, clean, moment, number
from tui.lines import Line, Span, ends
from tui.model import Item, Model, leaves_in_doubt
from tui.status import badness, retry, source_cause, source_plan, source_state


def outages(scope: Sequence[Item], model: Model, width: int, most: int) -> list[Line]:
    """Tell in ``most`` lines of sources of the checks that do not tell all, the worst first, and what that costs."""
    found = [each for each in model.sources if _costs(each, scope, model)]
    found.sort(key=lambda each: (badness(each, model.now), each.name))
    lines = [_outage(each, scope, model) for each in found[:most]]
    more = len(found) - len(lines)
    rest = (
        Span(f"+{more} more, {model.keymap.named('go.sources')} shows them " if more else "", "dim", "app.sources"),
    )
    return [ends(each, rest if each is lines[-1] and more else (), width) for each in lines]


def _costs(source: SourceView, scope: Sequence[Item], model: Model) -> bool:
    """Tell whether a source is worth a line: hidden facts only where they cost one of the checks something."""
    if all(source.name not in item.view.sources for item in scope):
        return False
    word = source_state(source, model.now)[1]
    return word != "OK" and (word != "LIMITED" or bool(_doubted(source, scope) or _blinded(source, scope)))


def _blinded(source: SourceView, scope: Sequence[Item]) -> list[Item]:
    """Give the checks that are blind for subjects of which a source did tell, but not enough to judge them."""
    return [item for item in scope if leaves_in_doubt(source.name, item)]


def _doubted(source: SourceView, scope: Sequence[Item]) -> list[tuple[Item, Doubted]]:
    """Give what the gaps of a source cost each check."""
    return [
        (item, each)
        for item in scope
        for each in item.view.gaps
        if each.gap.source == source.name and (each.bars or each.subjects)
    ]


def _outage(source: SourceView, scope: Sequence[Item], model: Model) -> Line:
    """Name a source, its state, what that costs, and when it is asked again."""
    glyph, word, role = source_state(source, model.now)
    told = (*_COSTS[word](source, scope, model.now), retry(source, model.now), clean(source.last_error or ""))
    parts = [each.removeprefix(f"{clean(source.name)}: ") for each in told if each]
    aged = f" {age2(model.now - source.as_of)}" if word == "STALE" and source.as_of is not None else ""
    head = Span(f" {glyph} {clean(source.name, 40)} {word}{aged}", f"bold.{role}", f"app.sources({source.name!r})")
    return (head, Span(": " + "; ".join(parts), "text"))


def _failing(source: SourceView, now: datetime) -> str:
    begun = source.failing_since
    return source_cause(source, now) + ("" if begun is None else f" since {moment(begun, now)} ({age(now - begun)})")


def _silent(source: SourceView, scope: Sequence[Item], now: datetime) -> list[str]:
    """Say which checks are blind for it."""
    blind = [clean(each.view.name, 32) for each in scope if each.blind is not None and each.blind.source == source.name]
    known = [f"{', '.join(blind)} {'is' if len(blind) == 1 else 'are'} BLIND"] if blind else []
    return [_failing(source, now), *known]


def _down(source: SourceView, _scope: Sequence[Item], now: datetime) -> list[str]:
    """Say until when counts what it told."""
    ends_at = moment(source.as_of + source.max_age, now) if source.as_of is not None else ""
    return [_failing(source, now), f"what it told counts until {ends_at}"]


def _partial(source: SourceView, _scope: Sequence[Item], _now: datetime) -> list[str]:
    """Say that subjects may be missing, and how many."""
    bounds = [gap.missing for gap in source.gaps if gap.kind == "members"]
    least = [bound for bound in bounds if bound is not None]
    many = "nobody knows how many" if len(least) < len(bounds) else f"at most {number(sum(least))}"
    detail = next((clean(gap.detail) for gap in source.gaps if gap.kind == "members"), "")
    return [f"{source_cause(source)}: subjects may be missing, {many}: may FAIL, cannot PASS", detail]


def _limited(source: SourceView, scope: Sequence[Item], _now: datetime) -> list[str]:
    """Say which facts are hidden, and what that costs each check."""
    costing = _doubted(source, scope)
    fields = sorted({field.partition(".")[2] or field for _, each in costing for field in each.gap.fields})
    told: list[str] = []
    for item in dict.fromkeys(item.view.name for item, _ in costing):
        mine = [each for other, each in costing if other.view.name == item]
        hidden = sum(each.subjects for each in mine)
        bars = " may FAIL, cannot PASS" if any(each.bars for each in mine) else ""
        subjects = f"{',' if bars else ''} {number(hidden)} subjects cannot be judged" if hidden else ""
        told.append(f"{clean(item, 32)}{bars}{subjects}")
    named = {item.view.name for item, _ in costing}
    told += [
        f"{clean(other.view.name, 32)} is BLIND: {clean(other.blind.detail)}"
        for other in _blinded(source, scope)
        if other.view.name not in named and other.blind is not None
    ]
    hidden_facts = f"{clean(', '.join(fields))} not told" if fields else ""
    return [source_cause(source), *told, hidden_facts, next((clean(each.gap.detail) for _, each in costing), "")]


def _first(source: SourceView, _scope: Sequence[Item], _now: datetime) -> list[str]:
    """Say how far a first run is."""
    return [source_plan(source) or "nothing was told yet"]


_COSTS: dict[str, Callable[[SourceView, Sequence[Item], datetime], list[str]]] = {
    "NO DATA": _silent,
    "STALE": _silent,
    "DOWN": _down,
    "PARTIAL": _partial,
    "FIRST RUN": _first,
    "LIMITED": _limited,
}
