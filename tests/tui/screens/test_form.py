"""A form: fields, faults in their place, tab order, and ways out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.lines import Line, line
from tui.screens.form import Field, Form, Values, at_least, needed, whole

FIELDS = (
    Field(name="reason", label="Reason", hint="why, in 20 characters or more", fault=at_least(20, "say why")),
    Field(name="days", label="Days", value="90", hint="at most 180", fault=whole(1, 180, "days")),
    Field(name="emergency", label="Emergency", choices=("no", "yes")),
    Field(name="token", label="Token", secret=True, fault=needed("type it")),
)
GOOD = "the vendor mends it in the first quarter"


@asynccontextmanager
async def opened(
    fields: tuple[Field, ...] = FIELDS, *, size: tuple[int, int] = SMALL, told: int = 0, glyphs: str = "unicode"
) -> AsyncIterator[tuple[Shown, list[Values | None]]]:
    """Show a form over the overview, and give what it gives."""
    given: list[Values | None] = []

    def about(values: Values, width: int) -> list[Line]:
        return [line(f" {number}: {values['reason']} in {width}") for number in range(told)]

    async with shown(size=size, glyphs=glyphs) as stage:
        await stage.app.push_screen(Form("Ask for a waiver", fields, about=about), given.append)
        await stage.settle()
        yield stage, given


async def typed(stage: Shown, text: str) -> None:
    """Type a text."""
    await stage.press(*("space" if char == " " else char for char in text))


async def test_values_are_given_once_all_of_them_are_good() -> None:
    """Enter goes from field to field, and sends from the last; only what was typed or picked is given."""
    async with opened() as (stage, given):
        await typed(stage, GOOD)
        await stage.press("enter", "end", "backspace", "enter", "space", "enter")
        await typed(stage, "s3cret")
        await stage.press("enter")
        assert given == [{"reason": GOOD, "days": "9", "emergency": "yes", "token": "s3cret"}]
        assert stage.page == "OverviewScreen"


@pytest.mark.parametrize("key", ["ctrl+s", "ctrl+enter"])
async def test_a_fault_stands_in_its_place_and_nothing_is_given(key: str) -> None:
    """The cursor goes to the first field that is not good, which says why; mending it takes the mark away."""
    async with opened() as (stage, given):
        assert "✖ Reason" not in stage.text
        await stage.press("down", "down", key)
        assert given == []
        assert "✖ Reason" in stage.text
        assert "✖ say why (0 of 20)" in stage.text
        assert "✖ Token" in stage.text
        await typed(stage, GOOD)
        assert "✖ Reason" not in stage.text
        assert "✖ say why" not in stage.text


async def test_a_field_is_judged_when_it_is_left() -> None:
    """While somebody begins to type there is no fault; afterwards there is."""
    async with opened() as (stage, _):
        await typed(stage, "no")
        assert "why, in 20 characters or more" in stage.text
        await stage.press("tab")
        assert "✖ Reason" in stage.text
        assert "at most 180" in stage.text
        await stage.press("shift+tab")
        assert "✖ say why (2 of 20)" in stage.text


async def test_escape_leaves_everything_as_it_was() -> None:
    """What was typed is thrown away."""
    async with opened() as (stage, given):
        await typed(stage, GOOD)
        await stage.press("escape")
        assert given == [None]
        assert stage.page == "OverviewScreen"


async def test_a_choice_is_made_by_space_arrows_and_the_mouse() -> None:
    """The picked word is marked by more than its colour."""
    async with opened() as (stage, _):
        await stage.press("tab", "tab", "space")
        assert "( ) no  (*) yes" in stage.text
        await stage.press("left")
        assert "(*) no  ( ) yes" in stage.text
        assert await stage.pilot.click(".choice")
        await stage.settle()
        assert "(*) yes" in stage.text


async def test_a_secret_is_never_shown() -> None:
    """It is on the screen as dots, and given as it was typed, spaces and all."""
    async with opened((FIELDS[3], FIELDS[0])) as (stage, given):
        await typed(stage, "hunter2 ")
        assert "hunter2" not in stage.text
        await stage.press("tab")
        await typed(stage, GOOD)
        await stage.press("enter")
        assert given == [{"token": "hunter2 ", "reason": GOOD}]


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
async def test_it_fits_every_terminal(size: tuple[int, int], glyphs: str) -> None:
    """Title, fields and keys are there; what it is about gives way first, and fields scroll into sight."""
    async with opened(size=size, told=30, glyphs=glyphs) as (stage, _):
        await typed(stage, "abc")
        assert "Ask for a waiver" in stage.text
        assert "Reason" in stage.text
        assert "cancel" in stage.lines[-1]
        assert "0: abc" in stage.text
        await stage.press("shift+tab")
        assert "Token" in stage.text
        assert [len(each) for each in stage.lines] == [size[0]] * size[1]
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_fields_scroll_where_there_is_no_room() -> None:
    """Twenty fields on ten rows: the one with the cursor is always there."""
    many = tuple(Field(name="reason" if n == 0 else f"f{n}", label=f"Field {n}") for n in range(20))
    async with opened(many, size=(40, 10)) as (stage, _):
        await stage.press("up")
        assert "Field 19" in stage.text
        await stage.press("down")
        assert "Field 0 " in stage.text


async def test_prefilled_text_is_cleaned() -> None:
    """A label from a provider draws no control character and moves no cursor."""
    async with opened((Field(name="reason", label="Subject", value="a\x1b[31mb\u202ec"),)) as (stage, given):
        await stage.press("enter")
        assert given == [{"reason": "a[31mbc"}]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("1", "", id="least"),
        pytest.param("180", "", id="most"),
        *(
            pytest.param(bad, "a whole number of days from 1 to 180", id=bad or "empty")
            for bad in ("0", "181", "", "x")
        ),
        pytest.param("9" * 5000, "a whole number of days from 1 to 180", id="endless"),
        pytest.param("²", "a whole number of days from 1 to 180", id="digit of another kind"),
    ],
)
def test_numbers_are_whole_and_bounded(value: str, told: str) -> None:
    """Anything else is told, and never raises."""
    assert whole(1, 180, "days")(value, {}) == told
