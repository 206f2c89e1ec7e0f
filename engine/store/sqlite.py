"""The store over SQLite: one file in the state folder, write-ahead log, one writing thread, two reading ones.

State is committed with ``synchronous = NORMAL``, where a power cut may lose the last moments and nothing else; whatever
appends to the evidence chain with ``FULL``. ``Row.first_seen`` is the first sight of the *current* opening: a finding
that was resolved and comes back keeps its id, counts a regression, and has a due date of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from engine import chain as chains
from engine.breaks import Break
from engine.evidence import Manifest
from engine.port import Event, EventQuery, Events, Past, PastQuery, Query, Row, Rows
from engine.store import (
    NO_ALARM,
    Chained,
    ChainKind,
    CheckMemory,
    Live,
    Loaded,
    Raises,
    Reconfigured,
    Runs,
    SourceMemory,
    Stage,
)
from engine.store import past as telling
from engine.store import runs as running
from engine.store.chaining import accept_breaks, noted_break, noted_head, put_break, put_chain, verified
from engine.store.diff import count_covered
from engine.store.faults import corrupt, named
from engine.store.instants import stored, told_text
from engine.store.kept import Kept
from engine.store.ledger import put_ack, put_check, put_events, put_source
from engine.store.opening import bind_key, connect, prepare
from engine.store.queries import Sql, load, migrations
from engine.store.shown import history, one
from engine.store.soon import ask
from engine.store.spooled import IN_MEMORY, hasher
from engine.store.stage import Shared, SqliteStage
from engine.store.writer import ASKED_SECONDS, Readers, Writer

YOUNG: Final = timedelta(hours=72)
"""Every blob is kept whole for this long."""
KEPT: Final = timedelta(days=550)
"""No blob is kept for longer, unless it is in use: blobs name people."""

RETIRING: Final = (
    "note retired",
    "retire findings",
    "retire passers",
    "retire turns",
    "retire checks",
    "retire sources",
)

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_ALL: Final = -1

T = TypeVar("T")


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


def open_sqlite(
    path: Path,
    *,
    subject_key: bytes,
    clock: Callable[[], datetime] = utc_now,
    in_memory: int = IN_MEMORY,
) -> SqliteStore:
    """Open the store at ``path``, made or migrated as needed.

    ``clock`` dates what no caller dates (chain entries); more than ``in_memory`` findings are compared in a table.

    Raises ``StoreCorrupt``, ``StoreNewer``, ``StoreReadOnly`` or ``StoreFull``; a refused file is left as it was.
    """
    prepare(path, migrations())
    return SqliteStore(path, subject_key, clock, in_memory)


class SqliteStore:
    """State, history and the evidence chain in one SQLite file."""

    def __init__(self, path: Path, subject_key: bytes, clock: Callable[[], datetime], in_memory: int) -> None:
        """Use ``open_sqlite``."""
        self._path = path
        self._clock = clock
        self._ledger: Sql = load("ledger.sql")
        self._evidence: Sql = load("evidence.sql")
        self._rows: Sql = load("rows.sql")
        self._past: Sql = load("past.sql")
        with named(path):
            self._state = connect(path, durable=False)
            self._durable = connect(path, durable=True)
            bind_key(self._durable, path, subject_key)
        self._hashed = hasher(subject_key)
        self._writer = Writer(path)
        self._readers = Readers(path)
        self._kept = Kept()
        self._shared = Shared(
            path=path,
            writer=self._writer,
            stage_sql=load("stage.sql"),
            ledger_sql=self._ledger,
            hashed=self._hashed,
            clock=clock,
            in_memory=in_memory,
        )

    async def load(self) -> Loaded:
        """Give everything that survives a restart; raises ``StoreCorrupt`` on a memory that cannot be read."""
        checks, sources, rows, ends = await self._readers.run(
            lambda reader: [
                reader.execute(self._ledger[table]).fetchall()
                for table in ("checks", "sources", "events", "chained at")
            ],
        )
        return Loaded(
            sources={name: self._decode(body, SourceMemory, f"source {name}") for name, body in sources},
            checks={name: self._decode(body, CheckMemory, f"check {name}") for name, body in checks},
            events=[telling.event(row) for row in rows],
            chained_at=told_text(ends[0][0]) if ends else None,
        )

    async def runs(self, since: datetime) -> Mapping[str, Runs]:
        """Give how the runs of every source ended since an instant."""
        return await self._readers.run(lambda reader: running.runs(reader, self._evidence, since))

    async def save_source(
        self,
        memory: SourceMemory,
        manifest: Manifest | None,
        events: Sequence[Event],
        chain: Sequence[Chained],
    ) -> None:
        """Remember a finished run; a manifest is kept by its digest."""
        connection = self._durable if chain else self._state

        def work() -> None:
            put_source(connection, self._ledger, memory, manifest)
            put_events(connection, self._ledger, events)
            put_chain(connection, self._ledger, chain, self._clock())

        await self._writer.transact(connection, work)

    async def save_check(self, memory: CheckMemory, events: Sequence[Event], chain: Sequence[Chained]) -> None:
        """Remember a check whose state changed by the clock alone."""
        connection = self._durable if chain else self._state

        def work() -> None:
            put_check(connection, self._ledger, memory, memory.state_since or self._clock())
            put_events(connection, self._ledger, events)
            put_chain(connection, self._ledger, chain, self._clock())

        await self._writer.transact(connection, work)

    def stage(self, check: str, family: str, raises: Raises = NO_ALARM) -> Stage:
        """Begin one judgement of a configured check, whose failures raise these alarms."""
        return SqliteStage(self._shared, check, family, raises)

    async def rows(self, query: Query, now: datetime) -> Rows:
        """Give a page of findings; retired ones are in no view."""
        found = await self._page(query, now)
        return found if self._kept.changes == self._writer.changes else await self._page(query, now)

    async def _page(self, query: Query, now: datetime) -> Rows:
        self._kept = self._kept.at(self._writer.changes)
        return await ask(self._readers, self._rows, query, now, self._kept)

    async def row(self, finding: int, now: datetime) -> Row | None:
        """Give one finding by its id, resolved and retired ones too."""
        return await self._readers.run(lambda reader: one(reader, self._rows, finding, now))

    async def history(self, finding: int) -> Sequence[Event]:
        """Give what happened to a finding, newest first."""
        return await self._readers.run(lambda reader: history(reader, self._rows, finding))

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period, in the order asked; a renamed check keeps its past."""
        return await self._readers.run(lambda reader: telling.pasts(reader, self._past, query), ASKED_SECONDS)

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events, newest first."""
        return await self._readers.run(lambda reader: telling.events(reader, self._past, query), ASKED_SECONDS)

    async def manifests(self, digests: Sequence[str]) -> Sequence[tuple[str, Manifest]]:
        """Give manifests by digest, in the order asked; unknown digests are left out."""
        wanted = _ENCODER.encode(list(digests)).decode()
        found = await self._readers.run(
            lambda reader: dict(reader.execute(self._evidence["manifests"], (wanted,)).fetchall()),
        )
        return [
            (digest, self._decode(found[digest], Manifest, f"manifest {digest}"))
            for digest in digests
            if digest in found
        ]

    async def list_manifests(self, source: str | None = None, limit: int = _ALL) -> Sequence[tuple[str, Manifest]]:
        """List manifests, newest first, of one source or all."""
        rows = await self._readers.run(
            lambda reader: reader.execute(self._evidence["list manifests"], (source, limit)).fetchall(),
        )
        return [(digest, self._decode(body, Manifest, f"manifest {digest}")) for digest, body in rows]

    async def tombstones(self) -> frozenset[str]:
        """Name the blobs that were let go."""
        rows = await self._readers.run(lambda reader: reader.execute(self._evidence["tombstones"]).fetchall())
        return frozenset(digest for (digest,) in rows)

    async def reconfigure(self, change: Reconfigured, now: datetime) -> None:
        """Rename checks, then retire findings of removed checks and sources (never "resolved"); all or nothing.

        What is remembered of the removed ones is forgotten; what has a new name keeps its findings and its past.
        """
        gone = {
            "checks": _ENCODER.encode(list(change.gone_checks)).decode(),
            "sources": _ENCODER.encode(list(change.gone_sources)).decode(),
            "now": stored(now),
        }

        def work() -> None:
            for former, name in change.renamed.items():
                for step in ("forget name", "rename check"):
                    self._durable.execute(self._ledger[step], {"check": former, "to": name})
            for step in RETIRING if change.gone_checks or change.gone_sources else ():
                self._durable.execute(self._ledger[step], gone)
            put_chain(self._durable, self._ledger, change.chain, self._clock())

        await self._writer.transact(self._durable, work, findings=True)

    async def ack(self, finding: int, note: str, by: str, now: datetime) -> bool:
        """Acknowledge an open finding, as evidence: the chain holds keyed hashes of who, whom and what was noted."""
        row: dict[str, int | str] = {"finding": finding, "note": note, "by": by, "now": stored(now)}

        def work() -> bool:
            body = put_ack(self._durable, self._ledger, row)
            if body is None:
                return False
            body |= {"by": self.hashed(by), "note": self.hashed(note)}
            put_chain(self._durable, self._ledger, [Chained(kind="ack", body=_ENCODER.encode(body))], self._clock())
            return True

        return await self._writer.transact(self._durable, work, findings=True)

    async def counts(self, since: datetime) -> Mapping[str, tuple[int, int]]:
        """Count findings opened (and still so, or resolved since) and resolved since an instant, by check."""
        at = (stored(since),)
        opened, resolved = await self._readers.run(
            lambda reader: (
                dict(reader.execute(self._rows["opened since"], at).fetchall()),
                dict(reader.execute(self._rows["resolved since"], at).fetchall()),
            ),
        )
        return {name: (opened.get(name, 0), resolved.get(name, 0)) for name in sorted({*opened, *resolved})}

    async def append(self, chain: Sequence[Chained], events: Sequence[Event] = ()) -> None:
        """Append to the evidence chain."""

        def work() -> None:
            put_events(self._durable, self._ledger, events)
            put_chain(self._durable, self._ledger, chain, self._clock())

        await self._writer.transact(self._durable, work)

    async def unused_blobs(self, now: datetime) -> Sequence[str]:
        """Name the blobs that retention lets go.

        Kept are those in use by a source or a check, those of the last 72 hours, of each source and day the last, and
        those under a transition or a first failure; past 550 days, only those in use.
        """
        loaded = await self.load()
        used = {
            manifest.blob
            for memory in loaded.sources.values()
            for manifest in (memory.complete, memory.partial)
            if manifest
        }
        cited = sorted({digest for memory in loaded.checks.values() for digest in memory.manifests})
        used |= {manifest.blob for _, manifest in await self.manifests(cited)}
        bounds = {
            "in_use": _ENCODER.encode(sorted(used)).decode(),
            "young": stored(now - YOUNG),
            "expired": stored(now - KEPT),
        }
        rows = await self._readers.run(lambda reader: reader.execute(self._evidence["unused blobs"], bounds).fetchall())
        return [digest for (digest,) in rows]

    async def tombstone(self, blobs: Sequence[str], now: datetime) -> None:
        """Record that blobs were let go; manifests, digests and counts stay."""
        gone = [(stored(now), digest) for digest in blobs]
        await self._writer.transact(
            self._state,
            lambda: self._state.executemany(self._ledger["tombstone"], gone).close(),
        )

    async def forget(self, subject: str) -> Sequence[str]:
        """Drop a person's name and facts; give the blobs that may still name them, for the caller to let go.

        Findings, history and the chain stay, under the keyed hash; the chain still verifies.
        """
        hashed = self._hashed(subject.encode())
        body = _ENCODER.encode({"subject": hashed.hex()})

        def work() -> list[str]:
            self._durable.execute(self._ledger["forget subject"], (hashed,))
            self._durable.execute(self._ledger["forget facts"], (hashed,))
            self._durable.execute(self._ledger["forget passer"], (hashed,))
            put_chain(self._durable, self._ledger, [Chained(kind="forget", body=body)], self._clock())
            source = subject.partition("/")[0]
            return [digest for (digest,) in self._durable.execute(self._ledger["blobs of source"], (source,))]

        return await self._writer.transact(self._durable, work, findings=True)

    async def links(self, after: int = 0, limit: int = _ALL) -> Sequence[chains.Link]:
        """Give chain entries in order, those after a number."""
        return await self._readers.run(
            lambda reader: [chains.Link(*row) for row in reader.execute(self._ledger["chain"], (after, limit))],
        )

    async def bodies(self, kind: ChainKind) -> Sequence[bytes]:
        """Give the bodies of the chain's entries of one kind, in order."""
        return await self._readers.run(
            lambda reader: [body for (body,) in reader.execute(self._ledger["chain of kind"], (kind,))],
        )

    async def covered(self, check: str, waivers: Sequence[Live], beside: Sequence[Live] = ()) -> Mapping[str, int]:
        """Count, by waiver, the open findings of a check that it covers and none of those beside it does."""
        return await self._readers.run(
            lambda reader: count_covered(reader.execute(self._ledger["waivable"], (check,)), waivers, beside),
        )

    def hashed(self, name: str) -> str:
        """Give the keyed hash that stands for a person in the chain, hex."""
        return self._hashed(name.encode()).hex()

    async def noted_head(self) -> chains.Head:
        """Give the head that is noted beside the chain; raises ``ValueError`` when what lies there is none."""
        return await self._readers.run(lambda reader: noted_head(reader, self._ledger))

    async def verify(self) -> chains.Verified:
        """Read the whole chain against itself, against its noted head, and for breaks that nobody accepted."""
        return await self._readers.run(lambda reader: verified(reader, self._ledger))

    async def noted_break(self) -> Break | None:
        """Give the first break of the chain that nobody accepted, as it is noted beside it."""
        return await self._readers.run(lambda reader: noted_break(reader, self._ledger))

    async def note_break(self, lost: chains.Head, why: str) -> None:
        """Tell in the chain that an end of it was lost, unless it tells that already."""
        await self._writer.transact(
            self._durable, lambda: put_break(self._durable, self._ledger, lost, why, self._clock())
        )

    async def accept_breaks(self, reason: str, by: str) -> Sequence[Break]:
        """Accept the breaks of the chain that stand, as evidence; give them."""
        now = self._clock()
        told = Event(at=now, kind="operator", what="evidence chain", text=f"break accepted by {by}: {reason}", by=by)

        def work() -> list[Break]:
            found = accept_breaks(self._durable, self._ledger, reason, self._hashed(by.encode()).hex(), now)
            put_events(self._durable, self._ledger, [told] if found else [])
            return found

        return await self._writer.transact(self._durable, work)

    async def touch(self) -> None:
        """Write a little that means nothing, to find out whether the store can be written."""
        row = ("touched", str(stored(self._clock())))
        await self._writer.transact(self._state, lambda: self._state.execute(self._ledger["put meta"], row).close())

    async def close(self) -> None:
        """Finish writing and close."""
        await self._writer.close()
        await self._readers.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with named(self._path):
            self._state.close()
            self._durable.close()

    def _decode(self, body: str, kind: type[T], what: str) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as fault:
            raise corrupt(self._path, f"{what} cannot be read ({fault})") from fault
