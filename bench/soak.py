"""What becomes of the demo while somebody leaves it open: ``python -m bench.soak [MINUTES] [--csv FILE]``.

The real ``controlwatch demo``, engine and estate inside, runs in a pseudo-terminal of 160×48 that is read all the time.
The bench makes its estate livelier from outside: it rewrites the register of attestations once a second, has it read
once a second, and so opens or resolves one finding a second. Every minute somebody walks through all screens, at both
sizes and in all themes, and each step must paint what it is for; the rest of the minute the program is only watched. A
second client scrapes the metrics every 15 s. In the end nothing is due and nobody asks: does the program get quiet?
Limits: memory grows by at most 2 MB an hour after ten minutes, file descriptors and threads not at all, the quiet
program takes at most 0.5 % of a core, every step is painted, and the program ends when told to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp

from bench import common, walk
from bench.startup import COMMAND

CONFIG: Final = "controlwatch.toml"
SAMPLE_SECONDS: Final = 10.0
SCRAPE_SECONDS: Final = 15.0
WARM_MINUTES: Final = 10.0
SETTLE_SECONDS: Final = 60.0
"""Between the change after which nothing is due and the time that counts: every source is asked once more."""
STILL_SECONDS: Final = 120.0
GROWTH_LIMIT_KB: Final = 2_000.0
"""An hour, after the first ten minutes."""
IDLE_LIMIT: Final = 0.005
"""Of one core."""
SLACK: Final = 2
"""File descriptors and threads that may be there for a moment: a handshake, a worker that was never needed before."""
VENDORS: Final = 30
"""Attestations that the bench lets fail and pass in turn."""


@dataclass
class Spent:
    """What the program used in one kind of time."""

    seconds: float = 0.0
    cpu: float = 0.0
    """Of all threads, in seconds."""
    drawing: float = 0.0
    """Of the main thread, which draws."""
    written: int = 0

    def __str__(self) -> str:
        """Tell the shares of one core, and the bytes a second."""
        seconds = self.seconds or 1.0
        shares = f"{self.cpu / seconds:.2%} of a core, {self.drawing / seconds:.2%} by the thread that draws"
        return f"{shares}, {self.written / seconds:.0f} B/s, in {self.seconds:.0f} s"


@dataclass(frozen=True)
class Sample:
    """The program at one moment; memory in kB of 1024 bytes, as the kernel tells it."""

    seconds: float
    anonymous_kb: int
    """Memory that no file backs."""
    resident_kb: int
    descriptors: int
    threads: int
    cpu_seconds: float
    written: int
    state_kb: float
    lag_seconds: float
    """Of the engine's loop, as the last scrape told it."""
    lag_max_seconds: float
    scrape_seconds: float
    load: float
    """Of the machine, over one minute."""
    walking: bool


@dataclass
class Soak:
    """One run."""

    terminal: walk.Terminal
    folder: Path
    """Of the demo."""
    began: float = field(default_factory=time.perf_counter)
    samples: list[Sample] = field(default_factory=list)
    steps: list[tuple[float, str, float | None]] = field(default_factory=list)
    """When, which, and how long until it was painted; None: never."""
    walked: Spent = field(default_factory=Spent)
    watched: Spent = field(default_factory=Spent)
    still: Spent = field(default_factory=Spent)
    told: dict[str, float] = field(default_factory=dict)
    """The last scrape."""
    scrape_seconds: float = 0.0
    scrape_failures: int = 0
    churned: int = 0
    walking: bool = False

    def now(self) -> float:
        """Give the seconds since it began."""
        return time.perf_counter() - self.began

    async def run(self, minutes: float) -> None:
        """Walk once a minute, and watch for the rest of it."""
        while self.now() < minutes * 60 and self.terminal.runs():
            began = self.now()
            with self._booked(self.walked):
                self.walking = True
                self.steps += [(began, *step) for step in await self.terminal.walk()]
                self.walking = False
            with self._booked(self.watched):
                await self.terminal.passes(min(began + 60.0, minutes * 60) - self.now())

    async def rest(self) -> None:
        """Let nothing be due, and watch what the program still does."""
        quiet(self.folder)
        await self.terminal.passes(SETTLE_SECONDS)
        with self._booked(self.still):
            await self.terminal.passes(STILL_SECONDS)

    @contextlib.contextmanager
    def _booked(self, spent: Spent) -> Iterator[None]:
        """Book what the program uses while a block runs; nothing when it ends meanwhile."""
        pid, before = self.terminal.pid, (0.0, 0.0)
        if self.terminal.runs():
            before = common.cpu_seconds(pid), drawing_seconds(pid)
        at, written = time.perf_counter(), self.terminal.written
        yield
        if self.terminal.runs():
            spent.seconds += time.perf_counter() - at
            spent.cpu += common.cpu_seconds(pid) - before[0]
            spent.drawing += drawing_seconds(pid) - before[1]
            spent.written += self.terminal.written - written

    async def sample(self, path: Path | None) -> None:
        """Take a sample every ten seconds, and write each down at once."""
        with (path or Path(os.devnull)).open("w", newline="", encoding="utf-8", buffering=1) as file:
            rows = csv.DictWriter(file, [each.name for each in fields(Sample)])
            rows.writeheader()
            while self.terminal.runs():
                self.samples.append(self._sample())
                rows.writerow(asdict(self.samples[-1]))
                await self.terminal.passes(SAMPLE_SECONDS)

    def _sample(self) -> Sample:
        proc, told = Path(f"/proc/{self.terminal.pid}"), self.told
        memory = kilobytes((proc / "smaps_rollup").read_text(encoding="ascii"))
        return Sample(
            seconds=round(self.now(), 1),
            anonymous_kb=memory["Anonymous"],
            resident_kb=memory["Rss"],
            descriptors=len(list((proc / "fd").iterdir())),
            threads=len(list((proc / "task").iterdir())),
            cpu_seconds=common.cpu_seconds(self.terminal.pid),
            written=self.terminal.written,
            state_kb=round(size_kb(self.folder / "state"), 1),
            lag_seconds=told.get("event_loop_lag_seconds", 0.0),
            lag_max_seconds=told.get("event_loop_lag_max_seconds", 0.0),
            scrape_seconds=round(self.scrape_seconds, 4),
            load=round(os.getloadavg()[0], 2),
            walking=self.walking,
        )

    async def scrape(self) -> None:
        """Ask for the metrics every 15 s over a connection that is kept, as Prometheus does."""
        address = listening(self.folder)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                began = time.perf_counter()
                try:
                    async with session.get(f"http://{address}/metrics") as answer:
                        self.told = figures(await answer.text())
                except (aiohttp.ClientError, TimeoutError):
                    self.scrape_failures += 1
                self.scrape_seconds = time.perf_counter() - began
                await asyncio.sleep(SCRAPE_SECONDS)

    async def churn(self) -> None:
        """Let one attestation fail, or pass again, once a second."""
        path = self.folder / "attestations.toml"
        first, issued = path.read_text(encoding="utf-8"), datetime.now(UTC).date() - timedelta(days=30)
        while True:
            rows = [attestation(at, (self.churned + at) // VENDORS, issued) for at in range(VENDORS)]
            replace(path, "\n".join([first, *rows]))
            self.churned += 1
            await asyncio.sleep(1.0)


# ------------------------------------------------------------------------------------------------------- the estate


def attestation(at: int, turn: int, issued: date) -> str:
    """Write one row of the register; it passes in even turns."""
    return f"""[[attestation]]
vendor = "Example Supplier {at:02}"
offering = "Service"
kind = "pentest"
status = "{"in_progress" if turn % 2 else "issued"}"
document = "reports/example-labs-external-test-pentest.txt"
issued = {issued}
reviewed_by = "vendor-risk"
reviewed_on = {issued + timedelta(days=1)}
"""


def replace(path: Path, text: str) -> None:
    """Write a file anew, so that readers see the old one or the new one."""
    fresh = path.with_name(f"{path.name}.soak")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def lively(folder: Path) -> None:
    """Have the register read once a second; the engine notices that its configuration has changed."""
    head, found, tail = (folder / CONFIG).read_text(encoding="utf-8").partition("[sources.register]")
    assert found, "the demo has a register"
    replace(folder / CONFIG, head + found + tail.replace('every = "60s"', 'every = "1s"', 1))


def quiet(folder: Path) -> None:
    """Have every source asked once an hour, and no check go stale."""
    text = re.sub(r'^every = ".+"', 'every = "1h"', (folder / CONFIG).read_text(encoding="utf-8"), flags=re.MULTILINE)
    replace(folder / CONFIG, re.sub(r'^max_age = ".+"\n', "", text, flags=re.MULTILINE))


def listening(folder: Path) -> str:
    """Give the address of the metrics."""
    found = re.search(r'^listen = "(.+)"', (folder / CONFIG).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, "the demo tells metrics"
    return found[1]


# ------------------------------------------------------------------------------------------------------- the figures


def kilobytes(text: str) -> dict[str, int]:
    """Read ``smaps_rollup``."""
    return {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}


def figures(text: str) -> dict[str, float]:
    """Read the metrics that have no labels, by name without prefix."""
    return {name: float(value) for name, value in re.findall(r"^controlwatch_(\w+) (\S+)$", text, re.MULTILINE)}


def drawing_seconds(pid: int) -> float:
    """Give the CPU time of a process's main thread."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def size_kb(folder: Path) -> float:
    """Give the size of all files in a folder."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            total += path.stat().st_size if path.is_file() else 0
    return total / 1024


def middle(values: Iterable[float]) -> float:
    """Give the median; 0 where there is nothing."""
    told = list(values)
    return statistics.median(told) if told else 0.0


def slope(samples: Sequence[Sample]) -> tuple[float, float]:
    """Fit a line through the medians of each minute; gives kB of 1000 bytes an hour, and the standard error of that."""
    minutes: dict[int, list[float]] = {}
    for one in samples:
        minutes.setdefault(int(one.seconds // 60), []).append(one.anonymous_kb * 1.024)
    hours, held = [minute / 60 for minute in minutes], [statistics.median(found) for found in minutes.values()]
    if len(hours) < 3:
        return 0.0, 0.0
    line = statistics.linear_regression(hours, held)
    off = sum((kb - line.slope * hour - line.intercept) ** 2 for hour, kb in zip(hours, held, strict=True))
    spread = sum((hour - statistics.fmean(hours)) ** 2 for hour in hours)
    return line.slope, (off / (len(hours) - 2) / spread) ** 0.5


_ROWS: Final[tuple[tuple[str, str, Callable[[Sample], float]], ...]] = (
    ("anonymous memory", "MB", lambda one: one.anonymous_kb * 1.024e-3),
    ("resident memory", "MB", lambda one: one.resident_kb * 1.024e-3),
    ("file descriptors", "", lambda one: one.descriptors),
    ("threads", "", lambda one: one.threads),
    ("state folder", "MB", lambda one: one.state_kb * 1.024e-3),
    ("loop lag", "ms", lambda one: one.lag_seconds * 1e3),
    ("greatest loop lag of five minutes", "ms", lambda one: one.lag_max_seconds * 1e3),
    ("scrape", "ms", lambda one: one.scrape_seconds * 1e3),
    ("load of the machine", "", lambda one: one.load),
)


def report(soak: Soak, minutes: float) -> bool:
    """Print everything; True when every limit is kept."""
    warm, end = min(WARM_MINUTES, minutes / 3) * 60, minutes * 60
    lived = [one for one in soak.samples if one.seconds <= end]
    first, last = ([one for one in lived if low <= one.seconds <= low + warm] for low in (0.0, end - warm))
    print(f"{'':<36}{'start':>10}{f'first {warm / 60:.0f} m':>12}{f'last {warm / 60:.0f} m':>12}{'most':>10}")
    for name, unit, figure in _ROWS:
        told = [figure(lived[0]), *(middle(map(figure, part)) for part in (first, last))]
        print(f"{name:<36}{told[0]:>10.2f}{told[1]:>12.2f}{told[2]:>12.2f}{max(map(figure, lived)):>10.2f} {unit}")
    paints = [(at, took * 1e3) for at, _, took in soak.steps if took is not None]
    told = [middle(took for at, took in paints if low <= at <= low + warm) for low in (0.0, end - warm)]
    worst = max((took for _, took in paints), default=0.0)
    print(f"{'a step to its paint':<36}{'':>10}{told[0]:>12.0f}{told[1]:>12.0f}{worst:>10.0f} ms")
    for name, spent in (("walked through", soak.walked), ("watched", soak.watched), ("nothing due", soak.still)):
        print(f"{name:<18}{spent}")
    growth, error = slope([one for one in lived if one.seconds > end / 2])
    print(f"{'second half':<18}memory grows by {growth:.0f} ± {error:.0f} kB/h")
    return _verdicts(soak, [one for one in lived if one.seconds > warm], first, last)


def _verdicts(soak: Soak, later: Sequence[Sample], first: Sequence[Sample], last: Sequence[Sample]) -> bool:
    """Print a line for each limit."""
    growth, error = slope(later)
    descriptors = [round(middle(one.descriptors for one in part)) for part in (first, last)]
    threads = [round(middle(one.threads for one in part)) for part in (first, last)]
    share = soak.still.cpu / (soak.still.seconds or 1.0)
    lost = sorted({name for _, name, took in soak.steps if took is None})
    answers = {
        f"memory grows by {growth:.0f} ± {error:.0f} kB/h; limit {GROWTH_LIMIT_KB:.0f}": growth <= GROWTH_LIMIT_KB,
        "file descriptors: {} at first, {} at last".format(*descriptors): descriptors[1] <= descriptors[0] + SLACK,
        "threads: {} at first, {} at last".format(*threads): threads[1] <= threads[0] + SLACK,
        f"{share:.2%} of a core with nothing due; limit {IDLE_LIMIT:.1%}": 0 < share <= IDLE_LIMIT,
        f"{len(soak.steps)} steps, painted all but {', '.join(lost) or 'none'}": not lost,
        f"{soak.scrape_failures} scrapes failed": not soak.scrape_failures,
        f"told to end, the program ended with {soak.terminal.code}": soak.terminal.code == 0,
    }
    for text, kept in answers.items():
        print(f"{'kept  ' if kept else 'MISSED'}  {text}")
    return all(answers.values())


async def live(terminal: walk.Terminal, home: Path, minutes: float, samples: Path | None) -> Soak:
    """Let the demo live for some minutes."""
    terminal.watch()
    if await terminal.see("LIVE") is None:
        raise RuntimeError(f"the demo did not start:\n{terminal.painted()}")
    soak = Soak(terminal, found(home))
    lively(soak.folder)
    sampling = asyncio.create_task(soak.sample(samples))
    others = [asyncio.create_task(work) for work in (soak.scrape(), soak.churn())]
    await soak.run(minutes)
    for task in others:
        task.cancel()
    await soak.rest()
    sampling.cancel()
    await asyncio.gather(sampling, *others, return_exceptions=True)
    await terminal.leave()
    return soak


def found(home: Path) -> Path:
    """Find the folder that the demo has made for itself."""
    return next(home.glob("controlwatch-demo-*"))


def start(home: Path) -> walk.Terminal:
    """Start the demo with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TMUX"))}
    told = {"HOME": str(home), "TMPDIR": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return walk.start([str(COMMAND), "demo"], kept | told)


def main() -> None:
    """Soak, print, and exit with 1 when the program died or a limit was missed."""
    parser = argparse.ArgumentParser(description="Leave the demo open, walk through it every minute, look for growth.")
    parser.add_argument("minutes", type=float, nargs="?", default=60.0)
    parser.add_argument("--csv", type=Path, help="where every sample is written")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-soak-", ignore_cleanup_errors=True) as name:
        terminal = start(Path(name))
        try:
            soak = asyncio.run(live(terminal, Path(name), asked.minutes, asked.csv))
        finally:
            if terminal.runs():
                os.kill(terminal.pid, signal.SIGKILL)
                os.waitpid(terminal.pid, 0)
            os.close(terminal.file)
    sys.exit(0 if report(soak, asked.minutes) else 1)


if __name__ == "__main__":
    main()
