"""A list whose pages are fetched as they come into sight, and a cursor on one of its rows; how it looks is left open.

The cursor belongs to a row's id, not to its place: when rows come, go or are sorted anew it stays on its row, and
the row stays where it is on the screen. Requests that are superseded are cancelled. Rows are shown before they are
counted where that takes longer; until then no number is told. Rows of one question and of another are never mixed: what
cannot be fetched leaves the rows that are there, unless they are those of another list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import msgspec
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from engine.port import PortFault, Query, Row, Rows
from tui.answer import Answer
from tui.marks import same_list
from tui.widgets.pages import PAGE_ROWS, Pages, Place, Wish, beside, near, pages_of
from tui.work import start

SLOW_SECONDS = 0.1
"""How long a question takes before that is told, and how often it is told then."""
SEEK_PAGES = 25
"""Pages that are looked through for the next row of a kind."""
_ANEW = "the list is being fetched anew"
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

    def __init__(
        self,
        fetch: Fetch,
        moved: Callable[[], None],
        *,
        answer: Answer | None = None,
        id: str | None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.answer = answer or Answer(partial(datetime.now, UTC))
        """How the asking stands; its turns number the pages that belong together."""
        self._moved = moved
        self._fetch = fetch
        self._pages = Pages()
        self._settled = 0
        """The turn that the pages are of."""
        self._adding = 0
        """The turn of which one more page is under way."""
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

    def again(self) -> None:
        """Fetch what could not be fetched: all of it, or the page that is missing."""
        if self._settled != self.answer.turn or not self.counted:
            self.reload()
        elif not self._want():
            self.answer.mended(self.answer.turn)

    def _ask(self, *, changed: bool) -> None:
        turn = self.answer.ask(self.query_shown)
        self._began = time.monotonic()
        self._answered.clear()
        start(self, partial(self._replace, turn, changed=changed), group="pages", exclusive=True)

    async def _replace(self, turn: int, *, changed: bool) -> None:
        """Fetch the pages in sight, then put them in the place of the old ones."""
        began = time.monotonic()
        slow = self.set_interval(SLOW_SECONDS, lambda: self.post_message(self.Slow()))
        try:
            with suppress(OSError, TimeoutError), self.answer.noting(turn):
                pages, place, first = await self._look_up(turn, changed=changed)
                if turn != self.answer.turn:
                    return
                self.took_seconds, self._began = time.monotonic() - began, None
                self.counted, self._wish = True, ""
                self._settle(turn, pages, place, first)
        finally:
            slow.stop()
            if turn == self.answer.turn:
                self._began = None
                self._answered.set()
                self._fail() if self.answer.error else self._want()

    def _fail(self) -> None:
        """Keep rows that could not be renewed; those of another list are not what is asked for."""
        shown = self.answer.shown
        if isinstance(shown, Query) and not same_list(shown, self.query_shown):
            self.answer.drop()
            self._pages, self.index, self.loaded = Pages(), 0, False
            self._resize_to(Rows(rows=(), matching=0, total=0))
            self.redraw()
        self.post_message(self.Failed(self.answer.error))

    def _settle(self, turn: int, pages: Pages, place: Place, rows: Rows) -> None:
        """Put pages in the place of the old ones."""
        self.answer.came(turn)
        self._settled = turn
        self._pages, self.index, self.loaded = pages, place.index, True
        self._resize_to(rows)
        self._remember()
        self._bring_to(place.top)
        self.redraw()
        self._moved()

    async def _look_up(self, turn: int, *, changed: bool) -> tuple[Pages, Place, Rows]:
        """Find the cursor's row, and fetch what will be in sight; gives a page that tells the counts, too."""
        asked_at, cursor = self.index, self.cursor_id
        page = 0 if changed else asked_at // PAGE_ROWS
        found, early = await self._page(page, around=cursor, soon=changed), None
        if not found.counted:
            early, asked_at = found, self._show_early(turn, found)
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

    def _show_early(self, turn: int, rows: Rows) -> int:
        """Show rows that are not counted yet, the cursor's on its row of the screen; gives its place among them."""
        index = rows.place or 0
        place = self._place.moved(index, 0) if rows.place is not None else Place(0, 0, self._place.height)
        self._settle(turn, Pages({0: rows}), place.within(rows.matching), rows)
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

    def _want(self) -> bool:
        """Fetch pages that are in sight or a step away; once what is here is painted, others that a key may bring.

        Tells whether any is missing in sight or a step away.
        """
        if not self._may_add:
            return True
        place = self._place
        missing = [page for page in near(place, self.matching) if page not in self._pages]
        if missing:
            self._fetch_one(missing[0])
        elif any(page not in self._pages for page in beside(place, self.matching, self.query_shown)):
            self.call_after_refresh(self._want_beside)
        return bool(missing)

    @property
    def _may_add(self) -> bool:
        """Whether the pages are those of the latest question, and none of it is under way."""
        return self.counted and self.loaded and self._settled == self.answer.turn != self._adding

    def _want_beside(self) -> None:
        """Fetch a page that a key may bring into sight."""
        if not self._may_add:
            return
        page = next(
            (each for each in beside(self._place, self.matching, self.query_shown) if each not in self._pages), -1
        )
        if page >= 0:
            self._fetch_one(page)

    def _fetch_one(self, page: int) -> None:
        self._adding = self.answer.turn
        start(self, partial(self._add, page, self.answer.turn), group="pages")

    async def _add(self, page: int, turn: int) -> None:
        rows = None
        try:
            with suppress(OSError, TimeoutError), self.answer.noting(turn):
                rows = await self._page(page)
        finally:
            if self._adding == turn:
                self._adding = 0
        if turn != self.answer.turn:
            return
        if rows is None:
            self.post_message(self.Failed(self.answer.error))
            return
        was_missing = bool(self.answer.error)
        self.answer.mended(turn)
        self._put(page, rows)
        self.redraw()
        if was_missing:
            self._moved()
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
            turn, rows = self.answer.turn, await self._page(index // PAGE_ROWS)
            if turn != self.answer.turn:
                raise PortFault(_ANEW)
            self._put(index // PAGE_ROWS, rows)
        return self.row_at(index)

    async def _settled_down(self) -> None:
        """Wait until no answer is awaited; raises ``PortFault`` where the rows are not those that are asked for."""
        await self._answered.wait()
        if self.answer.shown != self.query_shown:
            raise PortFault(self.answer.error or "no rows yet")

    async def seek(self, way: int, wanted: Callable[[Row], bool]) -> bool:
        """Put the cursor on the next row of a kind, or the previous one; tell whether there is one near enough.

        Raises ``PortFault``.
        """
        await self._settled_down()
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
        await self._settled_down()
        if self.cursor_id != finding:
            turn, found = self.answer.turn, await self._page(0, around=finding)
            if turn != self.answer.turn:
                raise PortFault(_ANEW)
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
