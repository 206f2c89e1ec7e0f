"""What the engine counts of its own doings is bounded, and only what is counted grows."""

from __future__ import annotations

import pytest

from engine.doings import Judging, Worst


def test_an_attempt_that_failed_is_counted_and_tells_no_duration() -> None:
    """The duration is that of the latest that did not fail."""
    judging = Judging().after(0.5, held=True).after(9.0, held=False)

    assert (judging.attempts, judging.failures, judging.seconds) == (2, 1, 0.5)


@pytest.mark.parametrize(
    ("at", "worst"),
    [
        pytest.param(1_000.0, 3.0, id="at once"),
        pytest.param(1_289.0, 3.0, id="within five minutes"),
        pytest.param(1_311.0, 1.0, id="the greatest is older"),
        pytest.param(1_700.0, 0.0, id="all are older"),
    ],
)
def test_the_greatest_of_the_last_minutes_is_told(at: float, worst: float) -> None:
    """A peak counts for five minutes, and then the next lower one."""
    lags = Worst()
    for when, lag in ((1_000.0, 3.0), (1_000.5, 2.0), (1_200.0, 1.0)):
        lags.add(when, lag)

    assert lags.of(at) == worst


def test_a_day_of_measurements_takes_no_more_room_than_five_minutes() -> None:
    """Memory is bounded by the span, not by what was measured."""
    lags = Worst()
    for second in range(86_400):
        lags.add(float(second), 0.1)

    assert len(lags._slots) <= 31
