"""``controlwatch source``: provider kinds, reach and permissions, and accepting a smaller population."""

from __future__ import annotations

import asyncio
import getpass
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from cli.report import clean
from cli.setting import Setting, say
from cli.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config import Config, SourceConfig
    from engine.port import Command, Reply
    from sources.common.source import Context, Probe

TEST_SECONDS = 60.0


@click.group("source")
def source_command() -> None:
    """List provider kinds, test sources, or accept a population that shrank."""


@source_command.command("kinds")
@click.option("--facts", is_flag=True, help="Tell each fact and the permission that it needs.")
def source_kinds(*, facts: bool) -> int:
    """List the provider kinds."""
    import sources

    for kind, source in sources.discover().items():
        sys.stdout.write(f"{kind:12} {source.title}\n")
        for fact in source.facts if facts else ():
            sys.stdout.write(f"    {fact.fact:28} {fact.permission}; without it {fact.without}\n")
    return 0


@source_command.command("test")
@click.argument("names", nargs=-1)
@click.pass_obj
def source_test(setting: Setting, names: tuple[str, ...]) -> int:
    """Try reach and permissions, and tell what each missing one costs; exit 3 when something is refused."""
    config = setting.load()
    chosen = _chosen(config, names)
    results = asyncio.run(probes_of(config, chosen))
    for source, probes in zip(chosen, results, strict=True):
        sys.stdout.write(f"{source.name} ({source.common.kind})\n")
        sys.stdout.writelines(map(_told, probes))
        sys.stdout.write(_before(source, probes, config))
    return 0 if all(probe.ok is True for probes in results for probe in probes) else 3


@source_command.command("accept")
@click.argument("name")
@click.option("--reason", required=True, help="Why the smaller population is right; kept as evidence.")
@click.option("--by", default="", help="Who says so; the user of this session otherwise.")
@click.pass_obj
def source_accept(setting: Setting, name: str, reason: str, by: str) -> int:
    """Accept that the population of source NAME shrank; what it brings next is the new baseline."""
    from engine.port import Accept

    config = setting.load()
    _chosen(config, (name,))
    reply = asyncio.run(_send(config, Accept(source=name, reason=reason, by=by or getpass.getuser())))
    say(reply.message)
    return 0 if reply.ok else 2


def _chosen(config: Config, names: tuple[str, ...]) -> list[SourceConfig]:
    for name in names:
        if name not in config.sources:
            from engine.convert import nearest

            message = f"no configured source {name!r}{nearest(name, config.sources)}"
            raise click.UsageError(message)
    return [config.sources[name] for name in names or config.sources]


def _told(probe: Probe) -> str:
    mark = {True: "✔", False: "✖", None: "?"}[probe.ok]
    costs = (
        f"\n      costs: {', '.join(probe.costs)} (unknown without it)" if probe.costs and probe.ok is not True else ""
    )
    return f"  {mark} {clean(probe.asked)}{f': {clean(probe.detail)}' if probe.detail else ''}{costs}\n"


def _before(source: SourceConfig, probes: Sequence[Probe], config: Config) -> str:
    """Say that what is not there was there, where a run under this same configuration has told all."""
    from checks.model.doubt import Cause
    from checks.model.units import rfc3339
    from engine.store.earlier import earlier

    if not any(probe.cause is Cause.NOT_CONFIGURED for probe in probes):
        return ""
    memory = earlier(config.state_dir).get(source.name)
    if memory is None or memory.completed_at is None or memory.config_digest != source.digest:
        return ""
    return (
        f"    it was there: the run that ended {rfc3339(memory.completed_at)} told all under this same configuration;\n"
        "    bring back what is named above (is what holds it mounted?), or mend the configuration if it has moved\n"
    )


async def probes_of(config: Config, chosen: Sequence[SourceConfig]) -> list[Sequence[Probe]]:
    """Test sources side by side, without an engine."""
    import tempfile
    from pathlib import Path

    import aiohttp

    from engine.blobs import FolderBlobs
    from engine.engine import utc_now
    from engine.lend import Lent, Shared

    timeout = aiohttp.ClientTimeout(total=TEST_SECONDS)
    with tempfile.TemporaryDirectory(prefix="controlwatch-test-") as folder:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as session:
            shared = Shared(utc_now, config.folder, Path(folder), session)
            blobs = FolderBlobs(Path(folder) / "evidence")
            limit = timedelta(seconds=TEST_SECONDS)

            async def one(source: SourceConfig) -> Sequence[Probe]:
                context = Lent(shared, source.name, limit, blobs, None, lambda _name, _progress: None)
                return await _bounded(source, context)

            return await asyncio.gather(*(one(source) for source in chosen))


async def _bounded(source: SourceConfig, context: Context) -> Sequence[Probe]:
    from checks.model.doubt import Cause
    from sources.common.errors import SourceError
    from sources.common.source import Probe

    try:
        async with asyncio.timeout(TEST_SECONDS):
            return await source.source.test(source.own, context)
    except SourceError as error:
        return [Probe(asked=source.name, ok=False, detail=str(error), cause=error.cause)]
    except TimeoutError:
        told = f"no answer within {TEST_SECONDS:g} s"
        return [Probe(asked=source.name, ok=None, detail=told, cause=Cause.UNREACHABLE)]


async def _send(config: Config, command: Command) -> Reply:
    """Send a command to the running engine, or to one of our own over the same state folder."""
    from engine.attach.client import AttachedPort
    from engine.attach.wire import CannotAttach
    from engine.host import hosting

    port = AttachedPort(config.state_dir)
    try:
        return await port.send(command)
    except CannotAttach:
        async with hosting(config, version=VERSION, listen=False, watch=False) as hosted:
            return await hosted.desk.send(command)
