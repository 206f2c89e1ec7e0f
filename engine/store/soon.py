"""Rows before they are counted: the first ones, or those about a finding, found by walking an index away from it."""

from __future__ import annotations

import contextlib
from array import array
from datetime import datetime
from typing import Final

import msgspec

from engine.port import Query, Rows
from engine.store import QueryRefused
from engine.store.asked import has_reason, has_words, without_words
from engine.store.conditions import OPEN
from engine.store.kept import Kept
from engine.store.labels import by_label
from engine.store.lookup import look_up
from engine.store.queries import Sql
from engine.store.rows import CLOCKED, Reading
from engine.store.writer import ASKED_SECONDS, Readers

SOON_SECONDS: Final = 0.06
"""How long rows are looked for before they are counted; past it the whole answer is asked for."""
LEAST_SHARE: Final = 0.01
"""Where fewer of the subjects than this hold what was typed, rows are not found sooner than they are counted."""


async def ask(readers: Readers, sql: Sql, query: Query, now: datetime, kept: Kept) -> Rows:
    """Give a page; ``soon``, before it is counted, where that takes longer than to find rows."""
    if query.soon:
        with contextlib.suppress(QueryRefused):  # That took too long; or it is refused as a whole, which is told below.
            found = await readers.run(lambda reader: soon(Reading(reader, sql, query, now, kept)), SOON_SECONDS)
            if found is not None:
                return found
    return await readers.run(lambda reader: answer(Reading(reader, sql, query, now, kept)), ASKED_SECONDS)


def answer(reading: Reading) -> Rows:
    """Give the page, how many match, and how many there are without words and the like."""
    return reading.at_one_instant(lambda: by_label(reading) or reading.page())


def soon(reading: Reading) -> Rows | None:
    """Give rows before they are counted; None where the whole answer is not long in coming, or proves more."""
    query, kept = reading.query, reading.kept
    asked, alike = reading.alike()
    total = kept.count(msgspec.structs.replace(without_words(alike), view="open"), reading.now)
    if total is None or not reading.is_long(total) or query.view not in OPEN or query.offset:
        return None
    if kept.order(asked, reading.now) is not None:
        return None
    walked = kept.count(alike, reading.now) is not None if has_words(asked) else asked.sort != "label"
    if query.around is None and walked and not has_reason(query) and query.view not in CLOCKED:
        return None
    return reading.at_one_instant(lambda: _found(reading, total))


def _found(reading: Reading, total: int) -> Rows | None:
    """Give rows in order without a hole; None when there is none, which only a count proves, or when they are rare.

    ``total`` is how many findings there are without words, of which only the size matters.
    """
    query = reading.query
    if query.view in CLOCKED and not reading.is_long(reading.counted_to(reading.alike()[1])):
        return None
    if query.text.strip():
        words = look_up(reading.connection, reading.sql, query.text, reading.sql["open reasons"])
        if words.held < LEAST_SHARE:
            return None
    if query.around is not None and reading.holds():
        before, after = (
            reading.beside(query.around, query.limit // 2, total, reverse=reverse) for reverse in (True, False)
        )
        rows = reading.cut(array("q", [*reversed(before), query.around, *after][: query.limit]))
        place = len(before)
    else:
        rows, place = reading.walk(0, query.limit, total), None
    if not rows:
        return None
    return Rows(rows=rows, place=place, matching=len(rows), total=len(rows), counted=False)
