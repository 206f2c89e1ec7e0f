"""What the sources screen tells: who tells, how old it is, what went wrong, what that costs, what is next; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.model.doubt import Gap
from checks.model.state import State
from engine.port import Event, SourceView, is_fresh
from tui.eventlog import folded
from tui.format import age, age2, clean, compact, fit, fitting, full, moment, number, percent, seconds, wrap
from tui.lines import Line, Span, line, size
from tui.model import Item, Model
from tui.status import (
    BADNESS,
    FAULTS,
    GLYPHS,
    ROLES,
    SOON,
    is_known_limit,
    item_cell,
    retry,
    source_cause,
    source_plan,
    source_state,
)
from tui.timeline import DAY, RECOVERED, timeline
from tui.widgets.board import Content

EXPIRES_DAYS = 14
"""A credential that ends within so many days is told as a warning."""
LEAST_MINUTES = 2
"""From so many on an interval is written in minutes."""
ERRORS = 10
"""Failures and recoveries that are listed, the same several times in a row once."""
RULE = "a check keeps its last verdict until its data is too old, then it is BLIND; nothing turns ✔ without fresh data"
_MIDDLE, _WIDE = 96, 140
"""From these widths on the table has more columns."""


def table(model: Model, width: int) -> Content:
    """List the sources, the worst first."""
    now = model.now
    waiting = {State.PENDING}
    blinding = {group.blind.source for group in model.groups if {item.state for item in group.items} != waiting}

    def place(source: SourceView) -> tuple[bool, bool, bool, int, str]:
        word = source_state(source, now)[1]
        leads = word in FAULTS or (word != "OK" and source.name in blinding)
        return not leads, word == "OK", is_known_limit(source, now), BADNESS[word], source.name

    ordered = sorted(model.sources, key=place)
    fresh = sum(is_fresh(source, now) for source in ordered)
    if model.snapshot is None:
        empty = "  … waiting for the engine's first snapshot"
    else:
        empty = f"  No sources configured: edit the configuration, see {model.keymap.named('go.help')}"
    return Content(
        title=line(Span("Sources", "strong"), Span(" worst first", "dim")),
        note=line(
            Span("nothing newer is known", "stale")
            if model.is_frozen
            else Span(f"{fresh} of {len(ordered)} fresh", "dim")
        ),
        head=[_headings(width - 1)],
        rows=[(source.name, _row(source, model, width - 1)) for source in ordered],
        empty=[line(Span(empty, "dim"))],
        more=lambda keys: _more(model, keys),
    )


def _more(model: Model, keys: Sequence[str]) -> Line:
    """Say how many sources do not fit, and how many of them do not tell all."""
    hidden = [source_state(source, model.now) for source in model.sources if source.name in keys]
    bad = sum(word != "OK" for _, word, _ in hidden)
    return line(Span(f"… {len(keys)} more ", "dim"), *((Span(f" !{bad}", "stale"),) if bad else ()))


def _name_width(width: int) -> int:
    return max(10, min(24, width - 62))


def _headings(width: int) -> Line:
    text = f"{'State':<11} {fit('Source', _name_width(width))} {'Age':>6} {'Max':>4} {'OK/24h':>7} {'Next':>7}"
    if width >= _MIDDLE:
        text += f" {'p95':>6} {'Records':>8}  {fit('Team', 10)}"
    if width >= _WIDE:
        text += f" {'p50':>6} {'Requests':>8} {'Quota':>11} {'In a row':>8}"
    return line(Span(f" {text}  Last error", "dim"))


def _row(source: SourceView, model: Model, width: int) -> Line:
    now = model.now
    glyph, word, role = source_state(source, now)
    aged = "–" if source.as_of is None else fitting(6, age2(now - source.as_of), age(now - source.as_of))
    cells = [
        Span(fit(f"{glyph} {word}", 11), role if word == "OK" else f"bold.{role}"),
        Span(" " + fit(clean(source.name), _name_width(width)), "text" if word == "OK" else "strong"),
        Span(" " + fit(aged, 6, right=True), "text" if is_fresh(source, now) else "stale"),
        Span(" " + fit(age(source.max_age), 4, right=True), "dim"),
        Span(" " + fit(_held(source, now), 7, right=True), "dim" if source.complete_24h == source.runs_24h else "text"),
        Span(" " + fit(_next(source, now), 7, right=True), "dim"),
    ]
    if width >= _MIDDLE:
        cells.append(Span(" " + fit(_took(source.p95_seconds), 6, right=True), "dim"))
        cells.append(Span(" " + fit(_count(source.records) if source.as_of else "–", 8, right=True), "text"))
        cells.append(Span("  " + fit(teams(source, model), 10), "dim"))
    if width >= _WIDE:
        cells.append(Span(" " + fit(_took(source.p50_seconds), 6, right=True), "dim"))
        cells.append(Span(" " + fit(_count(source.requests) if source.requests else "–", 8, right=True), "dim"))
        cells.append(Span(" " + fit(_quota(source), 11, right=True), "dim"))
        cells.append(Span(" " + fit(str(source.failures_in_a_row or "–"), 8, right=True), "dim"))
    return (*cells, Span("  "), _error(source))


def held(source: SourceView) -> str:
    """Write how many runs of the last day were complete; a dash before the first."""
    return f"{number(source.complete_24h)}/{number(source.runs_24h)}" if source.runs_24h else "–"


def _held(source: SourceView, now: datetime) -> str:
    """Write how many runs of the last day were complete; where there is no room, their share, rounded down.

    A star follows where less than a day is known; the detail says since when.
    """
    if not source.runs_24h:
        return "–"
    star = "*" if is_part(source, now) else ""
    told = held(source), f"{source.complete_24h}/{source.runs_24h}", percent(source.complete_24h / source.runs_24h)
    return fitting(7, *(f"{each}{star}" for each in told))


def is_part(source: SourceView, now: datetime) -> bool:
    """Tell whether less than the last day is known of a source's runs, within a minute."""
    return source.known_since is not None and source.known_since > now - DAY + timedelta(minutes=1)


def _took(value: float | None) -> str:
    return seconds(value) if value is None else fitting(6, seconds(value), age(timedelta(seconds=value)))


def _count(value: int) -> str:
    return fitting(8, number(value), compact(value))


def teams(source: SourceView, model: Model) -> str:
    """Name who owns the checks that a source feeds: they ask first when it is silent."""
    found = dict.fromkeys(clean(item.view.team) or "unowned" for item in _readers(source, model))
    return ", ".join(found) or "–"


def _readers(source: SourceView, model: Model) -> list[Item]:
    return [item for item in model.items if item.view.name in source.checks]


def _quota(source: SourceView) -> str:
    if source.quota is None:
        return "–"
    return f"{compact(source.quota.remaining)}/{'?' if source.quota.limit is None else compact(source.quota.limit)}"


def _next(source: SourceView, now: datetime) -> str:
    if source.running:
        return "running"
    if source.next_run is None:
        return "–"
    return "now" if source.next_run <= now else age(source.next_run - now)


def _error(source: SourceView) -> Span:
    """Tell the last error, else how far a first run is, else what the credential may not see."""
    if source.last_error is not None:
        return Span(clean(source.last_error), "text")
    if source.running and source.requests_planned is not None:
        return Span(source_plan(source), "dim")
    hidden = [field.rpartition(".")[2] for gap in source.gaps for field in gap.fields]
    if source.gaps:
        gap = source.gaps[0]
        told = ", ".join(hidden) or gap.detail
        return Span(clean(f"{gap.cause.value.replace('_', ' ')}: {told}".rstrip(": ")), "blind")
    return Span("", "dim")


# One source -----------------------------------------------------------------------------------------------------------


def detail(model: Model, name: str | None, width: int, events: Sequence[Event] | None = None) -> Content:
    """Tell everything about one source; ``events`` are its own, newest first, None while they are not known."""
    source = model.source(name) if name is not None else None
    if source is None:
        return Content(title=line(Span("Source", "strong")), empty=[line(Span("  nothing selected", "dim"))])
    glyph, word, role = source_state(source, model.now)
    lines = _facts(source, model, width, events)
    return Content(
        title=line(Span(f"{glyph} ", f"bold.{role}"), Span(clean(source.name), "strong"), Span(f" {word}", role)),
        note=line(Span(clean(source.kind), "dim")),
        rows=[(str(index), each) for index, each in enumerate(lines)],
    )


def _facts(source: SourceView, model: Model, width: int, events: Sequence[Event] | None) -> list[Line]:
    now = model.now
    lines: list[Line] = []
    if source.last_error is not None:
        begun = "" if source.failing_since is None else f" since {full(source.failing_since, now)}"
        lines += field("cause", f"{source_cause(source)}{begun}{_tries(source, now)}", width, "bold.fail")
        lines += field("error", clean(source.last_error), width)
    lines += _affected(source, model, width)
    aged = "never complete" if source.as_of is None else f"{full(source.as_of, now)}, {age2(now - source.as_of)} old"
    told = f", {number(source.records)} records" if source.as_of is not None else ""
    lines += field("data", f"{aged}{told}, may be {age2(source.max_age)} old", width)
    if events is not None and model.snapshot is not None:
        cells = 96 if width >= 120 else 48 if width >= 66 else 24
        strip = timeline(events, source, now, cells)
        glyph, _, role = source_state(source, now)
        lines.append((Span(f" {'24h':<8}", "dim"), *strip, Span("  now ", "dim"), Span(glyph, role)))
    lines += field("runs", _runs(source, now), width)
    if source_plan(source):
        lines += field("plan", source_plan(source), width)
    lines += _budget(source, now, width)
    for gap in source.gaps:
        lines += _gap(gap, source, model, width)
    lines += _lately(events or (), now, width)
    if source.digest is not None:
        lines += field("digest", source.digest, width, "dim")
    if source_state(source, now)[1] not in {"OK", "LIMITED"}:
        lines += field("rule", RULE, width, "dim")
    return lines


def _tries(source: SourceView, now: datetime) -> str:
    """Say how often it failed in a row, and when it is asked again."""
    often = f", {number(source.failures_in_a_row)} times in a row" if source.failures_in_a_row > 1 else ""
    again = retry(source, now)
    return f"{often}, {again}" if again else often


def _runs(source: SourceView, now: datetime) -> str:
    upcoming = "running now" if source.running else f"next {moment(source.next_run, now)}"
    took = f"last took {seconds(source.duration_seconds)}"
    if source.p50_seconds is not None:
        took += f", half within {seconds(source.p50_seconds)}, 95 % within {seconds(source.p95_seconds)}"
    within = f"since {moment(source.known_since, now)}" if is_part(source, now) else "within a day"
    day = f"; {held(source)} complete {within}" if source.runs_24h else ""
    since = f"; {number(source.runs - source.failures)} of {number(source.runs)} complete since the engine started"
    whole = source.every.total_seconds()
    every = seconds(whole) if whole < LEAST_MINUTES * 60 else age2(source.every)
    return f"every {every}, {upcoming}, {took}{day or since}"


def _budget(source: SourceView, now: datetime, width: int) -> list[Line]:
    """Tell of requests, rate limits and the credential, as far as they are known."""
    lines: list[Line] = []
    if source.requests:
        failed = sum(source.request_failures.values())
        causes = ", ".join(f"{number(count)} {cause}" for cause, count in source.request_failures.items())
        told = f"; {number(failed)} failed: {clean(causes)}" if failed else ""
        lines += field("asked", f"{number(source.requests)} requests since the engine started{told}", width)
    if source.throttled:
        waited = f", held back for {seconds(source.throttle_seconds)}" if source.throttle_seconds else ""
        lines += field("waits", f"told to wait {number(source.throttled)} times{waited}", width, "warn")
    if source.quota is not None:
        limit = "" if source.quota.limit is None else f" of {number(source.quota.limit)}"
        anew = "" if source.quota.reset_at is None else f", anew at {moment(source.quota.reset_at, now)}"
        lines += field("quota", f"{number(source.quota.remaining)}{limit} requests left{anew}", width)
    if source.credential_expires_at is not None:
        left = source.credential_expires_at - now
        ends = f"in {age2(left)}" if left > SOON else "NOW" if left > -SOON else f"{age2(-left)} ago"
        role = "fail" if left <= SOON else "warn" if left.days < EXPIRES_DAYS else "text"
        lines += field("secret", f"ends {full(source.credential_expires_at, now)}, {ends}", width, role)
    return lines


def _gap(gap: Gap, source: SourceView, model: Model, width: int) -> list[Line]:
    """Tell what is not told, and what that costs each check that reads it."""
    fields = f" {', '.join(gap.fields)}" if gap.fields else ""
    text = f"{gap.cause.value.replace('_', ' ')} ({gap.kind}){fields}: {clean(gap.detail)}"
    lines = field("gap", text, width, "blind")
    told: list[Line] = []
    for item in _readers(source, model):
        for doubted in item.view.gaps:
            if doubted.gap == gap and (doubted.bars or doubted.subjects):
                bars = " cannot pass" if doubted.bars else ""
                hidden = f", {number(doubted.subjects)} subjects cannot be judged" if doubted.subjects else ""
                text = f"{clean(item.view.name)}{bars}{hidden}"
                told += field("" if told else "costs", text, width, "warn" if doubted.bars else "dim")
    return [*lines, *told]


def _lately(events: Sequence[Event], now: datetime, width: int) -> list[Line]:
    """List its latest failures and recoveries, newest first."""
    lines: list[Line] = []
    for fold in folded(events)[:ERRORS]:
        times = f"×{fold.count} " if fold.count > 1 else ""
        role = "pass" if fold.newest.text == RECOVERED else "text"
        name = "lately" if not lines else ""
        head = f"{moment(fold.newest.at, now)} {times}"
        lines.append(line(Span(f" {name:<8}", "dim"), Span(head, "dim"), Span(clean(fold.newest.text), role)))
    return [each if size(each) <= width else (*each[:2], _cut(each, width)) for each in lines]


def _cut(drawn: Line, width: int) -> Span:
    *before, last = drawn
    return last._replace(text=fit(last.text, max(1, width - size(tuple(before)))))


def _affected(source: SourceView, model: Model, width: int) -> list[Line]:
    found = _readers(source, model)
    if not found:
        return field("checks", "no check reads it", width, "dim")
    lines: list[Line] = []
    for item in found:
        label = "checks" if not lines else ""
        state = item_cell(item) if item.is_paused else Span(f"{GLYPHS[item.state]} {item.word:<7}", ROLES[item.word])
        told = f"  as of {moment(item.view.as_of, model.now)}" if item.view.as_of is not None else ""
        name = Span(clean(item.view.name), "text", f"open_check({item.view.name!r})")
        owner = f"  {clean(item.view.team) or 'unowned'}"
        lines.append(line(Span(f" {label:<8}", "dim"), state, name, Span(told, "dim"), Span(owner, "dim")))
    return lines


def field(name: str, text: str, width: int, role: str = "text") -> list[Line]:
    """Write a named text, wrapped, its name in the margin."""
    return [
        line(Span(f" {name if index == 0 else '':<8}", "dim"), Span(each, role))
        for index, each in enumerate(wrap(text, max(10, width - 11)))
    ]
