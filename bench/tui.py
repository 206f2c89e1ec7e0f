"""How fast the screen is there, and what it costs to leave it open: ``python bench/tui.py [SECONDS]``.

Runs the TUI over a canned estate in a real pseudo-terminal. The yardstick is a bare Textual app with one static line.
Limits: painted in 0.8 s; idle at 80×24 at most 0.5 % of a core and no byte while nothing changes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
YARDSTICK = """
from textual.app import App, ComposeResult
from textual.widgets import Static
class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("MFA coverage")
Bare().run()
"""
MARKER = b"MFA coverage"
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What an app cost."""

    painted_seconds: float
    cpu_share: float
    """Of one core, while idle."""
    bytes_per_second: float
    quiet_seconds: int
    """Seconds of the idle time in which not a byte was written."""
    rss_mib: float


def measure(command: Sequence[str], columns: int, rows: int, idle_seconds: int) -> Cost:
    """Run a program in a terminal of its own; wait for the marker, then watch it idle."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
        os.execv(command[0], list(command))  # noqa: S606 - no shell is the point
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        seen = b""
        while MARKER not in seen:
            seen += _read(terminal, 10.0)
        painted = time.perf_counter() - began
        _drain(terminal, 3.0)
        return _idle(pid, terminal, painted, idle_seconds)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def _idle(pid: int, terminal: int, painted: float, seconds: int) -> Cost:
    """Watch a running program for some seconds."""
    before, began = _cpu(pid), time.perf_counter()
    written = [_drain(terminal, 1.0) for _ in range(seconds)]
    elapsed = time.perf_counter() - began
    share = (_cpu(pid) - before) / TICKS / elapsed
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    return Cost(painted, share, sum(written) / elapsed, written.count(0), rss)


def _cpu(pid: int) -> int:
    """Give the ticks of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _drain(terminal: int, seconds: float) -> int:
    """Read for some seconds and count the bytes."""
    until, count = time.perf_counter() + seconds, 0
    while (left := until - time.perf_counter()) > 0:
        count += len(_read(terminal, left))
    return count


def _read(terminal: int, seconds: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], seconds)
    return os.read(terminal, 65536) if ready else b""


def main() -> None:
    """Print one row a case."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    shown = [sys.executable, str(ROOT / "tests/support/canned_app.py"), "mixed", "10000", "unicode"]
    bare = [sys.executable, "-c", YARDSTICK]
    print(f"{'case':<28}{'painted':>9}{'idle CPU':>10}{'bytes/s':>9}{'quiet':>8}{'RSS':>9}")
    for name, command, columns, rows in (
        ("bare Textual 80x24", bare, 80, 24),
        ("controlwatch 80x24", shown, 80, 24),
        ("controlwatch 160x48", shown, 160, 48),
    ):
        best = min((measure(command, columns, rows, 1) for _ in range(3)), key=lambda cost: cost.painted_seconds)
        cost = measure(command, columns, rows, seconds)
        print(
            f"{name:<28}{best.painted_seconds:>7.2f} s{cost.cpu_share:>9.2%}{cost.bytes_per_second:>9.0f}"
            f"{cost.quiet_seconds:>5}/{seconds}{cost.rss_mib:>5.0f} MiB",
        )


if __name__ == "__main__":
    main()
