"""Replicas of providers on a thread of their own, for tests that run engines as processes; each may be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from demo.replicas.serve import serving

SECONDS: Final = 30.0
Make = Callable[[], web.Application]
"""Makes a replica's application: each time that it is served it needs a new one."""


@dataclass(slots=True)
class Replica:
    """A replica that listens, until it is cut."""

    make: Make
    origin: str = ""
    """``http://127.0.0.1:PORT``, the same after it was mended."""
    stack: AsyncExitStack | None = None


@dataclass(slots=True)
class Replicas:
    """The replicas of one loop."""

    loop: asyncio.AbstractEventLoop
    running: list[Replica] = field(default_factory=list)

    def serve(self, make: Make) -> Replica:
        """Have a replica listen on a port of its own."""
        replica = Replica(make)
        self.running.append(replica)
        self.mend(replica)
        return replica

    def mend(self, replica: Replica) -> None:
        """Have a replica listen (again)."""
        asyncio.run_coroutine_threadsafe(_open(replica), self.loop).result(SECONDS)

    def cut(self, replica: Replica) -> None:
        """Close a replica: connections to it are refused."""
        asyncio.run_coroutine_threadsafe(_close(replica), self.loop).result(SECONDS)


@contextmanager
def replicas() -> Iterator[Replicas]:
    """Run replicas for as long as the block runs."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    found = Replicas(loop)
    try:
        yield found
    finally:
        for replica in found.running:
            found.cut(replica)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


async def _open(replica: Replica) -> None:
    replica.stack = AsyncExitStack()
    port = urlsplit(replica.origin).port or 0
    replica.origin = await replica.stack.enter_async_context(serving(replica.make(), port=port))


async def _close(replica: Replica) -> None:
    stack, replica.stack = replica.stack, None
    if stack is not None:
        await stack.aclose()
