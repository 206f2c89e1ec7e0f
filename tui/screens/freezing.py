"""A list that is left as it is while the engine goes on: how many changes it does not show."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial

import msgspec

from engine.port import Rows
from tui.answer import Answer
from tui.screens.answered import Answered
from tui.widgets.table import Table
from tui.work import start

HELD_MAX = 200
"""Changes that are counted; more are told as so many and more."""


class Freezing:
    """Whether a list is frozen, and what that holds back."""

    def __init__(self, on: Answered, table: Table) -> None:
        self._on = on
        self._table = table
        self._at: datetime | None = None
        self._matching = 0
        """Findings that matched then."""
        self._held = 0
        self._count = Answer(on.answer.clock)
        """How it stands with counting the changes."""

    @property
    def is_on(self) -> bool:
        """Whether the list is frozen."""
        return self._at is not None

    def freeze(self) -> None:
        """Leave the list as it is."""
        self._at, self._matching, self._held = self._on.model.now, self._table.matching, 0

    def thaw(self) -> None:
        """Follow the engine again; what is being counted is not told any more."""
        self._at = None
        self._count.mended(self._count.ask(None))

    def held(self) -> str:
        """Say how many changes are not shown, ``+3``, ``+?`` where that is not known; empty while it is not frozen."""
        if self._at is None:
            return ""
        return "+?" if self._count.error else f"+{self._held}{'+' * (self._held >= HELD_MAX)}"

    def go_on(self) -> None:
        """Count again what could not be counted."""
        if self._at is not None and self._count.is_due:
            self.count()

    def count(self) -> None:
        """Count what came and what went since."""
        if self._at is not None:
            turn = self._count.ask(self._at)
            start(self._on, partial(self._look, self._at, turn), group="held", exclusive=True)

    async def _look(self, since: datetime, turn: int) -> None:
        shown = self._table.query_shown
        newest = msgspec.structs.replace(shown, sort="since", reverse=True, offset=0, limit=HELD_MAX)
        rows: Rows | None = None
        with suppress(OSError, TimeoutError), self._count.noting(turn):  # It is told as not known, and counted again.
            rows = await self._on.home.port.rows(newest)
        if turn != self._count.turn:
            return
        if rows is not None:
            self._count.came(turn)
            came = sum(row.first_seen > since for row in rows.rows)
            self._held = came + max(0, self._matching + came - rows.matching)
        self._on.draw()
