"""The terminal UI: an app that draws snapshots from a port, at most twice a second."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Self

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.constants import DRIVER
from textual.errors import NoWidget
from textual.filter import LineFilter, NoColor
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from engine.port import Port
from tui import terminal
from tui.driver import SteadyDriver, driver_of, part
from tui.errands import Errands
from tui.feed import Feed
from tui.format import full
from tui.keyboard import Keyboard
from tui.keymap import PLAIN, Keymap, applied, keys_file, load
from tui.keys import MOVE
from tui.mended import mend
from tui.model import Clock, Model, utc_now
from tui.place import Place
from tui.remembered import Memory, default_path
from tui.screens.command import CommandScreen
from tui.screens.family import Left
from tui.screens.help import HelpScreen
from tui.screens.hint import hint
from tui.screens.overview import OverviewScreen
from tui.screens.page import Page
from tui.stack import Stack
from tui.theme import ANSI, DARK, LIGHT, Palette, after, palette, themes
from tui.widgets.painted import Ascii, Painted
from tui.widgets.table import Table
from tui.work import start

POLL_SECONDS = 0.5
LEAVING_SECONDS = 2.0
"""How long leaving waits for commands that are on their way."""
TWICE = timedelta(seconds=2)
"""Within this a second ctrl+c quits."""
OWN_FAULT = 4
"""Exit code when the engine died under the screen, or the screen itself did."""

ORDERED = events.Key | events.Paste | events.MouseDown | events.MouseUp | events.MouseScrollDown | events.MouseScrollUp
"""What means what is on the screen when its turn comes."""


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
        attached: bool = False,
        clock: Clock = utc_now,
        keymap: Keymap = PLAIN,
        memory: Memory | None = None,
    ) -> None:
        mend()
        self._going = 0
        super().__init__(driver_class=None if DRIVER else SteadyDriver)
        for theme in themes():
            self.register_theme(theme)
        self.theme = ANSI if self.no_color or os.environ.get("TERM") in {"linux", "vt100"} else DARK
        self.port = port
        self.clock = clock
        self.local: tzinfo | None = None
        """The zone that ``T`` turns to; None: the terminal's own."""
        self.ascii_only = terminal.wants_ascii(glyphs)
        self.stops_engine = stops_engine
        """Whether the engine stops with the screen, so that quitting asks first."""
        self._attached = attached
        self.errands = Errands(self, port)
        self.left: list[str] = []
        """What was on its way when the app ended, and is not known to be done."""
        self._is_leaving = False
        self.feed = Feed(port, clock, keymap)
        self.palette: Palette = palette(self.theme, frozen=self.model.is_frozen)
        self._asked_read_only = read_only
        self.on_ready: Callable[[ControlwatchApp], None] | None = None
        """Called once the app runs, on its own loop."""
        self._interrupted_at: datetime | None = None
        self.keymap = keymap
        self.memory = Memory() if memory is None else memory
        self.set_keymap(dict(keymap.keys))
        moves = (key for key in MOVE if key.id != "move.open")
        self.keyboard = Keyboard(self, {name for key in moves for name in applied(key, keymap).keys.split(",")})
        self.stack = Stack(self)
        self.typed: list[str] = []
        """Commands of before, the latest last."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be asked of the engine."""
        snapshot = self.model.snapshot
        return self._asked_read_only or (snapshot is not None and snapshot.read_only)

    @property
    def rights(self) -> list[str]:
        """Name what the header says of this screen: ATTACHED to an engine that goes on without it, READ-ONLY."""
        return ["ATTACHED"] * self._attached + ["READ-ONLY"] * self.read_only

    def get_line_filters(self) -> list[LineFilter]:
        """With NO_COLOR draw with no colour at all, in every theme; with ASCII glyphs, also what is typed."""
        filters = [NoColor()] if self.no_color else super().get_line_filters()
        return [*filters, *([Ascii()] if self.ascii_only else [])]

    async def on_event(self, event: events.Event) -> None:
        """Keep keys, pastes and clicks in their order; what interrupts waits for nothing."""
        if not isinstance(event, ORDERED) or event.is_forwarded:
            await super().on_event(event)
        elif not isinstance(event, events.Key) or not await self._check_bindings(event.key, priority=True):
            self.app_focus = True
            await self.keyboard.take(event)

    async def pass_on(self, event: events.MouseEvent) -> Widget:
        """Give what the mouse does to the widget under it, and that widget."""
        await super().on_event(event)
        try:
            return self.get_widget_at(event.x, event.y)[0]
        except NoWidget:
            return self.screen

    async def _replace_screen(self, screen: Screen[Any]) -> Screen[Any]:
        """Note that a screen goes until it is gone."""
        self._going += 1
        try:
            return await super()._replace_screen(screen)
        finally:
            self.call_next(self._gone)

    def _gone(self) -> None:
        self._going -= 1

    def refresh(self, *, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint and lay out; a screen that goes changes nothing of the one on top, which Textual paints once more."""
        return self if self._going else super().refresh(repaint=repaint, layout=layout, recompose=recompose)

    async def run_bound(self, key: str) -> bool:
        """Do what a key is bound to on the screen on top; False where it is not."""
        return await self._check_bindings(key)

    def on_mount(self) -> None:
        """Show the overview and begin to poll."""
        self.animation_level = "none"
        self.stack.begin(OverviewScreen())
        if self.keymap.faults:
            self.call_after_refresh(self._tell_keymap)
        self.set_interval(POLL_SECONDS, self.poll)
        if self.on_ready is not None:
            self.on_ready(self)

    def poll(self) -> None:
        """Look whether there is anything new, and draw it; leave when the terminal is gone."""
        if not self.is_headless and terminal.is_gone():
            self.exit(return_code=0)
            return
        if self.keyboard.waits:
            _ = self.call_later(self.keyboard.go_on)
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
            page.beat() if self.feed.is_resting else page.draw()

    @property
    def model(self) -> Model:
        """Give what is shown."""
        return self.feed.model

    @property
    def page(self) -> Page | None:
        """Give the topmost of our screens."""
        return self.stack.page

    def _repaint(self) -> None:
        """Draw everything in the theme's colours, without those of states while nothing newer is known."""
        self.palette = palette(self.theme, frozen=self.model.is_frozen)
        for screen in self.screen_stack:
            for widget in screen.walk_children():
                if isinstance(widget, Painted | Table):
                    widget.repaint()

    def _tell_keymap(self) -> None:
        """Say what in the file of keys was wrong."""
        first, *more = self.keymap.faults
        if self.page is not None:
            self.page.say(first + (f" (and {len(more)} more)" if more else ""), "warn")

    def open_check(self, name: str, typed: str = "") -> None:
        """Show the findings of a check, narrowed by a filter."""
        item = self.model.check(name)
        if item is not None:
            self.stack.go(Place("family", item.view.family, Left(check=name)), typed=typed)

    def take(self, what: str, value: str) -> None:
        """Draw in another ``theme`` (dark, light, ansi) or ``zone`` (utc, local)."""
        if what == "theme":
            self.take_theme({"dark": DARK, "light": LIGHT}.get(value, ANSI))
        else:
            self.turn(UTC if value == "utc" else self.local)

    def action_travel(self, way: int) -> None:
        """Go back or forward over the views, each as it was left."""
        self.stack.travel(way)

    def action_last(self) -> None:
        """Go to the view where one was before, and back again."""
        self.stack.swap()

    def action_overview(self) -> None:
        """Go back to the overview; there, to its first list."""
        first = self.stack.pages[0]
        first.to_first() if self.screen is first else self.stack.climb(0)

    def action_sources(self, name: str = "") -> None:
        """Show the sources, the cursor on one of them."""
        self.stack.go(Place("sources", name))

    def action_history(self, name: str = "") -> None:
        """Show what became of a check, or of all; without a name, of the selected one."""
        self.stack.go(Place("history", name or (self.page.check_here() if self.page else "")))

    def action_events(self, what: str = "") -> None:
        """Show the events of an object, or all; without a name, of the selected one where that is the screen's own."""
        self.stack.go(Place("events", what or (self.page.object_here() if self.page else "")))

    def action_waivers(self, name: str = "") -> None:
        """Show the waivers."""
        self.stack.go(Place("waivers", name))

    def action_command(self, typed: str = "") -> None:
        """Open the command line."""
        page = self.page
        if page is not None and not isinstance(self.screen, ModalScreen):
            _ = self.push_screen(CommandScreen(page, self.typed, typed))

    def action_zone(self) -> None:
        """Tell times in UTC, or in the terminal's own zone."""
        self.turn(UTC if self.feed.zone is not UTC else self.local)

    def turn(self, zone: tzinfo | None) -> None:
        """Tell times in a zone; None: the terminal's own."""
        self.feed.turn(zone)
        page = self.page
        if page is not None:
            page.draw()
            said = "UTC" if zone is UTC else "the terminal's own zone"
            page.say(f"times in {said}: {full(self.model.now, self.model.now)}")

    def action_help(self) -> None:
        """Show the keys of the screen."""
        page = self.page
        if page is not None and self.screen is page and not isinstance(page, HelpScreen):
            _ = self.push_screen(HelpScreen(page))

    def action_theme(self) -> None:
        """Take the next theme: dark, light, the terminal's own colours."""
        self.take_theme(after(self.theme))

    def take_theme(self, name: str) -> None:
        """Draw in another theme."""
        self.theme = name
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
            if self.screen is self.page:
                self.page.say(f"ctrl+c again quits, {self.keymap.named('app.quit')} quits too")
            else:
                hint(self.screen, "ctrl+c again quits", TWICE)

    def leave(self) -> None:
        """End the app: exit code 0, or 4 when the engine died.

        Commands on their way are waited for, a moment; leaving once more ends that, too.
        """
        if self.errands.waits and not self._is_leaving:
            self._is_leaving = True
            _ = start(self, self._leave, group="leave")
        else:
            self._end()

    async def _leave(self) -> None:
        await self.errands.settled(LEAVING_SECONDS)
        self._end()

    def _end(self) -> None:
        self.left = self.errands.left()
        self.exit(return_code=0 if self.model.fault is None else OWN_FAULT)


def run(
    port: Port,
    *,
    read_only: bool = False,
    glyphs: terminal.Glyphs = "auto",
    stops_engine: bool = False,
    attached: bool = False,
    clock: Clock = utc_now,
    on_ready: Callable[[ControlwatchApp], None] | None = None,
    on_quit: Callable[[], None] | None = None,
    keymap: Keymap | None = None,
) -> int:
    """Show the screens until somebody quits, and give the exit code.

    ``on_ready`` is called on the app's own loop once it runs (to install signal handlers that call ``app.leave``);
    ``on_quit`` after the terminal is as it was, whatever happened. ``keymap``: else that of the person's keys file.
    What is in memory at the first paint (modules, styles) is there for good: the garbage collector leaves it out, or it
    would walk all of it now and then while a key waits, for 65 to 120 ms.
    """
    terminal.follow_size()
    app = ControlwatchApp(
        port,
        read_only=read_only,
        glyphs=glyphs,
        stops_engine=stops_engine,
        attached=attached,
        clock=clock,
        keymap=load(keys_file(os.environ)) if keymap is None else keymap,
        memory=Memory(default_path(os.environ)),
    )

    def ready(running: ControlwatchApp) -> None:
        running.call_after_refresh(gc.freeze)
        if on_ready is not None:
            on_ready(running)

    app.on_ready = ready
    try:
        app.run()
    finally:
        if on_quit is not None:
            on_quit()
    code = OWN_FAULT if app.return_code else 0
    driver = driver_of(app)
    if app.left and (driver is None or not driver.is_stuck):
        sys.stderr.write("".join(f"controlwatch: {each}\n" for each in app.left))
    part(app, code)
    return code
