"""What a screen waits for at a million findings: ``python -m bench.pages [FINDINGS]``.

Wall time of a question to the store, asked for the first time since findings changed (with its CPU time), and again.
Limits: a page in 30 ms in every order and at any place, rows before they are counted in 30 ms, a count in 300 ms. There
is no yardstick: a plain ``LIMIT … OFFSET`` is what the first row of each order does.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.common import Budgets
from checks.model.judgement import Outcome
from checks.model.result import Finding
from engine.port import Event, EventKind, EventQuery, Query
from engine.store import CheckMemory, Live
from engine.store.sqlite import SqliteStore, open_sqlite

NOW: Final = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
CHECKS: Final = ("workforce-mfa", "admin-mfa", "stale-accounts", "access-keys")
KINDS: Final = (
    (Outcome.FAIL, "no second factor is enrolled"),
    (Outcome.WARN, "only a weak factor is enrolled"),
    (Outcome.WARN, "inside the enrolment grace"),
    (Outcome.UNKNOWN, "the source may not read factors"),
)
PAGE_MS: Final = 30.0
COUNT_MS: Final = 300.0
"""Limits of a page, and of one that is counted by what matches words, a source or a reason."""
TURNS: Final = 10
"""Judgements over which the findings are first seen, the latest of them within a day."""
WAIVERS: Final = (Live(id="W-1", subjects=["okta-*"], starts=NOW, ends=NOW + timedelta(days=90)),)


def main() -> None:
    """Build the findings and print the figures, and what is over its limit; exit with 1 when anything is."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        bench = asyncio.run(measure(Path(folder), number))
    budgets = Budgets()
    bench.hold(budgets)
    budgets.leave()


async def measure(folder: Path, number: int) -> Questions:
    """Ask what screens ask."""
    store = open_sqlite(folder / "store.sqlite", subject_key=bytes(32))
    bench, began = Questions(store), time.perf_counter()
    for turn in range(TURNS):
        for check in CHECKS:
            await judge(store, check, number // len(CHECKS), turn)
    print(f"{number:,} findings stored in {time.perf_counter() - began:.0f} s, {_megabytes(folder):.0f} MB")
    await store.rows(Query(), NOW)
    for sort in ("worst", "since", "check", "source", "reason", "label"):
        for place in (0, number // 4, number // 2, number - 200):
            await bench.asked(f"by {sort}, from {place:,}", sort=sort, offset=place)
        page = await store.rows(Query(sort=sort, offset=number * 7 // 10), NOW)
        await bench.asked(f"by {sort}, around a finding", sort=sort, around=page.rows[7].id)
    for view in ("new", "waived", "all"):
        for sort in ("worst", "label"):
            await bench.asked(f"{view} by {sort}, rows soon", view=view, sort=sort, soon=True)
            await bench.asked(f"{view} by {sort}", view=view, sort=sort)
            await bench.asked(f"{view} by {sort}, the next page", view=view, sort=sort, offset=200)
        await bench.asked(f"{view}, words user12", view=view, text="user12")
    await bench.typed("user471", (await store.rows(Query(offset=number * 3 // 10), NOW)).rows[7].id)
    for words in ("u", "user", "user1", "factor"):
        await bench.asked(f"words {words}, rows before the count", text=words, soon=True)
        await bench.asked(f"words {words}", text=words)
    for words in ("user4711", "nobody", "example", "user12 !weak", "~user4[0-9]{3}@"):
        await bench.asked(f"words {words}", text=words)
    await bench.asked("words example, the middle", text="example", offset=number // 2)
    await bench.asked("of a source", source="entra")
    await bench.asked("of a reason", reason="weak")
    await bench.log(min(number, 900_000))
    await store.close()
    return bench


@dataclass(frozen=True)
class Questions:
    """What screens ask a store, and how long it took."""

    store: SqliteStore
    firsts: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Milliseconds of the first answer, and its limit."""

    def hold(self, budgets: Budgets) -> None:
        """Hold every first answer to its limit."""
        for what, (took, limit) in self.firsts.items():
            budgets.at_most(what, took, limit, "ms")

    async def typed(self, word: str, around: int) -> None:
        """Ask for a word letter by letter, about a finding, as a list does: the rows first, then their count."""
        for end in range(1, len(word) + 1):
            await self.asked(f"typed {word[:end]}, rows", text=word[:end], around=around, soon=True, times=1)
            await self.asked(f"typed {word[:end]}, counted", text=word[:end], around=around, times=1)

    async def log(self, number: int) -> None:
        """Write events, and ask for them."""
        kinds: tuple[EventKind, ...] = ("state", "source", "finding", "operator")
        for first in range(0, number, 10_000):
            at = [NOW + timedelta(seconds=first + index) for index in range(10_000)]
            lines = [
                Event(at=each, kind=kinds[i % 4], what=CHECKS[i % 4], text=f"event {i}") for i, each in enumerate(at)
            ]
            await self.store.append((), lines)
        for what, query in (
            ("events", EventQuery()),
            ("events, the last page", EventQuery(offset=number - 200)),
            ("events of a kind", EventQuery(kinds=("operator",))),
            ("events with words", EventQuery(text="4711")),
        ):
            began = time.perf_counter()
            found = await self.store.events(query)
            print(f"{what:36s} {(time.perf_counter() - began) * 1e3:9.1f} ms {'':12s} of {found.matching:,}")

    async def asked(self, what: str, *, times: int = 2, **query: Any) -> None:
        """Ask some times, and print how long each took, and the processor time of the first."""
        told: list[str] = []
        counts = not query.get("soon") and bool(query.keys() & {"text", "source", "reason"})
        matching, began_cpu = 0, time.process_time()
        for number in range(times):
            began = time.perf_counter()
            matching = (await self.store.rows(Query(**query), NOW)).matching
            took = (time.perf_counter() - began) * 1e3
            told.append(f"{took:9.1f} ms")
            if not number:
                self.firsts[what] = took, COUNT_MS if counts else PAGE_MS
                told.append(f"{(time.process_time() - began_cpu) * 1e3:9.1f} ms cpu")
        print(f"{what:36s} {' '.join(told):42s} of {matching:,}", flush=True)


async def judge(store: SqliteStore, check: str, number: int, turn: int) -> None:
    """Put a judgement through the store by which another part of the findings is first seen."""
    stage = store.stage(check, "mfa" if check.endswith("mfa") else "access")
    for page in estate(check, range(number * turn // TURNS, number * (turn + 1) // TURNS)):
        await stage.add(page)
    now = NOW - timedelta(days=TURNS - 1 - turn)
    waivers = WAIVERS if turn == TURNS - 1 else ()
    await stage.diff(now=now, complete=False, remediate_within=timedelta(0), waivers=waivers)
    await stage.commit(CheckMemory(name=check), (), ())


def estate(check: str, numbers: range) -> Iterator[list[Finding]]:
    """Build findings page by page."""
    rng = random.Random(check)
    for start in range(numbers.start, numbers.stop, 1_000):
        yield [_finding(check, index, rng) for index in range(start, min(start + 1_000, numbers.stop))]


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.glob("store.sqlite*")) / 1e6


def _finding(check: str, index: int, rng: random.Random) -> Finding:
    source = ("okta-prod", "okta-dev", "aws", "entra")[index % 4]
    outcome, reason = KINDS[rng.randrange(4)]
    serial = index * len(CHECKS) + CHECKS.index(check)
    return Finding(
        subject=f"{source}/00u{serial * 2_654_435_761 % 2**40:017d}",
        label=f"user{serial}@example.org",
        outcome=outcome,
        reason=reason,
        facts={"mfa": False, "status": "active", "activated_at": "2026-10-01T00:00:00Z"},
    )


if __name__ == "__main__":
    main()
