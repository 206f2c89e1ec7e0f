"""One finding as a page: who and since when, why on what evidence, what to do, what became of it; pure.

Where there is room Why and Evidence stand side by side, so that at 80×24 all that matters is on the first screenful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest

from checks.model.state import State
from engine.port import Detail, Event, Past
from engine.port.timeline import DAY, Breach, midnight
from tui.calendar import mark_of, strip_of
from tui.findings import fact, history, is_end, pair, record, section
from tui.format import address, age, age2, clean, full, moment, number, seconds
from tui.lines import BLANK, Line, Span, crop, line, rule, shrink, size
from tui.model import Model
from tui.past import Cell, cells
from tui.period import named
from tui.plots import runs
from tui.scene import Scene, scene
from tui.status import RESOLVED, data_state, row_word, source_state, word_cell

__all__ = ["Page", "page", "record"]

SIDE_BY_SIDE = 72
"""From this width on Why and Evidence stand beside each other."""
_SPACED = 42
"""From this width on there is room for blank lines."""
BREACHES = 3
"""Of the check, the latest, that are listed."""
Keys = Mapping[str, str]
_HEAD = 8
"""Cells of a name in the margin."""
_WAYS = ("opened", "regressed", "returned", "changed")
"""What a finding's history calls the ways into a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page is made from."""

    detail: Detail
    model: Model
    past: Past | None = None
    """What became of the check in the last ninety days; None while that is not known."""
    told_at: datetime | None = None
    """Until when it is known."""
    similar: int | None = None
    """Other open findings of the check with the same reason; None while that is not known."""
    whole: bool = True
    """Whether evidence and history are known; else there is the row alone, and both are under way."""
    keys: Keys = field(default_factory=dict)
    """How a person writes the keys that do something here, by id."""

    @property
    def now(self) -> datetime:
        """Give the reader's instant."""
        return self.model.now


def page(shown: Page, width: int) -> list[Line]:
    """Write everything about a finding, the most urgent first."""
    wide = width >= SIDE_BY_SIDE
    half = width // 2 - 1 if wide else width
    why, proof = _why(shown, half), _evidence(shown, width - half - 1 if wide else width)
    do = ("Do", _steps(shown, width))
    rest = [
        ("History", _history(shown, width)),
        ("Similar", _similar(shown, width)),
        ("Check", _check(shown.detail, width)),
    ]
    lines = _head(shown, width)
    if wide:
        both = [(*_rule("Why", half), *_rule("Evidence", width - half, "┬")), *beside(why, proof, half)]
        parts = [[_rule(name, width), *part] for name, part in (do, *rest)]
        return [*lines, *parts[0], *both, *(each for part in parts[1:] for each in part)]
    gap = [BLANK] if width >= _SPACED else []
    named_parts = [("Why", why), do, ("Evidence", proof), *rest]
    return [*lines, *(each for name, part in named_parts for each in (*gap, section(name), *part))]


def _rule(name: str, width: int, corner: str = "") -> Line:
    """Draw a heading with a rule to the edge."""
    return (Span(f"{corner}─", "faint"), *rule(line(Span(name, "strong")), BLANK, width + 1 - len(corner), "faint")[1:])


def beside(first: Sequence[Line], second: Sequence[Line], width: int) -> list[Line]:
    """Put two texts beside each other, the first ``width`` wide."""
    pairs = zip_longest(first, second, fillvalue=BLANK)
    return [(*crop(one, width), Span("│", "faint"), *other) for one, other in pairs]


def title(detail: Detail) -> Line:
    """Name the finding and what is the matter."""
    row = detail.row
    word = row_word(row)
    return line(
        word_cell(word, len(word) + 3), Span(clean(row.label, 120), "strong"), Span(f" — {clean(row.reason)}", "text")
    )


def note(detail: Detail, model: Model) -> Line:
    """Say how fresh the data is that the finding rests on, and of which check it is."""
    found = [source for ref in detail.evidence if (source := model.source(ref.source)) is not None]
    freshness = data_state(found, model.now) if found else ()
    return line(*freshness, Span(f"{' · ' if freshness else ''}{clean(detail.row.check)}", "dim"))


def _head(shown: Page, width: int) -> list[Line]:
    """Tell since when it is so, until when it may be, whose it is, and who has said what about it."""
    row, view, now = shown.detail.row, shown.detail.check, shown.now
    entered = _entered(shown.detail.history)
    new = (Span("  NEW 24h", "strong"),) if row.resolved_at is None and now - row.first_seen <= DAY else ()
    flags = (*new, *((Span("  URGENT", "bold.fail"),) if row.urgent else ()))
    begun = [
        (Span("  since   ", "dim"), Span(f"{write(row.first_seen, now)} ({age(now - row.first_seen)})", "strong"))
        for write in (full, moment)
    ]
    way = Span(f"  {entered}" if entered else "", "dim")
    owner = line(
        Span("  owner   ", "dim"),
        Span(clean(view.team) or "unowned", "text" if view.team else "warn"),
        Span(f"   severity {clean(view.severity)}", "dim"),
    )
    whose = (*owner, Span(f"   {clean(row.subject)}", "dim"))
    lines = [
        shrink([(*begun[0], way, *flags), (*begun[1], way, *flags), (*begun[1], *flags), begun[1]], width),
        *([whose] if size(whose) <= width else [owner, *pair("subject", clean(row.subject), width, "dim", _HEAD)]),
    ]
    for name, text, role in _said(shown):
        lines += pair(name, text, width, role, _HEAD)
    return lines


def _entered(events: Sequence[Event]) -> str:
    """Say how it came to be: for the first time, or again."""
    if any(is_end(event) for event in events):
        return "again"
    newest = next((event.text.partition(":")[0] for event in events if event.text.startswith(_WAYS)), "")
    return {"opened": "for the first time", "regressed": "again", "returned": "seen again", "changed": "changed"}.get(
        newest, ""
    )


def _said(shown: Page) -> list[tuple[str, str, str]]:
    """Give what else counts about it, as name, text and role."""
    row, view, now = shown.detail.row, shown.detail.check, shown.now
    found: list[tuple[str, str, str]] = []
    if row.resolved_at is not None:
        gone = f"{full(row.resolved_at, now)}, {age2(now - row.resolved_at)} ago: mended, gone or out of scope since"
        found.append((RESOLVED, gone, "dim"))
    if row.due is not None and row.resolved_at is None:
        away = f"in {age2(row.due - now)}" if row.due > now else f"{age2(now - row.due)} ago"
        found.append(("due", f"{full(row.due, now)}, {away}", "warn"))
    if row.waiver is not None:
        ends = "" if view.waiver_ends is None else f"; the check's first waiver ends {moment(view.waiver_ends, now)}"
        found.append(("waiver", f"{clean(row.waiver)}{ends}", "waived"))
    if row.acked is not None:
        by = f"by {clean(row.acked_by, 60)}, as claimed" if row.acked_by else ""
        found.append(("ack", ", ".join(part for part in (clean(row.acked), by) if part), "text"))
    if row.regressions:
        times = "once" if row.regressions == 1 else f"{row.regressions} times"
        found.append(("back", f"{times} after it was resolved", "warn"))
    return found


def _why(shown: Page, width: int) -> list[Line]:
    """Tell the reason and every fact that was compared."""
    row, view = shown.detail.row, shown.detail.check
    margin = min(24, max([_HEAD, *(len(name) + 1 for name in row.facts)]))
    lines = [*pair("reason", clean(row.reason), width, "strong", margin)]
    if row.cause is not None:
        lines += pair("hidden", row.cause.value.replace("_", " "), width, "blind", margin)
    for name, value in row.facts.items():
        lines += pair(name, fact(value, shown.now), width, "blind" if value is None else "text", margin)
    return [*lines, *pair("rule", clean(view.title), width, "dim", margin)]


def _evidence(shown: Page, width: int) -> list[Line]:
    """Tell what the verdict rests on, and whether that is whole and fresh."""
    if not shown.whole:
        return [line(Span("  …", "dim"))]
    lines: list[Line] = []
    now = shown.now
    for ref in shown.detail.evidence:
        source = shown.model.source(ref.source)
        glyph, word, role = ("?", "not configured any more", "blind") if source is None else source_state(source, now)
        told = f" {glyph}" if word == "OK" else f" {glyph} {word}"
        lines.append(line(Span("  source  ", "dim"), Span(clean(ref.source, 40), "text"), Span(told, role)))
        took = "" if source is None or source.duration_seconds is None else f", took {seconds(source.duration_seconds)}"
        aged = "never" if ref.as_of is None else f"{moment(ref.as_of, now)} ({age(now - ref.as_of)} old{took})"
        lines += pair("as of", aged, width, margin=_HEAD)
        whole = "complete" if ref.complete else "NOT COMPLETE"
        read = f"{number(ref.records)} records, {whole}"
        lines += pair("read", read, width, "text" if ref.complete else "bold.fail", _HEAD)
        lines += pair("digest", _short(ref.digest), width, "dim", _HEAD)
    raw = shown.keys.get("finding.raw")
    if raw is not None and shown.detail.record is not None:
        lines.append(line(Span(f"  {raw} ", "key", "raw"), Span("the record as it was told", "dim", "raw")))
    return lines or [line(Span("  none is kept", "dim"))]


def _short(digest: str) -> str:
    """Cut a digest to what a person compares; ``evidence list`` gives it whole."""
    text = clean(digest, 80)
    return f"{text[:19]}…{text[-4:]}" if len(text) > 24 else text


def _steps(shown: Page, width: int) -> list[Line]:
    """Tell what to do, and which key does it."""
    row, view, keys = shown.detail.row, shown.detail.check, shown.keys
    known = view.explain.get(row.reason)
    lines = [*(pair("next", clean(known), width, "strong", _HEAD) if known else [])]
    book = clean(view.runbook)
    if book:
        key = Span(f"  {keys.get('do.runbook', 'o'):<{_HEAD}}", "key", "runbook")
        forms = [(book, "  copies it"), (book, ""), (book.removeprefix("https://"), "")]
        link = address(view.runbook)
        told = [line(key, Span(text, "text", "runbook", link), Span(after, "dim")) for text, after in forms]
        lines.append(shrink(told, width))
    else:
        lines += pair("runbook", "none configured", width, "dim", _HEAD)
    asks: list[Line] = []
    for key_id, action, text in (
        ("waiver.request", "waive", "request a waiver (another approves)"),
        ("do.ack", "ack", "acknowledge"),
        ("do.run", "run", "ask again"),
    ):
        if key_id in keys:
            asks.append((Span(f"{keys[key_id]} ", "key", action), Span(text, "text", action)))
    beside_each_other = tuple(span for each in asks for span in (Span("   " if each is not asks[0] else "  "), *each))
    if not asks or size(beside_each_other) <= width:
        return [*lines, *([beside_each_other] if asks else [])]
    return [*lines, *(crop((Span("  "), *each), width) for each in asks)]


def _check(detail: Detail, width: int) -> list[Line]:
    """Tell how to judge again, which controls the check is about, and the evidence in full."""
    view = detail.check
    lines = pair("again", f"controlwatch check {clean(view.name)} --collect", width, "dim")
    if view.controls:
        lines += pair("controls", clean(", ".join(view.controls)), width, "dim")
    if view.policy_ref:
        lines += pair("policy", clean(view.policy_ref), width, "dim")
    for ref in detail.evidence:
        lines += pair("manifest", f"{clean(ref.source)} {clean(ref.digest, 80)}", width, "dim")
        lines += pair("records", clean(ref.blob, 80), width, "dim")
    return lines


# What became of it ----------------------------------------------------------------------------------------------------


def _history(shown: Page, width: int) -> list[Line]:
    """Draw ninety days of the finding and of its check; then its own events, and the check's latest breaches."""
    if not shown.whole:
        return [line(Span("  …", "dim"))]
    count = 90 if width >= 140 else 45 if width >= 94 else 30 if width >= 46 else 18
    edges = _edges(shown.now, count)
    lines: list[Line] = [(Span("  90d     ", "dim"), *own(shown.detail, edges, shown.now))]
    drawn = _scene(shown)
    if drawn is not None:
        key = f"{shown.detail.check.family}/{shown.detail.check.name}"
        strip = strip_of(cells(drawn.of(key), edges, drawn.horizon))
        lines.append(crop((Span("  check   ", "dim"), *strip, Span(f" {_figures(drawn, key)}", "dim")), width))
        margin = " " * (10 if width >= SIDE_BY_SIDE else 2)
        lines += [_breach(each, shown.now, margin) for each in drawn.breaches(key)[:BREACHES]]
    return [*lines, *history(shown.detail.history, shown.now, short=width < SIDE_BY_SIDE)]


def _scene(shown: Page) -> Scene | None:
    if shown.past is None or shown.told_at is None:
        return None
    return scene(shown.model, {shown.past.check: shown.past}, named("90d", shown.now), shown.told_at, 80)


def _edges(now: datetime, count: int) -> list[datetime]:
    """Give the edges of cells of whole days that end with today."""
    end = midnight(now) + DAY
    size = 90 * DAY / count
    return [end - (count - number) * size for number in range(count + 1)]


def own(detail: Detail, edges: Sequence[datetime], now: datetime) -> Line:
    """Draw when the finding was open, from its own events: ``·`` where there was none, which is no proof of a pass."""
    spans = list(_spans(detail.history, now))
    marks: list[tuple[str, str]] = []
    for start, end in pairwise(edges):
        inside = [state for begun, over, state in spans if begun < end and over > start]
        worst = next((state for state in (State.FAIL, State.UNKNOWN, State.WARN) if state in inside), None)
        marks.append(("·", "faint") if worst is None else mark_of(Cell(start, end, worst)))
    return runs(marks)


def _spans(events: Sequence[Event], now: datetime) -> list[tuple[datetime, datetime, State]]:
    """Give the times in which it was open, and as what."""
    found: list[tuple[datetime, datetime, State]] = []
    begun: tuple[datetime, State] | None = None
    for event in reversed(events):
        if event.state is None and not is_end(event):
            continue
        if begun is not None:
            found.append((begun[0], event.at, begun[1]))
        begun = None if event.state is None or is_end(event) else (event.at, event.state)
    return [*found, (begun[0], now, begun[1])] if begun is not None else found


def _figures(drawn: Scene, key: str) -> str:
    """Count breaches, their mean length, and the days in control."""
    breaches = drawn.breaches(key)
    over = [each.end - each.start for each in breaches if each.end is not None]
    held, observed = drawn.control(key)
    counted = "1 breach" if len(breaches) == 1 else f"{len(breaches)} breaches"
    mean = f", mean {age(sum(over, timedelta(0)) / len(over))}" if over else ""
    return f"{counted}{mean}, held {held}/{observed} days"


def _breach(each: Breach, now: datetime, margin: str) -> Line:
    """Write a breach of the check: from when to when, how long, how many failed."""
    long = age2((each.end or now) - each.start)
    until = f"until {moment(each.end, now)}, after {long}" if each.end is not None else f"for {long}, not over"
    begun = f"{'before ' if each.is_older else ''}{moment(each.start, now)}"
    failed = f", {number(each.failed)} failed" if each.failed else ""
    return line(Span(margin), Span("✖ ", "fail"), Span(f"{begun} {until}{failed}", "dim"))


def _similar(shown: Page, width: int) -> list[Line]:
    """Say how many other findings of the check have the same reason, and how to see them."""
    count, key = shown.similar, shown.keys.get("finding.similar", "=")
    if count is None:
        return [line(Span("  …", "dim"))]
    if count == 0:
        none = ("no other open finding of this check has the same reason", "no other has the same reason")
        return [shrink([line(Span(f"  {text}", "dim")) for text in none], width)]
    others = "1 other open finding" if count == 1 else f"{number(count)} other open findings"
    hint = Span(f"  {key} shows them", "dim", "similar")
    forms = (f"{others} of this check with the same reason", others)
    return [shrink([line(Span(f"  {text}", "text", "similar"), hint) for text in forms], width)]
