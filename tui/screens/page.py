"""What all screens share: header, footer, messages, a question, and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from engine.port import Command, Port, Run
from tui.format import clean
from tui.header import header
from tui.keys import EVERYWHERE, Key, bindings
from tui.lines import Line, Span, line
from tui.model import Model
from tui.screens.ask import Ask
from tui.widgets.bars import Footer, Strips
from tui.widgets.painted import Painted

MESSAGE_SECONDS = 6.0
"""How long the footer shows a message."""
SMALLEST = (40, 10)
"""Columns and rows below which nothing useful fits."""
HELP = next(key for key in EVERYWHERE if key.id == "go.help")


class Home(Protocol):
    """What a screen asks of the app, which knows all screens."""

    port: Port

    @property
    def model(self) -> Model:
        """Give what is shown."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether nothing may be asked of the engine."""
        ...

    def show(self, page: Page) -> None:
        """Put a screen on top."""
        ...

    def action_sources(self, name: str = "") -> None:
        """Show the sources, the cursor on one of them."""
        ...


class Page(Screen[None]):
    """A screen that draws the app's model."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    KEYS: ClassVar[tuple[Key, ...]] = ()
    """The screen's own keys."""
    FOOTER: ClassVar[tuple[str, ...]] = ()
    """Ids of the keys in the footer, in order; help comes last by itself."""
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self._top = Strips(lambda width: header(self.model, self.crumbs(), width), id="top")
        self._small = Strips(self._too_small, id="too-small")
        self._foot = Footer(self._footer_keys, id="foot")
        self._unsay: Timer | None = None

    @property
    def home(self) -> Home:
        """Give the app as what screens know of it."""
        return cast("Home", self.app)

    @property
    def model(self) -> Model:
        """Give what is shown."""
        return self.home.model

    def crumbs(self) -> str:
        """Say where this is, from the top."""
        return "controlwatch"

    def body(self) -> Sequence[Widget]:
        """Give the widgets between header and footer."""
        raise NotImplementedError

    def subject(self) -> tuple[str, str]:
        """Give what is selected, to copy, and its runbook; empty where there is none."""
        return "", ""

    def run_targets(self) -> Sequence[str]:
        """Name the sources that ``r`` asks to run."""
        return ()

    def own_keys(self) -> list[Key]:
        """Give the keys that do something here, without those that read-only hides."""
        return [key for key in self.KEYS if not (key.writes and self.home.read_only)]

    def compose(self) -> ComposeResult:
        """Put header, body and footer on the screen."""
        yield self._top
        yield from self.body()
        yield self._small
        yield self._foot

    def draw(self) -> None:
        """Draw the model as it is now; what did not change is left alone."""
        told = len(header(self.model, "", 80))
        if self._top.styles.height is None or self._top.styles.height.value != told:
            self._top.styles.height = told
        for widget in self.query(Painted):
            if widget.display:
                widget.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small for anything."""
        tiny = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        self.set_class(tiny, "tiny")
        self.lay_out(event.size.width, event.size.height)

    def lay_out(self, width: int, height: int) -> None:
        """Fit the screen's own widgets to the terminal."""

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was on top."""
        self.draw()

    def say(self, text: str, role: str = "text") -> None:
        """Show a message in the footer for a while."""
        self._foot.say(line(Span(clean(text), role)))
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(MESSAGE_SECONDS, self._quiet)

    def ask(self, text: str, then: Callable[[], None]) -> None:
        """Ask before something is done."""

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it with the screen's result
            if yes:
                then()

        _ = self.app.push_screen(Ask(text), answered)

    def _quiet(self) -> None:
        self._foot.say(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what writes while read-only."""
        if self.home.read_only and action in {key.action for key in self.KEYS if key.writes}:
            return False
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Go one screen up."""
        if len(self.app.screen_stack) > 2:
            _ = self.app.pop_screen()

    def action_run(self) -> None:
        """Ask the selected sources to run now."""
        for name in self.run_targets():
            self.send(Run(source=name))

    def action_run_all(self) -> None:
        """Ask every source to run now, after a question."""
        self.ask(f"Run all {len(self.model.sources)} sources now?", lambda: self.send(Run()))

    def send(self, command: Command) -> None:
        """Send a command and show what became of it; the screen does not wait."""
        self.run_worker(self._send(command), group="commands", exit_on_error=False)

    async def _send(self, command: Command) -> None:
        try:
            reply = await self.home.port.send(command)
        except (OSError, TimeoutError) as error:
            self.say(f"not sent: {error}", "fail")
            return
        self.say(("✔ " if reply.ok else "✖ ") + reply.message, "pass" if reply.ok else "fail")

    def action_copy(self) -> None:
        """Copy what is selected to the terminal's clipboard."""
        text, _ = self.subject()
        if text:
            self.app.copy_to_clipboard(text)
            self.say(f"copied {text}")

    def action_runbook(self) -> None:
        """Show and copy the runbook's address; terminals that can, open it by a click."""
        _, address = self.subject()
        if address:
            self.app.copy_to_clipboard(address)
        self.say(f"runbook {address} (copied)" if address else "no runbook configured", "text" if address else "dim")

    def _footer_keys(self) -> list[Key]:
        known = {key.id: key for key in (*self.own_keys(), *EVERYWHERE)}
        return [*(known[each] for each in self.FOOTER if each in known), HELP]

    def _too_small(self, _width: int) -> list[Line]:
        return [line(f"terminal too small (need {SMALLEST[0]}×{SMALLEST[1]})")]
