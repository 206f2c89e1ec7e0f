"""Records are spooled to a blob as they arrive, one per id: an equal repetition is merged, an unequal one is doubt."""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from checks.model import codec
from checks.model.doubt import Cause, Gap
from checks.model.records import Account, Record, tag_of

if TYPE_CHECKING:
    from engine.blobs import Blob, Spool
    from engine.settings import Classify

IN_MEMORY = 1_300_000
"""Ids that are kept in memory, in 32 MB; past it a temporary table takes them, at four times the time."""
_SMALL = 1 << 13
_FULL = 0.625
"""The share of slots that may be taken: beyond it a search for a free one grows long."""


class Seen:
    """Ids that have arrived, each with a hash of what arrived under it; memory is bounded.

    In memory they lie in a table of slots, an id in the first free one from where its hash points: a dictionary of as
    many takes six times the memory.
    """

    def __init__(self, limit: int = IN_MEMORY) -> None:
        """Keep up to ``limit`` ids in memory, then go on in a temporary table."""
        self._limit = limit
        self._ids, self._contents = _slots(_SMALL), _slots(_SMALL)
        self._count = 0
        self._table: sqlite3.Connection | None = None
        self._batch = 0

    def add(self, keys: Sequence[int], contents: Sequence[int]) -> dict[int, bool]:
        """Note ids with their contents; return the positions of repeated ids, each with whether the content is equal.

        Both are hashes of 64 bits, and no key is 0. Two ids with one hash would be taken for one that came twice.
        """
        if self._table is None:
            if self._count + len(keys) > self._limit:
                self._spill()
            else:
                self._make_room(len(keys))
                return self._note(keys, contents)
        assert self._table is not None
        self._batch += 1
        rows = [(key, content, self._batch) for key, content in zip(keys, contents, strict=True)]
        before = self._table.total_changes
        self._table.executemany("insert or ignore into seen values (?, ?, ?)", rows)
        return {} if self._table.total_changes - before == len(rows) else self._repeated(keys, contents)

    def close(self) -> None:
        """Let everything go."""
        self._ids, self._contents, self._count = _slots(_SMALL), _slots(_SMALL), 0
        if self._table is not None:
            self._table.close()

    def _note(self, keys: Sequence[int], contents: Sequence[int]) -> dict[int, bool]:
        ids, mask = self._ids, len(self._ids) - 1
        repeated: dict[int, bool] = {}
        for index, key in enumerate(keys):
            slot = key & mask
            while held := ids[slot]:
                if held == key:
                    repeated[index] = self._contents[slot] == contents[index]
                    break
                slot = (slot + 1) & mask
            else:
                ids[slot] = key
                self._contents[slot] = contents[index]
        self._count += len(keys) - len(repeated)
        return repeated

    def _make_room(self, more: int) -> None:
        """Grow by a factor of four, so that few ids move more than twice."""
        size = len(self._ids)
        while self._count + more > size * _FULL:
            size *= 4
        if size == len(self._ids):
            return
        ids, contents, self._ids, self._contents = self._ids, self._contents, _slots(size), _slots(size)
        self._count = 0
        for start in range(0, len(ids), _SMALL):
            part = ids[start : start + _SMALL]
            held = [slot for slot, key in enumerate(part, start) if key]
            self._note([ids[slot] for slot in held], [contents[slot] for slot in held])

    def _repeated(self, keys: Sequence[int], contents: Sequence[int]) -> dict[int, bool]:
        """Find the repeated ids of a batch in which some were ignored."""
        assert self._table is not None
        earlier: dict[int, int] = {}
        repeated: dict[int, bool] = {}
        query = "select content from seen where key = ? and batch < ?"
        for index, (key, content) in enumerate(zip(keys, contents, strict=True)):
            row = self._table.execute(query, (key, self._batch)).fetchone()
            if row is not None:
                earlier[key] = row[0]
            if key in earlier:
                repeated[index] = earlier[key] == content
            else:
                earlier[key] = content
        return repeated

    def _spill(self) -> None:
        table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        table.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -16000;"
            "create table seen (key integer primary key, content integer not null, batch integer not null); begin",
        )
        held = ((key, content) for key, content in zip(self._ids, self._contents, strict=True) if key)
        table.executemany("insert into seen values (?, ?, 0)", sorted(held))
        self._ids, self._contents = _slots(_SMALL), _slots(_SMALL)
        self._table = table


def _slots(count: int) -> array[int]:
    return array("q", bytes(8 * count))


class Spooler:
    """The records of one collection on their way into a blob."""

    def __init__(self, source: str, spool: Spool, rules: Sequence[Classify] = ()) -> None:
        """Spool the records of one source; ``rules`` tell the class of accounts."""
        self.source = source
        self._spool = spool
        self._rules = rules
        self._seen = Seen()
        self.read = 0
        self.merged = 0
        self.kept: Counter[str] = Counter()
        self.gaps: dict[Gap, None] = {}

    def add(self, records: Sequence[Record]) -> None:
        """Spool one page; raises ``ValueError`` on a record without identity or of another source."""
        self.read += len(records)
        if self._rules:
            records = [_classified(told, self._rules) if isinstance(told, Account) else told for told in records]
        source = self.source
        for record in records:
            if not record.id or record.source != source:
                message = f"a {type(record).__name__} without an id, or of another source"
                raise ValueError(message)
        data = codec.encode_lines(records)
        lines = data.splitlines(keepends=True)  # JSON escapes what would break a line.
        kinds = list(map(type, records))
        keys = [hash((kind, record.id)) or 1 for kind, record in zip(kinds, records, strict=True)]
        repeated = self._seen.add(keys, list(map(hash, lines)))
        if repeated:
            self._doubt(records, repeated)
            data = b"".join(line for index, line in enumerate(lines) if index not in repeated)
            kinds = [kind for index, kind in enumerate(kinds) if index not in repeated]
        for kind, count in Counter(kinds).items():
            self.kept[tag_of(kind)] += count
        if data:
            self._spool.write(data)

    def commit(self) -> Blob:
        """Make the blob durable."""
        self._seen.close()
        return self._spool.commit()

    def abort(self) -> None:
        """Forget the blob."""
        self._seen.close()
        self._spool.abort()

    def _doubt(self, records: Sequence[Record], repeated: dict[int, bool]) -> None:
        """Merge equal repetitions; of unequal ones keep the first, and say that the population is doubtful."""
        self.merged += sum(repeated.values())
        unequal = [records[index].id for index, equal in repeated.items() if not equal]
        if unequal:
            detail = f"the id {unequal[0]!r} came twice with different content; the list moved while it was read"
            gap = Gap(source=self.source, cause=Cause.MALFORMED, kind="members", detail=detail)
            if not any(known.cause is Cause.MALFORMED for known in self.gaps):
                self.gaps[gap] = None


def _classified(account: Account, rules: Sequence[Classify]) -> Account:
    """Tell the class of an account by the first rule that matches."""
    for rule in rules:
        if _matches(account, rule):
            basis = f"rule:{rule.reason}"
            if rule.klass == "privileged":
                return msgspec.structs.replace(account, privileged=True, klass_basis=basis)
            return msgspec.structs.replace(account, klass=rule.klass, klass_basis=basis)
    return account


def _matches(account: Account, rule: Classify) -> bool:
    for name, pattern in rule.match.items():
        value = getattr(account, "label" if name == "login" else name, None)
        values = value if isinstance(value, tuple) else (value,)
        if not any(item is not None and fnmatchcase(str(item).lower(), pattern.lower()) for item in values):
            return False
    return True
