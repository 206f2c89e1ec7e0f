"""``controlwatch check``: one shot. With an engine running it asks that one, else it collects."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from checks.model.units import parse_duration
from cli import report
from cli.exit_codes import OWN_FAULT, exit_code
from cli.setting import Setting, say
from cli.version import VERSION

if TYPE_CHECKING:
    from engine.config import Config
    from engine.port import Port

ANSWER_SHARE = 0.8
"""The share of the deadline that sources may use; the rest is for judging and telling."""
SHORTEST = timedelta(seconds=1)
STARTING = timedelta(seconds=10)
"""Time that an engine which holds the state folder is given to listen."""
GRACE_SECONDS = 5.0
JUDGING_SECONDS = 2.0
"""Time that a running engine is left to judge what it has just collected."""


@click.command("check")
@click.argument("names", nargs=-1)
@click.option("--collect", is_flag=True, help="Collect anew, also when an engine is running.")
@click.option("--strict", is_flag=True, help="Exit 0 only when all pass.")
@click.option("--format", "form", type=click.Choice(["table", "json", "junit"]), default="table")
@click.option(
    "--deadline", default="120s", show_default=True, help="The command ends within it, whatever the sources do."
)
@click.pass_obj
def check_command(
    setting: Setting, names: tuple[str, ...], form: str, deadline: str, *, collect: bool, strict: bool
) -> int:
    """Judge checks once, and tell their states: exit 0 held, 1 fails, 2 usage, 3 blind, 4 our own fault."""
    config = setting.load()
    limit = _deadline(deadline)
    unknown = [name for name in names if name not in config.checks]
    if unknown:
        from engine.convert import nearest

        message = f"no configured check {unknown[0]!r}{nearest(unknown[0], config.checks)}"
        raise click.UsageError(message)
    if not config.checks:
        message = f"{config.path}: no checks are configured; add [checks.NAME]"
        raise click.UsageError(message)
    _watchdog(limit + timedelta(seconds=GRACE_SECONDS))
    told = asyncio.run(_ask(config, names, limit, collect=collect))
    sys.stdout.write(_formatted(told, form, color=setting.colorful()))
    sys.stdout.flush()
    code = exit_code(told.states, strict=strict)
    sys.stderr.flush()
    os._exit(code)  # a source's hung thread must not keep a one-shot command alive


def _formatted(told: report.Told, form: str, *, color: bool) -> str:
    if form == "json":
        return json.dumps(report.document(told), indent=2, ensure_ascii=False) + "\n"
    return report.junit(told) if form == "junit" else report.table(told, color=color)


def _deadline(text: str) -> timedelta:
    try:
        limit = parse_duration(text)
    except ValueError as error:
        message = f"--deadline: {error}"
        raise click.UsageError(message) from None
    if limit < SHORTEST:
        message = "--deadline: one second at least"
        raise click.UsageError(message)
    return limit


def _watchdog(limit: timedelta) -> None:
    """End the process when everything else fails to."""

    def end() -> None:
        say(f"did not finish within {limit.total_seconds():g} s; this is a fault of controlwatch")
        os._exit(OWN_FAULT)

    timer = threading.Timer(limit.total_seconds(), end)
    timer.daemon = True
    timer.start()


async def _ask(config: Config, names: tuple[str, ...], limit: timedelta, *, collect: bool) -> report.Told:
    from engine.attach import AttachedPort, CannotAttach
    from engine.lock import Held

    port = AttachedPort(config.state_dir, seconds=min(30.0, limit.total_seconds() / 2))
    patient_until = _now() + min(STARTING, limit / 4)
    while True:
        try:
            await port.open()
            break
        except CannotAttach as error:
            try:
                return await _collect(config, names, limit)
            except Held:  # an engine holds the folder before it listens
                if _now() >= patient_until:
                    raise Held(str(error)) from None
        await asyncio.sleep(0.2)
    try:
        if collect:
            await _run_all(port, limit)
        return await report.gather(port, names, _now())
    finally:
        await port.close()


async def _collect(config: Config, names: tuple[str, ...], limit: timedelta) -> report.Told:
    """Collect and judge in this process."""
    from engine.host import hosting

    async with hosting(config, version=VERSION, listen=False, watch=False) as hosted:
        await hosted.engine.once(names or tuple(config.checks), limit * ANSWER_SHARE)
        return await report.gather(hosted.port, names, _now())


async def _run_all(port: Port, limit: timedelta) -> None:
    """Have the running engine run every source, wait until each has ended a run, and leave it time to judge.

    Sources that do not end within their share of the deadline are named: what follows is then what was known before.
    """
    from engine.port import Run

    asked = _now()
    reply = await port.send(Run())
    if not reply.ok:
        say(f"cannot collect anew: {reply.message}")
        return
    while late := _late(port, asked):
        if _now() - asked >= limit * ANSWER_SHARE:
            say(f"not collected anew within the deadline: {', '.join(late)}; told as known before")
            return
        await asyncio.sleep(0.2)
    await asyncio.sleep(JUDGING_SECONDS)


def _late(port: Port, asked: datetime) -> list[str]:
    """Name the sources that have not ended a run that began since."""
    snapshot = port.snapshot()
    return [
        view.name
        for view in (snapshot.sources if snapshot is not None else ())
        if view.running or view.attempted_at is None or view.attempted_at < asked
    ]


def _now() -> datetime:
    from engine.engine import utc_now

    return utc_now()
