"""What was counted and put in order for one question serves the next, until findings change or time moves some on.

A view like ``new`` loses findings by the clock alone, each at an instant that is known when they are counted: what is
kept of it is good until the first of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from engine.port import Query

MOST_KEPT: Final = 2_000_000
"""Findings in all orders that are kept, 8 bytes each."""
MOST_PLACES: Final = 256
"""Places of findings that are kept of one question."""


@dataclass(frozen=True, slots=True)
class Times:
    """From when until before when an answer is good, UTC, while nothing is written."""

    since: datetime
    until: datetime

    def __contains__(self, now: object) -> bool:
        """Tell whether an instant is among them."""
        return isinstance(now, datetime) and self.since <= now < self.until


ALWAYS: Final = Times(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
NEVER: Final = Times(ALWAYS.since, ALWAYS.since)


@dataclass(slots=True)
class Kept:
    """Counts, orders and places of what was asked before; good until findings change."""

    changes: int = 0
    """Transactions that may have changed findings, when this was begun."""
    _counts: dict[Query, tuple[int, Times]] = field(default_factory=dict)
    _orders: dict[Query, tuple[array[int], Times]] = field(default_factory=dict)
    _places: dict[Query, tuple[dict[int, int], Times]] = field(default_factory=dict)

    def at(self, changes: int) -> Kept:
        """Give this while it is good, else an empty one."""
        return self if self.changes == changes else Kept(changes)

    def count(self, query: Query, now: datetime) -> int | None:
        """Give a count that is kept."""
        count, times = self._counts.get(query, (None, ALWAYS))
        return count if now in times else None

    def order(self, query: Query, now: datetime) -> array[int] | None:
        """Give an order that is kept."""
        order, times = self._orders.get(query, (None, ALWAYS))
        return order if now in times else None

    def places(self, query: Query, now: datetime) -> dict[int, int]:
        """Give the places that are known of a question's findings, by their ids."""
        places, times = self._places.get(query, ({}, ALWAYS))
        return dict(places) if now in times else {}

    def wider(self, asked: Query, now: datetime, holds_all: Callable[[str], bool], most: int) -> array[int] | None:
        """Give the shortest order, of ``most`` findings at most, that has all that a question finds, or more.

        ``holds_all`` tells of the words of another question whether they hold of all that are asked for.
        """
        same = {"text": asked.text, "sort": asked.sort, "reverse": asked.reverse}
        found = [
            order
            for query, (order, times) in list(self._orders.items())
            if len(order) <= most
            and now in times
            and msgspec.structs.replace(query, **same) == asked
            and holds_all(query.text)
        ]
        return min(found, key=len, default=None)

    def keep_count(self, query: Query, count: int, times: Times) -> None:
        """Keep a count."""
        if times.since < times.until:
            self._counts[query] = count, times

    def keep_order(self, query: Query, order: array[int], times: Times) -> None:
        """Keep an order, and forget the oldest of too many."""
        if times.since >= times.until:
            return
        while self._orders and sum(len(each) for each, _ in list(self._orders.values())) + len(order) > MOST_KEPT:
            self._orders.pop(next(iter(self._orders)), None)
        self._orders[query] = order, times

    def keep_place(self, query: Query, finding: int, place: int, times: Times) -> None:
        """Keep the place of a finding, and forget those that were kept first of too many."""
        if times.since >= times.until:
            return
        places, known = self._places.get(query, ({}, times))
        left = {} if known != times else places
        rest = {each: left[each] for each in [*left][-(MOST_PLACES - 1) :] if each != finding}
        self._places[query] = {**rest, finding: place}, times

    def times(self, query: Query) -> Times:
        """Tell how long the count of a question is good; never, where none is kept."""
        return self._counts.get(query, (0, NEVER))[1]
