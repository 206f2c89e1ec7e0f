"""An engine tells when it starts, ends, and goes on after it did nothing: whoever reads the events sees who watched.

An engine that is killed or stopped says nothing; the next sign of life says since when there was none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from engine.port import Event

if TYPE_CHECKING:
    from engine.store import Loaded

SILENT_AFTER: Final = timedelta(seconds=30)
"""An engine that has not ticked for so long has been silent: it ticks once a second."""


def last_sign(loaded: Loaded) -> datetime | None:
    """Give the latest instant at which an engine kept anything in the folder; None where none has."""
    told = [loaded.chained_at, *(event.at for event in loaded.events[:1])]
    told += [source.attempted_at for source in loaded.sources.values()]
    return max((at for at in told if at is not None), default=None)


def started(now: datetime, sign: datetime | None) -> Event:
    """Tell that an engine starts, and since when none has kept anything: it may have looked on for a while."""
    return _told(now, "started", "nothing was kept since", sign)


def stopped(now: datetime) -> Event:
    """Tell that an engine ends because it was asked to."""
    return _told(now, "stopped", "", None)


def resumed(now: datetime, ticked_at: datetime | None) -> Event | None:
    """Tell that an engine goes on after it did nothing for long; None when it did not."""
    if ticked_at is None or now - ticked_at <= SILENT_AFTER:
        return None
    return _told(now, "goes on", "silent since", ticked_at)


def _told(now: datetime, what: str, since: str, sign: datetime | None) -> Event:
    """Name the last sign of life; one of the future was told by a clock that ran ahead, and tells nothing."""
    if sign is not None and sign <= now:
        what = f"{what}; {since} {sign.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    return Event(at=now, kind="engine", what="engine", text=what)
