"""Checks are judged when their sources have told something new, or when time alone changes what they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from engine.blobs import BlobCorrupt, BlobMissing
from engine.custody import check_writer
from engine.doings import Judging
from engine.evaluate import Material
from engine.judge import Bench, judge, transition
from engine.store import CheckMemory, StoreError

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.config import CheckConfig, Config
    from engine.doings import Doings
    from engine.port import Event
    from engine.runner import Runner
    from engine.store import Store
    from engine.waivers import Waivers

LOG = logging.getLogger(__name__)
FIRST_JUDGEMENT_WAIT = timedelta(seconds=15)
"""A check with several sources waits this long, after a start, for all of them to have been tried."""
STORE_RETRY = timedelta(seconds=5)
REJUDGE_FLOOR = timedelta(seconds=1)
COUNTED = timedelta(hours=24)


class Host(Protocol):
    """Whose checks are judged."""

    config: Config
    store: Store
    blobs: FolderBlobs
    clock: Callable[[], datetime]
    checks: dict[str, CheckMemory]
    waivers: Waivers
    runner: Runner
    doings: Doings
    started_at: datetime
    settling: asyncio.Lock
    """Held while what is remembered changes."""

    def written(self, error: StoreError | None, *writers: str) -> None:
        """Evidence was written, or could not be, by ``writers``."""
        ...

    def note(self, *events: Event) -> None:
        """Add events."""
        ...


class Judge:
    """Judges the checks of one engine, a group at a time."""

    def __init__(self, engine: Host) -> None:
        """Judge the checks of an engine; nothing is judged before ``judge_due``."""
        self._engine = engine
        self._turn = asyncio.Lock()
        self.settling = engine.settling

    async def judge_due(self, now: datetime, *, patient: bool = True) -> None:
        """Judge what has new populations, and what time alone changes; ``patient``: when its time has come."""
        engine, doings = self._engine, self._engine.doings
        configured = engine.config.checks
        ready = {name for name in doings.due_checks if name in configured}
        if patient and now - engine.started_at < FIRST_JUDGEMENT_WAIT:
            ready = {name for name in ready if self._tried(configured[name])}
        ready |= {name for name, memory in engine.checks.items() if name in configured and _turned(memory, now)}
        if patient:
            ready = {name for name in ready if now >= doings.not_before.get(name, now)}
        doings.due_checks -= ready
        groups: dict[tuple[str, ...], list[CheckConfig]] = {}
        for name in sorted(ready):
            groups.setdefault(configured[name].judged, []).append(configured[name])
        for group in groups.values():
            await self._judge(group)
        if groups:
            await self.count()

    def _tried(self, check: CheckConfig) -> bool:
        memories = [self._engine.runner.memories.get(name) for name in (*check.judged, *check.joined)]
        return all(memory is not None and memory.attempted_at is not None for memory in memories)

    async def _judge(self, group: Sequence[CheckConfig]) -> None:
        loop, judging = asyncio.get_running_loop(), self._engine.doings.judging
        async with self._turn:
            begun = loop.time()
            held = await self._judged(group)
            for check in group:
                judging[check.name] = judging.get(check.name, Judging()).after(loop.time() - begun, held=held)
            self._engine.doings.dirty = True

    async def _judged(self, group: Sequence[CheckConfig]) -> bool:
        """Judge checks of the same sources; False when it failed inside controlwatch."""
        engine, names = self._engine, [check.name for check in group]
        started, writers = engine.clock(), map(check_writer, names)
        material = Material(dict(engine.runner.memories), engine.blobs)
        bench = Bench(material, engine.store, engine.config.sources, engine.waivers)
        try:
            judged = await judge(group, bench, self, started)
        except (BlobCorrupt, BlobMissing) as error:
            LOG.error("checks=%s evidence=damaged %s", ",".join(names), error)  # noqa: TRY400 - it says all
            self._cannot_judge(group, str(error))
            return False
        except StoreError as error:
            engine.written(error, *writers)
            engine.doings.due_checks |= set(names)
            engine.doings.not_before |= dict.fromkeys(names, started + STORE_RETRY)
            return False
        except Exception as error:  # a fault of ours must show as one, and must not stop the other checks
            LOG.exception("checks=%s outcome=internal", ",".join(names))
            self._cannot_judge(group, f"{type(error).__name__}: {error}")
            return False
        engine.written(None, *writers)
        took = engine.clock() - started
        for memory, events in judged:
            engine.doings.not_before[memory.name] = started + max(REJUDGE_FLOOR, took * 10)
            engine.note(*events)
        return True

    def in_force(self, check: CheckConfig) -> CheckMemory | None:
        """Give what is remembered of a check; None when another configuration came into force meanwhile."""
        engine = self._engine
        if engine.config.checks.get(check.name) is not check:
            return None
        return engine.checks.get(check.name) or CheckMemory(name=check.name, configured_at=engine.clock())

    def remember(self, memory: CheckMemory) -> None:
        """Remember what was stored of a check."""
        self._engine.checks[memory.name] = memory

    def _cannot_judge(self, group: Sequence[CheckConfig], error: str) -> None:
        """Leave checks unknown, by our own fault, until they are judged again."""
        for check in group:
            memory = self.in_force(check)
            if memory is not None:
                self.remember(msgspec.structs.replace(memory, attempted=True, error=error))
        self._engine.doings.dirty = True

    async def note_transitions(self, now: datetime) -> None:
        """Record the states that the clock alone changed."""
        due = [name for name, memory in self._engine.checks.items() if transition(memory, now)[1]]
        for name in due:
            async with self.settling:
                if name in self._engine.checks:
                    await self._note_transition(self._engine.checks[name], now)

    async def _note_transition(self, memory: CheckMemory, now: datetime) -> None:
        changed, events, chain = transition(memory, now)
        if not events:
            return
        try:
            await self._engine.store.save_check(changed, events, chain)
        except StoreError as error:
            self._engine.written(error)
            return
        self._engine.written(None)
        self.remember(changed)
        self._engine.note(*events)

    async def count(self) -> None:
        """Count what was opened and resolved within a day."""
        engine = self._engine
        try:
            engine.doings.counts = dict(await engine.store.counts(engine.clock() - COUNTED))
        except StoreError as error:  # what cannot be counted stays as it was; the next judgement counts again
            engine.written(error)


def _turned(memory: CheckMemory, now: datetime) -> bool:
    """Tell whether time alone may have changed a judgement."""
    result = memory.result
    borders = [memory.next_due, result.until if result is not None else None]
    return any(border is not None and border <= now for border in borders)
