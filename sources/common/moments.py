"""Dates and times as people write them, in a time zone; a date is the start or the end of that day."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_END_OF_DAY: Final = time(23, 59, 59)
_WITH_TIME: Final = re.compile(r"%[HIcXT]")


def zone_of(name: str) -> tzinfo | None:
    """Find an IANA time zone; None when there is none of that name on this machine. UTC is there without a database."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (
        KeyError,
        OSError,
        ValueError,
    ):  # ZoneInfoNotFoundError is a KeyError; folders and odd names give the others
        return None


def is_date_format(form: str) -> bool:
    """Tell whether a strptime format holds a day, a month and a year."""
    sample = datetime(2026, 11, 20, tzinfo=UTC)
    try:
        return datetime.strptime(sample.strftime(form), form).date() == sample.date()  # noqa: DTZ007 - the date counts only
    except ValueError:
        return False


def read_moment(text: str, form: str | None = None) -> tuple[datetime, bool]:
    """Read an ISO 8601 date or time, or one in a strptime format; True: it is a whole day. Raises ``ValueError``."""
    if form is not None:
        return datetime.strptime(text, form), _WITH_TIME.search(form) is None  # noqa: DTZ007 - ``in_utc`` sets the zone
    with suppress(ValueError):
        return datetime.combine(date.fromisoformat(text), time.min), True
    return datetime.fromisoformat(text), False


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Give the start of a day in a zone, UTC."""
    return in_utc(datetime.combine(day, time.min), zone)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Give the last second of a day in a zone, UTC."""
    return in_utc(datetime.combine(day, _END_OF_DAY, None).replace(fold=1), zone)


def in_utc(moment: datetime, zone: tzinfo) -> datetime:
    """Convert to UTC; a moment without an offset is in the zone.

    9999-12-31 means "for ever" in many systems, and lies past the end of time when it is converted: it stays as it is.
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    try:
        return aware.astimezone(UTC)
    except OverflowError:
        return aware.replace(tzinfo=UTC, fold=0)
