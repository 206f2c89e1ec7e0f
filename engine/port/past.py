"""What became of checks over a period, and how to ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from checks.model.state import State


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a check's state or counts; it holds until the next."""

    at: datetime
    """UTC."""
    state: State | None = None
    """None: it was not judged yet, or retired."""
    verdict: str | None = None
    passed: int = 0
    warned: int = 0
    failed: int = 0
    unknown: int = 0
    missing: int | None = 0
    """Subjects that may be missing; None: no bound is known, or nobody noted one."""
    evidence: Sequence[str] = ()
    """Digests of the manifests that it rests on, where the state changed."""


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """A time without a judgement."""

    start: datetime
    """Of the judgement before it, UTC."""
    end: datetime
    """Of the first judgement after it, UTC."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The judgements of a check on one day, UTC."""

    day: date
    judged: int
    """Judgements."""
    conclusive: int
    """Of them, those with a verdict other than unknown."""
    first_at: datetime
    last_at: datetime
    longest_gap_seconds: float
    """The longest time from one judgement to the next that ended on this day."""
    lapses: Sequence[Lapse] | None = None
    """All of an hour or more (of the check's ``max_age``, if that is less) that ended on this day, oldest first; None:
    their places were not kept yet."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check over a period."""

    check: str
    turns: Sequence[Turn] = ()
    """Oldest first; the first is the one that held when the period began.

    Of more than 20 000 (200 000 over all checks asked), where counts alone changed the last of each day stands for the
    day; if that is not enough the oldest are left out, and nothing is told of the time before the first."""
    days: Sequence[Day] = ()
    """Oldest first; a day without a judgement is not among them, which is a gap and never a pass."""


class PackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which period, and of which checks, an evidence pack is wanted."""

    since: datetime
    until: datetime
    """May be ahead."""
    checks: Sequence[str] = ()
    """Empty: all."""


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """An evidence pack: one archive for whoever asked, to be taken where he wants it."""

    name: str
    """What the file may be called, ``….zip``."""
    path: str
    """Where it lies: a file of its own, 0600, which whoever asked takes away; the engine removes what is left."""
    size_bytes: int
    digest: str
    """SHA-256 of the archive, hex."""
    files: int
    checks: int
    manifests: int = 0
    missing: Sequence[str] = ()
    """Manifests and blobs that should be there and are not, by name; at most 20, the pack names all."""
    missing_count: int = 0
    chain_valid: bool
    """Whether the whole evidence chain held when the pack was made."""

    @property
    def holds(self) -> bool:
        """Tell whether the evidence is what it was: the chain holds, and nothing is missing."""
        return self.chain_valid and self.missing_count == 0


class PastQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which checks, which period."""

    checks: Sequence[str]
    since: datetime
    until: datetime
