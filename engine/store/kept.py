"""What was counted and put in order for one question serves the next, until findings change."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from engine.port import Query

MOST_KEPT: Final = 2_000_000
"""Findings in all orders that are kept, 8 bytes each."""
_CLOCKED: Final = frozenset({"new", "waived"})
"""Views that change with the clock alone, so that nothing of them is kept."""


@dataclass(slots=True)
class Kept:
    """Counts and orders of what was asked before; good until findings change."""

    changes: int = 0
    """Transactions that may have changed findings, when this was begun."""
    _counts: dict[Query, int] = field(default_factory=dict)
    _orders: dict[Query, array[int]] = field(default_factory=dict)

    def at(self, changes: int) -> Kept:
        """Give this while it is good, else an empty one."""
        return self if self.changes == changes else Kept(changes)

    def count(self, query: Query) -> int | None:
        """Give a count that is kept."""
        return self._counts.get(query)

    def order(self, query: Query) -> array[int] | None:
        """Give an order that is kept."""
        return self._orders.get(query)

    def wider(self, asked: Query, holds_all: Callable[[str], bool], most: int) -> array[int] | None:
        """Give the shortest order, of ``most`` findings at most, that has all that a question finds, or more.

        ``holds_all`` tells of the words of another question whether they hold of all that are asked for.
        """
        same = {"text": asked.text, "sort": asked.sort, "reverse": asked.reverse}
        found = [
            order
            for query, order in list(self._orders.items())
            if len(order) <= most and msgspec.structs.replace(query, **same) == asked and holds_all(query.text)
        ]
        return min(found, key=len, default=None)

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


def _clocked(query: Query) -> bool:
    return query.view in _CLOCKED or query.waived is not None
