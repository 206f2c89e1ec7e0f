"""The app of the guided ``init``: one screen, without an engine."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.traceback import Traceback
from textual import events

from engine.port import (
    Command,
    Detail,
    EventQuery,
    Events,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    PortFault,
    Query,
    Reply,
    Rows,
    Snapshot,
    WaiverView,
)
from tui import terminal
from tui.app import OWN_FAULT, POLL_SECONDS, ControlwatchApp
from tui.driver import part
from tui.header import NO_ENGINE
from tui.keymap import PLAIN, Keymap, keys_file, load
from tui.model import utc_now
from tui.screens.init import NOT_HERE, InitScreen
from tui.setup import Setup


class NoEngine:
    """A port without an engine behind it."""

    def snapshot(self) -> Snapshot | None:
        """Give none."""
        return None

    def fault(self) -> str | None:
        """Say nothing: there is no engine to be at fault."""
        return None

    async def rows(self, query: Query) -> Rows:
        """Refuse, as do the other questions."""
        raise PortFault(_no(query))

    async def detail(self, finding: int) -> Detail | None:
        """Refuse."""
        raise PortFault(_no(finding))

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Refuse."""
        raise PortFault(_no(query))

    async def events(self, query: EventQuery) -> Events:
        """Refuse."""
        raise PortFault(_no(query))

    async def waivers(self) -> Sequence[WaiverView]:
        """Refuse."""
        raise PortFault(_no("waivers"))

    async def pack(self, query: PackQuery) -> Packed:
        """Refuse."""
        raise PortFault(_no(query))

    async def send(self, command: Command) -> Reply:
        """Refuse."""
        return Reply(ok=False, message=_no(command))


def _no(asked: object) -> str:
    return f"no engine runs here to answer {type(asked).__name__}; finish init first"


class InitApp(ControlwatchApp):
    """Shows the guided start in the place of the overview."""

    def __init__(self, setup: Setup, *, glyphs: terminal.Glyphs = "auto", keymap: Keymap = PLAIN) -> None:
        super().__init__(NoEngine(), glyphs=glyphs, keymap=keymap, clock=utc_now)
        self.start = InitScreen(setup)

    @property
    def rights(self) -> list[str]:
        """Tell the header that no engine runs here."""
        return [NO_ENGINE]

    def on_mount(self, event: events.Mount) -> None:  # type: ignore[override]  # Textual hands the event to who asks
        """Show the screen; what an app with an engine does first is left out."""
        event.prevent_default()
        self.animation_level = "none"
        _ = self.push_screen(self.start)
        self.set_interval(POLL_SECONDS, self.poll)

    def _fatal_error(self) -> None:
        """Tell a fault of our own without the values of variables: one of them may be a secret that was typed."""
        self.panic(Traceback(show_locals=False))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what needs an engine."""
        return action not in NOT_HERE and super().check_action(action, parameters)


def run(setup: Setup, *, glyphs: terminal.Glyphs = "auto") -> Sequence[str] | None:
    """Show the screen until somebody quits, and give the next commands; none where no file was written.

    None: the screen itself was at fault, which has been told.
    """
    terminal.follow_size()
    app = InitApp(setup, glyphs=glyphs, keymap=load(keys_file(os.environ)))
    app.run()
    failed = bool(app.return_code)
    part(app, OWN_FAULT if failed else 0)
    return None if failed else app.start.commands
