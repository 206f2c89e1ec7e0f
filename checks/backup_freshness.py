"""The newest complete backup of every set is younger than its recovery point objective.

Population: backup sets, declared or found; a subject is one copy of a set, ``source/set``.
Fails:      the source holds no backup of the set; none of its backups is complete and not empty; the newest one that is
            holds data older than ``rpo`` and ``grace`` together. Age is that of the data: it counts from the start of
            the run. A partial, failed, running or empty backup never resets the clock, nor one dated in the future.
Warned:     the newest is inside the grace; or it is fresh, and another backup is dated in the future, undated or
            unreadable, or the set is not declared.
Unknown:    the number of backups or the objective is not told; backups exist and none was shown; a backup whose date,
            status or size is not told might be the one that is fresh enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from checks.model.check import EXAMPLE_NOW, AlarmKind, Check, Example, Family, Mapped
from checks.model.combine import earliest
from checks.model.doubt import Cause
from checks.model.facts import Facts, compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown, warned
from checks.model.known import Known
from checks.model.records import Backup, BackupSet, Record
from checks.model.units import Duration, duration
from checks.model.untold import cause_of, not_told, untold
from checks.model.use import SKEW


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The objective of a set that has none of its own."""

    rpo: Duration = duration("24h")
    """The greatest tolerable age of the data in the newest complete backup."""
    grace: Duration = duration("6h")
    """Time past ``rpo`` in which the set is warned before it fails."""
    empty: Literal["refuse", "allow"] = "refuse"
    """``refuse``: an empty backup does not count, and one of unknown size proves nothing. ``allow``: any counts."""


LONGEST = timedelta(days=3650)
"""An objective beyond this is a fault of the source."""
WORDS = frozenset({"complete", "partial", "running", "failed"})
DEPTHS = frozenset({"exists", "complete", "verified", "restored"})
HOLDS_NONE, NOTHING_USABLE = "holds no backup", "holds no complete backup"
LATE, GRACE = "has no complete backup that is fresh enough", "is past its objective, inside the grace"
FUTURE, UNDATED = "has a backup that is dated in the future", "has a backup whose date is not told"
UNREADABLE, UNDECLARED = "has backups that could not be read", "is not declared, and was found in the source"
ONLY_FUTURE = "has complete backups in the future only"
MAYBE_FRESH = "may have a fresher backup than can be proven"
NO_COUNT, NONE_SHOWN = "is not told how many backups it has", "has backups, and none was shown"
NO_OBJECTIVE, WILD_OBJECTIVE = "is not told its objective", "has an objective that cannot be"
NO_SET, CONTRADICTION = "has backups of a set that was not shown", "is told to be empty, and backups were shown"


@dataclass(slots=True)
class Sorted:
    """The backups of a set, by what they prove."""

    newest: Backup | None = None
    """The newest that is complete, not empty and not dated in the future."""
    future: list[Backup] = field(default_factory=list)
    undated: list[Backup] = field(default_factory=list)
    doubtful: list[Backup] = field(default_factory=list)
    """Those that may be complete, and whose date, status or size is not told."""


def judge(records: Sequence[Record], policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one copy of one set by all its records."""
    backups = [record for record in records if isinstance(record, Backup)]
    described = next((record for record in records if isinstance(record, BackupSet)), None)
    if described is None:
        return unknown(NO_SET, Cause.MALFORMED, facts=compared(backups=len(backups)))
    if described.backups is None:
        return untold(described, NO_COUNT, ("backups",))
    if not backups or described.backups == 0:
        return _empty(described, len(backups))
    seen = _sorted(backups, policy, now)
    judgement = _judged(described, seen, policy, now)
    futures = [backup.started_at - SKEW for backup in seen.future if backup.started_at is not None]
    return msgspec.structs.replace(judgement, until=earliest((judgement.until, *futures)))


def limits(policy: Policy, rpo: timedelta | None, grace: timedelta | None) -> tuple[timedelta, timedelta]:
    """Choose the RPO and the grace that count: a set's own where it has one, else the policy's.

    Zero is none. One that cannot be (negative, beyond ten years) makes the set unknown; whatever is still said of such
    a set goes by the policy.
    """
    return _own(rpo) or policy.rpo, _own(grace) or policy.grace


def _own(length: timedelta | None) -> timedelta | None:
    return length if length is not None and timedelta() <= length <= LONGEST else None


def _empty(described: BackupSet, shown: int) -> Judgement:
    """Judge a set of which nothing was shown, or that is told to be empty."""
    facts = compared(backups=described.backups, unreadable=described.unreadable, shown=shown)
    if described.backups != 0:
        return unknown(NONE_SHOWN, Cause.TRUNCATED, facts=facts)
    return failed(HOLDS_NONE, facts) if shown == 0 else unknown(CONTRADICTION, Cause.MALFORMED, facts=facts)


def _sorted(backups: Sequence[Backup], policy: Policy, now: datetime) -> Sorted:
    """Sort the backups by what they prove."""
    seen, horizon = Sorted(), now + SKEW
    for backup in backups:
        started, usable = backup.started_at, _usable(backup, policy)
        if started is None:
            seen.undated.append(backup)
        elif started > horizon:
            seen.future.append(backup)
        elif usable is True:
            seen.newest = _newer(seen.newest, backup)
        if usable is None or (started is None and usable is True):
            seen.doubtful.append(backup)
    return seen


def _usable(backup: Backup, policy: Policy) -> bool | None:
    """Tell whether a backup is complete and not empty; None when that is not told."""
    if backup.status in WORDS and backup.status != "complete":
        return False
    if policy.empty == "refuse" and backup.size_bytes is not None and backup.size_bytes <= 0:
        return False
    sized = policy.empty == "allow" or backup.size_bytes is not None
    return True if backup.status == "complete" and sized else None


def _newer(one: Backup | None, other: Backup) -> Backup:
    """Choose the backup with the newer data; of equals the smaller id, so that order does not matter."""
    if one is None or one.started_at is None or other.started_at is None:
        return other
    if one.started_at != other.started_at:
        return one if one.started_at > other.started_at else other
    return min(one, other, key=lambda backup: backup.id)


def _judged(described: BackupSet, seen: Sorted, policy: Policy, now: datetime) -> Judgement:
    """Judge what was sorted against the objective."""
    missing = not_told(described, ("rpo_seconds", "grace_seconds"))
    rpo, grace = described.rpo_seconds or 0, described.grace_seconds or 0
    wild = not (0 <= rpo <= LONGEST.total_seconds() and 0 <= grace <= LONGEST.total_seconds())
    own = (None, None) if wild else (timedelta(seconds=rpo), timedelta(seconds=grace))
    limit, slack = limits(policy, *own)
    started = None if seen.newest is None else seen.newest.started_at
    if started is None and not seen.doubtful:
        return _nothing(described, seen)
    if missing:
        return untold(described, NO_OBJECTIVE, missing)
    if wild:
        return unknown(WILD_OBJECTIVE, Cause.MALFORMED, facts=compared(rpo_seconds=rpo, grace_seconds=grace))
    facts = _facts(seen, limit, slack)
    if started is None or now >= started + limit + slack:
        return _late(seen, facts, now - limit - slack, limit + slack)
    if now >= started + limit:
        return warned(GRACE, facts, until=started + limit + slack, depth=_depth(seen))
    return _fresh(described, seen, facts, started + limit)


def _facts(seen: Sorted, rpo: timedelta, grace: timedelta) -> Facts:
    newest = seen.newest
    return compared(
        newest=None if newest is None else newest.started_at,
        finished_at=None if newest is None else newest.finished_at,
        rpo=rpo,
        grace=grace,
        future=len(seen.future),
        undated=len(seen.undated),
    )


def _nothing(described: BackupSet, seen: Sorted) -> Judgement:
    """Judge a set of which no backup counts, nor may count, today."""
    facts = compared(backups=described.backups, future=len(seen.future))
    if any(backup.status == "complete" for backup in seen.future):
        return unknown(ONLY_FUTURE, Cause.MALFORMED, facts=facts)
    return failed(NOTHING_USABLE, facts)


def _late(seen: Sorted, facts: Facts, oldest: datetime, reach: timedelta) -> Judgement:
    """Judge a set without a proven fresh backup: it fails, unless a doubtful backup might be fresh."""
    matters = [backup for backup in seen.doubtful if backup.started_at is None or backup.started_at > oldest]
    if not matters:
        if seen.newest is None and seen.future:
            return unknown(ONLY_FUTURE, Cause.MALFORMED, facts=facts)
        return failed(LATE, facts)
    first = min(matters, key=lambda backup: backup.id)
    fields = not_told(first, ("started_at", "status", "size_bytes"))
    names = tuple(f"backup.{name}" for name in fields)
    cause = cause_of(first, *fields) if fields else Cause.UNSUPPORTED
    dates = [backup.started_at + reach for backup in matters if backup.started_at is not None]
    return unknown(MAYBE_FRESH, cause, names, facts, until=earliest(dates))


def _fresh(
    described: BackupSet,
    seen: Sorted,
    facts: Facts,
    until: datetime,
) -> Judgement:
    """Judge a set whose newest complete backup is fresh: it passes when nothing else is wrong."""
    reason = None
    if seen.future:
        reason = FUTURE
    elif seen.undated:
        reason = UNDATED
    elif described.unreadable != 0:
        reason = UNREADABLE
    elif described.declared is not True:
        reason = UNDECLARED
    if reason is None:
        return passed(until=until, depth=_depth(seen))
    facts = {**facts, **compared(unreadable=described.unreadable, declared=described.declared)}
    return warned(reason, facts, until=until, depth=_depth(seen))


def _depth(seen: Sorted) -> str | None:
    """Tell how deep the proof of the newest backup goes."""
    depth = None if seen.newest is None else seen.newest.depth
    return depth if depth in DEPTHS else None


def _subject(record: BackupSet | Backup) -> str:
    """Group the records of one copy: a set and its backups."""
    return record.set if isinstance(record, Backup) else record.id


def _max_age(policy: Policy) -> timedelta:
    """Look twice within an objective, and at least every six hours."""
    return min(policy.rpo / 2, timedelta(hours=6))


def _set(name: str, **told: object) -> BackupSet:
    base = BackupSet(
        id=name,
        source="selftest",
        label=name,
        declared=True,
        backups=2,
        unreadable=0,
        rpo_seconds=0,
        grace_seconds=0,
    )
    return msgspec.structs.replace(base, **told)


def _backup(name: str, ago: str, **told: object) -> Backup:
    base = Backup(
        id=f"{name}-{ago}",
        source="selftest",
        set=name,
        started_at=EXAMPLE_NOW - duration(ago),
        finished_at=EXAMPLE_NOW - duration(ago) + duration("10m"),
        status="complete",
        size_bytes=1_000_000,
        depth="complete",
    )
    return msgspec.structs.replace(base, **told)


_AHEAD = EXAMPLE_NOW + duration("2d")

EXAMPLES = (
    Example("fresh", Outcome.PASS, [_set("fresh"), _backup("fresh", "5h"), _backup("fresh", "29h")]),
    Example("inside the grace", Outcome.WARN, [_set("grace"), _backup("grace", "26h")]),
    Example("late", Outcome.FAIL, [_set("late"), _backup("late", "31h")]),
    Example("holds none", Outcome.FAIL, [_set("none", backups=0)]),
    Example(
        "partial does not count",
        Outcome.FAIL,
        [_set("partial"), _backup("partial", "1h", status="partial"), _backup("partial", "40h")],
    ),
    Example("empty does not count", Outcome.FAIL, [_set("empty"), _backup("empty", "1h", size_bytes=0)]),
    Example(
        "one ahead of the clock",
        Outcome.WARN,
        [_set("ahead"), _backup("ahead", "5h"), _backup("ahead", "1h", started_at=_AHEAD)],
    ),
    Example("all ahead of the clock", Outcome.UNKNOWN, [_set("clock"), _backup("clock", "1h", started_at=_AHEAD)]),
    Example("not declared", Outcome.WARN, [_set("found", declared=False), _backup("found", "5h")]),
    Example("none shown", Outcome.UNKNOWN, [_set("hidden", backups=7)]),
    Example("number not told", Outcome.UNKNOWN, [_set("count", backups=None), _backup("count", "5h")]),
    Example("objective not told", Outcome.UNKNOWN, [_set("rpo", rpo_seconds=None), _backup("rpo", "5h")]),
    Example("date not told", Outcome.UNKNOWN, [_set("undated"), _backup("undated", "5h", started_at=None)]),
    Example("status not told", Outcome.UNKNOWN, [_set("status"), _backup("status", "5h", status=None)]),
    Example("size not told", Outcome.UNKNOWN, [_set("size"), _backup("size", "5h", size_bytes=None)]),
    Example("unreadable not told", Outcome.WARN, [_set("damage", unreadable=None), _backup("damage", "5h")]),
)

CHECK = Check(
    title="The newest complete backup of every set is younger than its objective",
    family=Family.BACKUP,
    over=(BackupSet, Backup),
    reads=frozenset(
        {
            "backup_set.declared",
            "backup_set.backups",
            "backup_set.unreadable",
            "backup_set.rpo_seconds",
            "backup_set.grace_seconds",
            "backup.started_at",
            "backup.finished_at",
            "backup.status",
            "backup.size_bytes",
            "backup.depth",
        },
    ),
    judge=judge,
    policy=Policy,
    by=_subject,
    max_age=_max_age,
    controls=(
        Mapped(
            "soc2:A1.2",
            "data is backed up often enough to meet its objective; copies elsewhere are not read",
            partial=True,
        ),
        Mapped("soc2:CC7.5", "there is a recent copy to recover from after an incident", partial=True),
        Mapped("iso27001:A.8.13", "backups are made at the interval agreed", partial=True),
        Mapped("nist80053:CP-9", "backups are made at the interval of the recovery point objective", partial=True),
        Mapped("cis8:11.2", "automated backups keep running"),
    ),
    examples=EXAMPLES,
    explain={
        HOLDS_NONE: "Make a backup now; check that the job runs and that the set is named as it is declared.",
        NOTHING_USABLE: "Read the job's log: its runs end partial, failed or empty.",
        LATE: "Read the job's log and make a backup now.",
        GRACE: "Look whether the job is still running; the set fails when the grace ends.",
        FUTURE: "Compare the clocks of the host that is backed up, the backup server and this one.",
        ONLY_FUTURE: "Compare the clocks of the host that is backed up, the backup server and this one.",
        UNDATED: "Look at the backup with the tool itself; its date could not be read.",
        UNREADABLE: "Check the repository with the tool's own check command.",
        UNDECLARED: "Declare the set in the source's configuration, or remove the backups.",
        MAYBE_FRESH: "Let the source read the date, status and size of every backup (a newer tool may tell them).",
        NO_COUNT: "Mend the source: its list of backups could not be read.",
        NONE_SHOWN: "Mend the source: it tells a number of backups and shows none.",
        NO_OBJECTIVE: "Set `rpo` and `grace` of the set, or of the check.",
        WILD_OBJECTIVE: "Correct `rpo` and `grace` of the set: between 0 and ten years.",
        NO_SET: "Report this: the source shows backups of a set that it does not describe.",
        CONTRADICTION: "Report this: the source counts no backups and shows some.",
    },
    alarms=dict.fromkeys((LATE, HOLDS_NONE, NOTHING_USABLE), AlarmKind.BACKUP_OVERDUE),
    limits=limits,
)
