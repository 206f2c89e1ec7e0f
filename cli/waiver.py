"""``controlwatch waiver list``: the waivers of the file beside the configuration, and their place in time."""

from __future__ import annotations

import sys

import click

from cli.setting import Setting, say


@click.group("waiver")
def waiver_command() -> None:
    """Show waivers."""


@waiver_command.command("list")
@click.pass_obj
def waiver_list(setting: Setting) -> int:
    """List the waivers; a malformed one waives nothing, is named on standard error, and makes the exit code 2."""
    from checks.model.units import format_duration
    from engine import waivers
    from engine.engine import utc_now

    config = setting.load()
    path = config.folder / config.waivers.file
    found = waivers.load(path, config.checks)
    now = utc_now()
    for waiver in sorted(found.waivers, key=lambda item: item.ends):
        written = waiver.written
        scope = ", ".join(written.subjects) or f"{written.source}: {written.cause}"
        left = f"{format_duration(waiver.ends - now)} left" if waiver.live(now) else waiver.status(now)
        flag = " EMERGENCY" if written.emergency else ""
        approved = (
            f"approved by {written.approved_by} (claimed)" if written.approved_by else "not approved by another person"
        )
        ticket = f" [{written.ticket}]" if written.ticket else ""
        sys.stdout.write(
            f"{written.id}  {written.check}  {scope}  {left}{flag}  {approved}: {written.reason}{ticket}\n"
        )
    if not found.waivers and not found.faults:
        say(f"no waivers: {path} holds none")
    say(*found.faults)
    return 2 if found.faults else 0
