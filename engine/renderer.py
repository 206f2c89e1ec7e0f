"""The exposition is rendered ahead of the scrape: off the loop, on every change, and every fifteen seconds."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from engine.metrics import render

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.exposition import Exposition
    from engine.port import Snapshot

RENDER_EVERY_SECONDS = 15.0
RENDER_REST_SECONDS = 1.0


class Renderer:
    """The exposition is rendered off the loop, on every change and every fifteen seconds."""

    def __init__(self, engine: Engine) -> None:
        """Render the snapshots of an engine."""
        self._engine = engine
        self._changed = asyncio.Event()
        self.exposition: Exposition | None = None
        engine.listeners.append(self._listen)

    async def render(self) -> None:
        """Render the latest snapshot as it reads now."""
        snapshot = self._engine.snapshot
        if snapshot is not None:
            self.exposition = await asyncio.to_thread(render, snapshot, self._engine.clock())

    async def work(self) -> None:
        """Render for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), RENDER_EVERY_SECONDS)
            self._changed.clear()
            await self.render()
            await asyncio.sleep(RENDER_REST_SECONDS)

    def _listen(self, _snapshot: Snapshot) -> None:
        self._changed.set()
