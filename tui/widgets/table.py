"""A table over pages that are fetched as they come into sight; a million rows cost what a screenful costs.

The cursor belongs to a row's id, not to its place: new rows above it move it along.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.port import Query, Row, Rows
from tui.keys import MOVE, bindings
from tui.lines import BLANK, Line, Span, crop, line
from tui.widgets.painted import ascii_of, palette_of, strip_of

PAGE_ROWS = 200
KEPT_PAGES = 8
Fetch = Callable[[Query], Awaitable[Rows]]
Draw = Callable[[Row, int], Line]


class Table(ScrollView, can_focus=True):
    """A virtual list of findings."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(MOVE)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Moved(Message):
        """The cursor is on another row, or the list has other rows."""

    class Failed(Message):
        """A page could not be fetched."""

        def __init__(self, error: str) -> None:
            super().__init__()
            self.error = error

    def __init__(self, fetch: Fetch, draw: Draw, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._fetch = fetch
        self._draw = draw
        self._pages: dict[int, Rows] = {}
        self._drawn: dict[int, tuple[Line, bool]] = {}
        self._generation = 0
        self._busy = False
        self.query_shown = Query()
        self.matching = 0
        self.total = 0
        self.loaded = False
        """Whether any page has arrived since the query changed."""
        self.index = 0
        """The cursor's place."""
        self._cursor_id: int | None = None
        self.note: Line = BLANK
        """What to say when there is no row."""

    @property
    def row(self) -> Row | None:
        """Give the row under the cursor; None while it is not known."""
        return self.row_at(self.index)

    def row_at(self, index: int) -> Row | None:
        """Give a row by its place; None while its page is not here."""
        page = self._pages.get(index // PAGE_ROWS)
        place = index % PAGE_ROWS
        return page.rows[place] if page is not None and place < len(page.rows) else None

    def show(self, query: Query) -> None:
        """Show what a query finds; the rows of before stay until the first page is here."""
        if query != self.query_shown:
            self.index, self.loaded = 0, False
            self.scroll_to(y=0, animate=False, immediate=True)
        self.query_shown = query
        self.reload()

    def reload(self) -> None:
        """Fetch what is in sight again."""
        self._generation += 1
        self.run_worker(self._replace(self._generation), group="pages", exclusive=True, exit_on_error=False)

    async def _replace(self, generation: int) -> None:
        """Fetch the pages in sight, then put them in the place of the old ones."""
        self._busy = True
        fresh: dict[int, Rows] = {}
        try:
            for page in self._in_sight():
                fresh[page] = await self._page(page)
        except (OSError, TimeoutError) as error:
            self.post_message(self.Failed(str(error)))
            return
        finally:
            self._busy = False
        if generation != self._generation or not fresh:
            return
        self._pages = fresh
        self.loaded = True
        self._resize_to(next(iter(fresh.values())))
        self._follow()
        self.redraw()
        self.post_message(self.Moved())
        self._want()

    async def _page(self, page: int) -> Rows:
        return await self._fetch(msgspec.structs.replace(self.query_shown, offset=page * PAGE_ROWS, limit=PAGE_ROWS))

    def _in_sight(self) -> list[int]:
        """Name the pages that are in sight."""
        first = int(self.scroll_offset.y) // PAGE_ROWS
        last = max(first, (int(self.scroll_offset.y) + self.size.height - 1) // PAGE_ROWS)
        return list(range(first, last + 1))

    def _resize_to(self, rows: Rows) -> None:
        self.matching, self.total = rows.matching, rows.total
        self.virtual_size = Size(self.size.width, self.matching)

    def _follow(self) -> None:
        """Keep the cursor on its row where that is in sight; else where it was."""
        for page, rows in self._pages.items():
            for place, row in enumerate(rows.rows):
                if row.id == self._cursor_id:
                    self.index = page * PAGE_ROWS + place
        self.index = max(0, min(self.index, self.matching - 1))
        self._remember()

    def _remember(self) -> None:
        row = self.row
        self._cursor_id = row.id if row is not None else None

    def _want(self) -> None:
        """Fetch pages in sight that are not here."""
        last = max(0, (self.matching - 1) // PAGE_ROWS)
        missing = [page for page in self._in_sight() if page not in self._pages and page <= last]
        if missing and not self._busy:
            self.run_worker(self._add(missing, self._generation), group="pages", exit_on_error=False)

    async def _add(self, missing: list[int], generation: int) -> None:
        self._busy = True
        try:
            for page in missing:
                rows = await self._page(page)
                if generation != self._generation:
                    return
                self._pages[page] = rows
                self._resize_to(rows)
        except (OSError, TimeoutError) as error:
            self.post_message(self.Failed(str(error)))
            return
        finally:
            self._busy = False
        while len(self._pages) > KEPT_PAGES:
            here = self.index // PAGE_ROWS
            del self._pages[max(self._pages, key=lambda page: abs(page - here))]
        self._remember()
        self.redraw()
        self.post_message(self.Moved())
        self._want()

    def _line(self, index: int) -> tuple[Line, bool]:
        """Draw one row as data."""
        width = self.size.width
        if index >= self.matching:
            return (self.note if self.matching == 0 and index == 0 and self.loaded else BLANK), False
        row = self.row_at(index)
        lit = index == self.index and self.has_focus
        mark = Span("▌", "mark") if lit else Span(" ")
        body = line(Span("…", "dim")) if row is None else self._draw(row, width)
        return crop((mark, *body), width), lit

    def redraw(self) -> None:
        """Draw again; rows in sight that are as they were are left alone."""
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            if self._drawn.get(top + y) != self._line(top + y):
                self.refresh(Region(0, y, self.size.width, 1))

    def repaint(self) -> None:
        """Draw everything again."""
        self._drawn.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Turn one row into segments; text is literal, never markup."""
        index = int(self.scroll_offset.y) + y
        drawn = self._line(index)
        if len(self._drawn) > 4 * max(1, self.size.height):
            self._drawn.clear()
        self._drawn[index] = drawn
        strip = strip_of(drawn[0], palette_of(self), lit=drawn[1], ascii_only=ascii_of(self))
        return strip.extend_cell_length(self.size.width).apply_style(self.rich_style)

    def on_resize(self) -> None:
        """Fit the new size."""
        self.virtual_size = Size(self.size.width, self.matching)
        self.repaint()
        self._want()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Fetch what has come into sight."""
        super().watch_scroll_y(old, new)
        self._want()

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's watchers are called like this
        """Show the cursor, or hide it."""
        super().watch_has_focus(_has_focus)
        self.redraw()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        self.index = max(0, min(index, self.matching - 1))
        self._remember()
        top, height = int(self.scroll_offset.y), max(1, self.size.height)
        if self.index < top or self.index >= top + height:
            goal = self.index if self.index < top else self.index - height + 1
            self.scroll_to(y=goal, animate=False, immediate=True)
        self.redraw()
        self.post_message(self.Moved())

    def action_down(self) -> None:
        """Go one row down."""
        self.move_to(self.index + 1)

    def action_up(self) -> None:
        """Go one row up."""
        self.move_to(self.index - 1)

    def action_top(self) -> None:
        """Go to the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.move_to(self.matching - 1)

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
        """Select the row under the pointer; a second click opens it."""
        index = int(self.scroll_offset.y) + event.y
        if index >= self.matching:
            return
        self.move_to(index)
        if event.chain > 1:
            self.action_open()
