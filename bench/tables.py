"""What a key costs in a list of a million findings: ``python -m bench.tables [FINDINGS]``.

Runs the family screen over a real SQLite store in a real pseudo-terminal of 160×48, beside Textual's DataTable and
textual-fastdatatable (``pip install '.[bench]'``) on the same rows. A key's time runs from the write to the last byte
of what it draws, pages that are fetched included; of a filter, a sort and a view also to the frame that shows the
right rows, which may come before they are counted. Of several rounds, each in a program of its own, the best one
counts. DataTable gets at most 100 000 rows: it takes minutes for a million. Limits at a million: key to paint p95
50 ms, a filter 300 ms.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from datetime import timedelta
from fcntl import ioctl
from pathlib import Path
from typing import Final, NamedTuple

from bench.common import Budgets, held_mb
from bench.million import findings
from bench.store import NOW
from engine.store import CheckMemory, Live
from engine.store.sqlite import open_sqlite

SIZE: Final = (160, 48)
QUIET_SECONDS: Final = 0.08
"""After this long without a byte a key's paint is over."""
FRAME_SECONDS: Final = 0.004
"""Bytes that follow each other faster are of one frame."""
ANSWERED: Final = re.compile(rb"counting|row \d")
"""What the line above the list tells once the rows of an answer are shown: that they are being counted, or a place."""
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
SLOWEST_TO_LOAD: Final = 100_000
KEY_MS: Final = 50.0
FILTER_MS: Final = 300.0
"""Limits at a million, p95 of the best round."""


class Paint(NamedTuple):
    """What a key drew."""

    seconds: float
    """To the last byte."""
    written: int
    rows_seconds: float = 0.0
    """To the frame that tells of the rows of an answer; 0 where none does."""


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, what: str, folder: str, number: int) -> None:
        self.began = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
            command = [sys.executable, "-m", "bench.lists", what, folder, str(number)]
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
        told, seen = 0.0, b""
        if keys:
            os.write(self.file, keys)
        else:
            os.kill(self.pid, signal.SIGUSR1)
        written = 0
        while select.select([self.file], [], [], quiet if written else patience)[0]:
            got = os.read(self.file, 65_536)
            now = time.perf_counter()
            seen, written = seen[-20:] + got, written + len(got)
            if (not told and ANSWERED.search(seen)) or (told == last and now - last < FRAME_SECONDS):
                told = now
            last = now
        return Paint(last - began, written, told and told - began)

    def cpu_seconds(self) -> float:
        """Give the processor time of the program so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


KEYS: Final[Sequence[tuple[str, bytes, int]]] = (
    ("down", b"j", 40),
    ("page down", b"\x1b[6~", 40),
    ("next failure", b"n", 20),
    ("previous failure", b"N", 20),
    ("end", b"G", 1),
    ("page up from the end", b"\x1b[5~", 40),
    ("home", b"g", 1),
    ("page down", b"\x1b[6~", 5),
    *(("end", b"G", 1), ("home", b"g", 1)) * 9,
)
YARDSTICK_KEYS: Final[Sequence[tuple[str, bytes, int]]] = (
    ("down", b"\x1b[B", 40),
    ("page down", b"\x1b[6~", 40),
    ("end", b"\x1b[1;5F", 1),
    ("page up from the end", b"\x1b[5~", 40),
    ("home", b"\x1b[1;5H", 1),
)


class Rounds:
    """What keys drew, round by round."""

    def __init__(self) -> None:
        self._paints: dict[str, list[list[Paint]]] = {}
        self._cpu: dict[str, float] = {}

    def add(
        self, name: str, terminal: Terminal, key: bytes, times: int = 1, *, begin: bool = False, **how: float
    ) -> None:
        """Press a key some times; ``begin`` opens another round for it."""
        before = terminal.cpu_seconds()
        paints = [terminal.press(key, **how) for _ in range(times)]
        self._cpu[name] = self._cpu.get(name, 0.0) + terminal.cpu_seconds() - before
        rounds = self._paints.setdefault(name, [])
        if begin or not rounds:
            rounds.append([])
        rounds[-1] += paints

    def hold(self, budgets: Budgets) -> None:
        """Hold keys and filters to their limits by all that they draw, another order or view by its rows."""
        held = {name: ("seconds", KEY_MS) for name, _, _ in KEYS}
        for name in self._paints:
            if name.startswith(("sort by", "view")):
                held[name] = ("rows_seconds", KEY_MS)
            elif name.startswith(("a letter", "a filter")):
                held[name] = ("seconds", FILTER_MS)
        for name, (what, limit) in held.items():
            budgets.at_most(f"{name}, p95", min(_p95s(self._paints[name], what)), limit, "ms")

    def report(self) -> None:
        """Print one row a key: median and p95 of the best round, p95 of the worst, processor time, bytes."""
        for name, rounds in self._paints.items():
            every = [paint for paints in rounds for paint in paints]
            cpu = self._cpu[name] * 1e3 / len(every)
            size = statistics.median(paint.written for paint in every) / 1e3
            print(f"  {name:<26}{_spread(rounds, 'seconds')}{cpu:>8.1f} ms cpu{size:>8.1f} kB", flush=True)
            if name.startswith(("sort by", "a letter", "a filter p", "view")):
                print(f"  {'  its rows':<26}{_spread(rounds, 'rows_seconds')}", flush=True)


def _spread(rounds: Sequence[Sequence[Paint]], what: str) -> str:
    middle = min(statistics.median(getattr(paint, what) * 1e3 for paint in paints) for paints in rounds)
    p95 = _p95s(rounds, what)
    return f"{middle:>8.1f} ms{min(p95):>8.1f} ms p95{max(p95):>8.1f} ms worst p95"


def _p95s(rounds: Sequence[Sequence[Paint]], what: str) -> list[float]:
    """Give the milliseconds of each round; a paint in which no frame tells of rows counts whole."""
    times = [sorted((getattr(paint, what) or paint.seconds) * 1e3 for paint in paints) for paints in rounds]
    return [each[min(len(each) - 1, int(len(each) * 0.95))] for each in times]


def measure_ours(folder: str, number: int) -> Rounds:
    """Measure the family screen."""
    rounds, held = Rounds(), 0.0
    for _ in range(ROUNDS):
        terminal = Terminal("ours", folder, number)
        try:
            terminal.until(b"LIVE")
            time.sleep(0.5)
            terminal.press(b"1")
            rounds.add("open the list", terminal, b"1", begin=True, quiet=0.5)
            held = max(held, held_mb(terminal.pid))
            _keys(rounds, terminal, KEYS)
            rounds.add("one changed row", terminal, b"", 4, begin=True, quiet=0.4)
            _sorts_and_filters(rounds, terminal)
            _views(rounds, terminal)
        finally:
            terminal.close()
    print(f"controlwatch, {number:,} findings in SQLite, RSS {held:.0f} MB, {ROUNDS} rounds")
    rounds.report()
    return rounds


def _sorts_and_filters(rounds: Rounds, terminal: Terminal) -> None:
    """Sort with the cursor in the list, then type a filter and paste one; the debounce is in their times."""
    for name in ("label", "check", "since", "reason", "worst"):
        rounds.add(f"sort by {name}", terminal, b">", begin=True, quiet=2.5)
    terminal.press(b"/")
    for index, letter in enumerate("user0004711"):
        rounds.add("a letter of a filter", terminal, letter.encode(), begin=not index, quiet=1.0)
    terminal.press(b"\r")
    terminal.press(b"\x1b", quiet=1.0)
    terminal.press(b"/")
    rounds.add("a filter pasted", terminal, b"user0004711", begin=True, quiet=1.0)


def _views(rounds: Rounds, terminal: Terminal) -> None:
    """Show other views, and step through them."""
    terminal.press(b"\r")
    terminal.press(b"\x1b", quiet=1.0)
    for name in ("all", "new", "waived"):
        rounds.add(f"view {name}", terminal, b"v", begin=True, quiet=2.5)
        terminal.press(b"g", patience=1)
        rounds.add(f"page down in {name}", terminal, b"\x1b[6~", 10, begin=True, patience=1)


def measure(what: str, name: str, number: int) -> None:
    """Measure a yardstick."""
    rounds = Rounds()
    terminal = Terminal(what, "-", number)
    try:
        took = terminal.until(b"user0000")
        terminal.press(b"\x1b[B", quiet=1.0)
        print(f"{name}, {number:,} rows, {took:.1f} s to the first row, RSS {held_mb(terminal.pid):.0f} MB")
        _keys(rounds, terminal, YARDSTICK_KEYS)
        rounds.add("sort", terminal, b"s", quiet=0.8)
        rounds.add("a filter", terminal, b"/", quiet=0.8, patience=60)
    finally:
        terminal.close()
    rounds.report()


def _keys(rounds: Rounds, terminal: Terminal, keys: Sequence[tuple[str, bytes, int]]) -> None:
    for number, (name, key, times) in enumerate(keys):
        rounds.add(name, terminal, key, times, begin=name not in {before for before, _, _ in keys[:number]})


async def build(folder: Path, number: int) -> None:
    """Put findings into a store: a tenth are new, and a twentieth waived."""
    store = open_sqlite(folder / "store.sqlite", subject_key=bytes(32))
    pages = findings(number)
    waiver = Live(id="W-1", subjects=["user*4@example.org"], starts=NOW, ends=NOW + timedelta(days=90))
    for part, age in ((pages[len(pages) // 10 :], timedelta(days=3)), (pages[: len(pages) // 10], timedelta(hours=3))):
        stage = store.stage("workforce-mfa", "mfa")
        for page in part:
            await stage.add(page)
        await stage.diff(now=NOW - age, complete=False, remediate_within=timedelta(0), waivers=[waiver])
        await stage.commit(CheckMemory(name="workforce-mfa"), (), ())
    await store.close()


def main() -> None:
    """Print one row a key, then whether the limits are kept; exit with 1 when one is not."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-tables-") as folder:
        kept = os.environ.get("BENCH_STORE", folder)
        if not (Path(kept) / "store.sqlite").exists():
            began = time.perf_counter()
            asyncio.run(build(Path(kept), number))
            print(f"store of {number:,} findings made in {time.perf_counter() - began:.0f} s", flush=True)
        ours = measure_ours(kept, number)
    measure("fast", "textual-fastdatatable", number)
    measure("datatable", "Textual's DataTable", min(number, SLOWEST_TO_LOAD))
    budgets = Budgets()
    ours.hold(budgets)
    budgets.leave()


if __name__ == "__main__":
    main()
