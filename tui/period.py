"""Which time is looked at: the ranges that ``t`` goes through, one that a person names, and zooming; pure.

A period is in the zone of its ends, which is the reader's, and so are its days and everything that is cut out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from engine.port.timeline import DAY, HOUR, midnight
from tui.format import zone_mark

MINUTE = timedelta(minutes=1)
LONGEST = 550 * DAY
"""Evidence is kept for so long."""
SPANS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "365d": 365 * DAY}
"""Ranges that end now."""
AUDIT = "audit"
_ZOOMS = (
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    3 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    180 * DAY,
    365 * DAY,
)
_SHORT_CELLS = (
    *(number * MINUTE for number in (2, 5, 10, 15, 30)),
    *(number * HOUR for number in (1, 2, 3, 4, 6, 8, 12)),
)
_LONG_CELLS = tuple(number * DAY for number in (1, 2, 3, 5, 7, 10, 14, 30, 60, 90))
_BY_DAYS = 14 * DAY
"""From this length on a cell is whole days."""


class NoPeriod(ValueError):
    """The text names no period; the message says what it should look like."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time that may end in the future."""

    name: str
    since: datetime
    until: datetime

    @property
    def span(self) -> timedelta:
        """Give its length."""
        return self.until - self.since

    @property
    def title(self) -> str:
        """Name it with its dates."""
        if self.span <= 2 * DAY:
            text = f"{self.since:%d %b %H:%M}–{self.until:%d %b %H:%M}{zone_mark(self.until)}"
        else:
            last = self.until - MINUTE
            first = self.since.strftime("%d %b" if self.since.year == last.year else "%d %b %Y")
            text = f"{first}–{last:%d %b %Y}"
        return f"{self.name} {text}"


def named(name: str, now: datetime) -> Period:
    """Give one of the ranges that end with the present five minutes, hour or day of the reader's zone."""
    span = SPANS[name]
    step = 5 * MINUTE if span <= HOUR else HOUR if span <= DAY else DAY
    end = _floor(now, step) + step
    return Period(name, end - span, end)


def asked(text: str, zone: tzinfo | None = UTC) -> Period:
    """Read ``2026-10-01 2027-09-30``, whole days of a zone, both included; raises ``NoPeriod``."""
    words = text.replace("..", " ").replace("–", " ").split()
    try:
        first, last = (datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=zone) for word in words)
    except ValueError:
        message = "not a period: write the first and the last day, as in 2026-10-01 2027-09-30"
        raise NoPeriod(message) from None
    if not timedelta(0) <= last - first < LONGEST:
        message = f"not a period: the last day comes after the first, at most {LONGEST.days} days later"
        raise NoPeriod(message)
    return Period(AUDIT, first, last + DAY)


def rezoned(period: Period, zone: tzinfo | None) -> Period:
    """Give a period in another zone: the same days of an audit, else the same time."""
    if period.name == AUDIT:
        return Period(AUDIT, period.since.replace(tzinfo=zone), period.until.replace(tzinfo=zone))
    return Period(period.name, period.since.astimezone(zone), period.until.astimezone(zone))


def day_of(period: Period, now: datetime) -> tuple[int, int]:
    """Say which day of a period it is, and how many it has; 0 before it began."""
    whole = -(-period.span // DAY)
    return max(0, min(whole, (now - period.since) // DAY + 1)), whole


def edges(period: Period, room: int) -> list[datetime]:
    """Cut a period into as many equal cells as fit into the room; the last may end after the period."""
    sizes = _LONG_CELLS if period.span >= _BY_DAYS else (*_SHORT_CELLS, *_LONG_CELLS)
    fitting = [size for size in sizes if -(-period.span // size) <= max(1, room)]
    size = min(fitting, default=sizes[-1])
    return [period.since + number * size for number in range(-(-period.span // size) + 1)]


def finer(found: Sequence[datetime], times: int) -> list[datetime]:
    """Cut each cell into several."""
    size = (found[1] - found[0]) / times
    return [found[0] + number * size for number in range((len(found) - 1) * times + 1)]


def zoomed(period: Period, centre: datetime, way: int, now: datetime) -> Period:
    """Look closer (+1) or from further away (-1) at an instant; never past the coming midnight."""
    shorter = [span for span in _ZOOMS if span < period.span]
    longer = [span for span in _ZOOMS if span > period.span]
    span = (shorter[-1] if shorter else period.span) if way > 0 else (longer[0] if longer else period.span)
    if span == period.span:
        return period
    step = 5 * MINUTE if span <= HOUR else HOUR if span <= DAY else DAY
    zone = period.since.tzinfo
    since = _floor(centre.astimezone(zone) - span / 2, step) + (step if span > step else timedelta(0))
    return _moved(Period("zoom", since, since + span), max(period.until, midnight(now.astimezone(zone)) + DAY))


def _moved(period: Period, latest: datetime) -> Period:
    late = period.until - latest
    return Period(period.name, period.since - late, latest) if late > timedelta(0) else period


def _floor(instant: datetime, step: timedelta) -> datetime:
    start = midnight(instant)
    return start + (instant - start) // step * step
