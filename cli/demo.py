"""``controlwatch demo``: the engine over a synthetic estate, which is asked by the real sources over the real wire."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exit_codes import OWN_FAULT
from cli.memory import give_back
from cli.setting import Setting, say
from cli.version import VERSION
from demo.estate import DEFAULT_ACCOUNTS, DEFAULT_SEED, FEWEST, MOST, Estate

if TYPE_CHECKING:
    from types import FrameType

    from cli import report
    from engine.config import Config

PATIENCE = timedelta(seconds=60)
"""Time in which the text form waits for every check to be judged."""
LARGE = 50_000
"""An estate of this many accounts or more takes seconds to make, which is said."""


@click.command("demo")
@click.option(
    "--accounts",
    type=click.IntRange(FEWEST, MOST),
    default=DEFAULT_ACCOUNTS,
    show_default=True,
    help="Accounts over all directories.",
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Another seed is another company.")
@click.option("--headless", is_flag=True, help="Run the engine alone, with metrics, until a signal.")
@click.pass_obj
def demo_command(setting: Setting, accounts: int, seed: int, *, headless: bool) -> int:
    """Watch a synthetic company in which things break and heal; nothing leaves this machine."""
    return show_demo(setting, accounts, seed, headless=headless)


def show_demo(setting: Setting, accounts: int | None, seed: int | None, *, headless: bool = False) -> int:
    """Host the estate and watch it: on a terminal drawn, else as text once, or without end when ``headless``."""
    from cli.hosted import on_terminal, serve, show
    from engine.config import load

    give_back()
    drawn = not headless and on_terminal()
    size = accounts or DEFAULT_ACCOUNTS
    if size >= LARGE:
        say(f"making a company of {size:,} accounts; this takes a moment")
    if headless:
        setting.log()
    with _signals_unwind(), tempfile.TemporaryDirectory(prefix="controlwatch-demo-") as folder:
        thread = EstateThread(size, DEFAULT_SEED if seed is None else seed, Path(folder))
        try:
            config = load(thread.start())
            if drawn:
                code = show(config, demo=True)
            else:
                code = serve(config, demo=True) if headless else _once(config, color=setting.colorful())
        except CannotStand as error:
            say(str(error))
            return OWN_FAULT
        finally:
            thread.stop()
    if thread.error is not None:
        say(f"the demo's story broke off: {thread.error}")
    return code if thread.error is None else OWN_FAULT


class CannotStand(Exception):
    """The estate cannot be set up on this machine; the message says why and what to do next."""


class EstateThread:
    """A synthetic estate on a thread and a loop of its own, as other people's systems are."""

    def __init__(self, accounts: int, seed: int, folder: Path) -> None:
        """Prepare; nothing runs before ``start``."""
        self._accounts = accounts
        self._seed = seed
        self._folder = folder
        self._ready = threading.Event()
        self._unwanted = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._config: Path | None = None
        self.error: BaseException | None = None
        """What ended it early; None while all is well."""
        self._thread = threading.Thread(target=self._work, name="demo", daemon=True)

    def start(self) -> Path:
        """Start, wait until everything listens, and return the configuration's path; raises ``CannotStand``."""
        self._thread.start()
        self._ready.wait()
        if isinstance(self.error, OSError):
            reason = self.error.strerror or str(self.error)
            raise CannotStand(f"the demo cannot stand in {self._folder}: {reason}; make room, or set TMPDIR")
        if self._config is None:
            raise self.error or RuntimeError("the demo did not start")
        return self._config

    def stop(self) -> None:
        """Close everything, and wait for it; a thread that has not begun yet writes nothing."""
        self._unwanted.set()
        if not self._thread.is_alive():
            return
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE.total_seconds())

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the thread is waited for
            self.error = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        import sources
        from demo.running import running
        from demo.story import telling
        from engine.engine import utc_now

        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._unwanted.is_set():
            return
        estate = Estate(self._seed, self._accounts, utc_now())
        async with running(estate, self._folder, utc_now, kinds=sources.kinds()) as demo, telling(demo):
            self._config = demo.config
            self._ready.set()
            await self._stop.wait()


def _once(config: Config, *, color: bool) -> int:
    """Judge every check once, and print the state; a demo is no alarm, so the code is 0 whatever fails."""
    from cli import report

    say("no terminal to draw on; this is the demo estate, judged once")
    told = asyncio.run(_judged(config))
    sys.stdout.write(report.table(told, color=color))
    sys.stdout.flush()
    return 0


async def _judged(config: Config) -> report.Told:
    from cli import report
    from engine.engine import utc_now
    from engine.host import hosting

    async with hosting(config, version=VERSION, demo=True, listen=False, watch=False) as hosted:
        await hosted.engine.once(tuple(config.checks), PATIENCE)
        return await report.gather(hosted.port, (), utc_now())


@contextlib.contextmanager
def _signals_unwind() -> Iterator[None]:
    """Let signals that would end the process at once unwind it instead, so that the folder goes."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
