"""What each key costs on each screen, in time and in bytes: ``python -m bench.keystrokes [--rounds 5] [--every]``.

The terminal UI runs over a store of 10 000 findings in a pseudo-terminal, at 80×24 and 160×48. The keys are those of
``tui/keys.py`` (the movements, those that work everywhere, the screen's own); before each press the screen is put back
as it was. A key's time runs from the write to the last byte that it draws, what it asks of the store included; a key
that draws nothing is not counted. ``--every`` prints each key, else the slowest and the costliest of each screen; CPU
time stands beside wall time, as other programs hardly change it.
Limits: key to paint p95 50 ms, ``esc`` apart (a terminal sends other keys that begin like it, so that Textual waits 100
ms); lag of the UI's loop p99 100 ms; memory 80 MB and 100 B a finding.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench import tables
from bench.common import Budgets, held_mb, lagging
from bench.lists import StorePort
from bench.tui import MARKER, Paint, Terminal
from engine.port import Detail, Query, Rows
from engine.store.sqlite import open_sqlite
from tests.support.clock import NOW
from tests.support.estates import a_detail, mixed
from tui import keys
from tui.keys import Key

FINDINGS: Final = 10_000
SIZES: Final = ((80, 24), (160, 48))
QUIET_SECONDS: Final = 0.09
RESET_SECONDS: Final = 0.2
NOTHING_SECONDS: Final = 0.3
"""After this long without a byte a key has drawn nothing."""
WAITS: Final = frozenset({"go.back", "command.cancel", "menu.cancel", "form.cancel"})
"""The keys that are ``esc``."""
UNPRESSED: Final = frozenset({"app.quit", "do.theme", "list.export"})
"""Ends it, repaints all on purpose, writes a file."""
_SIGNS: Final = (
    "slash/ colon: question_mark? left_square_bracket[ right_square_bracket] minus- equals_sign= less_than_sign<"
    " greater_than_sign> asterisk* plus+ underscore_"
)
_ARROWS: Final = "upA downB rightC leftD homeH endF"
_OTHERS: Final = (
    "pageup=\x1b[5~ pagedown=\x1b[6~ delete=\x1b[3~ f1=\x1bOP escape=\x1b tab=\t enter=\r"
    " shift+right=\x1b[1;2C shift+left=\x1b[1;2D shift+tab=\x1b[Z"
)
SPECIAL: Final = {
    **{each[:-1]: each[-1] for each in _SIGNS.split(" ")},
    **{each[:-1]: f"\x1b[{each[-1]}" for each in _ARROWS.split(" ")},
    **dict(each.split("=") for each in _OTHERS.split(" ")),
    "space": " ",
}
"""What a terminal sends, by Textual's name of the key."""


class Where(NamedTuple):
    """A state of the screen, and the keys that mean something in it."""

    name: str
    place: str
    """The screen's module and what it is about, with a colon between; empty: the overview."""
    first: bytes
    """Pressed once the screen is there."""
    keys: Sequence[Key]


LETTER: Final = Key("letter", "a", "a letter", "", "", "")
PAGE: Final = (*keys.MOVE, *keys.EVERYWHERE)
LISTS: Final = tuple(key for key in keys.MOVE if key.id in {"move.down", "move.up", "move.bottom"})
SCREENS: Final = (
    Where("overview", "", b"", (*PAGE, *keys.OVERVIEW)),
    Where("family", "family:mfa", b"", (*PAGE, *keys.FAMILY)),
    Where("finding", "finding:1000", b"", (*PAGE, *keys.FINDING)),
    Where("sources", "sources:", b"", (*PAGE, *keys.SOURCES)),
    Where("history", "history:backups", b"", (*PAGE, *keys.HISTORY)),
    Where("events", "events:", b"", (*PAGE, *keys.EVENTS)),
    Where("waivers", "waivers:", b"", (*PAGE, *keys.WAIVERS)),
    Where("help", "", b"?", (*keys.HELP, LETTER)),
    Where("command line", "", b":", (*keys.COMMAND, LETTER)),
    Where("menu of sorts", "family:mfa", b"s", (*LISTS, *keys.MENU)),
    Where("menu of columns", "family:mfa", b"c", (*LISTS, *keys.COLUMNS_MENU)),
    Where("menu of kinds", "events:", b"K", (*LISTS, *keys.MENU)),
    Where("form of a waiver", "family:mfa", b"x", (*keys.FORM, LETTER)),
    Where("form of a pause", "family:mfa", b"p", (*keys.FORM, LETTER)),
    Where("filter of findings", "family:mfa", b"/", (LETTER,)),
    Where("filter of events", "events:", b"/", (LETTER,)),
)


class Cost(NamedTuple):
    """What a key drew."""

    key: Key
    paints: Sequence[Paint]
    """Empty: nothing."""
    ran: Sequence[float]
    """Seconds of CPU of each, which other programs hardly change."""

    @property
    def middle(self) -> float:
        """Give the median in seconds."""
        return statistics.median(paint.seconds for paint in self.paints)

    @property
    def written(self) -> float:
        """Give the median in bytes."""
        return statistics.median(paint.written for paint in self.paints)


class BenchPort(StorePort):
    """Findings of a store, and a finding's detail."""

    async def rows(self, query: Query) -> Rows:
        """Ask the store."""
        return await self.store.rows(query, NOW)

    async def detail(self, finding: int) -> Detail | None:
        """Give a finding of the store with a record."""
        row = await self.store.row(finding, NOW)
        view = next((each for each in mixed().checks if row and each.name == row.check), None)
        return a_detail(row, view) if row and view else None


def show(folder: Path) -> None:
    """Show the app; SIGUSR1 puts it where the file ``place`` says, SIGUSR2 writes its loop's lag to ``lag``."""
    from tui.app import ControlwatchApp, run
    from tui.keymap import PLAIN
    from tui.place import Place

    port = BenchPort(open_sqlite(folder / "store.sqlite", subject_key=bytes(32)))
    port.now_shown = mixed()

    async def there() -> None:
        screen, _, name = (folder / "place").read_text().partition(":")
        (app,) = apps
        while len(app.screen_stack) > 2:
            await app.pop_screen()
        if screen:
            app.stack.go(Place(screen, name))
        for _ in range(3):
            await asyncio.sleep(0.03)
            await app.workers.wait_for_complete()
        (folder / "place").unlink()

    async def watch() -> None:
        async with lagging(0.01) as lag:
            while await wanted.wait():
                wanted.clear()
                (folder / "lag").write_text(f"{lag.percentile(0.99)}")

    def ready(running: ControlwatchApp) -> None:
        apps.append(running)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: going.append(loop.create_task(there())))
        loop.add_signal_handler(signal.SIGUSR2, wanted.set)
        watching.append(loop.create_task(watch()))

    wanted = asyncio.Event()
    watching: list[asyncio.Task[None]] = []
    going: list[asyncio.Task[None]] = []
    apps: list[ControlwatchApp] = []
    os.environ["XDG_STATE_HOME"] = str(folder)
    run(port, glyphs="unicode", clock=lambda: NOW, keymap=PLAIN, on_ready=ready)


def measure(folder: Path, size: tuple[int, int], asked: argparse.Namespace, budgets: Budgets) -> list[Cost]:
    """Press every key on every screen, print what it cost, and give the costs of all but ``esc``."""
    (folder / "place").write_text("")
    terminal = Terminal([sys.executable, "-m", "bench.keystrokes", "--show", str(folder)], *size)
    words = f"{size[0]}x{size[1]}"
    try:
        terminal.until(MARKER)
        terminal.drain(1.0)
        found: list[Cost] = []
        for where in SCREENS:
            if where.name in (asked.only or [where.name]):
                costs = [_cost(terminal, folder, where, key, asked.rounds) for key in _pressed(where)]
                report(where.name, costs, every=asked.every)
                found += [cost for cost in costs if cost.key.id not in WAITS]
        os.kill(terminal.pid, signal.SIGUSR2)
        terminal.drain(0.5)
        lag = float((folder / "lag").read_text())
        budgets.at_most(f"lag of the screen's loop while keys are pressed, p99, {words}", lag * 1e3, 100, "ms")
        budgets.at_most(f"memory after all of them, {words}", held_mb(terminal.pid), 80 + FINDINGS * 100 / 1e6, "MB")
        return found
    finally:
        terminal.close()


def _pressed(where: Where) -> Iterator[Key]:
    seen: set[str] = set()
    for key in where.keys:
        if key.id not in {*UNPRESSED, *seen}:
            seen.add(key.id)
            yield key


def _cost(terminal: Terminal, folder: Path, where: Where, key: Key, rounds: int) -> Cost:
    """Press a key on a screen that is as new, some times."""
    paints, ran = [], list[float]()
    for _ in range(rounds):
        (folder / "place").write_text(where.place)
        os.kill(terminal.pid, signal.SIGUSR1)
        while (folder / "place").exists():
            terminal.drain(0.02)
        while terminal.read(QUIET_SECONDS):
            pass
        if where.first:
            terminal.press(where.first, quiet=RESET_SECONDS, patience=NOTHING_SECONDS)
        before = _ran(terminal.pid)
        paint = terminal.press(typed(key), quiet=QUIET_SECONDS, patience=NOTHING_SECONDS)
        if not paint.written:
            break
        paints.append(paint)
        ran.append(_ran(terminal.pid) - before)
    return Cost(key, paints, ran)


def _ran(pid: int) -> float:
    """Give the seconds that a process has run on a processor, all threads, to the microsecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def opens_another(key: Key) -> bool:
    """Tell whether a key shows another screen, a form or a menu."""
    return (
        key.action.startswith("app.") or key.label.endswith("…") or key.id in {"move.open", "go.panel", "events.kinds"}
    )


def typed(key: Key) -> bytes:
    """Give what a terminal sends for the first of a key's names."""
    name = key.keys.partition(",")[0]
    if name in SPECIAL:
        return SPECIAL[name].encode()
    return bytes([ord(name[-1]) & 0x1F]) if name.startswith("ctrl+") else name.encode()


def report(name: str, costs: Sequence[Cost], *, every: bool) -> None:
    """Print a screen's figures."""
    drawn = [cost for cost in costs if cost.paints]
    times = sorted(paint.seconds for cost in drawn if cost.key.id not in WAITS for paint in cost.paints)
    cpu = sorted(each for cost in drawn if cost.key.id not in WAITS for each in cost.ran)
    slow = max(drawn, key=lambda cost: cost.middle if cost.key.id not in WAITS else 0.0)
    much = max(drawn, key=lambda cost: cost.written)
    down = next((f"{cost.written:.0f} B" for cost in drawn if cost.key.id == "move.down"), "")
    print(
        f"{name:<20}{len(drawn):>5}{_ms(statistics.median(times))}{_ms(_p95(times))}{_ms(times[-1])}{_ms(_p95(cpu))}{down:>14}"
        f"  {slow.key.shown} {slow.middle * 1e3:.0f} ms; {much.key.shown} {much.written / 1e3:.1f} kB",
        flush=True,
    )
    for cost in costs if every else ():
        figures = f"{_ms(cost.middle)}{cost.written:>8.0f} B" if cost.paints else "   draws nothing"
        print(f"    {cost.key.shown:<12}{cost.key.label:<16}{figures}")


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:>7.1f} ms"


def _p95(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def main() -> None:
    """Print one row a screen, then whether the budgets hold; exit with 1 when one does not."""
    parser = argparse.ArgumentParser(description="What each key costs on each screen.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", metavar="SCREEN", help="this screen alone; again for more")
    parser.add_argument("--small", action="store_true", help="at 80×24 alone")
    parser.add_argument("--every", action="store_true", help="print each key")
    parser.add_argument("--show", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.show is not None:
        show(asked.show)
        return
    budgets = Budgets()
    with tempfile.TemporaryDirectory(prefix="bench-keystrokes-") as name:
        asyncio.run(tables.build(Path(name), FINDINGS))
        for size in SIZES[:1] if asked.small else SIZES:
            words = f"{size[0]}x{size[1]}"
            print(f"{words}, {FINDINGS:,} findings")
            print(f"{'screen':<20} keys    median       p95     worst   CPU p95  one row down  slowest; most written")
            found = measure(Path(name), size, asked, budgets)
            for kind, opens in (("that stay on the screen", False), ("that open another one", True)):
                chosen = [cost for cost in found if opens_another(cost.key) is opens]
                times = sorted(paint.seconds for cost in chosen for paint in cost.paints)
                if not times:
                    continue
                ran = sorted(each for cost in chosen for each in cost.ran)
                budgets.at_most(f"keys {kind}, {words}: p95 of {len(times)}", _p95(times) * 1e3, 50, "ms")
                budgets.at_most("the same, CPU alone", _p95(ran) * 1e3, 50, "ms")
            print()
    budgets.leave()


if __name__ == "__main__":
    main()
