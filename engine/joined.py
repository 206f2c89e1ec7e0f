"""Records by key, for joins: their lines, which past some size lie on the disk, and an index of eight bytes a key."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final

from checks.model import codec
from checks.model.known import Absent, Found, NotTold
from checks.model.records import Record

if TYPE_CHECKING:
    from engine.blobs import Unnamed

Keys = Callable[[Record], Sequence[str] | None]
"""The keys of a record; None of one that does not tell them."""

_BUCKETS: Final = 1 << 12
_PLACE: Final = _BUCKETS - 1
_TAG: Final = (1 << 24) - 1 << 12
"""The bits of a hash that an entry holds; those below chose its bucket."""
_TAG_SHIFT: Final = 28
_OFFSET: Final = (1 << 40) - 1
"""The bits of an entry that hold an offset: a terabyte."""


class Joined:
    """The records of a joined population: their lines, and eight bytes a key.

    An entry holds 24 bits of a key's hash and the offset of the record's line; 12 more bits choose its bucket. What is
    found by these is looked at again by the key itself, so a chance meeting of two hashes joins nothing.
    """

    def __init__(self, keys: Keys, lines: Unnamed) -> None:
        """Join by ``keys``; ``lines`` is an empty file of this index alone."""
        self._keys = keys
        self._lines = lines
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self._sorted: list[array[int] | None] = [None] * _BUCKETS
        self._asked = False
        self._latest = -1
        self._found = Found(())
        self._told: Sequence[str] = ()
        """The offset of the one record that was found last, how it is given, and its keys."""

    def put(self, records: Iterable[Record], lines: Sequence[bytes]) -> Record | None:
        """Add records with their lines, each ended by a newline; give the first record that tells no keys."""
        keys, buckets = self._keys, self._buckets
        silent: Record | None = None
        for record, offset in zip(records, accumulate(map(len, lines), initial=self._lines.size), strict=False):
            told = keys(record)
            if told is None:
                silent = silent or record
                continue
            for key in told:
                mixed = hash(key)
                buckets[mixed & _PLACE].append((mixed & _TAG) << _TAG_SHIFT | offset)
        if self._asked:
            self._sorted, self._asked = [None] * _BUCKETS, False
        data = b"".join(lines)
        assert not data or data.endswith(b"\n"), "a line is found by its offset, and ends where the next begins"
        self._lines.write(data)
        return silent

    def get(self, key: str) -> Found | None:
        """Give the records under a key in order of arrival; None when there are none."""
        mixed = hash(key)
        bucket = self._sorted[mixed & _PLACE]
        if bucket is None:
            bucket = self._sort(mixed & _PLACE)
        entry = (mixed & _TAG) << _TAG_SHIFT
        first = bisect_left(bucket, entry)
        if first == len(bucket) or (offset := bucket[first] ^ entry) > _OFFSET:
            return None
        if first + 1 < len(bucket) and bucket[first + 1] ^ entry <= _OFFSET:
            return self._several(key, bucket, entry, first)
        if offset != self._latest:  # A person's keys are asked for one after the other.
            record = codec.decode(self._lines.line(offset))
            self._latest, self._found, self._told = offset, Found((record,)), self._keys(record) or ()
        return self._found if key in self._told else None

    def close(self) -> None:
        """Let everything go."""
        self._buckets, self._sorted = [], []
        self._lines.close()

    def _sort(self, place: int) -> array[int]:
        """Sort a bucket when it is first asked; a key that a record tells twice counts once."""
        bucket = self._sorted[place] = array("Q", sorted(set(self._buckets[place])))
        self._buckets[place] = bucket
        self._asked = True
        return bucket

    def _several(self, key: str, bucket: array[int], entry: int, first: int) -> Found | None:
        """Look at all records whose entries fit, and give those that tell the key."""
        found: list[Record] = []
        for fitting in islice(bucket, first, None):
            if fitting ^ entry > _OFFSET:
                break
            record = codec.decode(self._lines.line(fitting ^ entry))
            if key in (self._keys(record) or ()):
                found.append(record)
        return Found(found) if found else None


class KnownJoined:
    """A join over ``Joined`` records."""

    def __init__(self, joined: Joined, doubt: NotTold | None) -> None:
        """Join over records; ``doubt`` is why absence cannot be proven."""
        self._get = joined.get
        self._absent = doubt or Absent()

    def get(self, key: str) -> Found | Absent | NotTold:
        """Look a key up."""
        return self._get(key) or self._absent
