"""The engine runs sources when they are due, judges what changed, and publishes snapshots.

It has no opinion on threads, terminals or sockets: whoever hosts it awaits ``run`` on a loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from checks.model.state import SKEW
from engine import waivers as waivers_file
from engine.adoption import adoption
from engine.blobs import BlobCorrupt, BlobMissing
from engine.custody import Custody, check_writer, source_writer
from engine.doings import Doings, Judging
from engine.evaluate import Material
from engine.judge import Bench, judge, transition
from engine.port import Event, Selftest, Snapshot
from engine.runner import Runner
from engine.selftest import run_selftest
from engine.store import CheckMemory, Store, StoreError
from engine.views import check_views, source_views
from engine.waiver_notes import WaiverNotes

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.config import CheckConfig, Config

LOG = logging.getLogger(__name__)
TICK_SECONDS = 1.0
REST_SECONDS = 0.1
"""Between two ticks at least, however much happens."""
PUBLISH_EVERY = timedelta(seconds=5)
SELFTEST_EVERY = timedelta(hours=1)
SWEEP_EVERY = timedelta(hours=1)
SWEEP_RETRY = timedelta(minutes=1)
FIRST_JUDGEMENT_WAIT = timedelta(seconds=15)
"""A check with several sources waits this long, after a start, for all of them to have been tried."""
EVENTS_KEPT = 200
OWN_SHARE = 0.9
"""The share of a one-shot's deadline in which a source may end by itself, before it is given up."""
STORE_RETRY = timedelta(seconds=5)
REJUDGE_FLOOR = timedelta(seconds=1)

Phase = Literal["starting", "live", "stopping"]


def utc_now() -> datetime:
    """Tell the time; the only place that reads the system's clock."""
    return datetime.now(UTC)


class Engine:
    """One engine over one state folder."""

    def __init__(
        self,
        config: Config,
        store: Store,
        blobs: FolderBlobs,
        *,
        version: str,
        demo: bool = False,
        clock: Callable[[], datetime] = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Prepare an engine; nothing runs before ``start``."""
        self.config = config
        self.store = store
        self.blobs = blobs
        self.version = version
        self.demo = demo
        self.clock = clock
        self.snapshot: Snapshot | None = None
        self.checks: dict[str, CheckMemory] = {}
        self.events: list[Event] = []
        self.waivers = waivers_file.Waivers()
        self.waiver_notes = WaiverNotes(store)
        self.doings = Doings()
        self.listeners: list[Callable[[Snapshot], None]] = []
        self.custody = Custody(store, blobs, config.state_dir, clock, self.note, self.moved, tried_at=clock())
        self._jitter = jitter
        self._started_at = clock()
        self._seq = 0
        self._phase: Phase = "starting"
        self._wake = asyncio.Event()
        self._judging = asyncio.Lock()
        slots = asyncio.Semaphore(config.engine.concurrency)
        self.runner = Runner(self, store, blobs, clock, jitter, version, slots)

    async def start(self) -> None:
        """Load what survived, prove the monitor, and publish the first snapshot; raises ``StoreError``."""
        self.runner.open()
        loaded = await self.store.load()
        self.runner.memories, self.checks = dict(loaded.sources), dict(loaded.checks)
        self.events = list(loaded.events)
        self.custody.written_before = loaded.chained_at
        await self.adopt(self.config)
        await self._prove()
        await self._refresh_counts()
        self.publish()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish cleanly."""
        self._phase = "live"
        loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                await self.tick()
                expected = loop.time() + TICK_SECONDS
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
                rested = loop.time()
                await asyncio.sleep(REST_SECONDS)
                self.doings.lag = max(0.0, rested - expected, loop.time() - rested - REST_SECONDS)
                self.doings.lags.add(loop.time(), self.doings.lag)
                self._wake.clear()
        finally:
            await self.stop()

    def wake(self) -> None:
        """Tick now; call it on the engine's loop."""
        self._wake.set()

    async def stop(self) -> None:
        """Cancel what runs, and close."""
        self._phase = "stopping"
        await self.custody.close()
        await self.runner.close()

    async def tick(self) -> None:
        """Do what is due now."""
        now = self.clock()
        if self.doings.ticked_at is not None and now < self.doings.ticked_at - SKEW:
            self._turn_back(now)
        self.doings.ticked_at = now
        self.runner.start_due(now)
        if self.waiver_notes.due(now):
            await self._note_waivers(now)
        await self._judge_due(now)
        await self._note_transitions(now)
        if self.doings.selftest_at is None or now - self.doings.selftest_at >= SELFTEST_EVERY:
            await self._prove()
        if self.doings.swept_at is None or now - self.doings.swept_at >= SWEEP_EVERY:
            await self._sweep(now)
        self.custody.start_due(now)
        published = self.doings.published_at
        if self.doings.dirty or published is None or now - published >= PUBLISH_EVERY or now < published:
            self.publish()

    def _turn_back(self, now: datetime) -> None:
        """Forget every plan that was made by a clock that ran ahead."""
        LOG.warning("clock=turned back now=%s", now.isoformat())
        self.note(Event(at=now, kind="engine", what="clock", text="turned back; all is asked and proven again"))
        self.doings.not_before.clear()
        self.doings.selftest_at = self.doings.swept_at = None
        for activity in self.runner.activity.values():
            activity.next_run = now

    async def once(self, names: Sequence[str], deadline: timedelta) -> None:
        """Collect what the named checks read, judge them, and publish; whatever sources do, within the deadline."""
        checks = [self.config.checks[name] for name in names]
        wanted = dict.fromkeys(name for check in checks for name in (*check.judged, *check.joined))
        self.runner.limit = deadline * OWN_SHARE
        looking = asyncio.get_running_loop().create_task(self.custody.look(deadline), name="custody")
        for name in wanted:
            self.runner.launch(name)
        tasks = {name: self.runner.tasks[name] for name in wanted}
        if tasks:
            _, late = await asyncio.wait(tasks.values(), timeout=deadline.total_seconds())
            for name, task in tasks.items():
                if task in late:
                    seconds = f"{deadline.total_seconds():g} s"
                    self.runner.overdue(name, f"{name}: did not finish within the deadline of {seconds}")
        self.doings.due_checks |= set(names)
        await self._judge_due(self.clock(), patient=False)
        await self._note_transitions(self.clock())
        await looking
        self._phase = "live"
        self.publish()

    def run_now(self, name: str) -> bool:
        """Run a source now, unless it runs already; False when there is none of that name."""
        if name not in self.config.sources:
            return False
        self.runner.launch(name)
        return True

    async def adopt(self, config: Config) -> None:
        """Put a configuration in force; raises ``StoreError``, and then nothing has changed."""
        now = self.clock()
        waivers = await asyncio.to_thread(waivers_file.load, config.folder / config.waivers.file, config.checks)
        for name, check in config.checks.items():
            former = self.checks.get(check.common.was)
            if former is not None and name not in self.checks:
                await self.store.rename(former.name, name)
                del self.checks[former.name]
                self.checks[name] = msgspec.structs.replace(former, name=name)
        change = adoption(config, self.runner.memories, self.checks, now)
        if change.gone_checks or change.gone_sources:
            await self.store.retire(change.gone_checks, change.gone_sources, now)
        if change.chain:
            await self.store.append(change.chain)
        for name in change.gone_sources:
            self.runner.forget(name)
        self.config = config
        self._take(waivers)
        self.doings.config_loaded_at = now
        self.checks = dict(change.checks)
        self.runner.memories = dict(change.sources)
        for name in change.changed_sources:
            self.runner.restart(name)
        self.custody.keep_to({*map(source_writer, config.sources), *map(check_writer, config.checks)})
        self.doings.due_checks |= change.due
        self.doings.dirty = True
        await self._note_waivers(now)

    async def reread_waivers(self) -> None:
        """Put the waivers of the file in force as they stand now."""
        config = self.config
        self._take(await asyncio.to_thread(waivers_file.load, config.folder / config.waivers.file, config.checks))
        await self._note_waivers(self.clock())
        self.moved()

    def _take(self, waivers: waivers_file.Waivers) -> None:
        """Put waivers in force; every check that they or those before name is judged again."""
        named = {item.written.check for item in (*self.waivers.waivers, *waivers.waivers)}
        self._judge_again(named)
        self.waivers = waivers

    def _judge_again(self, names: Iterable[str]) -> None:
        """Have checks judged that were judged before; what was never attempted waits for its sources."""
        self.doings.due_checks |= {name for name in names if name in self.checks and self.checks[name].attempted}

    async def _note_waivers(self, now: datetime) -> None:
        """Note as evidence what became of waivers; what cannot be written is tried again."""
        try:
            changed = await self.waiver_notes.note(self.waivers, now)
        except StoreError as error:
            self.written(error)
            return
        self._judge_again(changed.checks)
        self.note(*changed.events)

    def publish(self) -> None:
        """Take a snapshot and hand it to whoever listens."""
        now = self.clock()
        self._seq += 1
        doings, custody = self.doings, self.custody
        memories, unwritten = self.runner.memories, custody.error
        checks = check_views(self.config, self.checks, memories, doings.counts, now, self.waivers, unwritten)
        self.snapshot = Snapshot(
            seq=self._seq,
            at=now,
            started_at=self._started_at,
            version=self.version,
            phase=self._phase,
            demo=self.demo,
            read_only=self.config.engine.read_only,
            config_digest=self.config.digest,
            config_path=str(self.config.path),
            config_loaded_at=doings.config_loaded_at,
            config_error=doings.config_error,
            web_config_ok=doings.web_config_ok,
            selftest=doings.selftest,
            checks=[doings.told(view, self.checks.get(view.name), self.runner.memories) for view in checks],
            sources=source_views(self.config, self.runner.memories, self.runner.activity),
            events=tuple(self.events[:EVENTS_KEPT]),
            times=tuple(time for memory in self.runner.memories.values() for time in memory.times),
            evidence=custody.view,
            evidence_error=custody.error,
            evidence_failures=custody.failures,
            waivers_active=sum(1 for item in self.waivers.waivers if item.live(now)),
            waivers_expired=self.waivers.expired(now),
            waivers_error="; ".join(self.waivers.faults) or None,
            loop_lag_seconds=doings.lag,
            loop_lag_max_seconds=doings.lags.of(asyncio.get_running_loop().time()),
            ticked_at=doings.ticked_at,
        )
        doings.published_at = now
        doings.dirty = False
        for listener in self.listeners:
            listener(self.snapshot)

    def collected(self, source: str, *, anything: bool) -> None:
        """Have the checks that read a source judged."""
        if anything:
            readers = [check for check in self.config.checks.values() if source in (*check.judged, *check.joined)]
            self.doings.due_checks |= {check.name for check in readers}
        self.moved()

    def moved(self) -> None:
        """Publish soon."""
        self.doings.dirty = True
        self._wake.set()

    def written(self, error: StoreError | None, *writers: str) -> None:
        """Note whether evidence can be written; a failure is told once, and its end once."""
        self.custody.wrote(error, *writers)
        self.doings.dirty = True

    def note(self, *events: Event) -> None:
        """Add events, newest first."""
        self.events[:0] = reversed(events)
        del self.events[EVENTS_KEPT:]
        self.doings.dirty = self.doings.dirty or bool(events)

    # -- checks ----------------------------------------------------------------------------------

    def _tried(self, check: CheckConfig) -> bool:
        names = (*check.judged, *check.joined)
        return all(
            (memory := self.runner.memories.get(name)) is not None and memory.attempted_at is not None for name in names
        )

    async def _judge_due(self, now: datetime, *, patient: bool = True) -> None:
        """Judge what has new populations, and what time alone changes."""
        waiting = patient and now - self._started_at < FIRST_JUDGEMENT_WAIT
        ready = {name for name in self.doings.due_checks if name in self.config.checks}
        if waiting:
            ready = {name for name in ready if self._tried(self.config.checks[name])}
        ready |= {name for name, memory in self.checks.items() if name in self.config.checks and _turned(memory, now)}
        if patient:
            ready = {name for name in ready if now >= self.doings.not_before.get(name, now)}
        self.doings.due_checks -= ready
        groups: dict[tuple[str, ...], list[CheckConfig]] = {}
        for name in sorted(ready):
            check = self.config.checks[name]
            groups.setdefault(check.judged, []).append(check)
        for group in groups.values():
            await self._judge(group)
        if groups:
            await self._refresh_counts()

    async def _judge(self, group: Sequence[CheckConfig]) -> None:
        loop, judging = asyncio.get_running_loop(), self.doings.judging
        async with self._judging:
            begun = loop.time()
            held = await self._judged(group)
            for check in group:
                judging[check.name] = judging.get(check.name, Judging()).after(loop.time() - begun, held=held)
            self.doings.dirty = True

    async def _judged(self, group: Sequence[CheckConfig]) -> bool:
        """Judge checks of the same sources; False when it failed inside controlwatch."""
        started, writers = self.clock(), [check_writer(check.name) for check in group]
        bench = Bench(Material(self.runner.memories, self.blobs), self.store, self.config.sources, self.waivers)
        try:
            judged = await judge(group, bench, self.checks, started)
        except (BlobCorrupt, BlobMissing) as error:
            LOG.error("checks=%s evidence=damaged %s", ",".join(check.name for check in group), error)  # noqa: TRY400 - it says all
            self._cannot_judge(group, str(error))
            return False
        except StoreError as error:
            self.written(error, *writers)
            self.doings.due_checks |= {check.name for check in group}
            self.doings.not_before |= {check.name: started + STORE_RETRY for check in group}
            return False
        except Exception as error:  # a fault of ours must show as one, and must not stop the other checks
            LOG.exception("checks=%s outcome=internal", ",".join(check.name for check in group))
            self._cannot_judge(group, f"{type(error).__name__}: {error}")
            return False
        self.written(None, *writers)
        took = self.clock() - started
        for memory, events in judged:
            self.checks[memory.name] = memory
            self.doings.not_before[memory.name] = started + max(REJUDGE_FLOOR, took * 10)
            self.note(*events)
        return True

    def _cannot_judge(self, group: Sequence[CheckConfig], error: str) -> None:
        """Leave checks unknown, by our own fault, until they are judged again."""
        for check in group:
            memory = self.checks.get(check.name) or CheckMemory(name=check.name)
            self.checks[check.name] = msgspec.structs.replace(memory, attempted=True, error=error)
        self.doings.dirty = True

    async def _note_transitions(self, now: datetime) -> None:
        """Record the states that the clock alone changed."""
        for name, memory in list(self.checks.items()):
            changed, events, chain = transition(memory, now)
            if not events:
                continue
            try:
                await self.store.save_check(changed, events, chain)
            except StoreError as error:
                self.written(error)
                continue
            self.written(None)
            self.checks[name] = changed
            self.note(*events)

    # -- the monitor itself ----------------------------------------------------------------------

    async def _prove(self) -> None:
        """Send known subjects through everything; a wrong outcome makes every state unknown."""
        now = self.clock()
        self.doings.selftest_at = now
        error = await run_selftest(self.config.state_dir)
        if error is None:
            self.doings.selftest = Selftest(passed_at=now)
        else:
            LOG.error("selftest=failed %s", error)
            self.doings.selftest = Selftest(passed_at=self.doings.selftest.passed_at, error=error)
        self.doings.dirty = True

    async def _sweep(self, now: datetime) -> None:
        """Let go of blobs that retention does not keep."""
        self.doings.swept_at = now
        try:
            if self.runner.tasks:
                self.doings.swept_at = now - SWEEP_EVERY + SWEEP_RETRY  # a run may be about to store the same bytes
                return
            unused = await self.store.unused_blobs(now)
            for digest in unused:
                await asyncio.to_thread(self.blobs.delete, digest)
            if unused:
                await self.store.tombstone(unused, now)
        except StoreError as error:
            self.written(error)

    async def _refresh_counts(self) -> None:
        try:
            self.doings.counts = dict(await self.store.counts(self.clock() - timedelta(hours=24)))
        except StoreError as error:  # what cannot be counted stays as it was; the next judgement counts again
            self.written(error)


def _turned(memory: CheckMemory, now: datetime) -> bool:
    """Tell whether time alone may have changed a judgement."""
    result = memory.result
    borders = [memory.next_due, result.until if result is not None else None]
    return any(border is not None and border <= now for border in borders)
