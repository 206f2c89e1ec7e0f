"""The status language: each state is a glyph, a word and a hue, and reads the same on every screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from checks.model.judgement import Outcome
from checks.model.state import State
from engine.port import Row, SourceView
from tui.format import age, age2, clean, compact, fit, interval, moment, number, plan
from tui.lines import Line, Span, crop, ends, line, size
from tui.model import PAUSED, Blindness, Item, Model, Word, is_fresh

GLYPHS: Mapping[State, str] = {
    State.FAIL: "✖",
    State.UNKNOWN: "?",
    State.STALE: "!",
    State.PENDING: "…",
    State.WAIVED: "◆",
    State.WARN: "▲",
    State.PASS: "✔",
}
WORD_GLYPHS: Mapping[Word, str] = {
    Word.FAIL: "✖",
    Word.BLIND: "?",
    Word.WARN: "▲",
    Word.WAIVED: "◆",
    Word.PASS: "✔",
}
PAUSED_GLYPH = "‖"
"""Of a check that somebody has paused: blind, and nobody is told."""
ROLES: Mapping[Word, str] = {word: word.value.lower() for word in Word}
OUTCOMES: Mapping[Outcome, Word] = {
    Outcome.FAIL: Word.FAIL,
    Outcome.UNKNOWN: Word.BLIND,
    Outcome.WARN: Word.WARN,
    Outcome.PASS: Word.PASS,
    Outcome.EXCLUDED: Word.PASS,
}
SOON = timedelta(minutes=1)


def state_cell(item: Item) -> Line:
    """Write a check's state in nine cells: glyph and word."""
    if item.is_paused:
        return (Span(f"{PAUSED_GLYPH} PAUSED ", "bold.blind"),)
    strength = "bold." if item.word in {Word.FAIL, Word.BLIND} else ""
    return (Span(f"{GLYPHS[item.state]} {item.word:<7}", strength + ROLES[item.word]),)


def word_cell(word: Word, width: int = 9) -> Span:
    """Write a word and its glyph."""
    strength = "bold." if word in {Word.FAIL, Word.BLIND} else ""
    return Span(fit(f"{WORD_GLYPHS[word]} {word}", width), strength + ROLES[word])


def row_word(row: Row) -> Word:
    """Give the word of a finding."""
    if row.resolved_at is not None:
        return Word.PASS
    return Word.WAIVED if row.waiver is not None else OUTCOMES[row.outcome]


def figure(item: Item, now: datetime, *, short: bool = False) -> str:
    """Write what counts about a check: ``3/41`` that fail or are warned, ``was ✔ 02:05``, ``43 112``."""
    tally = item.view.tally
    write = compact if short else number
    if item.word is Word.BLIND:
        return was(item, now)
    if item.word is Word.PASS:
        return write(tally.population)
    bad = tally.failed + (tally.warned if item.word is Word.WARN else 0)
    return f"{write(bad)}/{write(tally.population)}"


def was(item: Item, now: datetime) -> str:
    """Write a blind check's last known state: ``was ✔ 02:05``, or why there is none."""
    known = item.view.was
    if known is None:
        return "first run" if item.state is State.PENDING else "no data"
    at = known.at.astimezone(now.tzinfo)
    return f"was {GLYPHS[known.state]} {at.strftime('%H:%M') if at.date() == now.date() else at.strftime('%d %b')}"


def coverage(item: Item) -> str:
    """Write the coverage as an interval; nothing of a check whose counts are missing, or may no longer be true."""
    tally = item.view.standing.tally
    if tally is None:
        return "–"
    low, high = tally.coverage()
    return "–" if item.word is Word.BLIND and low == high else interval(tally)


def since(item: Item, now: datetime) -> str:
    """Write how long the state has held; nothing of a passing one."""
    return "·" if item.since is None or item.word is Word.PASS else age(now - item.since)


def sources_of(item: Item, model: Model) -> list[SourceView]:
    """Give the sources that a check reads."""
    return [source for source in model.sources if source.name in item.view.sources]


def source_state(source: SourceView, now: datetime) -> tuple[str, str, str]:
    """Give a source's glyph, word and role: OK, STALE, DOWN (fails, data still fresh), or NO DATA."""
    failing = source.failing_since is not None or source.last_error is not None
    if source.as_of is None:
        return ("✖", "NO DATA", "fail") if failing else ("…", "FIRST RUN", "blind")
    if not is_fresh(source, now):
        return "!", "STALE", "stale"
    if failing:
        return "✖", "DOWN", "fail"
    barred = any(gap.kind == "members" for gap in source.gaps)
    return ("?", "PARTIAL", "blind") if barred else ("✔", "OK", "pass")


def data_line(sources: Sequence[SourceView], now: datetime, width: int) -> Line:
    """Say how old the data of a family is, whose is the oldest, and when it is asked again, if that fits."""
    if not sources:
        return line(Span("no source", "dim"))
    worst = min(sources, key=lambda each: (is_fresh(each, now), each.as_of is not None, each.as_of or now))
    glyph, word, role = source_state(worst, now)
    aged = "" if worst.as_of is None else f" {age2(now - worst.as_of)}"
    state = (Span(glyph, role), Span(f"{aged} old", "dim")) if word == "OK" else (Span(f"{glyph} {word}{aged}", role),)
    head = (Span("data ", "dim"), *state)
    name = (Span(f"  {clean(worst.name, 24)}", "dim"),) if word != "OK" or len(sources) > 1 else ()
    tail = line(Span(next_run(sources, now), "dim"))
    for left in ((*head, *name), head):
        if size(left) + size(tail) + 2 <= width:
            return ends(left, tail, width)
    return crop((*head, *name), width)


def next_run(sources: Sequence[SourceView], now: datetime) -> str:
    """Say when the next source is asked."""
    if any(source.running for source in sources):
        return "running"
    times = [source.next_run for source in sources if source.next_run is not None]
    if not times:
        return ""
    left = min(times) - now
    return "next run now" if left <= timedelta(0) else f"next run {age(left)}"


def blind_line(blind: Blindness, now: datetime, *, short: bool = False) -> str:
    """Say which source does not tell, why, and since when."""
    who = clean(blind.source, 40) or ("an operator" if blind.cause == PAUSED else "controlwatch")
    if short:
        return f"{who}: {blind.cause}" + ("" if blind.since is None else f" {age(now - blind.since)}")
    begun = "" if blind.since is None else f", since {moment(blind.since, now)} ({age(now - blind.since)})"
    return f"{who}: {blind.cause}{begun}"


def source_plan(source: SourceView) -> str:
    """Say how far a run is, or what it will take."""
    planned = plan(source.requests_planned, source.plan_seconds)
    if source.running:
        done = number(source.requests_done)
        return f"running, {done} of {planned}" if planned else f"running, {done} requests so far"
    return planned


def count_cells(model: Model, form: str) -> Line:
    """Write the five words with their counts, worst first; a zero is dim.

    ``form`` is a format of glyph, count and word, for example ``{glyph} {count} {word}``.
    """
    spans: list[Span] = []
    for word in Word:
        count = model.counts[word]
        text = form.format(glyph=WORD_GLYPHS[word], count=count, word=word.value)
        spans += [Span(text, f"bold.{ROLES[word]}" if count else "dim"), Span(" " * (1 + form.count(" ") // 2))]
    return tuple(spans[:-1])
