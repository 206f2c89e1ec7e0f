"""``controlwatch [run]``, ``serve`` and ``attach``: the engine with a screen, without one, and a screen without one."""

from __future__ import annotations

from pathlib import Path

import click

from cli.hosted import attached, on_terminal, serve, show
from cli.options import WEB_CONFIG
from cli.setting import Setting, say


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
@WEB_CONFIG
@click.pass_obj
def serve_command(setting: Setting, web_config: Path | None) -> int:
    """Run the engine alone, until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    config = setting.load(web_config)
    setting.log()
    return serve(config)


@click.command("attach")
@click.argument("url")
@click.pass_obj
def attach_command(setting: Setting, url: str) -> int:
    """Show the terminal UI of a running engine, read-only; URL is its state folder, or unix:PATH of it."""
    del setting
    if not on_terminal():
        message = "no terminal to draw on; `controlwatch check` tells the state as text"
        raise click.UsageError(message)
    folder = Path(url.removeprefix("unix:"))
    return attached(folder.parent if folder.name.endswith(".sock") else folder, read_only=True)


def _as_text(setting: Setting) -> int:
    """Without a terminal, print the state as text instead of drawing."""
    from cli.check import check_command

    say("no terminal to draw on; this is `controlwatch check`")
    code = check_command.main(args=[], obj=setting, standalone_mode=False)
    return code if isinstance(code, int) else 0
