"""The page beside a list: the finding under the cursor, with its evidence once the cursor rests on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.timer import Timer

from engine.port import Detail, Row
from tui.answer import Answer
from tui.dossier import Dossier
from tui.finding import page
from tui.format import clean
from tui.lines import Line, Span, line
from tui.screens.answered import Answered
from tui.status import row_word, word_cell
from tui.widgets.board import Board, Content
from tui.widgets.table import Table
from tui.work import start

REST_SECONDS = 0.15
"""How long the cursor rests on a finding before its evidence is fetched."""
SCROLLED = 3
"""Lines of the page beside the list that a key scrolls."""
ALIKE, SIMILAR = "list.alike", "finding.similar"


class Closer:
    """What is known of the finding under a list's cursor; its board is put beside the list."""

    def __init__(self, on: Answered, table: Table) -> None:
        self._on = on
        self._table = table
        self._dossier = Dossier()
        self._answer = Answer(on.answer.clock)
        self._rest: Timer | None = None
        self._told: int | None = None
        """The finding that the board is about."""
        self.board = Board(self._content, id="detail", selects=False)

    @property
    def found(self) -> Detail | None:
        """Give what was told of the finding under the cursor; None before that, and where there is none."""
        row, found = self._table.row, self._dossier.found
        return found if row is not None and found is not None and found.row.id == row.id else None

    def turn(self) -> None:
        """Draw; from the top, where that is about another finding."""
        if self._told != self._table.cursor_id:
            self._told = self._table.cursor_id
            self.board.move_to(0)
        self.board.redraw()

    def look(self) -> None:
        """Fetch evidence and history, once the cursor rests."""
        row, found = self._table.row, self._dossier.found
        if found is not None and found.row == row:
            self._answer.mended(self._answer.turn)
        elif row is not None:
            if self._rest is not None:
                self._rest.stop()
            self._rest = self._on.set_timer(REST_SECONDS, self._fetch)

    def go_on(self) -> None:
        """Ask again for what was not fetched."""
        if self._answer.is_due:
            self.look()

    def scroll(self, way: int) -> None:
        """Scroll the board."""
        for _ in range(SCROLLED):
            (self.board.action_down if way > 0 else self.board.action_up)()

    def _fetch(self) -> None:
        row = self._table.row
        if row is not None:
            turn = self._answer.ask(row.id)
            start(self._on, partial(self._load, row.id, turn), group="detail", exclusive=True)

    async def _load(self, finding: int, turn: int) -> None:
        try:
            with self._answer.noting(turn):
                await self._dossier.find(self._on.home.port, finding)
        except (OSError, TimeoutError):
            if self._dossier.found is None or self._dossier.found.row.id != finding:
                self._answer.drop()
            self.board.redraw()
            return
        self._answer.came(turn)
        self.board.redraw()
        await self._dossier.look_around(self._on.home.port, self._on.model)
        self.board.redraw()

    def _content(self, width: int) -> Content:
        row = self._table.row
        keys = self._on.keys_shown()
        shown = None if row is None else self._dossier.sheet(self._on.model, {**keys, SIMILAR: keys[ALIKE]}, row)
        if row is None or shown is None:
            return Content(title=line(Span("Finding", "strong")), empty=[line(Span("  none is selected", "dim"))])
        word = row_word(row)
        return Content(
            title=line(word_cell(word, len(word) + 2), Span(f" {clean(row.label, 80)}", "strong")),
            head=self._untold(row, width),
            rows=[(str(index), each) for index, each in enumerate(page(shown, width))],
            more=self._more,
        )

    def _untold(self, row: Row, width: int) -> list[Line]:
        """Say that the evidence of the finding under the cursor is not here, or is that of before."""
        return self._answer.told("evidence", self._on.model.now, width) if self._answer.asked == row.id else []

    def _more(self, hidden: Sequence[str]) -> Line:
        above, keys = hidden[0] == "0", self._on.keys_shown()
        key = keys["detail.up" if above else "detail.down"]
        return line(
            Span(f"… {len(hidden)} more {'above' if above else 'below'}  ", "dim"),
            Span(key, "key", f"scroll_detail({-1 if above else 1})"),
            Span(" scrolls  ", "dim"),
            Span(self._on.home.keymap.named("move.open"), "key", "open_here"),
            Span(" whole page", "dim", "open_here"),
        )
