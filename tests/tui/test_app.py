"""The app polls, quits and restores; what it may not do it does not offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from engine.port import Command, Reply, Run
from tests.support.estates import CannedPort, all_pass, many_rows, mixed
from tests.support.screens import SMALL, shown
from tui.app import OWN_FAULT
from tui.theme import ANSI, DARK, LIGHT
from tui.widgets.board import Board


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quit_quits(key: str) -> None:
    """An attached screen needs no question."""
    async with shown() as stage:
        await stage.pilot.press(key)
        assert stage.app.return_code == 0


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", None)])
async def test_quit_asks_where_the_engine_stops(answer: str, code: int | None) -> None:
    """One line, one key."""
    async with shown(stops_engine=True) as stage:
        await stage.press("q")
        assert "Quit and stop the engine?" in stage.lines[-1]
        await stage.press(answer)
        assert stage.app.return_code == code


async def test_ctrl_c_twice_quits() -> None:
    """Once is a hint; a second one within two seconds quits, a later one is a hint again."""
    async with shown() as stage:
        await stage.press("ctrl+c")
        assert "ctrl+c again quits" in stage.lines[-1]
        stage.clock.now += timedelta(seconds=3)
        await stage.press("ctrl+c")
        assert stage.app.return_code is None
        stage.clock.now += timedelta(seconds=1)
        await stage.press("ctrl+c")
        assert stage.app.return_code == 0


@pytest.mark.parametrize(
    ("keys", "sheet"),
    [
        pytest.param(("q",), "Quit and stop", id="a question"),
        pytest.param(("p",), "Pause", id="a form"),
        pytest.param(("1", "1", "s"), "Sort by", id="a menu"),
        pytest.param(("1", "1", "c"), "Columns of view", id="columns"),
        pytest.param(("colon",), "─ Command ", id="the command line"),
    ],
)
@pytest.mark.parametrize("size", [SMALL, (40, 10)], ids=["80x24", "40x10"])
async def test_ctrl_c_over_a_sheet_is_a_hint_as_well(keys: Sequence[str], sheet: str, size: tuple[int, int]) -> None:
    """It stands on the sheet, which stays; a second one quits."""
    async with shown(rows=many_rows(5), stops_engine=True, size=size) as stage:
        await stage.press(*keys, "ctrl+c")
        assert "ctrl+c again quits" in stage.text
        assert sheet in stage.text
        await stage.press("ctrl+c")
        assert stage.app.return_code == 0


async def test_after_the_engine_died_the_exit_code_says_so() -> None:
    """Our own fault is 4, and quitting asks nothing."""
    async with shown(port=CannedPort(mixed(), fault="died"), stops_engine=True) as stage:
        await stage.press("q")
        assert stage.app.return_code == OWN_FAULT


@pytest.mark.parametrize(
    "how", [{"read_only": True}, {"port": CannedPort(msgspec.structs.replace(mixed(), read_only=True))}]
)
async def test_read_only_sends_nothing_and_offers_nothing(how: dict[str, Any]) -> None:
    """Keys that write are neither obeyed nor shown."""
    async with shown(**how) as stage:
        await stage.press("r", "R", "y")
        assert stage.port.sent == []
        assert "run now" not in stage.lines[-1]


async def test_an_engine_that_refuses_is_heard() -> None:
    """A refusal and a broken line are shown, not hidden."""
    async with shown(port=RefusingPort(mixed())) as stage:
        await stage.press("r")
        assert "too soon" in stage.lines[-1] or "it may have been done: gone" in stage.lines[-1]
        await stage.press("S", "r")
        assert "no answer to the run of" in stage.lines[-1]
        assert "it may have been done" in stage.lines[-1]


async def test_themes_change_on_a_key_and_colour_never_carries_alone() -> None:
    """The text is the same in every theme."""
    async with shown() as stage:
        before, seen = stage.text, [stage.app.theme]
        for _ in range(3):
            await stage.press("ctrl+t")
            seen.append(stage.app.theme)
            assert stage.text == before
        assert seen == [DARK, LIGHT, ANSI, DARK]


async def test_no_color_draws_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR means none, not grey."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown() as stage:
        strips = stage.app.screen._compositor.render_strips()
        colours = {
            colour.name
            for strip in strips
            for segment in strip
            if segment.style
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour is not None
        }
        assert colours <= {"default"}


async def test_a_heartbeat_draws_nothing() -> None:
    """A snapshot that tells nothing new changes no row of any widget."""
    async with shown(all_pass()) as stage:
        drawn = stage.app.screen.query_one("#worst", Board)._drawn
        stage.port.now_shown = msgspec.structs.replace(all_pass(), seq=2, at=stage.clock.now + timedelta(seconds=1))
        await stage.pass_time(timedelta(seconds=1))
        assert stage.app.screen.query_one("#worst", Board)._drawn is drawn
        assert stage.app.model.snapshot is stage.port.now_shown


async def test_jumping_around_keeps_the_stack_shallow() -> None:
    """The same kind of screen is never stacked on itself."""
    async with shown(rows=many_rows(9)) as stage:
        await stage.press("1", "1", "2", "3", "S", "S", "S", "0")
        assert stage.page == "OverviewScreen"
        assert len(stage.app.screen_stack) == 2


class RefusingPort(CannedPort):
    """A port that refuses to run one source, and loses the line for others."""

    async def send(self, command: Command) -> Reply:
        """Refuse or fail."""
        if command == Run(source="okta-prod"):
            return Reply(ok=False, message="too soon")
        raise ConnectionResetError("gone")
