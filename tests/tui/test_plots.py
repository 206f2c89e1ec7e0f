"""Plots draw what is known, leave gaps empty, and have a glyph of ASCII for each of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from tui.format import to_ascii
from tui.lines import plain, size
from tui.past import Sample
from tui.plots import (
    RAMP,
    Column,
    Scale,
    area,
    axis,
    bar,
    count_scale,
    coverage_scale,
    distance,
    lane,
    left,
    ruler,
    sparkline,
)

UNIT = Scale(bottom=0.0, top=1.0)
DAY = timedelta(days=1)
START = datetime(2026, 10, 1, tzinfo=UTC)


def edges(count: int, cell: timedelta) -> list[datetime]:
    """Give the edges of ``count`` cells."""
    return [START + number * cell for number in range(count + 1)]


def test_a_sparkline_is_one_block_a_value_and_a_gap_is_a_question() -> None:
    """Missing data is never a bar, and zero is never empty."""
    assert plain(sparkline([0.0, 0.5, None, 1.0], UNIT)) == "▁▅?█"


@pytest.mark.parametrize("glyph", [*RAMP, "░", "│", "┤", "●", "─", "▸", "◆", "?", "·", "▼"])
def test_every_glyph_is_one_cell_and_has_one_of_ascii(glyph: str) -> None:
    """No column moves in any terminal, and ASCII never shows a ``?`` for what is not a gap."""
    assert cell_len(glyph) == 1
    assert len(to_ascii(glyph)) == 1
    assert (to_ascii(glyph) == "?") is (glyph == "?")


def test_the_ramp_of_ascii_rises() -> None:
    """Low and high look different without a block."""
    assert to_ascii(RAMP) == ".:-=+*##"


@pytest.mark.parametrize(
    ("lows", "target", "bottom"),
    [([1.0], 1.0, 0.99), ([0.972], 0.99, 0.95), ([0.4], 0.99, 0.0), ([], 0.95, 0.9), ([0.0], 1.0, 0.0)],
)
def test_a_scale_shows_the_lowest_value_and_the_target(lows: Sequence[float], target: float, bottom: float) -> None:
    """Coverage is drawn from a round floor up to 100 %."""
    assert coverage_scale(lows, target) == Scale(bottom=bottom, top=1.0)


@pytest.mark.parametrize(("values", "top"), [([], 1.0), ([0], 1.0), ([3], 5.0), ([11, 20], 20.0), ([1204], 2000.0)])
def test_counts_rise_to_a_round_number(values: Sequence[int], top: float) -> None:
    """No count is above the top."""
    assert count_scale(values) == Scale(bottom=0.0, top=top)


def test_almost_the_top_is_not_the_top() -> None:
    """99.99 % never fills the plot."""
    assert UNIT.eighths(0.9999, 2) == 15
    assert UNIT.eighths(1.0, 2) == 16


def test_a_plot_is_full_to_the_low_value_and_shaded_to_the_high() -> None:
    """What is in doubt is drawn as doubt; a gap is a band over a ``?``, from top to bottom."""
    rows = area([Column(0.5, 1.0), None, Column(1.0, 1.0), Column(0.0, 0.0)], UNIT, 4)

    assert [plain(row) for row in rows] == ["░·█ ", "░·█ ", "█·█ ", "█?█▁"]


def test_the_target_is_a_line_above_what_falls_short() -> None:
    """Where the value reaches it, nothing is drawn over; in a gap there is no line."""
    rows = area([Column(0.2, 0.2), None, Column(1.0, 1.0)], UNIT, 4, target=0.75)

    assert [plain(row) for row in rows] == [" ·█", "─·█", " ·█", "▆?█"]


def test_the_future_is_no_gap() -> None:
    """Ahead of what is known there is the target alone."""
    rows = area([Column(1.0, 1.0), None, None], UNIT, 2, target=0.5, future_from=2)

    assert [plain(row) for row in rows] == ["█· ", "█?─"]


def test_the_lane_tells_what_a_plot_cannot() -> None:
    """Gaps and waivers are marked; the future is not a gap."""
    well, waived = Sample(1.0, 1.0, 0, waived=False), Sample(0.9, 0.9, 1, waived=True)

    assert plain(lane([well, None, waived, None], future_from=3)) == " ?◆ "


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0.0, "▇   │   "), (0.25, "▇▇  │   "), (0.6, "▇▇▇▇│   "), (0.8, "▇▇▇▇│▇  "), (9.0, "▇▇▇▇│▇▇▸")],
    ids=str,
)
def test_a_bar_has_its_mark_at_one_place(share: float, drawn: str) -> None:
    """Bars of different sets are read against one line; one that is too long says so."""
    assert plain(bar(share, 8, 0.5, "text")) == drawn


@pytest.mark.parametrize(
    ("days", "drawn"),
    [(-3, "●       "), (0, "●       "), (45, "────●   "), (89, "───────●"), (400, "───────▸")],
    ids=str,
)
def test_a_distance_is_a_line_to_a_point(days: int, drawn: str) -> None:
    """What has ended is at the beginning, what is far away beyond the end."""
    assert plain(distance(timedelta(days=days), 90 * DAY, 8, "text")) == drawn


@pytest.mark.parametrize(
    ("count", "cell", "stride", "says"),
    [
        (24, timedelta(hours=1), 1, "01 Oct"),
        (24, timedelta(hours=1), 3, "03:00"),
        (28, timedelta(hours=6), 2, "02 Oct"),
        (30, DAY, 1, "05 Oct"),
        (37, 10 * DAY, 1, "2027"),
        (12, timedelta(minutes=5), 2, "00:30"),
    ],
    ids=["hours", "wide hours", "a week", "a month of days", "a year", "an hour"],
)
def test_a_ruler_names_what_begins_and_never_overlaps(count: int, cell: timedelta, stride: int, says: str) -> None:
    """Dates stand over the cell in which they begin, as many as fit."""
    drawn = ruler(edges(count, cell), stride)

    assert size(drawn) == count * stride
    assert says in plain(drawn)


def test_an_axis_puts_labels_at_the_left() -> None:
    """Rows without a label keep the line."""
    rows = axis([(), ()], ["100%", ""], 8)

    assert [plain(row) for row in rows] == ["  100% ┤", "       │"]


@pytest.mark.parametrize(("days", "text"), [(41, "41d"), (-2, "2d ago")])
def test_the_time_left_is_short(days: int, text: str) -> None:
    """What has ended says since when."""
    assert left(timedelta(days=days)) == text
