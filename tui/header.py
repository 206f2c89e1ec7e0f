"""The top of every screen: where we are, the five counts, whether the monitor lives, and what everybody must know."""

from __future__ import annotations

from engine.port import Snapshot
from tui.format import clean, clock, compact, elapsed, fit, moment, number
from tui.lines import BLANK, Line, Span, ends, line, size
from tui.model import Model, is_fresh
from tui.status import PAUSED_GLYPH, count_cells

CRUMB = " ▸ "
"""Between the names of where we are."""
TITLE_CELLS = 12
"""With so much room beside them, the counts are worth more than the whole title."""
_EDGE = Span(CRUMB, "dim")


def header(model: Model, crumbs: str, width: int, *, read_only: bool = False, held: str = "") -> list[Line]:
    """Draw crumbs, counts and pulse; chips, movement and freshness; then a banner, if any.

    ``read_only``: this screen may not write, whatever the engine allows. ``held``: what a paused view does not show.
    """
    lines = [_first(model, crumbs, width, held), _second(model, width, read_only=read_only)]
    told = banner(model)
    if told is not None:
        text, role = told
        lines.append(line(Span(fit(f" {text}", width), role)))
    return lines


def pulse(model: Model, held: str = "") -> Span:
    """Say whether the monitor is alive: LIVE with the engine's minute, or STARTING, STOPPING, STALLED, ENGINE DOWN.

    A view that was paused says PAUSED and how much it does not show, unless the monitor has a worse thing to say.
    """
    snapshot = model.snapshot
    stalled = model.stalled_for
    if model.fault is not None:
        return Span(f" ENGINE DOWN{'' if snapshot is None else ' ' + elapsed(model.now - snapshot.at)} ", "chip.fail")
    if snapshot is None:
        waited = "" if model.began is None else f" {elapsed(model.now - model.began)}"
        return Span(f" STARTING{waited} ", "chip.waived")
    if stalled is not None:
        return Span(f" STALLED {elapsed(stalled)} ", "chip.stale")
    if held:
        return Span(f" {PAUSED_GLYPH} PAUSED {held} ", "chip.warn")
    if snapshot.phase == "live":
        return Span(f"LIVE {clock(snapshot.at, model.now)}", "pass", "app.events")
    waited = f" {elapsed(model.now - snapshot.started_at)}" if snapshot.phase == "starting" else ""
    return Span(f" {snapshot.phase.upper()}{waited} ", "chip.waived")


def banner(model: Model) -> tuple[str, str] | None:
    """Give the worst thing that everybody must know, and its role."""
    snapshot = model.snapshot
    if model.fault is not None:
        last = "" if snapshot is None else f"last snapshot {moment(snapshot.at, model.now)}  "
        return f"ENGINE DOWN  {last}{clean(model.fault)}", "chip.fail"
    if snapshot is None:
        return None
    if model.stalled_for is not None:
        return (
            f"STALLED  no snapshot since {moment(snapshot.at, model.now)}; states go stale by themselves",
            "chip.stale",
        )
    if snapshot.selftest.error is not None:
        return f"SELF-TEST FAILED  no state can be believed: {clean(snapshot.selftest.error)}", "chip.fail"
    return _offline_since(model) or _refused(snapshot)


def _refused(snapshot: Snapshot) -> tuple[str, str] | None:
    """Say what the engine could not read or write."""
    for name, text in (
        ("CONFIGURATION REFUSED, the last good one is in force", snapshot.config_error),
        ("EVIDENCE CANNOT BE WRITTEN", snapshot.evidence_error),
        ("WAIVERS CANNOT BE READ, none is in force", snapshot.waivers_error),
    ):
        if text is not None:
            return f"{name}  {clean(text)}", "chip.warn"
    return None


def _offline_since(model: Model) -> tuple[str, str] | None:
    """Say so when no source answers."""
    since = [source.failing_since for source in model.sources]
    if len(since) < 2 or None in since:
        return None
    first = max(each for each in since if each is not None)
    return f"OFFLINE  none of {len(since)} sources has answered since {moment(first, model.now)}", "chip.stale"


def _first(model: Model, crumbs: str, width: int, held: str) -> Line:
    *here, top = crumbs.split(CRUMB)
    short = line(Span(" "), Span(top, "strong"))
    climbs = [part for level, name in enumerate(here) for part in (Span(name, "dim", f"climb({level})"), _EDGE)]
    long = line(Span(" "), *climbs, Span(top, "strong")) if here else short
    live = pulse(model, held)
    forms = ("{glyph} {count} {word}", "{glyph}{count} {word}", "{glyph}{count}")
    counts = [tuple(span._replace(action="app.overview") for span in count_cells(model, form)) for form in forms]
    rights: list[Line] = [(*each, Span("  "), live) for each in counts] if model.items else []
    rights.append((live,))
    for left in (long, short):
        for right in rights[: -1 if left is short else 2]:
            if size(left) + size(right) + 3 <= width:
                return (*ends(left, right, width - 1), Span(" "))
    least = next((right for right in rights[2:] if size(right) + TITLE_CELLS <= width), rights[-1])
    return (*ends(short, least, width - 1), Span(" "))


def _second(model: Model, width: int, *, read_only: bool) -> Line:
    if model.snapshot is None:
        return BLANK
    moved = Span(_movement(model), "dim", "app.events")
    whole, short = (_chips(model, model.snapshot, read_only=read_only, short=each) for each in (False, True))
    fresh, least = (tuple(each._replace(action="app.sources") for each in told) for told in _fresh(model))
    for start, end in (((*whole, moved), fresh), (whole, fresh), (whole, least), (short, fresh)):
        if size(start) + size(end) + 3 <= width:
            return (*ends(start, end, width - 1), Span(" "))
    return (*ends(short, least, width - 1), Span(" "))


def _chips(model: Model, snapshot: Snapshot, *, read_only: bool, short: bool) -> Line:
    """Say what is unusual about the engine or this screen; ``short`` where there is no room."""
    spans: list[Span] = [Span(" ")]
    for on, text, few, role in (
        (snapshot.demo, " DEMO ", "DEMO", "chip.waived"),
        (snapshot.read_only or read_only, " READ-ONLY ", "RO", "chip"),
        (model.paused > 0, f" {PAUSED_GLYPH} {model.paused} PAUSED ", f"{PAUSED_GLYPH}{model.paused}", "chip.warn"),
        (snapshot.phase == "starting", f" {_judged(model)} ", f" {_judged(model)} ", "dim"),
    ):
        if on:
            spans += [Span(few if short else text, role), Span(" ")]
    return tuple(spans)


def _judged(model: Model) -> str:
    done = sum(item.view.standing.tally is not None for item in model.items)
    return f"first run, {done}/{len(model.items)} checks" if done < len(model.items) else "starting"


def _movement(model: Model) -> str:
    """Say what changed since yesterday."""
    opened = sum(item.view.opened_24h for item in model.items)
    resolved = sum(item.view.resolved_24h for item in model.items)
    write = number if max(opened, resolved) < 10_000 else compact
    return f"24h +{write(opened)} -{write(resolved)} findings" if opened or resolved else "24h no finding moved"


def _fresh(model: Model) -> tuple[Line, Line]:
    """Say how many sources are fresh, and how many are down; whole, and in a few cells."""
    total = len(model.sources)
    if not total:
        return line(Span("no source configured", "dim")), line(Span("no source", "dim"))
    fresh = sum(is_fresh(source, model.now) for source in model.sources)
    down = sum(source.last_error is not None for source in model.sources)
    few = line(
        Span(
            f"! {fresh}/{total} fresh" if down or fresh < total else f"{total}/{total} fresh",
            "stale" if down else "dim",
        )
    )
    if down:
        return line(Span(f"! {down} down, {fresh}/{total} sources fresh", "stale")), few
    if fresh == total:
        return line(Span(f"{total}/{total} sources fresh", "dim")), few
    return line(Span(f"! {fresh}/{total} sources fresh", "stale")), few
