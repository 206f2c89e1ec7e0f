"""Which findings are marked: some that were picked, or all that match a query but some; pure.

Marking a million findings fetches none of them. What came after the moment of marking is not marked: nobody has
acknowledged, waived or copied what was not there yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from engine.port import Query, Row
from tui.format import number


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

    def __contains__(self, row: object) -> bool:
        """Tell whether a finding of the list is marked."""
        if not isinstance(row, Row):
            return False
        if self.every is None or self.at is None:
            return row.id in self.picked
        return row.id not in self.but and row.first_seen <= self.at

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
