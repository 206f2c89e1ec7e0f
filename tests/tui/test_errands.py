"""What a person had the app do goes on whichever screen is closed meanwhile, and is told on the one on top."""

from __future__ import annotations

import asyncio
import logging
import stat
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.port import Ack, Command, NotSent, Packed, PackQuery, Query, Reply, Rows
from tests.support.estates import CannedPort, many_rows, mixed
from tests.support.screens import LARGE, Shown, shown
from tui import app as apps
from tui.deeds import acks
from tui.place import Place
from tui.screens.page import Page


class GatedPort(CannedPort):
    """A port that answers a command, a page past the first or a pack when it is let."""

    def __init__(self, rows: int = 50) -> None:
        super().__init__(mixed(), many_rows(rows))
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()

    async def _pass(self) -> None:
        self.begun.set()
        await self.gate.wait()

    async def send(self, command: Command) -> Reply:
        """Wait, then remember the command."""
        await self._pass()
        return await super().send(command)

    async def rows(self, query: Query) -> Rows:
        """Wait for what only a file asks for."""
        if query.limit > 300:
            await self._pass()
        return await super().rows(query)

    async def pack(self, query: PackQuery) -> Packed:
        """Wait, then give a pack."""
        await self._pass()
        return await super().pack(query)


def on_top(stage: Shown) -> Page:
    """Give the page on top."""
    assert stage.app.page is not None
    return stage.app.page


async def given(stage: Shown, port: GatedPort, count: int = 10) -> None:
    """Give acknowledgements on a family's list, and wait until the first is on its way."""
    await stage.press("1", "1")
    on_top(stage).send(*acks(range(1, count + 1), "seen", "", "ann"))
    await asyncio.wait_for(port.begun.wait(), 60)


async def test_commands_outlive_their_screen() -> None:
    """Ten acknowledgements are given and the list is left: all ten are sent, and the overview says so."""
    port = GatedPort()
    async with shown(port=port) as stage:
        await given(stage, port)
        await stage.pilot.press("escape")
        await stage.pilot.pause()
        assert stage.page == "OverviewScreen"
        port.gate.set()
        await stage.settle()
        assert [each.finding for each in port.sent if isinstance(each, Ack)] == list(range(1, 11))
        assert "✔ 10 done: done" in stage.lines[-1]


async def test_leaving_waits_for_commands() -> None:
    """What is on its way is answered before the app ends, and nothing is left to tell."""
    port = GatedPort()
    async with shown(port=port) as stage:
        await given(stage, port)
        stage.app.leave()
        await stage.pilot.pause()
        assert not stage.app._exit
        assert "leaving once the engine has answered" in stage.lines[-1]
        port.gate.set()
        await stage.app.workers.wait_for_complete()
        assert stage.app.return_code == 0
        assert len(port.sent) == 10
        assert stage.app.left == []


async def test_leaving_waits_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an engine that does not answer it is told what may have been done, and what never left."""
    monkeypatch.setattr(apps, "LEAVING_SECONDS", 0.01)
    port = GatedPort()
    async with shown(port=port) as stage:
        await given(stage, port, 3)
        stage.app.leave()
        await next(each for each in stage.app.workers if each.group == "leave").wait()
        assert stage.app.left == [
            "no answer yet to the acknowledgement of finding 1: it may have been done (0 of 3 done, 2 not sent)"
        ]


async def test_leaving_twice_waits_no_longer() -> None:
    """Whoever insists is let go at once."""
    port = GatedPort()
    async with shown(port=port) as stage:
        await given(stage, port, 1)
        stage.app.leave()
        await stage.pilot.pause()
        stage.app.leave()
        assert stage.app.return_code == 0
        assert len(stage.app.left) == 1


async def test_a_file_outlives_its_list(tmp_path: Path) -> None:
    """The list is left while the file is written: it is finished, and the overview says where it is."""
    port = GatedPort()
    async with shown(port=port, size=LARGE) as stage:
        await stage.press("1", "1", "w")
        stage.app.screen.query_one(Input).value = str(tmp_path / "all.csv")
        await stage.pilot.press("enter")
        await asyncio.wait_for(port.begun.wait(), 60)
        await stage.pilot.press("escape", "escape")
        await stage.pilot.pause()
        assert stage.page == "OverviewScreen"
        await stage.pilot.press("2", "2")
        await stage.pilot.pause(0.1)
        assert "writing 0 rows" in stage.text
        await stage.pilot.press("escape")
        port.gate.set()
        await stage.settle()
        assert "rows in all.csv" in stage.lines[-1]
        assert stat.S_IMODE((tmp_path / "all.csv").stat().st_mode) == 0o600


async def test_a_file_that_is_cut_off_is_told() -> None:
    """Quitting stops it, leaves nothing of it, and says so."""
    port = GatedPort()
    async with shown(port=port) as stage:
        assert stage.app.errands.begin("export", "writing 5 rows", port._pass)
        assert not stage.app.errands.begin("export", "writing another", port._pass)
        await asyncio.wait_for(port.begun.wait(), 60)
        stage.app.leave()
        assert stage.app.left == ["stopped, and nothing is left of it: writing 5 rows"]


async def test_a_pack_outlives_the_history(tmp_path: Path) -> None:
    """The history is left while the engine makes the pack: it is put in its place, and the overview says so."""
    port = GatedPort()
    async with shown(port=port) as stage:
        stage.app.stack.go(Place("history"))
        await stage.settle()
        await stage.press("w", "ctrl+u", *str(tmp_path / "pack.zip"))
        await stage.pilot.press("ctrl+s")
        await asyncio.wait_for(port.begun.wait(), 60)
        stage.app.stack.climb(0)
        await stage.pilot.pause()
        port.gate.set()
        for _ in range(20):
            await stage.settle()
        assert stage.page == "OverviewScreen"
        assert "✔ " in stage.lines[-1]
        assert (tmp_path / "pack.zip").exists()


class BrokenPort(CannedPort):
    """A port whose commands and rows break in a way that nobody foresaw."""

    async def send(self, command: Command) -> Reply:
        """Break."""
        raise ValueError(f"no such column for {type(command).__name__}")


async def test_a_fault_of_our_own_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It ends nothing, the page says what it was, and the log has where."""
    async with shown(port=BrokenPort(mixed())) as stage:
        await stage.press("r")
        assert "own fault in commands: ValueError: no such column for Run" in stage.lines[-1]
        assert stage.app.return_code is None
        assert "screen=ControlwatchApp work=commands failed" in caplog.text
        assert any(record.exc_info and record.levelno == logging.ERROR for record in caplog.records)
        assert not stage.app.errands.waits


class DownPort(CannedPort):
    """A port of an engine that is no more."""

    async def send(self, command: Command) -> Reply:
        """Refuse to send."""
        raise NotSent(f"the engine is down, {type(command).__name__}")


async def test_an_engine_that_is_down_is_told() -> None:
    """Nothing was done, and that is what is said."""
    async with shown(port=DownPort(mixed())) as stage:
        await stage.press("r")
        assert "was not sent: the engine is down" in stage.lines[-1]
