"""Periods are whole hours or days of UTC, and are cut into cells that fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from tests.support.clock import NOW
from tui.period import SPANS, NoPeriod, Period, asked, edges, finer, named, zoomed

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("1h", datetime(2026, 11, 21, 4, 35, tzinfo=UTC), datetime(2026, 11, 21, 5, 35, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 21, 6, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)),
        ("365d", datetime(2025, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_a_range_ends_with_the_present_hour_or_day(name: str, since: datetime, until: datetime) -> None:
    """Of the reader's own zone, where a day is another time."""
    zone = timezone(timedelta(hours=9))
    assert named(name, NOW) == Period(name, since, until)
    local = named(name, NOW.astimezone(UTC).replace(tzinfo=zone))
    assert local == Period(name, since.replace(tzinfo=zone), until.replace(tzinfo=zone))


@pytest.mark.parametrize("room", [8, 24, 36, 63, 120])
@pytest.mark.parametrize("name", list(SPANS))
def test_a_period_is_cut_into_equal_cells_that_fit(name: str, room: int) -> None:
    """No cell is left out, and from two weeks on a cell is whole days."""
    period = named(name, NOW)
    found = edges(period, room)
    sizes = {after - before for before, after in pairwise(found)}

    assert found[0] == period.since
    assert found[-1] >= period.until
    assert len(sizes) == 1
    assert len(found) - 1 <= room
    assert period.span < 14 * DAY or sizes.pop() % DAY == timedelta(0)


def test_cells_are_cut_further_for_plots() -> None:
    """Each cell of a strip is a number of columns."""
    found = edges(named("7d", NOW), 7)

    assert finer(found, 4)[::4] == found
    assert len(finer(found, 4)) == 4 * 7 + 1


@pytest.mark.parametrize("text", ["2026-10-01 2027-09-30", "2026-10-01..2027-09-30", " 2026-10-01 – 2027-09-30 "])
def test_an_audit_period_is_named_by_its_days(text: str) -> None:
    """The last day is part of it."""
    period = asked(text)

    assert period.span == 365 * DAY
    assert period.title == "audit 01 Oct 2026–30 Sep 2027"


@pytest.mark.parametrize(
    "text", ["", "2026-10-01", "2026-10-01 soon", "2026-10-02 2026-10-01", "2020-01-01 2026-01-01"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    """The message says what one looks like."""
    with pytest.raises(NoPeriod, match="not a period"):
        asked(text)


def test_zooming_goes_closer_and_back_around_the_cursor() -> None:
    """What is looked at stays inside, and the end is never past the coming midnight."""
    centre = NOW - 10 * DAY
    month = named("30d", NOW)
    closer = zoomed(month, centre, 1, NOW)
    further = zoomed(month, centre, -1, NOW)

    assert closer.span == 14 * DAY
    assert closer.since <= centre < closer.until
    assert further.span == 90 * DAY
    assert further.until == month.until


def test_zooming_ends_at_an_hour_and_at_a_year() -> None:
    """Where nothing is closer or further, nothing moves."""
    period = named("24h", NOW)
    for _ in range(9):
        period = zoomed(period, NOW - HOUR, 1, NOW)
    assert period.span == HOUR
    assert zoomed(period, NOW, 1, NOW) is period

    year = named("365d", NOW)
    assert zoomed(year, NOW, -1, NOW) is year


def test_a_short_period_tells_its_hours() -> None:
    """A title names dates, and hours where days would not do."""
    assert named("24h", NOW).title == "24h 20 Nov 06:00–21 Nov 06:00Z"
    assert named("30d", NOW).title == "30d 23 Oct–21 Nov 2026"
