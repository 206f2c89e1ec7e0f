"""``controlwatch check``: one shot. With an engine running it asks that one, else it collects."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
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
POLL_SECONDS = 0.2


@click.command("check")
@click.argument("names", nargs=-1)
@click.option("--collect", is_flag=True, help="Collect anew, also when an engine is running.")
@click.option("--strict", is_flag=True, help="Exit 0 only when all pass.")
@click.option("--format", "form", type=click.Choice(["table", "json", "junit"]), default="table")
@click.option(
    "--deadline", default="120s", show_default=True, help="The command ends within it, whatever the sources do."
)
@click.option("--textfile", default="", help="Write the metrics, too, to this .prom file of node_exporter's collector.")
@click.pass_obj
def check_command(
    setting: Setting, names: tuple[str, ...], form: str, deadline: str, textfile: str, *, collect: bool, strict: bool
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
    _expect(textfile)
    _watchdog(limit + timedelta(seconds=GRACE_SECONDS))
    told = asyncio.run(_ask(config, names, limit, collect=collect))
    sys.stdout.write(_formatted(told, form, color=setting.colorful()))
    sys.stdout.flush()
    _tell_unkept(told)
    code = exit_code(told.states, strict=strict)
    if textfile and not _exposed(told, Path(textfile), config.metrics.max_series):
        code = OWN_FAULT
    sys.stderr.flush()
    os._exit(code)  # a source's hung thread must not keep a one-shot command alive


def _tell_unkept(told: report.Told) -> None:
    """Say so when nothing new could be kept: the states are then those of what was kept before."""
    error = told.snapshot.evidence_error
    if error is not None:
        say(f"evidence cannot be written: {error}; told as known before")


def _expect(textfile: str) -> None:
    """Refuse a file that no collector would read, before anything is asked."""
    from engine.textfile import textfile_fault

    fault = textfile_fault(textfile) if textfile else None
    if fault is not None:
        raise click.UsageError(f"--textfile: {fault}")


def _exposed(told: report.Told, path: Path, cap: int) -> bool:
    """Write the metrics as a running engine would expose them; a file that cannot be written is told."""
    from engine.metrics import render
    from engine.textfile import write_textfile

    try:
        write_textfile(path, render(told.snapshot, told.now, cap=cap, process=str).body)
    except OSError as error:
        say(f"--textfile: {path} cannot be written: {error.strerror}")
        return False
    return True


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
    from engine.attach.client import AttachedPort
    from engine.attach.wire import CannotAttach
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
        await asyncio.sleep(POLL_SECONDS)
    try:
        if collect:
            await _run_all(port, names, limit)
        return await report.gather(port, names, _now())
    finally:
        await port.close()


async def _collect(config: Config, names: tuple[str, ...], limit: timedelta) -> report.Told:
    """Collect and judge in this process."""
    from engine.host import hosting

    async with hosting(config, version=VERSION, listen=False, watch=False) as hosted:
        await hosted.engine.once(names or tuple(config.checks), limit * ANSWER_SHARE)
        return await report.gather(hosted.port, names, _now())


async def _run_all(port: Port, names: Sequence[str], limit: timedelta) -> None:
    """Have the running engine run every source, and wait until each has ended a run and its checks were judged.

    What does not end within its share of the deadline is named: what follows is then what was known before.
    """
    from engine.port import Run

    asked, before = _now(), _failures(port)
    reply = await port.send(Run())
    if not reply.ok:
        say(f"cannot collect anew: {reply.message}")
        return
    while late := _late(port, asked):
        if _now() - asked >= limit * ANSWER_SHARE:
            say(f"not collected anew within the deadline: {', '.join(late)}; told as known before")
            return
        await asyncio.sleep(POLL_SECONDS)
    ended = _now()
    while waiting := _unjudged(port, names, ended):
        failed = [name for name in waiting if _failures(port).get(name, 0) > before.get(name, 0)]
        if len(failed) == len(waiting) or _now() - asked >= limit * ANSWER_SHARE:
            say(f"not judged anew: {', '.join(waiting)}; told as known before")
            return
        await asyncio.sleep(POLL_SECONDS)


def _late(port: Port, asked: datetime) -> list[str]:
    """Name the sources that have not ended a run that began since."""
    snapshot = port.snapshot()
    return [
        view.name
        for view in (snapshot.sources if snapshot is not None else ())
        if view.running or view.attempted_at is None or view.attempted_at < asked
    ]


def _unjudged(port: Port, names: Sequence[str], ended: datetime) -> list[str]:
    """Name the checks that were not judged since the sources that they read ended.

    A run that was not complete may tell nothing to judge; the checks of its source have been looked at once the
    scheduler has ticked since.
    """
    snapshot = port.snapshot()
    if snapshot is None:
        return []
    sources = {view.name: view for view in snapshot.sources}
    ticked = snapshot.ticked_at is not None and snapshot.ticked_at > ended
    waiting: list[str] = []
    for view in snapshot.checks:
        read = [sources[name] for name in view.sources if name in sources]
        ends = [source.completed_at for source in read if source.complete and source.completed_at is not None]
        judged = not ends or (view.judged_at is not None and view.judged_at >= max(ends))
        settled = ticked or all(source.complete for source in read)
        if (not names or view.name in names) and not (judged and settled):
            waiting.append(view.name)
    return waiting


def _failures(port: Port) -> dict[str, int]:
    """Count, by check, the judgements that failed inside controlwatch."""
    snapshot = port.snapshot()
    return {view.name: view.judgement_failures for view in snapshot.checks} if snapshot is not None else {}


def _now() -> datetime:
    from engine.engine import utc_now

    return utc_now()
