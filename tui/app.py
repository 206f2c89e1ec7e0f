"""The terminal UI: an app that draws snapshots from a port, at most twice a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.constants import DRIVER
from textual.filter import LineFilter, NoColor

from engine.port import Port
from tui import terminal
from tui.driver import SteadyDriver, driver_of, part
from tui.feed import Feed
from tui.model import Clock, Model, utc_now
from tui.screens.help import HelpScreen
from tui.screens.overview import OverviewScreen
from tui.screens.page import Page
from tui.screens.sources import SourcesScreen
from tui.theme import ANSI, DARK, Palette, after, palette, themes
from tui.widgets.painted import Painted
from tui.widgets.table import Table

POLL_SECONDS = 0.5
TWICE = timedelta(seconds=2)
"""Within this a second ctrl+c quits."""
OWN_FAULT = 4
"""Exit code when the engine died under the screen, or the screen itself did."""
BASE_DEPTH = 2
"""Screens on the stack while the overview is on top: Textual's own and ours."""


class ControlwatchApp(App[None]):
    """Polls the port, derives the model at the reader's clock, and lets the top screen draw it."""

    TITLE = "controlwatch"
    CSS_PATH = "tui.tcss"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True, id="app.interrupt"),
        Binding("ctrl+q", "leave", show=False, priority=True, id="app.quit_now"),
    ]

    def __init__(
        self,
        port: Port,
        *,
        read_only: bool = False,
        glyphs: terminal.Glyphs = "auto",
        stops_engine: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(driver_class=None if DRIVER else SteadyDriver)
        for theme in themes():
            self.register_theme(theme)
        self.theme = ANSI if self.no_color or os.environ.get("TERM") in {"linux", "vt100"} else DARK
        self.port = port
        self.clock = clock
        self.ascii_only = terminal.wants_ascii(glyphs)
        self.stops_engine = stops_engine
        """Whether the engine stops with the screen, so that quitting asks first."""
        self.feed = Feed(port, clock)
        self.palette: Palette = palette(self.theme, frozen=self.model.is_frozen)
        self._asked_read_only = read_only
        self.on_ready: Callable[[ControlwatchApp], None] | None = None
        """Called once the app runs, on its own loop."""
        self._interrupted_at: datetime | None = None

    @property
    def read_only(self) -> bool:
        """Whether nothing may be asked of the engine."""
        snapshot = self.model.snapshot
        return self._asked_read_only or (snapshot is not None and snapshot.read_only)

    def get_line_filters(self) -> list[LineFilter]:
        """With NO_COLOR and the terminal's own colours, draw with none at all."""
        if self.no_color and self.native_ansi_color:
            return [NoColor()]
        return list(super().get_line_filters())

    def on_mount(self) -> None:
        """Show the overview and begin to poll."""
        self.animation_level = "none"
        _ = self.push_screen(OverviewScreen())
        self.set_interval(POLL_SECONDS, self.poll)
        if self.on_ready is not None:
            self.on_ready(self)

    def poll(self) -> None:
        """Look whether there is anything new, and draw it; leave when the terminal is gone."""
        if not self.is_headless and terminal.is_gone():
            self.exit(return_code=0)
            return
        steady = driver_of(self)
        if steady is not None and steady.catch_up():
            self.screen.refresh()
        was_frozen = self.model.is_frozen
        if not self.feed.look():
            return
        if self.model.is_frozen is not was_frozen:
            self._repaint()
        page = self.page
        if page is not None and page.is_mounted:
            page.draw()

    @property
    def model(self) -> Model:
        """Give what is shown."""
        return self.feed.model

    @property
    def page(self) -> Page | None:
        """Give the topmost of our screens."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def _repaint(self) -> None:
        """Draw everything in the theme's colours, without those of states while nothing newer is known."""
        self.palette = palette(self.theme, frozen=self.model.is_frozen)
        for screen in self.screen_stack:
            for widget in screen.walk_children():
                if isinstance(widget, Painted | Table):
                    widget.repaint()

    def show(self, page: Page) -> None:
        """Put a screen on the stack; the same kind of screen on top is replaced."""
        _ = self.switch_screen(page) if type(self.screen) is type(page) else self.push_screen(page)

    def action_overview(self) -> None:
        """Go back to the overview."""
        while len(self.screen_stack) > BASE_DEPTH:
            _ = self.pop_screen()

    def action_sources(self, name: str = "") -> None:
        """Show the sources, the cursor on one of them."""
        self.show(SourcesScreen(name))

    def action_help(self) -> None:
        """Show the keys of the screen."""
        page = self.page
        if page is not None and not isinstance(page, HelpScreen):
            _ = self.push_screen(HelpScreen(page))

    def action_theme(self) -> None:
        """Take the next theme."""
        self.theme = after(self.theme)
        self._repaint()

    def action_leave(self) -> None:
        """Quit; where the engine stops with the screen, ask first."""
        if self.stops_engine and self.model.fault is None and isinstance(self.screen, Page):
            self.screen.ask("Quit and stop the engine?", self.leave)
        else:
            self.leave()

    def action_interrupt(self) -> None:
        """Quit at the second ctrl+c within two seconds."""
        now = self.clock()
        if self._interrupted_at is not None and now - self._interrupted_at <= TWICE:
            self.leave()
        elif self.page is not None:
            self._interrupted_at = now
            self.page.say("ctrl+c again quits, q quits too")

    def leave(self) -> None:
        """End the app: exit code 0, or 4 when the engine died."""
        self.exit(return_code=0 if self.model.fault is None else OWN_FAULT)


def run(
    port: Port,
    *,
    read_only: bool = False,
    glyphs: terminal.Glyphs = "auto",
    stops_engine: bool = False,
    clock: Clock = utc_now,
    on_ready: Callable[[ControlwatchApp], None] | None = None,
    on_quit: Callable[[], None] | None = None,
) -> int:
    """Show the screens until somebody quits, and give the exit code.

    ``on_ready`` is called on the app's own loop once it runs (to install signal handlers that call ``app.leave``);
    ``on_quit`` after the terminal is as it was, whatever happened.
    """
    terminal.follow_size()
    app = ControlwatchApp(port, read_only=read_only, glyphs=glyphs, stops_engine=stops_engine, clock=clock)
    app.on_ready = on_ready
    try:
        app.run()
    finally:
        if on_quit is not None:
            on_quit()
    code = OWN_FAULT if app.return_code else 0
    part(app, code)
    return code
