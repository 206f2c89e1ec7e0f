"""Times are written as PromQL reads them, and shorten alike."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from engine.alerting.timing import Timing, promql_duration, promql_seconds


@pytest.mark.parametrize(
    ("value", "duration", "seconds"),
    [
        pytest.param(timedelta(minutes=5), "5m", "300", id="minutes"),
        pytest.param(timedelta(hours=1, minutes=30), "1h30m", "5400", id="two units"),
        pytest.param(timedelta(days=14), "14d", "1209600", id="no exponent"),
        pytest.param(timedelta(seconds=2.5), "2s500ms", "2.5", id="a half"),
        pytest.param(timedelta(0), "1ms", "0", id="never no duration at all"),
    ],
)
def test_a_time_is_written_as_promql_reads_it(value: timedelta, duration: str, seconds: str) -> None:
    """As a duration and as a number of seconds."""
    assert (promql_duration(value), promql_seconds(value)) == (duration, seconds)


def test_every_time_shortens_alike() -> None:
    """A test that runs twelve times as fast leaves no time as it was."""
    real, fast = Timing(), Timing().scaled(1 / 12)

    assert {getattr(real, item.name) / getattr(fast, item.name) for item in fields(Timing)} == {12.0}


def test_every_time_has_both_words() -> None:
    """A rule may write a time as a duration and as a number."""
    words = Timing().words()

    assert set(words) == {word for item in fields(Timing) for word in (item.name, f"{item.name}_seconds")}
    assert (words["stall"], words["stall_seconds"]) == ("5m", "300")
