"""The chain is read again while the engine runs: what was done to it shows, and what cannot be read does not hold."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.state import State
from engine import custody
from engine.chain import Head, verify
from tests.support.custody import UNGUARDED, after, config, told, write
from tests.support.estate import Clock
from tests.support.running import driven

HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)
"""What a write on trial waits; a source waits for three times as long."""


@pytest.mark.parametrize(
    ("tamper", "mend", "fault"),
    [
        pytest.param(
            "UPDATE chain SET body = replace (body, 'fail', 'pass') WHERE kind = 'transition'",
            "UPDATE chain SET body = replace (body, 'pass', 'fail') WHERE kind = 'transition'",
            "was changed",
            id="changed",
        ),
        pytest.param(
            "CREATE TABLE aside AS SELECT * FROM chain; DELETE FROM chain WHERE seq = 2",
            "INSERT INTO chain SELECT * FROM aside WHERE seq = 2",
            "is missing",
            id="removed",
        ),
    ],
)
async def test_an_entry_that_was_tampered_with_is_told_once_and_its_mending_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, tamper: str, mend: str, fault: str
) -> None:
    """Within the hour the chain is told broken, in an event and a line of the log; it grows on meanwhile."""
    estate_of = config(tmp_path)
    with caplog.at_level(logging.INFO, "engine.custody"):
        async with driven(estate_of, Clock()) as it:
            await after(it)
            write(estate_of, UNGUARDED, tamper)
            broken = [(await after(it, HOUR)).evidence for _ in range(3)]
            grown = len(await it.engine.store.links())
            write(estate_of, mend)
            mended = [(await after(it, HOUR)).evidence for _ in range(2)]

            assert {view.chain_valid for view in broken} == {False}
            assert fault in (broken[-1].chain_fault or "")
            assert (broken[-1].chain_entries or 0) < grown
            assert broken[-1].failing_since is None
            assert it.state() is State.FAIL
            assert [(view.chain_valid, view.chain_fault) for view in mended] == [(True, None)] * 2
            assert (mended[-1].chain_entries or 0) > grown
            events = told(it.engine, "evidence chain")

    assert events == [broken[0].chain_fault, "holds again"]
    assert [record.message.split()[0] for record in caplog.records] == ["chain=broken", "chain=holds"]


CUT = "DELETE FROM chain WHERE seq > 1;"
FITTED = """
UPDATE meta SET value = (SELECT seq || ' ' || lower (hex (hash)) FROM chain WHERE seq = 1) WHERE key = 'chain_head';
"""


@pytest.mark.parametrize("grows", [pytest.param(False, id="still"), pytest.param(True, id="grown again")])
async def test_an_end_that_was_cut_off_shows_within_minutes(tmp_path: Path, *, grows: bool) -> None:
    """The end that was seen lies in memory: making the file's own noted head fit hides nothing."""
    estate_of = config(tmp_path)
    async with driven(estate_of, Clock()) as it:
        await after(it)
        await after(it, timedelta(minutes=1))
        write(estate_of, UNGUARDED, CUT, FITTED)
        assert verify(await it.engine.store.links(), await it.engine.store.noted_head()).first_bad is None
        if grows:
            it.engine.run_now("idp")
        snapshot = await after(it, timedelta(minutes=2))

        assert snapshot.evidence.chain_valid is False
        assert len(told(it.engine, "evidence chain")) == 1


async def test_a_chain_that_cannot_be_read_does_not_hold(tmp_path: Path) -> None:
    """What was written over it is a fault of the chain, never of the engine; it is not called read."""
    estate_of = config(tmp_path)
    async with driven(estate_of, Clock()) as it:
        before = (await after(it)).evidence
        write(estate_of, UNGUARDED, "UPDATE chain SET kind = CAST (x'ff' AS TEXT) WHERE seq = 1")
        evidence = (await after(it, HOUR)).evidence

        assert evidence.chain_valid is False
        assert evidence.chain_verified_at == before.chain_verified_at
        assert "cannot be read" in (evidence.chain_fault or "")


async def test_a_fault_of_ours_is_no_proof_that_the_chain_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks the reading shows as a chain that cannot be read, and reading it again ends that."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        real = it.engine.store.noted_head

        async def broken() -> Head:
            message = "a fault of ours"
            raise TypeError(message)

        monkeypatch.setattr(it.engine.store, "noted_head", broken)
        snapshot = await after(it, HOUR)
        assert snapshot.evidence.chain_valid is False
        assert snapshot.evidence.chain_fault == "cannot be read: TypeError: a fault of ours"

        monkeypatch.setattr(it.engine.store, "noted_head", real)
        assert (await after(it, HOUR)).evidence.chain_valid is True


async def test_a_watch_that_does_not_end_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs is told once as a chain that cannot be read and as evidence that cannot be written."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        monkeypatch.setattr(custody, "STUCK_SECONDS", 0.0)
        hanging = asyncio.Event()
        monkeypatch.setattr(it.engine.store, "touch", hanging.wait)
        await it.run(MINUTES)
        await it.run(timedelta(seconds=1))
        await it.run(timedelta(seconds=1))
        snapshot = it.engine.snapshot
        assert snapshot is not None
        assert (snapshot.evidence.chain_valid, snapshot.evidence_failures) == (False, 1)
        assert "within an hour" in (snapshot.evidence_error or "")
        assert len(told(it.engine, "evidence chain")) == 1
        hanging.set()
        assert (await after(it, HOUR)).evidence.chain_valid is True


async def test_a_clock_that_was_turned_back_stops_no_watch(tmp_path: Path) -> None:
    """What was planned by a clock that ran ahead is done at once."""
    clock = Clock()
    async with driven(config(tmp_path), clock) as it:
        clock.move(timedelta(days=3_650))
        await after(it)
        clock.move(-timedelta(days=3_650))
        snapshot = await after(it)

        assert snapshot.evidence.chain_verified_at == clock()
