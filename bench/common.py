"""What the benches share: clocks, peak memory, medians, processes of their own, and how figures are printed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Took:
    """Seconds that a block took."""

    cpu: float = 0.0
    """User and system time of this process, all threads."""
    wall: float = 0.0


@contextmanager
def took() -> Iterator[Took]:
    """Time a block; the figures are there when it ends."""
    found = Took(time.process_time(), time.perf_counter())
    yield found
    found.cpu, found.wall = time.process_time() - found.cpu, time.perf_counter() - found.wall


@dataclass(slots=True)
class Lag:
    """How late an event loop woke a task that asked to be woken every few milliseconds."""

    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Give the lateness in seconds that a share of the wakes did not exceed; 0 when there were none."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@asynccontextmanager
async def lagging(every: float = 0.005) -> AsyncIterator[Lag]:
    """Measure the loop's lag while a block runs."""
    found = Lag()

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(every)
            found.seconds.append(max(0.0, time.perf_counter() - began - every))

    task = asyncio.create_task(watch())
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def peak_mb() -> float:
    """Give the most memory that this process has held, in MB; what its parent held does not count."""
    return _status_mb("self", "VmHWM")


def held_mb(pid: int) -> float:
    """Give the memory that a process holds now, in MB."""
    return _status_mb(str(pid), "VmRSS")


def _status_mb(pid: str, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process has used, all threads, to a clock tick."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def child(module: str, *arguments: str) -> Any:
    """Run ``python -m module arguments`` to its end and give the JSON that it printed last."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def server(module: str, *arguments: str) -> Iterator[str]:
    """Run ``python -m module arguments`` while a block runs, and give the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def median_of(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Take the median of each figure over rounds that have the same figures."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


@dataclass(slots=True)
class Budgets:
    """The limits that a bench was held to, and those that it missed."""

    held: int = 0
    missed: list[str] = field(default_factory=list)

    def at_most(self, what: str, figure: float, limit: float, unit: str) -> None:
        """Print a figure, and whether it is no more than its limit."""
        self._told(what, f"{figure:>9.2f} {unit:<6} ≤ {limit:g}", met=figure <= limit)

    def at_least(self, what: str, figure: float, limit: float, unit: str) -> None:
        """Print a figure, and whether it is no less than its limit."""
        self._told(what, f"{figure:>9.2f} {unit:<6} ≥ {limit:g}", met=figure >= limit)

    def leave(self) -> None:
        """End the bench: with 1, and the names of what was missed, where a limit was or none was looked at."""
        if self.missed or not self.held:
            sys.exit("\n".join([f"NOT MET: {what}" for what in self.missed] or ["no limit was looked at"]))

    def _told(self, what: str, figure: str, *, met: bool) -> None:
        self.held += 1
        if not met:
            self.missed.append(what)
        print(f"{what:<64}{figure}: {'met' if met else 'NOT MET'}", flush=True)


def line(what: str, figure: float, unit: str, goal: str = "") -> None:
    """Print one figure."""
    print(f"{what:52s} {figure:10.2f} {unit:18s} {goal}".rstrip())
