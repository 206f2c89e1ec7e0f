"""The exposition is rendered ahead of the scrape: off the loop, on every change, and every fifteen seconds.

An engine in which nothing happens publishes every five seconds; that is no change.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from engine.exposition import Kept
from engine.metrics import render

if TYPE_CHECKING:
    from datetime import datetime

    from engine.engine import Engine
    from engine.exposition import Exposition
    from engine.port import Snapshot

RENDER_EVERY_SECONDS = 15.0
RENDER_REST_SECONDS = 1.0
"""Time between renderings, however much changes: with the rendering itself, a change is seen within two seconds."""


class Renderer:
    """The exposition is rendered off the loop, on every change and every fifteen seconds."""

    def __init__(self, engine: Engine) -> None:
        """Render the snapshots of an engine, under the cap of its configuration."""
        self._engine = engine
        self._changed = asyncio.Event()
        self._kept = Kept()
        self._seen: Snapshot | None = None
        """The latest that was published, without what differs between any two."""
        self._spent: float | None = None
        self.exposition: Exposition | None = None
        engine.listeners.append(self._listen)

    async def render(self) -> None:
        """Render the latest snapshot as it reads now."""
        snapshot = self._engine.snapshot
        if snapshot is not None:
            now, cap = self._engine.clock(), self._engine.config.metrics.max_series
            self.exposition = await asyncio.to_thread(self._render, snapshot, now, cap)

    async def work(self) -> None:
        """Render for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), RENDER_EVERY_SECONDS)
            self._changed.clear()
            await self.render()
            await asyncio.sleep(RENDER_REST_SECONDS)

    def _render(self, snapshot: Snapshot, now: datetime, cap: int) -> Exposition:
        """Render in a thread; what is kept is taken while it is used, so that two renderings never share it."""
        began = time.perf_counter()
        kept, self._kept = self._kept, Kept()
        exposition = render(snapshot, now, cap=cap, spent=self._spent, kept=kept)
        self._kept, self._spent = kept, time.perf_counter() - began
        return exposition

    def _listen(self, snapshot: Snapshot) -> None:
        seen, self._seen = self._seen, snapshot.timeless()
        if seen != self._seen:
            self._changed.set()
