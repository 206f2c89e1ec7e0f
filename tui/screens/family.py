"""A family: its checks, and the findings of all of them or of one, filtered, sorted and paged by the engine's store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from engine.port import Query, Row, Rows
from tui.findings import SORTS, VIEWS, about, check_chip, chips, headings, parse_filter, row_line, todo, why
from tui.findings import standing as standing_lines
from tui.format import clean, number, wrap
from tui.keys import FAMILY, Key, bindings
from tui.lines import BLANK, Line, Span, ends, line
from tui.model import FAMILIES, Item, Word
from tui.screens.finding import FindingScreen
from tui.screens.page import Page
from tui.status import row_word
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.widgets.table import Table

WIDE = 120
"""From this width on the finding under the cursor is told beside the list."""
DEBOUNCE_SECONDS = 0.1
BAD = {Word.FAIL, Word.BLIND}


class FamilyScreen(Page):
    """Findings of a family."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FAMILY)
    KEYS: ClassVar[tuple[Key, ...]] = FAMILY
    FOOTER: ClassVar[tuple[str, ...]] = (
        "list.filter",
        "list.view",
        "list.sort",
        "list.reverse",
        "list.check",
        "do.run",
        "do.copy",
        "go.back",
    )

    def __init__(self, family: str, check: str | None = None) -> None:
        self.family = family
        self.typed = ""
        """What was typed into the filter."""
        self._seen: object = None
        """What the rows depend on, as it was when they were fetched."""
        self._debounce: Timer | None = None
        self._checks = Strips(self._check_lines, id="checks")
        self._chips = Strips(self._chip_lines, id="chips")
        self._heads = Strips(lambda _width: [headings(self._table.size.width - 1, self._table.query_shown)], id="heads")
        self._table = Table(self._fetch, self._row, id="findings")
        self._table.query_shown = Query(family=family, check=check)
        self._about = Strips(self._about_lines, id="about")
        self._detail = Board(self._detail_content, id="detail", selects=False)
        self._prompt = Input(id="prompt", compact=True, select_on_focus=False)
        self._prompt.cursor_blink = False
        super().__init__()

    def crumbs(self) -> str:
        """Say where this is."""
        return f"controlwatch ▸ {FAMILIES.get(self.family, self.family)}"

    def body(self) -> Sequence[Widget]:
        """Give the checks, the filter, and the list beside its detail."""
        lists = Horizontal(self._table, self._detail, id="lists")
        return [self._checks, self._chips, self._prompt, self._heads, lists, self._about]

    def on_mount(self) -> None:
        """Fetch the first page."""
        self._prompt.display = False
        self._table.focus()
        self._table.show(self._table.query_shown)

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list, or below it, or leave it out."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(height < 16, "short")

    def draw(self) -> None:
        """Draw; fetch the rows again when what they come from has changed."""
        super().draw()
        seen = [(item.view.name, item.view.as_of, item.view.standing, item.view.opened_24h) for item in self._items()]
        if self._seen is not None and seen != self._seen and self._table.is_mounted:
            self._table.reload()
        self._seen = seen
        self._table.redraw()

    def _items(self) -> list[Item]:
        return self.model.family(self.family)

    def _query(self) -> Query:
        return self._table.query_shown

    def _change(self, **changes: object) -> None:
        """Show another query."""
        self._table.note = BLANK
        self._table.show(msgspec.structs.replace(self._query(), **changes))
        self._chips.redraw()
        self._heads.redraw()

    def _check_lines(self, _width: int) -> list[Line]:
        spans: list[Span] = [Span(" ")]
        for item in self._items():
            picked = self._query().check in {None, item.view.name}
            chip = check_chip(item)
            spans += [*(chip if picked else (Span(each.text, "faint") for each in chip)), Span("   ")]
        return [tuple(spans)] if len(spans) > 1 else [line(Span(" no check of this family is configured", "dim"))]

    def _chip_lines(self, width: int) -> list[Line]:
        table = self._table
        left = chips(self._query(), self.typed, table.matching, table.total)
        place = f"row {number(table.index + 1)}/{number(table.matching)} " if table.matching else " "
        return [ends(left, line(Span(place, "dim")), width)]

    async def _fetch(self, query: Query) -> Rows:
        return await self.home.port.rows(query)

    def _row(self, row: Row, width: int) -> Line:
        return row_line(row, self.model.now, width - 1)

    def _about_lines(self, _width: int) -> list[Line]:
        row = self._table.row
        return about(row, self.model.check(row.check) if row else None, self.model.now)

    def _detail_content(self, width: int) -> Content:
        row = self._table.row
        if row is None:
            return Content(title=line(Span("Finding", "strong")))
        item = self.model.check(row.check)
        lines = [*standing_lines(row, self.model.now, width), BLANK, *why(row, width), BLANK]
        lines += [line(Span(" Do", "strong")), *_wrapped(todo(row, item), width)]
        rows = [(str(index), each) for index, each in enumerate(lines)]
        return Content(title=line(Span(clean(row.label, 80), "strong")), rows=rows)

    def on_table_moved(self) -> None:
        """Tell about another row."""
        self._table.note = self._nothing()
        for widget in (self._chips, self._about, self._detail):
            widget.redraw()

    def on_table_failed(self, message: Table.Failed) -> None:
        """Say that the engine did not give the rows."""
        self.say(f"rows not fetched: {message.error}", "fail")

    def on_table_opened(self, message: Table.Opened) -> None:
        """Show one finding."""
        self.home.show(FindingScreen(message.row.id))

    def _nothing(self) -> Line:
        """Say why there is no row: filtered away, or proof that it was looked at."""
        table = self._table
        if self.typed:
            return line(
                Span(f" 0 of {number(table.total)} match “{clean(self.typed, 40)}”: esc clears the filter", "dim")
            )
        scope = [item for item in self._items() if self._query().check in {None, item.view.name}]
        if self._query().view not in {"open", "all"}:
            return line(Span(f" no finding is {self._query().view}: v shows another view", "dim"))
        if any(item.word is Word.BLIND for item in scope):
            return line(
                Span(" ? ", "bold.blind"), Span("no finding is known, and a check is blind: this proves nothing", "dim")
            )
        subjects = sum(item.view.tally.population for item in scope)
        return line(Span(" ✔ ", "pass"), Span(f"no findings, {number(subjects)} subjects judged", "text"))

    def subject(self) -> tuple[str, str]:
        """Give the finding's subject, and its check's runbook."""
        row = self._table.row
        item = self.model.check(row.check) if row else None
        return (clean(row.subject) if row else "", item.view.runbook if item else "")

    def run_targets(self) -> Sequence[str]:
        """Name the sources of the family, or of the check that is shown alone."""
        scope = [item for item in self._items() if self._query().check in {None, item.view.name}]
        return sorted({name for item in scope for name in item.view.sources})

    def action_filter(self) -> None:
        """Open the prompt."""
        self._prompt.value = self.typed
        self._prompt.display = True
        self._prompt.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while typing, a moment after the last key."""
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE_SECONDS, lambda: self._filter(message.value))

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the list."""
        self._close_prompt()

    def _filter(self, typed: str) -> None:
        if typed == self.typed:
            return
        self.typed = typed
        text, outcome = parse_filter(typed)
        self._change(text=text, outcome=outcome)

    def _close_prompt(self) -> None:
        self._prompt.display = False
        self._table.focus()
        self._filter(self._prompt.value)

    def action_back(self) -> None:
        """Close the prompt, else clear the filter, else go up."""
        if self._prompt.display:
            self._close_prompt()
        elif self.typed:
            self._prompt.value = ""
            self._filter("")
        else:
            super().action_back()

    def action_view(self) -> None:
        """Show the next view."""
        self._change(view=VIEWS[(VIEWS.index(self._query().view) + 1) % len(VIEWS)])

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._change(sort=SORTS[(SORTS.index(self._query().sort) + 1) % len(SORTS)], reverse=False)

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._change(reverse=not self._query().reverse)

    def action_next_check(self) -> None:
        """Show the next check of the family alone, after the last one all."""
        self._step_check(1)

    def action_previous_check(self) -> None:
        """Show the previous check of the family alone, before the first one all."""
        self._step_check(-1)

    def _step_check(self, way: int) -> None:
        names: list[str | None] = [None, *(item.view.name for item in self._items())]
        at = names.index(self._query().check) if self._query().check in names else 0
        self._change(check=names[(at + way) % len(names)])
        self._checks.redraw()

    def action_next_bad(self) -> None:
        """Go to the next failure or unknown of the page."""
        self._step_bad(1)

    def action_previous_bad(self) -> None:
        """Go to the previous failure or unknown of the page."""
        self._step_bad(-1)

    def _step_bad(self, way: int) -> None:
        at = self._table.index + way
        while 0 <= at < self._table.matching:
            row = self._table.row_at(at)
            if row is None or row_word(row) in BAD:
                self._table.move_to(at)
                return
            at += way

    def action_panel(self, place: int) -> None:
        """Show the family of that number."""
        self.home.show(FamilyScreen(list(FAMILIES)[place - 1]))


def _wrapped(text: str, width: int) -> list[Line]:
    return [line(Span(f"  {each}")) for each in wrap(text, max(8, width - 3))]
