"""``controlwatch init``: a small true configuration and its first verdicts, without any credential."""

from __future__ import annotations

import re
import sys
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
    """Write a configuration of a dozen lines, and show its first verdicts."""
    setting: Setting = ctx.obj
    path = setting.config or Path(FILE)
    if path.exists():
        say(f"{path} is there already; nothing was written (move it away, or name another with --config)")
        return 2
    if not hosts and sys.stdin.isatty():
        hosts = tuple(str(click.prompt("A host whose certificate to watch", err=True)).split())
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
