"""What is written beside findings: memories, manifests, events, transitions and the tally of days.

Every function runs inside a transaction that its caller opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from checks.model.result import Result
from checks.model.state import Verdict
from engine.evidence import Manifest, digest_of, manifest_bytes
from engine.port import Event
from engine.store import CheckMemory, SourceMemory
from engine.store.instants import MICROSECOND, day_of, stored
from engine.store.queries import Sql

RUNS_KEPT: Final = timedelta(hours=72)
"""How long every single judgement is kept; days and transitions stay."""

LAPSE: Final = timedelta(hours=1)
"""From this length on a time without a judgement is kept with its place; the check's greatest age, if that is less."""

EVENTS_KEPT: Final = timedelta(days=90)
"""How long an event is kept; what evidence it is of stays in the chain."""
MOST_EVENTS: Final = 1_000_000

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def put_check(
    connection: sqlite3.Connection,
    sql: Sql,
    memory: CheckMemory,
    at: datetime,
    *,
    judged: bool = False,
    opened_failures: bool = False,
) -> None:
    """Remember a check; with ``judged``, note the run too. Evidence under a transition or a first failure is pinned."""
    before = connection.execute(sql["check"], (memory.name,)).fetchone()
    state = None if memory.state is None else memory.state.value
    text = _ENCODER.encode(memory).decode()
    connection.execute(sql["put check"], {"name": memory.name, "memory": text, "state": state})
    check, judged_at, _ = connection.execute(sql["check"], (memory.name,)).fetchone()
    changed = before is None or before[2] != state
    if memory.result is not None:
        cited = memory.manifests if changed else None
        _put_transition(connection, sql, check=check, state=state, result=memory.result, at=at, evidence=cited)
        if judged:
            lapse = min(LAPSE, timedelta(seconds=memory.max_age_seconds))
            _put_run(connection, sql, check=check, judged_at=judged_at, result=memory.result, at=at, lapse=lapse)
    why = "transition" if changed else "first failure" if opened_failures else None
    if why is not None and memory.manifests:
        cited = _ENCODER.encode(list(memory.manifests)).decode()
        connection.execute(sql["pin"], {"why": why, "manifests": cited})


def put_source(connection: sqlite3.Connection, sql: Sql, memory: SourceMemory, manifest: Manifest | None) -> None:
    """Remember a source, and keep a manifest by its digest with the blob that it names."""
    text = _ENCODER.encode(memory).decode()
    connection.execute(sql["put source"], {"name": memory.name, "memory": text})
    if manifest is None:
        return
    body = manifest_bytes(manifest)
    row = {
        "digest": digest_of(body),
        "source": manifest.source,
        "day": day_of(manifest.finished_at),
        "complete": manifest.complete,
        "finished_at": stored(manifest.finished_at),
        "blob": manifest.blob,
        "size_bytes": manifest.bytes,
        "body": body.decode(),
    }
    connection.execute(sql["put manifest"], row)
    connection.execute(sql["put blob"], row)


def put_events(connection: sqlite3.Connection, sql: Sql, events: Sequence[Event]) -> None:
    """Write events in their order."""
    rows = [
        (stored(event.at), event.kind, event.what, event.text, event.state and event.state.value, event.by)
        for event in events
    ]
    connection.executemany(sql["put event"], rows)
    if rows:
        oldest = max(at for at, *_ in rows) - EVENTS_KEPT // MICROSECOND
        connection.execute(sql["forget events"], {"before": oldest, "most": MOST_EVENTS})


def put_ack(connection: sqlite3.Connection, sql: Sql, row: Mapping[str, int | str]) -> dict[str, int | str] | None:
    """Acknowledge an open finding; give what the chain tells of it, None when there is no such finding."""
    found = connection.execute(sql["ack"], row).fetchone()
    if found is None:
        return None
    subject, outcome, reason, check = found
    connection.execute(sql["note ack"], {**row, "outcome": outcome, "reason": reason})
    return {"check": check, "finding": row["finding"], "subject": subject.hex()}


def _put_transition(
    connection: sqlite3.Connection,
    sql: Sql,
    *,
    check: int,
    state: str | None,
    result: Result,
    at: datetime,
    evidence: Sequence[str] | None,
) -> None:
    """Write state and counts, if they are not those that were last written; a new state with its evidence."""
    tally = result.tally
    row = {
        "check": check,
        "at": stored(at),
        "state": state,
        "verdict": result.verdict.value,
        "passed": tally.passed,
        "warned": tally.warned,
        "failed": tally.failed,
        "unknown": tally.unknown,
        "missing": tally.missing,
        "evidence": None if evidence is None else _ENCODER.encode(list(evidence)).decode(),
    }
    connection.execute(sql["put transition"], row)


def _put_run(
    connection: sqlite3.Connection,
    sql: Sql,
    *,
    check: int,
    judged_at: int | None,
    result: Result,
    at: datetime,
    lapse: timedelta,
) -> None:
    """Note one judgement for 72 hours, and count it in its day for ever; so is a time of ``lapse`` without one."""
    now, tally = stored(at), result.tally
    gap = 0 if judged_at is None else max(0, now - judged_at)
    row = {
        "check": check,
        "at": now,
        "day": day_of(at),
        "verdict": result.verdict.value,
        "read": result.read,
        "passed": tally.passed,
        "failed": tally.failed,
        "unknown": tally.unknown,
        "conclusive": result.verdict is not Verdict.UNKNOWN,
        "gap": gap,
    }
    connection.execute(sql["put run"], row)
    connection.execute(sql["forget runs"], {"check": check, "before": now - RUNS_KEPT // MICROSECOND})
    connection.execute(sql["roll up"], row)
    if gap >= lapse // MICROSECOND:
        connection.execute(sql["put lapse"], row)
    connection.execute(sql["judged"], {"check": check, "at": now})
