"""A break of the evidence chain stands until somebody accepts it: no append, restart or later reading heals it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from engine.audit import NothingToAccept, accept_breaks
from engine.breaks import Breaks, lost_end
from engine.chain import Head, link, verify
from engine.config import Config
from engine.port import EvidenceView
from engine.reread import Rereading
from engine.store import Chained, ChainKind
from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import KEY, Driven, driven

HOUR: Final = timedelta(hours=1)
UNGUARDED: Final = "DROP TRIGGER IF EXISTS chain_refuses_update; DROP TRIGGER IF EXISTS chain_refuses_delete;"
CUT: Final = "DELETE FROM chain WHERE seq > 3;"
FITTED: Final = (
    "UPDATE meta SET value = (SELECT seq || ' ' || lower (hex (hash)) FROM chain ORDER BY seq DESC LIMIT 1) "
    "WHERE key = 'chain_head';"
)
SECOND: Final = "UPDATE chain SET body = '{}' WHERE seq = 2;"
REPLACED: Final = "UPDATE chain SET body = '{}' WHERE seq = 6;"
UNREADABLE: Final = "UPDATE meta SET value = 'no head' WHERE key = 'chain_head';"
UNNOTED: Final = "DELETE FROM meta WHERE key = 'chain_head';"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteStore]:
    """Open the store of a state folder, as a start of the engine does."""
    (folder / "subject.key").write_bytes(KEY)
    store = open_sqlite(folder / "store.sqlite", subject_key=KEY, clock=lambda: NOW)
    try:
        yield store
    finally:
        await store.close()


def entries(count: int = 1) -> list[Chained]:
    """Build entries."""
    return [Chained(kind="config", body=b'{"to":"%d"}' % number) for number in range(count)]


def write(folder: Path, *scripts: str) -> None:
    """Write into the store's file as whoever owns it can."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        raw.executescript(UNGUARDED + "".join(scripts))


def added(folder: Path) -> None:
    """Put a well-made entry behind the last one, beside the engine."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw, raw:
        end = Head(*raw.execute("SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1").fetchone())
        row = link(end, "config", "2026-11-21T00:00:00Z", b"{}")
        raw.execute("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?)", (*row[:5], row.body.decode()))


def last_replaced(folder: Path) -> None:
    """Replace the last entry by a well-made one."""
    write(folder, "DELETE FROM chain WHERE seq = 6;")
    added(folder)


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        pytest.param(
            lambda folder: write(folder, CUT), "ended at entry 3, and was noted to go on to entry 6", id="cut"
        ),
        pytest.param(lambda folder: write(folder, "DELETE FROM chain;"), "ended at entry 0", id="emptied"),
        pytest.param(added, "the entries from 7 to 7 were added beside the engine", id="added"),
        pytest.param(last_replaced, "entry 6 was not the one that was noted", id="last one replaced"),
        pytest.param(lambda folder: write(folder, UNREADABLE), "cannot be read", id="note written over"),
        pytest.param(lambda folder: write(folder, UNNOTED), "the entries from 1 to 6 were added", id="note removed"),
    ],
)
async def test_a_break_is_told_by_the_next_append_and_stands(
    tmp_path: Path, tamper: Callable[[Path], None], why: str
) -> None:
    """Whoever reads it later, however long it grew, is told the end that was lost."""
    async with opened(tmp_path) as store:
        await store.append(entries(6))
    tamper(tmp_path)
    for count in (1, 600):
        async with opened(tmp_path) as store:
            await store.append(entries(count))
            found = await store.verify()
            again = await Rereading(store).whole()
            told = [entry for entry in await store.links() if entry.kind == "broken"]
            links_hold = verify(await store.links(), await store.noted_head()).first_bad is None

        assert why in found.why
        assert "controlwatch evidence accept-break" in found.why
        assert found.first_bad == again.first_bad == told[0].seq
        assert again.why == found.why
        assert len(told) == 1
        assert links_hold


async def test_the_end_that_was_lost_is_noted_beside_the_chain(tmp_path: Path) -> None:
    """So the break stands even when the entry that tells of it is cut off with the rest, and the head made to fit."""
    async with opened(tmp_path) as store:
        await store.append(entries(6))
        lost = await store.noted_head()
    write(tmp_path, CUT)
    async with opened(tmp_path) as store:
        await store.append(entries())
        noted = await store.noted_break()
    write(tmp_path, CUT, FITTED)
    async with opened(tmp_path) as store:
        found = await store.verify()
        again = await Rereading(store).whole()

    assert noted is not None
    assert (noted.entry, noted.head, noted.at) == (4, lost, "2026-11-21T05:30:00.000000Z")
    assert found.first_bad == again.first_bad == 4


@pytest.mark.parametrize("appends", [pytest.param(False, id="before an append"), pytest.param(True, id="after one")])
async def test_an_accepted_break_is_over_and_stays_in_the_chain(tmp_path: Path, *, appends: bool) -> None:
    """The chain holds again, and tells what was lost, who accepted it by a keyed hash, and why."""
    async with opened(tmp_path) as store:
        await store.append(entries(6))
    write(tmp_path, CUT)
    if appends:
        async with opened(tmp_path) as store:
            await store.append(entries())
    accepted = await accept_breaks(tmp_path, "the disk was restored", "kim")
    async with opened(tmp_path) as store:
        await store.append(entries(2))
        found = await store.verify()
        [body] = await store.bodies("accept")
        events = (await store.load()).events

        assert [item.lost.seq for item in accepted] == [6]
        assert found.first_bad is None
        assert await Rereading(store).whole() == found
        assert await store.noted_break() is None
        assert body == b'{"broken":[4],"by":"%s","reason":"the disk was restored"}' % store.hashed("kim").encode()
        assert events[0].text == "break accepted by kim: the disk was restored"


async def test_a_break_after_an_accepted_one_is_another(tmp_path: Path) -> None:
    """What was accepted once excuses nothing that comes later."""
    for turn in range(2):
        async with opened(tmp_path) as store:
            await store.append(entries(6))
        write(tmp_path, CUT if turn == 0 else "DELETE FROM chain WHERE seq > 8;")
        async with opened(tmp_path) as store:
            await store.append(entries())
            assert (await store.verify()).first_bad == (4, 9)[turn]
        if turn == 0:
            await accept_breaks(tmp_path, "a drill", "kim")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        pytest.param("", "the chain holds; there is nothing to accept", id="it holds"),
        pytest.param(REPLACED, "entry 6: entry 6 was changed", id="changed"),
        pytest.param("DELETE FROM chain WHERE seq = 2;", "entry 2: entry 2 is missing", id="missing"),
        pytest.param(f"{CUT}{SECOND}", "entry 2 was changed", id="cut and changed"),
    ],
)
async def test_what_is_no_lost_end_is_not_accepted(tmp_path: Path, tamper: str, message: str) -> None:
    """An entry that is not what it was stays so: no word beside it makes it right."""
    async with opened(tmp_path) as store:
        await store.append(entries(6))
    write(tmp_path, tamper)
    async with opened(tmp_path) as store:
        before = await store.links()

    with pytest.raises(NothingToAccept, match=message):
        await accept_breaks(tmp_path, "a reason", "kim")
    async with opened(tmp_path) as store:
        assert await store.links() == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("broken", b"{}", id="a break without its end"),
        pytest.param("broken", b'{"seq":1,"hash":"xyz","why":"?"}', id="a break whose hash is none"),
        pytest.param("broken", lost_end(Head(3, b"\1" * 32), "it was"), id="a break"),
    ],
)
async def test_whatever_an_entry_says_of_a_break_it_stands(tmp_path: Path, kind: ChainKind, body: bytes) -> None:
    """Words that cannot be read tell of a break all the same, and an acceptance of another thing accepts none."""
    async with opened(tmp_path) as store:
        await store.append([Chained(kind=kind, body=body), Chained(kind="accept", body=b'{"source":"okta-prod"}')])
        assert (await store.verify()).first_bad == 1
        assert (await Rereading(store).whole()).first_bad == 1
    write(tmp_path, "UPDATE meta SET value = '{' WHERE key = 'chain_break';")
    async with opened(tmp_path) as store:
        assert (await store.verify()).first_bad == 1


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        pytest.param(Head(6, b"\6" * 32), True, id="the same"),
        pytest.param(Head(5, b"\5" * 32), True, id="one before it that was cut off too"),
        pytest.param(Head(3, b"\3" * 32), False, id="one that is still there"),
        pytest.param(Head(7, b"\7" * 32), False, id="one behind it"),
        pytest.param(Head(6, b"\7" * 32), True, id="another of its number"),
    ],
)
def test_a_break_tells_of_what_was_cut_off_with_it(lost: Head, told: bool) -> None:  # noqa: FBT001 - a column
    """After entry 3 everything up to entry 6 was lost."""
    entry = link(Head(3, b"\3" * 32), "broken", "2026-11-21T06:00:00Z", lost_end(Head(6, b"\6" * 32), "cut"))
    breaks = Breaks()
    assert list(breaks.watched([entry])) == [entry]
    assert breaks.tell(lost) is told


# ------------------------------------------------------------------------------------------------------- in the engine


def config(folder: Path) -> Config:
    """Configure MFA coverage over one source."""
    script = Script()
    script.tell(account("ana", source="idp"), account("bea", source="idp", mfa=False, factors=()))
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])


async def after(it: Driven, step: timedelta = timedelta(0)) -> EvidenceView:
    """Let time pass, and all that is due then end."""
    await it.run(step)
    await it.engine.custody.settle()
    it.engine.publish()
    assert it.engine.snapshot is not None
    return it.engine.snapshot.evidence


@pytest.mark.parametrize(
    "fitted", [pytest.param("", id="cut off"), pytest.param(FITTED, id="and its head made to fit")]
)
async def test_a_cut_in_a_running_engine_outlasts_its_restarts(tmp_path: Path, fitted: str) -> None:
    """Told within minutes, over every restart, until it is accepted; then it holds again, in a running engine too."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        await after(it)
        await after(it, timedelta(minutes=1))
        write(estate_of.state_dir, "DELETE FROM chain WHERE seq > 1;", fitted)
        found = [await after(it, step) for step in (timedelta(minutes=1), HOUR, HOUR)]
        assert [view.chain_valid for view in found] == [False] * 3
    (estate_of.state_dir / "subject.key").write_bytes(KEY)
    for _ in range(2):
        async with driven(estate_of, clock) as it:
            views = [await after(it), await after(it, HOUR)]
            assert [view.chain_valid for view in views] == [False] * 2
            assert "accept-break" in (views[-1].chain_fault or "")
            broken = [entry for entry in await it.engine.store.links() if entry.kind == "broken"]
            assert len(broken) == 1
    async with driven(estate_of, clock) as it:
        await after(it)
        await accept_breaks(estate_of.state_dir, "a drill", "kim")
        assert (await after(it, HOUR)).chain_valid is True
    async with driven(estate_of, clock) as it:
        assert (await after(it)).chain_valid is True


async def test_a_cut_while_no_engine_ran_is_told_from_its_start(tmp_path: Path) -> None:
    """The first thing that the new engine writes does not hide it."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        await after(it)
    write(estate_of.state_dir, "DELETE FROM chain WHERE seq > 1;")
    async with driven(estate_of, clock) as it:
        found = [(await after(it, step)).chain_valid for step in (timedelta(0), HOUR, HOUR)]
        assert found == [False] * 3


async def test_a_one_shot_reads_a_chain_that_is_short(tmp_path: Path) -> None:
    """What it exposes tells whether the chain holds."""
    estate_of, clock = config(tmp_path), Clock()
    views = []
    for tampers in (False, True, False):
        async with driven(estate_of, clock) as it:
            entries_before = len(await it.engine.store.links())
            await it.engine.once(["mfa"], timedelta(seconds=30))
            assert it.engine.snapshot is not None
            views.append(it.engine.snapshot.evidence)
        if tampers:
            assert (views[-1].chain_entries or 0) >= entries_before > 0
            write(estate_of.state_dir, "UPDATE chain SET body = '{}' WHERE seq = 1;")

    assert [view.chain_valid for view in views] == [True, True, False]
    assert views[0].chain_verified_at == clock()


async def test_a_one_shot_claims_nothing_of_a_chain_that_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no time to read it, so it tells neither that it holds nor how long it is."""
    monkeypatch.setattr("engine.custody.SHORT_CHAIN", 0)
    async with driven(config(tmp_path), Clock()) as it:
        await it.engine.store.append(entries())
        await it.engine.once(["mfa"], timedelta(seconds=30))
        assert it.engine.snapshot is not None
        view = it.engine.snapshot.evidence

    assert (view.chain_valid, view.chain_verified_at, view.chain_entries) == (None, None, None)
