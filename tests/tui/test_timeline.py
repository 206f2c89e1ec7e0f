"""The last day of a source, drawn from what is known and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.port import Event, SourceView
from tests.support.clock import NOW
from tests.support.snapshots import a_source
from tui.lines import plain
from tui.timeline import RECOVERED, timeline

HOUR = timedelta(hours=1)
LONG_AGO = NOW - 72 * HOUR


def told(hours: float, text: str) -> Event:
    """Build an event of a source, some hours ago."""
    return Event(at=NOW - hours * HOUR, kind="source", what="aws", text=text)


@pytest.mark.parametrize(
    ("events", "source", "started", "drawn"),
    [
        pytest.param([], a_source(), LONG_AGO, "✔" * 24, id="never failed"),
        pytest.param([], a_source(), NOW - 6 * HOUR, "·" * 18 + "✔" * 6, id="before the start nothing is known"),
        pytest.param([], a_source(as_of=None, runs=0), LONG_AGO, "·" * 24, id="never asked"),
        pytest.param(
            [told(3.5, RECOVERED), told(6.5, "503")],
            a_source(),
            LONG_AGO,
            "✔" * 17 + "✖" * 4 + "✔" * 3,
            id="a failure that ended",
        ),
        pytest.param(
            [told(2.5, "503")], a_source(failing_since=NOW - 2.5 * HOUR), LONG_AGO, "✔" * 21 + "✖" * 3, id="fails now"
        ),
        pytest.param(
            [told(1.5, "401"), told(2.5, "503")],
            a_source(failing_since=NOW - 2.5 * HOUR),
            LONG_AGO,
            "✔" * 21 + "✖" * 3,
            id="another error is the same failure",
        ),
        pytest.param([], a_source(failing_since=NOW - 30 * HOUR), LONG_AGO, "✖" * 24, id="fails longer than a day"),
        pytest.param([told(3.5, RECOVERED)], a_source(), LONG_AGO, "✔" * 24, id="a recovery alone"),
    ],
)
def test_a_day_is_drawn(events: list[Event], source: SourceView, started: datetime, drawn: str) -> None:
    """A cell is a failure if any moment of it was; a shape each, never a colour alone."""
    assert plain(timeline(events, source, started, NOW, 24)) == drawn
