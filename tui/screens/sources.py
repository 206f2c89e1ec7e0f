"""The sources: who tells, how old it is, what went wrong, and when each is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Self

from textual.binding import BindingType
from textual.widget import Widget

from engine.port import Event, EventQuery
from tui.keys import SOURCES, Key, bindings
from tui.place import Place
from tui.screens.deeds import accept_source
from tui.screens.page import Page
from tui.screens.waive import waive_blind
from tui.sources import detail, table
from tui.timeline import EVENTS_ASKED
from tui.widgets.board import Board, Content
from tui.work import start


class SourcesScreen(Page):
    """A table of sources, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SOURCES)
    KEYS: ClassVar[tuple[Key, ...]] = SOURCES
    FOOTER: ClassVar[tuple[str, ...]] = (
        "move.open",
        "do.run",
        "do.run_all",
        "source.accept",
        "go.events",
        "do.copy",
        "go.back",
    )

    def __init__(self, selected: str = "") -> None:
        self._table = Board(lambda width: table(self.model, width), id="sources")
        self._table.key = selected or None
        self._table.leads = True
        self._events: tuple[str, Sequence[Event]] | None = None
        """The source whose events are known, and they."""
        self._seen: object = None
        self._detail = Board(self._detail_content, id="source", selects=False)
        super().__init__()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place, the cursor on its source."""
        page = cls(place.name)
        page.restore(place)
        return page

    def place(self) -> Place:
        """Say where the cursor is."""
        return Place("sources", "", self._table.chosen)

    def restore(self, place: Place) -> None:
        """Put the cursor where it was."""
        if isinstance(place.left, str):
            self._table.select(place.left)

    def _detail_content(self, width: int) -> Content:
        name = self._table.key
        known = self._events[1] if self._events is not None and self._events[0] == name else None
        return detail(self.model, name, width, known)

    def draw(self) -> None:
        """Draw; ask for the source's events again when it was asked."""
        super().draw()
        source = self.model.source(self._table.key or "")
        seen = None if source is None else (source.name, source.attempted_at, source.last_error)
        if seen != self._seen:
            self._seen = seen
            if source is not None:
                start(self, partial(self._load, source.name), group="events", exclusive=True)

    async def _load(self, name: str) -> None:
        query = EventQuery(kinds=("source",), what=name, limit=EVENTS_ASKED)
        try:
            self._events = name, (await self.home.port.events(query)).events
        except (OSError, TimeoutError):
            self._events = None
        self._detail.redraw()

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ Sources"

    def body(self) -> Sequence[Widget]:
        """Give the table and the detail."""
        return [self._table, self._detail]

    def on_mount(self) -> None:
        """Start in the table."""
        self.set_focus(self._table)

    def lay_out(self, _width: int, height: int) -> None:
        """Give the table what it needs and the detail the rest."""
        rows = len(self.model.sources) + 3
        self._table.styles.height = "1fr" if height < 16 else max(4, min(rows, (height - 3) // 2))
        self.set_class(height < 16, "short")

    def subject(self) -> tuple[str, str]:
        """Give the selected source's name."""
        return self._table.key or "", ""

    def run_targets(self) -> Sequence[str]:
        """Name the selected source."""
        return [self._table.key] if self._table.key else []

    def action_waive(self) -> None:
        """Request a waiver of what the selected source cannot tell."""
        name = self._table.key or ""
        waive_blind(self, [item for item in self.model.items if name in item.view.sources], name)

    def object_here(self) -> str:
        """Name the source whose events are meant."""
        return self._table.key or ""

    def action_open_check(self, name: str) -> None:
        """Show the findings of a check that reads the source."""
        self.home.open_check(name)

    def action_accept(self) -> None:
        """Accept that the selected source tells of fewer subjects."""
        accept_source(self, self._table.key or "")

    def on_board_moved(self) -> None:
        """Tell about another source."""
        self.draw()

    def on_board_opened(self) -> None:
        """Go into the detail, to scroll it; on a small screen it takes the table's place."""
        self.add_class("told")
        self.call_after_refresh(self._into_detail)

    def _into_detail(self) -> None:
        self._detail.focus()
        self.draw()

    def close_prompt(self) -> bool:
        """Go back from the detail to the table; False when that is where one is."""
        was = self._detail.has_focus
        if was:
            self.remove_class("told")
            self._table.focus()
            self.call_after_refresh(self.draw)
        return was
