"""Records are spooled to a blob as they arrive, one per id: an equal repetition is merged, an unequal one is doubt."""

from __future__ import annotations

import sqlite3
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
    from engine.config import Classify

IN_MEMORY = 100_000


class Seen:
    """Ids that have arrived, each with a hash of what arrived under it; memory is bounded."""

    def __init__(self, limit: int = IN_MEMORY) -> None:
        """Keep up to ``limit`` ids in memory, then go on in a temporary table."""
        self._limit = limit
        self._memory: dict[int, int] = {}
        self._table: sqlite3.Connection | None = None
        self._batch = 0

    def add(self, pairs: Sequence[tuple[int, int]]) -> dict[int, bool]:
        """Note (id, content) pairs; return the positions of repeated ids, each with whether the content is equal."""
        if self._table is None:
            repeated = _note(pairs, self._memory)
            if len(self._memory) > self._limit:
                self._spill()
            return repeated
        self._batch += 1
        rows = [(key, content, self._batch) for key, content in pairs]
        before = self._table.total_changes
        self._table.executemany("insert or ignore into seen values (?, ?, ?)", rows)
        return {} if self._table.total_changes - before == len(rows) else self._repeated(pairs)

    def close(self) -> None:
        """Let everything go."""
        self._memory = {}
        if self._table is not None:
            self._table.close()

    def _repeated(self, pairs: Sequence[tuple[int, int]]) -> dict[int, bool]:
        """Find the repeated ids of a batch in which some were ignored."""
        assert self._table is not None
        earlier: dict[int, int] = {}
        for key, _ in pairs:
            query = "select content from seen where key = ? and batch < ?"
            row = self._table.execute(query, (key, self._batch)).fetchone()
            if row is not None:
                earlier[key] = row[0]
        return _note(pairs, earlier)

    def _spill(self) -> None:
        table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        table.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -16000;"
            "create table seen (key integer primary key, content integer not null, batch integer not null); begin",
        )
        table.executemany("insert into seen values (?, ?, 0)", self._memory.items())
        self._memory = {}
        self._table = table


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
        lines: list[bytes] = []
        pairs: list[tuple[int, int]] = []
        tags: list[str] = []
        for told in records:
            record = _classified(told, self._rules) if self._rules and isinstance(told, Account) else told
            if not record.id or record.source != self.source:
                message = f"a {type(record).__name__} without an id, or of another source"
                raise ValueError(message)
            line = codec.encode(record)
            tag = tag_of(type(record))
            lines.append(line)
            tags.append(tag)
            pairs.append((hash((tag, record.id)), hash(line)))
        repeated = self._seen.add(pairs)
        if repeated:
            self._doubt(records, repeated)
            lines = [line for index, line in enumerate(lines) if index not in repeated]
            tags = [tag for index, tag in enumerate(tags) if index not in repeated]
        self.kept.update(tags)
        if lines:
            self._spool.write(b"\n".join(lines) + b"\n")

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


def _note(pairs: Sequence[tuple[int, int]], known: dict[int, int]) -> dict[int, bool]:
    """Add pairs to what is known; return the positions that were known, each with whether the content is equal."""
    repeated: dict[int, bool] = {}
    for index, (key, content) in enumerate(pairs):
        earlier = known.get(key)
        if earlier is None:
            known[key] = content
        else:
            repeated[index] = earlier == content
    return repeated


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
