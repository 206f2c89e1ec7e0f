"""What is remembered of checks and sources changes one at a time: no answer is lost to somebody who read it before."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.state import State
from engine.desk import Desk
from engine.port import Accept, Pause, Reply, Was
from engine.store import StoreFull
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

QUARTER = timedelta(minutes=16)
"""Past the interval of a scripted source."""
ENROLLED = account("ana", source="idp")
BARE = account("ana", source="idp", mfa=False, factors=())


@asynccontextmanager
async def two_checks(folder: Path) -> AsyncIterator[tuple[Driven, Script]]:
    """Run two checks over one source, both of which pass."""
    script = Script()
    script.tell(ENROLLED)
    checks = [check_config(name, "mfa_coverage", ["idp"]) for name in ("mfa", "other")]
    async with driven(estate(folder, [source_config("idp", scripted(script))], checks), Clock()) as it:
        await it.run()
        assert it.state() is State.PASS
        yield it, script


@asynccontextmanager
async def slowed(
    monkeypatch: pytest.MonkeyPatch, on: object, method: str, started: Callable[[], Awaitable[Any]]
) -> AsyncIterator[asyncio.Task[Any]]:
    """Have a method of the store wait, and begin what calls it; inside, it waits; afterwards it has ended."""
    gate, reached = asyncio.Event(), asyncio.Event()
    real = getattr(on, method)

    async def waiting(*told: object, **named: object) -> object:
        reached.set()
        await gate.wait()
        return await real(*told, **named)

    monkeypatch.setattr(on, method, waiting)
    task = asyncio.ensure_future(started())
    await reached.wait()
    monkeypatch.setattr(on, method, real)
    try:
        yield task
    finally:
        gate.set()
        await task


async def soon(it: Driven) -> asyncio.Task[None]:
    """Begin to let a quarter pass; what does not wait for its turn has ended by then."""
    task = asyncio.ensure_future(it.run(QUARTER))
    await asyncio.wait({task}, timeout=0.5)
    return task


async def test_what_a_source_tells_during_a_reload_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload that waits for the disk puts no older population, and no better verdict, back."""
    async with two_checks(tmp_path) as (it, script):
        script.tell(BARE)
        whole = it.engine.config
        less = dataclasses.replace(whole, checks={"mfa": whole.checks["mfa"]})
        async with slowed(monkeypatch, it.engine.store, "reconfigure", lambda: it.engine.adopt(less)):
            running = await soon(it)
        await running
        await it.run(timedelta(minutes=1))

        assert it.state() is State.FAIL
        assert [row.label for row in await it.findings()] == [BARE.label]


async def test_a_judgement_under_a_former_configuration_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that was taken out while it was judged leaves no findings behind."""
    async with two_checks(tmp_path) as (it, script):
        script.tell(BARE)
        whole = it.engine.config
        less = dataclasses.replace(whole, checks={"mfa": whole.checks["mfa"]})
        it.clock.move(QUARTER)
        it.engine.run_now("idp")
        await asyncio.gather(*it.engine.runner.tasks.values())
        real = it.engine.store.stage

        def stage(*told: Any) -> Any:
            it.engine.config = less
            return real(*told)

        monkeypatch.setattr(it.engine.store, "stage", stage)
        await it.engine.tick()
        it.engine.publish()

        assert it.state() is State.FAIL
        assert await it.findings("other") == []


async def test_a_pause_that_waits_for_the_disk_brings_no_verdict_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that failed while its pause was stored has failed when the pause ends."""
    async with two_checks(tmp_path) as (it, script):
        script.tell(BARE)
        pause = Pause(check="mfa", reason="a maintenance window", by="ops", until=it.clock() + 2 * QUARTER)
        async with slowed(monkeypatch, it.engine.store, "save_check", lambda: desk(it).send(pause)) as paused:
            running = await soon(it)
        await running
        assert paused.result().ok
        assert it.check().paused_until == pause.until
        assert it.check().was == Was(state=State.PASS, at=pause.until - 2 * QUARTER)

        it.clock.move(3 * QUARTER)
        await it.engine.tick()
        it.engine.publish()
        assert it.state() is State.FAIL


async def test_a_pause_is_not_lost_to_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that ends by itself while a check is paused leaves the pause as it is."""
    async with two_checks(tmp_path) as (it, _):
        it.clock.move(timedelta(days=3))
        until = it.clock() + timedelta(hours=1)
        pause = Pause(check="mfa", reason="a maintenance window", by="ops", until=until)
        async with slowed(
            monkeypatch, it.engine.store, "save_check", lambda: it.engine.judge.note_transitions(it.clock())
        ):
            sent = asyncio.ensure_future(desk(it).send(pause))
            await asyncio.sleep(0)
        assert (await sent).ok

        assert it.engine.checks["mfa"].paused_until == until
        assert sorted(it.texts("state")[-3:]) == ["pass → stale", "pass → stale", "stale → unknown"]


async def test_a_population_that_is_accepted_during_a_run_is_accepted(tmp_path: Path) -> None:
    """The run under way, which is held to the larger population, is given up, and the next one is complete."""
    script = Script()
    script.tell(*(account(f"u{number}", source="idp") for number in range(40)))
    checks = [check_config("mfa", "mfa_coverage", ["idp"])]
    async with driven(estate(tmp_path, [source_config("idp", scripted(script))], checks), Clock()) as it:
        await it.run()
        script.tell(*(account(f"u{number}", source="idp") for number in range(10)))
        await it.run(QUARTER)
        assert shrunken(it)
        script.hang = asyncio.Event()
        it.clock.move(QUARTER)
        await it.engine.tick()
        await asyncio.sleep(0)
        assert "idp" in it.engine.runner.tasks

        reply = await desk(it).send(Accept(source="idp", reason="we sold the subsidiary", by="ops"))
        script.hang.set()
        await asyncio.gather(*it.engine.runner.tasks.values(), return_exceptions=True)
        await it.run(timedelta(seconds=1))

        assert reply.ok
        assert not shrunken(it)
        assert it.state() is State.PASS


async def test_a_reload_that_cannot_be_stored_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a new name nor a removal is half in force."""
    async with two_checks(tmp_path) as (it, _):
        before, checks, memories = it.engine.config, dict(it.engine.checks), dict(it.engine.runner.memories)
        renamed = check_config("staff", "mfa_coverage", ["idp"], was="mfa")

        async def full(*_: object) -> None:
            message = "no space left on the disk"
            raise StoreFull(message)

        real = it.engine.store.reconfigure
        monkeypatch.setattr(it.engine.store, "reconfigure", full)
        with pytest.raises(StoreFull):
            await it.engine.adopt(dataclasses.replace(before, checks={"staff": renamed}))
        assert it.engine.config is before
        assert (it.engine.checks, it.engine.runner.memories) == (checks, memories)

        monkeypatch.setattr(it.engine.store, "reconfigure", real)
        await it.engine.adopt(dataclasses.replace(before, checks={"staff": renamed}))
        assert list(it.engine.checks) == ["staff"]
        assert it.engine.checks["staff"].state is State.PASS


def desk(it: Driven) -> Desk:
    """Give the port of an engine that reloads nothing."""

    async def reload() -> Reply:
        return Reply(ok=False, message="nothing to reload")

    return Desk(it.engine, reload)


def shrunken(it: Driven) -> bool:
    """Tell whether the source is held to a larger population than it tells."""
    return it.engine.runner.memories["idp"].shrunken is not None
