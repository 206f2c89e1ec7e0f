"""The events that a list holds of one question: from the newest on, folded, and how many came since it was paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from engine.port import Event, EventQuery, Events
from tui.eventlog import Fold, folded, fresh, rows
from tui.lines import Line

_TICK = timedelta(microseconds=1)


class Logged:
    """Events, newest first without a hole."""

    def __init__(self) -> None:
        self.events: Sequence[Event] = ()
        self.folds: Sequence[Fold] = ()
        self.matching = 0
        self.new = 0
        """Events that came since the list was paused."""
        self.new_rows = 0
        """Rows that they fold into."""
        self._drawn: tuple[object, list[tuple[str, Line]]] = (None, [])

    def take(self, found: Events) -> None:
        """Hold the newest in the place of what was there."""
        self.events, self.matching, self.new, self.new_rows = found.events, found.matching, 0, 0
        self._fold()

    def count(self, found: Events) -> None:
        """Count what is newer than what is here."""
        self.new = max(0, found.matching - self.matching)
        self.new_rows = len(fresh(found.events, self.events[0] if self.events else None))

    def add(self, older: Events) -> None:
        """Hold older ones, too; ``older`` was asked for as ``below`` says."""
        self.events = [*self.events, *older.events]
        self._fold()

    def below(self, query: EventQuery, limit: int) -> EventQuery:
        """Ask for the page below what is here, counted from its newest, so that what is newer moves nothing."""
        if not self.events:
            return msgspec.structs.replace(query, offset=0, limit=limit)
        end = self.events[0].at + _TICK
        until = end if query.until is None else min(query.until, end)
        return msgspec.structs.replace(query, until=until, offset=len(self.events), limit=limit)

    @property
    def older(self) -> int:
        """Count those that match and are not here."""
        return max(0, self.matching - len(self.events))

    def fold(self, key: str | None) -> Fold | None:
        """Give a row by its key."""
        return next((each for each in self.folds if each.key == key), None)

    def rows(self, now: datetime, width: int) -> list[tuple[str, Line]]:
        """Draw the rows, unless they were drawn like this before."""
        depends = (width, now.tzinfo)
        if self._drawn[0] != depends:
            self._drawn = depends, rows(self.folds, now, width)
        return self._drawn[1]

    def _fold(self) -> None:
        self.folds = folded(self.events)
        self._drawn = (None, [])
