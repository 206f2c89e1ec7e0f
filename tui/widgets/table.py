"""A table over pages that are fetched as they come into sight; a million rows cost what a screenful costs.

The cursor belongs to a row's id, not to its place: when rows come, go or are sorted anew it stays on its row, and
the row stays where it is on the screen. Requests that are superseded are cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
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
from tui.lines import BLANK, Line, Span, crop
from tui.marks import Marks
from tui.widgets.painted import ascii_of, palette_of, strip_of
from tui.work import start

PAGE_ROWS = 200
KEPT_PAGES = 8
GUTTER = 2
"""Cells before a row: the cursor, and whether it is marked."""
SLOW_SECONDS = 0.1
"""How long a question takes before that is told, and how often it is told then."""
SEEK_PAGES = 25
"""Pages that are looked through for the next row of a kind."""
Fetch = Callable[[Query], Awaitable[Rows]]
Draw = Callable[[Row, int], Line]
Drawn = tuple[Line, bool]
"""A row, and whether the cursor is on it."""


class Table(ScrollView, can_focus=True):
    """A virtual list of findings."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(MOVE)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Slow(Message):
        """The rows that were asked for are not here yet."""

    class Failed(Message):
        """A page could not be fetched."""

        def __init__(self, error: str) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        fetch: Fetch,
        draw: Draw,
        moved: Callable[[], None] = lambda: None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Ask ``fetch`` for pages and ``draw`` for rows.

        ``moved`` is called when the cursor is on another row or the list has other rows: at once, so that what tells
        about the row is painted in the same frame.
        """
        super().__init__(id=id)
        self._moved = moved
        self._fetch = fetch
        self._draw = draw
        self._pages: dict[int, Rows] = {}
        self._drawn: dict[int, Drawn] = {}
        """What is on the screen, by place."""
        self._kept: dict[int, tuple[Row, bool, bool, Drawn]] = {}
        """What rows look like, by place, and what that was drawn from."""
        self._generation = 0
        self._busy = False
        self._began: float | None = None
        self.query_shown = Query()
        self.matching = 0
        self.total = 0
        self.loaded = False
        """Whether any page has arrived since the query changed."""
        self.took_seconds = 0.0
        """How long the latest answer took."""
        self.index = 0
        """The cursor's place."""
        self.cursor_id: int | None = None
        """The cursor's row."""
        self.marks = Marks()
        self.note: Line = BLANK
        """What to say when there is no row."""

    @property
    def row(self) -> Row | None:
        """Give the row under the cursor; None while it is not known."""
        return self.row_at(self.index)

    @property
    def waiting_seconds(self) -> float | None:
        """Tell for how long rows have been waited for; None when none are."""
        return None if self._began is None else time.monotonic() - self._began

    @property
    def is_slow(self) -> bool:
        """Whether rows have been waited for long enough to tell."""
        waited = self.waiting_seconds
        return waited is not None and waited >= SLOW_SECONDS

    def row_at(self, index: int) -> Row | None:
        """Give a row by its place; None while its page is not here."""
        page = self._pages.get(index // PAGE_ROWS)
        place = index % PAGE_ROWS
        return page.rows[place] if page is not None and 0 <= place < len(page.rows) else None

    def show(self, query: Query) -> None:
        """Show what a query finds, the cursor on its row if that is found; the rows of before stay until then."""
        changed = query != self.query_shown
        if changed:
            self.loaded = False
        self.query_shown = query
        self._ask(changed=changed)

    def reload(self) -> None:
        """Fetch what is in sight again."""
        self._ask(changed=not self.loaded)

    def _ask(self, *, changed: bool) -> None:
        self._generation += 1
        work = partial(self._replace, self._generation, changed=changed)
        start(self, work, group="pages", exclusive=True)

    async def _replace(self, generation: int, *, changed: bool) -> None:
        """Fetch the pages in sight, then put them in the place of the old ones."""
        self._busy, self._began = True, time.monotonic()
        slow = self.set_interval(SLOW_SECONDS, lambda: self.post_message(self.Slow()))
        try:
            pages, index, top = await self._look_up(changed=changed)
        except (OSError, TimeoutError) as error:
            if generation == self._generation:
                self._began = None
                self.post_message(self.Failed(str(error)))
            return
        finally:
            slow.stop()
            self._busy = False
        if generation != self._generation:
            return
        self.took_seconds, self._began = time.monotonic() - self._began, None
        self._pages, self.index, self.loaded = pages, index, True
        self._resize_to(next(iter(pages.values())))
        self._remember()
        self._bring_to(top)
        self.redraw()
        self._moved()
        self._want()

    async def _look_up(self, *, changed: bool) -> tuple[dict[int, Rows], int, int]:
        """Find the cursor's row, and fetch what will be in sight; gives pages, the cursor's place and the top row."""
        height, old_top = max(1, self.size.height), int(self.scroll_offset.y)
        page = 0 if changed else self.index // PAGE_ROWS
        found = await self._page(page, around=self.cursor_id)
        index, top = (0, 0) if changed else (self.index, old_top)
        if found.place is not None:
            page, index = found.offset // PAGE_ROWS, found.place
            top = index - max(0, min(self.index - old_top, height - 1))
        index = max(0, min(index, found.matching - 1))
        top = max(0, min(top, found.matching - height))
        pages = {page: found}
        for each in _pages(top, min(top + height, max(1, found.matching))):
            if each not in pages:
                pages[each] = await self._page(each)
        return pages, index, top

    async def _page(self, page: int, around: int | None = None) -> Rows:
        asked = msgspec.structs.replace(self.query_shown, offset=page * PAGE_ROWS, limit=PAGE_ROWS, around=around)
        return await self._fetch(asked)

    def _resize_to(self, rows: Rows) -> None:
        self.matching, self.total = rows.matching, rows.total
        self.virtual_size = Size(self.size.width, self.matching)

    def _bring_to(self, top: int) -> None:
        if top != int(self.scroll_offset.y):
            self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def _remember(self) -> None:
        row = self.row
        self.cursor_id = row.id if row is not None else None

    def _in_sight(self) -> list[int]:
        """Name the pages that are in sight, and after them their neighbours, so that paging meets no hole."""
        top = int(self.scroll_offset.y)
        here = _pages(top, top + max(1, self.size.height))
        return [*here, here[-1] + 1, here[0] - 1]

    def _want(self) -> None:
        """Fetch pages in sight that are not here."""
        last = max(0, (self.matching - 1) // PAGE_ROWS)
        missing = [page for page in self._in_sight() if page not in self._pages and 0 <= page <= last]
        if missing and not self._busy and self.loaded:
            start(self, partial(self._add, missing[0], self._generation), group="pages")

    async def _add(self, page: int, generation: int) -> None:
        self._busy = True
        try:
            rows = await self._page(page)
        except (OSError, TimeoutError) as error:
            self.post_message(self.Failed(str(error)))
            return
        finally:
            self._busy = False
        if generation != self._generation:
            return
        self._put(page, rows)
        self.redraw()
        self._want()

    def _put(self, page: int, rows: Rows) -> None:
        """Keep a page; those that are farthest from the cursor go."""
        if rows.matching != self.matching or rows.total != self.total:
            self._resize_to(rows)
        self._pages[page] = rows
        here = self.index // PAGE_ROWS
        while len(self._pages) > KEPT_PAGES:
            del self._pages[max(self._pages, key=lambda each: abs(each - here))]
        if self.row is not None and self.row.id != self.cursor_id:
            self._remember()
            self._moved()

    async def _row_fetched(self, index: int) -> Row | None:
        """Give a row by its place, fetched if need be; raises ``PortFault``."""
        if not 0 <= index < self.matching:
            return None
        if index // PAGE_ROWS not in self._pages:
            generation, rows = self._generation, await self._page(index // PAGE_ROWS)
            if generation != self._generation:
                return None
            self._put(index // PAGE_ROWS, rows)
        return self.row_at(index)

    async def seek(self, way: int, wanted: Callable[[Row], bool]) -> bool:
        """Put the cursor on the next row of a kind, or the previous one; tell whether there is one near enough.

        Raises ``PortFault``.
        """
        for index in range(self.index + way, self.index + way * SEEK_PAGES * PAGE_ROWS, way):
            row = await self._row_fetched(index)
            if row is None:
                return False
            if wanted(row):
                self.move_to(index)
                return True
        return False

    async def neighbour(self, finding: int, way: int) -> int | None:
        """Put the cursor on the finding after (1) or before (-1) one, and give its id; None at the end.

        Raises ``PortFault``.
        """
        if self.cursor_id != finding:
            found = await self._page(0, around=finding)
            if found.place is None:
                return None
            self._put(found.offset // PAGE_ROWS, found)
            self.move_to(found.place)
        row = await self._row_fetched(self.index + way)
        if row is None:
            return None
        self.move_to(self.index + way)
        return row.id

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
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            if self._drawn.get(top + y) != self._line(top + y):
                self.refresh(Region(0, y, self.size.width, 1))

    def repaint(self) -> None:
        """Draw everything again."""
        self._drawn.clear()
        self._kept.clear()
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
        if self.matching and self.index - int(self.scroll_offset.y) >= self.size.height:
            self.move_to(self.index)
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
        self._moved()

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


def _pages(top: int, end: int) -> list[int]:
    """Name the pages of the rows from ``top`` to before ``end``."""
    return list(range(top // PAGE_ROWS, max(top, end - 1) // PAGE_ROWS + 1))
