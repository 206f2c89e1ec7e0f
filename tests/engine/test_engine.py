"""The engine keeps the promise over time: outages, partial answers, shrinkage, restarts, faults of its own."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Judgement
from checks.model.state import State
from engine.desk import Desk
from engine.port import Pause, Query
from engine.store import StoreError, StoreFull
from sources.common.errors import Refused, Unreachable
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.mfa import bare, enrolled, no_reload, one_check
from tests.support.running import driven

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=16)


async def test_a_complete_population_that_holds_is_pass(tmp_path: Path) -> None:
    """Ten enrolled accounts, read to the end, are a pass with its counts and its evidence."""
    script = Script()
    script.tell(*enrolled(10))
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()

        assert it.state() is State.PASS
        assert it.check().tally.population == 10
        assert it.check().evidence


async def test_an_outage_is_one_blind_source_and_no_blind_check_until_max_age(tmp_path: Path) -> None:
    """While the last complete collection is fresh its verdict stands; past max_age it is stale; all is told once."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(10), bare("bea"))
    async with driven(one_check(tmp_path, script, min_coverage=0.5), clock) as it:
        await it.run()
        before = it.state()
        script.pages, script.error = [], Unreachable("idp: no answer")
        for _ in range(4):
            await it.run(QUARTER)

        assert it.state() is before is State.PASS
        assert it.source().last_error == "idp: no answer"
        assert it.source().cause is Cause.UNREACHABLE
        assert it.texts("source") == ["idp: no answer"]
        await it.run(timedelta(hours=24))
        assert it.state() is State.STALE
        blind = it.check().blind_by
        assert blind is not None
        assert (blind.source, blind.cause) == ("idp", Cause.UNREACHABLE)
        assert it.check().was is not None
        script.tell(*enrolled(10), bare("bea"))
        await it.run(QUARTER)
        assert it.state() is State.PASS
        assert it.texts("source") == ["idp: no answer", "complete again"]
        assert [row.subject for row in await it.findings()] == ["idp/bea"]


async def test_a_source_that_never_completed_is_unknown_with_its_cause(tmp_path: Path) -> None:
    """A refusal at the first run is unknown, never pending and never a pass."""
    script = Script(error=Refused("idp: GET /users: 403; grant users.read"))
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()

        assert it.state() is State.UNKNOWN
        blind = it.check().blind_by
        assert blind is not None
        assert (blind.source, blind.cause) == ("idp", Cause.DENIED)


async def test_a_check_is_pending_before_its_first_collection_and_unknown_when_none_comes(tmp_path: Path) -> None:
    """Pending has an end: past max_age a check that was never attempted is unknown."""
    clock = Clock()
    async with driven(one_check(tmp_path, Script()), clock) as it:
        assert it.state() is State.PENDING
        clock.move(timedelta(hours=25))
        assert it.state() is State.UNKNOWN


async def test_state_ages_and_first_sight_survive_a_restart(tmp_path: Path) -> None:
    """A new engine over the same folder shows the same state, since when, and the findings' first sight."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(3), bare("bea"))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        since, [row] = it.check().state_since, await it.findings()
    clock.move(HOUR)
    script.pages, script.error = [], Unreachable("idp: gone")
    async with driven(config, clock) as it:
        assert it.state() is State.FAIL
        assert it.check().state_since == since
        assert it.source().records == 4
        await it.run()
        assert [found.first_seen for found in await it.findings()] == [row.first_seen]


async def test_a_failure_survives_staleness(tmp_path: Path) -> None:
    """Nobody may show a pass past valid_until; a fail stays a fail, last seen then."""
    script, clock = Script(), Clock()
    script.tell(bare("bea"))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        script.pages, script.error = [], Unreachable("idp: gone")
        await it.run(timedelta(days=3))

        assert it.state() is State.FAIL


async def test_a_failure_inside_remediate_within_is_warned_until_it_is_due(tmp_path: Path) -> None:
    """The due date is frozen at first sight, and the clock alone turns the warning into a fail."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(3), bare("bea"))
    async with driven(one_check(tmp_path, script, remediate_within=timedelta(hours=6)), clock) as it:
        await it.run()
        assert it.state() is State.WARN
        await it.run(timedelta(hours=5))
        assert it.state() is State.WARN
        await it.run(timedelta(hours=2))

        assert it.state() is State.FAIL


async def test_a_finding_that_comes_back_is_a_regression(tmp_path: Path) -> None:
    """Resolved by being judged again, opened again with its count of returns."""
    script, clock = Script(), Clock()
    async with driven(one_check(tmp_path, script), clock) as it:
        for there in (True, False, True):
            script.tell(*enrolled(3), bare("bea") if there else account("bea", source="idp"))
            await it.run(QUARTER)

        [row] = await it.findings()
        assert row.regressions == 1


async def test_a_judge_that_raises_leaves_its_subjects_unknown(tmp_path: Path) -> None:
    """A crash in a check is doubt about every subject, never an empty list of findings."""

    def broken(*_arguments: object) -> Judgement:
        raise ZeroDivisionError

    script = Script()
    script.tell(*enrolled(3))
    config = one_check(tmp_path, script)
    mfa = config.checks["mfa"]
    broken_check = dataclasses.replace(mfa, check=dataclasses.replace(mfa.check, judge=broken))
    async with driven(dataclasses.replace(config, checks={"mfa": broken_check}), Clock()) as it:
        await it.run()

        assert it.state() is State.UNKNOWN
        assert it.check().tally.unknown == 3


async def test_a_blob_that_was_changed_makes_its_checks_unknown(tmp_path: Path) -> None:
    """Evidence that is not what its digest names is not judged."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(3))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        [blob] = list((config.state_dir / "evidence").glob("*/*.gz"))
        blob.write_bytes(blob.read_bytes()[:-9] + b"\0" * 9)
        it.engine.doings.due_checks.add("mfa")
        await it.run(HOUR - timedelta(minutes=50))

        assert it.state() is State.UNKNOWN
        blind = it.check().blind_by
        assert blind is not None
        assert blind.cause is Cause.INTERNAL


async def test_a_hanging_source_cannot_hold_a_one_shot_beyond_its_deadline(tmp_path: Path) -> None:
    """However short that is, its check is unknown, and the source is told as not reached."""
    config = one_check(tmp_path, Script(hang=asyncio.Event()))
    async with driven(config, Clock()) as it:
        async with asyncio.timeout(60):
            await it.engine.once(["mfa"], timedelta(seconds=0.3))

        assert it.state() is State.UNKNOWN
        assert it.source().cause is Cause.UNREACHABLE


async def test_a_hanging_source_takes_no_other_with_it(tmp_path: Path) -> None:
    """The check that waits for it is unknown, and the other one is judged."""
    slow, quick = Script(hang=asyncio.Event()), Script()
    quick.tell(account("ana", source="quick"))
    config = estate(
        tmp_path,
        [source_config("idp", scripted(slow), timeout=timedelta(seconds=0.3)), source_config("quick", scripted(quick))],
        [check_config("mfa", "mfa_coverage", ["idp"]), check_config("other", "mfa_coverage", ["quick"])],
    )
    async with driven(config, Clock()) as it:
        async with asyncio.timeout(60):
            await it.engine.once(["mfa", "other"], timedelta(seconds=10))

        assert it.state("mfa") is State.UNKNOWN
        assert it.state("other") is State.PASS
        assert it.source("idp").cause is Cause.UNREACHABLE


async def test_a_removed_check_is_retired_and_never_resolved(tmp_path: Path) -> None:
    """Its findings leave the open view without being called resolved."""
    script = Script()
    script.tell(bare("bea"))
    config = one_check(tmp_path, script)
    async with driven(config, Clock()) as it:
        await it.run()
        await it.engine.adopt(dataclasses.replace(config, checks={}))
        it.engine.publish()

        assert it.engine.snapshot is not None
        assert it.engine.snapshot.checks == []
        resolved = await it.engine.store.rows(Query(view="resolved"), it.clock())
        assert resolved.matching == 0


async def test_a_changed_source_starts_a_new_baseline(tmp_path: Path) -> None:
    """Another configuration of a source may rightly see fewer subjects; that it changed is evidence."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(100))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        changed = dataclasses.replace(config.sources["idp"], digest="sha256:other")
        await it.engine.adopt(dataclasses.replace(config, sources={"idp": changed}))
        it.engine.publish()
        assert it.state() is State.UNKNOWN
        script.tell(*enrolled(20))
        await it.run(timedelta(seconds=2))
        await it.run(timedelta(seconds=2))

        assert it.state() is State.PASS
        assert it.source().complete


async def test_what_a_source_told_under_another_configuration_proves_nothing(tmp_path: Path) -> None:
    """When the changed source cannot be asked, its checks are unknown: an old answer was to another question."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(10))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        changed = dataclasses.replace(config.sources["idp"], digest="sha256:other")
    script.pages, script.error = [], Unreachable("idp: no such folder")
    async with driven(dataclasses.replace(config, sources={"idp": changed}), clock) as it:
        assert it.state() is State.UNKNOWN
        await it.run(timedelta(seconds=2))

        assert it.state() is State.UNKNOWN


async def test_a_clock_that_ran_ahead_leaves_nothing_green(tmp_path: Path) -> None:
    """Data of the future proves nothing, and everything is asked again at once."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(10))
    async with driven(one_check(tmp_path, script), clock) as it:
        clock.move(timedelta(days=3_650))
        await it.run()
        assert it.state() is State.PASS
        clock.move(-timedelta(days=3_650))
        assert it.state() is State.UNKNOWN
        await it.run()
        await it.run(timedelta(seconds=2))

        assert script.runs == 2
        assert it.state() is State.PASS


async def test_a_renamed_check_keeps_its_history(tmp_path: Path) -> None:
    """``was`` names the former name; first sight and due dates go on."""
    script, clock = Script(), Clock()
    script.tell(bare("bea"))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        [before] = await it.findings()
        clock.move(HOUR)
        renamed = check_config("workforce", "mfa_coverage", ["idp"], was="mfa")
        await it.engine.adopt(dataclasses.replace(config, checks={"workforce": renamed}))
        await it.run(timedelta(seconds=2))

        [after] = await it.findings("workforce")
        assert (after.id, after.first_seen) == (before.id, before.first_seen)
        assert it.state("workforce") is State.FAIL


async def test_a_paused_check_is_blind_and_ends_by_itself(tmp_path: Path) -> None:
    """A pause is no pass; it lasts seven days at most."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(3))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        desk = Desk(it.engine, no_reload)
        until = clock() + timedelta(days=30)
        reply = await desk.send(Pause(check="mfa", reason="migration of the directory", by="ana", until=until))
        it.engine.publish()

        assert reply.ok
        assert it.state() is State.UNKNOWN
        paused_until = it.check().paused_until
        assert paused_until is not None
        assert paused_until - clock() == timedelta(days=7)


async def test_counts_that_cannot_be_read_do_not_end_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot count for once is told as failing evidence; the engine ticks on and the verdict stands."""
    script = Script()
    script.tell(*enrolled(10))
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()

        async def damaged(_since: object) -> dict[str, tuple[int, int]]:
            message = "the table of findings cannot be read"
            raise StoreError(message)

        monkeypatch.setattr(it.engine.store, "counts", damaged)
        await it.run(QUARTER)

        assert it.state() is State.PASS
        assert "the table of findings cannot be read" in it.texts("engine")


async def test_a_full_disk_is_the_disks_fault_and_no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept blames no source: the last verdict stands until its age, then the engine itself is blind.

    Once writing works again, the source runs soon, not after its whole interval.
    """
    script, clock = Script(), Clock()
    script.tell(*enrolled(10))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        keep = it.engine.store.save_source

        async def full(*_: object) -> None:
            message = "no space left on the disk"
            raise StoreFull(message)

        monkeypatch.setattr(it.engine.store, "save_source", full)
        await it.run(QUARTER)

        assert it.state() is State.PASS
        assert (it.source().complete, it.source().cause) == (True, None)
        assert it.engine.snapshot is not None
        assert it.engine.snapshot.evidence_error == "no space left on the disk"

        await it.run(25 * HOUR)
        blind = it.check().blind_by

        assert it.state() is State.STALE
        assert blind is not None
        assert (blind.source, blind.cause, blind.detail) == ("", Cause.INTERNAL, "no space left on the disk")

        monkeypatch.setattr(it.engine.store, "save_source", keep)
        next_run = it.source().next_run
        assert next_run is not None
        assert next_run - clock() < QUARTER
        await it.run(QUARTER)

        assert it.state() is State.PASS
