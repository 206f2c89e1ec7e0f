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

import msgspec
import pytest

from checks.model.judgement import Outcome
from engine.port import Query, Row
from engine.store import Live, QueryRefused, Store, StoreError, lookup, rows, soon, writer
from engine.store.writer import Readers
from tests.engine.store.conftest import Opener
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
    {"text": "example"},
    {"text": "!user1 example"},
    {"text": "factor user"},
    {"text": "!weak"},
    {"reason": "weak"},
    {"reason_is": REASONS[1], "text": "user1"},
    {"reason_is": REASONS[2], "check": "mfa-1"},
    {"check": "mfa-1", "source": "ldap"},
    {"checks": ("mfa-0", "mfa-1"), "outcomes": (Outcome.FAIL, Outcome.WARN)},
    {"view": "all", "text": "USER2"},
    {"view": "new"},
    {"view": "new", "text": "user1"},
    {"view": "waived"},
    {"view": "waived", "text": "factor user", "source": "ldap"},
    {"view": "resolved"},
    {"family": "mfa", "text": "user1"},
    {"family": "mfa", "view": "new"},
)
WAIVERS = [
    Live(id="W-1", subjects=["okta/*"], starts=NOW, ends=NOW + timedelta(days=2)),
    Live(id="W-2", subjects=["ldap/3*"], starts=NOW, ends=NOW + timedelta(hours=30)),
]


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
        await judge(store, found[5:], NOW, waivers=WAIVERS, check=f"mfa-{number}")
    return store


def ids(found: Sequence[Row]) -> list[int]:
    """Name findings."""
    return [row.id for row in found]


@pytest.mark.parametrize(
    ("ordered", "walked", "share", "narrowed"),
    [
        pytest.param(50_000, 20_000, 0.6, 20_000, id="in order at once, among those found before"),
        pytest.param(50_000, 20_000, 1, -1, id="in order at once, among subjects"),
        pytest.param(50_000, 20_000, 0, -1, id="in order at once, among findings"),
        pytest.param(0, 20_000, 1, -1, id="walked to, counted among subjects"),
        pytest.param(0, 20_000, 0, -1, id="walked to, counted among findings"),
        pytest.param(0, -1, 0.6, -1, id="in a long order"),
    ],
)
async def test_pages_are_the_same_however_they_are_found(
    many: Store, monkeypatch: pytest.MonkeyPatch, ordered: int, walked: int, share: float, narrowed: int
) -> None:
    """Of every query, in every order: the pages, places and counts that a plain list gives."""
    monkeypatch.setattr(rows, "ORDERED", ordered)
    monkeypatch.setattr(rows, "WALKED_BY_LABEL", walked)
    monkeypatch.setattr(rows, "WALKED_BY_WORDS", walked)
    monkeypatch.setattr(rows, "NARROWED", narrowed)
    monkeypatch.setattr(rows, "MOST_SHARE", share)
    monkeypatch.setattr(lookup, "MOST_SHARE", share)
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


@pytest.mark.parametrize(
    ("text", "other", "implied"),
    [
        ("user12", "user1", True),
        ("USER12 weak", "user1", True),
        ("user1 weak", "weak", True),
        ("user", "", True),
        ("user1 !weak", "!weak", True),
        ("~user[0-9] a", "~user[0-9]", True),
        ("user", "user1", False),
        ("", "user", False),
        ("!user12", "!user1", False),
        ("!weak", "weak", False),
        ("~user12", "user1", False),
        ("éa", "É", False),
    ],
)
def test_words_imply_others(text: str, other: str, implied: bool) -> None:  # noqa: FBT001 - a column of the table
    """A longer word, or one word more, finds no finding that was not found before."""
    assert lookup.implies(text, other) is implied


async def test_rows_that_are_told_soon_are_those_of_the_list(many: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """About any finding, in every order: its neighbours without a hole, before anything is counted."""
    monkeypatch.setattr(rows, "ORDERED", 0)
    monkeypatch.setattr(soon, "LEAST_SHARE", 0)
    monkeypatch.setattr(soon, "SOON_SECONDS", 60)
    plain = CannedPort(None, (await many.rows(Query(view="all", limit=999), NOW)).rows)
    for asked, sort, reverse in product(QUERIES, SORTS, (False, True)):
        query: dict[str, Any] = {**asked, "sort": sort, "reverse": reverse}
        await many.rows(Query(**{**query, "text": "", "reason": "", "reason_is": "", "outcomes": ()}), NOW)
        expected = ids((await plain.rows(Query(**query, limit=999))).rows)
        for place in (0, 3, len(expected) // 2, len(expected) - 1):
            found = await many.rows(Query(**query, around=expected[place], limit=8, soon=True), NOW)
            if found.counted:
                assert (found.place, found.matching) == (place, len(expected))
                continue
            assert found.place == min(4, place)
            first = place - found.place
            assert ids(found.rows) == expected[first : first + len(found.rows)]
            assert (found.offset, found.matching, found.total) == (0, len(found.rows), len(found.rows))


async def test_the_first_rows_are_told_soon_while_the_count_is_not_known(
    many: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the words are counted the whole answer comes at once; that none matches is told by a count alone."""
    monkeypatch.setattr(rows, "ORDERED", 0)
    whole = await many.rows(Query(), NOW)
    query = Query(text="user1", limit=5, soon=True)
    early = await many.rows(query, NOW)
    counted = await many.rows(Query(text="user1", limit=5), NOW)
    assert (early.counted, ids(early.rows)) == (False, ids(counted.rows))
    assert await many.rows(query, NOW) == counted
    assert (await many.rows(Query(limit=5, soon=True), NOW)).matching == whole.matching
    nobody = await many.rows(Query(text="nobody", soon=True), NOW)
    assert (nobody.counted, nobody.matching, nobody.total) == (True, 0, whole.matching)


async def test_rows_that_are_not_found_soon_are_counted(many: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its time the search for the first rows ends, and the whole answer is given."""
    monkeypatch.setattr(rows, "ORDERED", 0)
    monkeypatch.setattr(soon, "SOON_SECONDS", -1)
    monkeypatch.setattr(writer, "LOOK_EVERY", 1)
    await many.rows(Query(), NOW)
    found = await many.rows(Query(text="user1", limit=5, soon=True), NOW)
    assert found.counted
    assert found == await many.rows(Query(text="user1", limit=5), NOW)


async def test_an_order_that_is_kept_follows_a_write(many: Store) -> None:
    """What was found before the next judgement is forgotten with it."""
    query = Query(text="user1", sort="label", check="mfa-1")
    before = await many.rows(query, NOW)
    await judge(many, [], NOW, check="mfa-1")
    after = await many.rows(query, NOW)
    assert (before.matching > 0, after.matching, ids(after.rows)) == (True, 0, [])


@pytest.mark.parametrize("ordered", [50_000, 0], ids=["in order", "walked to"])
async def test_what_is_kept_of_a_view_ends_when_time_changes_it(
    many: Store, opener: Opener, monkeypatch: pytest.MonkeyPatch, ordered: int
) -> None:
    """At each instant, back and forth over every edge: what a store that was just opened finds."""
    monkeypatch.setattr(rows, "ORDERED", ordered)
    tick, hour = timedelta(microseconds=1), timedelta(hours=1)
    edges = [edge + step for edge in (0 * hour, 24 * hour, 30 * hour, 48 * hour) for step in (-tick, 0 * tick, tick)]
    for since in [*edges, *edges[::-2], *edges[::3]]:
        fresh = opener()
        views: tuple[dict[str, Any], ...] = ({"view": "new"}, {"view": "waived"}, {"waived": True})
        extras: tuple[dict[str, Any], ...] = ({}, {"text": "user1"}, {"offset": 3, "limit": 4})
        for asked, sort in product(views, SORTS):
            for extra in extras:
                query = Query(**asked, sort=sort, **extra)
                expected = await fresh.rows(query, NOW + since)
                assert await many.rows(query, NOW + since) == expected, (since, query)
        await fresh.close()


@pytest.mark.parametrize(("between", "by_label"), [(7, 5), (999, 5), (-1, 5), (7, -1), (40, 40)])
async def test_pages_are_walked_to_from_any_that_are_known(
    many: Store, monkeypatch: pytest.MonkeyPatch, between: int, by_label: int
) -> None:
    """Pages of any size, forward, back and about any finding, each after any other."""
    monkeypatch.setattr(rows, "ORDERED", 0)
    monkeypatch.setattr(rows, "WALKED_BETWEEN", between)
    monkeypatch.setattr(rows, "WALKED_BY_LABEL", by_label)
    rng = random.Random(between)
    plain = CannedPort(None, (await many.rows(Query(view="all", limit=999), NOW)).rows)
    for sort, reverse, view in product(SORTS, (False, True), ("open", "new", "waived")):
        asked: dict[str, Any] = {"sort": sort, "reverse": reverse, "view": view}
        listed = Query(**asked)
        expected = ids((await plain.rows(msgspec.structs.replace(listed, limit=999))).rows)
        for _ in range(12):
            place, limit = rng.randrange(len(expected)), rng.randrange(1, 9)
            around = rng.choice((None, expected[place]))
            page = await many.rows(msgspec.structs.replace(listed, offset=place, around=around, limit=limit), NOW)
            first = place if around is None else place - place % limit
            assert (page.place, page.offset) == (None if around is None else place, first)
            assert ids(page.rows) == expected[first : first + limit]
            assert page.matching == len(expected)


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


async def test_a_question_that_is_given_up_ends_without_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is interrupted where it stands, and only it: what its thread is asked next runs to its end."""
    monkeypatch.setattr(writer, "LOOK_EVERY", 2**31 - 1)
    readers = Readers(_database(tmp_path))
    for _ in range(8):
        asked = [asyncio.ensure_future(readers.run(lambda reader: reader.execute(ENDLESS).fetchone())) for _ in "ab"]
        await asyncio.sleep(0.02)
        for question in asked:
            question.cancel()
        wanted = [readers.run(lambda reader: reader.execute("SELECT 7").fetchone()) for _ in "abc"]
        assert await asyncio.wait_for(asyncio.gather(*wanted), 30) == [(7,), (7,), (7,)]
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
