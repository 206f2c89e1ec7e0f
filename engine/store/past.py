"""What became of checks over a period, and what was told about it: turns, days and events."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from checks.model.state import State
from engine.port import Day, Event, EventQuery, Events, Lapse, Past, PastQuery, Turn
from engine.store.conditions import Value, of_words
from engine.store.instants import day_of, stored, told
from engine.store.opening import at_one_instant
from engine.store.queries import Sql

MOST_TURNS: Final = 20_000
"""Turns that are told of one check."""
MOST_TURNS_OF_ALL: Final = 200_000
"""Turns that are told in one answer."""

MOST_CELLS: Final = 2_000
"""Parts of a time in which events are counted."""

_MICROSECONDS: Final = 1_000_000


def pasts(connection: sqlite3.Connection, sql: Sql, query: PastQuery) -> list[Past]:
    """Give what became of checks, in the order asked; one that is not known has neither turns nor days."""
    most = min(MOST_TURNS, max(1, MOST_TURNS_OF_ALL // max(1, len(query.checks))))
    with at_one_instant(connection):
        return [_past(connection, sql, name, query, most) for name in query.checks]


def events(connection: sqlite3.Connection, sql: Sql, query: EventQuery) -> Events:
    """Give a page of events, newest first, and how many match."""
    where, values = _wanted(sql, query)
    bounds = {**values, "limit": max(0, query.limit), "offset": max(0, query.offset)}
    with at_one_instant(connection):
        (matching,) = connection.execute(sql["count events"].replace("{where}", where), values).fetchone()
        rows = connection.execute(sql["page of events"].replace("{where}", where), bounds).fetchall()
        counts = _counts(connection, sql["count events by cell"].replace("{where}", where), values, query)
    return Events(events=[event(row) for row in rows], matching=matching, counts=counts)


def event(row: tuple[Any, ...]) -> Event:
    """Give a line of ``events`` as it is shown."""
    at, kind, what, text, state, who = row
    return Event(at=told(at), kind=kind, what=what, text=text, state=None if state is None else State(state), by=who)


def _counts(
    connection: sqlite3.Connection, statement: str, values: Mapping[str, Value], query: EventQuery
) -> list[int]:
    """Count the events in each equal part of the time that was asked for."""
    cells = min(query.cells, MOST_CELLS)
    if cells < 1 or query.since is None or query.until is None or query.until <= query.since:
        return []
    size = -(-(stored(query.until) - stored(query.since)) // cells)
    counts = [0] * cells
    for cell, count in connection.execute(statement, {**values, "size": size}):
        counts[min(cell, cells - 1)] += count
    return counts


def _past(connection: sqlite3.Connection, sql: Sql, name: str, query: PastQuery, most: int) -> Past:
    found = connection.execute(sql["check named"], (name,)).fetchone()
    if found is None:
        return Past(check=name)
    at = {"check": found[0], "since": stored(query.since), "until": stored(query.until), "most": most}
    held = connection.execute(sql["held since"], at).fetchone()
    period = {**at, "from": at["since"] if held[0] is None else held[0]}
    (count,) = connection.execute(sql["count turns"], period).fetchone()
    turns = connection.execute(sql["turns" if count <= most else "thinned turns"], period).fetchall()
    days = {"check": found[0], "first": day_of(query.since), "until": at["until"]}
    lapses: dict[str, list[Lapse]] = {}
    for day, began, ended in connection.execute(sql["lapses"], days):
        lapses.setdefault(day, []).append(Lapse(start=told(began), end=told(ended)))
    return Past(
        check=name,
        turns=[_turn(row) for row in reversed(turns)],
        days=[_day(row, lapses) for row in connection.execute(sql["days"], days)],
    )


def _turn(row: tuple[Any, ...]) -> Turn:
    at, state, verdict, passed, warned, failed, unknown, missing, evidence = row
    return Turn(
        at=told(at),
        state=None if state is None else State(state),
        verdict=verdict,
        passed=passed,
        warned=warned,
        failed=failed,
        unknown=unknown,
        missing=missing,
        evidence=() if evidence is None else msgspec.json.decode(evidence, type=tuple[str, ...]),
    )


def _day(row: tuple[Any, ...], lapses: Mapping[str, Sequence[Lapse]]) -> Day:
    day, held, conclusive, first_at, last_at, longest_gap, kept = row
    return Day(
        day=date.fromisoformat(day),
        judged=held,
        conclusive=conclusive,
        first_at=told(first_at),
        last_at=told(last_at),
        longest_gap_seconds=longest_gap / _MICROSECONDS,
        lapses=tuple(lapses.get(day, ())) if kept else None,
    )


def _wanted(sql: Sql, query: EventQuery) -> tuple[str, Mapping[str, Value]]:
    """Give the conditions of a query, and their values."""
    words = of_words(query.text, sql["words of event"], "word")
    parts, values = [words.text] if words.text else [], dict(words.values)
    if query.kinds:
        names = [f"kind_{number}" for number in range(len(query.kinds))]
        parts.append(sql["of kinds"].replace("{kinds}", ", ".join(f":{name}" for name in names)))
        values.update(zip(names, query.kinds, strict=True))
    if query.what:
        parts.append(sql["about"])
        values["what"] = query.what
    if query.whats:
        named = [f"what_{number}" for number in range(len(query.whats))]
        parts.append(sql["about any"].replace("{names}", ", ".join(f":{name}" for name in named)))
        values.update(zip(named, query.whats, strict=True))
    for name, instant in (("since", query.since), ("until", query.until)):
        if instant is not None:
            parts.append(sql[f"events {name}"])
            values[name] = stored(instant)
    return " AND ".join(parts) or "true", values
