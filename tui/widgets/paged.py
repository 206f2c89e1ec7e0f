"""A list whose pages are fetched as they come into sight, and a cursor on one of its rows; how it looks is left open.

The cursor belongs to a row's id, not to its place: when rows come, go or are sorted anew it stays on its row, and
the row stays where it is on the screen. Requests that are superseded are cancelled. Rows are shown before they are
counted where that takes longer; until then no number is told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from engine.port import Query, Row, Rows
from tui.widgets.pages import PAGE_ROWS, Pages, Place, Wish, beside, near, pages_of
from tui.work import start

SLOW_SECONDS = 0.1
"""How long a question takes before that is told, and how often it is told then."""
SEEK_PAGES = 25
"""Pages that are looked through for the next row of a kind."""
Fetch = Callable[[Query], Awaitable[Rows]]


class Paged(ScrollView):
    """A list of findings."""

    class Slow(Message):
        """The rows that were asked for are not here yet."""

    class Failed(Message):
        """A page could not be fetched."""

        def __init__(self, error: str) -> None:
            super().__init__()
            self.error = error

    def __init__(self, fetch: Fetch, moved: Callable[[], None], *, id: str | None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._moved = moved
        self._fetch = fetch
        self._pages = Pages()
        self._generation = 0
        self._busy = False
        self._began: float | None = None
        self._wish: Wish = ""
        self._answered = asyncio.Event()
        """Set while no answer is awaited."""
        self.query_shown = Query()
        self.matching = 0
        self.total = 0
        self.loaded = False
        """Whether any page has arrived since the query changed."""
        self.counted = False
        """Whether places and counts are those of the list; until then, of the few rows that were found first."""
        self.took_seconds = 0.0
        """How long the latest answer took."""
        self.index = 0
        """The cursor's place."""
        self.cursor_id: int | None = None
        """The cursor's row."""

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
        return self._pages.row_at(index)

    def show(self, query: Query) -> None:
        """Show what a query finds, the cursor on its row if that is found; the rows of before stay until then."""
        changed = query != self.query_shown
        if changed:
            self.loaded, self.counted, self._wish = False, False, ""
        self.query_shown = query
        self._ask(changed=changed)

    def reload(self) -> None:
        """Fetch what is in sight again."""
        self._ask(changed=not self.loaded)

    def _ask(self, *, changed: bool) -> None:
        self._generation += 1
        self._began = time.monotonic()
        self._answered.clear()
        work = partial(self._replace, self._generation, changed=changed)
        start(self, work, group="pages", exclusive=True)

    async def _replace(self, generation: int, *, changed: bool) -> None:
        """Fetch the pages in sight, then put them in the place of the old ones."""
        self._busy, began = True, time.monotonic()
        slow = self.set_interval(SLOW_SECONDS, lambda: self.post_message(self.Slow()))
        try:
            pages, place, first = await self._look_up(changed=changed)
        except (OSError, TimeoutError) as error:
            if generation == self._generation:
                self._began = None
                self._answered.set()
                self.post_message(self.Failed(str(error)))
            return
        finally:
            slow.stop()
            self._busy = False
        if generation != self._generation:
            return
        self.took_seconds, self._began = time.monotonic() - began, None
        self.counted, self._wish = True, ""
        self._settle(pages, place, first)
        self._answered.set()
        self._want()

    def _settle(self, pages: Pages, place: Place, rows: Rows) -> None:
        """Put pages in the place of the old ones."""
        self._pages, self.index, self.loaded = pages, place.index, True
        self._resize_to(rows)
        self._remember()
        self._bring_to(place.top)
        self.redraw()
        self._moved()

    async def _look_up(self, *, changed: bool) -> tuple[Pages, Place, Rows]:
        """Find the cursor's row, and fetch what will be in sight; gives a page that tells the counts, too."""
        asked_at, cursor = self.index, self.cursor_id
        page = 0 if changed else asked_at // PAGE_ROWS
        found, early = await self._page(page, around=cursor, soon=changed), None
        if not found.counted:
            early, asked_at = found, self._show_early(found)
            found = await self._page(0, around=cursor)
        if found.place is not None:
            page = found.offset // PAGE_ROWS
            place = self._place.moved(found.place, 0 if changed and early is None else self.index - asked_at)
        elif changed and (early is None or early.place is not None):
            place = Place(0, 0, self._place.height)
        else:
            place = self._place
        if self._wish:
            place = Place(*((0, 0) if self._wish == "top" else (found.matching, found.matching)), place.height)
        place = place.within(found.matching)
        pages = Pages({page: found})
        end = min(place.top + place.height, max(1, found.matching))
        for each in pages_of(place.top, end):
            if each not in pages:
                pages.put(each, await self._page(each), place.index)
        return pages, place, found

    def _show_early(self, rows: Rows) -> int:
        """Show rows that are not counted yet, the cursor's on its row of the screen; gives its place among them."""
        index = rows.place or 0
        place = self._place.moved(index, 0) if rows.place is not None else Place(0, 0, self._place.height)
        self._settle(Pages({0: rows}), place.within(rows.matching), rows)
        return index

    @property
    def _place(self) -> Place:
        return Place(self.index, int(self.scroll_offset.y), max(1, self.size.height))

    async def _page(self, page: int, around: int | None = None, *, soon: bool = False) -> Rows:
        offset = page * PAGE_ROWS
        asked = msgspec.structs.replace(self.query_shown, offset=offset, limit=PAGE_ROWS, around=around, soon=soon)
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

    def _want(self) -> None:
        """Fetch pages that are in sight or a step away; once what is here is painted, others that a key may bring."""
        if not self.counted or not self.loaded or self._busy:
            return
        place = self._place
        missing = [page for page in near(place, self.matching) if page not in self._pages]
        if missing:
            start(self, partial(self._add, missing[0], self._generation), group="pages")
        elif any(page not in self._pages for page in beside(place, self.matching, self.query_shown)):
            self.call_after_refresh(self._want_beside)

    def _want_beside(self) -> None:
        """Fetch a page that a key may bring into sight."""
        if not self.counted or self._busy:
            return
        page = next(
            (each for each in beside(self._place, self.matching, self.query_shown) if each not in self._pages), -1
        )
        if page >= 0:
            start(self, partial(self._add, page, self._generation), group="pages")

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
        """Keep a page."""
        if rows.matching != self.matching or rows.total != self.total:
            self._resize_to(rows)
        self._pages.put(page, rows, self.index)
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
        await self._answered.wait()
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
        await self._answered.wait()
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

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        self._wish = ""
        self.index = max(0, min(index, self.matching - 1))
        self._remember()
        top, height = int(self.scroll_offset.y), max(1, self.size.height)
        if self.index < top or self.index >= top + height:
            goal = self.index if self.index < top else self.index - height + 1
            self.scroll_to(y=goal, animate=False, immediate=True)
        self.redraw()
        self._moved()

    def redraw(self, *, fresh: bool = False) -> None:
        """Draw again what is another; ``fresh``: time has passed for all."""
        raise NotImplementedError
