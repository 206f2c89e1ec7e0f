"""The log of events as rows: a rule where a day begins, identical ones that follow each other folded; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from checks.model.state import State
from engine.port import Event, EventKind, EventQuery
from tui.format import age2, clean, counted, fit, full, number, wrap, zone_mark, zoned
from tui.keymap import PLAIN, Keymap
from tui.lines import BLANK, Line, Span, crop, line
from tui.status import GLYPHS
from tui.widgets.board import Content
from tui.widgets.log import RULE

KINDS: tuple[EventKind, ...] = get_args(EventKind)
_BY, _AFTER, _MOST_WIDE = 12, 7, 90
"""Columns of who did it, and of the time since the event before; and the width from which on they are shown."""
_ROLES = {State.FAIL: "fail", State.WARN: "warn", State.WAIVED: "waived", State.PASS: "pass"}
_GLYPHS = {"source": "!", "waiver": "◆", "operator": "●", "config": "=", "engine": "·", "finding": "·", "state": "·"}


@dataclass(frozen=True, slots=True)
class Fold:
    """Events that say the same, one after the other."""

    newest: Event
    oldest: Event
    count: int
    key: str
    """Stays the same when more fold on top."""
    before: datetime | None = None
    """When the event of the same kind and object before these was, UTC; None where none is known."""


def folded(events: Sequence[Event]) -> list[Fold]:
    """Fold identical events that follow each other; newest first."""
    found: list[list[Event]] = []
    for event in events:
        if found and _says(found[-1][-1]) == _says(event):
            found[-1].append(event)
        else:
            found.append([event])
    seen: dict[str, int] = {}
    latest: dict[tuple[str, str], datetime] = {}
    folds: list[Fold] = []
    for group in reversed(found):  # From the oldest, so that what is new changes no key.
        stem = f"{group[-1].at.timestamp()}:{group[-1].kind}:{group[-1].what}:{group[-1].text}"
        seen[stem] = seen.get(stem, 0) + 1
        about = (group[-1].kind, group[-1].what)
        folds.append(Fold(group[0], group[-1], len(group), f"{stem}:{seen[stem]}", latest.get(about)))
        latest[about] = group[0].at
    return folds[::-1]


def fresh(events: Sequence[Event], top: Event | None) -> list[Fold]:
    """Fold the events that came after the one on top of a list."""
    if top is None:
        return folded(events)
    place = next((index for index, each in enumerate(events) if each == top or each.at < top.at), len(events))
    return folded(events[:place])


def _says(event: Event) -> tuple[object, ...]:
    return event.kind, event.what, event.text, event.state


def parse_filter(typed: str) -> tuple[str, tuple[EventKind, ...], str]:
    """Split what was typed into the engine's words, ``kind:state,source``, and what was not understood."""
    words: list[str] = []
    kinds: list[EventKind] = []
    fault = ""
    for word in typed.split():
        name, colon, value = word.partition(":")
        if name != "kind" or not colon:
            words.append(word)
            continue
        named = [kind for kind in KINDS if kind in value.split(",")]
        kinds += named
        if len(named) != len([each for each in value.split(",") if each]):
            fault = f"kind is one of {', '.join(KINDS)}"
    return " ".join(words), tuple(kinds), fault


def next_kind(kinds: Sequence[EventKind]) -> tuple[EventKind, ...]:
    """Give the next choice of one kind; after the last one all."""
    if len(kinds) != 1:
        return (KINDS[0],)
    at = KINDS.index(kinds[0]) + 1
    return (KINDS[at],) if at < len(KINDS) else ()


def toggled(kinds: Sequence[EventKind], kind: EventKind) -> tuple[EventKind, ...]:
    """Add a kind, or take it out."""
    return tuple(each for each in KINDS if (each in kinds) is not (each == kind))


def event_glyph(event: Event) -> Span:
    """Give the glyph of the state that a check entered, else that of the kind."""
    if event.state is not None:
        return Span(GLYPHS[event.state], _ROLES.get(event.state, "blind"))
    return Span(_GLYPHS[event.kind], {"source": "stale", "waiver": "waived"}.get(event.kind, "dim"))


def rows(folds: Sequence[Fold], now: datetime, width: int) -> list[tuple[str, Line]]:
    """Write each fold in a row, with a rule where an older day begins; times in the zone of ``now``."""
    made: list[tuple[str, Line]] = []
    day = None
    for fold in folds:
        at = zoned(fold.newest.at, now)
        if day is not None and at.date() != day:
            made.append((f"{RULE}{at:%Y-%m-%d}", _day(at, width)))
        day = at.date()
        made.append((fold.key, _row(fold, at, width)))
    return made


def _day(at: datetime, width: int) -> Line:
    text = f"── {at:%a %d %b %Y} "
    return line(Span(text + "─" * max(0, width - len(text) - 1), "faint"))


def _row(fold: Fold, at: datetime, width: int) -> Line:
    event = fold.newest
    time = f"{at:%d %H:%M:%S} " if width >= 56 else f"{at:%H:%M} "
    kind = fit(event.kind, 9) if width >= 56 else ""
    what = 26 if width >= 90 else 18 if width >= 56 else 12
    folds = (Span(f"×{number(fold.count)} ", "strong"),) if fold.count > 1 else ()
    told: Line = (*folds, Span(clean(event.text), "text" if event.state is State.FAIL else "dim"))
    if width >= _MOST_WIDE:
        used = 12 + 2 + 9 + what + 1 + _BY + _AFTER + 2
        after = age2(fold.newest.at - fold.before) if fold.before is not None else ""
        by = Span(" " + fit(clean(event.by), _BY), "text")
        told = (*crop(told, max(8, width - used)), by, Span(" " + fit(after, _AFTER, right=True), "dim"))
    return line(
        Span(time, "dim"),
        event_glyph(event),
        Span(" "),
        Span(kind, "dim"),
        Span(fit(clean(event.what), what) + " ", "text"),
        *told,
    )


def headings(now: datetime, width: int) -> Line:
    """Name the columns, the zone of the times among them."""
    zone = zone_mark(now)
    if width < 56:
        return line(Span(f" {fit('At', 6)}  {fit('Object', 12)} What", "dim"))
    what = 26 if width >= 90 else 18
    told = "What"
    if width >= _MOST_WIDE:
        room = max(8, width - (12 + 2 + 9 + what + 1 + _BY + _AFTER + 2))
        told = f"{fit('What', room)} {fit('By (claimed)', _BY)} {fit('After', _AFTER, right=True)}"
    return line(Span(f" {fit(f'Time {zone}', 12)}  {fit('Kind', 9)}{fit('Object', what)} {told}", "dim"))


def chips(
    query: EventQuery,
    *,
    typed: str,
    fault: str,
    follows: bool,
    held: str,
    shown: int,
    matching: int | None,
    error: str = "",
    about: str = "",
) -> Line:
    """Show what narrows the list, and whether it follows: never an invisible filter; each is clickable.

    ``matching`` is None while no answer is here, which is not none; ``error`` tells why.
    """
    spans = [Span(f" ✖ {fault} ", "fail")] if fault else []
    if matching is None:
        spans.append(Span(" events not fetched" if error else " … events", "dim"))
    else:
        spans.append(Span(f" {counted(matching, 'event')}", "strong" if matching else "dim"))
    if matching is not None and shown < matching:
        spans.append(Span(f", {number(shown)} here", "dim"))
    spans += [Span("  "), Span("FOLLOW on" if follows else "follow off", "pass" if follows else "dim", "follow")]
    if held:
        spans += [Span("  "), Span(f" ‖ PAUSED {held} ", "chip.warn", "hold")]
    if query.what:
        spans += [Span("  "), Span(f" of {clean(query.what, 40)} ", "chip.waived", "all_objects")]
    if about:
        spans += [Span("  "), Span(f" {clean(about, 60)} ", "chip.waived", "all_objects")]
    if typed:
        spans += [Span("  "), Span(f" / {clean(typed, 60)} ", "chip.waived", "filter")]
    return tuple(spans)


def held_back(new: int, folds: int, keymap: Keymap = PLAIN) -> list[Line]:
    """Say above a paused list how many came meanwhile, and how few rows they are; nothing while none did."""
    if not new:
        return []
    folded_ = f", folded into {number(folds)}" if folds < new else ""
    resumes = f"{keymap.named('events.pause')} resumes and shows them"
    return [line(Span(f"  {number(new)} new above{folded_}: {resumes}", "strong", "hold"))]


def kind_chips(kinds: Sequence[EventKind], keymap: Keymap = PLAIN) -> Line:
    """Show the kinds; a click adds one or takes it out."""
    spans = [
        Span(f" {keymap.named('events.kinds')} ", "key", "kinds"),
        Span("all", "dim" if kinds else "strong", "kind('')"),
    ]
    for kind in KINDS:
        spans += [Span("  "), Span(kind, "strong" if kind in kinds else "dim", f"kind('{kind}')")]
    return tuple(spans)


def nothing(query: EventQuery, typed: str, keymap: Keymap = PLAIN) -> Line:
    """Say why there is no row."""
    if typed or query.kinds or query.what or query.whats or query.since:
        typing, kinds, objects = (keymap.named(each) for each in ("go.back", "events.kinds", "events.all"))
        clears = f"{typing} clears what was typed, {kinds} the kinds, {objects} the object"
        return line(Span(f"  no event matches: {clears}", "dim"))
    return line(Span("  nothing has happened yet", "dim"))


def told(fold: Fold | None, now: datetime, width: int) -> Content:
    """Tell everything about one row."""
    if fold is None:
        return Content(title=line(Span("Event", "strong")), empty=[line(Span("  nothing selected", "dim"))])
    event = fold.newest
    facts = [("at", full(event.at, now)), ("kind", event.kind), ("object", clean(event.what))]
    if fold.count > 1:
        facts.append(("folded", f"{number(fold.count)} the same since {full(fold.oldest.at, now)}"))
        facts.append(("for", age2(fold.newest.at - fold.oldest.at)))
    if event.by:
        facts.append(("by", f"{clean(event.by)}, as claimed"))
    if fold.before is not None:
        facts.append(("after", f"{age2(fold.oldest.at - fold.before)} since the one before"))
    if event.state is not None:
        facts.append(("state", f"{GLYPHS[event.state]} {event.state.value}"))
    lines = [line(Span(f" {fit(name, 8)}", "dim"), Span(text)) for name, text in facts]
    lines += [BLANK, *(line(Span(f" {each}")) for each in wrap(clean(event.text), max(10, width - 2)))]
    return Content(
        title=line(event_glyph(event), Span(f" {clean(event.what, 60)}", "strong")),
        note=line(Span(event.kind, "dim")),
        rows=[(str(index), each) for index, each in enumerate(lines)],
    )
