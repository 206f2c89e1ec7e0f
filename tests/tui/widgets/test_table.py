"""The table over pages: the cursor is on its row whatever happens, and only what changed is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.worker import WorkerCancelled

from checks.model.judgement import Outcome
from engine.port import PortFault, Query, Row, Rows
from tests.support.estates import CannedPort, a_row, many_rows, mixed
from tui.lines import Line, Span
from tui.marks import Marks, all_of
from tui.theme import DARK, Palette, palette
from tui.widgets.pages import KEPT_PAGES, PAGE_ROWS
from tui.widgets.table import Table


class Bare(App[None]):
    """An app with one table."""

    CSS = "Table { height: 1fr; scrollbar-size-vertical: 0; }"
    palette: Palette = palette(DARK)
    ascii_only = False

    def __init__(self, port: CannedPort) -> None:
        super().__init__()
        self.table = Table(port.rows, _draw)

    def compose(self) -> ComposeResult:
        """Show the table alone."""
        yield self.table


def _draw(row: Row, _width: int) -> Line:
    return (Span(f"{row.label} {row.reason}"),)


@asynccontextmanager
async def table_of(port: CannedPort, query: Query | None = None) -> AsyncIterator[Table]:
    """Show a table of twenty rows over a port."""
    app = Bare(port)
    async with app.run_test(size=(60, 20)) as pilot:
        app.table.focus()
        app.table.show(query or Query())
        await settle(app.table)
        await pilot.pause()
        yield app.table


async def settle(table: Table) -> None:
    """Let workers and messages come to rest."""
    for _ in range(3):
        with suppress(WorkerCancelled):
            await table.app.workers.wait_for_complete()
        await asyncio.sleep(0)


def at(table: Table) -> tuple[int | None, int, int]:
    """Give the cursor's finding, its place, and its row on the screen."""
    return table.cursor_id, table.index, table.index - int(table.scroll_offset.y)


@pytest.mark.parametrize(
    "changes",
    [{"reverse": True}, {"sort": "label"}, {"outcome": Outcome.WARN}, {"text": "user002"}],
    ids=["reversed", "sorted", "filtered by outcome", "filtered by text"],
)
async def test_the_cursor_stays_on_its_finding_and_its_screen_row(changes: dict[str, Any]) -> None:
    """Sorting and filtering move the list under the cursor, not the cursor over the list."""
    port = CannedPort(mixed(), [a_row(number, outcome=Outcome.WARN) for number in range(1, 2001)])
    async with table_of(port, Query(sort="label")) as table:
        table.move_to(250)
        await settle(table)
        mine, _, screen_row = at(table)
        table.show(Query(**{"sort": "label", **changes}))
        await settle(table)
        assert table.row is not None
        assert table.cursor_id == mine == table.row.id
        assert at(table)[2] == min(screen_row, table.index)


async def test_a_finding_that_is_filtered_away_gives_the_first_row() -> None:
    """Where its own row is not there, the cursor is at the top."""
    async with table_of(CannedPort(mixed(), many_rows(500))) as table:
        table.move_to(300)
        await settle(table)
        table.show(Query(text="user00007"))
        await settle(table)
        assert (table.index, table.matching) == (0, 1)


async def test_rows_that_come_above_do_not_move_the_screen() -> None:
    """A thousand new rows before the cursor: the same finding on the same line."""
    port = CannedPort(mixed(), many_rows(600))
    async with table_of(port, Query(sort="label")) as table:
        table.move_to(400)
        await settle(table)
        before = at(table)
        port.findings += [a_row(9000 + number, label=f"a{number:04d}") for number in range(1000)]
        table.reload()
        await settle(table)
        assert at(table) == (before[0], before[1] + 1000, before[2])


async def test_a_finding_that_goes_leaves_the_cursor_at_its_place() -> None:
    """The next one is under the cursor, the screen does not jump."""
    port = CannedPort(mixed(), many_rows(600))
    async with table_of(port) as table:
        table.move_to(100)
        await settle(table)
        gone, _, screen_row = at(table)
        port.findings = [row for row in port.findings if row.id != gone]
        table.reload()
        await settle(table)
        assert at(table)[1:] == (100, screen_row)
        assert table.cursor_id != gone


async def test_a_request_that_is_superseded_is_cancelled() -> None:
    """The last query wins, however late an earlier answer would be."""
    port = SlowPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        port.slow = "first"
        table.show(Query(text="first"))
        await asyncio.sleep(0.02)
        table.show(Query(text="user00007"))
        await settle(table)
        assert (table.matching, port.cancelled) == (1, 1)


async def test_waiting_is_told_after_a_moment_and_ends() -> None:
    """From a tenth of a second on the screen says that the store works; then how long it took."""
    port = SlowPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        port.slow = "user"
        table.show(Query(text="user"))
        await asyncio.sleep(0.15)
        assert table.is_slow
        assert table.row is not None
        port.release.set()
        await settle(table)
        assert table.waiting_seconds is None
        assert table.took_seconds >= 0.1


async def test_one_changed_row_draws_one_row() -> None:
    """The bytes of one row, not of a screen."""
    port = CannedPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        drawn: list[int] = []
        original = table.render_line

        def counted(y: int) -> Strip:
            drawn.append(y)
            return original(y)

        table.render_line = counted  # type: ignore[method-assign]  # counts what is painted
        changed = table.row_at(5)
        port.findings = [
            a_row(row.id, outcome=row.outcome, reason="another reason", check=row.check) if row == changed else row
            for row in port.findings
        ]
        table.reload()
        await settle(table)
        await asyncio.sleep(0.05)
        assert sorted(set(drawn)) == [5]
        drawn.clear()
        table.reload()
        await settle(table)
        await asyncio.sleep(0.05)
        assert drawn == []


async def test_a_failed_page_leaves_the_rows_that_are_there() -> None:
    """And the next question is asked."""
    port = SlowPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        port.failing = "busy"
        table.reload()
        await settle(table)
        assert table.row is not None
        assert table.waiting_seconds is None
        port.failing = ""
        table.show(Query(text="user00007"))
        await settle(table)
        assert table.matching == 1


async def test_paging_meets_no_hole_and_keeps_few_pages() -> None:
    """Neighbouring pages are there before they are needed; far ones go."""
    port = CannedPort(mixed(), many_rows(10_000))
    async with table_of(port) as table:
        for _ in range(300):
            table.action_page_down()
            assert table.row is not None
            await settle(table)
        assert len(table._pages) <= KEPT_PAGES


async def test_neighbours_are_found_over_the_edge_of_a_page() -> None:
    """From the finding that is open elsewhere, on and back, to the ends."""
    async with table_of(CannedPort(mixed(), many_rows(1_000)), Query(sort="label")) as table:
        last = table.row_at(PAGE_ROWS - 1)
        assert last is not None
        after = await table.neighbour(last.id, 1)
        assert (table.index, after) == (PAGE_ROWS, table.cursor_id)
        assert await table.neighbour(after or 0, -1) == last.id
        table.action_top()
        first = table.cursor_id or 0
        assert await table.neighbour(first, -1) is None
        assert await table.neighbour(123_456, 1) is None


async def test_the_next_of_a_kind_is_found_pages_away() -> None:
    """Rows in between are fetched as far as is sensible."""
    rows = [a_row(number, outcome=Outcome.FAIL if number == 900 else Outcome.WARN) for number in range(1, 1_001)]
    async with table_of(CannedPort(mixed(), rows), Query(sort="label")) as table:
        assert await table.seek(1, lambda row: row.outcome is Outcome.FAIL)
        assert table.cursor_id == 900
        assert not await table.seek(1, lambda row: row.outcome is Outcome.FAIL)
        assert table.cursor_id == 900


async def test_marks_are_shown_in_the_margin() -> None:
    """A dot before each marked row; a click in the margin marks."""
    async with table_of(CannedPort(mixed(), many_rows(10))) as table:
        table.toggle_mark()
        assert _texts(table, 2) == ["▌●", "  "]
        table.mark(all_of(Query(), table.matching, mixed().at))
        assert {each[1] for each in _texts(table, table.matching)} == {"●"}
        table.mark(Marks())
        assert _texts(table, 1) == ["▌ "]


def _texts(table: Table, count: int) -> Sequence[str]:
    return [table.render_line(y).text[:2] for y in range(count)]


async def test_rows_are_shown_before_they_are_counted() -> None:
    """The rows at once, no count and no place; then both, and nothing has moved."""
    port = CountingPort(mixed(), many_rows(3_000))
    async with table_of(port, Query(sort="label")) as table:
        table.move_to(1_500)
        await settle(table)
        before, whole = at(table), table.matching
        table.show(Query(sort="label", text="user"))
        await port.asked_to_count.wait()
        assert (table.counted, table.matching, table.cursor_id) == (False, PAGE_ROWS, before[0])
        assert at(table)[2] == before[2]
        assert table.waiting_seconds is not None
        port.count.set()
        await settle(table)
        assert (table.counted, table.matching, at(table)) == (True, whole, before)


async def test_the_cursor_may_go_on_before_rows_are_counted() -> None:
    """Where it went from its row, it is when the place of its row is known."""
    port = CountingPort(mixed(), many_rows(3_000))
    async with table_of(port, Query(sort="label")) as table:
        table.move_to(1_500)
        await settle(table)
        table.show(Query(sort="label", text="user"))
        await port.asked_to_count.wait()
        for _ in range(50):
            table.action_down()
        mine, _, screen_row = at(table)
        port.count.set()
        await settle(table)
        assert at(table) == (mine, 1_550, screen_row)


@pytest.mark.parametrize("key", ["top", "bottom"])
async def test_an_end_that_is_asked_for_is_reached_once_it_is_known(key: str) -> None:
    """The first and the last of the rows that are here are not the ends of the list."""
    port = CountingPort(mixed(), many_rows(3_000))
    async with table_of(port, Query(sort="label")) as table:
        table.move_to(1_500)
        await settle(table)
        table.show(Query(sort="label", text="user"))
        await port.asked_to_count.wait()
        await table.run_action(key)
        port.count.set()
        await settle(table)
        assert table.index == (0 if key == "top" else table.matching - 1)
        assert table.matching > PAGE_ROWS
        assert table.row is not None
        assert table.row.id == table.cursor_id


async def test_a_count_that_nobody_waits_for_is_cancelled() -> None:
    """The next letter ends it; no number of it is ever told."""
    port = CountingPort(mixed(), many_rows(3_000))
    async with table_of(port) as table:
        table.show(Query(text="user"))
        await port.asked_to_count.wait()
        table.show(Query(text="user00007"))
        assert not table.counted
        port.count.set()
        await settle(table)
        assert (port.cancelled, table.counted, table.matching) == (1, True, 1)


async def test_a_count_that_fails_leaves_the_rows_uncounted() -> None:
    """No count is made up; the next question counts again."""
    port = CountingPort(mixed(), many_rows(3_000))
    async with table_of(port) as table:
        whole = table.matching
        table.show(Query(text="user"))
        await port.asked_to_count.wait()
        port.failing = "busy"
        port.count.set()
        await settle(table)
        assert (table.counted, table.matching, table.waiting_seconds) == (False, PAGE_ROWS, None)
        port.failing = ""
        table.reload()
        await settle(table)
        assert (table.counted, table.matching) == (True, whole)


async def test_both_ends_are_there_before_they_are_asked_for() -> None:
    """First and last row need no question, unless words narrow the list: its far end may take long to find."""
    port = CannedPort(mixed(), many_rows(10_000))
    async with table_of(port) as table:
        await _prefetched(table)
        assert table.row_at(table.matching - 1) is not None
        table.show(Query(view="all"))
        await _prefetched(table)
        assert table.row_at(table.matching - 1) is not None
        table.show(Query(text="user"))
        await _prefetched(table)
        assert table.row_at(table.matching - 1) is None


async def _prefetched(table: Table) -> None:
    for _ in range(5):
        await settle(table)
        await asyncio.sleep(0.05)


class SlowPort(CannedPort):
    """A port that waits while it is asked for one text, and fails when told to."""

    slow = "-"
    failing = ""
    odd: Exception | None = None
    """Something that no port should raise."""
    cancelled = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.release = asyncio.Event()

    async def rows(self, query: Query) -> Rows:
        """Wait, fail or answer."""
        if self.failing:
            raise PortFault(self.failing)
        if self.odd is not None:
            raise self.odd
        if query.text == self.slow:
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return await super().rows(query)


class CountingPort(SlowPort):
    """A port that finds rows at once, and counts those that words narrow when it is let."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked_to_count = asyncio.Event()
        self.count = asyncio.Event()

    async def rows(self, query: Query) -> Rows:
        """Give rows about the finding, or the first ones; then, when asked again, all that is to be told."""
        whole = await super().rows(query)
        if not query.text or not whole.rows:
            return whole
        if query.soon:
            return replace(
                whole, offset=0, place=whole.place and whole.place % PAGE_ROWS, counted=False, matching=PAGE_ROWS
            )
        self.asked_to_count.set()
        try:
            await self.count.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await super().rows(query)


class GatedPort(CannedPort):
    """A port that gives no page while its gate is closed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gate = asyncio.Event()
        self.gate.set()

    async def rows(self, query: Query) -> Rows:
        """Wait, and answer with what is there when it was asked."""
        rows = await super().rows(query)
        _ = await self.gate.wait()
        return rows


async def go_on() -> None:
    """Let what does not wait for the port run."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_pages_of_two_versions_are_never_mixed() -> None:
    """While the list is fetched anew, scrolling adds nothing to it."""
    port = GatedPort(mixed(), many_rows(2_000))
    async with table_of(port, Query(sort="label")) as table:
        port.gate.clear()
        table.move_to(1_000)
        await go_on()
        table.show(Query(sort="label", reverse=True))
        await go_on()
        asked = len(port.asked)
        table.move_to(600)
        await go_on()
        assert len(port.asked) == asked
        port.gate.set()
        await settle(table)
        labels = [row.label for row in map(table.row_at, range(table.matching)) if row is not None]
        assert labels == sorted(labels, reverse=True)


async def test_a_fault_of_our_own_leaves_nothing_waiting() -> None:
    """It is told like one of the engine, keys wait no longer, and the next question is asked."""
    port = SlowPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        port.odd = ValueError("odd")
        table.reload()
        await settle(table)
        assert table.waiting_seconds is None
        assert "own fault: ValueError: odd" in table.answer.error
        assert await asyncio.wait_for(table.seek(1, lambda _row: True), 5)
        port.odd = None
        table.again()
        await settle(table)
        assert table.answer.error == ""


async def test_a_missing_page_is_fetched_again() -> None:
    """Without fetching the others anew."""
    port = SlowPort(mixed(), many_rows(2_000))
    async with table_of(port) as table:
        port.failing = "busy"
        table.move_to(1_000)
        await settle(table)
        assert (table.row, table.answer.error) == (None, "busy")
        port.failing = ""
        table.again()
        await settle(table)
        assert table.row is not None
        assert table.answer.error == ""


async def test_no_row_of_another_list_is_a_neighbour() -> None:
    """Where the rows could not be fetched, the next one is not known."""
    port = SlowPort(mixed(), many_rows(100))
    async with table_of(port) as table:
        first = table.cursor_id or 0
        port.failing = "busy"
        table.show(Query(text="user00007"))
        await settle(table)
        assert (table.matching, table.row) == (0, None)
        port.failing = ""
        with pytest.raises(PortFault, match="busy"):
            await table.neighbour(first, 1)
