"""The evidence is watched while the engine runs: whether it can be written, how much it is, whether the chain holds."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.state import State
from engine import custody
from engine.chain import Head, verify
from engine.config import Config
from engine.engine import Engine
from engine.port import EvidenceView, Snapshot
from engine.store import StoreError, StoreFull
from sources.common.errors import Unreachable
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)
"""What a write on trial waits; a source waits for three times as long."""
UNGUARDED = "DROP TRIGGER chain_refuses_update; DROP TRIGGER chain_refuses_delete;"


def config(folder: Path) -> Config:
    """Configure MFA coverage over one source that tells an account without a second factor."""
    script = Script()
    script.tell(account("ana", source="idp"), account("bea", source="idp", mfa=False, factors=()))
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])


async def after(it: Driven, step: timedelta = timedelta(0)) -> Snapshot:
    """Let time pass, and all that is due then end."""
    await it.run(step)
    await it.engine.custody.settle()
    it.engine.publish()
    assert it.engine.snapshot is not None
    return it.engine.snapshot


def write(config: Config, *scripts: str) -> None:
    """Write into the store's file as whoever owns it can."""
    with closing(sqlite3.connect(config.state_dir / "store.sqlite")) as raw:
        raw.executescript("".join(scripts))


def told(engine: Engine, what: str) -> list[str]:
    """Give what events of the engine said of one thing, oldest first."""
    return [event.text for event in reversed(engine.events) if (event.kind, event.what) == ("engine", what)]


async def test_evidence_is_measured_and_its_chain_read_from_the_start(tmp_path: Path) -> None:
    """Before the first reading nothing is claimed; then size, entries and instant are told."""
    async with driven(config(tmp_path), Clock()) as it:
        assert it.engine.snapshot is not None
        assert it.engine.snapshot.evidence == EvidenceView()
        snapshot = await after(it)
        seen = (await after(it, HOUR)).evidence
        entries = len(await it.engine.store.links())

    assert (snapshot.evidence.chain_valid, snapshot.evidence.chain_fault) == (True, None)
    assert snapshot.evidence.chain_verified_at == it.clock() - HOUR
    assert (seen.chain_verified_at, seen.chain_entries) == (it.clock(), entries)
    assert seen.bytes is not None
    assert seen.bytes > 0
    assert seen.writes >= snapshot.evidence.writes > 0


async def test_writes_are_dated_and_only_grow(tmp_path: Path) -> None:
    """Every write that succeeds is counted with its instant."""
    async with driven(config(tmp_path), Clock()) as it:
        first = (await after(it)).evidence
        second = (await after(it, HOUR)).evidence

    assert second.writes > first.writes
    assert second.written_at == it.clock()
    assert second.failing_since is None


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


async def test_a_disk_that_fails_shows_without_a_run_and_so_does_its_recovery(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Since when writing fails stays told until the first write that succeeds; both are told once."""
    estate_of = config(tmp_path)
    evidence, aside = estate_of.state_dir / "evidence", estate_of.state_dir / "aside"
    with caplog.at_level(logging.INFO, "engine.custody"):
        async with driven(estate_of, Clock()) as it:
            good = await after(it)
            evidence.rename(aside)
            evidence.write_text("in the way")
            failing = [await after(it, MINUTES) for _ in range(2)]
            evidence.unlink()
            aside.rename(evidence)
            mended = await after(it, MINUTES)

            since = it.clock() - 2 * MINUTES
            assert [view.evidence.failing_since for view in failing] == [since, since]
            assert [view.evidence_failures for view in failing] == [1, 2]
            assert failing[1].evidence_error is not None
            assert failing[1].evidence.writes == good.evidence.writes
            assert (mended.evidence.failing_since, mended.evidence_error, mended.evidence_failures) == (None, None, 2)
            assert mended.evidence.writes > good.evidence.writes
            assert told(it.engine, "evidence") == [failing[0].evidence_error, "written again"]
    assert [record.message.split()[0] for record in caplog.records] == ["evidence=failed", "evidence=written"]


async def test_a_failure_from_the_start_is_dated_by_the_last_write_before_it(tmp_path: Path) -> None:
    """A process that is started anew every hour on a full disk is one failure, not one an hour."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        await after(it)
        written = clock()
    for hours in (1, 2):
        clock.move(HOUR)
        async with driven(estate_of, clock) as it:
            it.engine.written(StoreFull("no space"))
            it.engine.publish()
            assert it.engine.snapshot is not None
            assert it.engine.snapshot.evidence.failing_since == written == clock() - hours * HOUR
    async with driven(estate_of, clock) as it:
        it.engine.written(None)
        it.engine.written(StoreFull("no space"))
        it.engine.publish()
        assert it.engine.snapshot is not None
        assert it.engine.snapshot.evidence.failing_since == clock()


async def test_a_failure_from_the_first_start_is_dated_by_itself(tmp_path: Path) -> None:
    """Nothing was ever written, and a clock that was turned back dates nothing ahead."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        it.engine.written(StoreFull("no space"))
        assert it.engine.custody.view.failing_since == clock()
        it.engine.written(None)
        await after(it)
    clock.move(-HOUR)
    async with driven(estate_of, clock) as it:
        it.engine.written(StoreFull("no space"))
        assert it.engine.custody.view.failing_since == clock()


async def test_a_write_on_trial_leaves_nothing_behind(tmp_path: Path) -> None:
    """No blob and no entry of the chain comes of it."""
    estate_of = config(tmp_path)
    async with driven(estate_of, Clock()) as it:
        before = await after(it)
        entries, blobs = await it.engine.store.links(), sorted((estate_of.state_dir / "evidence").rglob("*.gz"))
        snapshot = await after(it, MINUTES)

        assert snapshot.evidence.writes == before.evidence.writes + 1
        assert await it.engine.store.links() == entries
        assert sorted((estate_of.state_dir / "evidence").rglob("*.gz")) == blobs


@pytest.mark.parametrize(
    ("error", "mended"),
    [
        pytest.param(StoreFull("no space"), True, id="full"),
        pytest.param(StoreError("the table of sources is damaged"), False, id="damage elsewhere"),
    ],
)
async def test_a_trial_mends_only_what_it_would_have_shown(tmp_path: Path, error: StoreError, *, mended: bool) -> None:
    """A trial that does not touch what fails cannot call it well; the next real write can."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        it.engine.written(error)
        snapshot = await after(it, MINUTES)
        assert (snapshot.evidence_error is None) is mended
        snapshot = await after(it, HOUR)

        assert (snapshot.evidence_error, snapshot.evidence.failing_since) == (None, None)


async def test_a_writer_that_could_not_keep_its_work_is_no_better_for_the_writes_of_others(tmp_path: Path) -> None:
    """A disk that has room for little is not well: neither trials nor small writes end what a large one found."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        since = it.clock()
        it.engine.written(StoreFull("no space for 40 MB"), "source elsewhere")
        it.engine.written(None)
        snapshot = await after(it, HOUR)
        assert (snapshot.evidence_error, snapshot.evidence.failing_since) == ("no space for 40 MB", since)
        assert told(it.engine, "evidence") == ["no space for 40 MB"]

        it.engine.written(None, "source elsewhere")
        snapshot = await after(it)
        assert (snapshot.evidence_error, snapshot.evidence.failing_since) == (None, None)


async def test_a_writer_that_is_no_more_ends_its_failure(tmp_path: Path) -> None:
    """A source that is taken out of the configuration cannot fail for ever."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        it.engine.written(StoreFull("no space"), "source gone")
        await it.engine.adopt(it.engine.config)
        snapshot = await after(it, HOUR)

        assert snapshot.evidence_error is None


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


async def test_judgements_are_counted_and_dated(tmp_path: Path) -> None:
    """An attempt that fails is counted as one and moves no date; a check that is judged after a run says so."""
    estate_of = config(tmp_path)
    async with driven(estate_of, Clock()) as it:
        assert (it.check().judged_at, it.check().judgements) == (None, 0)
        await after(it)
        first = it.check()
        [blob] = list((estate_of.state_dir / "evidence").glob("*/*.gz"))
        whole = blob.read_bytes()
        blob.write_bytes(whole[:-9] + b"\0" * 9)
        it.engine.doings.due_checks.add("mfa")
        await after(it, MINUTES)
        second = it.check()
        blob.write_bytes(whole)
        await after(it, HOUR)
        third = it.check()

        assert (first.judgements, first.judgement_failures, first.judged_at) == (1, 0, it.clock() - HOUR - MINUTES)
        assert first.judging_seconds is not None
        assert (second.judgements, second.judgement_failures, second.judged_at) == (2, 1, first.judged_at)
        assert (third.judgements, third.judgement_failures, third.judged_at) == (3, 1, it.clock())
        completed = it.source().completed_at
        assert completed is not None
        assert third.judged_at is not None
        assert third.judged_at >= completed


async def test_a_check_that_waits_to_be_judged_again_is_judged_as_of_before(tmp_path: Path) -> None:
    """Between a run's end and the judgement of what it told, nobody may take the last one for a newer one."""
    async with driven(config(tmp_path), Clock()) as it:
        await after(it)
        it.engine.doings.due_checks.add("mfa")
        it.engine.publish()
        completed, judged = it.source().completed_at, it.check().judged_at

        assert completed is not None
        assert judged is not None
        assert judged < completed


async def test_a_judgement_is_dated_after_a_restart_too(tmp_path: Path) -> None:
    """A check that was judged before the start was judged; its counts begin anew."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        await after(it)
        judged = it.check().judged_at
    async with driven(estate_of, clock) as it:
        it.engine.doings.due_checks.clear()
        it.engine.publish()

        assert (it.check().judged_at, it.check().judgements) == (judged, 0)


async def test_what_a_source_met_is_shown_and_outlasts_its_removal(tmp_path: Path) -> None:
    """Counts only grow within a process, also when a source goes and comes back."""
    estate_of = config(tmp_path)
    async with driven(estate_of, Clock()) as it:
        await after(it)
        it.engine.runner.doing("idp").traffic.requests = 7
        runs = it.source().runs
        gone = estate(tmp_path, [], [])
        await it.engine.adopt(gone)
        await it.engine.adopt(estate_of)
        await after(it, timedelta(seconds=2))

        assert it.source().requests == 7
        assert it.source().runs == runs + 1


async def test_a_configuration_is_dated_when_it_comes_into_force(tmp_path: Path) -> None:
    """The start counts, and every reload that was accepted."""
    estate_of, clock = config(tmp_path), Clock()
    async with driven(estate_of, clock) as it:
        assert it.engine.snapshot is not None
        assert it.engine.snapshot.config_loaded_at == clock()
        clock.move(HOUR)
        await it.engine.adopt(estate_of)
        it.engine.publish()

        assert it.engine.snapshot.config_loaded_at == clock()


async def test_a_failing_source_is_no_failing_evidence(tmp_path: Path) -> None:
    """A run that ends early is written like any other."""
    script = Script(error=Unreachable("idp: no answer"))
    source = source_config("idp", scripted(script))
    async with driven(estate(tmp_path, [source], [check_config("mfa", "mfa_coverage", ["idp"])]), Clock()) as it:
        snapshot = await after(it)

        assert (snapshot.evidence_error, snapshot.evidence_failures) == (None, 0)
        assert snapshot.evidence.writes > 0
