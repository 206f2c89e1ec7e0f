"""A query becomes SQL out of named pieces; what a person typed is only ever a parameter."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome, Scalar
from engine.port import Event, Query, Row, Rows
from engine.store.instants import stored, told, told_or_none
from engine.store.queries import Sql

NEW: Final = timedelta(hours=24)
"""How long a finding counts as new."""

_FACTS: Final[msgspec.json.Decoder[dict[str, Scalar]]] = msgspec.json.Decoder(dict[str, Scalar])
_CLOCKED: Final = frozenset({"new", "waived"})
"""Views that change with the clock alone, so that their counts are not kept."""

Value = str | int | None


@dataclass(slots=True)
class Counts:
    """Counts of what was asked before; good until the next write."""

    _writes: int = -1
    _kept: dict[Query, int] = field(default_factory=dict)

    def get(self, query: Query, writes: int) -> int | None:
        """Give a count made since the last write."""
        return self._kept.get(query) if writes == self._writes else None

    def keep(self, query: Query, writes: int, count: int) -> None:
        """Keep a count that was made when ``writes`` transactions had been committed."""
        if query.view in _CLOCKED:
            return
        if writes != self._writes:
            self._writes, self._kept = writes, {}
        self._kept[query] = count


def page(connection: sqlite3.Connection, sql: Sql, query: Query, now: datetime) -> list[Row]:
    """Read one page of findings."""
    joins, where, values = _conditions(sql, query, now)
    order = sql[f"sort {query.sort}{' reverse' if query.reverse else ''}"]
    needed = _joins(sql, joins + " ".join(("s." if "s." in order else "", "c." if "c." in order else "")))
    text = sql["page"].replace("{joins}", needed).replace("{where}", where).replace("{order}", order)
    bounds = {"limit": max(0, query.limit), "offset": max(0, query.offset)}
    return [_row(row) for row in connection.execute(text, {**values, **bounds})]


def count(connection: sqlite3.Connection, sql: Sql, query: Query, now: datetime) -> int:
    """Count the findings that match a query."""
    joins, where, values = _conditions(sql, query, now)
    text = sql["count"].replace("{joins}", _joins(sql, joins)).replace("{where}", where)
    return int(connection.execute(text, values).fetchone()[0])


def one(connection: sqlite3.Connection, sql: Sql, finding: int, now: datetime) -> Row | None:
    """Read one finding by its id."""
    row = connection.execute(sql["row"], {"id": finding, "now": stored(now)}).fetchone()
    return None if row is None else _row(row)


def history(connection: sqlite3.Connection, sql: Sql, finding: int) -> list[Event]:
    """Read what happened to a finding, newest first."""
    rows = connection.execute(sql["history"], (finding,))
    return [
        Event(at=told(at), kind="finding", what=check, text=f"{what}: {outcome}, {reason}")
        for at, what, outcome, reason, check in rows
    ]


def answer(
    connection: sqlite3.Connection, sql: Sql, query: Query, now: datetime, *, counts: Counts, writes: int
) -> Rows:
    """Answer a query: the page, how many match, and how many there are without text and outcome."""
    matching = msgspec.structs.replace(query, sort="worst", reverse=False, offset=0, limit=0)
    total = msgspec.structs.replace(matching, text="", outcome=None)
    connection.execute("BEGIN")
    try:
        found = {
            asked: _counted(connection, sql, asked, now, counts=counts, writes=writes) for asked in (matching, total)
        }
        rows = page(connection, sql, query, now)
    finally:
        connection.execute("ROLLBACK")
    return Rows(rows=rows, matching=found[matching], total=found[total])


def _counted(
    connection: sqlite3.Connection, sql: Sql, query: Query, now: datetime, *, counts: Counts, writes: int
) -> int:
    kept = counts.get(query, writes)
    if kept is None:
        kept = count(connection, sql, query, now)
        counts.keep(query, writes, kept)
    return kept


def _conditions(sql: Sql, query: Query, now: datetime) -> tuple[str, str, Mapping[str, Value]]:
    """Give the aliases that the conditions need, the conditions, and their values."""
    parts = [sql[f"view {query.view}"]]
    values: dict[str, Value] = {"now": stored(now), "day_ago": stored(now - NEW)}
    if query.check is not None:
        parts.append(sql["in check"])
        values["check"] = query.check
    if query.family is not None:
        parts.append(sql["in family"])
        values["family"] = query.family
    if query.outcome is not None:
        parts.append(sql["of outcome"])
        values["outcome"] = query.outcome.value
    words = [word for word in query.text.split() if word != "!"]
    for number, word in enumerate(words):
        name = f"word_{number}"
        parts.append(sql["without word" if word.startswith("!") else "with word"].replace("{word}", f":{name}"))
        values[name] = _pattern(word.removeprefix("!"))
    return ("s. c." if words else ""), " AND ".join(parts), values


def _joins(sql: Sql, aliases: str) -> str:
    joins = [sql["join checks"]] if "c." in aliases else []
    return " ".join([*joins, sql["join subjects"]] if "s." in aliases else joins)


def _pattern(word: str) -> str:
    """Make a LIKE pattern that finds a word as it was typed."""
    plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def _row(row: tuple[Any, ...]) -> Row:
    """Give a line of ``page`` or ``row`` as it is shown."""
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
    )
