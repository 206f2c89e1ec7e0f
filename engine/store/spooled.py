"""A judgement on its way into the store: marks in memory, then in a table, the findings in a file without a name.

A *mark* is a keyed hash of a finding as it stands, with the alarm that it raises. A finding whose mark is already among
the open ones has not changed, so a judgement costs one hash and one short row a finding, and only what changed is
looked at again. Memory is bounded by the batch; a crash leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from checks.model.judgement import Outcome, Scalar
from checks.model.result import Finding
from engine.store import NO_ALARM, Raises
from engine.store.opening import connect
from engine.store.queries import Sql

HASH_BYTES: Final = 16
IN_MEMORY: Final = 100_000
"""Marks that are compared in memory, some 12 MB; past it a temporary table takes them, at four times the time."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final[msgspec.json.Decoder[Finding]] = msgspec.json.Decoder(Finding)

ChangeRow = tuple[bytes, str, str, str, str, str, str, str | None, bool, bytes, str | None, bytes | None]
"""Subject's hash, subject, label, source, outcome, reason, facts, cause, urgent, mark, alarm, what it is raised for."""


def hasher(key: bytes) -> Callable[[bytes], bytes]:
    """Give the keyed hash that stands for subjects and people: BLAKE2b, 16 bytes."""
    start = hashlib.blake2b(key=key[: hashlib.blake2b.MAX_KEY_SIZE], digest_size=HASH_BYTES).copy

    def hashed(data: bytes) -> bytes:
        state = start()
        state.update(data)
        return state.digest()

    return hashed


@dataclass(frozen=True, slots=True)
class _Batch:
    """Where the lines of consecutive marks lie in the file."""

    first: int
    """Row of the first mark, from 1."""
    offset: int
    length: int


class Spooled:
    """The findings of one judgement; used by the writing thread alone."""

    def __init__(
        self,
        path: Path,
        sql: Sql,
        hashed: Callable[[bytes], bytes],
        limit: int = IN_MEMORY,
        raises: Raises = NO_ALARM,
    ) -> None:
        """Begin, with up to ``limit`` marks in memory; raises ``sqlite3.Error`` or ``OSError``."""
        self.connection: sqlite3.Connection = connect(path, durable=True)
        self._sql = sql
        self._hashed = hashed
        self._raises = raises
        self._file: BinaryIO | None = None
        self._folder = path.parent
        self._batches: list[_Batch] = []
        self._rows = 0
        self._size = 0
        self._limit = limit
        self._marks: dict[bytes, int] | None = {}
        """Mark to row; None once they are in the table."""
        self.connection.executescript(sql["tables"])

    def add(self, findings: Sequence[Finding]) -> None:
        """Stage a batch; a carried finding leaves only the hash of the subject that it holds."""
        stands = [finding for finding in findings if not finding.carried]
        if len(stands) < len(findings):
            held = [(self._hashed(finding.subject.encode()),) for finding in findings if finding.carried]
            self._write_rows("add held", held)
        if stands:
            lines = _ENCODER.encode_lines(stands)
            first = self._rows + 1
            self._note(dict(zip(self._marked(stands, lines.splitlines()), itertools.count(first), strict=False)))
            self._write(lines)
            self._batches.append(_Batch(first, self._size, len(lines)))
            self._rows += len(stands)
            self._size += len(lines)

    def remember(self, passing: Sequence[str]) -> None:
        """Stage the subjects that passed."""
        rows = [(self._hashed(subject.encode()), subject.partition("/")[0]) for subject in passing]
        self._write_rows("add passer", rows)

    def find_changes(self, check: int) -> None:
        """Find what is staged and not open as it stands (candidates), and what is open and not staged so (absent)."""
        self.connection.execute(self._sql["index held"])
        if self._marks is None:
            self.connection.execute(self._sql["index marks"])
            self.connection.execute(self._sql["find candidates"], {"check": check})
            self.connection.execute(self._sql["find absent"], {"check": check})
            return
        left = dict(self._marks)
        absent: list[tuple[int]] = []
        for finding, mark in self.connection.execute(self._sql["open marks"], {"check": check}):
            if left.pop(mark, None) is None:
                absent.append((finding,))
        self.connection.executemany(self._sql["add absent"], absent)
        self.connection.executemany(self._sql["add candidate"], [(row,) for row in left.values()])

    def changes(self) -> Iterator[ChangeRow]:
        """Give the findings that the candidates name, in order of arrival."""
        rows = (row for (row,) in self.connection.execute(self._sql["candidates"]))
        firsts = [batch.first for batch in self._batches]
        for number, group in itertools.groupby(rows, key=lambda row: bisect_right(firsts, row) - 1):
            batch = self._batches[number]
            lines = self._read(batch).splitlines()
            for row in group:
                yield self._change(lines[row - batch.first])

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()
        if self._file is not None:
            self._file.close()

    def _change(self, line: bytes) -> ChangeRow:
        finding = _DECODER.decode(line)
        alarm = self._alarm(finding) if self._raises.reasons else None
        return (
            self._hashed(finding.subject.encode()),
            finding.subject,
            finding.label,
            finding.subject.partition("/")[0],
            finding.outcome.value,
            finding.reason,
            _ENCODER.encode(finding.facts).decode(),
            finding.cause,
            finding.urgent,
            self._hashed(line) if alarm is None else self._mark(line, alarm),
            alarm,
            None if alarm is None else self._hashed(_ENCODER.encode(self._raised_for(finding))),
        )

    def _marked(self, findings: Sequence[Finding], lines: Sequence[bytes]) -> Iterable[bytes]:
        """Mark findings; where no failure raises an alarm, by their lines alone."""
        if not self._raises.reasons:
            return map(self._hashed, lines)
        return map(self._mark, lines, map(self._alarm, findings))

    def _mark(self, line: bytes, alarm: str | None) -> bytes:
        return self._hashed(line if alarm is None else b"%s %s" % (line, alarm.encode()))

    def _alarm(self, finding: Finding) -> str | None:
        """Tell the alarm that a finding raises by its reason."""
        return self._raises.reasons.get(finding.reason) if finding.outcome is Outcome.FAIL else None

    def _raised_for(self, finding: Finding) -> tuple[str, list[Scalar]]:
        """Tell what raises the alarm: another reason, or another fact of those that renew it, raises it anew."""
        return finding.reason, [finding.facts.get(name) for name in sorted(self._raises.renews)]

    def _note(self, marks: dict[bytes, int]) -> None:
        """Keep marks, in memory while there is room."""
        if self._marks is None:
            self._write_rows("add mark", marks.items())
            return
        self._marks.update(marks)
        if len(self._marks) > self._limit:
            self._write_rows("add mark", self._marks.items())
            self._marks = None

    def _write_rows(self, statement: str, rows: Iterable[tuple[bytes] | tuple[bytes, int] | tuple[bytes, str]]) -> None:
        self.connection.execute("BEGIN")
        self.connection.executemany(self._sql[statement], rows)
        self.connection.execute("COMMIT")

    def _write(self, lines: bytes) -> None:
        if self._file is None:
            # It names people, so it lies in the state folder, and has no name from the start.
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - ``close`` closes it
        left = memoryview(lines)
        while left:
            left = left[self._file.write(left) :]

    def _read(self, batch: _Batch) -> bytes:
        assert self._file is not None
        return os.pread(self._file.fileno(), batch.length, batch.offset)
