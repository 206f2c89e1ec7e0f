"""An engine over scripted sources, real blobs and a real store, driven tick by tick by a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from checks.model.state import State
from engine.blobs import FolderBlobs
from engine.config import Config
from engine.engine import Engine
from engine.port import CheckView, Query, Row, SourceView, state_at
from engine.store.sqlite import open_sqlite
from tests.support.estate import Clock

KEY = b"k" * 32


class Driven:
    """An engine that runs when a test says so."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Drive an engine."""
        self.engine = engine
        self.clock = clock

    async def run(self, step: timedelta = timedelta(0)) -> None:
        """Let time pass, run what is due to its end, and judge what it brought."""
        self.clock.move(step)
        await self.engine.tick()
        while self.engine.runner.tasks:
            await asyncio.gather(*self.engine.runner.tasks.values(), return_exceptions=True)
            await asyncio.sleep(0)
        await self.engine.tick()
        self.engine.publish()

    def check(self, name: str = "mfa") -> CheckView:
        """Give a check as the latest snapshot shows it."""
        assert self.engine.snapshot is not None
        return next(view for view in self.engine.snapshot.checks if view.name == name)

    def source(self, name: str = "idp") -> SourceView:
        """Give a source as the latest snapshot shows it."""
        assert self.engine.snapshot is not None
        return next(view for view in self.engine.snapshot.sources if view.name == name)

    def state(self, name: str = "mfa") -> State:
        """Derive a check's state at the clock's instant."""
        assert self.engine.snapshot is not None
        return state_at(self.check(name), self.engine.snapshot, self.clock())

    async def findings(self, name: str = "mfa") -> list[Row]:
        """Give a check's open findings."""
        return list((await self.engine.store.rows(Query(check=name), self.clock())).rows)

    def texts(self, kind: str) -> list[str]:
        """Give what events of one kind said, oldest first."""
        return [event.text for event in reversed(self.engine.events) if event.kind == kind]


@asynccontextmanager
async def driven(config: Config, clock: Clock) -> AsyncIterator[Driven]:
    """Start an engine over the configuration's state folder, and stop it."""
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_sqlite(config.state_dir / "store.sqlite", subject_key=KEY, clock=clock)
    blobs = FolderBlobs(config.state_dir / "evidence")
    engine = Engine(config, store, blobs, version="0", clock=clock, jitter=lambda: 0.5)
    try:
        await engine.start()
        yield Driven(engine, clock)
    finally:
        await engine.stop()
        await store.close()
