"""A port whose engine lives on another loop: snapshots by reference, everything else by a call across threads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from engine.port import (
    Command,
    Detail,
    EventQuery,
    Events,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    Port,
    Query,
    Reply,
    Rows,
    Snapshot,
    WaiverView,
)

T = TypeVar("T")


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
        """Ask for something to be done."""
        return await self._there(self._port.send(command))

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on the engine's loop."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
