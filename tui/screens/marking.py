"""Marking all findings of a list that match: those that were there to be read, by id, and none that comes later."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import msgspec

from engine.port import Rows
from tui.marks import MARKED_MOST, Marks, all_of
from tui.screens.page import Page
from tui.widgets.table import Table
from tui.work import start


class Marking:
    """What marks all that match; which they are is fetched where the list does not hold them all."""

    def __init__(self, on: Page, table: Table) -> None:
        self._on = on
        self._table = table
        self._ready = asyncio.Event()
        self._ready.set()
        self._turn = 0
        """Numbers the markings; the latest counts."""

    async def ready(self) -> None:
        """Wait until it is known which findings are marked."""
        _ = await self._ready.wait()

    def mark_all(self) -> None:
        """Mark all that match; the list is counted."""
        table = self._table
        self._turn += 1
        marks = all_of(table.query_shown, table.matching, table.answer.as_of or self._on.home.clock())
        here = [table.row_at(index) for index in range(min(table.matching, MARKED_MOST + 1))]
        rows = [row for row in here if row is not None]
        if len(rows) == table.matching:
            table.mark(marks.resolved(rows))
            self._ready.set()
            return
        table.mark(marks)
        if table.matching <= MARKED_MOST:
            self._ready.clear()
            start(self._on, partial(self._resolve, marks, self._turn), group="marks", exclusive=True)

    async def _resolve(self, marks: Marks, turn: int) -> None:
        """Look up which findings are marked; without an answer none is."""
        found: Rows | None = None
        try:
            if marks.every is not None:
                found = await self._on.home.port.rows(msgspec.structs.replace(marks.every, limit=MARKED_MOST))
        except (OSError, TimeoutError) as error:
            self._on.say(f"nothing is marked: rows not fetched: {error}", "fail")
        finally:
            if turn == self._turn:
                self._mean(found, marks)
                self._ready.set()

    def _mean(self, found: Rows | None, asked: Marks) -> None:
        """Mark what was found; what a person marked or unmarked meanwhile stays so."""
        marks = self._table.marks
        if (marks.every, marks.at) == (asked.every, asked.at):
            self._table.mark(_meant(marks, found))


def _meant(marks: Marks, found: Rows | None) -> Marks:
    """Give the marks by id; none without an answer, and as they are where they have become too many."""
    if found is None or marks.at is None:
        return Marks()
    if found.matching > MARKED_MOST:
        return replace(marks, matched=found.matching)
    return marks.resolved(row for row in found.rows if row.first_seen <= marks.at)
