"""How many events there were, part by part of the time that is looked at: a strip of blocks over a ruler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from engine.port import EventQuery, Port
from engine.port.timeline import DAY, HOUR, midnight
from tui.format import age, number, zone_mark
from tui.lines import Line, Span, line
from tui.plots import RAMP, count_scale, ruler, runs

MINUTE = timedelta(minutes=1)
_SIZES = (
    *(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 6, 12, 24)),
    *(days * DAY for days in (2, 7, 30)),
)
_LATELY = DAY
"""What is shown of any time."""
_USUAL = 10 * MINUTE
"""The length of a part, where the time is that of a day or more and there is room."""
_NOTE = 15
_LEAST = 5
"""Events in a part that fill it, at least: one alone is no crowd."""


@dataclass(slots=True)
class Density:
    """The latest answer about how many there were."""

    counts: Sequence[int] = ()
    edges: Sequence[datetime] = field(default_factory=list)

    async def ask(self, port: Port, query: EventQuery, now: datetime, width: int) -> None:
        """Count the events of a query; of any time, those of the last day. Raises ``PortFault``."""
        self.edges = edges_of(query.since, query.until, now, max(12, width - _NOTE))
        since, until = self.edges[0].astimezone(UTC), self.edges[-1].astimezone(UTC)
        asked = msgspec.structs.replace(query, offset=0, limit=0, since=since, until=until, cells=len(self.edges) - 1)
        self.counts = (await port.events(asked)).counts

    def lines(self, now: datetime, width: int) -> list[Line]:
        """Draw the strip and its ruler."""
        if not self.counts:
            return []
        edges = [each.astimezone(now.tzinfo) for each in self.edges]
        return strip(self.counts, edges, width)


def edges_of(since: datetime | None, until: datetime | None, now: datetime, room: int) -> list[datetime]:
    """Cut the time that is looked at into parts of a round length, as many as fit, the last one under way."""
    end = min(until, now) if until is not None and until > (since or now) else now
    length = max(end - since, MINUTE) if since is not None else _LATELY
    least = _USUAL if length >= DAY else MINUTE
    more = 0 if since is None else 2
    size = next((each for each in _SIZES if each >= least and -(-length // each) + more <= room), _SIZES[-1])
    last = _floored(end, size)
    first = last - (length // size - 1) * size if since is None else _floored(since, size)
    return [first + number * size for number in range((last - first) // size + 2)]


def _floored(instant: datetime, size: timedelta) -> datetime:
    start = midnight(instant)
    return start + (instant - start) // size * size if size <= DAY else start


def strip(counts: Sequence[int], edges: Sequence[datetime], width: int) -> list[Line]:
    """Draw counts as blocks; nothing where there was none, and at least the smallest block where there was one."""
    scale = count_scale([*counts, _LEAST])
    cells = [(" ", "text") if not each else (RAMP[_level(each, scale.top)], "focus") for each in counts]
    size = edges[1] - edges[0]
    told = f" {age(size) if size < DAY else f'{size.days}d'}, most {number(max(counts))}"
    zone = f" {zone_mark(edges[-1])}"
    return [
        line(Span(" "), *runs(cells), Span(told[: max(0, width - len(cells) - 1)], "dim")),
        line(Span(" "), *ruler(edges, 1), Span(zone, "dim")),
    ]


def _level(count: int, top: float) -> int:
    return max(0, min(len(RAMP) - 1, int(count / top * len(RAMP)) - (count >= top)))
