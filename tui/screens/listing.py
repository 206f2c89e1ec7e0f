"""A page with a list of findings: filtered, sorted, frozen, marked, in columns of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

import msgspec
from textual.timer import Timer
from textual.widgets import Input

from engine.port import Query, Row, Rows
from tui.columns import Sort, headings, row_line, sort_beside
from tui.filters import Filter, Scope, applied, parse, suggestions
from tui.findings import VIEWS, Shown, chips
from tui.format import clean, number
from tui.lines import BLANK, Line, Span, ends, line, size
from tui.marks import Marks, same_list
from tui.model import Item, Word
from tui.screens.answered import Answered
from tui.screens.freezing import Freezing
from tui.screens.marking import Marking
from tui.screens.menu import Menu, Option
from tui.screens.prompt import Prompt, Suggest
from tui.screens.shape import Shape
from tui.screens.taking import Taking
from tui.status import row_word
from tui.widgets.bars import Strips
from tui.widgets.paged import SLOW_SECONDS
from tui.widgets.table import GUTTER, Table
from tui.work import start

DEBOUNCE_SECONDS = 0.05
BAD = {Word.FAIL, Word.BLIND}
_SORT_SAYS = {
    "worst": "failures first, urgent before others, then the longest; waived last",
    "since": "the longest first",
    "label": "whom it is about",
    "reason": "the reason",
    "check": "the configured check",
    "source": "who told it",
}


class Listing(Answered):
    """A list of findings and what is done with it; the screen itself says which checks it is about."""

    def __init__(self) -> None:
        super().__init__()
        self.typed = ""
        """What was typed into the filter."""
        self.narrowed = Filter()
        self._debounce: Timer | None = None
        self.chips = Strips(self._chip_lines, id="chips")
        self.heads = Strips(self._head_lines, id="heads")
        self.hints = Strips(self._hint_lines, id="hints")
        self.table = Table(self._fetch, self._row, self.moved, answer=self.answer, id="findings")
        self.shape = Shape(self, self.table, self.kept_as)
        self.prompt = Prompt(self.close_prompt, Suggest(self.scope))
        self.freezing = Freezing(self, self.table)
        self.marking = Marking(self, self.table)
        self.taking = Taking(self, self.table, self.said, self.marking.ready)

    def items(self) -> Sequence[Item]:
        """Give the checks that the list is about."""
        return self.model.items

    def kept_as(self) -> str:
        """Name the view for which columns are kept."""
        return self.table.query_shown.view

    def judged(self) -> int | None:
        """Count the subjects that were judged; None where that is not known exactly."""
        return None

    def said(self) -> str:
        """Say in words what the list shows."""
        query = self.table.query_shown
        return f"view {query.view}" + (f", filter {self.typed}" if self.typed else "")

    def nothing(self) -> Line:
        """Say why there is no row."""
        return BLANK

    def redraw_edges(self) -> None:
        """Draw what is around the list."""
        for widget in (self.chips, self.heads, self.hints):
            widget.redraw()

    def scope(self) -> Scope:
        """Give the names that a filter may hold."""
        return Scope(checks=[item.view for item in self.items()], now=self.model.now)

    def held(self) -> str:
        """Say how much the frozen list does not show."""
        return self.freezing.held()

    def _chip_lines(self, width: int) -> list[Line]:
        table = self.table
        shown = Shown(
            query=table.query_shown,
            typed=self.typed,
            faults=self.narrowed.faults,
            matching=table.matching if table.loaded else 0,
            total=table.total,
            counted=table.counted,
            fetched=table.loaded or not self.answer.error,
            error=self.answer.error,
            took_seconds=table.took_seconds or None,
            waiting_seconds=table.waiting_seconds if table.is_slow else None,
            marked=table.marks.described(),
            frozen=self.held() or None,
            exporting=self.taking.exporting,
            judged=self.judged(),
            columns_key=self.home.keymap.named("list.columns"),
            hidden=self.shape.hidden() if table.loaded else 0,
        )
        told, right = chips(shown), self.beside_chips()
        return [ends(told, right, width) if self.has_class("short") or size(told) + size(right) < width else told]

    def beside_chips(self) -> Line:
        """Say which row of how many has the cursor."""
        table = self.table
        place = f"row {number(table.index + 1)}/{number(table.matching)} " if table.counted and table.matching else " "
        return line(Span(place, "dim"))

    def _head_lines(self, _width: int) -> list[Line]:
        return [(Span(" " * GUTTER), *headings(self.shape.layout(), self.table.query_shown))]

    def _hint_lines(self, _width: int) -> list[Line]:
        found = suggestions(self.prompt.value, self.scope())
        return [line(Span("   " + clean("  ".join(found)), "dim"))]

    async def _fetch(self, query: Query) -> Rows:
        return await self.home.port.rows(query)

    def _row(self, row: Row, _width: int) -> Line:
        return row_line(row, self.model.check(row.check), self.model.now, self.shape.layout())

    # What the list tells ----------------------------------------------------------------------------------------------

    def moved(self) -> None:
        """Tell about another row."""
        self.tell_untold()
        self.table.note = self.nothing()
        self.redraw_edges()

    def on_paged_slow(self) -> None:
        """Tell for how long the store has been asked."""
        self.chips.redraw()

    def on_paged_failed(self) -> None:
        """Say that the engine did not give the rows, until it does."""
        self.tell_untold()
        if not self.table.loaded:
            self.table.note = BLANK
        self.redraw_edges()

    def asked_for(self) -> str:
        """Say whether the rows that are shown are in the order that is asked for."""
        shown = self.answer.shown
        return "rows" if shown is None or shown == self.table.query_shown else "unsorted rows"

    def ask_again(self) -> None:
        """Fetch the rows that could not be fetched."""
        self.table.again()

    def go_on(self) -> None:
        """Count again what a frozen list does not show, too, where that could not be counted."""
        self.freezing.go_on()
        super().go_on()

    # Filter -----------------------------------------------------------------------------------------------------------

    def show_prompt(self, *, shown: bool) -> None:
        """Show what a filter is typed into, or hide it."""
        self.prompt.display = self.hints.display = shown

    def action_filter(self) -> None:
        """Open the prompt."""
        self.prompt.value = self.typed
        self.prompt.cursor_position = len(self.typed)
        self.show_prompt(shown=True)
        self.set_focus(self.prompt)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while typing, a moment after the last key."""
        self.hints.redraw()
        if self._debounce is not None:
            self._debounce.stop()
        if self.prompt.display:
            self._debounce = self.set_timer(DEBOUNCE_SECONDS, lambda: self.narrow(message.value))

    def narrow(self, typed: str) -> None:
        """Filter the list, as if it was typed."""
        if typed == self.typed:
            return
        self.typed = typed
        self.narrowed = parse(typed, self.scope())
        self._show(applied(self.table.query_shown, self.narrowed))

    def close_prompt(self) -> bool:
        """Close the prompt and keep what was typed."""
        if not self.prompt.display:
            return False
        if self._debounce is not None:
            self._debounce.stop()
        self.show_prompt(shown=False)
        self.set_focus(self.table)
        self.narrow(self.prompt.value)
        return True

    def clear_filter(self) -> bool:
        """Clear the filter."""
        if not self.typed:
            return False
        self.prompt.value = ""
        self.narrow("")
        return True

    # Which findings, in which order -----------------------------------------------------------------------------------

    def change(self, **changes: object) -> None:
        """Show another query: the present one with changes."""
        self._show(msgspec.structs.replace(self.table.query_shown, **changes))

    def _show(self, query: Query) -> None:
        """Show another query; marks of all that match are of the list that they were made on."""
        table = self.table
        every = table.marks.every
        if every is not None and not same_list(every, query):
            table.mark(Marks())
            self.say("the list is another: nothing is marked any more", "dim")
        self.freezing.thaw()
        table.note = BLANK
        table.show(query)
        self.redraw_edges()

    def action_view(self) -> None:
        """Show the next view."""
        self.change(view=VIEWS[(VIEWS.index(self.table.query_shown.view) + 1) % len(VIEWS)])

    def action_sort(self) -> None:
        """Ask for a column to sort by."""
        keys = {"worst": "w", "since": "t", "label": "l", "reason": "r", "check": "c", "source": "s"}
        options = [Option(each, keys[each], each, _SORT_SAYS[each]) for each in get_args(Sort)]

        def picked(name: str | None) -> None:
            if name is not None:
                self.action_sort_by(name)

        _ = self.app.push_screen(Menu("Sort by (the same one again reverses)", options, at=self._sort), picked)

    @property
    def _sort(self) -> Sort:
        return self.table.query_shown.sort

    def action_sort_by(self, sort: str) -> None:
        """Sort by a column; by the same one again, the other way round."""
        reverse = sort == self._sort and not self.table.query_shown.reverse
        self.change(sort=sort, reverse=reverse)

    def action_sort_beside(self, way: int) -> None:
        """Sort by the column to the left or right."""
        self.change(sort=sort_beside(self._sort, way, self.shape.chosen()), reverse=False)

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.change(reverse=not self.table.query_shown.reverse)

    def action_next_bad(self) -> None:
        """Go to the next failure or unknown of the list."""
        self._step_bad(1)

    def action_previous_bad(self) -> None:
        """Go to the previous failure or unknown of the list."""
        self._step_bad(-1)

    def _step_bad(self, way: int) -> None:
        start(self, partial(self._seek, way), group="seek", exclusive=True)

    async def _seek(self, way: int) -> None:
        try:
            found = await self.table.seek(way, lambda row: row_word(row) in BAD)
        except (OSError, TimeoutError) as error:
            self.say(f"rows not fetched: {error}", "fail")
            return
        if not found:
            self.say(f"no failure {'after' if way > 0 else 'before'} this one near by", "dim")

    # Freezing ---------------------------------------------------------------------------------------------------------

    def action_freeze(self) -> None:
        """Leave the list as it is, or bring it up to date again."""
        if not self.freezing.is_on and not self.table.counted:
            self._once_counted(self.action_freeze)
            return
        if self.freezing.is_on:
            self.freezing.thaw()
            self.table.reload()
        else:
            self.freezing.freeze()
        self.redraw_edges()
        self.draw()

    def renew(self) -> None:
        """Fetch the rows again, or count what a frozen list does not show."""
        if self.freezing.is_on:
            self.freezing.count()
        else:
            self.table.reload()

    # Marks and columns ------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the finding, or no longer, and go on."""
        self.table.toggle_mark()
        self.table.action_down()

    def action_mark_all(self) -> None:
        """Mark all that match, once it is known which."""
        if self.table.waiting_seconds is not None or not self.table.counted:
            self._once_counted(self.action_mark_all)
            return
        self.marking.mark_all()

    def _once_counted(self, action: Callable[[], None]) -> None:
        """Do something in a moment, if an answer is under way that counts the list."""
        if self.table.waiting_seconds is None:
            self.say("the list is not counted: the engine did not answer", "warn")
        else:
            self.set_timer(SLOW_SECONDS, action)

    def action_unmark(self) -> None:
        """Mark nothing any more."""
        self.table.mark(Marks())

    def action_shift(self, way: int) -> None:
        """Scroll sideways by a column."""
        self.shape.shift(way)
        self._reshaped()

    def action_columns(self) -> None:
        """Ask which columns are shown."""
        self.shape.ask(self._reshaped)

    def _reshaped(self) -> None:
        self.redraw_edges()
        self.table.repaint()

    # What is taken away -----------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Ask what to copy."""
        self.taking.copy(self.shape.chosen())

    def action_export(self) -> None:
        """Ask where to write the findings to, or stop writing."""
        self.taking.export()

    def action_ack(self, note: str = "") -> None:
        """Acknowledge the finding, or all that are marked; without a note that is asked."""
        self.taking.each_marked(partial(self.taking.ack, note=note))

    def look_again(self) -> None:
        """Show what a command changed."""
        self.renew()

    def action_waive(self) -> None:
        """Request a waiver of the finding, or of all that are marked."""
        self.taking.each_marked(self.taking.waive)
