"""What a test lends a source for one run: a real HTTP session, a fixed clock, secrets from a dictionary."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from checks.model.doubt import Gap
from checks.model.records import Record
from sources.common.errors import Unconfigured
from sources.common.source import Page, Progress
from sources.common.traffic import Traffic
from tests.support.clock import NOW


@dataclass
class LentContext:
    """Implements ``Context`` for tests; ``lent_context`` builds one and closes its session."""

    folder: Path
    scratch: Path
    http: aiohttp.ClientSession
    name: str = "source-1"
    started: datetime = NOW
    deadline: timedelta = timedelta(seconds=60)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Reference to secret."""
    before: Mapping[str, Record] = field(default_factory=dict)
    """Records of the latest complete collection, by id."""
    at: datetime = NOW
    """What ``now`` tells; a test moves it by assignment."""
    told: list[Progress] = field(default_factory=list)
    """Every progress that was reported."""
    turns: list[tuple[str, float]] = field(default_factory=list)
    """Every turn at the shared limiter that was asked for."""
    traffic: Traffic = field(default_factory=Traffic)
    """What the requests met."""

    def now(self) -> datetime:
        """Tell the time of the test."""
        return self.at

    async def secret(self, reference: str) -> str:
        """Look the reference up; raises ``Unconfigured`` when the test lends no such secret."""
        if reference not in self.secrets:
            raise Unconfigured(f"{self.name}: {reference} is not there")
        return self.secrets[reference]

    def session(self) -> aiohttp.ClientSession:
        """Lend the session."""
        return self.http

    async def limiter(self, credential: str, per_second: float) -> None:
        """Grant every turn at once, and keep count."""
        self.turns.append((credential, per_second))

    def progress(self, progress: Progress) -> None:
        """Keep what is reported."""
        self.told.append(progress)

    async def previous(self) -> Mapping[str, Record]:
        """Give what the test says was collected before."""
        return self.before


@asynccontextmanager
async def lent_context(
    folder: Path,
    *,
    name: str = "source-1",
    secrets: Mapping[str, str] | None = None,
    deadline: timedelta = timedelta(seconds=60),
    before: Mapping[str, Record] | None = None,
) -> AsyncIterator[LentContext]:
    """Lend a context over ``folder`` (a ``tmp_path``) with a real session, and close it at the end."""
    scratch = folder / "scratch"
    scratch.mkdir(mode=0o700, exist_ok=True)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield LentContext(
            folder=folder,
            scratch=scratch,
            http=http,
            name=name,
            secrets=secrets or {},
            deadline=deadline,
            before=before or {},
        )


@dataclass(frozen=True)
class Collected:
    """Everything that one run told."""

    records: tuple[Record, ...]
    gaps: tuple[Gap, ...]
    pages: tuple[Page, ...]

    def of(self, kind: type[Record]) -> list[Record]:
        """Select the records of one type."""
        return [record for record in self.records if isinstance(record, kind)]


async def collect(pages: AsyncIterator[Page]) -> Collected:
    """Run a ``fetch`` to its end; raises what it raises."""
    read = [page async for page in pages]
    return Collected(
        records=tuple(record for page in read for record in page.records),
        gaps=tuple(gap for page in read for gap in page.gaps),
        pages=tuple(read),
    )
