"""The top of every screen: where we are, the five counts, whether the monitor lives, and what everybody must know."""

from __future__ import annotations

from engine.port import Snapshot
from tui.format import age2, clean, clock, compact, fit, moment, number
from tui.lines import BLANK, Line, Span, ends, line, size
from tui.model import Model, is_fresh
from tui.status import count_cells


def header(model: Model, crumbs: str, width: int) -> list[Line]:
    """Draw crumbs, counts and pulse; chips, movement and freshness; then a banner, if any."""
    lines = [_first(model, crumbs, width), _second(model, width)]
    told = banner(model)
    if told is not None:
        text, role = told
        lines.append(line(Span(fit(f" {text}", width), role)))
    return lines


def pulse(model: Model) -> Span:
    """Say whether the monitor is alive: LIVE with the engine's minute, or STARTING, STOPPING, STALLED, ENGINE DOWN."""
    snapshot = model.snapshot
    stalled = model.stalled_for
    if model.fault is not None:
        return Span(f" ENGINE DOWN{'' if snapshot is None else ' ' + age2(model.now - snapshot.at)} ", "chip.fail")
    if snapshot is None:
        return Span(" STARTING ", "chip.waived")
    if stalled is not None:
        return Span(f" STALLED {age2(stalled)} ", "chip.stale")
    if snapshot.phase == "live":
        return Span(f"LIVE {clock(snapshot.at)}", "pass")
    return Span(f" {snapshot.phase.upper()} ", "chip.waived")


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


def _first(model: Model, crumbs: str, width: int) -> Line:
    here, _, top = crumbs.rpartition(" ▸ ")
    short = line(Span(" "), Span(top, "strong"))
    long = line(Span(f" {here} ▸ ", "dim"), Span(top, "strong")) if here else short
    live = pulse(model)
    forms = ("{glyph} {count} {word}", "{glyph}{count} {word}", "{glyph}{count}")
    rights: list[Line] = [(*count_cells(model, form), Span("  "), live) for form in forms] if model.items else []
    rights.append((live,))
    for left in (long, short):
        for right in rights[: None if left is short else 2]:
            if size(left) + size(right) + 3 <= width:
                return (*ends(left, right, width - 1), Span(" "))
    return (*ends(short, rights[-1], width - 1), Span(" "))


def _second(model: Model, width: int) -> Line:
    snapshot = model.snapshot
    if snapshot is None:
        return BLANK
    left: list[Span] = [Span(" ")]
    for on, text, role in (
        (snapshot.demo, " DEMO ", "chip.waived"),
        (snapshot.read_only, " READ-ONLY ", "chip"),
        (snapshot.phase == "starting", f" {_judged(model)} ", "dim"),
    ):
        if on:
            left += [Span(text, role), Span(" ")]
    left.append(Span(_movement(model), "dim"))
    return (*ends(tuple(left), _fresh(model), width - 1), Span(" "))


def _judged(model: Model) -> str:
    done = sum(item.view.standing.tally is not None for item in model.items)
    return f"first run, {done}/{len(model.items)} checks" if done < len(model.items) else "starting"


def _movement(model: Model) -> str:
    """Say what changed since yesterday."""
    opened = sum(item.view.opened_24h for item in model.items)
    resolved = sum(item.view.resolved_24h for item in model.items)
    write = number if max(opened, resolved) < 10_000 else compact
    return f"24h +{write(opened)} -{write(resolved)} findings" if opened or resolved else "24h no finding moved"


def _fresh(model: Model) -> Line:
    total = len(model.sources)
    if not total:
        return line(Span("no source configured", "dim"))
    fresh = sum(is_fresh(source, model.now) for source in model.sources)
    down = sum(source.last_error is not None for source in model.sources)
    if down:
        return line(Span(f"! {down} down, {fresh}/{total} sources fresh", "stale"))
    if fresh == total:
        return line(Span(f"{total}/{total} sources fresh", "dim"))
    return line(Span(f"! {fresh}/{total} sources fresh", "stale"))
