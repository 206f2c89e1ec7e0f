"""Lines have the width that they were asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.format import clean
from tui.lines import BLANK, Span, crop, ends, frame_bottom, frame_top, line, plain, rule, shrink, size

texts = st.lists(st.text(max_size=12).map(clean), max_size=4)


@given(texts, st.integers(1, 40))
def test_a_cropped_line_has_exactly_its_width(parts: list[str], width: int) -> None:
    """Cutting and padding count cells, not characters."""
    assert size(crop(line(*parts), width)) == width


@given(texts, texts, st.integers(8, 60))
def test_two_ends_fill_the_width(left: list[str], right: list[str], width: int) -> None:
    """What is at the right edge stays at the right edge."""
    assert size(ends(line(*left), line(*right), width)) == width


@given(st.text(max_size=40).map(clean), st.text(max_size=20).map(clean), st.integers(12, 60))
def test_a_frame_is_straight(title: str, note: str, width: int) -> None:
    """A long title or a wide one does not bend the frame."""
    assert size(frame_top(line(title), line(note) if note else BLANK, width, "faint")) == width
    assert size(frame_bottom(width, "faint")) == width
    assert size(rule(line(title), line(note) if note else BLANK, width, "faint")) == width


def test_a_cut_is_visible() -> None:
    """A line that lost its end shows an ellipsis, also at a span's border."""
    assert plain(crop(line("abc", "def"), 3)) == "ab…"
    assert plain(crop(line("abc", "def"), 4)) == "abc…"
    assert plain(crop(line("abc", "def"), 6)) == "abcdef"


def test_roles_survive_a_cut() -> None:
    """A cut keeps what the rest means."""
    assert crop((Span("FAIL", "fail"), Span("x")), 4) == (Span("FAI…", "fail"),)


def test_the_first_form_that_fits_is_taken() -> None:
    """Forms go from the longest to the shortest."""
    assert plain(shrink([line("longest"), line("mid"), line("s")], 4)) == "mid"
