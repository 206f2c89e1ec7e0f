"""Lines become few segments that look the same, and a screen that was left leaves nothing behind."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.widget import Widget

from tests.support.screens import LARGE, shown
from tui.lines import Line, Span, line, plain
from tui.place import Place
from tui.theme import ANSI, DARK, LIGHT, palette
from tui.widgets.painted import strip_of

ROLES = ("text", "dim", "strong", "fail", "pass", "chip.fail", "cursor.text", "bold.blind")
SPANS = st.tuples(st.text(alphabet="ab ✔", max_size=4), st.sampled_from(ROLES)).map(lambda made: Span(*made))


def looks(drawn: Line, theme: str, *, lit: bool) -> list[tuple[str, Style]]:
    """Give each cell that is not blank, or has a background, with how it shall look."""
    styles = palette(theme)
    cells = [
        (sign, styles[span.role] + styles["cursor"] if lit else styles[span.role])
        for span in drawn
        for sign in span.text
    ]
    return [_seen(sign, style) for sign, style in cells]


def _seen(sign: str, style: Style) -> tuple[str, Style]:
    """Leave of a blank cell's style what shows."""
    if sign != " ":
        return sign, style
    return sign, Style(
        bgcolor=style.bgcolor, reverse=style.reverse or None, color=style.color if style.reverse else None
    )


@given(drawn=st.lists(SPANS, max_size=6).map(tuple), theme=st.sampled_from((DARK, LIGHT, ANSI)), lit=st.booleans())
def test_every_cell_looks_as_its_span_says(drawn: Line, theme: str, lit: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """However segments are joined, each sign has its role's style, and each blank its background."""
    strip = strip_of(drawn, palette(theme), lit=lit, ascii_only=False)
    cells = [_seen(sign, style or Style.null()) for text, style, _ in strip for sign in text]
    assert strip.text == plain(drawn)
    assert cells == looks(drawn, theme, lit=lit)


HOSTILE = ("\x1b]0;title\x07", "\u202egpj", "a\u200bb", "\x9b2J", "\ue000x", "a\nb", "\ud800", "漢\u00a0字", "\x7f")


@given(texts=st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=6)), max_size=4), ascii_only=st.booleans())
def test_nothing_that_a_terminal_would_obey_is_drawn(texts: list[str], ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    """Not even where a screen forgot to clean it: no line goes another way, and every column stays in its place."""
    strip = strip_of(line(*texts), palette(DARK), lit=False, ascii_only=ascii_only)

    assert strip.text.isprintable()
    assert cell_len(strip.text) == sum(cell_len(each) for text in texts for each in text)


def test_an_address_that_would_end_its_escape_sequence_is_no_link() -> None:
    """The text is drawn all the same."""
    strip = strip_of(line(Span("runbook", link="https://x\x1b\\\x1b[2J")), palette(DARK), lit=False, ascii_only=False)

    assert strip.text == "runbook"
    assert [style.link for _, style, _ in strip if style is not None] == [None]


@pytest.mark.parametrize(
    ("drawn", "segments"),
    [
        pytest.param(line(Span("✔ ", "pass"), Span("✔ ", "pass")), 1, id="the same role"),
        pytest.param(line(Span(" "), Span("FAIL", "fail"), Span("   "), Span("x", "fail")), 1, id="blanks between"),
        pytest.param(line(Span("a", "text"), Span("b", "fail")), 2, id="two roles"),
        pytest.param(line(Span("a", "text"), Span(" ", "chip.fail")), 2, id="a blank with a background"),
        pytest.param(line(), 0, id="nothing"),
    ],
)
def test_what_looks_the_same_is_one_segment(drawn: Line, segments: int) -> None:
    """Each segment costs some forty bytes on the wire."""
    assert len(list(strip_of(drawn, palette(DARK), lit=False, ascii_only=False))) == segments


async def test_a_screen_that_was_left_leaves_nothing_behind() -> None:
    """What widgets have drawn goes with them: Textual alone would keep that of the last thousand."""
    async with shown(size=LARGE) as stage:
        for _ in range(3):
            stage.app.stack.go(Place("sources"))
            await stage.settle()
            stage.app.stack.climb(0)
            await stage.settle()
        gc.collect()
        living = {id(widget._styles_cache) for widget in stage.app.screen.walk_children(Widget, with_self=True)}
        dead = [each for each in gc.get_objects() if isinstance(each, StylesCache) and id(each) not in living]
        assert len(dead) <= 4
