"""What an engine answers about waivers: those of the file, and what people ask to be done with them.

Every change is a change of the file, by the same functions as the command line's; the engine then reads it at once.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from checks.model.units import rfc3339
from engine import waiver_file
from engine.convert import nearest
from engine.port import ApproveWaiver, RejectWaiver, Reply, RequestWaiver, RevokeWaiver, WaiverView
from engine.store import StoreError
from engine.store.sqlite import open_sqlite
from engine.waiver_file import Asked, WaiverRefused
from engine.waiver_notes import last_notes
from engine.waivers import Malformed, Waiver, Waivers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from engine.config import CheckConfig, Config
    from engine.engine import Engine
    from engine.store import CheckMemory, Store

ENDED: Final = frozenset({"expired", "revoked"})
T = TypeVar("T")


class Impact(NamedTuple):
    """How much a waiver covers."""

    covers: int
    """Open findings that it covers now, or would; 0 of one that has ended."""
    alone: int
    """Open findings that it names and no other live waiver covers, also of one that has ended."""


NO_IMPACT: Final = Impact(0, 0)


async def waivers(engine: Engine) -> Sequence[WaiverView]:
    """Give the waivers of the file, in its order, malformed ones too; raises ``StoreError``."""
    found, now = engine.waivers, engine.clock()
    return views(found, await impacts(engine.store, engine.checks, found, now), now)


async def request(engine: Engine, command: RequestWaiver) -> Reply:
    """Write a request to the file; it waives nothing yet, unless it is an emergency."""
    asked = Asked(
        check=command.check,
        subjects=tuple(command.subjects),
        source=command.source,
        cause=command.cause,
        reason=command.reason,
        compensating_control=command.compensating_control,
        ticket=command.ticket,
        days=command.days,
        until=command.until,
        emergency=command.emergency,
        vendor=command.vendor,
        extends=command.extends,
        by=command.by,
    )
    fault = source_fault(engine.config.checks.get(command.check), command.source)
    if fault:
        return Reply(ok=False, message=fault)
    taken = engine.waiver_notes.known()
    change = partial(waiver_file.request, _path(engine), asked, engine.config.checks, engine.clock(), taken)
    return await _changed(engine, change)


async def approve(engine: Engine, command: ApproveWaiver) -> Reply:
    """Approve a request, by another person than its requester."""
    path, checks = _path(engine), engine.config.checks
    change = partial(waiver_file.approve, path, command.id, command.by, checks, engine.clock(), entry=command.entry)
    return await _changed(engine, change)


async def revoke(engine: Engine, command: RevokeWaiver) -> Reply:
    """End a waiver now, or take back a request."""
    path, checks = _path(engine), engine.config.checks
    change = partial(waiver_file.revoke, path, command.id, command.by, command.reason, checks, engine.clock())
    return await _changed(engine, partial(change, entry=command.entry))


async def reject(engine: Engine, command: RejectWaiver) -> Reply:
    """Turn down a request, as another person than its requester."""
    path, checks = _path(engine), engine.config.checks
    change = partial(waiver_file.reject, path, command.id, command.by, command.reason, checks, engine.clock())
    return await _changed(engine, partial(change, entry=command.entry))


async def covered(store: Store, checks: Mapping[str, CheckMemory], found: Waivers, now: datetime) -> dict[str, int]:
    """Count the open findings that each waiver covers, or would; one of a check that was never judged is left out.

    A waiver that has ended covers none. Of a structural unknown, the subjects that cannot be judged for its cause.
    Raises ``StoreError``.
    """
    return {name: each.covers for name, each in (await impacts(store, checks, found, now)).items()}


async def impacts(store: Store, checks: Mapping[str, CheckMemory], found: Waivers, now: datetime) -> dict[str, Impact]:
    """Count what each waiver covers, and what no other live one does; raises ``StoreError``."""
    counts: dict[str, Impact] = {}
    by_check: dict[str, list[Waiver]] = {}
    for item in found.waivers:
        by_check.setdefault(item.written.check, []).append(item)
    for name, items in by_check.items():
        memory = checks.get(name)
        if memory is None or memory.result is None:
            continue
        covers = dict.fromkeys((item.written.id for item in items), 0)
        live = [item for item in items if item.live(now)]
        going = [item.covering for item in items if item.status(now) not in ENDED and not item.structural]
        named = [item.covering for item in items if not item.structural]
        beside = [item.covering for item in live if not item.structural]
        covers |= await store.covered(name, going) if going else {}
        alone = dict(await store.covered(name, named, beside)) if named else {}
        unknown = memory.result.unknown_causes
        for item in (item for item in items if item.structural):
            key = _cause(item)
            count = unknown.get(key, 0)
            covers[item.written.id] = 0 if item.status(now) in ENDED else count
            alone[item.written.id] = 0 if any(_cause(each) == key for each in live if each is not item) else count
        counts |= {key: Impact(count, alone.get(key, 0)) for key, count in covers.items()}
    return counts


def _cause(waiver: Waiver) -> str:
    return f"{waiver.written.source}:{waiver.written.cause}" if waiver.structural else ""


async def covered_on_disk(state_dir: Path, found: Waivers, now: datetime) -> dict[str, int]:
    """Count as ``covered`` does, from what lies on the disk; nothing is known where nothing can be read."""

    async def ask(store: Store) -> dict[str, int]:
        return await covered(store, (await store.load()).checks, found, now)

    return await _on_disk(state_dir, ask, {})


async def noted_on_disk(state_dir: Path) -> frozenset[str]:
    """Name every waiver that was ever noted in the evidence; none where nothing can be read."""

    async def ask(store: Store) -> frozenset[str]:
        return frozenset(await last_notes(store))

    return await _on_disk(state_dir, ask, frozenset())


async def _on_disk(state_dir: Path, ask: Callable[[Store], Awaitable[T]], otherwise: T) -> T:
    """Ask the store beside whoever holds it; what cannot be read is answered with ``otherwise``."""
    path, key = state_dir / "store.sqlite", state_dir / "subject.key"
    if not path.exists() or not key.exists():
        return otherwise
    try:
        store = open_sqlite(path, subject_key=key.read_bytes())
        try:
            return await ask(store)
        finally:
            await store.close()
    except (StoreError, OSError):
        return otherwise


def views(found: Waivers, impact: Mapping[str, Impact], now: datetime) -> list[WaiverView]:
    """Show the waivers of a file in its order, malformed ones with their faults."""
    places = {item.index: _view(item, impact.get(item.written.id, NO_IMPACT), now) for item in found.waivers}
    places |= {item.index: _malformed(item) for item in found.malformed}
    return [view for _, view in sorted(places.items())]


def source_fault(check: CheckConfig | None, source: str) -> str:
    """Say why a source cannot be that of a structural unknown of a check; empty when it can, or none is named."""
    if check is None or not source:
        return ""
    read = (*check.judged, *check.joined)
    return "" if source in read else f"source: {check.name} does not read {source!r}{nearest(source, read)}"


def told(waiver: Waiver, now: datetime, covers: int | None) -> str:
    """Say what a waiver has become, and how much it covers."""
    name, status = waiver.written.id, waiver.status(now)
    ends = rfc3339(waiver.ends)
    findings = "open finding" if covers == 1 else "open findings"
    count = "how many open findings it {} is not known" if covers is None else f"it {{}} {covers} {findings} now"
    match status:
        case "requested":
            rest = f"requested until {ends}; it waives nothing until another person approves it; "
            return f"{name} is {rest}{count.format('would cover')}"
        case "active":
            flag = " as an EMERGENCY of one person" if waiver.written.emergency else ""
            return f"{name} is in force{flag} until {ends}; {count.format('covers')}"
        case "revoked" if not waiver.approved:
            return f"{name} was never in force, and its entry stays in the file"
        case "future":
            return f"{name} is approved, from {rfc3339(waiver.starts)} until {ends}; {count.format('would cover')}"
        case _:
            return f"{name} is {status}; it waives nothing, and its entry stays in the file"


async def _changed(engine: Engine, change: Callable[[], Waiver]) -> Reply:
    """Change the file in a thread, have the engine read it, and say what became of it."""
    try:
        waiver = await asyncio.to_thread(change)
    except WaiverRefused as refused:
        return Reply(ok=False, message=str(refused))
    await engine.reread_waivers()
    now = engine.clock()
    counts = await covered(engine.store, engine.checks, Waivers((waiver,)), now)
    return Reply(ok=True, message=told(waiver, now, counts.get(waiver.written.id)))


def path_of(config: Config) -> Path:
    """Give the path of the waiver file of a configuration."""
    return config.folder / config.waivers.file


def _path(engine: Engine) -> Path:
    return path_of(engine.config)


def _view(waiver: Waiver, impact: Impact, now: datetime) -> WaiverView:
    written, status = waiver.written, waiver.status(now)
    return WaiverView(
        id=written.id,
        check=written.check,
        status=status,
        subjects=written.subjects,
        source=written.source,
        cause=written.cause,
        reason=written.reason,
        compensating_control=written.compensating_control,
        requested_by=written.requested_by,
        approved_by=written.approved_by,
        emergency=written.emergency,
        ticket=written.ticket,
        starts=waiver.starts,
        ends=waiver.ends,
        covers=impact.covers,
        alone=impact.alone,
        vendor=written.vendor,
        extends=written.extends,
        revoked_by=written.revoked_by,
        revoked_reason=written.revoked_reason,
        entry=waiver.digest,
    )


def _malformed(item: Malformed) -> WaiverView:
    return WaiverView(
        id=item.id,
        check=item.text("check"),
        status="malformed",
        reason=item.text("reason"),
        requested_by=item.text("requested_by"),
        approved_by=item.text("approved_by"),
        ticket=item.text("ticket"),
        fault="; ".join(f"{key}: {message}" if key else message for key, message in item.faults),
    )
