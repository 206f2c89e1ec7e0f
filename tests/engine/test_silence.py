"""The events tell when an engine started, ended, and did nothing for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from engine.engine import Engine
from engine.port import EventQuery
from engine.silence import resumed, started
from tests.support.builders import account, ago, ahead
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven


async def kept(engine: Engine) -> Sequence[str]:
    """Give what the kept events say of the engine itself, oldest first."""
    page = await engine.store.events(EventQuery(kinds=["engine"], what="engine"))
    return [event.text for event in reversed(page.events)]


async def test_starts_and_ends_are_kept_as_events(tmp_path: Path) -> None:
    """The first start has nothing before it; the next one says since when nobody watched, after a kill too."""
    script, clock, stop = Script(), Clock(), asyncio.Event()
    script.tell(account("ana", source="idp"))
    config = estate(tmp_path, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])])
    stop.set()
    async with driven(config, clock) as it:
        await it.engine.run(stop)
    clock.move(timedelta(minutes=5))
    async with driven(config, clock) as it:
        await it.run()  # and then it is killed: it never says that it ends
    clock.move(timedelta(minutes=2))
    async with driven(config, clock) as it:
        await it.engine.run(stop)
        told = await kept(it.engine)

    assert told == ["started", "stopped", "started; nothing was kept since 2026-11-21 05:35:00Z", "stopped"]


async def test_an_engine_that_was_stopped_for_long_says_so(tmp_path: Path) -> None:
    """A process that was suspended, or a machine that slept, goes on: nobody looked meanwhile."""
    clock, stop = Clock(), asyncio.Event()
    config = estate(tmp_path, [source_config("idp", scripted(Script()))], [])
    async with driven(config, clock) as it:
        ticked = it.clock()
        it.engine.doings.ticked_at = ticked
        clock.move(timedelta(seconds=90))
        it.engine.listeners.append(lambda _snapshot: stop.set())
        it.engine.wake()
        await asyncio.wait_for(it.engine.run(stop), 60)
        told = await kept(it.engine)

    assert told[1:] == [f"goes on; silent since {ticked:%Y-%m-%d %H:%M:%SZ}", "stopped"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(1, False, id="the-next-tick"),
        pytest.param(30, False, id="a-slow-one"),
        pytest.param(31, True, id="long"),
        pytest.param(-7200, False, id="a-clock-turned-back"),
    ],
)
def test_a_silence_is_longer_than_any_tick(seconds: int, *, told: bool) -> None:
    """A tick that takes its time is none."""
    assert (resumed(NOW, NOW - timedelta(seconds=seconds)) is not None) is told


def test_a_sign_of_the_future_tells_nothing() -> None:
    """A clock that ran ahead wrote it."""
    assert started(NOW, ahead("1h")).text == "started"
    assert started(NOW, ago("1h")).text.startswith("started; nothing was kept since ")
