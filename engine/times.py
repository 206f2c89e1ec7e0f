"""Times that configured targets and declared sets are known by: kept, and exported, while they cannot be read.

A time that a complete collection no longer tells keeps its former value for as long as its target or set is configured:
whoever deletes every backup of a set, or takes an endpoint away, does not take its deadline away as well. An
attestation that no longer counts has no end of currency; a register that cannot be read leaves the former one standing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from checks.model import codec
from checks.model.fold import Exclusion
from checks.model.records import Attestation, Backup, BackupSet, Record, TlsEndpoint
from checks.model.state import SKEW
from checks.model.units import LONGEST_SECONDS
from engine.exposition import fits
from engine.port import Deadline, KnownTime
from engine.store.diff import matcher

if TYPE_CHECKING:
    from checks.model.check import CurrentUntil
    from engine.blobs import FolderBlobs
    from engine.config import CheckConfig, SourceConfig
    from engine.store import Live, SourceMemory

_OTHER: Final = re.compile(r"[^a-z0-9]+")
_MARK: Final = 8
"""Hexadecimal digits that tell apart what would be named alike."""


@dataclass(frozen=True, slots=True)
class Currency:
    """How one configured check tells until when a record of a source is current."""

    rule: CurrentUntil
    policy: Any


@dataclass(frozen=True, slots=True)
class Sought:
    """Which times of a source are wanted, and which are known."""

    source: str
    labels: Mapping[str, str]
    """Record ids that its configuration names."""
    former: Sequence[KnownTime] = ()
    """What it was known by before."""
    currencies: Sequence[Currency] = ()
    """None: its attestations have no time, since no configured check says what is current."""


@dataclass(slots=True)
class _Told:
    """What one collection tells."""

    ends: dict[str, datetime] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    own: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """RPO and grace of each set that was described; None: it has none of its own."""
    attestations: dict[str, Attestation] = field(default_factory=dict)
    current: dict[str, datetime] = field(default_factory=dict)


def labels_of(source: SourceConfig) -> Mapping[str, str]:
    """Give the record ids that a source's configuration names, as id to metric label."""
    return source.source.labels(source.own) if source.source.labels is not None else {}


def currencies_of(checks: Iterable[CheckConfig], source: str) -> list[Currency]:
    """Gather how the configured checks that judge a source tell until when a record is current."""
    return [
        Currency(check.check.current_until, check.policy)
        for check in checks
        if source in check.judged and check.check.current_until is not None
    ]


def known_times(sought: Sought, blob: str, blobs: FolderBlobs, now: datetime) -> list[KnownTime]:
    """Read the known times of a complete collection, and keep the former ones; blocking, for a thread."""
    told = _Told()
    for chunk in blobs.open(blob):
        _gather(codec.decode_lines(chunk), sought, told, now)
    return [*_tls(sought, told), *_backups(sought, told, now), *_attestations(sought.source, told)]


def _gather(records: Sequence[Record], sought: Sought, told: _Told, now: datetime) -> None:
    for record in records:
        match record:
            case TlsEndpoint():
                end = record.effective_not_after or record.not_after or record.last_known_not_after
                if end is not None:
                    told.ends[record.id] = end
            case BackupSet():
                told.own[record.id] = _own(record.rpo_seconds), _own(record.grace_seconds)
            case Backup(status="complete", started_at=datetime() as started) if started <= now + SKEW:
                told.newest[record.set] = max(told.newest.get(record.set, started), started)
            case Attestation() if sought.currencies:
                told.attestations[record.id] = record
                end = _current(record, sought.currencies, now)
                if end is not None:
                    told.current[record.id] = end
            case _:
                pass


def _own(seconds: float | None) -> float | None:
    """Give a set's own length of time; None of none (0), and of one that no length can be."""
    return seconds if seconds is not None and 0 < seconds <= LONGEST_SECONDS else None


def _current(record: Attestation, currencies: Sequence[Currency], now: datetime) -> datetime | None:
    """Find the earliest end that the checks tell; None when one of them does not count it."""
    ends: list[datetime] = []
    for currency in currencies:
        try:
            end = currency.rule(record, currency.policy, now)
        except (ValueError, OverflowError):  # a day at the end of the calendar, which its check judges unknown
            end = None
        if end is None:
            return None
        ends.append(end)
    return min(ends, default=None)


def _tls(sought: Sought, told: _Told) -> list[KnownTime]:
    kept = {time.id: time.at for time in sought.former if time.what == "tls_not_after"}
    return [
        KnownTime(source=sought.source, id=key, what="tls_not_after", at=at)
        for key, at in sorted((kept | told.ends).items())
        if key in sought.labels
    ]


def _backups(sought: Sought, told: _Told, now: datetime) -> list[KnownTime]:
    """Give the newest backup of each declared set; one by a clock that ran ahead is not kept."""
    former = {time.id: time for time in sought.former if time.what == "backup_newest" and time.at <= now + SKEW}
    newest = {key: time.at for key, time in former.items()} | told.newest
    own = {key: (time.limit_seconds, time.grace_seconds) for key, time in former.items()} | told.own
    found: list[KnownTime] = []
    for key, at in sorted(newest.items()):
        limit, grace = own.get(key, (None, None))
        if key in sought.labels:
            time = KnownTime(source=sought.source, id=key, what="backup_newest", at=at)
            found.append(msgspec.structs.replace(time, limit_seconds=limit, grace_seconds=grace))
    return found


def _attestations(source: str, told: _Told) -> list[KnownTime]:
    names = label_names(told.attestations.values())
    return [
        KnownTime(source=source, id=key, what="attestation_until", at=at, name=names[key])
        for key, at in sorted(told.current.items())
    ]


def label_names(attestations: Iterable[Attestation]) -> dict[str, str]:
    """Name attestations for a label, by id: no two alike, and empty what fits no label.

    Two that would be named alike both end in a digest of their id, so that a third one moves neither name.
    """
    slugs = {record.id: _slug(record) for record in attestations}
    times = Counter(slugs.values())
    taken: set[str] = set()
    for key, slug in sorted(slugs.items()):
        name = slug if times[slug] == 1 else f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:_MARK]}"
        slugs[key] = name if slug and name not in taken and fits("attestation", name) else ""
        taken.add(name)
    return slugs


def _slug(record: Attestation) -> str:
    """Write vendor, offering and kind in ``[a-z0-9-]``; empty where a part leaves nothing, or may be an address."""
    parts = [record.vendor or "", record.offering or "", record.kind or ""]
    plain = [unicodedata.normalize("NFKD", part.casefold()).encode("ascii", "ignore").decode() for part in parts]
    slugs = [_OTHER.sub("-", part).strip("-") for part in plain]
    return "-".join(slugs) if all(slugs) and not any("@" in part for part in plain) else ""


def deadlines_of(
    check: CheckConfig,
    sources: Mapping[str, SourceConfig],
    memories: Mapping[str, SourceMemory],
    waivers: Sequence[Live],
) -> tuple[Deadline, ...]:
    """Tell when what is known of each declared set or TLS target is too old for a check; not for one out of scope.

    Out of scope is what a configured exclusion leaves out, and what a live waiver covers.
    A configured exclusion that cannot be told to apply without the record leaves nothing out.
    """
    wanted = _wanted(check)
    if wanted is None:
        return ()
    covered = matcher(waivers)
    rules = [Exclusion(rule.match, rule.reason) for rule in check.common.exclude]
    found: list[Deadline] = []
    for name in check.judged:
        labels = labels_of(sources[name]) if name in sources and name in memories else {}
        for time in memories[name].times if labels else ():
            label = labels.get(time.id)
            if time.what != wanted or label is None or covered(f"{name}/{time.id}", label) is not None:
                continue
            described = _described(name, time, label)
            if not any(rule.fits(described) is True for rule in rules):
                found.append(_deadline(check, name, time))
    return tuple(found)


def _wanted(check: CheckConfig) -> str | None:
    """Name the known time whose end a check must not miss; None where there is none."""
    if check.check.limits is not None:
        return "backup_newest"
    return "tls_not_after" if TlsEndpoint in check.check.over else None


def _described(source: str, time: KnownTime, label: str) -> Record:
    """Describe a set or a target by what its configuration tells."""
    if time.what == "tls_not_after":
        return TlsEndpoint(id=time.id, source=source, label=label)
    return BackupSet(id=time.id, source=source, label=label, declared=True)


def _deadline(check: CheckConfig, source: str, time: KnownTime) -> Deadline:
    if check.check.limits is None:
        return Deadline(source=source, id=time.id, what="tls_not_after", at=time.at)
    rpo, grace = check.check.limits(check.policy, _length(time.limit_seconds), _length(time.grace_seconds))
    return Deadline(
        source=source,
        id=time.id,
        at=time.at + rpo + grace,
        rpo_seconds=rpo.total_seconds(),
        grace_seconds=grace.total_seconds(),
    )


def _length(seconds: float | None) -> timedelta | None:
    own = _own(seconds)
    return None if own is None else timedelta(seconds=own)
