"""What a screen asks of the app, which knows all screens."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from textual.screen import Screen

from engine.port import Port
from tui.errands import Errands
from tui.feed import Feed
from tui.keymap import Keymap
from tui.model import Clock, Model
from tui.place import Place
from tui.remembered import Memory


class Ways(Protocol):
    """The screens on the stack, and how to others."""

    def show(self, page: Screen[None]) -> None:
        """Put a screen on top."""
        ...

    def go(self, *places: Place, typed: str = "") -> None:
        """Show a place below the overview, the last one narrowed by a filter."""
        ...

    async def neighbour(self, page: Screen[None], finding: int, way: int) -> int | None:
        """Give the finding after (1) or before (-1) one in the list below a screen; None where there is none."""
        ...

    def climb(self, level: int) -> None:
        """Go up to the screen at that level; 0 is the overview."""
        ...


class Home(Protocol):
    """What a screen asks of the app, which knows all screens."""

    port: Port
    feed: Feed
    keymap: Keymap
    memory: Memory
    clock: Clock
    errands: Errands

    @property
    def stack(self) -> Ways:
        """Give the screens on the stack."""
        ...

    @property
    def model(self) -> Model:
        """Give what is shown."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether nothing may be asked of the engine."""
        ...

    @property
    def rights(self) -> Collection[str]:
        """Name what the header says of this screen: READ-ONLY, ATTACHED."""
        ...

    def take(self, what: str, value: str) -> None:
        """Draw in another ``theme`` (dark, light, ansi) or ``zone`` (utc, local)."""
        ...

    def open_check(self, name: str, typed: str = "") -> None:
        """Show the findings of a check, narrowed by a filter."""
        ...

    def action_sources(self, name: str = "") -> None:
        """Show the sources, the cursor on one of them."""
        ...

    def action_events(self, what: str = "") -> None:
        """Show the events of an object, or all."""
        ...
