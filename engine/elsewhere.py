"""A port whose engine lives on another loop: snapshots by reference, everything else by a call across threads.

Whoever asks may go away: then a question is stopped, and a command is done all the same. An engine that is down, or
goes down meanwhile, is told as a ``PortFault``, never as a cancellation of whoever asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from engine.port import (
    Command,
    Detail,
    EventQuery,
    Events,
    NotSent,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    Port,
    PortFault,
    Query,
    Reply,
    Rows,
    Snapshot,
    WaiverView,
)

T = TypeVar("T")
LOOK_SECONDS: Final = 1.0
"""How often whoever waits for an answer looks whether there is anybody left to give it."""


class Elsewhere:
    """The same port, for callers on any loop."""

    def __init__(self, port: Port, loop: asyncio.AbstractEventLoop) -> None:
        """Speak to ``port``, which lives on ``loop``."""
        self._port = port
        self._loop = loop

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot."""
        return self._port.snapshot()

    def fault(self) -> str | None:
        """Say why there will be no newer one."""
        return self._port.fault()

    async def rows(self, query: Query) -> Rows:
        """Give a page of findings."""
        return await self._there(self._port.rows(query))

    async def detail(self, finding: int) -> Detail | None:
        """Give one finding; None when it is gone."""
        return await self._there(self._port.detail(finding))

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period."""
        return await self._there(self._port.past(query))

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events."""
        return await self._there(self._port.events(query))

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers of the file."""
        return await self._there(self._port.waivers())

    async def pack(self, query: PackQuery) -> Packed:
        """Make an evidence pack of a period."""
        return await self._there(self._port.pack(query))

    async def send(self, command: Command) -> Reply:
        """Ask for something to be done; it is done also when nobody waits for the answer any more."""
        return await self._there(self._port.send(command), kept=True)

    async def _there(self, work: Coroutine[Any, Any, T], *, kept: bool = False) -> T:
        """Await work on the engine's loop; ``kept`` work is not stopped. Raises ``PortFault`` where that is down."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        answer = self._begun(work)
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=LOOK_SECONDS)
                if self._loop.is_closed() and not answer.done():
                    raise PortFault(self._down())
        finally:
            if kept:
                answer.add_done_callback(_heard)
            elif not self._loop.is_closed():
                answer.cancel()
        if answer.cancelled():  # not by us: whoever waits here and is cancelled has left before
            raise PortFault(self._down())
        return answer.result()

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Begin work on the engine's loop; raises ``NotSent`` where there is none any more."""
        try:
            return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except RuntimeError:
            work.close()
            raise NotSent(self._down()) from None

    def _down(self) -> str:
        why = self._port.fault()
        return "the engine is down" + (f": {why}" if why else "")


def _heard(answer: asyncio.Future[Any]) -> None:
    """Take note of a fault that nobody waits for any more; whoever did the work has logged it."""
    if not answer.cancelled():
        _ = answer.exception()
