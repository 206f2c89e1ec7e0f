"""The service manager is told how the engine is, by systemd's notification protocol; without a manager nothing happens.

Protocol: sd_notify(3), systemd.service(5): datagrams of ``NAME=value`` lines to the socket that ``$NOTIFY_SOCKET``
names. A hung scheduler is not kept alive: ``WATCHDOG=1`` is sent only while it ticks, so that the manager restarts us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from checks.model.state import WORST_FIRST
from engine.port import Snapshot, state_at

SHORTEST_PATIENCE: Final = 30.0
"""Seconds that the scheduler may stand in any case: a snapshot is taken every five, and one tick may judge for long."""
MICROSECONDS: Final = 1_000_000


class Notifier:
    """Tells the service manager what changed; every method returns at once, and does nothing without a manager."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read from the environment where to tell, and how often life must be proven."""
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._monotonic = monotonic
        self._ready = False
        self._status = ""
        self._ticked_at: datetime | None = None
        self._ticked = monotonic()
        self.watchdog = _watchdog_seconds(environment) if self._address is not None else None
        """Seconds of silence after which the manager gives us up; None: it does not watch."""

    def tell(self, snapshot: Snapshot) -> None:
        """Tell that the engine is live, once, and what it found, when that changed."""
        if self._address is None:
            return
        lines: list[str] = []
        if not self._ready and snapshot.phase == "live":
            self._ready = True
            lines.append("READY=1")
        status = status_line(snapshot)
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        self._send(*lines)

    async def watch(self, latest: Callable[[], Snapshot | None]) -> None:
        """Prove life twice in the watchdog's time while the scheduler ticks, until this is cancelled."""
        while self.watchdog is not None:
            self.prove(latest(), self.watchdog)
            await asyncio.sleep(self.watchdog / 2)

    def prove(self, snapshot: Snapshot | None, watchdog: float) -> None:
        """Tell the watchdog that we live if the scheduler ticked of late, by a clock that nobody sets."""
        if snapshot is not None and snapshot.ticked_at != self._ticked_at:
            self._ticked_at = snapshot.ticked_at
            self._ticked = self._monotonic()
        if self._monotonic() - self._ticked < max(watchdog, SHORTEST_PATIENCE):
            self._send("WATCHDOG=1")

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell that the configuration is read again, and when that is over."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000}")
        try:
            yield
        finally:
            self._send("READY=1")

    def stopping(self) -> None:
        """Tell that the end was asked for."""
        self._send("STOPPING=1", "STATUS=stopping")

    def _send(self, *lines: str) -> None:
        if self._address is None or not lines:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(0)  # one that does not read must not hold the engine up
            manager.sendto("\n".join(lines).encode(), self._address)


def status_line(snapshot: Snapshot) -> str:
    """Say in one line how many checks are in which state, worst first; no names, as every local user can read it."""
    states = Counter(state_at(view, snapshot, snapshot.at) for view in snapshot.checks)
    told = [f"{states[state]} {state.value}" for state in WORST_FIRST if states[state]]
    parts = [f"{snapshot.phase}: {', '.join(told) or 'no checks'}"]
    down = sum(1 for source in snapshot.sources if source.failing_since is not None)
    if down:
        parts.append(f"{down} of {len(snapshot.sources)} sources down")
    if snapshot.config_error is not None:
        parts.append("configuration refused, the last good one is in force")
    if snapshot.evidence_error is not None:
        parts.append("evidence is not written")
    return "; ".join(parts)


def _address(named: str) -> str | None:
    """Give the address of a socket in the file system, or of an abstract one (``@…``); None of any other kind."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Read the watchdog's time; None without one, or when it is meant for another process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    ours = str(os.getpid())
    if environment.get("WATCHDOG_PID", ours) != ours or not microseconds.isdecimal():
        return None
    return int(microseconds) / MICROSECONDS or None
