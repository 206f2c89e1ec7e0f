"""What became of a check over a period: stretches of a state, gaps, breaches; pure, from what the port tells.

A state is believed from a judgement on, for as long as judgements follow each other (``limit_of``). A day without one,
or a time in which the engine stood still, is a gap: never a pass, never bridged. Where only the length of a gap within
a day is known, and not its place, nothing between that day's first and last judgement is believed but a failure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from checks.model.state import GREEN, WORST_FIRST, State, Tally
from engine.port.checks import CheckView
from engine.port.past import Day, Lapse, Past, Turn
from engine.port.sources import SourceView

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZERO = timedelta(0)
_SAME = timedelta(seconds=1)
_BEARS_MISSED_RUNS = 3
_SETTLED = frozenset({State.PASS, State.WARN, State.WAIVED})
CONCLUSIVE = frozenset({*_SETTLED, State.FAIL})
"""The states in which it is known what holds; unknown, stale and pending are blindness."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a judgement."""

    start: datetime
    end: datetime
    lost: timedelta
    """Its length; less than ``end - start`` where it is only known to lie in between."""
    believed: timedelta = field(default=ZERO, compare=False)
    """For how long from ``start`` on the last judgement is still believed."""

    @property
    def is_placed(self) -> bool:
        """Whether start and end are the gap's own."""
        return self.lost == self.end - self.start


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in one state with one set of counts."""

    start: datetime
    end: datetime
    state: State | None
    """None: no data."""
    turn: Turn | None = None
    """The counts; None: no data."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A time from a failure to the first judgement that held again; blindness in between ends nothing."""

    check: str
    start: datetime
    end: datetime | None
    """None: not over."""
    ended: State | None
    """The state that ended it; None while it lasts, or when the check was retired."""
    failed: int
    """The most subjects that failed."""
    unseen: timedelta
    """How much of it lies in gaps."""
    is_older: bool = False
    """Whether it had begun before anything that was told; then ``start`` is the earliest time known of it."""
    evidence: Sequence[str] = ()
    """Digests of the manifests under the judgement that found it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One check over a period, as far as it is past."""

    check: str
    since: datetime
    until: datetime
    """The period's end, or now."""
    stretches: Sequence[Stretch]
    """From ``since`` to ``until`` without a hole, oldest first."""
    gaps: Sequence[Gap]
    breaches: Sequence[Breach]
    days: Sequence[Day]
    known: timedelta
    """For how long a conclusive state held and was believed; of a gap without a place its length is left out."""

    @property
    def covered(self) -> float:
        """Give the share of the period in which it is known what held, which blindness is not; 0 of an empty period."""
        whole = self.until - self.since
        return self.known / whole if whole > ZERO else 0.0


def limit_of(view: CheckView, sources: Sequence[SourceView]) -> timedelta:
    """Give the longest time between two judgements that is no gap: three missed runs or an hour, never past max_age."""
    return longest_quiet([source.every for source in sources if source.name in view.sources], view.max_age)


def longest_quiet(every: Sequence[timedelta], max_age: timedelta) -> timedelta:
    """Give that limit for a check whose sources are asked so often."""
    limit = max(_BEARS_MISSED_RUNS * min((each for each in every if each > ZERO), default=HOUR), HOUR)
    return min(limit, max_age) if max_age > ZERO else limit


def timeline(past: Past, since: datetime, until: datetime, limit: timedelta) -> Timeline:
    """Derive stretches, gaps and breaches; ``past`` may begin before ``since``, which places the first gap."""
    until = max(since, until)
    gaps = list(_clipped(_gaps(past.days, since, until, limit), since, until))
    held = list(_held(past.turns, since, until))
    return Timeline(
        check=past.check,
        since=since,
        until=until,
        stretches=[piece for each in held for piece in _cut(each, gaps)],
        gaps=gaps,
        breaches=_breaches(past, since, until, gaps),
        days=past.days,
        known=_known(held, gaps),
    )


def worst(states: Iterable[State | None]) -> State | None:
    """Give the worst; no data is as bad as an unknown, and nothing at all is no data."""
    return min(states, key=_rank, default=None)


def control(lines: Sequence[Timeline]) -> tuple[int, int]:
    """Count the days, in the period's zone, on which every check passed or was warned all day, and those judged.

    A day on which nothing could be told is among those judged, so that blindness never makes the share better.
    """
    if not lines:
        return 0, 0
    edges = midnights(lines[0].since, max(each.until for each in lines))
    states = [worst_between(each, edges) for each in lines]
    zone = lines[0].since.tzinfo
    judged = {at.astimezone(zone).date() for each in lines for day in each.days for at in (day.first_at, day.last_at)}
    held = seen = 0
    for index, start in enumerate(edges[:-1]):
        is_held = worst([each[index] for each in states]) in GREEN
        held += is_held
        seen += is_held or start.date() in judged
    return held, seen


def at(one: Timeline, instant: datetime) -> Stretch | None:
    """Find what held at an instant; None outside the period."""
    index = bisect_right(one.stretches, instant, key=lambda each: each.start) - 1
    found = one.stretches[index] if index >= 0 else None
    return found if found is not None and instant < found.end else None


def _rank(state: State | None) -> int:
    """Rank no data just behind unknown."""
    return 2 * WORST_FIRST.index(State.UNKNOWN if state is None else state) + (state is None)


def _gaps(days: Sequence[Day], since: datetime, until: datetime, limit: timedelta) -> Iterator[Gap]:
    """Find where no judgement followed within the limit."""
    last: datetime | None = None
    for day in days:
        quiet = day.first_at - (since if last is None else last)
        if quiet > limit:
            yield Gap(day.first_at - quiet, day.first_at, quiet, ZERO if last is None else limit)
        yield from _within_day(day, last, quiet, limit)
        last = day.last_at
    start = since if last is None else last
    if until - start > limit:
        yield Gap(start, until, until - start, ZERO if last is None else limit)


def _within_day(day: Day, last: datetime | None, quiet: timedelta, limit: timedelta) -> Iterator[Gap]:
    """Find the gaps that ended on a day after its first judgement, and the one before that which is not told yet."""
    longest, awake = timedelta(seconds=day.longest_gap_seconds), day.last_at - day.first_at
    if longest > limit and longest > awake and last is None and quiet <= limit:
        yield Gap(day.first_at - longest, day.first_at, longest, limit)
    if day.lapses is not None and (
        longest <= limit or any(abs(_length(each) - longest) <= _SAME for each in day.lapses)
    ):
        for each in day.lapses:
            if each.start >= day.first_at and _length(each) > limit:
                yield Gap(each.start, each.end, _length(each), limit)
    elif longest > limit and longest <= awake and (last is None or abs(longest - quiet) > _SAME):
        yield Gap(day.first_at, day.last_at, longest)
    elif awake > day.judged * limit:
        yield Gap(day.first_at, day.last_at, awake - day.judged * limit)


def _length(each: Lapse) -> timedelta:
    return each.end - each.start


def _clipped(gaps: Iterable[Gap], since: datetime, until: datetime) -> Iterator[Gap]:
    for gap in gaps:
        start, end = max(gap.start, since), min(gap.end, until)
        if start < end:
            believed = max(ZERO, gap.start + gap.believed - start)
            yield Gap(start, end, min(gap.lost, end - start), believed)


def _held(turns: Sequence[Turn], since: datetime, until: datetime) -> Iterator[Stretch]:
    """Give what was told, as if it held until the next was told."""
    if since >= until:
        return
    begin = turns[0].at if turns else until
    if since < begin:
        yield Stretch(since, min(begin, until), None)
    for index, turn in enumerate(turns):
        end = turns[index + 1].at if index + 1 < len(turns) else until
        start, end = max(turn.at, since), min(end, until)
        if start < end:
            yield Stretch(start, end, turn.state, None if turn.state is None else turn)


def _known(held: Sequence[Stretch], gaps: Sequence[Gap]) -> timedelta:
    """Add up the time in a conclusive state, without what of it lies in gaps."""
    firm = [each for each in held if each.state in CONCLUSIVE]
    known = sum((each.end - each.start for each in firm), ZERO)
    for gap in gaps:
        inside, start = ZERO, gap.start + gap.believed
        for each in firm[bisect_right(firm, start, key=lambda each: each.end) :]:
            if each.start >= gap.end:
                break
            inside += max(ZERO, min(each.end, gap.end) - max(each.start, start))
        known -= min(inside, gap.lost)
    return max(ZERO, known)


def _cut(each: Stretch, gaps: Sequence[Gap]) -> Iterator[Stretch]:
    """Take the gaps out; a failure that was seen stands in a gap without a place."""
    start = each.start
    for gap in gaps[bisect_right(gaps, start, key=lambda gap: gap.end) :]:
        if gap.start >= each.end:
            break
        if each.state is None or (each.state is State.FAIL and not gap.is_placed):
            continue
        dark, end = gap.start + gap.believed, min(gap.end, each.end)
        if dark >= end:
            continue
        if start < dark:
            yield Stretch(start, dark, each.state, each.turn)
        yield Stretch(max(start, dark), end, None)
        start = end
    if start < each.end:
        yield Stretch(start, each.end, each.state, each.turn)


def _breaches(past: Past, since: datetime, until: datetime, gaps: Sequence[Gap]) -> list[Breach]:
    found: list[Breach] = []
    start: datetime | None = None
    evidence: Sequence[str] = ()
    failed = 0
    turns: list[Turn | None] = [*past.turns, None]
    for turn in turns:
        if turn is not None and turn.state is State.FAIL:
            evidence = evidence if start is not None else turn.evidence
            start, failed = start or turn.at, max(failed, turn.failed)
        elif start is not None and (turn is None or turn.state is None or turn.state in _SETTLED):
            end, ended = (None, None) if turn is None else (turn.at, turn.state)
            if (end is None or end > since) and start < until:
                unseen = _overlap(start, end or until, gaps)
                older = start == past.turns[0].at < since
                found.append(Breach(past.check, start, end, ended, failed, unseen, older, evidence))
            start, failed = None, 0
    return found


def _overlap(start: datetime, end: datetime, gaps: Sequence[Gap]) -> timedelta:
    shared = (min(end, gap.end) - max(start, gap.start) for gap in gaps if gap.is_placed)
    return sum((each for each in shared if each > ZERO), ZERO)


def between(stretches: Sequence[Stretch], edges: Sequence[datetime]) -> Iterator[list[Stretch]]:
    """Give the stretches that touch each interval."""
    first = 0
    for start, end in pairwise(edges):
        while first < len(stretches) and stretches[first].end <= start:
            first += 1
        last = first
        while last < len(stretches) and stretches[last].start < end:
            last += 1
        yield list(stretches[first:last])


def worst_between(one: Timeline, edges: Sequence[datetime]) -> list[State | None]:
    """Give the worst state between each two edges."""
    return [worst(each.state for each in inside) for inside in between(one.stretches, edges)]


def midnights(since: datetime, until: datetime) -> list[datetime]:
    """Give the edges of the days that a time touches, in its own zone."""
    start = midnight(since)
    count = -((start - until) // DAY)
    return [start + number * DAY for number in range(count + 1)]


def midnight(instant: datetime) -> datetime:
    """Give the start of an instant's day, in its own zone."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def coverage(turn: Turn) -> tuple[float, float]:
    """Bound the share that passed, those who may be missing included; an empty population may be anything."""
    tally = Tally(passed=turn.passed, failed=turn.failed, unknown=turn.unknown, missing=turn.missing)
    return tally.coverage()
