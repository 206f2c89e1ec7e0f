"""Dates and times are read in a zone, and a day has a start and an end."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from checks.model.units import rfc3339
from sources.common.moments import end_of_day, in_utc, is_date_format, start_of_day, zone_of

DAYS = [
    pytest.param("UTC", date(2026, 11, 20), "2026-11-20T00:00:00Z", "2026-11-20T23:59:59Z", id="UTC"),
    pytest.param("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", id="a short day"),
    pytest.param("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", id="a long day"),
    pytest.param(
        "America/Havana", date(2026, 10, 31), "2026-10-31T04:00:00Z", "2026-11-01T03:59:59Z", id="before a change"
    ),
]


@pytest.mark.parametrize(("zone", "day", "start", "end"), DAYS)
def test_a_day_lasts_from_its_first_to_its_last_second(zone: str, day: date, start: str, end: str) -> None:
    """Summer time makes days of 23 and of 25 hours."""
    known = zone_of(zone)
    assert known is not None
    assert (rfc3339(start_of_day(day, known)), rfc3339(end_of_day(day, known))) == (start, end)


@pytest.mark.parametrize("name", ["", "Berlin", "../etc/passwd", "/etc/passwd", "Europe", "a\0b"])
def test_a_zone_that_is_none_is_not_found(name: str) -> None:
    """Neither paths nor folders of the time zone database are zones."""
    assert zone_of(name) is None


def test_for_ever_stays_for_ever() -> None:
    """The last day of the calendar cannot be converted, and stays as it is."""
    west = zone_of("America/New_York")
    assert west is not None
    assert in_utc(datetime(9999, 12, 31, 23, 59, 59), west) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize(("form", "sound"), [("%d.%m.%Y", True), ("%Y-%j", True), ("%d.%m.", False), ("%Q", False)])
def test_a_date_format_tells_a_whole_date(form: str, *, sound: bool) -> None:
    """A format without a year would date everything to 1900."""
    assert is_date_format(form) is sound
