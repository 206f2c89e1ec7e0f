"""An evidence pack is read from what lies on the disk; a running engine is not disturbed."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from engine import waivers
from engine.blobs import BlobMissing, FolderBlobs
from engine.chain import Link, Verified
from engine.desk_waivers import path_of
from engine.keeping import unreadable
from engine.pack.told import Checked, Kept, Told
from engine.port import PackQuery, Past, PastQuery
from engine.port.timeline import longest_quiet
from engine.store import StoreError
from engine.store.chaining import verified
from engine.store.faults import named
from engine.store.instants import MICROSECOND, stored, told, told_or_none, told_text
from engine.store.opening import at_one_instant, connect_reading, prepare
from engine.store.past import pasts
from engine.store.queries import load, migrations
from engine.views import policy_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from engine.config import CheckConfig, Config

BEFORE: Final = timedelta(days=1)
"""Read before the period, so that a gap at its beginning has its place."""
LONGEST: Final = timedelta(days=732)
"""Of a period: two years."""


class NoPack(ValueError):
    """The period is none that a pack can be of; the message says why."""


def gathered(config: Config, query: PackQuery, at: datetime, version: str) -> Told:
    """Read everything of a period that was there at the instant ``at``, which it may include.

    Raises ``NoPack`` on a period that is none, and ``StoreError``.
    """
    _expect_period(query, at)
    unknown = [name for name in query.checks if name not in config.checks]
    if unknown:
        message = f"no configured check {unknown[0]!r}"
        raise NoPack(message)
    checks = [check for name, check in config.checks.items() if not query.checks or name in query.checks]
    file = waivers.load(path_of(config), config.checks)
    kept = {check.name for check in checks}
    known = msgspec.structs.replace(query, until=min(query.until, at + MICROSECOND))
    read = _read(config.state_dir / "store.sqlite", [check.name for check in checks], known)
    return Told(
        since=query.since.astimezone(UTC),
        until=query.until.astimezone(UTC),
        at=at,
        version=version,
        config_digest=config.digest,
        checks=[_checked(check, config) for check in checks],
        pasts=read.pasts,
        waivers=[each for each in file.waivers if each.written.check in kept],
        malformed=file.malformed,
        manifests=read.manifests,
        lost=read.lost,
        links=read.links,
        verified=read.verified,
    )


def _expect_period(query: PackQuery, at: datetime) -> None:
    if not timedelta(0) < query.until - query.since <= LONGEST:
        message = f"a pack is of a period that ends after it begins, at most {LONGEST.days} days later"
        raise NoPack(message)
    if query.since >= at:
        message = "nothing is known of a period that is yet to come"
        raise NoPack(message)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of the store gave."""

    pasts: Sequence[Past]
    manifests: Sequence[Kept]
    lost: Sequence[str]
    links: Sequence[Link]
    verified: Verified


def _read(path: Path, checks: Sequence[str], query: PackQuery) -> Reading:
    _ready(path)
    with named(path), contextlib.closing(connect_reading(path)) as reader:
        return reading(reader, checks, query, path.parent / "evidence")


def reading(reader: sqlite3.Connection, checks: Sequence[str], query: PackQuery, evidence: Path) -> Reading:
    """Read a period at one instant, so that no change is without its manifest and no entry without the chain's end."""
    past_sql, ledger_sql = load("past.sql"), load("ledger.sql")
    with at_one_instant(reader):
        asked = PastQuery(checks=checks, since=query.since - BEFORE, until=query.until)
        found = pasts(reader, past_sql, asked)
        manifests, lost = _manifests(reader, found, query, evidence)
        return Reading(
            pasts=found,
            manifests=manifests,
            lost=lost,
            links=_links(reader, ledger_sql["chain"], query),
            verified=verified(reader, ledger_sql),
        )


def _ready(path: Path) -> None:
    """See that there is a store of this version's schema, and bring an older one to it; nothing else is written."""
    try:
        there = path.exists()
    except OSError as fault:
        raise StoreError(unreadable(path.parent, fault)) from fault
    if not there:
        message = f"{path.parent} holds no evidence yet; run: controlwatch check"
        raise StoreError(message)
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise StoreError(unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES))))
    with named(path), contextlib.closing(connect_reading(path)) as reader:
        (version,) = reader.execute("PRAGMA user_version").fetchone()
    if version != len(migrations()):
        prepare(path, migrations())


def _manifests(
    reader: sqlite3.Connection, found: Sequence[Past], query: PackQuery, evidence: Path
) -> tuple[list[Kept], list[str]]:
    """Give the manifests of the period with those that a change cites, and name what is cited and not there."""
    sql = load("evidence.sql")
    cited = sorted({digest for past in found for turn in past.turns for digest in turn.evidence})
    rows = reader.execute(sql["manifests between"], (stored(query.since), stored(query.until))).fetchall()
    rows += reader.execute(sql["manifests cited"], (msgspec.json.encode(cited).decode(),)).fetchall()
    unique = {row[0]: row for row in sorted(rows, key=lambda row: (row[2], row[0]))}
    blobs = FolderBlobs(evidence)
    try:
        kept = [_kept(*row, blobs=blobs) for row in unique.values()]
    except OSError as fault:
        raise StoreError(unreadable(evidence, fault)) from fault
    return kept, [digest for digest in cited if digest not in unique]


def _links(reader: sqlite3.Connection, sql: str, query: PackQuery) -> list[Link]:
    """Give the entries of the chain recorded within the period; one whose instant cannot be read is among them."""
    found = []
    for row in reader.execute(sql, (0, -1)):
        one = Link._make(row)
        at = told_text(one.at)
        if at is None or query.since <= at < query.until:
            found.append(one)
    return found


def _kept(
    digest: str, source: str, finished: int, body: str, tombstoned: int | None, blob: str, *, blobs: FolderBlobs
) -> Kept:
    """Take a row, and look whether its blob is there; retention is kept from work meanwhile."""
    return Kept(
        digest=digest,
        source=source,
        finished_at=told(finished),
        body=body,
        tombstoned_at=told_or_none(tombstoned),
        blob=blob,
        present=tombstoned is not None or _is_there(blobs, blob),
    )


def _is_there(blobs: FolderBlobs, blob: str) -> bool:
    try:
        return blobs.has(blob)
    except BlobMissing:  # no digest at all: the row was written over
        return False


def _checked(check: CheckConfig, config: Config) -> Checked:
    common = check.common
    own = tuple(item.control for item in check.check.controls)
    every = [config.sources[name].every for name in (*check.judged, *check.joined) if name in config.sources]
    return Checked(
        name=check.name,
        check=common.check,
        family=check.check.family,
        severity=check.severity,
        team=common.team,
        policy_ref=common.policy_ref,
        controls=common.controls if common.controls is not None else own,
        sources=(*check.judged, *check.joined),
        threshold=common.min_coverage,
        max_age=check.max_age,
        limit=longest_quiet(every, check.max_age),
        policy=policy_of(check),
        digest=check.digest,
    )
