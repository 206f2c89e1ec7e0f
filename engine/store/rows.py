"""Pages of findings: walked along an index that holds their order, or cut from an order that was found before.

A page of a million is found by walking an index from the nearer end. Where words or names narrow the list to some
thousands, their order is found once and kept until findings change.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome, Scalar
from checks.model.state import State
from engine.port import Event, Query, Row, Rows
from engine.store.conditions import Conditions, Value, of_query
from engine.store.instants import stored, told, told_or_none
from engine.store.kept import Kept
from engine.store.lookup import MOST_SHARE, Lookup, implies, look_up
from engine.store.queries import Sql

NARROWED: Final = 20_000
"""Findings that were found already, among which a longer word is looked up; of more, in all is as quick."""
ORDERED: Final = 50_000
"""Findings whose order is found at once; more are walked."""
WALKED_BY_LABEL: Final = 5_000
"""Findings from an end up to which a page by label is walked to; past it their order is found, once."""
WALKED_BY_WORDS: Final = 20_000
"""The same where words are looked up in each finding."""

T = TypeVar("T")

_FACTS: Final[msgspec.json.Decoder[dict[str, Scalar]]] = msgspec.json.Decoder(dict[str, Scalar])
_ENTERING: Final = frozenset({"opened", "changed", "regressed", "returned"})
"""What a finding's history calls the ways into another state; ``resolved`` is the way out."""
_STATES: Final = {Outcome.FAIL.value: State.FAIL, Outcome.WARN.value: State.WARN, Outcome.UNKNOWN.value: State.UNKNOWN}


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
        return self.at_one_instant(self.page)

    def at_one_instant(self, ask: Callable[[], T]) -> T:
        """Ask within one transaction, so that no write shows in between."""
        self.connection.execute("BEGIN")
        try:
            return ask()
        finally:
            self.connection.execute("ROLLBACK")

    def is_long(self, total: int) -> bool:
        """Tell whether so many findings are better walked along than put in order."""
        return total > ORDERED

    def alike(self) -> tuple[Query, Query]:
        """Give the question without its page, and without its order too."""
        asked = _without_page(self.query)
        return asked, msgspec.structs.replace(asked, sort="worst", reverse=False)

    def page(self) -> Rows:
        """Give the page within the transaction that is open."""
        asked, alike = self.alike()
        total = self._count(without_words(alike))
        order = self.kept.order(asked)
        if order is None:
            matching, ids = self._matching(asked, alike)
            if self.query.text.strip() and matching > ORDERED and matching == self._count(_without_text(alike)):
                return replace(self, query=_without_text(self.query)).page()  # All hold it: no need to look at each.
            order = self._order(asked, matching, ids)
        else:
            matching = len(order)
        place = self._place(order)
        offset = max(0, self.query.offset) if place is None else place - place % max(1, self.query.limit)
        limit = max(0, min(self.query.limit, matching - offset))
        rows = self.walk(offset, limit, matching) if order is None else self.cut(order[offset : offset + limit])
        return Rows(rows=rows, offset=offset, place=place, matching=matching, total=total)

    def _matching(self, asked: Query, alike: Query) -> tuple[int, str | None]:
        """Count what matches; where its order is not that of an index, and it is not long, give the ids as JSON too."""
        if not has_words(asked) and asked.sort != "label":
            return self._count(alike), None
        matching = self.kept.count(alike)
        if matching is not None and matching > ORDERED:
            return matching, None
        matching, ids = self._some(asked, alike)
        self.kept.keep_count(alike, matching)
        return matching, ids

    def _order(self, asked: Query, matching: int, ids: str | None) -> array[int] | None:
        """Give the ids of all that match in order, unless they are better walked to."""
        if ids is not None and matching <= ORDERED:
            text = self.sql["order"].replace("{order}", self.sorted(reverse=asked.reverse))
            return self._ordered(asked, text, {"ids": ids})
        walked = not has_words(asked) and asked.sort != "label"
        return None if walked or not self._is_far(matching) else self._long_order(asked)

    def _some(self, asked: Query, alike: Query) -> tuple[int, str | None]:
        """Count what matches and give the ids as JSON; None where they are too many to be put in order at once."""
        wider = self.kept.wider(asked, partial(implies, asked.text), NARROWED)
        if wider is not None:
            return self._some_of(wider)
        where, tables = self._conditions(asked, at_once=True), "tables among"
        if self.query.text.strip() and self._hint(asked):
            found = look_up(self.connection, self.sql, asked.text, self.sql["open reasons"])
            others = _without_text(alike)
            if (1 - found.left_out) * self._count(others) > ORDERED + ORDERED // 10:
                return self._count_by(found, others, where), None
            if not found.is_long and found.held <= MOST_SHARE:
                where, tables = self._joined(others, found.holds, found), "tables of subjects"
        text = self.put("some", where, tables=tables, hint=self._hint(asked))
        matching, ids = self.connection.execute(text, where.values).fetchone()
        return matching, ids

    def _some_of(self, these: array[int]) -> tuple[int, str]:
        """Count what matches of these, and give the ids as JSON."""
        where = self.walked_to()
        text = self.put("some", where, tables="tables of these")
        values = {**where.values, "these": msgspec.json.encode(list(these)).decode()}
        matching, ids = self.connection.execute(text, values).fetchone()
        return matching, ids

    def _count_by(self, found: Lookup, others: Query, where: Conditions) -> int:
        """Count what holds, or what does not, whichever looks at fewer findings; ``where``: by reading all of them."""
        if found.is_long:
            return self._counted(self.put("count", where, tables="tables among", hint=self._hint(others)), where)
        if found.held <= found.left_out:
            where = self._joined(others, found.holds, found)
            return self._counted(self.put("count", where, tables="tables of subjects"), where)
        where = self._joined(others, found.fails, found)
        return self._count(others) - self._counted(self.put("count", where, tables="tables of subjects"), where)

    def _joined(self, others: Query, words: str, found: Lookup) -> Conditions:
        """Add words about subjects to what else is wanted."""
        where = self._conditions(others, at_once=True)
        return Conditions(f"{words} AND {where.text}", {**where.values, **found.values})

    def _counted(self, text: str, where: Conditions) -> int:
        return int(self.connection.execute(text, where.values).fetchone()[0])

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
        text = self.put("all in order", where, hint=self._hint(asked))
        return self._ordered(asked, text.replace("{order}", self.sorted(reverse=asked.reverse)), where.values)

    def _ordered(self, asked: Query, text: str, values: Mapping[str, Value]) -> array[int]:
        order = array("q", (number for (number,) in self.connection.execute(text, values)))
        self.kept.keep_order(asked, order)
        return order

    def _count(self, asked: Query) -> int:
        count = self.kept.count(asked)
        if count is None:
            where = self._conditions(asked, at_once=True)
            hint = self._hint(asked) if has_words(asked) else ""
            count = self._counted(self.put("count", where, tables="tables among", hint=hint), where)
            self.kept.keep_count(asked, count)
        return count

    def _place(self, order: array[int] | None) -> int | None:
        """Count what comes before the finding that is asked around; None when it does not match."""
        around = self.query.around
        if around is None:
            return None
        if order is not None:
            return order.index(around) if around in order else None
        if not self.holds():
            return None
        where = self.walked_to()
        way = self.put("way", where, tables=self.walked()).replace("{along}", "")
        ways = [way.replace("{way}", each) for each in comes_before(self.sorted(reverse=self.query.reverse), "that.")]
        text = self.sql["place"].replace("{ways}", " UNION ALL ".join(ways))
        return int(self.connection.execute(text, {**where.values, "around": around}).fetchone()[0])

    # What is walked to ------------------------------------------------------------------------------------------------

    def holds(self) -> bool:
        """Tell whether the finding that is asked around matches."""
        where = self.walked_to()
        text = self.put("holds", where, tables="tables with names").replace("{along}", "")
        return self.connection.execute(text, {**where.values, "around": self.query.around}).fetchone() is not None

    def that(self) -> Mapping[str, Value]:
        """Give the columns of the finding that is asked around, which is there, as parameters."""
        found = self.connection.execute(self.sql["that"], {"around": self.query.around})
        [row] = found.fetchall()
        return {f"that_{name[0]}": value for name, value in zip(found.description, row, strict=True)}

    def walked_to(self) -> Conditions:
        """Say what each finding that is walked to must be."""
        return self._conditions(self.query, at_once=False)

    def walk(self, offset: int, limit: int, matching: int) -> list[Row]:
        """Read a page along the index of the order, from its nearer end."""
        far = offset > matching // 2
        where = self.walked_to()
        bounds = {"limit": limit, "offset": matching - offset - limit if far else offset}
        text = self.put("page", where, tables=self.walked()).replace("{along}", self.along(matching))
        text = text.replace("{order}", self.sorted(reverse=self.query.reverse != far))
        text = text.replace("{shown}", self.sorted(reverse=self.query.reverse))
        return [_row(row) for row in self.connection.execute(text, {**where.values, **bounds})]

    def cut(self, ids: array[int]) -> list[Row]:
        """Read findings by their ids."""
        values = {"ids": msgspec.json.encode(list(ids)).decode(), "now": stored(self.now)}
        text = self.sql["these"].replace("{columns}", self.sql["columns"])
        return [_row(row) for row in self.connection.execute(text, values)]

    def _conditions(self, query: Query, *, at_once: bool) -> Conditions:
        return of_query(self.sql, query, self.now, at_once=at_once)

    def sorted(self, *, reverse: bool) -> str:
        """Name the columns of the order that is asked for."""
        return self.sql[f"sort {self.query.sort}{' reverse' if reverse else ''}"]

    def put(self, name: str, where: Conditions, *, tables: str = "tables", hint: str = "") -> str:
        """Put conditions into a statement over some tables."""
        text = self.sql[name].replace("{tables}", self.sql[tables]).replace("{hint}", hint)
        return text.replace("{columns}", self.sql["columns"]).replace("{where}", where.text)

    def walked(self) -> str:
        """Name the tables in the order in which the sort walks them."""
        names = " with names" if self.query.text.strip() else ""
        if self.query.sort == "label":
            return f"tables by open label{names}" if self.query.view == "open" else "tables by label"
        return f"tables{' by check' if self.query.sort == 'check' else ''}{names}"

    def along(self, matching: int) -> str:
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
        Event(
            at=told(at),
            kind="finding",
            what=check,
            text=f"{what}: {outcome}, {reason}",
            state=State.PASS if what == "resolved" else _STATES.get(outcome) if what in _ENTERING else None,
        )
        for at, what, outcome, reason, check in rows
    ]


def comes_before(order: str, that: str) -> Iterator[str]:
    """Give the ways in which a finding comes before another, whose columns begin with ``that``; the farthest first.

    The order ends with the id, so that no two findings are at the same place.
    """
    same: list[str] = []
    for key in order.split(", "):
        own, descends, _ = key.partition(" DESC")
        other = that + own.partition(" ")[0].partition(".")[2]
        yield " AND ".join([*same, f"{own} {'>' if descends else '<'} {other}"])
        same.append(f"{own} = {other}")


def has_words(asked: Query) -> bool:
    """Tell whether a question has words, so that its findings must be looked for."""
    return bool(asked.text.strip() or asked.reason.strip())


def _without_page(query: Query) -> Query:
    """Give a query as it is kept: hashable, without its page."""
    listed = {"checks": tuple(query.checks), "outcomes": tuple(query.outcomes), "ids": tuple(query.ids)}
    return msgspec.structs.replace(query, offset=0, limit=0, around=None, soon=False, **listed)


def _without_text(query: Query) -> Query:
    return msgspec.structs.replace(query, text="")


def without_words(query: Query) -> Query:
    """Give the question whose count is the total."""
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
        alarmed=bool(row[16]),
    )
