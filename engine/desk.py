"""What an engine answers: findings, one finding with its evidence, and commands."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from checks.model import codec
from checks.model.records import Backup, subject_of
from engine import desk_waivers
from engine.evidence import digest_of, manifest_bytes
from engine.judge import chained, transition
from engine.pack.gather import NoPack
from engine.pack.making import packed, room
from engine.port import (
    Accept,
    Ack,
    ApproveWaiver,
    Command,
    Detail,
    Event,
    EventQuery,
    Events,
    EvidenceRef,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    Pause,
    PortFault,
    Query,
    RejectWaiver,
    Reload,
    Reply,
    RequestWaiver,
    RevokeWaiver,
    Rows,
    Run,
    Snapshot,
    WaiverView,
)
from engine.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from engine.engine import Engine
    from engine.evidence import Manifest

LOG = logging.getLogger(__name__)
LONGEST_PAUSE = timedelta(days=7)
MOST_WAIVERS = 10_000
"""Waivers of one check whose events are told with its own."""
FINISH_SECONDS = 2.0
"""How long an engine that stops waits for the commands that it was given."""
RECORD_SEARCH_BYTES = 64 * 1024 * 1024
"""Blobs larger than this are not searched for the record of one subject."""
RECORDS_SHOWN = 20


class Desk:
    """The port of an engine, on the engine's own loop."""

    def __init__(self, engine: Engine, reload: Callable[[], Awaitable[Reply]]) -> None:
        """Answer for an engine; ``reload`` reads the configuration again."""
        self._engine = engine
        self._reload = reload
        self._fault: str | None = None
        self._commands: set[asyncio.Task[Reply]] = set()
        """What is being done, whether or not anybody waits for it."""

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot."""
        return self._engine.snapshot

    def fault(self) -> str | None:
        """Say why the engine is no more."""
        return self._fault

    def died(self, why: str) -> None:
        """Note that the engine is no more."""
        self._fault = why

    async def rows(self, query: Query) -> Rows:
        """Give a page of findings."""
        try:
            return await self._engine.store.rows(query, self._engine.clock())
        except StoreError as error:
            raise PortFault(str(error)) from error

    async def detail(self, finding: int) -> Detail | None:
        """Give one finding with its history and evidence; None when it is gone."""
        try:
            return await self._detail(finding)
        except StoreError as error:
            raise PortFault(str(error)) from error

    async def _detail(self, finding: int) -> Detail | None:
        engine = self._engine
        row = await engine.store.row(finding, engine.clock())
        snapshot = engine.snapshot
        view = next((item for item in snapshot.checks if item.name == row.check), None) if snapshot and row else None
        if row is None or view is None:
            return None
        manifests = await engine.store.manifests(view.evidence)
        record = await asyncio.to_thread(self._record, row.subject, [manifest for _, manifest in manifests])
        return Detail(
            row=row,
            check=view,
            history=await engine.store.history(finding),
            evidence=[_reference(digest, manifest) for digest, manifest in manifests],
            record=record,
        )

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period."""
        try:
            return await self._engine.store.past(query)
        except StoreError as error:
            raise PortFault(str(error)) from error

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events; those about a check tell of its waivers, too."""
        if query.what in self._engine.config.checks and not query.whats:
            waivers = sorted(self._engine.waiver_notes.naming(query.what))[:MOST_WAIVERS]
            query = msgspec.structs.replace(query, what="", whats=[query.what, *waivers])
        try:
            return await self._engine.store.events(query)
        except StoreError as error:
            raise PortFault(str(error)) from error

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers of the file."""
        try:
            return await desk_waivers.waivers(self._engine)
        except StoreError as error:
            raise PortFault(str(error)) from error

    async def pack(self, query: PackQuery) -> Packed:
        """Make an evidence pack of a period, in a thread; one that nobody waits for any more is removed."""
        work = asyncio.get_running_loop().run_in_executor(None, self._packed, query)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_remove)
            raise
        except (StoreError, NoPack) as error:
            raise PortFault(str(error)) from error

    def _packed(self, query: PackQuery) -> Packed:
        engine = self._engine
        return packed(engine.config, query, engine.clock(), engine.version, room(engine.config.state_dir))

    async def send(self, command: Command) -> Reply:
        """Do what is asked, or say why not; once it is begun it is done, also when nobody waits for it any more."""
        task = asyncio.get_running_loop().create_task(self._done(command), name=f"command {type(command).__name__}")
        self._commands.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def finish(self, patience: float = FINISH_SECONDS) -> None:
        """Let the commands end that were given, as long as that takes no longer than ``patience`` seconds."""
        if self._commands:
            _, late = await asyncio.wait(set(self._commands), timeout=patience)
            for task in late:
                LOG.warning("%s=not done the engine stops", task.get_name())

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        self._commands.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            LOG.error("%s=failed", task.get_name(), exc_info=error)

    async def _done(self, command: Command) -> Reply:
        if self._engine.config.engine.read_only:
            return Reply(ok=False, message="this engine is read-only: engine.read_only is true")
        try:
            return await self._send(command)
        except StoreError as error:
            return Reply(ok=False, message=str(error))

    async def _send(self, command: Command) -> Reply:
        match command:
            case Run():
                return self._run(command)
            case Reload():
                return await self._reload()
            case Accept():
                async with self._engine.settling:
                    return await self._accept(command)
            case Pause():
                async with self._engine.settling:
                    return await self._pause(command)
            case Ack():
                return await self._ack(command)
            case RequestWaiver() | ApproveWaiver() | RevokeWaiver() | RejectWaiver():
                return await self._waive(command)

    async def _waive(self, command: RequestWaiver | ApproveWaiver | RevokeWaiver | RejectWaiver) -> Reply:
        match command:
            case RequestWaiver():
                return await desk_waivers.request(self._engine, command)
            case ApproveWaiver():
                return await desk_waivers.approve(self._engine, command)
            case RevokeWaiver():
                return await desk_waivers.revoke(self._engine, command)
            case RejectWaiver():
                return await desk_waivers.reject(self._engine, command)

    def _run(self, command: Run) -> Reply:
        names = [command.source] if command.source else list(self._engine.config.sources)
        unknown = [name for name in names if not self._engine.run_now(name)]
        if unknown:
            return Reply(ok=False, message=f"no source {unknown[0]!r}")
        return Reply(ok=True, message=f"running {', '.join(names)}")

    async def _accept(self, command: Accept) -> Reply:
        engine = self._engine
        memory = engine.runner.memories.get(command.source)
        if memory is None:
            return Reply(ok=False, message=f"no source {command.source!r}, or it has not run yet")
        if memory.shrunken is None:
            return Reply(ok=False, message=f"{command.source} has not shrunk; there is nothing to accept")
        if not command.reason.strip():
            return Reply(ok=False, message="say why the smaller population is right: --reason …")
        body = {"source": command.source, "reason": command.reason, "after": dict(memory.shrunken.kept)}
        accepted = msgspec.structs.replace(memory, baseline=memory.shrunken.kept, shrunken=None)
        event = Event(
            at=engine.clock(),
            kind="operator",
            what=command.source,
            text=f"population accepted by {command.by}: {command.reason}",
            by=command.by,
        )
        await engine.store.save_source(accepted, None, [event], [chained("accept", body)])
        engine.runner.memories[command.source] = accepted
        engine.note(event)
        engine.runner.restart(command.source)  # a run under way would be held to what was accepted away
        engine.moved()
        return Reply(ok=True, message=f"accepted; {command.source} runs now, and is held to what was left")

    async def _pause(self, command: Pause) -> Reply:
        engine = self._engine
        now = engine.clock()
        memory = engine.checks.get(command.check)
        if memory is None:
            return Reply(ok=False, message=f"no check {command.check!r}")
        until: datetime | None = min(command.until, now + LONGEST_PAUSE) if command.reason.strip() else None
        body = {"check": command.check, "reason": command.reason, "until": until.isoformat() if until else None}
        by, why = (command.by, command.reason.strip()) if until else ("", "")
        changed = msgspec.structs.replace(memory, paused_until=until, paused_by=by, paused_reason=why)
        told = (
            f"paused by {command.by} until {until:%Y-%m-%d %H:%MZ}: {command.reason}" if until else "no longer paused"
        )
        changed, moved, links = transition(changed, now)
        events = [Event(at=now, kind="operator", what=command.check, text=told, by=command.by), *moved]
        await engine.store.save_check(changed, events, [chained("pause", body), *links])
        engine.checks[command.check] = changed
        engine.note(*events)
        engine.moved()
        return Reply(ok=True, message=f"{command.check} {told}")

    async def _ack(self, command: Ack) -> Reply:
        engine = self._engine
        now = engine.clock()
        if not await engine.store.ack(command.finding, command.note, command.by, now):
            return Reply(ok=False, message="that finding is gone")
        row = await engine.store.row(command.finding, now)
        if row is not None:
            text = f"a finding was acknowledged by {command.by}: {command.note}"
            event = Event(at=now, kind="operator", what=row.check, text=text, by=command.by)
            await engine.store.append((), [event])
            engine.note(event)
            engine.moved()
        return Reply(ok=True, message="acknowledged; its state is as it was")

    def _record(self, subject: str, manifests: Sequence[Manifest]) -> str | None:
        """Find a subject's records in the evidence."""
        found: list[bytes] = []
        for manifest in manifests:
            if manifest.bytes > RECORD_SEARCH_BYTES or not self._engine.blobs.has(manifest.blob):
                continue
            for chunk in self._engine.blobs.open(manifest.blob):
                for record in codec.decode_lines(chunk):
                    named = f"{record.source}/{record.set}" if isinstance(record, Backup) else subject_of(record)
                    if named == subject and len(found) < RECORDS_SHOWN:
                        found.append(codec.encode(record))
        return b"\n".join(found).decode() if found else None


def _remove(work: asyncio.Future[Packed]) -> None:
    """Remove a pack that was made for nobody."""
    if not work.cancelled() and work.exception() is None:
        Path(work.result().path).unlink(missing_ok=True)


def _reference(digest: str, manifest: Manifest) -> EvidenceRef:
    assert digest == digest_of(manifest_bytes(manifest))
    return EvidenceRef(
        source=manifest.source,
        digest=digest,
        blob=manifest.blob,
        as_of=manifest.as_of,
        records=manifest.kept,
        complete=manifest.complete,
    )
