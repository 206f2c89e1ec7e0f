"""Custody is how the evidence is kept: whether it can be written, how much it is, and whether its chain still holds.

What is told here is never older than a few minutes, whether a source runs or not: a small write is tried when nothing
else was written, and one as large as a collection while writing fails, so that a disk with its last block free is no
recovery.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import shake_256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from engine.chain import Verified
from engine.port import Event, EvidenceView
from engine.reread import Rereading
from engine.store import StoreError, StoreFull, StoreReadOnly

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.store import Store

LOG = logging.getLogger(__name__)
PROBE_EVERY: Final = timedelta(minutes=5)
PROBE_BYTES: Final = 4096
FAILING_BYTES: Final = 1024 * 1024
"""Written on trial while writing fails; it cannot be compressed."""
SIZE_EVERY: Final = timedelta(minutes=10)
WHOLE_EVERY: Final = timedelta(hours=1)
BROKEN_EVERY: Final = timedelta(minutes=10)
END_EVERY: Final = timedelta(minutes=1)
STUCK_SECONDS: Final = 3600.0
"""What takes longer than this does not end any more."""
SHORT_CHAIN: Final = 100_000
"""Entries that one judgement has the time to read."""
_BLOCK: Final = 512
"""Bytes of what ``st_blocks`` counts (POSIX)."""


@dataclass(slots=True)
class Custody:
    """The evidence of one engine."""

    store: Store
    blobs: FolderBlobs
    state_dir: Path
    clock: Callable[[], datetime]
    note: Callable[[Event], None]
    """Adds an event."""
    moved: Callable[[], None]
    """Has what is told here published."""
    tried_at: datetime
    """The latest attempt to write; of an engine that starts, its start."""
    written_before: datetime | None = None
    """When evidence was last written before the start, as far as that is known."""
    view: EvidenceView = field(default_factory=EvidenceView)
    failures: int = 0
    error: str | None = None
    unkept: dict[str, str] = field(default_factory=dict)
    """What failed of each writer that could not keep its work: only its own success ends it, as a small write may find
    room where a large one does not."""
    _only_by_work: bool = False
    """Whether writing failed in a way that a write on trial would not show."""
    _sized_at: datetime | None = None
    _whole_at: datetime | None = None
    _end_at: datetime | None = None
    _rereading: Rereading = field(init=False)
    _task: asyncio.Task[None] | None = None
    _stuck_at: float = 0.0
    """When what is under way is given up as stuck, on the loop's clock."""

    def __post_init__(self) -> None:
        """Begin to read the chain."""
        self._rereading = Rereading(self.store)

    def wrote(self, error: StoreError | None, *writers: str, trial: bool = False) -> None:
        """Note whether evidence could be written; a failure is told once, and its end once."""
        now = self.tried_at = self.clock()
        if error is not None:
            self.unkept |= dict.fromkeys(writers, str(error))
            self._failed(error, now, trial=trial)
            return
        if trial and self._only_by_work:
            return
        for writer in writers:
            self.unkept.pop(writer, None)
        self.view = msgspec.structs.replace(self.view, writes=self.view.writes + 1, written_at=now)
        self._recover(now)

    def keep_to(self, writers: Collection[str]) -> None:
        """Forget writers that are no more."""
        self.unkept = {writer: error for writer, error in self.unkept.items() if writer in writers}

    def _recover(self, now: datetime) -> None:
        if self.unkept:
            self.error = next(iter(self.unkept.values()))
            return
        self.view = msgspec.structs.replace(self.view, failing_since=None)
        if self.error is not None:
            LOG.info("evidence=written again")
            self.error, self._only_by_work = None, False
            self.note(Event(at=now, kind="engine", what="evidence", text="written again"))

    def start_due(self, now: datetime) -> None:
        """Do what is due beside everything else, one thing at a time."""
        loop = asyncio.get_running_loop()
        if self._task is not None:
            self._told_stuck(loop.time())
            return
        if self._trial_due(now) or self._chain_due(now) or _past(self._sized_at, SIZE_EVERY, now):
            self._stuck_at = loop.time() + STUCK_SECONDS
            self._task = loop.create_task(self._attend(now), name="custody")
            self._task.add_done_callback(self._attended)

    def _told_stuck(self, now: float) -> None:
        """Tell once that what is under way does not end: what was known before is no longer looked after."""
        if now >= self._stuck_at:
            self._stuck_at = math.inf
            self._chain_told("could not be read within an hour")
            self.wrote(StoreError("writing on trial, or reading the chain, did not end within an hour"))

    async def look(self, within: timedelta) -> None:
        """Read a chain that is short, of an engine that ends soon; of a long one nothing is claimed."""
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(within.total_seconds()):
                if await self._entries() <= SHORT_CHAIN:
                    await self._reread(self.clock())

    async def _entries(self) -> int:
        try:
            return (await self.store.noted_head()).seq
        except ValueError:  # what was written over it is a fault of the chain, which reading it tells
            return 0

    async def settle(self) -> None:
        """Wait until what is under way has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()
            await self.settle()

    async def _attend(self, now: datetime) -> None:
        if self._trial_due(now):
            await self._try()
        if self._chain_due(now):
            await self._reread(now)
        if _past(self._sized_at, SIZE_EVERY, now):
            self._sized_at = now
            size = await asyncio.to_thread(_size, self.state_dir)
            self.view = msgspec.structs.replace(self.view, bytes=size)

    def _attended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("custody outcome=internal", exc_info=error)
        self.moved()

    def _failed(self, error: StoreError, now: datetime, *, trial: bool) -> None:
        self.failures += 1
        self._only_by_work |= not trial and not isinstance(error, StoreFull | StoreReadOnly)
        self.view = msgspec.structs.replace(self.view, failing_since=self.view.failing_since or self._failed_from(now))
        told, self.error = self.error is not None, str(error)
        if not told:
            LOG.error("evidence=failed %s", error)
            self.note(Event(at=now, kind="engine", what="evidence", text=self.error))

    def _failed_from(self, now: datetime) -> datetime:
        """Tell since when nothing is written: a restart is no write, so before the first one it is the latest known."""
        if self.view.written_at is not None or self.written_before is None:
            return now
        return min(now, self.written_before)

    def _trial_due(self, now: datetime) -> bool:
        return _past(self.tried_at, PROBE_EVERY, now)

    async def _try(self) -> None:
        """Write a little where evidence is written, and let it go again."""
        size = PROBE_BYTES if self.error is None else FAILING_BYTES
        try:
            await self.store.touch()
            await asyncio.to_thread(_put_and_delete, self.blobs, size)
        except StoreError as error:
            self.wrote(error, trial=True)
        except Exception as error:  # a fault of ours is no proof that evidence can be written
            LOG.exception("custody outcome=internal")
            self.wrote(StoreError(f"{type(error).__name__}: {error}"), trial=True)
        else:
            self.wrote(None, trial=True)

    def _chain_due(self, now: datetime) -> bool:
        if self.view.chain_valid is not True:
            return _past(self._whole_at, BROKEN_EVERY, now)
        return _past(self._whole_at, WHOLE_EVERY, now) or _past(self._end_at, END_EVERY, now)

    async def _reread(self, now: datetime) -> None:
        """Read the end of the chain, and all of it when it is time or the end is not what it was."""
        self._end_at = now
        try:
            whole = not self.view.chain_valid or _past(self._whole_at, WHOLE_EVERY, now)
            if not whole and await self._rereading.end_holds():
                return
            self._whole_at = now
            found = await self._rereading.whole()
        except StoreError as error:
            self._cannot_read(now, str(error))
            return
        except Exception as error:  # a fault of ours is no proof that the chain holds
            LOG.exception("custody outcome=internal")
            self._cannot_read(now, f"{type(error).__name__}: {error}")
            return
        await self._keep(found)
        self._chain_told(None if found.first_bad is None else f"broken at entry {found.first_bad}: {found.why}")
        self.view = msgspec.structs.replace(self.view, chain_verified_at=now, chain_entries=found.entries)

    def _cannot_read(self, now: datetime, why: str) -> None:
        self._whole_at = now
        self._chain_told(f"cannot be read: {why}")

    async def _keep(self, found: Verified) -> None:
        """Have a lost end told by the chain itself, so that neither an append nor a restart heals it."""
        if found.lost is None:
            return
        try:
            await self.store.note_break(found.lost, found.why)
        except StoreError as error:  # it is told now, and kept when the chain is read next
            self.wrote(error)

    def _chain_told(self, fault: str | None) -> None:
        """Note what the chain showed; that it broke is told once, and that it holds again once."""
        before = self.view.chain_valid
        self.view = msgspec.structs.replace(self.view, chain_valid=fault is None, chain_fault=fault)
        if fault is not None and before is not False:
            LOG.error("chain=broken %s", fault)
            self.note(Event(at=self.clock(), kind="engine", what="evidence chain", text=fault))
        elif fault is None and before is False:
            LOG.info("chain=holds again")
            self.note(Event(at=self.clock(), kind="engine", what="evidence chain", text="holds again"))


def source_writer(name: str) -> str:
    """Name a source as a writer of evidence."""
    return f"source {name}"


def check_writer(name: str) -> str:
    """Name a check as a writer of evidence."""
    return f"check {name}"


def _past(at: datetime | None, every: timedelta, now: datetime) -> bool:
    """Tell whether it is time again; an instant of the future was told by a clock that ran ahead."""
    return at is None or now - at >= every or now < at


def _put_and_delete(blobs: FolderBlobs, size: int) -> None:
    """Store a blob that is no collection's, and let it go."""
    blobs.delete(blobs.put(shake_256(b"a write on trial").digest(size)).digest)


def _size(folder: Path) -> int | None:
    """Add up what evidence and store take on the disk; what vanishes meanwhile takes nothing."""
    try:
        with os.scandir(folder) as entries:
            return sum(_taken(entry) for entry in entries if entry.name.startswith(("evidence", "store.sqlite")))
    except OSError:
        return None


def _taken(entry: os.DirEntry[str]) -> int:
    try:
        if not entry.is_dir(follow_symlinks=False):
            return entry.stat(follow_symlinks=False).st_blocks * _BLOCK
        with os.scandir(entry.path) as entries:
            return sum(_taken(inner) for inner in entries)
    except OSError:
        return 0
