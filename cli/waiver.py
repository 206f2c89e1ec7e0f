"""``controlwatch waiver``: accepted deviations from the request to the end, in the file beside the configuration."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.exit_codes import USAGE
from cli.report import clean
from cli.setting import Setting, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.config import Config
    from engine.waivers import Malformed, Waiver

DAYS = 90
CLAIMED = "claimed: nothing proves it but the review of the file's commit"


@click.group("waiver")
def waiver_command() -> None:
    """Show, request, approve, reject and revoke waivers: accepted deviations that end."""


@waiver_command.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@click.pass_obj
def waiver_list(setting: Setting, form: str, *, everything: bool) -> int:
    """List the waivers; a malformed one waives nothing, is named on standard error, and makes the exit code 2."""
    from engine import waivers
    from engine.desk_waivers import ENDED, covered_on_disk, path_of
    from engine.engine import utc_now

    config = setting.load()
    path, now = path_of(config), utc_now()
    found = waivers.load(path, config.checks)
    shown = [item for item in found.waivers if everything or item.status(now) not in ENDED]
    covers = asyncio.run(covered_on_disk(config.state_dir, found, now))
    if form == "json":
        documents = [*(_document(item, covers, now) for item in shown), *map(_malformed, found.malformed)]
        sys.stdout.write(json.dumps(documents, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(_line(item, covers, now) for item in sorted(shown, key=lambda item: item.ends))
    if not found.waivers and not found.faults:
        say(f"no waivers: {path} holds none")
    if form == "table" and len(shown) < len(found.waivers):
        say(f"{len(found.waivers) - len(shown)} more have ended: --all")
    say(*map(clean, found.faults))
    return USAGE if found.faults else 0


@waiver_command.command("request")
@click.argument("check")
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]…")
@click.option("--literal", "is_literal", is_flag=True, help="SUBJECTs are meant as they stand: no sign is wild.")
@click.option("--reason", required=True, help="Why the deviation is accepted, in 20 characters or more.")
@click.option("--compensating-control", default="", help="What is done instead.")
@click.option("--ticket", default="", help="Where it was discussed.")
@click.option("--days", type=int, help=f"How long it holds; {DAYS} otherwise.")
@click.option("--until", default="", help="Until when it holds: a date (its end, UTC) or an RFC 3339 instant.")
@click.option("--source", default="", help="Of what nobody can judge: the source, with --cause, instead of subjects.")
@click.option("--cause", default="", help="Of what nobody can judge: the cause, such as not_exposed.")
@click.option("--vendor", is_flag=True, help="It waits for a vendor, which allows 365 days.")
@click.option("--extends", default="", help="The waiver that it goes on with; it needs an approval of its own.")
@click.option("--emergency", is_flag=True, help="One person decides, for at most 24 hours; it is flagged.")
@click.option("--by", default="", help=f"Who asks; the user of this session otherwise. It is {CLAIMED}.")
@click.pass_obj
def waiver_request(
    setting: Setting,
    /,
    check: str,
    subjects: tuple[str, ...],
    days: int | None,
    until: str,
    by: str,
    *,
    is_literal: bool,
    **more: Any,
) -> int:
    """Ask for a waiver of SUBJECTs of CHECK (source/id, a label, or globs); it waives nothing until it is approved."""
    from engine import waiver_file
    from engine.desk_waivers import noted_on_disk, path_of
    from engine.engine import utc_now
    from engine.port.subjects import literal

    config = setting.load()
    _expect_request(config, check, days, until, more)
    asked = waiver_file.Asked(
        check=check,
        subjects=tuple(literal(each) for each in subjects) if is_literal else subjects,
        days=DAYS if days is None else days,
        until=_moment(until) if until else None,
        by=by or _user(),
        **more,
    )
    taken = asyncio.run(noted_on_disk(config.state_dir))
    return _done(config, lambda: waiver_file.request(path_of(config), asked, config.checks, utc_now(), taken))


def _expect_request(config: Config, check: str, days: int | None, until: str, more: Mapping[str, Any]) -> None:
    """Refuse options that do not go together, and a source that the check does not have."""
    from engine.desk_waivers import source_fault

    if days is not None and (until or more["emergency"]):
        message = "--days does not go with --until or --emergency: each says when it ends"
        raise click.UsageError(message)
    fault = source_fault(config.checks.get(check), more["source"])
    if fault:
        raise click.UsageError(fault)


@waiver_command.command("approve")
@click.argument("name", metavar="ID")
@click.option("--by", default="", help=f"Who approves; the user of this session otherwise. It is {CLAIMED}.")
@click.pass_obj
def waiver_approve(setting: Setting, name: str, by: str) -> int:
    """Approve the request ID, as another person than its requester; it then waives what it names."""
    from engine import waiver_file
    from engine.desk_waivers import path_of
    from engine.engine import utc_now

    config, user = setting.load(), _user(by)
    approver = by or user
    return _done(
        config,
        lambda: waiver_file.approve(path_of(config), name, approver, config.checks, utc_now(), user=user),
        f"approved by {clean(approver)} ({CLAIMED})",
    )


@waiver_command.command("revoke")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="Why it ends; kept in its entry.")
@click.option("--by", default="", help=f"Who ends it; the user of this session otherwise. It is {CLAIMED}.")
@click.pass_obj
def waiver_revoke(setting: Setting, name: str, reason: str, by: str) -> int:
    """End the waiver ID now, or take back a request; its entry stays in the file."""
    from engine import waiver_file
    from engine.desk_waivers import path_of
    from engine.engine import utc_now

    config = setting.load()
    who = by or _user()
    return _done(config, lambda: waiver_file.revoke(path_of(config), name, who, reason, config.checks, utc_now()))


@waiver_command.command("reject")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="Why it is turned down; kept in its entry.")
@click.option("--by", default="", help=f"Who rejects; the user of this session otherwise. It is {CLAIMED}.")
@click.pass_obj
def waiver_reject(setting: Setting, name: str, reason: str, by: str) -> int:
    """Turn down the request ID, as another person than its requester; its entry stays in the file."""
    from engine import waiver_file
    from engine.desk_waivers import path_of
    from engine.engine import utc_now

    config, user = setting.load(), _user(by)
    path, who = path_of(config), by or user
    return _done(config, lambda: waiver_file.reject(path, name, who, reason, config.checks, utc_now(), user=user))


def _done(config: Config, change: Callable[[], Waiver], *more: str) -> int:
    """Change the file, print the waiver's id, and say what became of it; exit 2 when it was refused."""
    from engine.desk_waivers import covered_on_disk, told
    from engine.engine import utc_now
    from engine.waiver_file import WaiverRefused
    from engine.waivers import Waivers

    try:
        waiver = change()
    except WaiverRefused as refused:
        say(clean(str(refused)))
        return USAGE
    now = utc_now()
    covers = asyncio.run(covered_on_disk(config.state_dir, Waivers((waiver,)), now))
    sys.stdout.write(f"{clean(waiver.written.id)}\n")
    say(clean(told(waiver, now, covers.get(waiver.written.id))), *more)
    return 0


def _user(otherwise: str = "") -> str:
    """Name the user of this session, or someone else where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        if otherwise:
            return otherwise
        message = "the system does not know who you are; say it: --by NAME"
        raise click.UsageError(message) from None


def _moment(text: str) -> date | datetime:
    """Read a date, or an instant; one without a zone is UTC."""
    try:
        if len(text) <= len("2026-12-31"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = (
            f"--until: expected a date such as 2027-03-31 or an instant such as 2027-03-31T12:00:00Z, found {text!r}"
        )
        raise click.UsageError(message) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _line(waiver: Waiver, covers: Mapping[str, int], now: datetime) -> str:
    from checks.model.units import format_duration

    written, status = waiver.written, waiver.status(now)
    scope = ", ".join(written.subjects) or f"{written.source}: {written.cause}"
    left = f"{format_duration(waiver.ends - now)} left" if status == "active" else status
    flag = " EMERGENCY" if written.emergency else ""
    approved = f"approved by {written.approved_by} (claimed)" if written.approved_by else "approved by nobody"
    ticket = f" [{written.ticket}]" if written.ticket else ""
    count = covers.get(written.id)
    covering = f"covers {count}" if count is not None else "covers ?"
    told = f"{written.id}  {written.check}  {scope}  {left}{flag}  {covering}  {approved}: {written.reason}{ticket}"
    return f"{clean(told)}\n"


def _document(waiver: Waiver, covers: Mapping[str, int], now: datetime) -> dict[str, Any]:
    from checks.model.units import rfc3339

    written = waiver.written
    return {
        "id": written.id,
        "check": written.check,
        "status": waiver.status(now),
        "subjects": list(written.subjects),
        "source": written.source or None,
        "cause": written.cause or None,
        "reason": written.reason,
        "compensating_control": written.compensating_control or None,
        "requested_by": written.requested_by,
        "approved_by": written.approved_by or None,
        "emergency": written.emergency,
        "ticket": written.ticket or None,
        "vendor": written.vendor,
        "extends": written.extends or None,
        "starts": rfc3339(waiver.starts),
        "ends": rfc3339(waiver.ends),
        "revoked_by": written.revoked_by or None,
        "revoked_reason": written.revoked_reason or None,
        "covers": covers.get(written.id),
    }


def _malformed(item: Malformed) -> dict[str, Any]:
    faults = [f"{key}: {message}" if key else message for key, message in item.faults]
    return {"id": item.id or None, "check": item.text("check") or None, "status": "malformed", "faults": faults}
