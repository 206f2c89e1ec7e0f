"""The last day of a source, drawn from what is known and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.port import Event, Silence, SourceView
from tests.support.clock import NOW
from tests.support.snapshots import a_source
from tui.lines import plain
from tui.timeline import RECOVERED, timeline

HOUR = timedelta(hours=1)


def told(hours: float, text: str) -> Event:
    """Build an event of a source, some hours ago."""
    return Event(at=NOW - hours * HOUR, kind="source", what="aws", text=text)


@pytest.mark.parametrize(
    ("events", "source", "drawn"),
    [
        pytest.param([], a_source(), "✔" * 24, id="never failed"),
        pytest.param(
            [], a_source(known_since=NOW - 6 * HOUR), "·" * 18 + "✔" * 6, id="before the first run nothing is known"
        ),
        pytest.param([], a_source(runs=0), "✔" * 24, id="an engine that has just started knows of the runs before"),
        pytest.param(
            [],
            a_source(silences=(Silence(start=NOW - 7.5 * HOUR, end=NOW - 2 * HOUR),)),
            "✔" * 17 + "·" * 5 + "✔" * 2,
            id="nobody looked",
        ),
        pytest.param([], a_source(as_of=None, known_since=None), "·" * 24, id="never asked"),
        pytest.param(
            [told(3.5, RECOVERED), told(6.5, "503")],
            a_source(),
            "✔" * 17 + "✖" * 4 + "✔" * 3,
            id="a failure that ended",
        ),
        pytest.param([told(2.5, "503")], a_source(failing_since=NOW - 2.5 * HOUR), "✔" * 21 + "✖" * 3, id="fails now"),
        pytest.param(
            [told(1.5, "401"), told(2.5, "503")],
            a_source(failing_since=NOW - 2.5 * HOUR),
            "✔" * 21 + "✖" * 3,
            id="another error is the same failure",
        ),
        pytest.param([], a_source(failing_since=NOW - 30 * HOUR), "✖" * 24, id="fails longer than a day"),
        pytest.param([told(3.5, RECOVERED)], a_source(), "✔" * 24, id="a recovery alone"),
    ],
)
def test_a_day_is_drawn(events: list[Event], source: SourceView, drawn: str) -> None:
    """A cell is a failure if any moment of it was; a shape each, never a colour alone."""
    assert plain(timeline(events, source, NOW, 24)) == drawn
