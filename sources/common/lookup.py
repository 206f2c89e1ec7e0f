"""Values by key with bounded memory: past a limit they move to a temporary table on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import islice

IN_MEMORY = 100_000
_AT_ONCE = 500


class Lookup:
    """Small numbers by text; of a repeated key the last value counts."""

    def __init__(self, limit: int = IN_MEMORY) -> None:
        """Keep up to ``limit`` keys in memory."""
        self._limit = limit
        self._memory: dict[str, int] = {}
        self._table: sqlite3.Connection | None = None

    def add(self, pairs: Mapping[str, int]) -> None:
        """Keep some more."""
        if self._table is not None:
            self._table.executemany("insert or replace into kept values (?, ?)", pairs.items())
            return
        self._memory.update(pairs)
        if len(self._memory) > self._limit:
            self._spill()

    def find(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Give the values of those of the keys that are there."""
        if self._table is None:
            return self._memory
        found: dict[str, int] = {}
        rest = iter(keys)
        while some := list(islice(rest, _AT_ONCE)):
            marks = ",".join("?" * len(some))
            query = f"select key, value from kept where key in ({marks})"  # noqa: S608 - marks holds question marks only
            found.update(self._table.execute(query, some))
        return found

    def close(self) -> None:
        """Let everything go."""
        self._memory = {}
        if self._table is not None:
            self._table.close()
            self._table = None

    def _spill(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -8000;"
            "create table kept (key text primary key, value integer not null) without rowid; begin",
        )
        self._table.executemany("insert into kept values (?, ?)", self._memory.items())
        self._memory = {}
