"""The store keeps state, history and the evidence chain; its protocol is async and set-based.

No method takes one finding.

Errors are named by who must act: ``StoreCorrupt`` and ``StoreNewer`` refuse to start; ``StoreFull`` and
``StoreReadOnly`` say that nothing more can be written, while everything already written stays readable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec

from checks.model.doubt import Gap
from checks.model.result import Finding, Result
from checks.model.state import State
from engine.breaks import Break
from engine.chain import Head, Link
from engine.evidence import Manifest
from engine.port import Alarm, Event, EventQuery, Events, KnownTime, Past, PastQuery, Query, Row, Rows, Was

ChainKind = Literal[
    "manifest",
    "transition",
    "finding",
    "accept",
    "broken",
    "waiver",
    "config",
    "pause",
    "ack",
    "retire",
    "forget",
]


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreCorrupt(StoreError):
    """The database file is damaged; it is left as it is, and the message says how to start afresh beside it."""


class StoreNewer(StoreError):
    """The database was written by a newer version; nothing is changed."""


class QueryRefused(StoreError):
    """What was asked for is no question that can be answered; the message says where."""


class StoreFull(StoreError):
    """The disk is full; nothing was lost but this write."""


class StoreReadOnly(StoreError):
    """The state folder cannot be written."""


class Shrunken(msgspec.Struct, frozen=True, kw_only=True):
    """The doubt about a population that lost too many subjects at once."""

    gap: Gap
    kept: Mapping[str, int]
    """Subjects by record type that were left: the baseline, once somebody accepts them."""


class SourceMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a source over restarts."""

    name: str
    kind: str = ""
    config_digest: str = ""
    attempted_at: datetime | None = None
    completed_at: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None
    cause: str | None = None
    complete: Manifest | None = None
    """The latest complete collection."""
    partial: Manifest | None = None
    """The latest run, when it was not complete and came after ``complete``; its records may add failures."""
    baseline: Mapping[str, int] | None = None
    """Subjects by record type that the next collection is compared with; None: the next one is the baseline."""
    shrunken: Shrunken | None = None
    """A population that lost too many subjects, until its count returns or is accepted."""
    former: Manifest | None = None
    """The latest complete collection under another configuration; it proves nothing any more."""
    last_gaps: Sequence[Gap] = ()
    """Gaps of the latest run."""
    duration_seconds: float | None = None
    times: Sequence[KnownTime] = ()
    """Times that configured targets and declared sets are known by."""
    unkept: Sequence[datetime] = ()
    """When runs ended that could not be stored, oldest first; of the last day, as of the latest of them."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run of a source ended."""

    at: datetime
    """UTC."""
    seconds: float | None = None
    """How long it took; None of one that was not complete."""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of one source that were stored."""

    first: datetime
    """The end of the first ever, UTC."""
    ended: Sequence[Ended] = ()
    """Those since the instant that was asked for, oldest first."""


class CheckMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a configured check over restarts."""

    name: str
    check: str = ""
    config_digest: str = ""
    """Of its configuration and of its sources'."""
    result: Result | None = None
    attempted: bool = False
    completed: bool = False
    error: str | None = None
    """Why it could not be judged at all at the latest attempt: a fault of ours."""
    max_age_seconds: float = 86_400.0
    threshold: float = 1.0
    allow_empty: bool = False
    valid_until: datetime | None = None
    """Past it nobody may show pass, warn or waived."""
    waived: int = 0
    undue: int = 0
    waived_unknown: int = 0
    waived_bar: bool = False
    policy_digest: str = ""
    """Of the policy that it was judged by."""
    alarms: Mapping[str, Alarm] = {}
    """By kind of alarm: all kinds that the check declares, of open failures that no live waiver covered in time."""
    next_due: datetime | None = None
    """The first due date among failures inside ``remediate_within``, or the first end of a waiver in use."""
    state: State | None = None
    """The state that was last recorded as a transition."""
    state_since: datetime | None = None
    was: Was | None = None
    manifests: Sequence[str] = ()
    """Digests of the manifests that the result cites."""
    configured_at: datetime | None = None
    """When the check first stood in the configuration."""
    paused_until: datetime | None = None
    paused_by: str = ""
    """Who paused it, as claimed."""
    paused_reason: str = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that survives a restart."""

    sources: Mapping[str, SourceMemory] = {}
    checks: Mapping[str, CheckMemory] = {}
    events: Sequence[Event] = ()
    """The latest 200, newest first."""
    chained_at: datetime | None = None
    """When the last entry of the chain was written, UTC."""


class Chained(msgspec.Struct, frozen=True, kw_only=True):
    """One entry to append to the evidence chain."""

    kind: ChainKind
    body: bytes
    """Deterministic JSON without names of people: subjects are keyed hashes."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A live waiver of findings, as the diff needs it."""

    id: str
    subjects: Sequence[str]
    """Subjects or globs (``okta-prod/00u1``, a label, ``kiosk-*``)."""
    starts: datetime
    """A use or a loss that is told later is not covered: nobody has accepted that one."""
    ends: datetime


class Raises(msgspec.Struct, frozen=True, kw_only=True):
    """Which failures of a check raise which kind of alarm, as the diff needs it."""

    reasons: Mapping[str, str] = {}
    """Reason of a failure to the alarm that it raises."""
    renews: frozenset[str] = frozenset()
    """Facts whose change raises it anew while the failure lasts: what it tells is an event, each time another."""
    loses: str | None = None
    """The alarm that is raised when a subject fails that passed before."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds that may be raised, in order."""
        lost = () if self.loses is None else (self.loses,)
        return tuple(sorted({*self.reasons.values(), *lost}))


NO_ALARM: Final = Raises()
"""What a check raises that wakes nobody."""


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What a judgement changed."""

    opened: int = 0
    resolved: int = 0
    regressed: int = 0
    """Of ``opened``: seen before and resolved since."""
    waived: int = 0
    """Open failures that live waivers cover."""
    undue: int = 0
    """Open failures, not waived, before their due date."""
    next_due: datetime | None = None
    """The first due date of those, or the first end of a waiver in use."""
    alarms: Mapping[str, Alarm] = {}
    """By kind, all kinds of the check: open failures that no live waiver covers, due or not, and uses and losses that
    came after what covers them began. One that this judgement holds, or that a partial collection did not show,
    still counts."""


class Stage(Protocol):
    """One judgement on its way into the store; nothing of it is visible before ``commit``."""

    async def add(self, findings: Sequence[Finding], passing: Sequence[str] = ()) -> None:
        """Stage findings, carried ones too, and the subjects that passed, of a check that remembers them."""
        ...

    async def diff(
        self,
        *,
        now: datetime,
        complete: bool,
        remediate_within: timedelta,
        waivers: Sequence[Live],
        same_policy: bool = True,
    ) -> Diff:
        """Compare the stage with the open findings of the check, inside the transaction that ``commit`` ends.

        With ``complete``, an open finding whose subject is not staged is resolved; without, nothing is resolved. A
        carried
        finding holds its subject: it neither opens, resolves nor re-dates. Without ``same_policy`` a subject that
        passed and fails now has not lost anything: it is the policy that changed.
        """
        ...

    async def commit(self, memory: CheckMemory, events: Sequence[Event], chain: Sequence[Chained]) -> None:
        """Make the judgement, the check's memory, the events and the chain entries durable in one transaction."""
        ...

    async def abort(self) -> None:
        """Forget the stage."""
        ...


class Reconfigured(msgspec.Struct, frozen=True, kw_only=True):
    """What another configuration changes in what is stored."""

    renamed: Mapping[str, str] = {}
    """New names of checks, by their former ones."""
    gone_checks: Sequence[str] = ()
    gone_sources: Sequence[str] = ()
    chain: Sequence[Chained] = ()


class Store(Protocol):
    """State, history and the evidence chain."""

    async def load(self) -> Loaded:
        """Give everything that survives a restart."""
        ...

    async def runs(self, since: datetime) -> Mapping[str, Runs]:
        """Give how the runs of every source ended since an instant."""
        ...

    async def save_source(
        self,
        memory: SourceMemory,
        manifest: Manifest | None,
        events: Sequence[Event],
        chain: Sequence[Chained],
    ) -> None:
        """Remember a finished run; a manifest is kept by its digest."""
        ...

    async def save_check(self, memory: CheckMemory, events: Sequence[Event], chain: Sequence[Chained]) -> None:
        """Remember a check whose state changed by the clock alone."""
        ...

    def stage(self, check: str, family: str, raises: Raises = NO_ALARM) -> Stage:
        """Begin one judgement of a configured check, whose failures raise these alarms."""
        ...

    async def rows(self, query: Query, now: datetime) -> Rows:
        """Give a page of findings."""
        ...

    async def row(self, finding: int, now: datetime) -> Row | None:
        """Give one finding of a list by its id."""
        ...

    async def history(self, finding: int) -> Sequence[Event]:
        """Give what happened to a finding, newest first."""
        ...

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period, in the order asked; a renamed check keeps its past."""
        ...

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events, newest first."""
        ...

    async def manifests(self, digests: Sequence[str]) -> Sequence[tuple[str, Manifest]]:
        """Give manifests by digest."""
        ...

    async def reconfigure(self, change: Reconfigured, now: datetime) -> None:
        """Rename checks, then retire findings of removed checks and sources (never "resolved"); all or nothing.

        What is remembered of the removed ones is forgotten; what has a new name keeps its findings and its past.
        """
        ...

    async def ack(self, finding: int, note: str, by: str, now: datetime) -> bool:
        """Acknowledge a finding; False when it is gone."""
        ...

    async def counts(self, since: datetime) -> Mapping[str, tuple[int, int]]:
        """Count findings opened and resolved since an instant, by check."""
        ...

    async def append(self, chain: Sequence[Chained], events: Sequence[Event] = ()) -> None:
        """Append to the evidence chain."""
        ...

    async def unused_blobs(self, now: datetime) -> Sequence[str]:
        """Name the blobs that retention lets go: past 72 h, not a day's last of its source, under no transition."""
        ...

    async def tombstone(self, blobs: Sequence[str], now: datetime) -> None:
        """Record that blobs were let go; manifests, digests and counts stay."""
        ...

    async def links(self, after: int = 0, limit: int = -1) -> Sequence[Link]:
        """Give chain entries in order, those after a number; at most so many."""
        ...

    async def bodies(self, kind: ChainKind) -> Sequence[bytes]:
        """Give the bodies of the chain's entries of one kind, in order."""
        ...

    async def covered(self, check: str, waivers: Sequence[Live], beside: Sequence[Live] = ()) -> Mapping[str, int]:
        """Count, by waiver, the open findings of a check that it covers and none of those beside it does."""
        ...

    def hashed(self, name: str) -> str:
        """Give the keyed hash that stands for a person in the chain, hex."""
        ...

    async def noted_head(self) -> Head:
        """Give the head that is noted beside the chain; raises ``ValueError`` when what lies there is none."""
        ...

    async def noted_break(self) -> Break | None:
        """Give the first break of the chain that nobody accepted, as it is noted beside it."""
        ...

    async def note_break(self, lost: Head, why: str) -> None:
        """Tell in the chain that an end of it was lost, unless it tells that already."""
        ...

    async def touch(self) -> None:
        """Write a little that means nothing, to find out whether the store can be written."""
        ...

    async def close(self) -> None:
        """Finish writing and close."""
        ...
