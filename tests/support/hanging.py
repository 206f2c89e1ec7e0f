"""A host of the real engine whose scheduler hangs at SIGUSR1 and goes on at SIGUSR2, while HTTP answers all along.

usage: python hanging.py CONFIG
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.config import load
from engine.host import hosting

if TYPE_CHECKING:
    from engine.store import Store


class Gated:
    """A store whose answers to the scheduler wait at a gate, as those of a database that hangs."""

    def __init__(self, store: Store, gate: asyncio.Event) -> None:
        """Stand before a store."""
        self._store = store
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        """Give what the store has; whatever is awaited waits at the gate first."""
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def asked(*arguments: Any, **named: Any) -> Any:
            answer = found(*arguments, **named)
            return self._through(answer) if isawaitable(answer) else answer

        return asked

    async def _through(self, answer: Awaitable[Any]) -> Any:
        await self._gate.wait()
        return await answer


async def host(path: Path) -> None:
    """Host the engine until SIGTERM."""
    gate, stop, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    gate.set()
    async with hosting(load(path), version="0") as hosted:
        hosted.engine.store = cast("Store", Gated(hosted.engine.store, gate))
        loop.add_signal_handler(signal.SIGUSR1, gate.clear)
        loop.add_signal_handler(signal.SIGUSR2, gate.set)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        await hosted.engine.run(stop)


if __name__ == "__main__":
    asyncio.run(host(Path(sys.argv[1])))
