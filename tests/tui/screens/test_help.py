"""Help lists the keys of the screen below, and runs them."""

from __future__ import annotations

from tests.support.estates import many_rows
from tests.support.screens import shown


async def test_help_shows_the_keys_of_the_screen() -> None:
    """The list belongs to where the person was."""
    async with shown(rows=many_rows(9)) as stage:
        await stage.press("1", "1", "question_mark")
        assert "filter as you type" in stage.text


async def test_search_and_enter_run_a_key() -> None:
    """The first key that was found is done on the screen below."""
    async with shown() as stage:
        await stage.press("question_mark", *"xyzzy")
        assert "no key matches" in stage.text
        await stage.press(*["backspace"] * 5, *"the", "space", *"sources", "enter")
        assert stage.page == "OverviewScreen"
        assert len(stage.port.sent) == 2


async def test_the_list_has_a_cursor() -> None:
    """Down goes into the list, enter does the row."""
    async with shown() as stage:
        await stage.press("question_mark", *"one screen", "down")
        assert stage.app.focused is not None
        assert stage.app.focused.id == "keys"
        await stage.press("slash")
        assert stage.app.focused.id == "prompt"


async def test_escape_leaves_help() -> None:
    """Nothing happens below."""
    async with shown() as stage:
        await stage.press("question_mark")
        assert stage.page == "HelpScreen"
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


async def test_enter_on_a_found_key_does_it() -> None:
    """The screen that is named is opened."""
    async with shown() as stage:
        await stage.press("question_mark", *"S", *"ources", "down", "G", "enter")
        assert stage.page == "SourcesScreen"


async def test_read_only_hides_what_writes() -> None:
    """A key that is not allowed is not offered."""
    async with shown(read_only=True) as stage:
        await stage.press("question_mark", *"run")
        assert "run all" not in stage.text
