"""What a key costs in a list of a million findings: ``python -m bench.tables [FINDINGS]``.

Runs the family screen over a real SQLite store in a real pseudo-terminal of 160×48, beside Textual's DataTable and
textual-fastdatatable (``pip install '.[bench]'``) on the same rows. A key's time runs from the write to the last byte
of what it draws, pages that are fetched included. DataTable gets at most 100 000 rows: it takes minutes for a million.
Limits at a million: key to paint p95 50 ms, a filter 300 ms; one changed row draws one row.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from fcntl import ioctl
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from bench.common import held_mb
from bench.store import NOW, PAGE
from checks.model.judgement import Outcome
from checks.model.result import Finding
from engine.port import Query, Row, Rows
from engine.store import CheckMemory
from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.estates import CannedPort, all_pass

SIZE: Final = (160, 48)
QUIET_SECONDS: Final = 0.08
"""After this long without a byte a key's paint is over."""
SLOWEST_TO_LOAD: Final = 100_000
OUTCOMES: Final = (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN, Outcome.WARN)
REASONS: Final = ("no second factor is enrolled", "only a weak factor is enrolled", "the source may not read factors")
COLUMNS: Final = ("State", "Subject", "Check", "Since", "Why", "Number")


class Paint(NamedTuple):
    """What a key drew."""

    seconds: float
    written: int


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


def findings(number: int) -> list[list[Finding]]:
    """Make findings of several kinds."""
    made = [
        Finding(
            subject=f"okta-prod/00u{index * 2_654_435_761 % 2**40:017d}",
            label=f"user{index:07d}@example.org",
            outcome=OUTCOMES[index % 4],
            reason=REASONS[index % 3],
            facts={"factors": 0, "status": "active"},
        )
        for index in range(number)
    ]
    return [made[start : start + PAGE] for start in range(0, number, PAGE)]


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


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, what: str, folder: str, number: int) -> None:
        self.began = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
            command = [sys.executable, "-m", "bench.tables", what, folder, str(number)]
            os.execv(sys.executable, command)  # noqa: S606 - no shell is the point
        ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))

    def until(self, text: bytes, seconds: float = 300) -> float:
        """Read until something was drawn; gives the time since the start."""
        seen = b""
        while text not in seen:
            ready, _, _ = select.select([self.file], [], [], seconds)
            if not ready:
                raise TimeoutError(seen[-400:])
            seen += os.read(self.file, 65_536)
        return time.perf_counter() - self.began

    def press(self, keys: bytes, quiet: float = QUIET_SECONDS, patience: float = 10) -> Paint:
        """Press a key and wait until nothing more is drawn; no key: let a row change."""
        began = last = time.perf_counter()
        if keys:
            os.write(self.file, keys)
        else:
            os.kill(self.pid, signal.SIGUSR1)
        written = 0
        while select.select([self.file], [], [], quiet if written else patience)[0]:
            written += len(os.read(self.file, 65_536))
            last = time.perf_counter()
        return Paint(last - began, written)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


KEYS: Final[Sequence[tuple[str, bytes, int]]] = (
    ("down", b"j", 40),
    ("page down", b"\x1b[6~", 40),
    ("end", b"G", 1),
    ("page up from the end", b"\x1b[5~", 40),
    ("home", b"g", 1),
)
YARDSTICK_KEYS: Final[Sequence[tuple[str, bytes, int]]] = (
    ("down", b"\x1b[B", 40),
    ("page down", b"\x1b[6~", 40),
    ("end", b"\x1b[1;5F", 1),
    ("page up from the end", b"\x1b[5~", 40),
    ("home", b"\x1b[1;5H", 1),
)


def report(name: str, paints: Sequence[Paint], note: str = "") -> None:
    """Print one row."""
    times = sorted(paint.seconds * 1e3 for paint in paints)
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    size = statistics.median(paint.written for paint in paints)
    print(f"  {name:<26}{statistics.median(times):>8.1f} ms{p95:>8.1f} ms p95{size / 1e3:>8.1f} kB  {note}", flush=True)


def measure_ours(folder: str, number: int) -> None:
    """Measure the family screen."""
    terminal = Terminal("ours", folder, number)
    try:
        terminal.until(b"LIVE")
        time.sleep(0.5)
        terminal.press(b"1")
        opened = terminal.press(b"1", quiet=0.5)
        print(f"controlwatch, {number:,} findings in SQLite, RSS {held_mb(terminal.pid):.0f} MB")
        report("open the list", [opened])
        _keys(terminal, KEYS)
        report("one changed row", [terminal.press(b"", quiet=0.4) for _ in range(4)])
        for name, key in (("label", b"sl"), ("reason", b"sr"), ("worst", b"sw")):
            terminal.press(key[:1])
            report(f"sort by {name}", [terminal.press(key[1:], quiet=0.8)])
        terminal.press(b"/")
        typed = [terminal.press(each.encode(), quiet=0.6) for each in "user0004711"]
        report("a letter of a filter", typed, "the debounce of 100 ms included")
        terminal.press(b"\r")
        terminal.press(b"\x1b", quiet=0.8)
        terminal.press(b"/")
        report("a filter pasted", [terminal.press(b"user0004711", quiet=0.8)], "the same")
    finally:
        terminal.close()


def measure(what: str, name: str, number: int) -> None:
    """Measure a yardstick."""
    terminal = Terminal(what, "-", number)
    try:
        took = terminal.until(b"user0000")
        terminal.press(b"\x1b[B", quiet=1.0)
        print(f"{name}, {number:,} rows, {took:.1f} s to the first row, RSS {held_mb(terminal.pid):.0f} MB")
        _keys(terminal, YARDSTICK_KEYS)
        report("sort", [terminal.press(b"s", quiet=0.8)])
        report("a filter", [terminal.press(b"/", quiet=0.8, patience=60)])
    finally:
        terminal.close()


def _keys(terminal: Terminal, keys: Sequence[tuple[str, bytes, int]]) -> None:
    for name, key, times in keys:
        report(name, [terminal.press(key) for _ in range(times)])


async def build(folder: Path, number: int) -> None:
    """Put findings into a store."""
    store = open_sqlite(folder / "store.sqlite", subject_key=bytes(32))
    stage = store.stage("workforce-mfa", "mfa")
    for page in findings(number):
        await stage.add(page)
    await stage.diff(now=NOW - timedelta(days=3), complete=True, remediate_within=timedelta(0), waivers=())
    await stage.commit(CheckMemory(name="workforce-mfa"), (), ())
    await store.close()


SHOWN: Final[dict[str, Callable[[str, int], None]]] = {
    "ours": show_ours,
    "datatable": show_datatable,
    "fast": show_fast,
}


def main() -> None:
    """Print one row a key."""
    if len(sys.argv) == 4:
        SHOWN[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
        return
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-tables-") as folder:
        kept = os.environ.get("BENCH_STORE", folder)
        if not (Path(kept) / "store.sqlite").exists():
            began = time.perf_counter()
            asyncio.run(build(Path(kept), number))
            print(f"store of {number:,} findings made in {time.perf_counter() - began:.0f} s", flush=True)
        measure_ours(kept, number)
    measure("fast", "textual-fastdatatable", number)
    measure("datatable", "Textual's DataTable", min(number, SLOWEST_TO_LOAD))


if __name__ == "__main__":
    main()
