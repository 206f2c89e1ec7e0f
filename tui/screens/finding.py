"""One finding: why, on what evidence, what to do, what became of it, and the record as the source told it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Self

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from engine.port import Detail, Row
from engine.port.subjects import literal
from tui.dossier import Dossier
from tui.filters import whole
from tui.finding import Page as Sheet
from tui.finding import note, page, record, title
from tui.format import clean
from tui.keys import FINDING, Key, bindings
from tui.lines import Line, Span, line
from tui.model import FAMILIES
from tui.place import Place
from tui.screens.answered import Answered, last_deed
from tui.screens.page import Page
from tui.screens.waive import request_waiver
from tui.widgets.board import Board, Content
from tui.work import start

WIDE = 120
"""From this width on the record is beside the page."""


class FindingScreen(Answered):
    """A page about one finding."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FINDING)
    KEYS: ClassVar[tuple[Key, ...]] = FINDING
    FOOTER: ClassVar[tuple[str, ...]] = (
        "finding.previous",
        "finding.next",
        "finding.raw",
        "finding.similar",
        "waiver.request",
        "do.ack",
        "do.runbook",
        "go.back",
    )

    def __init__(self, finding: int) -> None:
        self._wanted = finding
        """The finding that is asked for; what is done is done to the one that is shown."""
        self._steps = 0
        """How many findings further down the list the one is that is wanted; negative: further up."""
        self._dossier = Dossier()
        self._row: Row | None = None
        """What the list below told of it, which is shown until the engine has answered."""
        self._before: Detail | None = None
        """What was told of it beside that list."""
        self._seen: object = None
        self._page = Board(self._page_content, id="page", selects=False)
        self._record = Board(self._record_content, id="record", selects=False)
        super().__init__()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place."""
        return cls(int(place.name))

    def place(self) -> Place:
        """Say which finding this is."""
        return Place("finding", str(self._wanted))

    def crumbs(self) -> str:
        """Say where this is."""
        if self._found is None:
            return "controlwatch ▸ finding"
        row = self._found.row
        return f"controlwatch ▸ {FAMILIES.get(row.family, clean(row.family))} ▸ {clean(row.check)}"

    def body(self) -> Sequence[Widget]:
        """Give the page and the record."""
        return [self.untold, Horizontal(self._page, self._record, id="lists")]

    def on_mount(self) -> None:
        """Fetch the finding."""
        self.set_focus(self._page)
        self._remember()
        self.ask_again()

    def _remember(self) -> None:
        """Keep what the list below knows of the finding."""
        below = [each for each in self.app.screen_stack if isinstance(each, Page) and each is not self]
        row = below[-1].finding_here() if below else None
        if row is not None and row.id == self._wanted:
            self._row, self._before = row, below[-1].detail_here()

    def lay_out(self, width: int, _height: int) -> None:
        """Put the record beside the page where there is room."""
        self.set_class(width >= WIDE, "wide")

    def draw(self) -> None:
        """Draw; fetch again when its check was judged again, or a person did something with it."""
        check = self.check_here()
        item = self.model.check(check)
        began = self.model.engine_began
        seen = (item.view.as_of, item.view.standing, last_deed(self.model, {check}), began) if item else None
        if self._seen is not None and seen is not None and seen != self._seen:
            self.ask_again()
        self._seen = seen
        super().draw()

    @property
    def _found(self) -> Detail | None:
        return self._dossier.found

    def asked_for(self) -> str:
        """Name what is asked of the engine."""
        return "finding"

    def ask_again(self) -> None:
        """Fetch the finding, or the one so many steps from it."""
        turn = self.answer.ask((self._wanted, self._steps))
        start(self, partial(self._load, turn), group="detail", exclusive=True)

    async def _load(self, turn: int) -> None:
        try:
            with self.answer.noting(turn):
                await self._look(turn)
        except (OSError, TimeoutError):
            if self._found is not None:
                self._wanted = self._found.row.id
        finally:
            if turn == self.answer.turn:
                self._steps = 0
        self.draw()
        if self._found is not None:
            await self._dossier.look_around(self.home.port, self.model)
            self._page.redraw()

    async def _look(self, turn: int) -> None:
        """Fetch the finding that is wanted, and show it once it is there; raises ``PortFault``."""
        wanted = await self._stepped()
        await self._dossier.find(self.home.port, wanted)
        self.answer.came(turn)
        self._steps = 0
        if self._wanted != wanted:
            self._wanted = wanted
            self._page.move_to(0)

    async def _stepped(self) -> int:
        """Go so many steps in the list from which this was opened; gives where that ends. Raises ``PortFault``."""
        wanted, way = self._wanted, 1 if self._steps > 0 else -1
        for _ in range(abs(self._steps)):
            found = await self.home.stack.neighbour(self, wanted, way)
            if found is None:
                self.say(f"no finding {'after' if way > 0 else 'before'} this one in the list", "dim")
                break
            wanted = found
        return wanted

    def _page_content(self, width: int) -> Content:
        shown = self._dossier.sheet(self.model, self.keys_shown())
        known = self._known()
        if known is not None:
            return Content(
                title=_grey(title(known.detail)),
                note=line(Span("as the list told it", "dim")),
                rows=[(str(index), _grey(each)) for index, each in enumerate(page(known, width))],
            )
        if self._found is None or shown is None:
            gone = " this finding is gone" if self.answer.as_of is not None else " …"
            told = f" not fetched: {clean(self.answer.error)}" if self.answer.error else gone
            return Content(title=line(Span("Finding", "strong")), empty=[line(Span(told, "dim"))])
        return Content(
            title=title(self._found),
            note=note(self._found, self.model),
            rows=[(str(index), each) for index, each in enumerate(page(shown, width))],
        )

    def _known(self) -> Sheet | None:
        """Give what the list told, as long as the engine has told nothing."""
        if self._found is not None or self._row is None or self.answer.as_of is not None:
            return None
        if self._before is None:
            return self._dossier.sheet(self.model, self.keys_shown(), self._row)
        return Sheet(detail=self._before, model=self.model, keys=self.keys_shown())

    def _record_content(self, width: int) -> Content:
        known = self._known()
        lines = record(self._found.record, width) if self._found else []
        if known is not None and known.whole:
            lines = [_grey(each) for each in record(known.detail.record, width)]
        return Content(
            title=line(Span("Record", "strong")),
            note=line(Span("as the source told it", "dim")),
            rows=[(str(index), each) for index, each in enumerate(lines)],
        )

    def subject(self) -> tuple[str, str]:
        """Give the subject and the runbook."""
        if self._found is None:
            return "", ""
        return clean(self._found.row.subject), self._found.check.runbook

    def check_here(self) -> str:
        """Name the finding's check."""
        return self._found.row.check if self._found else ""

    def finding_here(self) -> Row | None:
        """Give the finding that is shown."""
        return self._found.row if self._found else None

    def look_again(self) -> None:
        """Show what a command changed."""
        self.ask_again()

    def action_neighbour(self, way: int) -> None:
        """Show the next or the previous finding of the list."""
        self._steps += way
        self.ask_again()

    def action_similar(self) -> None:
        """Show the check's findings with the same reason."""
        if self._found is not None:
            row = self._found.row
            self.home.open_check(row.check, whole("reason", row.reason))

    def run_targets(self) -> Sequence[str]:
        """Name the check's sources."""
        return list(self._found.check.sources) if self._found else []

    def action_waive(self) -> None:
        """Request a waiver of this finding."""
        if self._found is not None:
            request_waiver(self, self._found.row.check, [literal(self._found.row.subject)])

    def action_raw(self) -> None:
        """Show the record in the place of the page, or go back to the page."""
        if self.has_class("wide"):
            (self._page if self._record.has_focus else self._record).focus()
            return
        self.toggle_class("raw")
        (self._record if self.has_class("raw") else self._page).focus()

    def action_back(self) -> None:
        """Close the record, else go up."""
        if self.has_class("raw") and not self.has_class("wide"):
            self.action_raw()
        else:
            super().action_back()


def _grey(each: Line) -> Line:
    """Draw what may be no longer so."""
    return tuple(span._replace(role="dim") for span in each)
