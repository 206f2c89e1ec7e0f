"""A board keeps its cursor on a row, hides nothing bad, and repaints what changed alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tui.lines import line, plain
from tui.theme import DARK, palette
from tui.widgets.board import Board, Content


class Watched(Board):
    """A board that remembers which rows it asked to be painted again."""

    def __init__(self, rows: list[str]) -> None:
        self.shown_rows = rows
        self.painted: list[int] = []
        super().__init__(lambda _width: Content(title=line("T"), rows=[(row, line(row)) for row in self.shown_rows]))
        self.leads = True

    def refresh(self, *regions: Region, **how: Any) -> Watched:
        """Remember the rows."""
        self.painted += [region.y for region in regions]
        super().refresh(*regions, **how)
        return self


class Stage(App[None]):
    """An app with one board of ten rows."""

    ascii_only = False
    palette = palette(DARK)
    CSS = "Board { height: 10; }"

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__()
        self.board = Watched(list(rows))

    def compose(self) -> ComposeResult:
        """Show the board."""
        yield self.board


@asynccontextmanager
async def staged(*rows: str) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    """Show a board with some rows."""
    app = Stage(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        app.board.focus()
        await pilot.pause()
        yield app.board, pilot


def text(board: Board) -> list[str]:
    """Give the board's lines."""
    return [plain(each) for each in board.lines()]


async def test_unchanged_rows_are_not_painted() -> None:
    """Drawing the same again paints nothing; one changed row paints one row."""
    async with staged("a", "b", "c") as (board, _):
        board.painted.clear()
        board.redraw()
        assert board.painted == []
        board.shown_rows[1] = "B"
        board.redraw()
        assert board.painted == [2]


async def test_the_cursor_follows_its_row() -> None:
    """Rows that come above do not take the cursor away; a row that goes leaves it in its place."""
    async with staged("a", "b", "c") as (board, pilot):
        await pilot.press("j")
        assert board.key == "b"
        board.shown_rows.insert(0, "new")
        board.redraw()
        assert board.key == "b"
        board.shown_rows.remove("b")
        board.redraw()
        assert board.key == "c"
        board.shown_rows.clear()
        board.redraw()
        assert board.key is None


async def test_what_does_not_fit_is_counted() -> None:
    """The last line says how many rows are out of sight, below or above."""
    async with staged(*map(str, range(20))) as (board, pilot):
        assert text(board)[-2].startswith("│ … 13 more")
        await pilot.press("G")
        assert "▌19" in text(board)[-3]
        assert text(board)[-2].startswith("│ ↑ 13 above")
        await pilot.press("k", "k", "k", "k", "k", "k", "k", "k")
        assert text(board)[-2].startswith("│ ↑ 11 above   … 2 more")


async def test_the_cursor_stays_on_top_until_somebody_moves_it() -> None:
    """What fails later comes above, in sight; whoever has moved keeps the row, and is told what is above."""
    async with staged(*map(str, range(20))) as (board, pilot):
        board.shown_rows[:0] = ["worse", "bad"]
        board.redraw()
        assert (board.key, board.chosen) == ("worse", None)
        assert "▌worse" in text(board)[1]
        await pilot.press("j")
        board.shown_rows[:0] = [f"new {place}" for place in range(9)]
        board.redraw()
        assert (board.key, board.chosen) == ("bad", "bad")
        assert text(board)[-2].startswith("│ ↑ 4 above   … 20 more")


async def test_the_mouse_moves_the_cursor() -> None:
    """The wheel goes by three rows, a click goes to the row."""
    async with staged(*map(str, range(20))) as (board, pilot):
        await pilot._post_mouse_events([events.MouseScrollDown], board, offset=(3, 3))
        assert board.key == "3"
        await pilot.click(board, offset=(3, 2))
        assert board.key == "1"
