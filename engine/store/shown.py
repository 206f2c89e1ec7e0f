"""What the database tells of findings, as it is shown: rows, lists of ids, one finding and its history."""

from __future__ import annotations

import sqlite3
from array import array
from datetime import datetime
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome, Scalar
from checks.model.state import State
from engine.port import Event, Row
from engine.store.instants import stored, told, told_or_none
from engine.store.queries import Sql

READ_AT_ONCE: Final = 65_536
"""Characters of a list of ids that are read at once, so that it is never whole in memory as Python's numbers."""

_IDS: Final = msgspec.json.Decoder(list[int])
_FACTS: Final[msgspec.json.Decoder[dict[str, Scalar]]] = msgspec.json.Decoder(dict[str, Scalar])
_ENTERING: Final = frozenset({"opened", "changed", "regressed", "returned"})
"""What a finding's history calls the ways into another state; ``resolved`` is the way out."""
_STATES: Final = {Outcome.FAIL.value: State.FAIL, Outcome.WARN.value: State.WARN, Outcome.UNKNOWN.value: State.UNKNOWN}


def one(connection: sqlite3.Connection, sql: Sql, finding: int, now: datetime) -> Row | None:
    """Read one finding by its id."""
    text = sql["row"].replace("{columns}", sql["columns"])
    row = connection.execute(text, {"id": finding, "now": stored(now)}).fetchone()
    return None if row is None else row_of(row)


def history(connection: sqlite3.Connection, sql: Sql, finding: int) -> list[Event]:
    """Read what happened to a finding, newest first."""
    rows = connection.execute(sql["history"], (finding,))
    return [
        Event(
            at=told(at),
            kind="finding",
            what=check,
            text=f"{what}: {outcome}, {reason}",
            state=_STATES.get(outcome) if what in _ENTERING else None,
        )
        for at, what, outcome, reason, check in rows
    ]


def row_of(row: tuple[Any, ...]) -> Row:
    """Give a line of findings with all columns as it is shown."""
    return Row(
        id=row[0],
        check=row[1],
        family=row[2],
        subject=row[3],
        label=row[4],
        outcome=Outcome(row[5]),
        reason=row[6],
        facts=_FACTS.decode(row[7]),
        cause=None if row[8] is None else Cause(row[8]),
        first_seen=told(row[9]),
        due=told_or_none(row[10]),
        resolved_at=told_or_none(row[11]),
        regressions=row[12],
        waiver=row[13],
        acked=row[14],
        urgent=bool(row[15]),
        alarmed=bool(row[16]),
        acked_by=row[17] or "",
    )


def ids_of(listed: str) -> array[int]:
    """Read a list of ids that SQLite wrote as JSON."""
    found, start, last = array("q"), 1, len(listed) - 1
    while start < last:
        end = listed.find(",", start + READ_AT_ONCE)
        end = last if end < 0 else end
        found.extend(_IDS.decode(f"[{listed[start:end]}]"))
        start = end + 1
    return found
