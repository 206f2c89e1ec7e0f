"""Sources are run when they are due; each finished run becomes memory, evidence and an event, and wakes its checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import aiohttp
import msgspec

from checks.model.doubt import Cause
from engine.activity import DAY, Activity
from engine.collect import baseline_of, collect
from engine.custody import source_writer
from engine.evidence import Manifest, digest_of, manifest_bytes
from engine.judge import chained
from engine.lend import Lent, Shared
from engine.port import Event, KnownTime
from engine.store import Ended, Runs, Shrunken, SourceMemory, Store, StoreError
from engine.times import Sought, currencies_of, known_times, labels_of

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.collect import Collected
    from engine.config import Config
    from sources.common.source import Progress

LOG = logging.getLogger(__name__)
FIRST_RETRY = timedelta(seconds=30)
LOST_KEPT = 200
"""Runs of one source that could not be stored and are remembered, to be told of after a restart."""


class Host(Protocol):
    """What a runner tells the engine."""

    config: Config
    settling: asyncio.Lock
    """Held while what is remembered changes."""

    def collected(self, source: str, *, anything: bool) -> None:
        """A run has ended; ``anything`` says whether its checks have something to judge."""
        ...

    def moved(self) -> None:
        """Something that a snapshot shows has changed."""
        ...

    def note(self, *events: Event) -> None:
        """Add events."""
        ...

    def written(self, error: StoreError | None, *writers: str) -> None:
        """Evidence was written, or could not be, by ``writers``."""
        ...


@dataclass(slots=True)
class Runner:
    """The sources of one engine."""

    host: Host
    store: Store
    blobs: FolderBlobs
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    version: str
    slots: asyncio.Semaphore
    memories: dict[str, SourceMemory] = field(default_factory=dict)
    activity: dict[str, Activity] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    limit: timedelta | None = None
    """Of a one-shot command: the time that a run may take, if less than its own."""
    _shared: Shared | None = None

    def open(self) -> None:
        """Make the HTTP session; on the engine's loop."""
        timeout = aiohttp.ClientTimeout(total=300)
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout)
        folder, state_dir = self.host.config.folder, self.host.config.state_dir
        self._shared = Shared(self.clock, folder, state_dir, session)

    async def close(self) -> None:
        """Cancel what runs, and let the session go."""
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._shared is not None:
            await self._shared.session.close()
            self._shared = None

    def recall(self, runs: Mapping[str, Runs]) -> None:
        """Take in how runs ended before this engine started, those that could not be stored too."""
        for name, told in runs.items():
            memory = self.memories.get(name)
            unkept = [Ended(at=at) for at in memory.unkept] if memory is not None else []
            ended = sorted((*told.ended, *unkept), key=lambda each: each.at)
            self.doing(name).lately.recall(told.first, ended)

    def start_due(self, now: datetime) -> None:
        """Start every source whose time has come."""
        for name, source in self.host.config.sources.items():
            activity = self.doing(name)
            if activity.next_run is not None and activity.next_run - now > source.every * 1.1:
                activity.next_run = now  # planned by a clock that ran ahead, or for a longer interval
            if activity.next_run is None:
                memory = self.memories.get(name)
                last = memory.attempted_at if memory is not None and memory.last_error is None else None
                activity.next_run = last + source.every if last is not None and last <= now else now
            if name not in self.tasks and activity.next_run <= now:
                self.launch(name)

    def launch(self, name: str) -> None:
        """Run a source now, unless it runs already."""
        if name in self.tasks:
            return
        task = asyncio.get_running_loop().create_task(self._run(name), name=f"source {name}")
        self.tasks[name] = task
        task.add_done_callback(lambda done: self._landed(name, done))

    def overdue(self, name: str, message: str) -> None:
        """Give up a run that did not end in time."""
        self.tasks[name].cancel()
        self.memories[name] = _failed(self.memory(name), message, Cause.UNREACHABLE, self.clock())

    def restart(self, name: str) -> None:
        """Give up a run under another configuration, and run again at once."""
        if name in self.tasks:
            self.tasks[name].cancel()
        self.doing(name).next_run = self.clock()
        self.doing(name).traffic.forget()

    def forget(self, name: str) -> None:
        """Let a source go that is no longer configured; its counts stay, should it come back."""
        self.memories.pop(name, None)
        activity = self.doing(name)
        activity.next_run, activity.in_a_row = None, 0
        activity.traffic.forget()
        if name in self.tasks:
            self.tasks[name].cancel()

    def doing(self, name: str) -> Activity:
        """Tell what a source is doing."""
        return self.activity.setdefault(name, Activity())

    def memory(self, name: str) -> SourceMemory:
        """Give what is remembered of a configured source."""
        config = self.host.config.sources[name]
        return self.memories.get(name) or SourceMemory(name=name, kind=config.common.kind, config_digest=config.digest)

    def _landed(self, name: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(name) is task:
            del self.tasks[name]
        self.doing(name).running = False
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("source=%s outcome=internal", name, exc_info=error)
        self.host.moved()

    async def _run(self, name: str) -> None:
        async with self.slots:
            config = self.host.config.sources[name]
            activity = self.doing(name)
            activity.running, activity.done, activity.plan = True, 0, None
            self.host.moved()
            memory = self.memory(name)
            assert self._shared is not None
            deadline = min(config.common.timeout, self.limit or config.common.timeout)
            latest, traffic = memory.complete or memory.former, activity.traffic
            context = Lent(self._shared, name, deadline, self.blobs, latest, self._progress, traffic)
            traffic.begin()
            try:
                last = memory.completed_at if memory.config_digest == config.digest else None
                collected = await collect(config, context, self.blobs, memory.baseline, self.version, last)
                traffic.end(complete=collected.manifest.complete)
                async with self.host.settling:
                    await self._save(await self._absorb(self.memory(name), collected), collected)
            except StoreError as error:  # the disk's fault, not the source's: what it told before stands until its age
                self.host.written(error, source_writer(name))
                self.memories[name] = _unkept(self.memory(name), context.started, self.clock())
                self._reschedule(name, kept=False)
                return
            self._reschedule(name)

    async def _absorb(self, memory: SourceMemory, collected: Collected) -> SourceMemory:
        """Turn a finished run into what is remembered of the source."""
        manifest = collected.manifest
        common = msgspec.structs.replace(
            memory,
            kind=manifest.kind,
            config_digest=manifest.config_digest,
            attempted_at=manifest.started_at,
            duration_seconds=max(0.0, (manifest.finished_at - manifest.started_at).total_seconds()),
        )
        if not manifest.complete:
            cause = collected.cause or Cause.INTERNAL
            failed = _failed(common, collected.error or "", cause, manifest.started_at)
            partial = manifest if manifest.read else memory.partial
            lost = next((gap for gap in manifest.gaps if gap.cause is Cause.SHRUNKEN), None)
            shrunken = Shrunken(gap=lost, kept=baseline_of(manifest.records)) if lost is not None else memory.shrunken
            return msgspec.structs.replace(failed, partial=partial, shrunken=shrunken, last_gaps=tuple(manifest.gaps))
        return msgspec.structs.replace(
            common,
            completed_at=manifest.finished_at,
            failing_since=None,
            last_error=None,
            cause=None,
            complete=manifest,
            partial=None,
            shrunken=None,
            former=None,
            baseline=baseline_of(manifest.records),
            last_gaps=(),
            times=await self._times(memory, manifest),
        )

    async def _times(self, memory: SourceMemory, manifest: Manifest) -> tuple[KnownTime, ...]:
        """Read the times that the source is known by; a kind that has none is not read again."""
        config = self.host.config.sources.get(memory.name)
        if config is None:
            return ()
        currencies = currencies_of(self.host.config.checks.values(), memory.name)
        sought = Sought(memory.name, labels_of(config), memory.times, currencies)
        if not sought.labels and not sought.currencies:
            return ()
        return tuple(await asyncio.to_thread(known_times, sought, manifest.blob, self.blobs, manifest.finished_at))

    async def _save(self, memory: SourceMemory, collected: Collected) -> None:
        """Make a finished run durable, and have its checks judged."""
        before = self.memories.get(memory.name)
        manifest = collected.manifest
        events = _events(before, memory, manifest)
        body = {"source": memory.name, "manifest": digest_of(manifest_bytes(manifest)), "blob": manifest.blob}
        await self.store.save_source(memory, manifest, events, [chained("manifest", body)])
        self.host.written(None, source_writer(memory.name))
        self.memories[memory.name] = memory
        self.host.note(*events)
        told = "complete" if manifest.complete else f"cause={collected.cause}"
        LOG.info("source=%s %s records=%d pages=%d", memory.name, told, manifest.kept, manifest.pages)
        telling = manifest.complete or manifest.read > 0 or memory.complete is None or memory.shrunken is not None
        self.host.collected(memory.name, anything=telling)

    def _reschedule(self, name: str, *, kept: bool = True) -> None:
        """Plan the next run: soon after one that failed, or that could not be ``kept``."""
        activity = self.doing(name)
        activity.runs += 1
        config = self.host.config.sources.get(name)
        if config is None:
            return
        if kept and self.memory(name).last_error is None:
            activity.in_a_row = 0
            delay = config.every
        else:
            activity.failures += 1
            activity.in_a_row += 1
            delay = min(config.every, FIRST_RETRY * 2 ** min(activity.in_a_row - 1, 10))
        held = kept and self.memory(name).last_error is None
        activity.lately.note(self.clock(), self.memory(name).duration_seconds if held else None)
        activity.next_run = self.clock() + delay * (0.95 + 0.1 * self.jitter())

    def _progress(self, name: str, progress: Progress) -> None:
        activity = self.doing(name)
        activity.done = progress.done
        activity.plan = progress.plan or activity.plan
        self.host.moved()


def _unkept(memory: SourceMemory, started: datetime, now: datetime) -> SourceMemory:
    """Remember that a run could not be stored, until one can; a day's at most."""
    lost = [at for at in memory.unkept if at >= now - DAY][-LOST_KEPT:]
    return msgspec.structs.replace(memory, attempted_at=started, unkept=(*lost, now))


def _failed(memory: SourceMemory, error: str, cause: Cause, at: datetime) -> SourceMemory:
    return msgspec.structs.replace(
        memory,
        attempted_at=at,
        last_error=error,
        cause=cause,
        failing_since=memory.failing_since or at,
    )


def _events(before: SourceMemory | None, after: SourceMemory, manifest: Manifest) -> list[Event]:
    """Tell a failure once, and its recovery once."""
    failed_before = before is not None and before.last_error is not None
    if after.last_error is not None and (before is None or before.cause != after.cause):
        return [Event(at=manifest.finished_at, kind="source", what=after.name, text=after.last_error)]
    if after.last_error is None and failed_before:
        return [Event(at=manifest.finished_at, kind="source", what=after.name, text="complete again")]
    return []
