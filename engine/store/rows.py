"""Pages of findings: walked along an index that holds their order, or cut from an order that was found before.

A page of a million is found by walking an index from the nearer end. Where words or names narrow the list to some
thousands, their order is found once and kept until findings change.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome, Scalar
from engine.port import Event, Query, Row, Rows
from engine.store.conditions import Conditions, Value, of_query
from engine.store.instants import stored, told, told_or_none
from engine.store.queries import Sql

ORDERED: Final = 50_000
"""Findings whose order is found at once; more are walked."""
WALKED_BY_LABEL: Final = 5_000
"""Findings from an end up to which a page by label is walked to; past it their order is found, once."""
WALKED_BY_WORDS: Final = 20_000
"""The same where words are looked up in each finding."""
MOST_KEPT: Final = 2_000_000
"""Findings in all orders that are kept, 8 bytes each."""

_FACTS: Final[msgspec.json.Decoder[dict[str, Scalar]]] = msgspec.json.Decoder(dict[str, Scalar])
_CLOCKED: Final = frozenset({"new", "waived"})
"""Views that change with the clock alone, so that nothing of them is kept."""


@dataclass(slots=True)
class Kept:
    """Counts and orders of what was asked before; good until findings change."""

    changes: int = 0
    """Transactions that may have changed findings, when this was begun."""
    _counts: dict[Query, int] = field(default_factory=dict)
    _orders: dict[Query, array[int]] = field(default_factory=dict)

    def count(self, query: Query) -> int | None:
        """Give a count that is kept."""
        return self._counts.get(query)

    def order(self, query: Query) -> array[int] | None:
        """Give an order that is kept."""
        return self._orders.get(query)

    def keep_count(self, query: Query, count: int) -> None:
        """Keep a count."""
        if not _clocked(query):
            self._counts[query] = count

    def keep_order(self, query: Query, order: array[int]) -> None:
        """Keep an order, and forget the oldest of too many."""
        if _clocked(query):
            return
        while self._orders and sum(map(len, list(self._orders.values()))) + len(order) > MOST_KEPT:
            self._orders.pop(next(iter(self._orders)), None)
        self._orders[query] = order


@dataclass(frozen=True, slots=True)
class Reading:
    """One question on its way: the connection, what is asked, and what is kept of questions before."""

    connection: sqlite3.Connection
    sql: Sql
    query: Query
    now: datetime
    kept: Kept

    def answer(self) -> Rows:
        """Give the page, how many match, and how many there are without words and the like."""
        self.connection.execute("BEGIN")
        try:
            return self._answer()
        finally:
            self.connection.execute("ROLLBACK")

    def _answer(self) -> Rows:
        asked = _without_page(self.query)
        alike = msgspec.structs.replace(asked, sort="worst", reverse=False)
        total = self._count(_without_words(alike))
        order, matching = self._order(asked, alike)
        place = self._place(order)
        offset = max(0, self.query.offset) if place is None else place - place % max(1, self.query.limit)
        limit = max(0, min(self.query.limit, matching - offset))
        rows = self._walk(offset, limit, matching) if order is None else self._cut(order[offset : offset + limit])
        return Rows(rows=rows, offset=offset, place=place, matching=matching, total=total)

    def _order(self, asked: Query, alike: Query) -> tuple[array[int] | None, int]:
        """Give the ids of all that match in order, unless they are better walked to, and how many they are."""
        order = self.kept.order(asked)
        if order is not None:
            return order, len(order)
        if not _has_words(asked) and asked.sort != "label":
            return None, self._count(alike)
        matching = self.kept.count(alike)
        if matching is None or matching <= ORDERED:
            where = self._conditions(asked, at_once=True)
            found = self.connection.execute(self._put("some", where, hint=self._hint(asked)), where.values)
            matching, ids = found.fetchone()
            self.kept.keep_count(alike, matching)
            if matching <= ORDERED:
                text = self.sql["order"].replace("{order}", self._sorted(reverse=asked.reverse))
                return self._ordered(asked, text, {"ids": ids}), matching
        return self._long_order(asked) if self._is_far(matching) else None, matching

    def _is_far(self, matching: int) -> bool:
        """Tell whether a page is too far from either end of a long list to be walked to."""
        by_label = self.query.sort == "label"
        if self.query.reason.strip() or (by_label and self.query.around is not None):
            return True
        walked = WALKED_BY_LABEL if by_label else WALKED_BY_WORDS
        return min(self.query.offset, matching - self.query.offset) > walked

    def _long_order(self, asked: Query) -> array[int]:
        """Give the ids of all that match, in order, however many; this takes seconds of a million."""
        where = self._conditions(asked, at_once=True)
        text = self._put("all in order", where, hint=self._hint(asked))
        return self._ordered(asked, text.replace("{order}", self._sorted(reverse=asked.reverse)), where.values)

    def _ordered(self, asked: Query, text: str, values: Mapping[str, Value]) -> array[int]:
        order = array("q", (number for (number,) in self.connection.execute(text, values)))
        self.kept.keep_order(asked, order)
        return order

    def _count(self, asked: Query) -> int:
        count = self.kept.count(asked)
        if count is None:
            where = self._conditions(asked, at_once=True)
            text = self._put("count", where, hint=self._hint(asked) if _has_words(asked) else "")
            count = int(self.connection.execute(text, where.values).fetchone()[0])
            self.kept.keep_count(asked, count)
        return count

    def _place(self, order: array[int] | None) -> int | None:
        """Count what comes before the finding that is asked around; None when it does not match."""
        around = self.query.around
        if around is None:
            return None
        if order is not None:
            return order.index(around) if around in order else None
        where = self._conditions(self.query, at_once=False)
        values = {**where.values, "around": around}
        if (
            self.connection.execute(
                self._put("holds", where, tables=self._walked()).replace("{along}", ""), values
            ).fetchone()
            is None
        ):
            return None
        way = self._put("way", where, tables=self._walked()).replace("{along}", "")
        ways = [way.replace("{way}", each) for each in _before(self._sorted(reverse=self.query.reverse))]
        text = self.sql["place"].replace("{ways}", " UNION ALL ".join(ways))
        return int(self.connection.execute(text, values).fetchone()[0])

    def _walk(self, offset: int, limit: int, matching: int) -> list[Row]:
        """Read a page along the index of the order, from its nearer end."""
        far = offset > matching // 2
        where = self._conditions(self.query, at_once=False)
        bounds = {"limit": limit, "offset": matching - offset - limit if far else offset}
        text = self._put("page", where, tables=self._walked()).replace("{along}", self._along(matching))
        text = text.replace("{order}", self._sorted(reverse=self.query.reverse != far))
        text = text.replace("{shown}", self._sorted(reverse=self.query.reverse))
        return [_row(row) for row in self.connection.execute(text, {**where.values, **bounds})]

    def _cut(self, ids: array[int]) -> list[Row]:
        values = {"ids": msgspec.json.encode(list(ids)).decode(), "now": stored(self.now)}
        text = self.sql["these"].replace("{columns}", self.sql["columns"])
        return [_row(row) for row in self.connection.execute(text, values)]

    def _conditions(self, query: Query, *, at_once: bool) -> Conditions:
        return of_query(self.sql, query, self.now, at_once=at_once)

    def _sorted(self, *, reverse: bool) -> str:
        return self.sql[f"sort {self.query.sort}{' reverse' if reverse else ''}"]

    def _put(self, name: str, where: Conditions, *, tables: str = "tables", hint: str = "") -> str:
        """Put conditions into a statement over some tables."""
        text = self.sql[name].replace("{tables}", self.sql[tables]).replace("{hint}", hint)
        return text.replace("{columns}", self.sql["columns"]).replace("{where}", where.text)

    def _walked(self) -> str:
        """Name the tables in the order in which the sort walks them."""
        names = " with names" if self.query.text.strip() else ""
        if self.query.sort == "label":
            return f"tables by open label{names}" if self.query.view == "open" else "tables by label"
        return f"tables{' by check' if self.query.sort == 'check' else ''}{names}"

    def _along(self, matching: int) -> str:
        """Name the index that a long walk goes along; of a short list, SQLite finds a way of its own."""
        if self.query.view != "open" or matching <= ORDERED or self.query.sort == "label":
            return ""
        of_check = self.query.sort == "worst" and self.query.check is not None
        return self.sql[f"along {'check' if of_check else self.query.sort}"]

    def _hint(self, asked: Query) -> str:
        """Name the index that words are looked up in, where it covers what is asked."""
        return self.sql["among open"] if asked.view == "open" and not asked.ids else ""


def one(connection: sqlite3.Connection, sql: Sql, finding: int, now: datetime) -> Row | None:
    """Read one finding by its id."""
    text = sql["row"].replace("{columns}", sql["columns"])
    row = connection.execute(text, {"id": finding, "now": stored(now)}).fetchone()
    return None if row is None else _row(row)


def history(connection: sqlite3.Connection, sql: Sql, finding: int) -> list[Event]:
    """Read what happened to a finding, newest first."""
    rows = connection.execute(sql["history"], (finding,))
    return [
        Event(at=told(at), kind="finding", what=check, text=f"{what}: {outcome}, {reason}")
        for at, what, outcome, reason, check in rows
    ]


def _before(order: str) -> list[str]:
    """Give the ways in which a finding comes before that one, in an order that ends with the id."""
    ways: list[str] = []
    same: list[str] = []
    for key in order.split(", "):
        own, descends, _ = key.partition(" DESC")
        that = "that." + own.partition(" ")[0].partition(".")[2]
        ways.append(" AND ".join([*same, f"{own} {'>' if descends else '<'} {that}"]))
        same.append(f"{own} = {that}")
    return ways


def _clocked(query: Query) -> bool:
    return query.view in _CLOCKED or query.waived is not None


def _has_words(asked: Query) -> bool:
    return bool(asked.text.strip() or asked.reason.strip())


def _without_page(query: Query) -> Query:
    """Give a query as it is kept: hashable, without its page."""
    listed = {"checks": tuple(query.checks), "outcomes": tuple(query.outcomes), "ids": tuple(query.ids)}
    return msgspec.structs.replace(query, offset=0, limit=0, around=None, **listed)


def _without_words(query: Query) -> Query:
    return msgspec.structs.replace(
        query, text="", reason="", outcome=None, outcomes=(), waived=None, due_by=None, ids=()
    )


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
