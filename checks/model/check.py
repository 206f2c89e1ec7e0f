"""A check is declared as data: what it judges, which fields it reads, and a pure function that judges one subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from checks.model.judgement import Judgement, Outcome
from checks.model.known import Known
from checks.model.records import Record


class Family(StrEnum):
    """The four questions."""

    MFA = "mfa"
    ACCESS = "access"
    BACKUP = "backup"
    CERTIFICATION = "certification"


class Severity(StrEnum):
    """How bad a failure is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Mapped:
    """One control that a check tests, and why."""

    control: str
    """``framework:criterion``, for example ``soc2:CC6.1``, ``iso27001:A.8.5``, ``nist80053:IA-2(1)``."""
    why: str
    """One line of our own words."""
    partial: bool = False
    """The check proves a part of the control only."""


@dataclass(frozen=True, slots=True)
class Example:
    """A subject whose judgement is known; the self-test sends it through everything."""

    name: str
    expect: Outcome
    records: Sequence[Record]
    """The records of one subject; their source is ``selftest``."""
    joined: Sequence[Record] = ()
    """Records of the joined population, complete."""


class NoPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of a check that has no parameters."""


Judge = Callable[[Any, Any, datetime, Known], Judgement]

EXAMPLE_NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
"""The instant at which examples are judged."""


class AlarmKind(StrEnum):
    """What may be worth waking somebody for; which of them does is the configuration's choice."""

    BREAK_GLASS_USED = "break_glass_used"
    MFA_LOST = "mfa_lost"
    BACKUP_OVERDUE = "backup_overdue"
    TLS_BROKEN = "tls_broken"


Limits = Callable[[Any, timedelta | None, timedelta | None], tuple[timedelta, timedelta]]
"""Policy, and a set's own RPO and grace (None: it has none), to the RPO and grace that count."""


CurrentUntil = Callable[[Any, Any, datetime], datetime | None]
"""Record, policy and now, to the end of currency; None: the record does not count, or does not tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An automated test of a control; each module of ``checks/`` exports one as ``CHECK``."""

    title: str
    """The claim, in one sentence."""
    family: Family
    over: tuple[type[Record], ...]
    """Record types that it judges."""
    reads: frozenset[str]
    """Every field that ``judge`` reads, as ``account.mfa``, of ``over`` and of ``knows``."""
    judge: Judge
    """``judge(record, policy, now, known)``; with ``by``, the first argument is all records of the subject,
    any order."""
    controls: Sequence[Mapped]
    examples: Sequence[Example]
    policy: type[msgspec.Struct] = NoPolicy
    """Its own parameters with defaults; each field has a docstring."""
    by: Callable[[Any], str] | None = None
    """The key, within a source, that groups records into one subject; None: each record is a subject."""
    knows: type[Record] | None = None
    """The record type of the joined population."""
    keys: Callable[[Any], Sequence[str] | None] | None = None
    """The keys of a joined record; None of a record that does not tell them."""
    knows_own: bool = False
    """The joined population comes from the sources that are judged (an owner), not from sources of its own (a
    roster)."""
    severity: Severity = Severity.HIGH
    max_age: Callable[[Any], timedelta] = field(default=lambda _policy: timedelta(hours=24))
    """Default time after which its populations are stale, from its policy."""
    explain: Mapping[str, str] = field(default_factory=dict)
    """Reason to what to do next, for people."""
    alarms: Mapping[str, AlarmKind] = field(default_factory=dict)
    """Reason of a failure to the alarm that it raises, when it is new."""
    renews: frozenset[str] = frozenset()
    """Facts whose change raises the alarm of a failure anew while it lasts: the account was used once more."""
    loses: AlarmKind | None = None
    """The alarm that is raised when a subject fails that passed before; its passing subjects are then remembered."""
    limits: Limits | None = None
    """Of a check over backups: which RPO and grace count for a set."""
    current_until: CurrentUntil | None = None
    """Of a check over attestations: when one that counts ends to be current."""

    @property
    def kinds(self) -> tuple[AlarmKind, ...]:
        """All kinds of alarm that it may raise, in order."""
        lost = () if self.loses is None else (self.loses,)
        return tuple(sorted({*self.alarms.values(), *lost}))


ALWAYS_READ = frozenset({"id", "source", "label", "why", "set"})
"""Identity may be read by every check and is never doubtful."""
