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

from checks.model.state import SKEW
from engine import waivers as waivers_file
from engine.activity import DAY
from engine.adoption import Adoption, adoption
from engine.custody import Custody, check_writer, source_writer
from engine.doings import Doings
from engine.judging import Judge
from engine.keeping import letting_go
from engine.port import Event, Selftest, Snapshot
from engine.runner import Runner
from engine.selftest import run_selftest
from engine.silence import last_sign, resumed, started, stopped
from engine.store import CheckMemory, Reconfigured, Store, StoreError
from engine.views import check_views, source_views
from engine.waiver_notes import WaiverNotes

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.config import Config

LOG = logging.getLogger(__name__)
TICK_SECONDS = 1.0
REST_SECONDS = 0.1
"""Between two ticks at least, however much happens."""
PUBLISH_EVERY = timedelta(seconds=5)
SELFTEST_EVERY = timedelta(hours=1)
SWEEP_EVERY = timedelta(hours=1)
SWEEP_RETRY = timedelta(minutes=1)
EVENTS_KEPT = 200
OWN_SHARE = 0.9
"""The share of a one-shot's deadline in which a source may end by itself, before it is given up."""

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
        self.started_at = clock()
        self._last_sign: datetime | None = None
        """When an engine last worked over the folder, before this one."""
        self._seq = 0
        self._phase: Phase = "starting"
        self._wake = asyncio.Event()
        self.settling = asyncio.Lock()
        """Held by whoever changes what is remembered of checks and sources, from reading it until it is stored and
        remembered: nothing is lost to somebody who has read it before."""
        self.judge = Judge(self)
        slots = asyncio.Semaphore(config.engine.concurrency)
        self.runner = Runner(self, store, blobs, clock, jitter, version, slots)

    async def start(self) -> None:
        """Load what survived, prove the monitor, and publish the first snapshot; raises ``StoreError``."""
        self.runner.open()
        loaded = await self.store.load()
        self.runner.memories, self.checks = dict(loaded.sources), dict(loaded.checks)
        self.runner.recall(await self.store.runs(self.clock() - DAY))
        self.events = list(loaded.events)
        self.custody.written_before = loaded.chained_at
        self._last_sign = last_sign(loaded)
        await self.adopt(self.config)
        await self._prove()
        await self.judge.count()
        self.publish()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish cleanly."""
        self._phase = "live"
        loop = asyncio.get_running_loop()
        await self._tell(started(self.clock(), self._last_sign))
        try:
            while not stop.is_set():
                await self._tell(resumed(self.clock(), self.doings.ticked_at))
                await self.tick()
                expected = loop.time() + TICK_SECONDS
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
                rested = ended = loop.time()
                if self._wake.is_set():
                    await asyncio.sleep(REST_SECONDS)
                    ended = loop.time() - REST_SECONDS
                self.doings.lag = max(0.0, rested - expected, ended - rested)
                self.doings.lags.add(loop.time(), self.doings.lag)
                self._wake.clear()
            await self._tell(stopped(self.clock()))
        finally:
            await self.stop()

    async def _tell(self, event: Event | None) -> None:
        """Keep an event of the engine itself, and show it, also where it cannot be kept."""
        if event is None:
            return
        LOG.info("engine=%s", event.text)
        self.note(event)
        try:
            await self.store.append([], [event])
        except StoreError as error:
            self.written(error)

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
        await self.judge.judge_due(now)
        await self.judge.note_transitions(now)
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
        await self.judge.judge_due(self.clock(), patient=False)
        await self.judge.note_transitions(self.clock())
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
        waivers = await asyncio.to_thread(waivers_file.load, config.folder / config.waivers.file, config.checks)
        async with self.settling:
            now = self.clock()
            change = adoption(config, self.runner.memories, self.checks, now)
            if change.stored != Reconfigured():
                await self.store.reconfigure(change.stored, now)
            self._put_in_force(config, change, waivers, now)
        await self._note_waivers(now)

    def _put_in_force(self, config: Config, change: Adoption, waivers: waivers_file.Waivers, now: datetime) -> None:
        """Remember what was stored of a configuration; nothing is awaited meanwhile, so nobody sees half of it."""
        self.config = config
        self.checks = dict(change.checks)
        for name in change.stored.gone_sources:
            self.runner.forget(name)
        self.runner.memories = dict(change.sources)
        for name in change.changed_sources:
            self.runner.restart(name)
        self._take(waivers)
        self.custody.keep_to({*map(source_writer, config.sources), *map(check_writer, config.checks)})
        self.doings.config_loaded_at = now
        self.doings.due_checks |= change.due
        self.doings.dirty = True

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
            started_at=self.started_at,
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
            sources=source_views(self.config, memories, self.runner.activity, now, custody.unkept),
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
            metrics_address=doings.metrics_address,
            scraped_at=doings.scraped_at,
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
            with letting_go(self.blobs.root) as free:
                if free:
                    await self._let_go(now)
                else:
                    self.doings.swept_at = now - SWEEP_EVERY + SWEEP_RETRY  # somebody packs evidence
        except StoreError as error:
            self.written(error)

    async def _let_go(self, now: datetime) -> None:
        unused = await self.store.unused_blobs(now)
        for digest in unused:
            await asyncio.to_thread(self.blobs.delete, digest)
        if unused:
            await self.store.tombstone(unused, now)
