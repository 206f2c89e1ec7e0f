"""What all screens share: header, footer, messages, questions, and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Self, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer
from textual.widget import Widget

from engine.port import Command, Detail, PastQuery, Row
from tui.format import clean
from tui.header import header
from tui.keymap import applied
from tui.keys import EVERYWHERE, MOVE, Key, bindings
from tui.lines import Line, Span, line
from tui.model import FAMILIES, Model
from tui.place import Place
from tui.scene import Scene
from tui.screens import deeds
from tui.screens.ask import Ask
from tui.screens.form import Deed, Form, Values
from tui.screens.home import Home
from tui.screens.once import Once
from tui.screens.zoom import Zoom
from tui.series import Series
from tui.widgets.bars import Footer, Strips
from tui.widgets.board import Board
from tui.widgets.painted import Painted
from tui.widgets.table import Table
from tui.work import Answered, start

MESSAGE_SECONDS = 6.0
"""How long the footer shows a message."""
SMALLEST = (40, 10)
"""Columns and rows below which nothing useful fits."""
FOOTER_MAX = 9
"""Keys in the footer, help included."""
MOVES = frozenset(key.id for key in MOVE)
HELP = next(key for key in EVERYWHERE if key.id == "go.help")


class Page(Once):
    """A screen that draws the app's model.

    A screen is found by its module's name: ``tui.screens.NAME`` holds one page. To be remembered as it was left, it
    gives a ``Place`` (``place``), and takes it back (``at`` makes the screen, ``restore`` puts it as it was).
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    KEYS: ClassVar[tuple[Key, ...]] = ()
    """The screen's own keys."""
    FOOTER: ClassVar[tuple[str, ...]] = ()
    """Ids of the keys in the footer, in order; help comes last by itself."""
    PASSING: ClassVar[bool] = False
    """Whether the screen is only about another one, and so no place to come back to."""
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self._top = Strips(self._top_lines, id="top")
        self._small = Strips(self._too_small, id="too-small")
        self._foot = Footer(self._footer_keys, act=self.act, id="foot")
        self._unsay: Timer | None = None
        self._waits_for_key = False
        """Whether the message stays until somebody types: it tells of something that was not done, or may not be."""
        self._zoom: Zoom | None = None

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place, as it was left there."""
        page = cls()
        page.restore(place)
        return page

    def place(self) -> Place:
        """Say where this is and how it stands now."""
        return Place(type(self).__module__.rpartition(".")[2])

    def restore(self, place: Place) -> None:
        """Put the screen as it was left; called before it is mounted, or while it is there."""

    def to_first(self) -> None:
        """Put the cursor into the screen's first list."""

    def narrow(self, typed: str) -> None:
        """Filter what the screen lists, as if it was typed; called once it is mounted."""

    @property
    def home(self) -> Home:
        """Give the app as what screens know of it."""
        return cast("Home", self.app)

    @property
    def model(self) -> Model:
        """Give what is shown."""
        return self.home.model

    def crumbs(self) -> str:
        """Say where this is, from the top; one name a screen on the stack."""
        return "controlwatch"

    def held(self) -> str:
        """Say how much a paused view does not show, ``+3 new``; empty while it is not paused."""
        return ""

    def body(self) -> Sequence[Widget]:
        """Give the widgets between header and footer."""
        raise NotImplementedError

    def subject(self) -> tuple[str, str]:
        """Give what is selected, to copy, and its runbook; empty where there is none."""
        return "", ""

    def run_targets(self) -> Sequence[str]:
        """Name the sources that ``r`` asks to run."""
        return ()

    def check_here(self) -> str:
        """Name the configured check that is selected, to pause it or to see its past; empty where there is none."""
        return ""

    def finding_here(self) -> Row | None:
        """Give the finding that is selected, as it is shown; None where there is none."""
        return None

    def detail_here(self) -> Detail | None:
        """Give all that was told of the finding that is selected; None where nothing was but its row."""
        return None

    def object_here(self) -> str:
        """Name the source or check whose events are meant; empty: all."""
        return self.check_here()

    async def neighbour(self, _finding: int, _way: int) -> int | None:
        """Give the finding after (1) or before (-1) one in the screen's list; None where there is none."""
        return None

    def own_keys(self) -> list[Key]:
        """Give the keys that do something here, as they are mapped, without those that read-only hides."""
        shown = [key for key in self.KEYS if not (key.writes and self.home.read_only)]
        return [applied(key, self.home.keymap) for key in shown]

    def keys_shown(self) -> dict[str, str]:
        """Write those keys as a person does, by id."""
        return {key.id: key.shown.partition(" ")[0] for key in self.own_keys()}

    def shared_keys(self) -> list[Key]:
        """Give the keys that every screen has, as they are mapped."""
        return [applied(key, self.home.keymap) for key in (*MOVE, *EVERYWHERE)]

    def compose(self) -> ComposeResult:
        """Put header, body and footer on the screen, laid out for the terminal."""
        self._fit(*self.app.size)
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

    def beat(self) -> None:
        """Draw the top alone: nothing has happened, and it tells the engine's time."""
        self._top.redraw()

    def _top_lines(self, width: int) -> list[Line]:
        return header(self.model, self.crumbs(), width, rights=self.home.rights, held=self.held())

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small for anything."""
        _ = self.unzoom()
        self._fit(event.size.width, event.size.height)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "tiny")
        self.lay_out(width, height)

    def lay_out(self, width: int, height: int) -> None:
        """Fit the screen's own widgets to the terminal; also called before they are mounted."""

    def on_screen_resume(self, event: events.ScreenResume) -> None:  # noqa: ARG002 - Textual calls ``Once``'s, too
        """Catch up with what changed while another screen was on top."""
        self.wait_for(self.home.errands.asked)
        self.draw()

    @property
    def past(self) -> Scene | None:
        """Give the last thirty days; None while they are not known."""
        return self.home.feed.lately.scene(self.model)

    def look_back(self) -> None:
        """Ask for the last thirty days, when that is too long ago."""
        query = self.home.feed.lately.due(self.model)
        if query is not None:
            start(self.app, partial(self._look_back, query), group="past", exclusive=True)

    async def _look_back(self, query: PastQuery) -> None:
        """Ask, and draw whichever screen is on top by then."""
        await self.home.feed.lately.ask(self.home.port, query)
        if isinstance(self.app.screen, Page):
            self.app.screen.draw()

    def say(self, text: str, role: str = "text") -> None:
        """Show a message in the footer for a while; what went wrong also after that, until a key is typed."""
        self._foot.say(line(Span(clean(text), role)))
        self._waits_for_key = role == "fail"
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(MESSAGE_SECONDS, self._quiet)

    def ask(self, text: str, then: Callable[[], None], otherwise: Callable[[], object] | None = None) -> None:
        """Ask before something is done."""

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it with the screen's result
            if yes:
                then()
            elif otherwise is not None:
                _ = otherwise()

        _ = self.app.push_screen(Ask(text), answered)

    def fill(self, form: Form, then: Callable[[Values], None]) -> None:
        """Show a form, and go on with what was filled in."""

        def filled(values: Values | None) -> None:
            if values is not None:
                then(values)

        _ = self.app.push_screen(form, filled)

    def request(self, form: Form, deed: Deed) -> None:
        """Show a form that stays until what is asked with it is answered, and as it is where that is refused."""
        form.deed = deed
        _ = self.app.push_screen(form)

    def wait_for(self, said: str) -> None:
        """Show what the engine was asked for, until it has answered; empty: it has."""
        if self._unsay is None and not self._waits_for_key:
            self._foot.say(line(Span(clean(said), "dim")) if said else None)

    def _quiet(self) -> None:
        self._unsay = None
        self.wait_for(self.home.errands.asked)

    def heard(self) -> None:
        """Let go of a message that was there for a while and waited for a key."""
        if self._waits_for_key and self._unsay is None:
            self._waits_for_key = False
            self._quiet()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what writes while read-only."""
        if self.home.read_only and action in {key.action for key in self.KEYS if key.writes}:
            return False
        return super().check_action(action, parameters)

    def close_prompt(self) -> bool:
        """Close what is typed into; False when nothing is."""
        return False

    def clear_filter(self) -> bool:
        """Clear what narrows the list; False when nothing does."""
        return False

    def unzoom(self) -> bool:
        """Show all panels again; False when all are there."""
        if self._zoom is None:
            return False
        self._zoom.undo()
        self._zoom = None
        self.call_after_refresh(self.draw)
        return True

    def action_back(self) -> None:
        """Close the prompt, else show all panels, else clear the filter, else go one screen up."""
        if self.close_prompt() or self.unzoom() or self.clear_filter():
            return
        level = sum(isinstance(screen, Page) for screen in self.app.screen_stack) - 2
        self.home.stack.climb(max(0, level))

    def action_climb(self, level: int) -> None:
        """Go up to the screen that a crumb names."""
        self.home.stack.climb(level)

    def action_zoom(self) -> None:
        """Show the panel with the cursor alone, or all again."""
        if not self.unzoom() and isinstance(self.focused, Board | Table):
            self._zoom = Zoom(self, self.focused)
            self.call_after_refresh(self.draw)

    def action_panel(self, place: int) -> None:
        """Show the family of that number."""
        self.home.stack.go(Place("family", list(FAMILIES)[place - 1]))

    def action_run(self) -> None:
        """Ask the selected sources to run now."""
        deeds.run_sources(self, self.run_targets())

    def action_run_all(self) -> None:
        """Ask every source to run now, after a question."""
        deeds.run_all(self)

    def action_pause_check(self) -> None:
        """Pause the selected check for a while, or resume it."""
        deeds.pause_or_resume(self, self.check_here())

    def action_ack(self, note: str = "") -> None:
        """Acknowledge the selected finding, or all that are marked; without a note that is asked."""
        row = self.finding_here()
        deeds.acknowledge(self, [] if row is None else [row], note)

    def takes_key(self, typed: events.Key) -> bool:
        """Say why a key that writes does nothing while read-only."""
        meant = [key for key in self.KEYS if key.writes and typed.key in applied(key, self.home.keymap).keys.split(",")]
        if meant and self.home.read_only:
            self._refuse(meant[0])
        return bool(meant) and self.home.read_only

    def _refuse(self, key: Key) -> None:
        self.say(f"{key.label}: this screen is read-only", "warn")

    async def act(self, key: Key) -> None:
        """Do what a key does, also where the cursor's own widget does it; say so where nothing here does."""
        target = self.focused if key.id in MOVES and self.focused is not None else self
        if not target.check_action(key.action.partition("(")[0], ()):
            self._refuse(key)
        elif not await self.app.run_action(key.first_action, default_namespace=target):
            self.say(f"{key.label} does nothing on this screen", "dim")

    def send(self, *commands: Command, of: Sequence[str] = (), answered: Answered | None = None) -> Series:
        """Have the app send commands, and tell of them by what each is ``of`` on the screen that is on top by then."""
        return self.home.errands.send(commands, of, answered)

    def look_again(self) -> None:
        """Fetch what a command may have changed; called on every screen of the stack once commands are answered."""

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
        known = {key.id: key for key in (*self.shared_keys(), *self.own_keys())}
        chosen = [known[each] for each in self.FOOTER if each in known][: FOOTER_MAX - 1]
        return [*chosen, known[HELP.id]]

    def _too_small(self, _width: int) -> list[Line]:
        return [line(f"terminal too small (need {SMALLEST[0]}×{SMALLEST[1]})")]
