"""The status language: each state is a glyph, a word and a hue, and reads the same on every screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from checks.model.doubt import STRUCTURAL
from checks.model.judgement import Outcome
from checks.model.state import SKEW, State
from engine.port import Row, SourceView, is_fresh
from tui.format import age, age2, clean, compact, fit, fitting, interval, moment, number, plan, zoned
from tui.lines import Line, Span, crop, ends, line, size
from tui.model import PAUSED, Blindness, Item, Model, Seen, Word

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
}
"""The words of findings; what has another outcome is none that anybody could judge."""
RESOLVED: Final = "resolved"
"""What a finding is that is no longer open: no state. Its subject may be mended, gone or out of scope by now."""
RowWord = Word | Literal["resolved"]
SOON = timedelta(minutes=1)
_NEVER: Mapping[State, str] = {State.PENDING: "first run", State.STALE: "too old"}
"""What stands for the last known state where there is none."""
BADNESS: Mapping[str, int] = {
    word: rank for rank, word in enumerate(("NO DATA", "STALE", "DOWN", "PARTIAL", "FIRST RUN", "LIMITED", "OK"))
}
"""The words of sources, worst first."""
FAULTS = frozenset({"NO DATA", "STALE", "DOWN"})
"""Of them, those of a source that does not answer."""


def state_cell(item: Item) -> Line:
    """Write a check's state in nine cells: glyph and word."""
    if item.is_paused:
        return (Span(f"{PAUSED_GLYPH} PAUSED ", "bold.blind"),)
    strength = "bold." if item.word in {Word.FAIL, Word.BLIND} else ""
    return (Span(f"{GLYPHS[item.state]} {item.word:<7}", strength + ROLES[item.word]),)


def item_cell(item: Item, width: int = 9) -> Span:
    """Write the word of a check and its glyph; of one that is paused what ``state_cell`` says, too."""
    return Span(fit(f"{PAUSED_GLYPH} PAUSED", width), "bold.blind") if item.is_paused else word_cell(item.word, width)


def said(item: Item) -> str:
    """Name the state of a check in a sentence: its word, or ``PAUSED``."""
    return "PAUSED" if item.is_paused else item.word


def word_cell(word: RowWord, width: int = 9) -> Span:
    """Write a word and its glyph; what is resolved is dim, and where there is no room it is the word alone."""
    if word == RESOLVED:
        return Span(fit(fitting(width, f"· {word}", word), width), "dim")
    strength = "bold." if word in {Word.FAIL, Word.BLIND} else ""
    return Span(fit(f"{WORD_GLYPHS[word]} {word}", width), strength + ROLES[word])


def row_word(row: Row) -> RowWord:
    """Give the word of a finding: that of a state, never PASS; or ``resolved``, which is none."""
    if row.resolved_at is not None:
        return RESOLVED
    return Word.WAIVED if row.waiver is not None else OUTCOMES.get(row.outcome, Word.BLIND)


def figure(item: Item, now: datetime, *, short: bool = False) -> str:
    """Write what counts about a check: ``3/41`` that fail or are warned, ``51 ✖ 9 ?``, ``was ✔ 02:05``, ``43 112``.

    Failures that a passing check tolerates are told as any other.
    """
    tally = item.view.tally
    write = compact if short else number
    if item.word is Word.BLIND:
        return was(item, now)
    if item.word is Word.PASS and not tally.failed:
        return write(tally.population)
    bad = tally.failed + (tally.warned if item.word is Word.WARN else 0)
    return f"{write(bad)}/{write(tally.population)}"


def was(item: Item, now: datetime) -> str:
    """Write what is known of a blind check: its counts where it has some, ``51 ✖ 9 ?``, else ``was ✔ 02:05``.

    Or why there is neither; at most thirteen cells.
    """
    known, tally = item.view.was, item.view.tally
    if _is_counted(item):
        return f"{compact(tally.failed)} {GLYPHS[State.FAIL]} {compact(tally.unknown)} {GLYPHS[State.UNKNOWN]}"
    if known is None:
        return _NEVER.get(item.state, "in doubt" if tally.population else "no data")
    at = zoned(known.at, now)
    return f"was {GLYPHS[known.state]} {at.strftime('%H:%M') if at.date() == now.date() else at.strftime('%d %b')}"


def _is_counted(item: Item) -> bool:
    """Tell whether a blind check was judged, its counts are no older than they may be, and say what is in doubt."""
    told = item.blind is not None and bool(item.blind.source)
    return told and item.state is State.UNKNOWN and item.view.tally.failed + item.view.tally.unknown > 0


def coverage(item: Item) -> str:
    """Write the coverage as an interval; nothing of a check whose counts are missing, or may no longer be true."""
    tally = item.view.standing.tally
    if tally is None:
        return "–"
    low, high = tally.coverage()
    return "–" if item.word is Word.BLIND and low == high else interval(tally)


def since(item: Item, now: datetime) -> str:
    """Write how long the state has held; nothing of a passing one, ``?`` where that began in the future."""
    at = began(item)
    if at is None or item.word is Word.PASS:
        return "·"
    return "?" if at - now > SKEW else age(now - at)


def began(item: Item) -> datetime | None:
    """Tell when the state began: no sooner than the last instant at which another was known to hold."""
    known = item.view.was
    if item.since is None or known is None or item.word is not Word.BLIND:
        return item.since
    return max(item.since, known.at)


def begun(at: datetime, now: datetime) -> str:
    """Write since when something holds, and for how long; of the future it says that a clock is to blame."""
    held = "in the future: a clock was set back" if at - now > SKEW else age(now - at)
    return f"since {moment(at, now)} ({held})"


def sources_of(item: Item, model: Model) -> list[SourceView]:
    """Give the sources that a check reads."""
    return [source for source in model.sources if source.name in item.view.sources]


def source_state(source: SourceView, now: datetime) -> tuple[str, str, str]:
    """Give a source's glyph, word and role.

    DOWN fails, and its data is still fresh; of a PARTIAL one subjects may be missing, of a LIMITED one facts are, or
    what it told leaves subjects in doubt. Nothing is well for certain where nothing newer is known.
    """
    failing = source.failing_since is not None or source.last_error is not None
    if source.as_of is None:
        return ("✖", "NO DATA", "fail") if failing else ("…", "FIRST RUN", "blind")
    if not is_fresh(source, now):
        return "!", "STALE", "stale"
    if failing:
        return "✖", "DOWN", "fail"
    if any(gap.kind == "members" for gap in source.gaps):
        return "?", "PARTIAL", "blind"
    if source.gaps:
        return "▲", "LIMITED", "warn"
    return ("·", "OK", "dim") if isinstance(source, Seen) and source.is_frozen else ("✔", "OK", "pass")


def badness(source: SourceView, now: datetime) -> tuple[int, bool]:
    """Rank a source for ``sorted``, the worst first: a fault that came before a limit that somebody chose or knows."""
    word = source_state(source, now)[1]
    return BADNESS[word], is_known_limit(source, now)


def is_known_limit(source: SourceView, now: datetime) -> bool:
    """Tell whether all that is the matter with a source is structural: it stays until somebody decides otherwise."""
    limited = source_state(source, now)[1] in {"PARTIAL", "LIMITED"}
    return limited and all(gap.cause in STRUCTURAL for gap in source.gaps)


def worst_first(sources: Sequence[SourceView], now: datetime) -> list[SourceView]:
    """Order sources by what is the matter with them; those that are alike stay in their order."""
    return sorted(sources, key=lambda each: badness(each, now))


def worst_source(sources: Sequence[SourceView], now: datetime) -> SourceView:
    """Give the source with which most is the matter, of those that are alike the one whose data is oldest."""
    return min(sources, key=lambda each: (badness(each, now), each.as_of or now))


def data_state(sources: Sequence[SourceView], now: datetime) -> Line:
    """Say how old the data of the worst source is, and what is the matter with it: ``data ! STALE 3h``."""
    worst = worst_source(sources, now)
    glyph, word, role = source_state(worst, now)
    return line(Span("data ", "dim"), Span(f"{glyph}{'' if word == 'OK' else ' ' + word}{_aged(worst, now)}", role))


def data_line(sources: Sequence[SourceView], now: datetime, width: int) -> Line:
    """Say how old the data of a family may be and is, whose is the oldest, why, and when it is asked again.

    Where there is room every source is named with its state.
    """
    if not sources:
        return line(Span("no source", "dim"))
    worst = worst_source(sources, now)
    well = source_state(worst, now)[1] == "OK"
    tail = next_run(sources, now) if well else retry(worst, now)
    soon = tail.replace("next run ", "↻").replace("asks again ", "↻")
    lefts = _lefts(sources, worst, now, wide=width >= 64)
    for left in lefts:
        for right in (line(Span(tail, "dim")), line(Span(soon, "dim"))):
            if size(left) + size(right) + 2 <= width:
                return ends(left, right, width)
    return crop(lefts[-1], width)


def _lefts(sources: Sequence[SourceView], worst: SourceView, now: datetime, *, wide: bool) -> list[Line]:
    """Write how old the data is, the longest form first."""
    glyph, word, role = source_state(worst, now)
    aged = "" if worst.as_of is None or _is_ahead(worst, now) else f" {age2(now - worst.as_of)}"
    well = word == "OK"
    state = (Span(glyph, role), Span(f"{aged} old", "dim")) if well else (Span(f"{glyph} {word}{aged}", role),)
    head = (Span("data ", "dim"), *state)
    most = Span(f" (max {age(worst.max_age)})", "dim")
    name = () if well and len(sources) == 1 else (Span(f"  {clean(worst.name, 24)}", "dim"),)
    why = () if well else (Span(f" {source_cause(worst, now)}", role),)
    every = [(*head, most, Span(" ·", "dim"), *each_source(sources, now))] if wide and len(sources) > 1 else []
    return [*every, (*head, most, *name, *why), (*head, *name, *why), (*head, *name), head]


def each_source(sources: Sequence[SourceView], now: datetime) -> Line:
    """Name every source with its glyph, and why it does not tell; the worst first."""
    spans: list[Span] = []
    for source in worst_first(sources, now):
        glyph, word, role = source_state(source, now)
        why = "" if word == "OK" else f" {source_cause(source, now)}"
        spans += [Span(f" {clean(source.name, 24)} ", "dim"), Span(f"{glyph}{why}", role)]
    return tuple(spans)


def source_cause(source: SourceView, now: datetime | None = None) -> str:
    """Say in a word why a source does not tell all."""
    if now is not None and _is_ahead(source, now):
        return "of the future"
    if source.cause is None and source.last_error is not None:
        return "not kept"
    if source.cause is not None:
        return source.cause.value.replace("_", " ")
    gap = min(source.gaps, key=lambda each: each.kind != "members", default=None)
    return gap.cause.value.replace("_", " ") if gap is not None else "running" if source.running else "too old"


def _aged(source: SourceView, now: datetime) -> str:
    """Write how old data is, a blank before it; nothing where nobody knows."""
    return "" if source.as_of is None or _is_ahead(source, now) else f" {age(now - source.as_of)}"


def _is_ahead(source: SourceView, now: datetime) -> bool:
    """Tell whether data says that it is of the future, so that nobody knows how old it is."""
    return source.as_of is not None and source.as_of - now > SKEW


def retry(source: SourceView, now: datetime) -> str:
    """Say when one source is asked again."""
    return next_run([source], now).replace("next run", "asks again")


def next_run(sources: Sequence[SourceView], now: datetime) -> str:
    """Say when the next source is asked."""
    if any(source.running for source in sources):
        return "running"
    times = [source.next_run for source in sources if source.next_run is not None]
    if not times:
        return ""
    left = min(times) - now
    return "next run now" if left <= timedelta(0) else f"next run {age(left)}"


def sources_line(sources: Sequence[SourceView], now: datetime) -> Line:
    """Name the sources of a check, each with its glyph and how old its data is; the worst first."""
    spans: list[Span] = []
    for source in worst_first(sources, now):
        glyph, word, role = source_state(source, now)
        aged = _aged(source, now)
        told = f"{glyph}{aged}" if word == "OK" else f"{glyph} {word}{aged}"
        spans += [Span(", " if spans else ""), Span(f"{clean(source.name, 24)} ", "dim"), Span(told, role)]
    return tuple(spans)


def blind_line(blind: Blindness, now: datetime, *, short: bool = False) -> str:
    """Say which source does not tell, why, and since when."""
    who = clean(blind.source, 40) or ("an operator" if blind.cause == PAUSED else "controlwatch")
    if short:
        known = blind.since is not None and blind.since - now <= SKEW
        return f"{who}: {blind.cause}" + (f" {age(now - blind.since)}" if known and blind.since is not None else "")
    return f"{who}: {blind.cause}" + ("" if blind.since is None else f", {begun(blind.since, now)}")


def source_plan(source: SourceView) -> str:
    """Say how far a run is, or what it will take."""
    planned = plan(source.requests_planned, source.plan_seconds)
    if source.running:
        done = number(source.requests_done)
        return f"running, {done} of {planned}" if planned else f"running, {done} requests so far"
    return planned


def count_cells(model: Model, form: str, write: Callable[[int], str] = str) -> Line:
    """Write the five words with their counts, worst first; a zero is dim.

    ``form`` is a format of glyph, count and word, for example ``{glyph} {count} {word}``; ``write`` writes a count.
    """
    spans: list[Span] = []
    for word in Word:
        count = model.counts[word]
        text = form.format(glyph=WORD_GLYPHS[word], count=write(count), word=word.value)
        spans += [Span(text, f"bold.{ROLES[word]}" if count else "dim"), Span(" " * (1 + form.count(" ") // 2))]
    return tuple(spans[:-1])
