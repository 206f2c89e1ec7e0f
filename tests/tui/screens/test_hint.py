"""What is said above a sheet is seen, and goes by itself."""

from __future__ import annotations

from datetime import timedelta

from tests.support.screens import shown
from tui.screens.hint import Hint, hint


async def test_a_hint_stands_above_the_sheet_and_goes_by_itself() -> None:
    """Another one takes its place; the sheet stays as it was."""
    async with shown(stops_engine=True) as stage:
        await stage.press("q")
        hint(stage.app.screen, "this before", timedelta(minutes=1))
        hint(stage.app.screen, "this after", timedelta(seconds=0.01))
        await stage.settle()
        for _ in range(500):
            if not stage.app.screen.query(Hint):
                break
            await stage.pilot.pause(0.01)
        await stage.settle()
        assert "this before" not in stage.text
        assert "Quit and stop the engine?" in stage.lines[-1]


async def test_a_hint_is_a_line_of_its_own() -> None:
    """It covers neither the question nor its answers."""
    async with shown(stops_engine=True) as stage:
        await stage.press("q")
        hint(stage.app.screen, "again quits", timedelta(minutes=1))
        await stage.settle()
        assert stage.lines[-2].strip() == "again quits"
        assert stage.lines[-1].strip() == "Quit and stop the engine?   y yes · any other key no"
