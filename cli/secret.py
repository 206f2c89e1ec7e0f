"""``controlwatch secret``: secrets live in the system's keyring; the configuration only refers to them."""

from __future__ import annotations

import sys

import click

from cli.setting import Setting, say


@click.group("secret")
def secret_command() -> None:
    """Set, list or delete secrets of the system's keyring."""


@secret_command.command("set")
@click.argument("name")
def secret_set(name: str) -> int:
    """Keep a secret under NAME; it is read from the terminal without echo, or from standard input."""
    from engine import secrets
    from sources.common.errors import Unconfigured

    secret = _typed(name) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not secret:
        message = "the secret is empty"
        raise click.UsageError(message)
    try:
        secrets.store(name, secret)
    except Unconfigured as error:
        say(str(error))
        return 2
    say(f"kept; refer to it as keyring:{name}")
    return 0


@secret_command.command("list")
@click.pass_obj
def secret_list(setting: Setting) -> int:
    """List the references of the configuration, and whether each can be resolved; never a secret."""
    import asyncio

    from engine import secrets
    from sources.common.errors import Unconfigured

    config = setting.load()
    missing = 0
    for source in config.sources.values():
        for path, reference in _references(source.own, f"sources.{source.name}"):
            try:
                asyncio.run(secrets.resolve(reference, config.folder))
                told = "can be resolved"
            except Unconfigured as error:
                missing += 1
                told = str(error)
            sys.stdout.write(f"{path} = {reference}: {told}\n")
    return 2 if missing else 0


@secret_command.command("delete")
@click.argument("name")
def secret_delete(name: str) -> int:
    """Delete the secret under NAME."""
    from engine import secrets
    from sources.common.errors import Unconfigured

    try:
        gone = secrets.delete(name)
    except Unconfigured as error:
        say(str(error))
        return 2
    say("deleted" if gone else f"the keyring holds no secret {name!r}")
    return 0 if gone else 2


def _typed(name: str) -> str:
    """Read a secret from the terminal, without echo."""
    return str(click.prompt(f"Secret for {name}", hide_input=True, err=True))


def _references(value: object, path: str) -> list[tuple[str, str]]:
    """Find the references to secrets in a source's configuration."""
    import msgspec

    from sources.common.settings import Secret

    if isinstance(value, Secret):
        return [(path, str(value))]
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _references(item, f"{path}.{key}")]
    return []
