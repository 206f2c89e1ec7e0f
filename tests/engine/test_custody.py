"""The evidence is watched while the engine runs: whether it can be written, how much it is, whether the chain holds."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from engine.port import EvidenceView
from engine.store import StoreError, StoreFull
from sources.common.errors import Unreachable
from tests.support.builders import account
from tests.support.custody import after, config, told
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven

HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)
"""What a write on trial waits; a source waits for three times as long."""


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


async def test_a_source_whose_run_cannot_be_kept_is_down(tmp_path: Path) -> None:
    """Nothing of what it told is there: its error says so until a run is kept. Of its own it has no fault to alert."""
    script = Script()
    script.tell(account("ana", source="idp"))
    source = source_config("idp", scripted(script), every=3 * MINUTES)
    estate_of = estate(tmp_path, [source], [check_config("mfa", "mfa_coverage", ["idp"])])
    async with driven(estate_of, Clock()) as it:
        await it.run()
        assert (it.source().last_error, it.source().complete) == (None, True)
        evidence, aside = estate_of.state_dir / "evidence", estate_of.state_dir / "aside"
        evidence.rename(aside)
        evidence.write_text("in the way")
        script.tell(account("bob", source="idp"))
        await it.run(3 * MINUTES)
        down = it.source()
        evidence.unlink()
        aside.rename(evidence)
        await it.run(3 * MINUTES)
        mended = it.source()

    assert down.last_error is not None
    assert down.last_error.startswith("evidence cannot be written: ")
    assert (down.complete, down.cause, down.failing_since) == (True, None, None)
    assert (mended.last_error, mended.complete, mended.failing_since) == (None, True, None)
