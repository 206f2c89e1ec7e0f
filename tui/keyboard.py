"""Keys, pastes and clicks mean what is on the screen when their turn comes, and their turns come in order.

Textual hands a key to the widget that has the focus, and looks for a binding once the key has bubbled up: of keys that
come in one burst (typed ahead, pasted, over a slow line), those after ``/`` would still meet the list, those after
``enter`` the input, and those for a screen that is only being opened would get lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from time import monotonic
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, MouseEvent, MouseUp, Paste
from textual.screen import Screen
from textual.widgets import Input

PATIENCE_SECONDS = 3.0
"""How long a key waits for what is before it; a widget that hangs must not take the keys with it."""


@runtime_checkable
class TakesKeys(Protocol):
    """A widget or screen for which keys mean more than its bindings say."""

    def takes_key(self, key: Key) -> bool:
        """Do what a key means here; False where it means nothing."""
        ...


@runtime_checkable
class Hears(Protocol):
    """A screen that shows something until somebody types."""

    def heard(self) -> None:
        """Note that a key was typed."""
        ...


class Typist(Protocol):
    """What typing asks of the app."""

    @property
    def screen(self) -> Screen[object]:
        """Give the screen on top."""
        ...

    @property
    def focused(self) -> DOMNode | None:
        """Give what has the focus on it."""
        ...

    def call_later(self, callback: Callable[..., object], *args: object) -> bool:
        """Call once everything that was posted before is done; False when that is never."""
        ...

    async def run_bound(self, key: str) -> bool:
        """Do what a key is bound to here; False where it is not."""
        ...

    async def pass_on(self, event: MouseEvent) -> DOMNode:
        """Give what the mouse does to the widget under it, and that widget."""
        ...


class Keyboard:
    """The keys, pastes and clicks that wait for their turn, and who must be done first."""

    def __init__(self, app: Typist, moves: Collection[str]) -> None:
        """Take keys for an app; ``moves`` only move a cursor, so that the next key need not wait for them."""
        self._app = app
        self._moves = moves
        self._waiting: deque[Key | Paste | MouseEvent] = deque()
        self._last: DOMNode | None = None
        """Who got the last key; None once all that came of it is done."""
        self._standing: WeakSet[Screen[object]] = WeakSet()
        """The screens that were seen to be there, with their focus."""
        self._before: DOMNode | None = None
        """Who is waited for."""
        self._until: float | None = None
        """The instant on the monotonic clock at which that is given up; None: nobody is waited for."""

    @property
    def waits(self) -> bool:
        """Say whether anything waits for its turn."""
        return bool(self._waiting)

    async def take(self, typed: Key | Paste | MouseEvent) -> None:
        """Take a key, a paste or a click; it has its turn at once when nothing is before it."""
        self._waiting.append(typed)
        await self.go_on()

    async def go_on(self) -> None:
        """Give their turn to those that wait."""
        while self._waiting and not self._must_wait():
            await self._turn(self._waiting.popleft())

    def _must_wait(self) -> bool:
        """Say whether something before is not done yet; then the turn comes after it, or after a while."""
        if self._until is not None:
            if monotonic() < self._until:
                return True
            self._end()
        screen = self._app.screen
        before = self._last or (None if screen in self._standing else screen)
        if before is None:
            return False
        self._before, self._until = before, monotonic() + PATIENCE_SECONDS
        self._ask([node for node in before.ancestors_with_self if not isinstance(node, App)], self._until)
        return True

    def _ask(self, around: Sequence[DOMNode], until: float) -> None:
        """Let a widget, all that is around it, and at last the app do what was asked of them so far."""
        for at, node in enumerate(around):
            if node.call_later(self._ask, around[at + 1 :], until):
                return
        _ = self._app.call_later(self._done, until)

    async def _done(self, until: float) -> None:
        if until == self._until:
            self._end()
            await self.go_on()

    def _end(self) -> None:
        if isinstance(self._before, Screen):
            self._standing.add(self._before)
        self._last = self._before = self._until = None

    async def _turn(self, typed: Key | Paste | MouseEvent) -> None:
        """Type into the input that has the focus, else do what a key means, or the mouse."""
        if isinstance(typed, MouseEvent):
            clicked = await self._app.pass_on(typed)
            self._last = clicked if isinstance(typed, MouseUp) else self._last
            return
        here, screen = self._app.focused, self._app.screen
        if isinstance(screen, Hears):
            screen.heard()
        if isinstance(typed, Paste):
            if isinstance(here, Input):
                here.replace("".join(typed.text.splitlines()[:1]), *here.selection)
            return
        if isinstance(here, Input) and typed.is_printable and typed.character is not None:
            here.replace(typed.character, *here.selection)
            return
        if typed.key not in self._moves:
            self._last = here or screen
        for node in (here or screen).ancestors_with_self:
            if isinstance(node, TakesKeys) and node.takes_key(typed):
                return
        _ = await self._app.run_bound(typed.key)
