"""A menu picks one thing by key, by enter or by a click, and esc picks nothing."""

from __future__ import annotations

import pytest

from tests.support.estates import many_rows
from tests.support.screens import Shown, shown
from tui.screens.menu import Menu, Option

OPTIONS = [Option("one", "1", "the first"), Option("two", "t", "the second", "a note")]


async def picked(stage: Shown, *keys: str) -> list[str | None]:
    """Open a menu, press keys, and give what was picked."""
    found: list[str | None] = []
    await stage.app.push_screen(Menu("Pick", OPTIONS), found.append)
    await stage.settle()
    await stage.press(*keys)
    return found


@pytest.mark.parametrize(
    ("keys", "found"), [(["t"], "two"), (["enter"], "one"), (["j", "enter"], "two"), (["escape"], None)], ids=str
)
async def test_one_thing_is_picked(keys: list[str], found: str | None) -> None:
    """The menu is gone then."""
    async with shown(rows=many_rows(3)) as stage:
        assert await picked(stage, *keys) == [found]
        assert stage.page == "OverviewScreen"


async def test_a_menu_is_at_the_foot_and_names_its_keys() -> None:
    """The screen below stays in sight."""
    async with shown(rows=many_rows(3)) as stage:
        assert await picked(stage) == []
        assert "a note" in stage.text
        assert "esc cancel" in stage.lines[-1]
        assert "LIVE" in stage.lines[0]
