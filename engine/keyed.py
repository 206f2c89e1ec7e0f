"""Records by key: for overlays and groups in memory, past 100 000 in a temporary table; for joins on the disk."""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from checks.model import codec
from checks.model.known import Absent, Found, NotTold
from checks.model.records import Record

if TYPE_CHECKING:
    from engine.blobs import Unnamed

IN_MEMORY = 100_000

Keys = Callable[[Record], Sequence[str] | None]
"""The keys of a record; None of one that does not tell them."""

_BUCKETS: Final = 4_096
_TAG_BITS: Final = 24
_OFFSET_BITS: Final = 40
_OFFSET: Final = (1 << _OFFSET_BITS) - 1
_LINE: Final = 512
"""Bytes that are read at first in search of the end of a line."""


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


class Joined:
    """The records of a joined population: lines on the disk, and eight bytes a key in memory.

    An entry holds 24 bits of a key's hash and the offset of the record's line; 12 more bits choose its bucket. What is
    found by these is looked at again by the key itself, so a chance meeting of two hashes joins nothing.
    """

    def __init__(self, keys: Keys, lines: Unnamed) -> None:
        """Join by ``keys``; ``lines`` is an empty file of this index alone."""
        self._keys = keys
        self._lines = lines
        self._size = 0
        self._buckets: list[array[int] | None] = [None] * _BUCKETS
        self._sorted = bytearray(_BUCKETS)
        self._latest: tuple[int, Record] | None = None

    def put(self, records: Iterable[Record], lines: Sequence[bytes]) -> Record | None:
        """Add records with their lines, each ended by a newline; give the first record that tells no keys."""
        keys, buckets = self._keys, self._buckets
        silent: Record | None = None
        for record, offset in zip(records, accumulate(map(len, lines), initial=self._size), strict=False):
            told = keys(record)
            if told is None:
                silent = silent or record
                continue
            for key in told:
                place, entry = _entry(key, offset)
                bucket = buckets[place]
                if bucket is None:
                    buckets[place] = array("Q", (entry,))
                else:
                    bucket.append(entry)
        data = b"".join(lines)
        self._lines.write(data)
        self._size += len(data)
        self._sorted = bytearray(_BUCKETS)
        return silent

    def get(self, key: str) -> list[Record]:
        """Give the records under a key in order of arrival; empty when there are none."""
        place, entry = _entry(key, 0)
        bucket = self._buckets[place]
        if bucket is None:
            return []
        if not self._sorted[place]:
            bucket = self._buckets[place] = array("Q", sorted(set(bucket)))
            self._sorted[place] = 1
        found: list[Record] = []
        for index in range(bisect_left(bucket, entry), len(bucket)):
            if bucket[index] - entry > _OFFSET:
                break
            record = self._record(bucket[index] & _OFFSET)
            if key in (self._keys(record) or ()):
                found.append(record)
        return found

    def close(self) -> None:
        """Let everything go."""
        self._buckets = [None] * _BUCKETS
        self._lines.close()

    def _record(self, offset: int) -> Record:
        """Decode a record; several keys of one person are asked for one after the other, so the latest is kept."""
        if self._latest is not None and self._latest[0] == offset:
            return self._latest[1]
        line = self._lines.read(offset, _LINE)
        end = line.find(b"\n")
        while end < 0:
            longer = self._lines.read(offset, 4 * len(line))
            assert len(longer) > len(line), "every line was written with its end"
            line, end = longer, longer.find(b"\n")
        record = codec.decode(line[:end])
        self._latest = offset, record
        return record


class KnownJoined:
    """A join over ``Joined`` records."""

    def __init__(self, joined: Joined, doubt: NotTold | None) -> None:
        """Join over records; ``doubt`` is why absence cannot be proven."""
        self._get = joined.get
        self._absent = doubt or Absent()

    def get(self, key: str) -> Found | Absent | NotTold:
        """Look a key up."""
        records = self._get(key)
        return Found(records) if records else self._absent


def _entry(key: str, offset: int) -> tuple[int, int]:
    """Give the bucket of a key, and its entry for a record at an offset."""
    mixed = hash(key)
    return mixed & (_BUCKETS - 1), (mixed >> 12 & (1 << _TAG_BITS) - 1) << _OFFSET_BITS | offset
