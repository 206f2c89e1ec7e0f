"""``controlwatch [run]``, ``serve`` and ``attach``: the engine with a screen, without one, and a screen without one."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import click

from cli.exit_codes import OWN_FAULT, USAGE
from cli.setting import Setting, say
from cli.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config
    from engine.port import Port


@click.command("run")
@click.pass_obj
def run_command(setting: Setting) -> int:
    """Show the terminal UI, with the engine inside, or attached to the one that holds the state folder."""
    if not on_terminal():
        return _as_text(setting)
    if setting.find() is None:
        from cli.demo import show_demo

        return int(show_demo(setting, accounts=None, seed=None))
    return show(setting.load())


@click.command("serve")
@click.pass_obj
def serve_command(setting: Setting) -> int:
    """Run the engine alone, until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    config = setting.load()
    setting.log()
    return serve(config)


@click.command("attach")
@click.argument("url")
@click.pass_obj
def attach_command(setting: Setting, url: str) -> int:
    """Show the terminal UI of a running engine, read-only; URL is its state folder, or unix:PATH of it."""
    from pathlib import Path

    del setting
    folder = Path(url.removeprefix("unix:"))
    return _attached(folder.parent if folder.name.endswith(".sock") else folder, read_only=True)


def on_terminal() -> bool:
    """Tell whether there is a terminal to draw on; Textual draws on standard error."""
    import os

    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"


def serve(config: Config, *, demo: bool = False) -> int:
    """Run the engine on this thread until a signal."""
    return asyncio.run(_serve(config, demo=demo))


async def _serve(config: Config, *, demo: bool) -> int:
    import logging

    from engine.host import hosting
    from engine.port import Reload

    log = logging.getLogger("controlwatch")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with hosting(config, version=VERSION, demo=demo) as hosted:

        def end() -> None:
            stop.set()
            hosted.engine.wake()

        reloads: set[asyncio.Task[object]] = set()

        def reload() -> None:
            task: asyncio.Task[object] = loop.create_task(hosted.desk.send(Reload()))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, end)
        loop.add_signal_handler(signal.SIGHUP, reload)
        log.info("engine=live config=%s metrics=%s", config.path, hosted.metrics_address or "off")
        await hosted.engine.run(stop)
    log.info("engine=stopped")
    return 0


def show(config: Config, *, demo: bool = False) -> int:
    """Show the terminal UI over an engine on a thread of its own, or over the one that holds the state folder."""
    from engine.host import EngineThread, Held

    thread = EngineThread(config, version=VERSION, demo=demo)
    try:
        hosted = thread.start()
    except Held:
        say(f"another engine holds {config.state_dir}; attaching to it")
        return _attached(config.state_dir, read_only=config.engine.read_only)
    try:
        code = _drawn(hosted.port, read_only=config.engine.read_only, stops_engine=True)
    finally:
        ended = thread.stop()
    if not ended:
        say("the engine did not end in time; everything that it had stored is safe")
        return OWN_FAULT
    return code


def _attached(folder: Path, *, read_only: bool) -> int:
    from engine.attach import AttachedThread, CannotAttach

    thread = AttachedThread(folder)
    try:
        port = thread.start()
    except CannotAttach as error:
        say(str(error))
        return USAGE
    try:
        return _drawn(port, read_only=read_only, stops_engine=False)
    finally:
        thread.stop()


def _drawn(port: Port, *, read_only: bool, stops_engine: bool) -> int:
    """Draw until somebody quits, or a signal asks for it."""
    import logging

    from tui.app import ControlwatchApp, run

    logging.getLogger().addHandler(logging.NullHandler())  # nothing may write into the screen

    def ready(app: ControlwatchApp) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(name, app.leave)

    return run(port, read_only=read_only, stops_engine=stops_engine, on_ready=ready)


def _as_text(setting: Setting) -> int:
    """Without a terminal, print the state as text instead of drawing."""
    from cli.check import check_command

    say("no terminal to draw on; this is `controlwatch check`")
    code = check_command.main(args=[], obj=setting, standalone_mode=False)
    return code if isinstance(code, int) else 0
