"""Records by key, for overlays and groups: in memory first, in a temporary table past 100 000."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

IN_MEMORY = 100_000


class Keyed:
    """Encoded records by key, in order of arrival under each key."""

    def __init__(self, limit: int = IN_MEMORY) -> None:
        """Keep up to ``limit`` entries in memory."""
        self._limit = limit
        self._memory: dict[str, list[bytes]] = {}
        self._count = 0
        self._table: sqlite3.Connection | None = None
        self._indexed = False

    def __len__(self) -> int:
        """Count the entries."""
        return self._count

    def put(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        """Add entries."""
        if self._table is None:
            for key, line in pairs:
                self._memory.setdefault(key, []).append(line)
                self._count += 1
            if self._count > self._limit:
                self._spill()
            return
        before = self._table.total_changes
        self._table.executemany("insert into entry (key, line) values (?, ?)", pairs)
        self._count += self._table.total_changes - before

    def get(self, key: str) -> Sequence[bytes]:
        """Give the entries under a key; empty when there are none."""
        if self._table is None:
            return self._memory.get(key, ())
        rows = self._sorted(self._table).execute("select line from entry where key = ? order by seq", (key,))
        return [line for (line,) in rows]

    def pop(self, key: str) -> Sequence[bytes]:
        """Give the entries under a key and forget them."""
        if self._table is None:
            return self._memory.pop(key, ())
        lines = self.get(key)
        if lines:
            self._table.execute("delete from entry where key = ?", (key,))
        return lines

    def groups(self) -> Iterator[tuple[str, list[bytes]]]:
        """Give all keys in order, each with its entries."""
        if self._table is None:
            yield from sorted(self._memory.items())
            return
        rows = self._sorted(self._table).execute("select key, line from entry order by key, seq")
        for key, entries in groupby(rows, key=itemgetter(0)):
            yield key, [line for _, line in entries]

    def close(self) -> None:
        """Let everything go."""
        self._memory.clear()
        if self._table is not None:
            self._table.close()

    def _sorted(self, table: sqlite3.Connection) -> sqlite3.Connection:
        """Index the table when it is first asked: sorting all entries once is far cheaper than placing each."""
        if not self._indexed:
            table.execute("create index entry_key on entry (key, seq)")
            self._indexed = True
        return table

    def _spill(self) -> None:
        """Move to a temporary file that SQLite deletes by itself."""
        table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        table.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -8000;"
            "create table entry (seq integer primary key, key text not null, line blob not null);"
            "begin",
        )
        flat = ((key, line) for key, lines in self._memory.items() for line in lines)
        table.executemany("insert into entry (key, line) values (?, ?)", flat)
        self._memory = {}
        self._table = table
