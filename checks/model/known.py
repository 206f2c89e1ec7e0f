"""A join answers Found, Absent (proven by a complete population) or NotTold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from checks.model.doubt import Cause
from checks.model.records import Record


class Found(msgspec.Struct, frozen=True, gc=False):
    """The joined population holds these records under the key."""

    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Absent:
    """The joined population is complete and holds nothing under the key."""


@dataclass(frozen=True, slots=True)
class NotTold:
    """The joined population may hold something under the key that we were not shown."""

    cause: Cause
    source: str = ""
    fields: tuple[str, ...] = ()


class Known(Protocol):
    """The joined populations of one judgement."""

    def get(self, key: str) -> Found | Absent | NotTold:
        """Look a key up; keys are lower case."""
        ...


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """A join over records held in memory."""

    index: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    doubt: NotTold | None = None
    """Why absence cannot be proven; None when the joined population is complete and every key in it is told."""

    def get(self, key: str) -> Found | Absent | NotTold:
        """Look a key up."""
        records = self.index.get(key)
        if records:
            return Found(records)
        return self.doubt or Absent()


NOTHING = KnownRecords(doubt=NotTold(Cause.NOT_CONFIGURED))
"""The join of a check that has none: it knows nothing, and absence proves nothing."""
