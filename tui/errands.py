"""What a person had the app do, and which goes on whichever screens are closed meanwhile: commands, a file, a pack.

A screen that closes ends its own work; what is started here is the app's. What became of it is told on whichever screen
is on top by then, and what is still on its way when the app ends is told after it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.worker import Worker

from engine.port import Command, Port
from tui.series import Series
from tui.work import Answered, report, start, tell


@runtime_checkable
class Looks(Protocol):
    """A screen that shows what commands change, and how far things are."""

    def draw(self) -> None:
        """Draw what changed."""
        ...

    def look_again(self) -> None:
        """Fetch what a command may have changed."""
        ...

    def wait_for(self, said: str) -> None:
        """Show what the engine was asked for, until it has answered; empty: it has."""
        ...


@dataclass(slots=True)
class Job:
    """Something long that can be stopped."""

    said: str
    """What it does, and how far it is."""
    worker: Worker[None] | None = None


class Errands:
    """What is on its way."""

    def __init__(self, app: App[Any], port: Port) -> None:
        """Start work on ``app``, and give commands to ``port``."""
        self._app = app
        self._port = port
        self._series: list[Series] = []
        self._jobs: dict[str, Job] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    # Commands ---------------------------------------------------------------------------------------------------------

    def send(self, commands: Sequence[Command], of: Sequence[str] = (), answered: Answered | None = None) -> Series:
        """Send commands one after the other, and tell what became of them; ``of`` names what each is about.

        ``answered`` takes it first, as the form from which they were given, as long as that is open.
        """
        series = Series(commands, of)
        if commands:
            self._series.append(series)
            self._idle.clear()
            _ = start(self._app, partial(self._send, series, answered), group="commands")
            self._show()
        return series

    async def _send(self, series: Series, answered: Answered | None) -> None:
        try:
            text, role = await series.send(self._port)
        except Exception:
            if answered is not None:
                _ = answered(f"✖ {series.left()}", "fail")
            raise
        finally:
            self._series.remove(series)
            if not self._series:
                self._idle.set()
            self._show()
        report(self._app, text, role, answered)
        for screen in self._looking():
            screen.look_again()

    @property
    def asked(self) -> str:
        """Say what the engine was asked for and has not answered; empty when nothing is."""
        return self._series[-1].asked if self._series else ""

    def _show(self) -> None:
        for screen in self._looking():
            screen.wait_for(self.asked)

    def _looking(self) -> list[Looks]:
        return [each for each in self._app.screen_stack if each.is_mounted and isinstance(each, Looks)]

    @property
    def waits(self) -> bool:
        """Whether a command is on its way."""
        return bool(self._series)

    async def settled(self, seconds: float) -> None:
        """Wait until no command is on its way, but no longer than that."""
        tell(self._app, "leaving once the engine has answered", "dim")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    # What takes long --------------------------------------------------------------------------------------------------

    def begin(self, kind: str, said: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Start something of which one runs at a time; False when one does."""
        if kind in self._jobs:
            return False
        job = self._jobs[kind] = Job(said)
        job.worker = start(self._app, partial(self._run, kind, work), group=kind)
        return True

    async def _run(self, kind: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        finally:
            _ = self._jobs.pop(kind, None)
            self._draw()

    def said(self, kind: str) -> str:
        """Say how far something is; empty when none of the kind runs."""
        return self._jobs[kind].said if kind in self._jobs else ""

    def is_at(self, kind: str, said: str) -> None:
        """Note how far something is, and show it."""
        if kind in self._jobs:
            self._jobs[kind].said = said
            self._draw()

    def stop(self, kind: str) -> None:
        """Stop something; harmless when none of the kind runs."""
        job = self._jobs.get(kind)
        if job is not None and job.worker is not None:
            job.worker.cancel()

    def _draw(self) -> None:
        for screen in self._looking()[-1:]:
            screen.draw()

    # The end ----------------------------------------------------------------------------------------------------------

    def left(self) -> list[str]:
        """Say what is not known to be done, and what was stopped: nothing of a file or a pack is left."""
        stopped = [f"stopped, and nothing is left of it: {job.said}" for job in self._jobs.values()]
        return [each.left() for each in self._series] + stopped
