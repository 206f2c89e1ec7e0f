"""How fast the screen is there, and what it costs to leave it open: ``python -m bench.tui [SECONDS]``.

Runs the TUI over a canned estate in a real pseudo-terminal: one in which nothing changes, and one in which every second
a source finishes, a check's counts change and an event happens. The yardstick is a bare Textual app with one static
line. Limits: painted in 0.8 s; idle at most 0.5 % of a core and no byte while nothing changes; while something changes
every second, at most 2 kB/s at 80×24. What each key costs is measured by ``bench/keystrokes.py``.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from bench.common import ROOT, Budgets, cpu_seconds, held_mb
from engine.port import Event, Snapshot
from tests.support.clock import NOW
from tests.support.estates import CannedPort, many_rows, mixed

YARDSTICK = """
from textual.app import App, ComposeResult
from textual.widgets import Static
class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("MFA coverage")
Bare().run()
"""
MARKER: Final = b"MFA coverage"
SETTLE_SECONDS: Final = 3.0
PAINT_LIMIT: Final = 0.8
CPU_LIMIT: Final = 0.5
"""Per cent of one core."""
STEADY_LIMIT: Final = 2_000.0
"""Bytes a second."""
CLOCK_BYTES: Final = 40.0
"""Bytes a second of a header in which the minute and ages move on."""
RSS_LIMIT_MB: Final = 80.0


class Cost(NamedTuple):
    """What an app cost."""

    painted_seconds: float
    cpu_share: float
    """Of one core, while idle."""
    bytes_per_second: float
    quiet_seconds: int
    """Seconds of the idle time in which not a byte was written."""
    rss_mb: float


class Paint(NamedTuple):
    """What a key drew."""

    seconds: float
    """From the write to the last byte."""
    written: int


class Terminal:
    """A program in a pseudo-terminal of its own."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self.began = time.perf_counter()
        self._said = b""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
            os.chdir(ROOT)
            os.execv(command[0], list(command))  # noqa: S606 - no shell is the point
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text: bytes, seconds: float = 30.0) -> float:
        """Read until something was drawn; gives the time since the start."""
        seen = b""
        while text not in seen:
            got = self.read(seconds)
            if not got:
                raise TimeoutError(seen[-400:])
            seen += got
        return time.perf_counter() - self.began

    def press(self, keys: bytes, *, quiet: float, patience: float) -> Paint:
        """Press keys and wait until nothing more is drawn; zeros when nothing is."""
        began = last = time.perf_counter()
        os.write(self.file, keys)
        written = 0
        while got := self.read(quiet if written else patience):
            written += len(got)
            last = time.perf_counter()
        return Paint(last - began, written)

    def drain(self, seconds: float) -> int:
        """Read for some seconds and count the bytes."""
        until, count = time.perf_counter() + seconds, 0
        while (left := until - time.perf_counter()) > 0:
            count += len(self.read(left))
        return count

    def read(self, seconds: float) -> bytes:
        """Read what is drawn within some seconds; empty when nothing is. Raises ``ChildProcessError`` when it ended."""
        ready, _, _ = select.select([self.file], [], [], seconds)
        if not ready:
            return b""
        try:
            self._said = os.read(self.file, 65_536)
        except OSError as error:
            raise ChildProcessError(self._said.decode(errors="replace")) from error
        return self._said

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def measure(command: Sequence[str], columns: int, rows: int, idle_seconds: int) -> Cost:
    """Run a program in a terminal of its own; wait for the marker, then watch it idle."""
    terminal = Terminal(command, columns, rows)
    try:
        painted = terminal.until(MARKER)
        terminal.drain(SETTLE_SECONDS)
        before, began = cpu_seconds(terminal.pid), time.perf_counter()
        written = [terminal.drain(1.0) for _ in range(idle_seconds)]
        elapsed = time.perf_counter() - began
        share = (cpu_seconds(terminal.pid) - before) / elapsed
        return Cost(painted, share, sum(written) / elapsed, written.count(0), held_mb(terminal.pid))
    finally:
        terminal.close()


class ChangingPort(CannedPort):
    """A port over an estate in which a source finishes, a check's counts change and an event happens every second."""

    def __init__(self, findings: int) -> None:
        super().__init__(mixed(), many_rows(findings))
        self._began = datetime.now(tz=UTC)

    def clock(self) -> datetime:
        """Give ``NOW`` and the time since the start."""
        return NOW + (datetime.now(tz=UTC) - self._began)

    def snapshot(self) -> Snapshot | None:
        """Give the snapshot of this second."""
        now = self.clock()
        second = int((now - NOW).total_seconds())
        if self.now_shown is not None and self.now_shown.seq != second + 1:
            self.now_shown = _changed(self.now_shown, second, now)
        return self.now_shown


def _changed(before: Snapshot, second: int, now: datetime) -> Snapshot:
    change, checks, sources = msgspec.structs.replace, list(before.checks), list(before.sources)
    place, told = second % len(checks), second % len(sources)
    standing = checks[place].standing
    if standing.tally is not None:
        tally = change(standing.tally, passed=standing.tally.passed + 1)
        checks[place] = change(checks[place], standing=change(standing, tally=tally), opened_24h=second)
    sources[told] = change(sources[told], records=sources[told].records + 1, runs=sources[told].runs + 1)
    event = Event(at=now, kind="finding", what=checks[place].name, text=f"{second} opened, 0 resolved")
    events = [event, *before.events][:50]
    return change(before, seq=second + 1, at=now, ticked_at=now, checks=checks, sources=sources, events=events)


def show_changing(findings: int) -> None:
    """Show an estate in which something happens every second."""
    from tui.app import ControlwatchApp

    port = ChangingPort(findings)
    ControlwatchApp(port, glyphs="unicode", clock=port.clock).run()


def main() -> None:
    """Print one row a case, then whether the budgets hold; exit with 1 when one does not."""
    if sys.argv[1:2] == ["changing"]:
        show_changing(int(sys.argv[2]))
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    still = [sys.executable, str(ROOT / "tests/support/canned_app.py"), "mixed", "10000", "unicode"]
    changing = [sys.executable, "-m", "bench.tui", "changing", "10000"]
    bare = [sys.executable, "-c", YARDSTICK]
    print(f"{'case':<36}{'painted':>9}{'CPU':>10}{'bytes/s':>9}{'quiet':>8}{'RSS':>9}")
    found = {}
    for name, command, columns, rows in (
        ("bare Textual, 80x24", bare, 80, 24),
        ("nothing changes, 80x24", still, 80, 24),
        ("nothing changes, 160x48", still, 160, 48),
        ("changes every second, 80x24", changing, 80, 24),
        ("changes every second, 160x48", changing, 160, 48),
    ):
        painted = statistics.median(measure(command, columns, rows, 0).painted_seconds for _ in range(3))
        cost = found[name] = measure(command, columns, rows, seconds)._replace(painted_seconds=painted)
        print(
            f"{name:<36}{cost.painted_seconds:>7.2f} s{cost.cpu_share:>9.2%}{cost.bytes_per_second:>9.0f}"
            f"{cost.quiet_seconds:>5}/{seconds}{cost.rss_mb:>6.0f} MB",
            flush=True,
        )
    print()
    _budgets(found)


def _budgets(found: Mapping[str, Cost]) -> None:
    """Say which budgets hold; the clock in the header draws a few bytes a minute, which are not counted as change."""
    budgets = Budgets()
    for size in ("80x24", "160x48"):
        still = found[f"nothing changes, {size}"]
        budgets.at_most(f"first paint, {size}", still.painted_seconds, PAINT_LIMIT, "s")
        budgets.at_most(f"CPU while nothing changes, {size}", still.cpu_share * 100, CPU_LIMIT, "%")
        budgets.at_most(f"written while nothing changes, {size}", still.bytes_per_second, CLOCK_BYTES, "B/s")
        budgets.at_most(f"memory with 10 000 findings, {size}", still.rss_mb, RSS_LIMIT_MB + 1, "MB")
    steady = found["changes every second, 80x24"]
    budgets.at_most("written while something changes every second, 80x24", steady.bytes_per_second, STEADY_LIMIT, "B/s")
    budgets.leave()


if __name__ == "__main__":
    main()
