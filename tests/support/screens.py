"""What is on the screen of an app under test, as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from textual.pilot import Pilot

from engine.port import Row, Snapshot
from tests.support.clock import NOW
from tests.support.estates import CannedPort, mixed
from tui.app import ControlwatchApp

SMALL = (80, 24)
LARGE = (160, 48)


@dataclass
class Hand:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now


@dataclass
class Shown:
    """An app under test, its port and its clock."""

    app: ControlwatchApp
    port: CannedPort
    pilot: Pilot[Any]
    clock: Hand = field(default_factory=Hand)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other and let the app settle."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        """Let workers and messages come to rest."""
        await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def pass_time(self, span: timedelta) -> None:
        """Move the clock and let the app look."""
        self.clock.now += span
        self.app.poll()
        await self.settle()

    @property
    def page(self) -> str:
        """Name the screen that is on top."""
        return type(self.app.screen).__name__

    @property
    def lines(self) -> list[str]:
        """Give the rows of the screen."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """Give the screen."""
        return "\n".join(self.lines)


@asynccontextmanager
async def shown(
    snapshot: Snapshot | None = None,
    rows: Sequence[Row] = (),
    *,
    size: tuple[int, int] = SMALL,
    port: CannedPort | None = None,
    **options: Any,
) -> AsyncIterator[Shown]:
    """Show an estate (the mixed one, unless another is given) in a terminal of a size."""
    canned = port or CannedPort(snapshot or mixed(), rows)
    clock = Hand()
    app = ControlwatchApp(canned, clock=clock, **{"glyphs": "unicode", **options})
    async with app.run_test(size=size) as pilot:
        stage = Shown(app, canned, pilot, clock)
        await stage.settle()
        yield stage
