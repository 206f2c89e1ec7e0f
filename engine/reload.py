"""The configuration is read again when its file has changed, or when somebody asks for it.

A bad one keeps the last good and says so, and so does one that lost much of what was watched when nobody asked for it:
half a file may be a good file.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from engine import config as configuration
from engine.port import Event, Reply
from engine.store import StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.engine import Engine

LOG = logging.getLogger(__name__)
WATCH_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 60.0
"""After so long a configuration that could not be stored is tried again."""
FEW_CHECKS: Final = 3
"""So many checks may go at once, of whatever number."""

_UNDO: Final = "if that was not meant, put it back"
_MEANT: Final = "if it was, have the configuration read again: send SIGHUP, or restart"


class Reloader:
    """A changed configuration is applied between runs, atomically."""

    def __init__(self, engine: Engine) -> None:
        """Reload the configuration of an engine."""
        self._engine = engine
        self._seen = self._stamp()
        self._turn = asyncio.Lock()
        self._again_at: float | None = None
        """When what the disk refused is tried again, on the loop's clock."""
        self._asked = False

    async def reload(self, *, asked: bool = True) -> Reply:
        """Read the configuration again; ``asked``: because somebody wants it, not because a file has changed."""
        async with self._turn:
            return await self._read_again(asked=asked)

    async def _read_again(self, *, asked: bool) -> Reply:
        engine = self._engine
        self._seen, self._again_at, self._asked = self._stamp(), None, asked
        before = engine.config
        try:
            config = await asyncio.to_thread(configuration.load, before.path, before.told_web_config)
        except configuration.ConfigError as error:
            return self._refused(error.faults)
        emptied = too_much_gone(before, config, asked=asked)
        if emptied is not None:
            return self._refused([f"{before.path.name}: {emptied}"])
        restart = _needs_restart(before, config)
        try:
            await engine.adopt(_adoptable(before, config))
        except StoreError as error:
            engine.written(error)
            engine.doings.config_error = f"{before.path.name}: not in force: {error}; it is tried again every minute"
            self._again_at = asyncio.get_running_loop().time() + AGAIN_SECONDS
            return Reply(ok=False, message=engine.doings.config_error)
        engine.doings.config_error = None
        text = f"in force{f'; a restart is needed for {restart}' if restart else ''}"
        engine.note(Event(at=engine.clock(), kind="config", what=config.path.name, text=text))
        engine.moved()
        LOG.info("config=reloaded digest=%s", config.digest)
        return Reply(ok=True, message=f"{config.path.name} is {text}")

    def _refused(self, faults: Sequence[str]) -> Reply:
        """Keep the last good configuration, and say why."""
        engine = self._engine
        engine.doings.config_error = "\n".join(faults)
        name = engine.config.path.name
        engine.note(Event(at=engine.clock(), kind="config", what=name, text=f"refused: {faults[0]}"))
        engine.moved()
        LOG.warning("config=refused faults=%d first=%s", len(faults), faults[0])
        return Reply(ok=False, message=engine.doings.config_error)

    async def watch(self) -> None:
        """Reload when the file, or the waivers beside it, have changed and lie still."""
        changed: tuple[object, ...] | None = None
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            stamp = self._stamp()
            if self._again_at is not None and asyncio.get_running_loop().time() >= self._again_at:
                await self.reload(asked=self._asked)
            elif stamp == self._seen:
                changed = None
            elif stamp == changed:
                await self.reload(asked=False)
                changed = None
            else:
                changed = stamp

    def _stamp(self) -> tuple[object, ...]:
        config = self._engine.config
        stamps: list[object] = []
        for path in (config.path, config.folder / config.waivers.file):
            with contextlib.suppress(OSError):
                status = path.stat()
                stamps.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(stamps)


def too_much_gone(before: Config, after: Config, *, asked: bool) -> str | None:
    """Say why a configuration that can be read is refused all the same: much of what was watched is not in it.

    A file that was cut off or emptied can be good TOML. One that merely changed may not take away all checks or all
    sources, the last check of a family, or more than half of more than three checks; one that somebody asked to be
    read again may do all that but leave no checks.
    """
    renamed = {check.common.was for check in after.checks.values()}
    gone = sorted(name for name in before.checks if name not in after.checks and name not in renamed)
    if before.checks and not after.checks:
        return f"has no checks any more, where {len(before.checks)} are in force; {_UNDO}, or restart"
    if asked:
        return None
    if before.sources and not after.sources:
        return f"has no sources any more; {_UNDO}; {_MEANT}"
    families = {check.check.family for check in before.checks.values()}
    lost = sorted(families - {check.check.family for check in after.checks.values()})
    if lost:
        named = sorted(name for name, check in before.checks.items() if check.check.family == lost[0])
        return f"has no check of the family {lost[0]} any more ({', '.join(named)}); {_UNDO}; {_MEANT}"
    if len(gone) > FEW_CHECKS and 2 * len(gone) > len(before.checks):
        missing = f"is without {len(gone)} of the {len(before.checks)} checks in force ({', '.join(gone)})"
        return f"{missing}; {_UNDO}; {_MEANT}"
    return None


def _adoptable(before: Config, after: Config) -> Config:
    """Give a new configuration with what only a restart can change left as it is."""
    kept = msgspec.structs.replace(after.engine, state_dir=before.engine.state_dir, store=before.engine.store)
    return dataclasses.replace(after, engine=kept, metrics=before.metrics)


def _needs_restart(before: Config, after: Config) -> str:
    """Name the settings that a reload does not apply."""
    named = []
    if before.engine.state_dir != after.engine.state_dir:
        named.append("engine.state_dir")
    if before.engine.store != after.engine.store:
        named.append("engine.store")
    if before.metrics != after.metrics:
        named.append("metrics")
    return ", ".join(named)
