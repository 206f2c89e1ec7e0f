"""A table over pages that are fetched as they come into sight; a million rows cost what a screenful costs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from engine.port import Row
from tui.answer import Answer
from tui.keys import MOVE, bindings
from tui.lines import BLANK, Line, Span, crop
from tui.marks import Marks
from tui.widgets.paged import Fetch, Paged
from tui.widgets.painted import ascii_of, palette_of, strip_of

GUTTER = 2
"""Cells before a row: the cursor, and whether it is marked."""
Draw = Callable[[Row, int], Line]
Drawn = tuple[Line, bool]
"""A row, and whether the cursor is on it."""


class Table(Paged, can_focus=True):
    """A virtual list of findings."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(MOVE)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(
        self,
        fetch: Fetch,
        draw: Draw,
        moved: Callable[[], None] = lambda: None,
        *,
        answer: Answer | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Ask ``fetch`` for pages and ``draw`` for rows.

        ``moved`` is called when the cursor is on another row or the list has other rows: at once, so that what tells
        about the row is painted in the same frame. ``answer`` tells how the asking stands, at the screen's clock.
        """
        super().__init__(fetch, moved, answer=answer, id=id)
        self._draw = draw
        self._drawn: dict[int, Drawn] = {}
        """What is on the screen, by place."""
        self._kept: dict[int, tuple[Row, bool, bool, Drawn]] = {}
        """What rows look like, by place, and what that was drawn from."""
        self.marks = Marks()
        self.scrolled: Callable[[], None] = lambda: None
        """Called when other rows are in sight."""
        self.note: Line = BLANK
        """What to say when there is no row."""

    def _line(self, index: int) -> Drawn:
        """Draw one row as data, unless it was drawn from the same before."""
        row, lit = self.row_at(index), index == self.index and self.has_focus
        marked = row is not None and row in self.marks
        kept = self._kept.get(index)
        if row is not None and kept is not None and kept[0] is row and kept[1:3] == (lit, marked):
            return kept[3]
        drawn = self._fresh(index, row, lit=lit, marked=marked)
        if row is not None:
            if len(self._kept) > 8 * max(1, self.size.height):
                self._kept.clear()
            self._kept[index] = (row, lit, marked, drawn)
        return drawn

    def _fresh(self, index: int, row: Row | None, *, lit: bool, marked: bool) -> Drawn:
        width = self.size.width
        if index >= self.matching:
            return crop(self.note if self.matching == 0 and index == 0 and self.loaded else BLANK, width), False
        mark = Span("▌", "mark") if lit else Span(" ")
        if row is None:
            return crop((mark, Span(" …", "dim")), width), lit
        flag = Span("●", "mark") if marked else Span(" ")
        return crop((mark, flag, *self._draw(row, width - GUTTER)), width), lit

    def redraw(self, *, fresh: bool = False) -> None:
        """Draw again; rows in sight that are as they were are left alone. ``fresh``: time has passed for all."""
        if fresh:
            self._kept.clear()
        top, width = int(self.scroll_offset.y), self.size.width
        changed = [y for y in range(self.size.height) if self._drawn.get(top + y) != self._line(top + y)]
        for _, run in groupby(enumerate(changed), lambda each: each[1] - each[0]):
            rows = [y for _, y in run]
            self.refresh(Region(0, rows[0], width, len(rows)))

    def repaint(self) -> None:
        """Draw everything again."""
        self._drawn.clear()
        self._kept.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Turn one row into segments; text is literal, never markup."""
        top = int(self.scroll_offset.y)
        index = top + y
        drawn = self._line(index)
        if len(self._drawn) > 4 * max(1, self.size.height):
            in_sight = range(top, top + self.size.height)
            self._drawn = {each: kept for each, kept in self._drawn.items() if each in in_sight}
        self._drawn[index] = drawn
        strip = strip_of(drawn[0], palette_of(self), lit=drawn[1], ascii_only=ascii_of(self))
        return strip.extend_cell_length(self.size.width).apply_style(self.rich_style)

    def on_resize(self) -> None:
        """Fit the new size."""
        self.virtual_size = Size(self.size.width, self.matching)
        if self.matching and self.index - int(self.scroll_offset.y) >= self.size.height:
            self.move_to(self.index)
        self.repaint()
        self._want()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Fetch what has come into sight."""
        super().watch_scroll_y(old, new)
        self.scrolled()
        self._want()

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's watchers are called like this
        """Show the cursor, or hide it."""
        super().watch_has_focus(_has_focus)
        self.redraw()

    def action_down(self) -> None:
        """Go one row down."""
        self.move_to(self.index + 1)

    def action_up(self) -> None:
        """Go one row up."""
        self.move_to(self.index - 1)

    def action_top(self) -> None:
        """Go to the first row."""
        self.move_to(0)
        self._wish = "" if self.counted else "top"

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.move_to(self.matching - 1)
        self._wish = "" if self.counted else "bottom"

    def action_page_down(self) -> None:
        """Go one page down."""
        self.move_to(self.index + max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        """Go one page up."""
        self.move_to(self.index - max(1, self.size.height - 1))

    def action_open(self) -> None:
        """Open the cursor's row."""
        if self.row is not None:
            self.post_message(self.Opened(self.row))

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer; a second click opens it, one in the margin or with ctrl marks it."""
        index = int(self.scroll_offset.y) + event.y
        if index >= self.matching:
            return
        self.move_to(index)
        if event.ctrl or event.x < GUTTER:
            self.toggle_mark()
            return
        if event.chain > 1:
            self.action_open()

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or no longer."""
        if self.row is not None:
            self.mark(self.marks.toggled(self.row))

    def mark(self, marks: Marks) -> None:
        """Show other marks."""
        self.marks = marks
        self.redraw()
        self._moved()
