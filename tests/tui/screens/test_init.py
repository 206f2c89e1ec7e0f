"""The guided start: add, test, look at the file, write it; without an engine, and without showing a secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.port import EventQuery, PastQuery, PortFault, Query, Run
from tests.support.clock import NOW
from tests.support.setups import CannedSetup
from tui.init import InitApp, NoEngine
from tui.setup import Draft

SIZES = [(80, 24), (160, 48), (40, 10)]
SECRET = "hunter2-hunter2"


@dataclass
class Stage:
    """The app, what it sets up, and hands."""

    app: InitApp
    setup: CannedSetup
    pilot: Pilot[Any]

    async def press(self, *keys: str) -> None:
        """Press keys and let the app settle."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def typed(self, text: str) -> None:
        """Type a text."""
        await self.press(*({"-": "minus", ":": "colon"}.get(char, char) for char in text))

    async def settle(self) -> None:
        """Let workers and messages come to rest."""
        await self.pilot.pause()
        if self.setup.may_find is None or self.setup.may_find.is_set():
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    @property
    def lines(self) -> list[str]:
        """Give the rows of the screen."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """Give the screen."""
        return "\n".join(self.lines)


@asynccontextmanager
async def started(
    setup: CannedSetup | None = None, *, size: tuple[int, int] = (80, 24), glyphs: Any = "unicode"
) -> AsyncIterator[Stage]:
    """Show the guided start."""
    canned = setup or CannedSetup()
    app = InitApp(canned, glyphs=glyphs)
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, canned, pilot)
        await stage.settle()
        yield stage


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_is_drawn_at_every_size(size: tuple[int, int], glyphs: str) -> None:
    """What was found, and the keys; no engine's state is pretended."""
    async with started(size=size, glyphs=glyphs) as stage:
        assert "init" in stage.lines[0]
        assert "okta" in stage.text
        assert "LIVE" not in stage.text
        assert "STARTING" not in stage.text
        assert [len(each) for each in stage.lines] == [size[0]] * size[1]
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_the_screen_is_there_while_it_is_still_looking() -> None:
    """A slow disk holds nobody up; then the cursor goes to what was found."""
    setup = CannedSetup(may_find=asyncio.Event())
    async with started(setup) as stage:
        assert "looking …" in stage.text
        assert setup.may_find is not None
        setup.may_find.set()
        await stage.settle()
        assert "▌+ FOUND       okta" in stage.text


async def test_a_source_is_tested_as_it_is_added() -> None:
    """The form is filled with what was found; a typed secret goes to the keyring and is never shown."""
    async with started() as stage:
        await stage.press("enter", "tab")
        await stage.typed(SECRET)
        assert SECRET not in stage.text
        await stage.press("ctrl+s")
        assert stage.setup.kept == [("okta", SECRET)]
        values = {"url": "https://example.okta.com", "token": "keyring:okta"}
        assert stage.setup.tested == [Draft(name="okta", kind="okta", values=values)]
        assert "✔ REACHED" in stage.text
        assert "✔  GET /users" in stage.text
        assert "c-okta: Everything holds" in stage.text
        assert "1 in the file" in stage.text
        assert SECRET not in stage.text


async def test_the_secret_itself_is_no_reference() -> None:
    """It is refused where a reference belongs, and nothing is kept."""
    async with started() as stage:
        await stage.press("enter")
        await stage.typed("hunter")
        await stage.press("ctrl+s")
        assert "env:NAME, file:PATH or keyring:NAME; or leave it empty" in stage.text
        assert stage.setup.kept == []


async def test_without_a_keyring_nothing_is_added() -> None:
    """The next step is told."""
    async with started(CannedSetup(broken="no usable keyring; refer to env:NAME")) as stage:
        await stage.press("enter", "tab")
        await stage.typed("x")
        await stage.press("ctrl+s")
        assert "no usable keyring" in stage.lines[-1]
        assert stage.setup.tested == []


async def test_another_source_of_a_kind_is_added_under_a_free_name() -> None:
    """Names are the person's to choose, and are not given twice."""
    async with started() as stage:
        await stage.press("j", "enter", "ctrl+s")
        await stage.press("G", "a", "enter")
        await stage.typed("a.example.org:443")
        await stage.press("shift+tab")
        await stage.press("home", "ctrl+k")
        await stage.typed("edge")
        await stage.press("ctrl+s")
        assert "there is a source edge already" in stage.text
        await stage.typed("-two")
        await stage.press("ctrl+s")
        assert [draft.name for draft in stage.setup.tested] == ["edge", "edge-two"]


async def test_what_a_refusal_costs_is_told_and_it_is_tested_again() -> None:
    """After a permission was granted, ``t`` asks once more."""
    async with started(CannedSetup(refuses=True)) as stage:
        await stage.press("j", "enter", "ctrl+s")
        assert "✖ REFUSED" in stage.text
        assert "unknown without it: account.mfa" in stage.text
        stage.setup.refuses = False
        await stage.press("t")
        assert "✔ REACHED" in stage.text


async def test_the_file_is_shown_written_and_the_next_commands_are_told() -> None:
    """Afterwards nothing more is changed."""
    async with started() as stage:
        await stage.press("w")
        assert "nothing is added yet" in stage.lines[-1]
        await stage.press("j", "enter", "ctrl+s", "v")
        assert "[sources.edge]" in stage.text
        await stage.press("escape")
        assert "[sources.edge]" not in stage.text
        await stage.press("w")
        assert [list(each) for each in stage.setup.written] == [["edge"]]
        assert "controlwatch.toml is written" in stage.text
        assert "controlwatch check" in stage.text
        await stage.press("w", "d", "a")
        assert len(stage.setup.written) == 1
        await stage.press("q")
    assert stage.app.start.commands == ["controlwatch check", "controlwatch"]


async def test_a_source_that_told_nothing_is_written_only_when_somebody_says_so() -> None:
    """It will be blind, which is true."""
    async with started(CannedSetup(refuses=True)) as stage:
        await stage.press("j", "enter", "ctrl+s", "w")
        assert "edge told nothing: blind until it does" in stage.text
        await stage.press("n")
        assert stage.setup.written == []
        await stage.press("w", "y")
        assert len(stage.setup.written) == 1


async def test_a_source_is_left_out_again() -> None:
    """It is still found."""
    async with started() as stage:
        await stage.press("j", "enter", "ctrl+s", "d")
        assert "0 in the file" in stage.text
        assert "+ FOUND       edge" in stage.text


async def test_a_file_that_cannot_be_written_is_told() -> None:
    """Nothing is lost."""
    async with started() as stage:
        await stage.press("j", "enter", "ctrl+s")
        stage.setup.broken = "controlwatch.toml is there already; nothing was written"
        await stage.press("w")
        assert "is there already" in stage.lines[-1]
        assert not stage.app.start.commands


@pytest.mark.parametrize("key", ["0", "S", "X", "h", "e"])
async def test_what_needs_an_engine_does_nothing(key: str) -> None:
    """There is none."""
    async with started() as stage:
        await stage.press(key)
        assert type(stage.app.screen).__name__ == "InitScreen"


async def test_a_fault_of_our_own_shows_no_values() -> None:
    """A traceback is told without variables, one of which may be a secret."""
    app = InitApp(CannedSetup())
    typed = "hunter2" * 2
    try:
        int(typed[:7])
    except ValueError:
        app._fatal_error()
    told = "".join(segment.text for shown in app._exit_renderables for segment in app.console.render(shown))
    assert "ValueError" in told
    assert typed not in told


async def test_no_engine_refuses_every_question() -> None:
    """Whoever asks is told what to do."""
    port = NoEngine()
    assert port.snapshot() is None
    assert port.fault() is None
    for asked in (
        port.rows(Query()),
        port.detail(1),
        port.past(PastQuery(checks=(), since=NOW, until=NOW)),
        port.events(EventQuery()),
        port.waivers(),
    ):
        with pytest.raises(PortFault, match="finish init first"):
            await asked
    assert not (await port.send(Run())).ok


async def test_the_keys_are_told_without_a_word_of_an_engine() -> None:
    """No engine is starting here: the page of keys waits for none."""
    async with started() as stage:
        await stage.press("question_mark")

        assert type(stage.app.screen).__name__ == "HelpScreen"
        assert "STARTING" not in stage.text
        assert "no engine" in stage.lines[0]
