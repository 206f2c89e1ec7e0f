"""The web configuration is read again when it, or a file that it names, has changed and lies still.

A bad one keeps the last good one and is told once. A reload takes no protection away, so that neither a file that is
being written nor an empty one opens what was closed: that needs a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from engine.web_config import WebConfig, WebConfigRefused, load_web_config
from engine.web_tls import Seen, state_of_file

WATCH_SECONDS: Final = 2.0


class WebWatch:
    """A web configuration that is in force, and kept up to date."""

    def __init__(self, first: WebConfig, told: Callable[[Sequence[str]], None]) -> None:
        """Begin with a sound one; ``told`` hears of every change: the faults, or none when it is in force."""
        self.in_force = first
        self.changed: Callable[[], None] = lambda: None
        """Called when another one is in force."""
        self._told = told
        self._seen = first.seen
        self._faults: tuple[str, ...] = ()

    async def watch(self, every: float = WATCH_SECONDS) -> None:
        """Read it again for ever, when two looks ``every`` seconds apart find the same change."""
        last: Seen | None = None
        while True:
            await asyncio.sleep(every)
            now = await asyncio.to_thread(_look, tuple(self._seen))
            if now == last and now != self._seen:
                await self.reload()
            last = now

    async def reload(self) -> None:
        """Read it again, and put it in force if it is sound."""
        try:
            fresh = await asyncio.to_thread(load_web_config, self.in_force.path)
        except WebConfigRefused as error:
            self._seen = error.seen
            self._refuse(error.faults)
            return
        self._seen = fresh.seen
        lost = ", ".join(sorted(self.in_force.protections - fresh.protections))
        if lost:
            self._refuse((f"{fresh.path}: would take {lost} away, which needs a restart",))
            return
        self.in_force, self._faults = fresh, ()
        self.changed()
        self._told(())

    def _refuse(self, faults: tuple[str, ...]) -> None:
        if faults != self._faults:
            self._faults = faults
            self._told(faults)


def _look(files: Iterable[Path]) -> Seen:
    """Look at files as they are now."""
    found = Seen()
    for path in files:
        try:
            found[path] = state_of_file(path.stat())
        except (OSError, ValueError):  # no path has a NUL
            found[path] = None
    return found
