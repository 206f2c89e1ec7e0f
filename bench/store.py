"""The store and the evidence, side by side with named yardsticks: ``.venv/bin/python bench/store.py [findings]``.

Figures are CPU time of the whole process and wall time beside it; of the diff, the best of three. The diff's yardstick
writes every finding at every judgement, ``INSERT … ON CONFLICT DO UPDATE`` by ``executemany``, then resolves what it
did not touch. It keeps one table with one index, no history, no evidence, no due dates, and names people in its rows.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import itertools
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from checks.model.codec import encode_lines
from checks.model.judgement import Outcome
from checks.model.records import Account, Factor
from checks.model.result import Finding
from engine.blobs import FolderBlobs
from engine.chain import Head, Link, link, verify
from engine.port import Query
from engine.store import CheckMemory, Diff
from engine.store.sqlite import SqliteStore, open_sqlite

NOW: Final = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
PAGE: Final = 1_000
ROUNDS: Final = 3

NAIVE_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE findings (
  check_name TEXT, subject TEXT, label TEXT, outcome TEXT, reason TEXT, facts TEXT,
  first_seen INTEGER, last_seen INTEGER, resolved_at INTEGER,
  PRIMARY KEY (check_name, subject)
) WITHOUT ROWID;
"""
NAIVE_UPSERT: Final = """
INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT DO UPDATE SET
  label = excluded.label, outcome = excluded.outcome, reason = excluded.reason, facts = excluded.facts,
  last_seen = excluded.last_seen, resolved_at = NULL
"""

Took = tuple[float, float]
"""Seconds of CPU, seconds of wall time."""


def main() -> None:
    """Run every bench and print the figures."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
        asyncio.run(findings(Path(folder), number))
        chain(number)
        blobs(Path(folder), number)


async def findings(folder: Path, number: int) -> None:
    """Bench the diff against the yardstick, and the first page of what it stored."""
    store = open_sqlite(folder / "store.sqlite", subject_key=bytes(32))
    naive = Naive(folder / "naive.sqlite")
    ours_first = await _timed(lambda: judged(store, _estate(number, 0), NOW))
    naive_first = _clocked(lambda: naive.judge(_estate(number, 0), 0))
    ours: list[Took] = []
    theirs: list[Took] = []
    for turn in range(1, ROUNDS + 1):
        pages = _estate(number, turn)
        ours.append(await _timed(partial(judged, store, pages, NOW + timedelta(hours=turn))))
        theirs.append(_clocked(partial(naive.judge, pages, turn)))
    _line(f"first judgement of {number:,} findings", ours_first, naive_first)
    _line("diff, 2 % opened, 2 % resolved", min(ours), min(theirs))
    same = _estate(number, ROUNDS)
    ours_same = await _timed(lambda: judged(store, same, NOW + timedelta(hours=9)))
    _line("diff, nothing changed", ours_same, _clocked(lambda: naive.judge(same, 9)))
    _line("first page, worst first, counted", await _timed(lambda: store.rows(Query(), NOW)))
    _line("first page again", await _timed(lambda: store.rows(Query(), NOW)))
    _line("last page", await _timed(lambda: store.rows(Query(offset=number - 200), NOW)))
    _line("first page by label", await _timed(lambda: store.rows(Query(sort="label"), NOW)))
    _line("first page by reason", await _timed(lambda: store.rows(Query(sort="reason"), NOW)))
    _line("search for one of them", await _timed(lambda: store.rows(Query(text="user4711"), NOW)))
    await store.close()
    naive.close()
    print(f"{'size on disk':40s} {_megabytes(folder, 'store'):9.1f} MB, yardstick {_megabytes(folder, 'naive'):.1f} MB")


async def judged(store: SqliteStore, pages: Sequence[Sequence[Finding]], now: datetime) -> Diff:
    """Put one complete judgement through the store."""
    stage = store.stage("workforce-mfa", "mfa")
    for page in pages:
        await stage.add(page)
    diff = await stage.diff(now=now, complete=True, remediate_within=timedelta(0), waivers=())
    await stage.commit(CheckMemory(name="workforce-mfa"), (), ())
    return diff


class Naive:
    """The yardstick: everything is written every time."""

    def __init__(self, path: Path) -> None:
        """Make one table with one index."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(NAIVE_SCHEMA)

    def judge(self, pages: Sequence[Sequence[Finding]], now: int) -> None:
        """Upsert all, then resolve the rest."""
        rows = (
            ("workforce-mfa", item.subject, item.label, item.outcome, item.reason, json.dumps(item.facts), now, now)
            for item in itertools.chain.from_iterable(pages)
        )
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(NAIVE_UPSERT, rows)
        self._db.execute("UPDATE findings SET resolved_at = ? WHERE last_seen < ? AND resolved_at IS NULL", (now, now))
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def chain(number: int) -> None:
    """Bench linking and verifying against hashing the bare bodies."""
    bodies = [f'{{"check":"workforce-mfa","number":{index}}}'.encode() for index in range(number)]
    links: list[Link] = []

    def build() -> None:
        links.clear()
        head = Head()
        for body in bodies:
            links.append(link(head, "finding", "2026-11-21T05:30:00.000000Z", body))
            head = Head(links[-1].seq, links[-1].hash)

    yardstick = _clocked(lambda: [hashlib.sha256(body).digest() for body in bodies])
    _line(f"chain, {number:,} entries linked", _clocked(build), yardstick)
    _line(f"chain, {number:,} entries verified", _clocked(lambda: verify(links)), yardstick)


def blobs(folder: Path, number: int) -> None:
    """Bench a spooled collection against the gzip module fed record by record."""
    pages = [encode_lines(_accounts(first)) for first in range(0, number, 200)]
    store = FolderBlobs(folder / "blobs")
    store.sweep()

    def ours() -> None:
        spool = store.spool()
        for page in pages:
            spool.write(page)
        spool.commit()

    def plain() -> None:
        seen = hashlib.sha256()
        with gzip.open(folder / "plain.gz", "wb", compresslevel=1) as file:
            for page in pages:
                for line in page.splitlines(keepends=True):
                    seen.update(line)
                    file.write(line)

    size = sum(map(len, pages))
    _line(f"blob of {number:,} records ({size / number:.0f} B each)", _clocked(ours), _clocked(plain))
    digest = f"sha256:{hashlib.sha256(b''.join(pages)).hexdigest()}"
    _line("blob read and verified", _clocked(lambda: store.verify(digest)))


def _estate(number: int, turn: int) -> list[list[Finding]]:
    """Build pages of findings; each turn 2 % are gone and 2 % are new, in an order of its own."""
    first = turn * number // 50
    ids = list(range(first, first + number))
    random.Random(turn).shuffle(ids)
    made = [_finding(index) for index in ids]
    gc.freeze()  # A daemon's findings live for one page; here they wait in memory, and would be walked again and again.
    return [made[start : start + PAGE] for start in range(0, number, PAGE)]


def _finding(index: int) -> Finding:
    return Finding(
        subject=f"okta-prod/00u{index * 2_654_435_761 % 2**40:017d}",
        label=f"user{index}@example.org",
        outcome=Outcome.FAIL,
        reason="no second factor is enrolled",
        facts={"mfa": False, "status": "active", "activated_at": "2026-10-01T00:00:00Z"},
    )


def _accounts(first: int) -> list[Account]:
    rng = random.Random(first)
    return [
        Account(
            id=f"00u{rng.getrandbits(80):017x}",
            source="okta-prod",
            label=f"user{index}@example.org",
            keys=(f"e{index}", f"user{index}@example.org"),
            status="active",
            klass="human",
            klass_basis="provider",
            privileged=False,
            created_at=NOW - timedelta(seconds=rng.randrange(10**8)),
            mfa=True,
            factors=(Factor("webauthn", "phishing_resistant"),),
            last_seen_at=NOW - timedelta(seconds=rng.randrange(10**6)),
            activity_basis="success",
        )
        for index in range(first, first + 200)
    ]


async def _timed(work: Callable[[], Coroutine[Any, Any, object]]) -> Took:
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _clocked(work: Callable[[], object]) -> Took:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _megabytes(folder: Path, name: str) -> float:
    return sum(file.stat().st_size for file in folder.glob(f"{name}.sqlite*")) / 1e6


def _line(what: str, ours: Took, yardstick: Took | None = None) -> None:
    text = f"{what:40s} {ours[0] * 1e3:9.1f} ms CPU {ours[1] * 1e3:9.1f} ms wall"
    if yardstick is not None:
        text += f"   yardstick {yardstick[0] * 1e3:9.1f} ms CPU {yardstick[1] * 1e3:9.1f} ms wall"
        text += f"   ratio {ours[0] / yardstick[0]:.2f}"
    print(text)


if __name__ == "__main__":
    main()
