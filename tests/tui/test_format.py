"""Values take the same, safe shape in cells everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from checks.model.state import Tally
from tests.support.clock import NOW
from tui.format import (
    age,
    age2,
    age3,
    brief,
    clean,
    clean_lines,
    clock,
    compact,
    fit,
    full,
    interval,
    moment,
    moved,
    number,
    percent,
    plan,
    scalar,
    to_ascii,
    wrap,
)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        pytest.param("ana\x1b[31m", "ana[31m", id="escape sequence"),
        pytest.param("a\u202egpj.exe", "agpj.exe", id="right-to-left override"),
        pytest.param("a\u200bd\u200dm\ufeffin", "admin", id="zero width"),
        pytest.param("a\nb\r\nc\td", "a b c d", id="line breaks and tabs"),
        pytest.param("\u2066x\u2069", "x", id="isolates"),
        pytest.param("[bold red]x[/]", "[bold red]x[/]", id="markup is text"),
        pytest.param("e" + "\u0301" * 50, "e\u0301\u0301", id="stacked marks"),
        pytest.param("❤\ufe0f", "❤", id="emoji selector"),
        pytest.param("a\u00a0b", "a b", id="no-break space"),
        pytest.param("\ud800x", "x", id="lone surrogate"),
    ],
)
def test_hostile_text_is_made_harmless(hostile: str, shown: str) -> None:
    """What could move the cursor, hide or reorder text is not drawn."""
    assert clean(hostile) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    """Ten thousand characters of a label cost four hundred."""
    assert clean("x" * 10_000) == "x" * 399 + "…"


def test_a_long_text_of_invisible_characters_is_cut() -> None:
    """Characters that are not drawn do not make the cap endless."""
    assert clean("\u200b" * 1_000_000 + "x") == "…"


@given(st.text(max_size=60), st.integers(1, 30))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    """No text moves a column, whatever its characters."""
    assert cell_len(fit(clean(text), width)) == width


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_text_never_exceeds_its_width(text: str, width: int) -> None:
    """A frame is never pushed apart by its text."""
    assert all(cell_len(each) <= width for each in wrap(clean(text), width))


@given(st.text(max_size=60))
def test_ascii_keeps_the_width(text: str) -> None:
    """The ASCII form of a line occupies the same cells."""
    cleaned = clean(text)

    assert to_ascii(cleaned).isascii()
    assert cell_len(to_ascii(cleaned)) == cell_len(cleaned)


def test_a_wide_character_is_never_cut_in_half() -> None:
    """A CJK name that does not fit ends in an ellipsis at the column's edge."""
    assert fit("漢字漢字", 6) == "漢字 …"


def test_lines_of_a_record_stay_lines() -> None:
    """Several lines stay several, each harmless."""
    assert clean_lines("a\x07\nb") == ["a", "b"]


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.0, "100%"), (0.99999, "99.9%"), (0.9996, "99.9%"), (0.926, "92.6%"), (0.0, "0.0%"), (0.29, "29.0%")],
)
def test_less_than_all_never_reads_as_all(ratio: float, shown: str) -> None:
    """A ratio is rounded down, so 100 % means all."""
    assert percent(ratio) == shown


@pytest.mark.parametrize(
    ("tally", "shown"),
    [
        pytest.param(Tally(passed=92, failed=5, unknown=3), "92.0–95.0%", id="doubt is an interval"),
        pytest.param(Tally(passed=3, failed=1), "75.0%", id="told whole"),
        pytest.param(Tally(), "–", id="nobody"),
        pytest.param(Tally(passed=5, missing=None), "0.0–100%", id="no bound"),
    ],
)
def test_coverage_shows_its_doubt(tally: Tally, shown: str) -> None:
    """An open coverage is written with both bounds."""
    assert interval(tally) == shown


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (0, "<1m", "<1m"),
        (59, "<1m", "<1m"),
        (60, "1m", "1m"),
        (3_599, "59m", "59m"),
        (15_120, "4h", "4h12m"),
        (172_799, "47h", "1d23h"),
        (1_641_600, "19d", "19d00h"),
    ],
)
def test_ages_round_down(seconds: int, short: str, long: str) -> None:
    """An age never claims more than has passed."""
    assert (age(timedelta(seconds=seconds)), age2(timedelta(seconds=seconds))) == (short, long)


@pytest.mark.parametrize(
    ("value", "grouped", "short"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_204, "1 204", "1.2k"),
        (43_112, "43 112", "43k"),
        (1_999_999, "1 999 999", "1.9M"),
    ],
)
def test_counts_are_grouped_or_short(value: int, grouped: str, short: str) -> None:
    """A count is whole where there is room and rounded down where there is not."""
    assert (number(value), compact(value)) == (grouped, short)


def test_an_instant_is_as_short_as_today_allows() -> None:
    """Today needs a time, this year a day, another year a year."""
    shown = [moment(NOW, NOW), moment(NOW - timedelta(days=2), NOW), moment(datetime(2025, 3, 1, tzinfo=UTC), NOW)]

    assert shown == ["05:30Z", "19 Nov 05:30Z", "01 Mar 2025"]
    assert moment(None, NOW) == "–"


def test_a_plan_says_how_long_full_coverage_takes() -> None:
    """An N+1 run tells its cost before it starts."""
    assert plan(1204, 360.0) == "1 204 requests, ~6m to full coverage"
    assert plan(None, None) == ""


def test_none_is_not_told() -> None:
    """A fact that nobody told is never shown as no or zero."""
    assert [scalar(value) for value in (None, False, True, 0, "x\x1b")] == ["not told", "no", "yes", "0", "x"]


@pytest.mark.parametrize(
    ("opened", "resolved", "width", "told"),
    [
        (3, 1, 7, "+3 -1"),
        (50_020, 0, 10, "+50020 -0"),
        (50_020, 0, 7, "+50k -0"),
        (50_020, 1_200, 6, "+50k"),
        (0, 50_020, 6, "-50k"),
        (0, 0, 6, ""),
    ],
)
def test_no_number_is_cut(opened: int, resolved: int, width: int, told: str) -> None:
    """What does not fit is rounded down, or left out: half a number reads as another one."""
    assert moved(opened, resolved, width) == told


@pytest.mark.parametrize(
    ("days", "short", "least"), [(99, "99d", "99d"), (100, "100d", "14w"), (999, "999d", "2y"), (3650, "10y", "10y")]
)
def test_long_ages_keep_their_cells(days: int, short: str, least: str) -> None:
    """An age has at most four cells, and where there is no more room three."""
    assert (age(timedelta(days=days)), age3(timedelta(days=days))) == (short, least)


def test_a_zone_goes_before_a_time_is_cut() -> None:
    """In a column of thirteen cells an instant with a long zone is told without it."""
    here = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert brief(NOW - timedelta(days=2), here, 13) == "19 Nov 11:00"
    assert brief(NOW - timedelta(days=2), NOW, 13) == "19 Nov 05:30Z"


EXTREMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")


@pytest.mark.parametrize("hours", [-14, 0, 14])
@pytest.mark.parametrize("value", EXTREMES)
def test_no_date_is_too_far_for_a_readers_zone(value: str, hours: int) -> None:
    """A date that a zone would put before the first or after the last year is told without it."""
    here = NOW.astimezone(timezone(timedelta(hours=hours)))
    at = datetime.fromisoformat(value)

    assert moment(at, here).endswith(value[:4])
    assert full(at, here).startswith(value[:10])
    assert brief(at, here, 13)
    assert clock(at, here)


@pytest.mark.parametrize(
    ("text", "ascii_"),
    [("≥ 100%", ">=100%"), ("target ≥ 95.0%", "target >=95.0%"), ("≤ 3", "<=3"), ("≥3", ">3")],
)
def test_at_least_is_not_more_than(text: str, ascii_: str) -> None:
    """A target of all is none of more than all; the width stays what it was."""
    assert (to_ascii(text), cell_len(to_ascii(text))) == (ascii_, cell_len(text))
