"""Times that configured targets and declared sets are known by: kept, and exported, while they cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from checks.model import codec
from checks.model.records import Backup, BackupSet, Record, TlsEndpoint
from checks.model.state import SKEW
from engine.port import KnownTime

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs


def known_times(
    source: str,
    blob: str,
    blobs: FolderBlobs,
    labels: Mapping[str, str],
    now: datetime,
) -> list[KnownTime]:
    """Read the known times of a collection's configured ids; blocking, for a thread."""
    ends: dict[str, datetime] = {}
    newest: dict[str, datetime] = {}
    limits: dict[str, float] = {}
    for chunk in blobs.open(blob):
        _gather(codec.decode_lines(chunk), ends, newest, limits, now)
    return [
        KnownTime(source=source, id=key, what="tls_not_after", at=at)
        for key, at in sorted(ends.items())
        if key in labels
    ] + [
        KnownTime(source=source, id=key, what="backup_newest", at=at, limit_seconds=limits.get(key) or None)
        for key, at in sorted(newest.items())
        if key in labels
    ]


def _gather(
    records: Sequence[Record],
    ends: dict[str, datetime],
    newest: dict[str, datetime],
    limits: dict[str, float],
    now: datetime,
) -> None:
    for record in records:
        match record:
            case TlsEndpoint():
                end = record.effective_not_after or record.not_after or record.last_known_not_after
                if end is not None:
                    ends[record.id] = end
            case BackupSet():
                limits[record.id] = record.rpo_seconds or 0.0
            case Backup(status="complete", started_at=datetime() as started) if started <= now + SKEW:
                newest[record.set] = max(newest.get(record.set, started), started)
            case _:
                pass
