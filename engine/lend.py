"""What the engine lends a source for one run: a clock, secrets, HTTP, shared limits, and its own past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from checks.model import codec
from checks.model.records import Record
from engine import secrets
from sources.common.traffic import Traffic

if TYPE_CHECKING:
    import aiohttp
    from aiolimiter import AsyncLimiter

    from engine.blobs import FolderBlobs
    from engine.evidence import Manifest
    from sources.common.source import Progress

PREVIOUS_LIMIT = 100_000
"""Records of an earlier collection that are lent at most."""


@dataclass(slots=True)
class Shared:
    """What all sources of one engine share."""

    clock: Callable[[], datetime]
    folder: Path
    state_dir: Path
    session: aiohttp.ClientSession
    limiters: dict[tuple[str, float], AsyncLimiter] = field(default_factory=dict)


@dataclass(slots=True)
class Lent:
    """The context of one run of one source."""

    shared: Shared
    name: str
    deadline: timedelta
    blobs: FolderBlobs
    latest: Manifest | None
    """The latest complete collection."""
    report: Callable[[str, Progress], None]
    traffic: Traffic = field(default_factory=Traffic)
    """Counts over all runs of the source."""
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Stamp the instant before the first request."""
        self.started = self.shared.clock()

    @property
    def folder(self) -> Path:
        """Folder of the configuration file."""
        return self.shared.folder

    @property
    def scratch(self) -> Path:
        """A private folder of this source that survives runs."""
        path = self.shared.state_dir / "scratch" / self.name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def now(self) -> datetime:
        """Tell the time."""
        return self.shared.clock()

    async def secret(self, reference: str) -> str:
        """Resolve a reference; raises ``Unconfigured``."""
        return await secrets.resolve(reference, self.folder)

    def session(self) -> aiohttp.ClientSession:
        """Lend the HTTP session."""
        return self.shared.session

    async def limiter(self, credential: str, per_second: float) -> None:
        """Wait for a turn at the rate limit that all sources with this credential share."""
        from aiolimiter import AsyncLimiter

        key = (credential, per_second)
        limiter = self.shared.limiters.setdefault(key, AsyncLimiter(max(1.0, per_second), 1.0))
        await limiter.acquire()

    def progress(self, progress: Progress) -> None:
        """Report how far the run is."""
        self.report(self.name, progress)

    async def previous(self) -> Mapping[str, Record]:
        """Give the records of the latest complete collection by id."""
        if self.latest is None or self.latest.kept > PREVIOUS_LIMIT or not self.blobs.has(self.latest.blob):
            return {}
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, Record]:
        assert self.latest is not None
        found: dict[str, Record] = {}
        for chunk in self.blobs.open(self.latest.blob):
            found.update((record.id, record) for record in codec.decode_lines(chunk))
        return found
