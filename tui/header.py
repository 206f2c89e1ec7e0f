"""The top of every screen: where we are, the five counts, whether the monitor lives, and what everybody must know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from engine.port import Snapshot, SourceView, is_fresh
from tui.format import age, age2, clean, clock, compact, elapsed, fit, moment, zone_mark
from tui.lines import BLANK, Line, Span, ends, line, size
from tui.model import INTERNAL, Model
from tui.status import PAUSED_GLYPH, count_cells, source_cause
from tui.yesterday import told

CRUMB = " ▸ "
"""Between the names of where we are."""
NO_ENGINE = "NO ENGINE"
"""What a screen has of its own that runs without one."""
TITLE_CELLS = 12
"""With so much room beside them, the counts are worth more than the whole title."""
_EDGE = Span(CRUMB, "dim")
_BAR = Span(" │ ", "faint")
_LAGS = (0.01, 0.1, 0.5)
"""Seconds of lag of the engine's loop that are told as being below; more is a warning."""
UNREAD_AFTER = timedelta(minutes=5)
"""Metrics that nobody has read for so long are a warning: no alert can come of them."""
SECONDS_FROM = 120
"""From this width on LIVE has the seconds of the engine's clock, so that a frozen engine is seen to freeze it.

Below it the screen of an engine at rest costs no byte, which counts on a slow line.
"""
_NAMED = 2
"""Sources that are named; more are counted."""


def header(
    model: Model,
    crumbs: str,
    width: int,
    *,
    rights: Collection[str] = (),
    held: str = "",
    moved: Sequence[Line] = (),
    data: Sequence[Line] = (),
) -> list[Line]:
    """Draw crumbs, counts and pulse; chips, movement and freshness; then a banner, if any.

    ``rights``: what this screen has of its own: ``READ-ONLY``, whatever the engine allows; ``ATTACHED``, the engine is
    another process, which goes on without this screen; ``NO ENGINE``, none runs here, and none is waited for.
    ``held``: what a paused view does not show.
    ``moved``: what changed since yesterday, the longest form first, where the screen knows more than the snapshot.
    ``data``: how old the data of what is shown is, the longest form first.
    """
    lines = [
        _first(model, crumbs, width, held, rights),
        _second(model, width, moved or told(model, None), data, rights),
    ]
    worst = banner(model)
    if worst is not None:
        text, role = worst
        lines.append(line(Span(fit(f" {text}", width), role)))
    return lines


def pulse(model: Model, held: str = "", *, seconds: bool = False) -> Span:
    """Say whether the monitor is alive: LIVE with the engine's time, or STARTING, STOPPING, STALLED, ENGINE DOWN.

    CLOCK where the engine's time is of the future, so that nobody knows how old anything is. A view that was paused
    says PAUSED and how much it does not show, unless the monitor has a worse thing to say.
    """
    snapshot = model.snapshot
    if model.fault is not None:
        return Span(f" ENGINE DOWN{'' if snapshot is None else ' ' + elapsed(model.now - snapshot.at)} ", "chip.fail")
    if snapshot is None:
        waited = "" if model.began is None else f" {elapsed(model.now - model.began)}"
        return Span(f" STARTING{waited} ", "chip.waived")
    undated = _undated(model, snapshot)
    if undated is not None:
        return Span(f" {undated[0]} ", "chip.stale")
    if held:
        return Span(f" {PAUSED_GLYPH} PAUSED {held} ", "chip.warn")
    if snapshot.phase == "live":
        return Span(f"LIVE {clock(snapshot.at, model.now, seconds=seconds)}", "pass", "app.events")
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
    undated = _undated(model, snapshot)
    if undated is not None:
        return undated[1], "chip.stale"
    if snapshot.evidence.chain_valid is False:
        return f"EVIDENCE CHAIN BROKEN  {clean(snapshot.evidence.chain_fault or '')}", "chip.fail"
    if snapshot.selftest.error is not None:
        return f"SELF-TEST FAILED  no state can be believed: {clean(snapshot.selftest.error)}", "chip.fail"
    return _offline_since(model) or _refused(snapshot)


def _undated(model: Model, snapshot: Snapshot) -> tuple[str, str] | None:
    """Say in brief, then whole, that a snapshot is too old, or of the future by a wrong clock."""
    stalled, ahead = model.stalled_for, model.ahead_by
    if stalled is not None:
        since = moment(snapshot.at, model.now)
        return f"STALLED {elapsed(stalled)}", f"STALLED  no snapshot since {since}; states go stale by themselves"
    if ahead is not None:
        whole = f"CLOCK  the engine is {age2(ahead)} ahead of this screen: nobody knows how old anything is"
        return f"CLOCK +{age(ahead)}", whole
    return None


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


def _first(model: Model, crumbs: str, width: int, held: str, own: Collection[str]) -> Line:
    *here, top = crumbs.split(CRUMB)
    short = line(Span(" "), Span(top, "strong"))
    climbs = [part for level, name in enumerate(here) for part in (Span(name, "dim", f"climb({level})"), _EDGE)]
    long = line(Span(" "), *climbs, Span(top, "strong")) if here else short
    live = Span("no engine", "dim") if NO_ENGINE in own else pulse(model, held, seconds=width >= SECONDS_FROM)
    forms = ("{glyph} {count} {word}", "{glyph}{count} {word}", "{glyph}{count}")
    counts = [tuple(span._replace(action="app.overview") for span in count_cells(model, form)) for form in forms]
    rights: list[Line] = [(*each, Span("  "), live) for each in counts] if model.items else []
    rights.append((live,))
    vitals = (*counts[0], *_vitals(model), _BAR, live)
    if model.items and size(long) + size(vitals) + 3 <= width:
        return (*ends(long, vitals, width - 1), Span(" "))
    for left in (long, short):
        for right in rights[: -1 if left is short else 2]:
            if size(left) + size(right) + 3 <= width:
                return (*ends(left, right, width - 1), Span(" "))
    least = next((right for right in rights[2:-1] if size(right) + TITLE_CELLS <= width), None)
    return (*ends(short, least or _narrowest(model, live, width), width - 1), Span(" "))


def _narrowest(model: Model, live: Span, width: int) -> Line:
    """Keep the counts beside the pulse: the title gives way first, then the zone of the pulse, then digits."""
    if not model.items:
        return (live,)
    zoneless = live._replace(text=live.text.removesuffix(zone_mark(model.now)))
    bare = live._replace(text="LIVE") if live.text.startswith("LIVE ") else live
    whole, few = (count_cells(model, "{glyph}{count}", write) for write in (str, compact))
    forms = [(*each, Span("  "), end) for each, end in ((whole, live), (whole, zoneless), (few, zoneless), (few, bare))]
    found = next((form for form in forms if size(form) < width), (live,))
    return tuple(each if each.action else each._replace(action="app.overview") for each in found[:-1]) + found[-1:]


def _vitals(model: Model) -> Line:
    """Say whether the engine keeps up, and whether somebody reads its metrics."""
    snapshot = model.snapshot
    if snapshot is None or model.is_frozen:
        return BLANK
    return (_BAR, _engine(model, snapshot), _BAR, _metrics(snapshot, model.now))


def _engine(model: Model, snapshot: Snapshot) -> Span:
    """Say how far the engine's loop lags, or that nothing was heard of it lately."""
    if model.late_for is not None:
        return Span(f"engine … {model.late_for.total_seconds():.0f}s ago", "stale")
    lag = snapshot.loop_lag_max_seconds
    kept_up = next((f"<{most * 1000:.0f}ms" for most in _LAGS if lag < most), "")
    return Span(f"engine ✔ lag {kept_up}", "dim") if kept_up else Span(f"engine ! lag {lag:.1f}s", "stale")


def _metrics(snapshot: Snapshot, now: datetime) -> Span:
    if snapshot.metrics_address is None:
        return Span("/metrics – off", "dim")
    unread_for = now - (snapshot.scraped_at or snapshot.started_at)
    if snapshot.scraped_at is not None and unread_for <= UNREAD_AFTER:
        return Span("/metrics ✔ read", "dim")
    if snapshot.demo:
        return Span("/metrics not read", "dim")
    if unread_for <= UNREAD_AFTER:
        return Span("/metrics … not read yet", "dim")
    if snapshot.scraped_at is None:
        return Span("/metrics ! nobody reads", "stale")
    return Span(f"/metrics ! not read for {age(unread_for)}", "stale")


def _second(model: Model, width: int, moved: Sequence[Line], data: Sequence[Line], own: Collection[str]) -> Line:
    if model.snapshot is None:
        return BLANK
    whole, short = (_chips(model, model.snapshot, own, short=each) for each in (False, True))
    named, fresh, least = (tuple(each._replace(action="app.sources") for each in form) for form in _fresh(model))
    tails = [*((*each, _BAR, *end) for end in (named, fresh) for each in data), named, fresh]
    told_of = [(each, end) for some in (moved[:3], moved[3:]) for end in tails for each in some]
    forms = [((*whole, *each), end) for each, end in told_of]
    for start, end in (*forms, (whole, fresh), (whole, least), (short, fresh)):
        if size(start) + size(end) + 3 <= width:
            return (*ends(start, end, width - 1), Span(" "))
    return (*ends(short, least, width - 1), Span(" "))


def _chips(model: Model, snapshot: Snapshot, own: Collection[str], *, short: bool) -> Line:
    """Say what is unusual about the engine or this screen; ``short`` where there is no room."""
    spans: list[Span] = [Span(" ")]
    faults = sum(
        item.blind is not None and item.blind.cause == INTERNAL and not item.blind.source for item in model.items
    )
    for on, text, few, role in (
        (snapshot.demo, " DEMO ", "DEMO", "chip.waived"),
        ("ATTACHED" in own, " ATTACHED ", "AT", "chip"),
        (snapshot.read_only or "READ-ONLY" in own, " READ-ONLY ", "RO", "chip"),
        (faults > 0, f" E{faults} CHECK ERROR ", f"E{faults}", "chip.fail"),
        (model.paused > 0, f" {PAUSED_GLYPH} {model.paused} PAUSED ", f"{PAUSED_GLYPH}{model.paused}", "chip.warn"),
        (snapshot.phase == "starting", f" {_judged(model)} ", f" {_judged(model)} ", "dim"),
    ):
        if on:
            spans += [Span(few if short else text, role), Span(" ")]
    return tuple(spans)


def _judged(model: Model) -> str:
    done = sum(item.view.standing.tally is not None for item in model.items)
    return f"first run, {done}/{len(model.items)} checks" if done < len(model.items) else "starting"


def _fresh(model: Model) -> tuple[Line, Line, Line]:
    """Say how many sources are fresh, and how many are down: with their names, without, and in a few cells."""
    total = len(model.sources)
    if not total:
        none = line(Span("no source configured", "dim"))
        return none, none, line(Span("no source", "dim"))
    if model.is_frozen:
        mute = line(Span(f"! {total} sources, nothing newer is known", "stale"))
        return mute, mute, line(Span(f"! {total} sources", "stale"))
    fresh = sum(is_fresh(source, model.now) for source in model.sources)
    down = [source for source in model.sources if source.last_error is not None]
    well = f"{fresh}/{total} sources fresh"
    if not down:
        all_well = line(Span(well if fresh == total else f"! {well}", "dim" if fresh == total else "stale"))
        return all_well, all_well, line(Span(f"{'' if fresh == total else '! '}{fresh}/{total} fresh", "dim"))
    names = ", ".join(_down(source, model) for source in down[:_NAMED]) + (", …" if len(down) > _NAMED else "")
    few = line(Span(f"! {fresh}/{total} fresh", "stale"))
    return (
        line(Span(f"! {len(down)} down: {names}", "stale"), Span(f"  {well}", "stale")),
        line(Span(f"! {len(down)} down, {well}", "stale")),
        few,
    )


def _down(source: SourceView, model: Model) -> str:
    since = "" if source.failing_since is None else f" {age(model.now - source.failing_since)}"
    return f"{clean(source.name, 24)} {source_cause(source)}{since}"
