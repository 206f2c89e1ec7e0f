"""The demo runs: replicas, listeners and files stand for as long as a block does."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from demo.configured import KINDS, Wired, write_configuration
from demo.estate import Estate
from demo.files import Files
from demo.listeners import Listener, listening
from demo.replicas import github, graph, okta
from demo.replicas.faults import Faults
from demo.replicas.serve import serving
from demo.tenants import Tenants, tenants

METRICS_PORT: Final = 10966
"""Where the demo's metrics are, next to those of a real engine; another port when it is taken."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything that the engine can ask, and that the story changes."""

    estate: Estate
    folder: Path
    config: Path
    """The configuration over it."""
    wired: Wired
    tenants: Tenants
    okta_faults: Faults
    listeners: dict[str, Listener]
    """By host."""
    files: Files
    clock: Callable[[], datetime]
    """Tells the time, aware and UTC."""


@asynccontextmanager
async def running(
    estate: Estate, folder: Path, clock: Callable[[], datetime], *, kinds: Collection[str] = KINDS
) -> AsyncIterator[Demo]:
    """Let everything stand in ``folder``, which must be empty; leaving the block closes every connection.

    ``kinds`` are the source kinds that the configuration may name.
    """
    files = Files(estate, folder)
    files.write_all()
    told, faults = tenants(estate), _faults()
    async with AsyncExitStack() as stack:
        listeners = await stack.enter_async_context(listening(estate.sites, folder, estate.now))
        targets = {
            source: [one.target for one in listeners.values() if one.site.source == source]
            for source in ("edge", "internal")
        }
        wired = Wired(
            okta=await stack.enter_async_context(serving(okta.app(told.okta, faults))),
            graph=await stack.enter_async_context(serving(graph.app(told.graph, _faults()))),
            github=await stack.enter_async_context(serving(github.app(told.github, _faults()))),
            edge=targets["edge"],
            internal=targets["internal"],
            metrics=f"127.0.0.1:{_free_port()}",
            kinds=frozenset(kinds) & KINDS,
        )
        path = write_configuration(folder, estate, told, wired)
        yield Demo(estate, folder, path, wired, told, faults, listeners, files, clock)


def _faults() -> Faults:
    """Make the faults of a replica that hardly remembers what it was asked: a demo may run for weeks."""
    return Faults(seen=deque(maxlen=16))


def _free_port() -> int:
    """Choose the usual port of the metrics, or another one when somebody has it."""
    for port in (METRICS_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")
