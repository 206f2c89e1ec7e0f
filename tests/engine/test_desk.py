"""A command that was given is done, whoever goes away meanwhile, and what it changed is published at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from engine.attach.client import AttachedPort
from engine.desk import Desk
from engine.elsewhere import Elsewhere
from engine.port import Ack, NotSent, Pause, Port, Reload, Reply
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

PAUSE = Pause(check="mfa", reason="a maintenance window", by="ann", until=NOW + timedelta(hours=1))
STEPS = 12
"""A caller that leaves does so after each of so many turns of the loop."""


@asynccontextmanager
async def failing(folder: Path) -> AsyncIterator[Driven]:
    """Drive an engine whose only check fails for one account."""
    script = Script()
    script.tell(account("bea", source="idp", mfa=False, factors=()))
    checks = [check_config("mfa", "mfa_coverage", ["idp"])]
    async with driven(estate(folder, [source_config("idp", scripted(script))], checks), Clock()) as it:
        await it.run()
        yield it


async def _reload() -> Reply:
    return Reply(ok=True, message="read again")


async def pauses(it: Driven) -> int:
    """Count the entries of the evidence chain about pauses."""
    return sum(link.kind == "pause" for link in await it.engine.store.links())


async def left(port: Port, steps: int) -> None:
    """Send a pause, and leave before it is answered."""
    caller = asyncio.ensure_future(port.send(PAUSE))
    for _ in range(steps):
        await asyncio.sleep(0)
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller


@pytest.mark.parametrize("kind", ["in-process", "from another loop"])
async def test_a_command_is_done_when_whoever_gave_it_leaves(tmp_path: Path, kind: str) -> None:
    """Store, evidence and memory say the same, at whichever moment the caller is cancelled."""
    async with failing(tmp_path) as it:
        desk = Desk(it.engine, _reload)
        for steps in range(1, STEPS):
            before = await pauses(it)
            if kind == "in-process":
                await left(desk, steps)
            else:
                loop = asyncio.get_running_loop()
                await asyncio.to_thread(asyncio.run, left(Elsewhere(desk, loop), steps))
            await asyncio.sleep(0.02)
            await desk.finish()
            stored = (await it.engine.store.load()).checks["mfa"].paused_until
            remembered = it.engine.checks["mfa"].paused_until
            assert (stored is None) == (await pauses(it) == before), steps
            assert stored == remembered, steps
            assert (await desk.send(Pause(check="mfa", reason="", by="ann", until=NOW))).ok
            assert it.engine.checks["mfa"].paused_until is None


async def test_a_command_to_nobody_was_never_sent(tmp_path: Path) -> None:
    """Where no engine listens that is certain, and told apart from a command without an answer."""
    with pytest.raises(NotSent, match="no engine answers at"):
        await AttachedPort(tmp_path).send(PAUSE)


async def test_an_engine_that_stops_lets_its_commands_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """For as long as it is patient; what is not done by then is logged by its name."""
    gate = asyncio.Event()
    done: list[str] = []

    async def reload() -> Reply:
        await gate.wait()
        done.append("reload")
        return Reply(ok=True, message="read again")

    async with failing(tmp_path) as it:
        desk = Desk(it.engine, reload)
        caller = asyncio.ensure_future(desk.send(Reload()))
        await asyncio.sleep(0)
        caller.cancel()
        with caplog.at_level(logging.WARNING, logger="engine.desk"):
            await desk.finish(0.01)
        assert "command Reload=not done the engine stops" in caplog.text
        assert done == []
        gate.set()
        await desk.finish()
        assert done == ["reload"]


async def test_a_command_that_breaks_is_logged_and_raised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also when nobody waits for it any more, the log has it."""

    async def reload() -> Reply:
        raise ValueError("a table without rows")

    async with failing(tmp_path) as it:
        desk = Desk(it.engine, reload)
        with pytest.raises(ValueError, match="without rows"):
            await desk.send(Reload())
        assert "command Reload=failed" in caplog.text


async def test_what_a_person_did_is_published_at_the_next_tick(tmp_path: Path) -> None:
    """An acknowledgement and a pause wake the scheduler: nobody waits five seconds to see them."""
    async with failing(tmp_path) as it:
        desk = Desk(it.engine, _reload)
        [row] = await it.findings()
        for command in (Ack(finding=row.id, note="SEC-1", by="ann"), PAUSE):
            it.engine._wake.clear()
            assert (await desk.send(command)).ok
            assert it.engine._wake.is_set()
            assert it.engine.doings.dirty


async def test_a_paused_check_tells_who_paused_it_and_why(tmp_path: Path) -> None:
    """Until the pause ends, over a restart too; then neither is told."""
    script, clock = Script(), Clock()
    script.tell(account("ana", source="idp"))
    config = estate(tmp_path, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])])
    pause = Pause(check="mfa", reason=" the directory moves ", until=NOW + timedelta(hours=2), by="ana")
    async with driven(config, clock) as it:
        await it.run()
        assert (await Desk(it.engine, _reload).send(pause)).ok
    async with driven(config, clock) as it:
        await it.run()
        told = it.check()
        ended = msgspec.structs.replace(pause, reason="")
        assert (await Desk(it.engine, _reload).send(ended)).ok
        await it.run()
        after = it.check()

    assert (told.paused_by, told.paused_reason) == ("ana", "the directory moves")
    assert (after.paused_until, after.paused_by, after.paused_reason) == (None, "", "")
