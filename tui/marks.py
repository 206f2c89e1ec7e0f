"""Which findings are marked: some that were picked, or all that match a query but some; pure.

Marking a million findings fetches none of them. Nobody acknowledges, waives or copies what was not there to be read: of
as many as can be acted upon at once it is known by id which matched at the moment of marking, and no other is marked,
though it has come to match since. More are only written to a file, and judged by when they were first seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from engine.port import Query, Row
from tui.format import number

MARKED_MOST = 2_000
"""Findings that are copied, acknowledged or put into one waiver; a file takes any number."""


@dataclass(frozen=True, slots=True)
class Marks:
    """A set of findings."""

    picked: Mapping[int, Row] = field(default_factory=dict)
    """Those that were picked one by one, as they were then, by id."""
    every: Query | None = None
    """All that match this query, instead of ``picked``."""
    at: datetime | None = None
    """When ``every`` was marked, UTC; what was first seen later is not meant."""
    matched: int = 0
    """How many matched then."""
    but: frozenset[int] = frozenset()
    """Ids that ``every`` does not mean."""
    ids: frozenset[int] | None = None
    """Those that matched ``every`` when it was marked; None where that is not known."""

    def __contains__(self, row: object) -> bool:
        """Tell whether a finding of the list is marked."""
        if not isinstance(row, Row):
            return False
        if self.every is None or self.at is None:
            return row.id in self.picked
        was_there = row.first_seen <= self.at if self.ids is None else row.id in self.ids
        return was_there and row.id not in self.but

    def __len__(self) -> int:
        """Count them; of all that match a query, as many as matched when they were marked."""
        return len(self.picked) if self.every is None else max(0, self.matched - len(self.but))

    def toggled(self, row: Row) -> Marks:
        """Mark a finding, or no longer."""
        if self.every is not None:
            return replace(self, but=self.but ^ {row.id})
        if row.id in self.picked:
            return Marks({each: kept for each, kept in self.picked.items() if each != row.id})
        return Marks({**self.picked, row.id: row})

    @property
    def is_known(self) -> bool:
        """Whether it is known by id which are marked."""
        return self.every is None or self.ids is not None

    def resolved(self, rows: Iterable[Row]) -> Marks:
        """Mean these of all that match: they are what matched."""
        ids = frozenset(row.id for row in rows)
        return replace(self, ids=ids, matched=len(ids), but=self.but & ids)

    def described(self) -> str:
        """Say how many are marked; empty of none."""
        if not len(self):
            return ""
        but = f", all but {number(len(self.but))}" if self.but else ", all that match"
        return f"{number(len(self))} marked" + (but if self.every is not None else "")


def all_of(query: Query, matching: int, now: datetime) -> Marks:
    """Mark all that match a query, at an instant."""
    return Marks(every=unpaged(query), at=now, matched=matching)


def unpaged(query: Query) -> Query:
    """Give a query without the page that was asked for."""
    plain = Query()
    return msgspec.structs.replace(query, offset=plain.offset, limit=plain.limit, around=None)


def same_list(one: Query, other: Query) -> bool:
    """Tell whether two queries find the same findings, in whatever order."""
    plain = Query()
    return msgspec.structs.replace(unpaged(one), sort=plain.sort, reverse=plain.reverse) == msgspec.structs.replace(
        unpaged(other), sort=plain.sort, reverse=plain.reverse
    )
