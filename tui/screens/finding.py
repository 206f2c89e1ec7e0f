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
from tui.finding import note, page, record, title
from tui.format import clean
from tui.keys import FINDING, Key, bindings
from tui.lines import Span, line
from tui.model import FAMILIES
from tui.place import Place
from tui.screens.page import Page
from tui.screens.waive import request_waiver
from tui.widgets.board import Board, Content
from tui.work import start

WIDE = 120
"""From this width on the record is beside the page."""


class FindingScreen(Page):
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

    WAITS: ClassVar[bool] = True

    def __init__(self, finding: int) -> None:
        self._finding = finding
        self._dossier = Dossier()
        self._asked = False
        self._error = ""
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
        return Place("finding", str(self._finding))

    def crumbs(self) -> str:
        """Say where this is."""
        if self._found is None:
            return "controlwatch ▸ finding"
        row = self._found.row
        return f"controlwatch ▸ {FAMILIES.get(row.family, clean(row.family))} ▸ {clean(row.check)}"

    def body(self) -> Sequence[Widget]:
        """Give the page and the record."""
        return [Horizontal(self._page, self._record, id="lists")]

    def on_mount(self) -> None:
        """Fetch the finding."""
        self.set_focus(self._page)
        self._fetch()

    def lay_out(self, width: int, _height: int) -> None:
        """Put the record beside the page where there is room."""
        self.set_class(width >= WIDE, "wide")

    def draw(self) -> None:
        """Draw; fetch again when its check was judged again."""
        item = self.model.check(self._found.row.check) if self._found else None
        seen = (item.view.as_of, item.view.standing) if item else None
        if self._seen is not None and seen is not None and seen != self._seen:
            self._fetch()
        self._seen = seen
        super().draw()

    @property
    def _found(self) -> Detail | None:
        return self._dossier.found

    def _fetch(self) -> None:
        start(self, self._load, group="detail", exclusive=True)

    async def _load(self) -> None:
        try:
            await self._dossier.find(self.home.port, self._finding)
            self._error = ""
        except (OSError, TimeoutError) as error:
            self._error = str(error)
        self._asked = True
        self.unveil()
        self.draw()
        if self._found is not None:
            await self._dossier.look_around(self.home.port, self.model)
            self._page.redraw()

    def _page_content(self, width: int) -> Content:
        shown = self._dossier.sheet(self.model, self.keys_shown())
        if self._found is None or shown is None:
            told = (
                f" not fetched: {clean(self._error)}"
                if self._error
                else " this finding is gone"
                if self._asked
                else " …"
            )
            return Content(title=line(Span("Finding", "strong")), empty=[line(Span(told, "dim"))])
        return Content(
            title=title(self._found),
            note=note(self._found, self.model),
            rows=[(str(index), each) for index, each in enumerate(page(shown, width))],
        )

    def _record_content(self, width: int) -> Content:
        lines = record(self._found.record, width) if self._found else []
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
        self._fetch()

    def action_neighbour(self, way: int) -> None:
        """Show the next or the previous finding of the list."""
        start(self, partial(self._step, way), group="step", exclusive=True)

    async def _step(self, way: int) -> None:
        try:
            found = await self.home.stack.neighbour(self, self._finding, way)
        except (OSError, TimeoutError) as error:
            self.say(f"not fetched: {error}", "fail")
            return
        if found is None:
            self.say("no finding after this one in the list" if way > 0 else "no finding before this one", "dim")
            return
        self._finding = found
        self._page.move_to(0)
        await self._load()

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
