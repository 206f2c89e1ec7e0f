"""How many events there were, part by part: rounded parts, and nothing where there was nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.port import EventQuery
from engine.port.timeline import DAY, HOUR
from tests.support.canned_port import CannedPort
from tests.support.clock import NOW
from tests.support.pasts import many_events
from tui.density import Density, edges_of, strip
from tui.lines import plain, size

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("span", "room", "part"),
    [
        (None, 144, 10 * MINUTE),
        (None, 143, 15 * MINUTE),
        (HOUR, 144, MINUTE),
        (7 * DAY, 144, 2 * HOUR),
        (30 * DAY, 40, DAY),
    ],
    ids=["lately", "lately, less room", "an hour", "a week", "a month"],
)
def test_parts_are_round_and_fit(span: timedelta | None, room: int, part: timedelta) -> None:
    """Ten minutes each where there is room for a day of them."""
    edges = edges_of(None if span is None else NOW - span, None, NOW, room)

    assert edges[1] - edges[0] == part
    assert len(edges) - 1 <= room
    assert edges[0] <= NOW - (span or DAY) + part
    assert edges[-2] <= NOW < edges[-1]


def test_nothing_is_drawn_where_there_was_nothing() -> None:
    """And at least the smallest block where there was one event."""
    edges = edges_of(NOW - HOUR, None, NOW, 144)
    counts = [0] * (len(edges) - 1)
    counts[3], counts[5] = 1, 100
    drawn = plain(strip(counts, edges, 158)[0])

    assert drawn[4] == "▁"
    assert drawn[6] == "█"
    assert drawn[1:4] == "   "
    assert "1m, most 100" in drawn


async def test_events_are_counted_by_the_port() -> None:
    """Every part that had one tells so; the lines fit."""
    density = Density()
    await density.ask(CannedPort(None, log=many_events(200)), EventQuery(), NOW, 159)

    assert sum(density.counts) == 96
    assert all(size(each) <= 159 for each in density.lines(NOW, 159))
