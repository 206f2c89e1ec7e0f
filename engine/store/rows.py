"""Pages of findings: walked along an index that holds their order, or cut from an order that was found before.

A page of a million is found by walking an index from the nearer end. Where words or names narrow the list to some
thousands, their order is found once and kept until findings change.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import msgspec

from engine.port import Query, Row, Rows
from engine.store.asked import (
    comes_before,
    has_reason,
    has_words,
    without_order,
    without_page,
    without_text,
    without_words,
)
from engine.store.conditions import NEW, OPEN, Conditions, Value, of_query
from engine.store.instants import stored, told
from engine.store.kept import ALWAYS, NEVER, Kept, Times
from engine.store.lookup import MOST_SHARE, Lookup, implies, look_up
from engine.store.queries import Sql
from engine.store.shown import ids_of, row_of

NARROWED: Final = 20_000
"""Findings that were found already, among which a longer word is looked up; of more, in all is as quick."""
ORDERED: Final = 50_000
"""Findings whose order is found at once; more are walked."""
WALKED_BY_LABEL: Final = 5_000
"""Findings from an end up to which a page by label is walked to; past it their order is found, once."""
WALKED_BY_WORDS: Final = 20_000
"""The same where words are looked up in each finding."""
WALKED_BETWEEN: Final = 2_000
"""Findings from one whose place is known up to which a page is walked to."""
FEW_NEW: Final = 20
"""Where fewer than one of so many open findings is new, the new ones are put in order; else all are walked along."""
CLOCKED: Final = frozenset({"new", "waived"})
"""Views that findings leave by the clock alone."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """One question on its way: the connection, what is asked, and what is kept of questions before."""

    connection: sqlite3.Connection
    sql: Sql
    query: Query
    now: datetime
    kept: Kept

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
        asked = without_page(self.query)
        return asked, without_order(asked)

    def page(self) -> Rows:
        """Give the page within the transaction that is open."""
        asked, alike = self.alike()
        total = self.count(without_words(alike))
        if self.query.limit < 1 and self.query.around is None:  # No row is asked for, so that no order is needed.
            return Rows(rows=(), offset=max(0, self.query.offset), matching=self.count(alike), total=total)
        order = self.kept.order(asked, self.now)
        if order is None:
            matching, ids = self._matching(asked, alike)
            if self.query.text.strip() and matching > ORDERED and matching == self.count(without_text(alike)):
                return replace(self, query=without_text(self.query)).page()  # All hold it: no need to look at each.
            order = self._order(asked, matching, ids)
        else:
            matching = len(order)
        place = self._place(asked, order, matching)
        offset, limit = self.bounds(place, matching)
        if order is not None:
            rows = self.cut(order[offset : offset + limit])
        else:
            rows = self.walked_from(asked, offset, limit, matching) or self.walk(offset, limit, matching)
        self.note(asked, offset, rows)
        return Rows(rows=rows, offset=offset, place=place, matching=matching, total=total)

    def bounds(self, place: int | None, matching: int) -> tuple[int, int]:
        """Give the place of the page's first row, and how many it has: the page of ``place``, where one is known."""
        offset = max(0, self.query.offset) if place is None else place - place % max(1, self.query.limit)
        return offset, max(0, min(self.query.limit, matching - offset))

    def _matching(self, asked: Query, alike: Query) -> tuple[int, str | None]:
        """Count what matches; where its order is not that of an index, and it is not long, give the ids as JSON too."""
        if not has_words(asked) and asked.sort != "label":
            return self.count(alike), None
        matching = self.kept.count(alike, self.now)
        if matching is not None and matching > ORDERED:
            return matching, None
        matching, ids = self._some(asked, alike)
        self.kept.keep_count(alike, matching, self.times(alike))
        return matching, ids

    def _order(self, asked: Query, matching: int, ids: str | None) -> array[int] | None:
        """Give the ids of all that match in order, unless they are better walked to."""
        if ids is not None and matching <= ORDERED:
            text = self.sql["order"].replace("{order}", self.sorted(reverse=asked.reverse))
            return self._ordered(asked, text, {"ids": ids})
        if asked.view == "open" or has_words(asked):
            walked = not has_words(asked) and asked.sort != "label"
            return None if walked or not self._is_far(matching) else self.long_order(asked, matching)
        return self.long_order(asked, matching)

    def _some(self, asked: Query, alike: Query) -> tuple[int, str | None]:
        """Count what matches and give the ids as JSON; None where they are too many to be put in order at once."""
        wider = self.kept.wider(asked, self.now, partial(implies, asked.text), NARROWED)
        if wider is None and asked.view in CLOCKED and has_words(asked):
            every = without_words(alike)
            if self.count(every) <= NARROWED:
                wider = self.kept.order(every, self.now) or self.long_order(every, self.count(every))
        if wider is not None:
            return self._some_of(wider)
        where, tables = self._conditions(asked, at_once=True), "tables among"
        if self.query.text.strip() and self._hint(asked):
            found = look_up(self.connection, self.sql, asked.text, self.sql["open reasons"])
            others = without_text(alike)
            if (1 - found.left_out) * self.count(others) > ORDERED + ORDERED // 10:
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
        return self.count(others) - self._counted(self.put("count", where, tables="tables of subjects"), where)

    def _joined(self, others: Query, words: str, found: Lookup) -> Conditions:
        """Add words about subjects to what else is wanted."""
        where = self._conditions(others, at_once=True)
        return Conditions(f"{words} AND {where.text}", {**where.values, **found.values})

    def _counted(self, text: str, where: Conditions) -> int:
        return int(self.connection.execute(text, where.values).fetchone()[0])

    def _is_far(self, matching: int) -> bool:
        """Tell whether a page is too far from either end of a long list to be walked to."""
        by_label = self.query.sort == "label"
        if self.query.view not in OPEN or has_reason(self.query) or (by_label and self.query.around is not None):
            return True
        walked = WALKED_BY_LABEL if by_label else WALKED_BY_WORDS
        return min(self.query.offset, matching - self.query.offset) > walked

    def long_order(self, asked: Query, matching: int) -> array[int]:
        """Give the ids of all that match, in order, however many; by label this takes seconds of a million."""
        where = self._conditions(asked, at_once=True)
        name = f"tables in order{f' by {asked.sort}' if asked.sort in {'label', 'check'} else ''}"
        text = self.put("all in order", where, tables=name, hint=self._hint_of_all(asked, matching))
        order = self.sql[f"sort {asked.sort}{' reverse' if asked.reverse else ''}"]
        return self._ordered(asked, text.replace("{order}", order), where.values)

    def _hint_of_all(self, asked: Query, matching: int) -> str:
        """Name the index along which all that match are read."""
        if has_words(asked) or asked.view == "open":
            return self._hint(asked)
        if asked.view == "new" and not asked.ids:
            opened = self.kept.count(msgspec.structs.replace(self.alike()[1], view="open"), self.now) or matching
            if asked.sort in {"worst", "source"} and matching * FEW_NEW > opened:
                return self.sql[f"along {asked.sort}"]
            if asked.sort in {"reason", "label"} and matching * 2 > opened:  # They look at each row besides.
                return self.sql["along reason" if asked.sort == "reason" else "among open"]
        return self._all(asked)

    def _ordered(self, asked: Query, text: str, values: Mapping[str, Value]) -> array[int]:
        (listed,) = self.connection.execute(self.sql["listed"].replace("{these}", text), values).fetchone()
        order = ids_of(listed)
        self.kept.keep_order(asked, order, self.times(without_order(asked)))
        return order

    def count(self, asked: Query) -> int:
        """Count what a question without its order and its page finds."""
        count = self.kept.count(asked, self.now)
        if count is None:
            where = self._conditions(asked, at_once=True)
            hint = self._hint(asked) if has_words(asked) else self._all(asked)
            if asked.view in CLOCKED and asked == without_words(asked):
                return self._count_for_a_time(asked, where, hint)
            count = self._counted(self.put("count", where, tables="tables among", hint=hint), where)
            self.kept.keep_count(asked, count, self.times(asked))
        return count

    def _count_for_a_time(self, asked: Query, where: Conditions, hint: str) -> int:
        """Count a view that findings leave by the clock, and note when the first of them does."""
        text = self.put("count with first", where, tables="tables among", hint=hint)
        text = text.replace("{first}", self.sql[f"first {asked.view}"])
        count, first = self.connection.execute(text, where.values).fetchone()
        until = ALWAYS.until
        if first is not None:  # Of exactly that age it still is new.
            until = told(first) + NEW + timedelta(microseconds=1) if asked.view == "new" else told(first)
        self.kept.keep_count(asked, count, Times(self.now, until))
        return int(count)

    def counted_to(self, asked: Query) -> int:
        """Count what is found without words, up to one more than are put in order at once."""
        count = self.kept.count(without_words(asked), self.now)
        if count is not None:
            return count
        where = self._conditions(without_words(asked), at_once=True)
        text = self.put("count to", where, tables="tables among", hint=self._all(without_words(asked)))
        return self._counted(text, Conditions(where.text, {**where.values, "most": ORDERED + 1}))

    def times(self, alike: Query) -> Times:
        """Tell how long what is found of a question is good; its view was counted before."""
        if alike.waived is not None:
            return NEVER
        return self.kept.times(without_words(alike)) if alike.view in CLOCKED else ALWAYS

    def _all(self, asked: Query) -> str:
        """Name the index along which a view is read where nothing better narrows it."""
        narrow = asked.ids or asked.due_by is not None or (asked.view == "all" and (asked.check or asked.checks))
        return "" if narrow or asked.view == "open" else self.sql[f"all {asked.view}"]

    def _place(self, asked: Query, order: array[int] | None, matching: int) -> int | None:
        """Count what comes before the finding that is asked around; None when it does not match."""
        around = self.query.around
        if around is None:
            return None
        place = self.kept.places(asked, self.now).get(around)
        if place is not None:
            return place
        if order is not None:
            try:
                place = order.index(around)
            except ValueError:
                return None
        elif self.holds():
            place = self._walked_past(matching)
        if place is not None:
            self.kept.keep_place(asked, around, place, self.times(without_order(asked)))
        return place

    def _walked_past(self, matching: int) -> int:
        """Count what an index has before the finding that is asked around."""
        where = self.walked_to()
        way = self.put("way", where, tables=self.walked()).replace("{along}", self.along(matching))
        ways = [way.replace("{way}", each) for each in comes_before(self.sorted(reverse=self.query.reverse), "that.")]
        text = self.sql["place"].replace("{ways}", " UNION ALL ".join(ways))
        return int(self.connection.execute(text, {**where.values, "around": self.query.around}).fetchone()[0])

    # What is walked to ------------------------------------------------------------------------------------------------

    def holds(self) -> bool:
        """Tell whether the finding that is asked around matches."""
        where = self.walked_to()
        text = self.put("holds", where, tables="tables with names").replace("{along}", "")
        return self.connection.execute(text, {**where.values, "around": self.query.around}).fetchone() is not None

    def that(self, finding: int | None) -> Mapping[str, Value]:
        """Give the columns of a finding, which is there, as parameters."""
        found = self.connection.execute(self.sql["that"], {"around": finding})
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
        return [row_of(row) for row in self.connection.execute(text, {**where.values, **bounds})]

    def cut(self, ids: array[int]) -> list[Row]:
        """Read findings by their ids."""
        values = {"ids": msgspec.json.encode(list(ids)).decode(), "now": stored(self.now)}
        text = self.sql["these"].replace("{columns}", self.sql["columns"])
        return [row_of(row) for row in self.connection.execute(text, values)]

    def beside(self, finding: int, count: int, total: int, *, reverse: bool) -> list[int]:
        """Walk away from a finding; gives ids, the nearest first. ``total``: about how many findings there are."""
        where, that = self.walked_to(), self.that(finding)
        order = self.sorted(reverse=self.query.reverse != reverse)
        back = self.sorted(reverse=self.query.reverse == reverse)
        text = self.put("beside", where, tables=self.walked()).replace("{along}", self.along(total))
        found: list[int] = []
        for way in reversed(list(comes_before(back, ":that_"))):
            values = {**where.values, **that, "count": count - len(found)}
            statement = text.replace("{way}", way).replace("{order}", order)
            found += [number for (number,) in self.connection.execute(statement, values)]
            if len(found) >= count:
                break
        return found

    def note(self, asked: Query, offset: int, rows: Sequence[Row]) -> None:
        """Keep the places of a page's ends, from which the pages beside it are walked to."""
        if rows and self.walks_from(asked):
            times = self.times(without_order(asked))
            self.kept.keep_place(asked, rows[0].id, offset, times)
            self.kept.keep_place(asked, rows[-1].id, offset + len(rows) - 1, times)

    def walks_from(self, asked: Query) -> bool:
        """Tell whether pages are walked to from findings whose places are known: each row on the way is wanted."""
        return asked.view in OPEN and not has_words(asked) and not asked.ids

    def walked_from(self, asked: Query, offset: int, limit: int, matching: int) -> list[Row] | None:
        """Read a page, walking from the nearest finding whose place is known; None where there is none near by."""
        known = self.kept.places(asked, self.now) if self.walks_from(asked) else {}
        near = min(known, key=lambda each: abs(known[each] - offset), default=None)
        if near is None or limit < 1 or not self.is_long(matching):
            return None
        place, end = known[near], offset + limit
        if abs(place - offset) > WALKED_BETWEEN:
            return None
        found: list[int] = []
        if offset < place:
            before = self.beside(near, place - offset, matching, reverse=True)
            found += reversed(before[max(0, place - end) :])
        if offset <= place < end:
            found.append(near)
        if end > place + 1:
            found += self.beside(near, end - place - 1, matching, reverse=False)[max(0, offset - place - 1) :]
        return self.cut(array("q", found))

    def _conditions(self, query: Query, *, at_once: bool) -> Conditions:
        where = of_query(self.sql, query, self.now, at_once=at_once)
        if query.family is None:
            return where
        found = self.connection.execute(self.sql["checks of family"], {"family": query.family}).fetchall()
        if len(found) != 1:
            return where
        only = where.text.replace(self.sql["in family"], self.sql["in the only check"])
        return Conditions(only, {**where.values, "only": found[0][0]})

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
            return f"tables by open label{names}" if self.query.view in OPEN else "tables by label"
        return f"tables{' by check' if self.query.sort == 'check' else ''}{names}"

    def along(self, matching: int) -> str:
        """Name the index that a long walk goes along; of a short list, SQLite finds a way of its own."""
        if self.query.view not in OPEN or matching <= ORDERED or self.query.sort == "label":
            return ""
        of_check = self.query.sort == "worst" and self.query.check is not None
        return self.sql[f"along {'check' if of_check else self.query.sort}"]

    def _hint(self, asked: Query) -> str:
        """Name the index that words are looked up in, where it covers what is asked; a whole reason has its own."""
        if asked.view not in OPEN or asked.ids:
            return ""
        return self.sql["along reason" if asked.reason_is else "among open"]
