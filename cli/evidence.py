"""``controlwatch evidence``: what was collected, and whether it is still what it was."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exit_codes import FAILS, OWN_FAULT, USAGE
from cli.setting import Setting, say

if TYPE_CHECKING:
    from engine.audit import Listed
    from engine.config import Config
    from engine.port import Packed, PackQuery


@click.group("evidence")
def evidence_command() -> None:
    """List, verify and pack evidence, and accept a break of its chain."""


@evidence_command.command("list")
@click.option("--source", help="Only this source.")
@click.option("--limit", default=50, show_default=True, help="At most so many, newest first.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def evidence_list(setting: Setting, source: str | None, limit: int, form: str) -> int:
    """List the collections in the evidence, newest first."""
    from engine.audit import listing

    config = setting.load()
    if source is not None and source not in config.sources:
        _expect(source, config)
    found = asyncio.run(listing(config.state_dir, source, limit))
    if form == "json":
        sys.stdout.write(json.dumps([_document(item) for item in found], indent=2) + "\n")
    else:
        sys.stdout.writelines(_line(item) for item in found)
    return 0


@evidence_command.command("pack")
@click.option("--since", required=True, help="First day (2026-10-01, UTC), or an RFC 3339 instant.")
@click.option("--until", default="", help="Last day, which may be ahead, or an instant; today otherwise.")
@click.option("--check", "checks", multiple=True, help="Only this configured check; may be repeated.")
@click.option("--out", default="", help="A name that ends in .zip, or a new folder; else a .zip here.")
@click.pass_obj
def evidence_pack(setting: Setting, since: str, until: str, checks: tuple[str, ...], out: str) -> int:
    """Pack what became of the checks over a period; exit 1 when its evidence is broken or missing."""
    from engine.engine import utc_now
    from engine.port import PackQuery
    from tui.pack import put, target_fault, told_of

    now = utc_now()
    query = PackQuery(since=_instant(since), until=_instant(until, end=True) if until else now, checks=checks)
    if out and (fault := target_fault(out)):
        raise click.UsageError(f"--out: {fault}")
    pack = _packed(setting.load(), query, now, Path(out or ".pack").expanduser().absolute().parent)
    target = out or pack.name
    try:
        told = put(pack, target)
    except FileExistsError:
        raise click.UsageError(f"--out: {target} is there already; nothing is written over it") from None
    except OSError as error:
        say(f"--out: {told_of(error)}")
        return OWN_FAULT
    sys.stdout.write(f"{target}\n")
    say(told)
    return 0 if pack.holds else FAILS


def _packed(config: Config, query: PackQuery, now: datetime, folder: Path) -> Packed:
    from cli.version import VERSION
    from engine.pack.gather import NoPack
    from engine.pack.making import packed

    try:
        return packed(config, query, now, VERSION, folder)
    except NoPack as refusal:
        raise click.UsageError(str(refusal)) from None


def _instant(text: str, *, end: bool = False) -> datetime:
    """Read a day, its start or its end in UTC, or an instant; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"expected a day such as 2026-10-01 or an instant such as 2026-10-01T12:00:00Z, found {text!r}"
        raise click.UsageError(message) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1) if end and len(text) <= len("2026-12-31") else moment


def _expect(source: str, config: Config) -> None:
    """Refuse a name that is no source's, configured or collected; an empty list would read as "nothing there"."""
    from engine.audit import collected_sources
    from engine.convert import nearest
    from engine.store import StoreError

    try:
        known = asyncio.run(collected_sources(config.state_dir))
    except StoreError:  # there is no evidence yet
        known = frozenset()
    if source not in known:
        message = f"no source {source!r}{nearest(source, known | set(config.sources))}"
        raise click.UsageError(message)


def _document(item: Listed) -> dict[str, Any]:
    from checks.model.units import rfc3339

    manifest = item.manifest
    return {
        "manifest": item.digest,
        "source": manifest.source,
        "kind": manifest.kind,
        "as_of": rfc3339(manifest.as_of),
        "finished_at": rfc3339(manifest.finished_at),
        "complete": manifest.complete,
        "records": dict(manifest.records),
        "gaps": len(manifest.gaps),
        "blob": manifest.blob,
        "kept": item.kept,
    }


def _line(item: Listed) -> str:
    from checks.model.units import rfc3339

    manifest = item.manifest
    whole = "complete" if manifest.complete else "partial "
    kept = "" if item.kept else "  (blob let go)"
    counts = f"{whole} {manifest.kept:8} records"
    return f"{rfc3339(manifest.finished_at)}  {manifest.source:20} {counts}  {item.digest}{kept}\n"


@evidence_command.command("verify")
@click.pass_obj
def evidence_verify(setting: Setting) -> int:
    """Verify the chain, every manifest and every blob; exit 1 when something is not what it was."""
    from engine.audit import verify

    config = setting.load()
    audit = asyncio.run(verify(config.state_dir))
    say(*audit.faults)
    sys.stdout.write(
        f"chain: {audit.entries} entries hold, head {audit.head}\n"
        f"manifests: {audit.manifests}\n"
        f"blobs: {audit.blobs} hold, {audit.tombstoned} let go by retention\n",
    )
    if audit.faults:
        say(f"{len(audit.faults)} faults: the evidence is not what it was")
        return FAILS
    return 0


@evidence_command.command("accept-break")
@click.option("--reason", required=True, help="What explains the lost end; kept as evidence.")
@click.option("--by", default="", help="Who says so; the user of this session otherwise.")
@click.pass_obj
def evidence_accept_break(setting: Setting, reason: str, by: str) -> int:
    """Accept that an end of the chain was lost; what was lost stays lost, and the chain tells who accepted it."""
    from engine.audit import NothingToAccept, accept_breaks

    config = setting.load()
    if not reason.strip():
        raise click.UsageError("say what explains the lost end: --reason …")
    if config.engine.read_only:
        raise click.UsageError("this engine is read-only: engine.read_only is true")
    try:
        accepted = asyncio.run(accept_breaks(config.state_dir, reason, by or getpass.getuser()))
    except NothingToAccept as refusal:
        say(str(refusal))
        return USAGE
    for found in accepted:
        say(f"accepted: entry {found.entry}, noticed {found.at}: {found.lost.why}")
    return 0
