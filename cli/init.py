"""``controlwatch init``: on a terminal a guided start; else a small true configuration, without any credential."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cli.setting import FILE, Setting, say

HOST = re.compile(r"[^\s\"\\]+")

TEMPLATE = """\
# Controlwatch: `controlwatch` shows it, `controlwatch check` tells it, `config.example.toml` shows every key.

[engine]
state_dir = "state"                  # evidence and history

[sources.edge]
kind = "tls"
targets = [{targets}]

[checks.certificates]
check = "tls_expiry"
sources = ["edge"]
"""


@click.command("init")
@click.option("--tls", "hosts", multiple=True, metavar="HOST[:PORT]", help="A TLS endpoint to watch; may be repeated.")
@click.pass_context
def init_command(ctx: click.Context, hosts: tuple[str, ...]) -> int:
    """Write a configuration: guided on a terminal, else of a dozen lines over --tls, with its first verdicts."""
    setting: Setting = ctx.obj
    path = setting.config or Path(FILE)
    if path.exists():
        say(f"{path} is there already; nothing was written (move it away, or name another with --config)")
        return 2
    from cli.hosted import on_terminal

    if not hosts and on_terminal():
        return _guided(path)
    if not hosts:
        message = "name what to watch, for example: controlwatch init --tls example.org"
        raise click.UsageError(message)
    targets = [_target(host) for host in hosts]
    text = TEMPLATE.format(targets=", ".join(f'"{target}"' for target in targets))
    from engine.config import parse

    parse(text, path)
    _write(path, text)
    say(f"wrote {path}; this is what it shows:")
    from cli.check import check_command

    code = check_command.main(args=[], obj=Setting(path, setting.log_format, setting.color), standalone_mode=False)
    return code if isinstance(code, int) else 0


def _guided(path: Path) -> int:
    """Show the screen that finds, tests and writes; exit 2 when nothing was written."""
    from cli.exit_codes import OWN_FAULT
    from cli.setup import MachineSetup
    from tui.init import run

    commands = run(MachineSetup(path))
    if commands is None:
        return OWN_FAULT
    if not commands:
        say("nothing was written")
        return 2
    say(f"wrote {path}; next:", *(f"  {command}" for command in commands))
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise click.UsageError(message) from None


def _target(host: str) -> str:
    """Give a target with its port; 443 when there is none."""
    if not HOST.fullmatch(host):
        message = f"{host!r} is not a host"
        raise click.UsageError(message)
    bare = host.removeprefix("https://").rstrip("/")
    has_port = re.search(r"\]:\d+|^[^\[\]]*[^:]:\d+", bare) is not None
    return bare if has_port else f"{bare}:443"
