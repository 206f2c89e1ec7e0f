"""The chain is read again by pages, and held to every end that was seen."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.reread import PAGE, Rereading
from engine.store import Chained
from engine.store.sqlite import SqliteStore, open_sqlite

LONG = 2 * PAGE + 7
UNGUARDED = "DROP TRIGGER chain_refuses_update; DROP TRIGGER chain_refuses_delete;"
HEAD = "UPDATE meta SET value = {} WHERE key = 'chain_head';"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store whose chain is longer than two pages."""
    opened = open_sqlite(tmp_path / "store.sqlite", subject_key=b"k" * 32)
    await grow(opened, LONG)
    yield opened
    await opened.close()


async def grow(store: SqliteStore, by: int = 1) -> None:
    """Append entries."""
    await store.append([Chained(kind="config", body=b'{"to":"%d"}' % number) for number in range(by)])


def write(folder: Path, script: str) -> None:
    """Write into the file as an attacker would."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        raw.executescript(UNGUARDED + script)


async def test_a_whole_chain_holds_and_its_end_is_seen(store: SqliteStore) -> None:
    """Every page counts, and the end is the one that is noted."""
    rereading = Rereading(store)
    found = await rereading.whole()

    assert (found.entries, found.first_bad) == (LONG, None)
    assert rereading.seen == await store.noted_head()


@pytest.mark.parametrize("entry", [1, 2, PAGE, PAGE + 1, 2 * PAGE, LONG])
@pytest.mark.parametrize(
    "tamper", ["UPDATE chain SET body = '{{}}' WHERE seq = {}", "DELETE FROM chain WHERE seq = {}"]
)
async def test_tampering_is_found_on_every_page_and_border(
    store: SqliteStore, tmp_path: Path, tamper: str, entry: int
) -> None:
    """The entry is named, wherever a page ends."""
    write(tmp_path, tamper.format(entry))

    assert (await Rereading(store).whole()).first_bad == entry


async def test_what_is_appended_meanwhile_disturbs_nothing(store: SqliteStore) -> None:
    """The engine writes while it reads."""
    rereading = Rereading(store)
    reading = asyncio.ensure_future(rereading.whole())
    while not reading.done():
        await grow(store)
        await asyncio.sleep(0)

    found = await reading
    assert found.first_bad is None
    assert found.entries >= LONG
    assert await rereading.end_holds()
    assert rereading.seen == await store.noted_head()


@pytest.mark.parametrize(
    ("head", "first_bad"),
    [
        pytest.param("'no head'", 1, id="unreadable"),
        pytest.param(f"'{LONG + 3} {'00' * 32}'", LONG + 1, id="beyond the end"),
        pytest.param(f"'{LONG} {'00' * 32}'", LONG, id="of another entry"),
        pytest.param("(SELECT '5 ' || lower (hex (hash)) FROM chain WHERE seq = 5)", 6, id="before the end"),
    ],
)
async def test_a_noted_head_that_does_not_fit_is_a_fault(
    store: SqliteStore, tmp_path: Path, head: str, first_bad: int
) -> None:
    """The file's own note is believed no more than its entries."""
    write(tmp_path, HEAD.format(head))

    assert (await Rereading(store).whole()).first_bad == first_bad


@pytest.mark.parametrize("again", [pytest.param(0, id="shorter"), pytest.param(9, id="grown longer than before")])
async def test_an_end_that_was_cut_off_shows_against_the_one_that_was_seen(
    store: SqliteStore, tmp_path: Path, again: int
) -> None:
    """Nothing that is written into the file afterwards hides it, now or later."""
    rereading = Rereading(store)
    await rereading.whole()
    end = "(SELECT seq || ' ' || lower (hex (hash)) FROM chain ORDER BY seq DESC LIMIT 1)"
    write(tmp_path, f"DELETE FROM chain WHERE seq > {LONG - 4};{HEAD.format(end)}")  # noqa: S608 - of our own words
    await grow(store, again)

    assert not await rereading.end_holds()
    found = await rereading.whole()
    assert found.first_bad == (LONG if again else LONG - 3)
    assert (await Rereading(store).whole()).first_bad is None
    assert (await rereading.whole()).first_bad is not None


async def test_an_end_that_grew_wrongly_does_not_hold(store: SqliteStore, tmp_path: Path) -> None:
    """What follows the end that was seen is verified before it is seen."""
    rereading = Rereading(store)
    await rereading.whole()
    await grow(store, 3)
    write(tmp_path, f"UPDATE chain SET body = '{{}}' WHERE seq = {LONG + 2}")  # noqa: S608 - of our own words

    assert not await rereading.end_holds()


async def test_a_chain_without_an_entry_holds(tmp_path: Path) -> None:
    """There is nothing yet, and its first entries are seen as they come."""
    store = open_sqlite(tmp_path / "empty.sqlite", subject_key=b"k" * 32)
    try:
        rereading = Rereading(store)
        assert (await rereading.whole()).first_bad is None
        await grow(store, 2)
        assert await rereading.end_holds()
        assert rereading.seen.seq == 2
    finally:
        await store.close()
