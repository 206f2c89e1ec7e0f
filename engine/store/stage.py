"""A stage is one judgement on its way into the store; nothing of it is visible before ``commit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from checks.model.result import Finding
from engine.port import Event
from engine.store import NO_ALARM, Chained, CheckMemory, Diff, Live, Raises, StoreError
from engine.store.chaining import put_chain
from engine.store.diff import Changed, Judged, compare
from engine.store.ledger import put_check, put_events
from engine.store.queries import Sql
from engine.store.spooled import Spooled
from engine.store.writer import Writer, undo

BATCH: Final = 1_000
"""Findings that are staged at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the stages of a store share."""

    path: Path
    writer: Writer
    stage_sql: Sql
    ledger_sql: Sql
    hashed: Callable[[bytes], bytes]
    clock: Callable[[], datetime]
    in_memory: int
    """Marks of one judgement that are compared in memory."""


class SqliteStage:
    """One judgement on a connection of its own: other judgements neither wait for it nor disturb it while it grows.

    From ``diff`` to ``commit`` or ``abort`` it holds the store's turn to write, so ``abort`` belongs in a ``finally``.
    """

    def __init__(self, shared: Shared, check: str, family: str, raises: Raises = NO_ALARM) -> None:
        """Begin a judgement; nothing is opened before the first finding."""
        self._shared = shared
        self._check = check
        self._family = family
        self._raises = raises
        self._buffer: list[Finding] = []
        self._passing: list[str] = []
        self._spooled: Spooled | None = None
        self._over = False
        self._holds_turn = False
        self._changed: tuple[Changed, datetime] | None = None

    async def add(self, findings: Sequence[Finding], passing: Sequence[str] = ()) -> None:
        """Stage findings, carried ones too, and the subjects that passed, of a check that remembers them."""
        self._buffer.extend(findings)
        self._passing.extend(passing)
        if len(self._buffer) + len(self._passing) >= BATCH:
            await self._flush()

    async def diff(
        self,
        *,
        now: datetime,
        complete: bool,
        remediate_within: timedelta,
        waivers: Sequence[Live],
        same_policy: bool = True,
    ) -> Diff:
        """Compare with the open findings of the check, inside the transaction that ``commit`` ends."""
        if self._changed is not None:
            raise StoreError(f"{self._check}: was compared already; a judgement is compared once")
        await self._flush()
        judged = Judged(
            check=self._check,
            family=self._family,
            now=now,
            complete=complete,
            remediate_within=remediate_within,
            waivers=tuple(waivers),
            raises=self._raises,
            same_policy=same_policy,
        )
        await self._shared.writer.turn.acquire()
        self._holds_turn = True
        try:
            changed = await self._shared.writer.run(lambda: self._compare(judged))
        except BaseException:
            self._let_go()
            raise
        self._changed = changed, now
        return changed.diff

    async def commit(self, memory: CheckMemory, events: Sequence[Event], chain: Sequence[Chained]) -> None:
        """Make the judgement, the check's memory, the events and the chain entries durable in one transaction."""
        if self._changed is None:
            raise StoreError(f"{self._check}: there is nothing to commit; compare first")
        changed, now = self._changed
        try:
            await self._shared.writer.run(lambda: self._commit(memory, events, chain, changed, now))
        finally:
            self._let_go()

    async def abort(self) -> None:
        """Forget the stage; does nothing after ``commit``."""
        self._buffer.clear()
        self._passing.clear()
        self._let_go()

    async def _flush(self) -> None:
        """Stage what is buffered; a stage that lost findings must never be compared: it would resolve them."""
        if self._over:
            raise StoreError(
                f"{self._check}: this judgement is over, or lost findings on its way, and cannot be stored"
            )
        batch, self._buffer = self._buffer, []
        passing, self._passing = self._passing, []
        try:
            await self._shared.writer.run(lambda: self._stage(batch, passing))
        except BaseException:
            self._let_go()
            raise

    def _stage(self, batch: Sequence[Finding], passing: Sequence[str]) -> None:
        spooled = self._open()
        spooled.add(batch)
        if passing:
            spooled.remember(passing)

    def _open(self) -> Spooled:
        if self._spooled is None:
            shared = self._shared
            self._spooled = Spooled(shared.path, shared.stage_sql, shared.hashed, shared.in_memory, self._raises)
        return self._spooled

    def _compare(self, judged: Judged) -> Changed:
        spooled = self._open()
        spooled.connection.execute("BEGIN IMMEDIATE")
        return compare(spooled, self._shared.stage_sql, judged)

    def _commit(
        self,
        memory: CheckMemory,
        events: Sequence[Event],
        chain: Sequence[Chained],
        changed: Changed,
        now: datetime,
    ) -> None:
        connection, sql = self._open().connection, self._shared.ledger_sql
        put_check(connection, sql, memory, now, judged=True, opened_failures=changed.opened_failures)
        put_events(connection, sql, events)
        own = () if changed.chained is None else (changed.chained,)
        put_chain(connection, sql, (*own, *chain), self._shared.clock())
        connection.execute("COMMIT")
        self._shared.writer.changes += 1

    def _let_go(self) -> None:
        """Undo what was not committed, after whatever is still under way, and give up the turn."""
        self._over = True
        self._changed = None
        self._shared.writer.later(self._forget)
        if self._holds_turn:
            self._holds_turn = False
            self._shared.writer.turn.release()

    def _forget(self) -> None:
        spooled, self._spooled = self._spooled, None
        if spooled is not None:
            undo(spooled.connection)
            spooled.close()
