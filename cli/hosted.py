"""An engine on this thread, or a screen over one: what the commands that host something share."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING

from cli.exit_codes import OWN_FAULT, USAGE
from cli.memory import give_back
from cli.setting import say
from cli.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from cli.notify import Notifier
    from engine.config import Config
    from engine.elsewhere import Elsewhere
    from engine.host import Hosted
    from engine.port import Port

STARTING_SECONDS = 10.0
"""An engine that holds the state folder and does not listen yet is given this long."""


def on_terminal() -> bool:
    """Tell whether there is a terminal to draw on; Textual draws on standard error."""
    import os

    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"


def serve(config: Config, *, demo: bool = False) -> int:
    """Run the engine on this thread until a signal."""
    give_back()
    return asyncio.run(_serve(config, demo=demo))


async def _serve(config: Config, *, demo: bool) -> int:
    import logging
    import os

    from cli.notify import Notifier
    from engine.host import hosting

    log = logging.getLogger("controlwatch")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    notifier = Notifier(os.environ)
    async with hosting(config, version=VERSION, demo=demo) as hosted:
        _obey(loop, hosted, notifier, stop)
        log.info("engine=live config=%s metrics=%s", config.path, hosted.metrics_address or "off")
        hosted.engine.listeners.append(notifier.tell)
        watching = loop.create_task(notifier.watch(lambda: hosted.engine.snapshot))
        await hosted.engine.run(stop)
        watching.cancel()
    log.info("engine=stopped")
    return 0


def _obey(loop: asyncio.AbstractEventLoop, hosted: Hosted, notifier: Notifier, stop: asyncio.Event) -> None:
    """End at SIGTERM and SIGINT, and read the configuration again at SIGHUP."""
    from engine.port import Reload

    def end() -> None:
        notifier.stopping()
        stop.set()
        hosted.engine.wake()

    async def reloaded() -> None:
        with notifier.reloading():
            await hosted.desk.send(Reload())

    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(reloaded())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, end)
    loop.add_signal_handler(signal.SIGHUP, reload)


def show(config: Config, *, demo: bool = False) -> int:
    """Show the terminal UI over an engine on a thread of its own, or over the one that holds the state folder."""
    from engine.host import EngineThread, Held

    give_back()
    thread = EngineThread(config, version=VERSION, demo=demo)
    try:
        hosted = thread.start()
    except Held:
        say(f"another engine holds {config.state_dir}; attaching to it")
        return attached(config.state_dir, read_only=config.engine.read_only, patience=STARTING_SECONDS)
    try:
        code = _drawn(hosted.port, read_only=config.engine.read_only, stops_engine=True)
    finally:
        ended = thread.stop()
    if not ended:
        say("the engine did not end in time; everything that it had stored is safe")
        return OWN_FAULT
    return code


def attached(folder: Path, *, read_only: bool, patience: float = 0.0) -> int:
    """Show the terminal UI over the engine that holds the folder, waiting ``patience`` seconds for it to listen."""
    from engine.attach.client import AttachedThread
    from engine.attach.wire import CannotAttach

    give_back()
    ends = time.monotonic() + patience
    while True:
        thread = AttachedThread(folder)
        try:
            port: Elsewhere = thread.start()
        except CannotAttach as error:
            if time.monotonic() < ends:
                time.sleep(0.3)
                continue
            say(str(error))
            return USAGE
        break
    try:
        code = _drawn(port, read_only=read_only, stops_engine=False)
    finally:
        thread.stop()
    if code == 0:
        say("the engine goes on; controlwatch attach shows it again")
    return code


def _drawn(port: Port, *, read_only: bool, stops_engine: bool) -> int:
    """Draw until somebody quits, or a signal asks for it."""
    import gc
    import os

    from cli.log import beside
    from tui.app import ControlwatchApp, run
    from tui.remembered import default_path

    beside(default_path(os.environ).with_name("tui.log"))  # nothing may write into the screen

    def ready(app: ControlwatchApp) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(name, app.leave)

    gc.freeze()  # What is loaded by now stays: the collector need not walk it between a key and its paint.
    return run(port, read_only=read_only, stops_engine=stops_engine, attached=not stops_engine, on_ready=ready)
