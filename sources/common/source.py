"""A source is one provider kind: its configuration, what it tells, and a stream of pages.

``fetch`` is an async generator: it yields pages of records and gaps, and raises a ``SourceError`` when it cannot go
on. The
engine alone catches, spools and decides whether the collection was complete; a source never retries by itself and never
swallows an error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.records import Record

if TYPE_CHECKING:
    import aiohttp

    from sources.common.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer of the provider brought."""

    records: Sequence[Record] = ()
    """Records in the provider's order. A repeated id is for the engine to merge or to doubt."""
    gaps: Sequence[Gap] = ()
    """Doubt that this answer showed; ``source`` is filled in by the engine."""
    claimed: int | None = None
    """The total number of records of the whole collection that the provider claims, when it does."""
    as_of: datetime | None = None
    """The provider's own data time, when it gives one (a report's generation time); UTC."""
    scopes: Sequence[str] = ()
    """Permissions or scopes that the provider says we hold."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a collection will cost, told before it starts."""

    requests: int
    """Requests still to make."""
    seconds: float
    """Time to full coverage at the permitted rate."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection is; shown on the sources screen."""

    done: int
    """Requests answered."""
    plan: Plan | None = None
    """The plan, as soon as it is known."""


class Context(Protocol):
    """What the engine lends a source for one run."""

    @property
    def name(self) -> str:
        """Name of the configured source, for records and messages."""
        ...

    @property
    def started(self) -> datetime:
        """The instant before the first request, UTC; the data time of what has none of its own."""
        ...

    @property
    def folder(self) -> Path:
        """Folder of the configuration file, to which relative paths refer."""
        ...

    @property
    def scratch(self) -> Path:
        """A private folder of this source that survives runs (caches); 0700."""
        ...

    @property
    def deadline(self) -> timedelta:
        """Time that the whole run may take."""
        ...

    @property
    def traffic(self) -> Traffic:
        """Where HTTP requests are counted; a source that makes none leaves it alone."""
        ...

    def now(self) -> datetime:
        """Tell the time, UTC; the only clock a source may read."""
        ...

    async def secret(self, reference: str) -> str:
        """Resolve ``keyring:NAME``, ``env:NAME`` or ``file:PATH``; raises ``Unconfigured``."""
        ...

    def session(self) -> aiohttp.ClientSession:
        """Lend the HTTP session (no cookies, no redirects to other hosts, total time-out set)."""
        ...

    async def limiter(self, credential: str, per_second: float) -> None:
        """Wait for a turn at the rate limit that all sources with this credential share."""
        ...

    def progress(self, progress: Progress) -> None:
        """Report how far the run is."""
        ...

    async def previous(self) -> Mapping[str, Record]:
        """Give the records of the latest complete collection by id (empty when there is none)."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """One line of ``source test``: one thing asked, and what a refusal costs."""

    asked: str
    """What was asked, as ``GET /api/v1/users``, or the permission's name."""
    ok: bool | None
    """True: granted; False: refused; None: could not be tried."""
    detail: str = ""
    """What came back and what to do next."""
    costs: Sequence[str] = ()
    """The facts that become unknown without it, as ``account.factors``."""
    cause: Cause | None = None
    """Why it was not granted, where the source says so: nobody answered is another thing than somebody said no."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the table *source x fact x permission*."""

    fact: str
    """``account.mfa``: record type and field; or ``account`` for the population itself."""
    permission: str
    """The least privilege that tells it, in the provider's words; ``none`` when nothing is needed."""
    without: Cause
    """What the fact becomes without that permission."""
    note: str = ""
    """A limit that an auditor must know."""


Fetch = Callable[[Any, Context], AsyncGenerator[Page, None]]
Test = Callable[[Any, Context], Awaitable[Sequence[Probe]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A provider kind; each module of ``sources/`` exports one as ``SOURCE``."""

    title: str
    """One line for ``source kinds``."""
    config: type[msgspec.Struct]
    """The keys of ``[sources.NAME]`` that are the kind's own (common keys are the engine's); each field has a
    docstring."""
    yields: tuple[type[Record], ...]
    """Record types that it tells."""
    fetch: Fetch
    """Streams pages; raises ``SourceError``."""
    test: Test
    """Tries reach and each permission; never raises ``SourceError`` (a refusal is a probe)."""
    facts: Sequence[Fact]
    """What it tells and what each fact needs."""
    every: timedelta
    """Default interval between runs."""
    max_age: timedelta = field(default=timedelta(hours=24))
    """Default time after which what it told is stale."""
    never: Sequence[str] = ()
    """Fields of its records that the provider never tells (``not_exposed``)."""
    labels: Callable[[Any], Mapping[str, str]] | None = None
    """Record ids that the configuration names (TLS targets, declared sets), as id to metric label value."""
    check: Callable[[Any, Path], Sequence[str]] | None = None
    """Faults of one configuration that its types cannot say: messages that start with the key."""
