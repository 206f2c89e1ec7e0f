"""However a page is found, walked to or cut from an order, it is the same page."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from checks.model.judgement import Outcome
from engine.port import Query, Row
from engine.store import QueryRefused, Store, StoreError, rows
from engine.store.writer import Readers
from tests.support.clock import NOW
from tests.support.estates import CannedPort
from tests.support.judging import finding, judge

SORTS = get_args(get_type_hints(Query)["sort"])
REASONS = ("no second factor", "a factor is weak", "not told")
OUTCOMES = (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN)
QUERIES: tuple[dict[str, Any], ...] = (
    {},
    {"text": "user1"},
    {"text": "factor !weak ~[13579]@"},
    {"reason": "weak"},
    {"check": "mfa-1", "source": "ldap"},
    {"checks": ("mfa-0", "mfa-1"), "outcomes": (Outcome.FAIL, Outcome.WARN)},
    {"view": "all", "text": "USER2"},
    {"view": "new"},
)


@pytest.fixture
async def many(store: Store) -> Store:
    """Give a store with some hundred findings of three checks and two sources, some resolved, labels in any case."""
    rng = random.Random(7)
    for number in range(3):
        found = [
            finding(
                str(index),
                subject=f"{rng.choice(('okta', 'ldap'))}/{index}",
                label=f"{rng.choice(('user', 'User'))}{index % 40}@example.org",
                outcome=OUTCOMES[index % 3],
                reason=REASONS[rng.randrange(3)],
                urgent=index % 7 == 0,
            )
            for index in range(60)
        ]
        for days in (2, 1, 0):
            part = found[: 60 - 15 * days]
            await judge(store, part, NOW - days * timedelta(days=1), check=f"mfa-{number}")
        await judge(store, found[5:], NOW, check=f"mfa-{number}")
    return store


def ids(found: Sequence[Row]) -> list[int]:
    """Name findings."""
    return [row.id for row in found]


@pytest.mark.parametrize(
    ("ordered", "walked"),
    [
        pytest.param(50_000, 20_000, id="in order at once"),
        pytest.param(0, 20_000, id="walked to"),
        pytest.param(0, -1, id="in a long order"),
    ],
)
async def test_pages_are_the_same_however_they_are_found(
    many: Store, monkeypatch: pytest.MonkeyPatch, ordered: int, walked: int
) -> None:
    """Of every query, in every order: the pages, places and counts that a plain list gives."""
    monkeypatch.setattr(rows, "ORDERED", ordered)
    monkeypatch.setattr(rows, "WALKED_BY_LABEL", walked)
    monkeypatch.setattr(rows, "WALKED_BY_WORDS", walked)
    everything = await many.rows(Query(view="all", limit=999), NOW)
    plain = CannedPort(None, everything.rows)
    for asked, sort, reverse in product(QUERIES, SORTS, (False, True)):
        query: dict[str, Any] = {**asked, "sort": sort, "reverse": reverse}
        expected = await plain.rows(Query(**query, limit=999))
        places = (0, expected.matching // 2, expected.matching - 1)
        for place in places:
            around = expected.rows[place].id
            page = await many.rows(Query(**query, around=around, limit=7), NOW)
            first = place - place % 7
            assert (query, page.place, page.offset) == (query, place, first)
            assert ids(page.rows) == ids(expected.rows[first : first + 7])
            by_offset = await many.rows(Query(**query, offset=first, limit=7), NOW)
            assert ids(by_offset.rows) == ids(page.rows)
            assert (by_offset.matching, by_offset.total) == (expected.matching, expected.total)


async def test_an_order_that_is_kept_follows_a_write(many: Store) -> None:
    """What was found before the next judgement is forgotten with it."""
    query = Query(text="user1", sort="label", check="mfa-1")
    before = await many.rows(query, NOW)
    await judge(many, [], NOW, check="mfa-1")
    after = await many.rows(query, NOW)
    assert (before.matching > 0, after.matching, ids(after.rows)) == (True, 0, [])


ENDLESS = "WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more) SELECT count(*) FROM more"


async def test_a_question_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    """It ends at its time, by itself, with what to do; the next one is answered."""
    readers = Readers(_database(tmp_path))
    with pytest.raises(QueryRefused, match=r"longer than 0.05 s; ask for less"):
        await readers.run(lambda reader: reader.execute(ENDLESS).fetchone(), 0.05)
    assert await readers.run(lambda reader: reader.execute("SELECT 7").fetchone()) == (7,)
    await readers.close()


async def test_a_question_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    """All threads are free again soon after their questions were given up, so that the store can close."""
    readers = Readers(_database(tmp_path))
    asked = [asyncio.ensure_future(readers.run(lambda reader: reader.execute(ENDLESS).fetchone())) for _ in range(5)]
    await asyncio.sleep(0.1)
    for question in asked:
        question.cancel()
    assert await asyncio.wait_for(readers.run(lambda reader: reader.execute("SELECT 7").fetchone()), 30) == (7,)
    await readers.close()


async def test_a_fault_of_its_own_is_told_as_it_is(tmp_path: Path) -> None:
    """A question in time that the database cannot answer is no question that took too long."""
    readers = Readers(_database(tmp_path))
    with pytest.raises(StoreError, match="no such table") as told:
        await readers.run(lambda reader: reader.execute("SELECT 1 FROM absent").fetchone(), 30)
    assert not isinstance(told.value, QueryRefused)
    await readers.close()


def _database(folder: Path) -> Path:
    path = folder / "empty.sqlite"
    sqlite3.connect(path).close()
    return path
