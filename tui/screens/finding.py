"""One finding: why, on what evidence, what to do, what became of it, and the record as the source told it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from engine.port import Detail
from tui.findings import page, record
from tui.format import clean
from tui.keys import FINDING, Key, bindings
from tui.lines import Span, line
from tui.model import FAMILIES
from tui.screens.page import Page
from tui.status import row_word, word_cell
from tui.widgets.board import Board, Content

WIDE = 120
"""From this width on the record is beside the page."""


class FindingScreen(Page):
    """A page about one finding."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FINDING)
    KEYS: ClassVar[tuple[Key, ...]] = FINDING
    FOOTER: ClassVar[tuple[str, ...]] = ("finding.raw", "do.runbook", "do.copy", "do.run", "go.back", "app.quit")

    def __init__(self, finding: int) -> None:
        self._finding = finding
        self._found: Detail | None = None
        self._asked = False
        self._error = ""
        self._seen: object = None
        self._page = Board(self._page_content, id="page", selects=False)
        self._record = Board(self._record_content, id="record", selects=False)
        super().__init__()

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
        self._page.focus()
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

    def _fetch(self) -> None:
        self.run_worker(self._load(), group="detail", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        try:
            self._found = await self.home.port.detail(self._finding)
            self._error = ""
        except (OSError, TimeoutError) as error:
            self._error = str(error)
        self._asked = True
        self.draw()

    def _page_content(self, width: int) -> Content:
        if self._found is None:
            told = (
                f" not fetched: {clean(self._error)}"
                if self._error
                else " this finding is gone"
                if self._asked
                else " …"
            )
            return Content(title=line(Span("Finding", "strong")), empty=[line(Span(told, "dim"))])
        row = self._found.row
        word = row_word(row)
        lines = page(self._found, self.model.now, width)
        return Content(
            title=line(word_cell(word, len(word) + 3), Span(clean(row.label, 120), "strong")),
            note=line(Span(clean(row.check), "dim")),
            rows=[(str(index), each) for index, each in enumerate(lines)],
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

    def run_targets(self) -> Sequence[str]:
        """Name the check's sources."""
        return list(self._found.check.sources) if self._found else []

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
