"""A port whose engine lives on another loop tells of an engine that is down, and never cancels whoever asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import pytest

from engine.elsewhere import Elsewhere
from engine.port import Command, Event, NotSent, PortFault, Query, Reply, Rows, Run
from tests.support.estates import CannedPort, mixed


class SlowPort(CannedPort):
    """A port that answers when it is allowed to."""

    def __init__(self, log: Sequence[Event] = ()) -> None:
        super().__init__(mixed(), log=log)
        self.reached = threading.Event()
        self.gate: asyncio.Event | None = None
        self.stopped = threading.Event()
        self.done = threading.Event()

    async def rows(self, query: Query) -> Rows:
        """Wait, then answer."""
        await self._wait()
        return await super().rows(query)

    async def send(self, command: Command) -> Reply:
        """Wait, then answer."""
        await self._wait()
        reply = await super().send(command)
        self.done.set()
        return reply

    async def _wait(self) -> None:
        self.gate = asyncio.Event()
        self.reached.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise


class Engine:
    """A loop of its own, as an engine has one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def open(self, port: SlowPort) -> None:
        """Let a port answer."""
        assert port.gate is not None
        self.loop.call_soon_threadsafe(port.gate.set)

    def die(self, *, cancels: bool) -> None:
        """End as ``asyncio.run`` does, or with everything left as it was."""
        if self.loop.is_closed():
            return
        if cancels:
            asyncio.run_coroutine_threadsafe(_cancel_others(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _cancel_others() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Give a loop on another thread."""
    made = Engine()
    yield made
    made.die(cancels=True)


async def test_an_engine_that_is_down_is_told_before_anything_is_sent(engine: Engine) -> None:
    """Its loop is closed: nothing was done, and the fault says so, with why there is no engine."""
    port = SlowPort()
    port.down = "RuntimeError: the store is gone"
    engine.die(cancels=True)

    with pytest.raises(NotSent, match="the engine is down: RuntimeError: the store is gone"):
        await Elsewhere(port, engine.loop).send(Run(source="okta"))
    assert port.sent == []


async def test_an_engine_that_goes_down_meanwhile_is_no_cancellation(engine: Engine) -> None:
    """Whoever waits is told, and goes on; whether it was done stays open."""
    port = SlowPort()
    sent = asyncio.ensure_future(Elsewhere(port, engine.loop).send(Run(source="okta")))
    await asyncio.to_thread(port.reached.wait)
    await asyncio.to_thread(engine.die, cancels=True)

    with pytest.raises(PortFault, match="the engine is down") as told:
        await sent
    assert not isinstance(told.value, NotSent)


async def leave(port: SlowPort, asked: Coroutine[Any, Any, object]) -> None:
    """Ask, and go away before there is an answer."""
    task = asyncio.ensure_future(asked)
    await asyncio.to_thread(port.reached.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whoever_leaves_stops_a_question(engine: Engine) -> None:
    """Nobody waits for the answer, so that the engine need not find it."""
    port = SlowPort()
    await leave(port, Elsewhere(port, engine.loop).rows(Query()))

    assert await asyncio.to_thread(port.stopped.wait, 60)


async def test_whoever_leaves_stops_no_command(engine: Engine) -> None:
    """It goes on, and is done."""
    port = SlowPort()
    await leave(port, Elsewhere(port, engine.loop).send(Run(source="okta")))
    engine.open(port)

    assert await asyncio.to_thread(port.done.wait, 60)
    assert not port.stopped.is_set()
    assert port.sent == [Run(source="okta")]
