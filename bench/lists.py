"""The lists in which ``bench.tables`` presses keys: the family screen, and two tables as yardsticks.

``python -m bench.lists WHAT FOLDER NUMBER`` shows one.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.million import OUTCOMES, REASONS
from bench.store import NOW
from engine.port import Query, Row, Rows
from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.estates import CannedPort, all_pass

COLUMNS: Final = ("State", "Subject", "Check", "Since", "Why", "Number")


class StorePort(CannedPort):
    """A port whose findings are in a store."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(all_pass())
        self.store = store
        self.urgent: set[int] = set()

    async def rows(self, query: Query) -> Rows:
        """Ask the store; rows whose number is in ``urgent`` say so."""
        found = await self.store.rows(query, NOW)
        if not self.urgent:
            return found
        return msgspec.structs.replace(found, rows=[_urgent(row, self.urgent) for row in found.rows])


def _urgent(row: Row, numbers: set[int]) -> Row:
    return msgspec.structs.replace(row, urgent=True) if row.id in numbers else row


def cells(index: int) -> tuple[Any, ...]:
    """Give the row of a yardstick."""
    label = f"user{index:07d}@example.org"
    return OUTCOMES[index % 4].value, label, "workforce-mfa", "21 Nov", REASONS[index % 3], index * 7919 % 100_003


def show_ours(folder: str, _number: int) -> None:
    """Show the family screen; a signal lets one row in sight change."""
    from tui.app import ControlwatchApp
    from tui.widgets.table import Table

    store = open_sqlite(Path(folder) / "store.sqlite", subject_key=bytes(32))
    port = StorePort(store)

    def change() -> None:
        """Let the fourth row in sight change."""
        table = app.screen.query_one(Table)
        row = table.row_at(int(table.scroll_offset.y) + 4)
        if row is not None:
            port.urgent ^= {row.id}
            table.reload()

    def ready(_app: ControlwatchApp) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, change)

    app = ControlwatchApp(port, glyphs="unicode", clock=lambda: NOW)
    app.on_ready = ready
    gc.freeze()  # As the command does.
    app.run()


def show_datatable(_folder: str, number: int) -> None:
    """Show Textual's own table."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Shown(App[None]):
        """One table."""

        def compose(self) -> ComposeResult:
            """Show it."""
            yield DataTable[Any](cursor_type="row")

        def on_mount(self) -> None:
            """Load it."""
            table = self.query_one(DataTable)
            table.add_columns(*COLUMNS)
            table.add_rows(cells(index) for index in range(number))
            table.focus()

        def key_s(self) -> None:
            """Sort."""
            columns = list(self.query_one(DataTable).columns)
            self.query_one(DataTable).sort(columns[5])

        def key_slash(self) -> None:
            """Filter by a text."""
            table = self.query_one(DataTable)
            table.clear()
            table.add_rows(row for row in map(cells, range(number)) if "user0004711" in row[1])

    Shown().run()


def show_fast(_folder: str, number: int) -> None:
    """Show textual-fastdatatable."""
    import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra of the bench
    import pyarrow.compute as pc  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the same
    from textual.app import App, ComposeResult
    from textual_fastdatatable import (  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the same
        ArrowBackend,
        DataTable,
    )

    data = pa.table(dict(zip(COLUMNS, zip(*map(cells, range(number)), strict=True), strict=True)))

    class Shown(App[None]):
        """One table."""

        def compose(self) -> ComposeResult:
            """Show it."""
            yield DataTable(backend=ArrowBackend(data), cursor_type="row")

        def on_mount(self) -> None:
            """Take the keys."""
            self.query_one(DataTable).focus()

        def key_s(self) -> None:
            """Sort."""
            self.query_one(DataTable).sort([("Number", "ascending")])

        async def key_slash(self) -> None:
            """Filter by a text."""
            found = data.filter(pc.match_substring(data["Subject"], "user0004711"))
            await self.query_one(DataTable).remove()
            await self.mount(DataTable(backend=ArrowBackend(found), cursor_type="row"))

    Shown().run()


SHOWN: Final[dict[str, Callable[[str, int], None]]] = {
    "ours": show_ours,
    "datatable": show_datatable,
    "fast": show_fast,
}


if __name__ == "__main__":
    SHOWN[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
