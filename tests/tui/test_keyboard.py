"""Keys have their turns in the order of typing, each once what the one before it asked for is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input

from tui import keyboard
from tui.keyboard import Keyboard


class Opened(Message):
    """The list was opened at its row."""


class Rows(Widget, can_focus=True):
    """A list that opens by a message, as lists do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open"), Binding("w", "work")]

    def on_click(self) -> None:
        """Tell the app."""
        assert isinstance(self.app, Desk)
        self.app.action_note("click")

    def action_open(self) -> None:
        """Tell the screen."""
        _ = self.post_message(Opened())

    def action_work(self) -> None:
        """Be busy until somebody says otherwise."""
        assert isinstance(self.app, Desk)
        _ = self.call_later(self.app.free.wait)


class Letters(ModalScreen[None]):
    """Keeps the letters that are typed, and leaves at enter."""

    def __init__(self, keep: Callable[[str], None]) -> None:
        super().__init__()
        self._keep = keep

    def compose(self) -> ComposeResult:
        """Hold one field, late."""
        yield Input()

    async def on_mount(self) -> None:
        """Take a while to be there."""
        await asyncio.sleep(0.05)
        self.query_one(Input).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Keep what was typed."""
        self._keep(message.value)
        _ = self.dismiss(None)


class Lists(Screen[None]):
    """A list, and what it opens."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "app.note('x')"), Binding("j", "app.note('j')")]

    def compose(self) -> ComposeResult:
        """Hold the list."""
        yield Rows()

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(Rows).focus()

    def on_opened(self) -> None:
        """Open."""
        assert isinstance(self.app, Desk)
        _ = self.app.push_screen(Letters(self.app.action_note))


class Desk(App[None]):
    """An app that has its keys from the keyboard."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: asyncio.Queue[str] = asyncio.Queue()
        self.free = asyncio.Event()
        self.keyboard = Keyboard(self, {"j"})

    def on_mount(self) -> None:
        """Show the list."""
        _ = self.push_screen(Lists())

    def action_note(self, what: str) -> None:
        """Keep what was typed."""
        self.kept.put_nowait(what)

    async def on_event(self, event: events.Event) -> None:
        """Give clicks to the keyboard."""
        if isinstance(event, events.MouseDown | events.MouseUp) and not event.is_forwarded:
            await self.keyboard.take(event)
        else:
            await super().on_event(event)

    async def pass_on(self, event: events.MouseEvent) -> DOMNode:
        """Do what the mouse does."""
        await super().on_event(event)
        return self.screen

    async def run_bound(self, key: str) -> bool:
        """Do what a key is bound to."""
        return await self._check_bindings(key)

    async def type(self, *keys: str) -> None:
        """Type a burst, as a terminal does."""
        for key in keys:
            await self.keyboard.take(events.Key(key, key if len(key) == 1 else None))


async def kept(desk: Desk, count: int) -> list[str]:
    """Wait until so much was kept."""
    async with asyncio.timeout(20):
        return [await desk.kept.get() for _ in range(count)]


async def test_keys_wait_for_the_screen_that_the_key_before_them_opens() -> None:
    """A field that is late gets all its letters, and the list those after it."""
    desk = Desk()
    async with desk.run_test():
        await desk.type("x", "enter", "a", "b", "enter", "x", "enter", "c", "enter")
        assert await kept(desk, 4) == ["x", "ab", "x", "c"]


async def test_keys_that_only_move_are_obeyed_at_once() -> None:
    """Once the screen stands, a held arrow waits for nothing."""
    desk = Desk()
    async with desk.run_test():
        await desk.type("j")
        assert await kept(desk, 1) == ["j"]
        await desk.type("j", "j", "j")
        assert desk.kept.qsize() == 3
        assert not desk.keyboard.waits


async def test_a_widget_that_hangs_does_not_take_the_keys_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the next key has its turn."""
    monkeypatch.setattr(keyboard, "PATIENCE_SECONDS", 0.1)
    desk = Desk()
    async with desk.run_test():
        await desk.type("x", "w", "x")
        assert await kept(desk, 1) == ["x"]
        await asyncio.sleep(0.2)
        assert desk.keyboard.waits
        await desk.keyboard.go_on()
        assert await kept(desk, 1) == ["x"]
        desk.free.set()


async def test_a_paste_is_one_line_of_the_field_that_has_the_focus() -> None:
    """Elsewhere it is nothing: its letters are no commands."""
    desk = Desk()
    async with desk.run_test():
        await desk.keyboard.take(events.Paste("x\nx"))
        await desk.type("enter")
        await desk.keyboard.take(events.Paste("one\ntwo"))
        await desk.type("enter")
        assert await kept(desk, 1) == ["one"]


async def test_a_click_comes_after_the_keys_before_it() -> None:
    """It means what is under the pointer once these are obeyed, and the keys after it wait for what it does."""
    desk = Desk()
    async with desk.run_test():
        await desk.type("enter", "a", "enter")
        assert desk.keyboard.waits
        for kind in (events.MouseDown, events.MouseUp):
            await desk.on_event(kind(None, 5, 5, 0, 0, 1, shift=False, meta=False, ctrl=False))
        await desk.type("x")
        assert await kept(desk, 3) == ["a", "click", "x"]
