"""How the runs of sources ended; every one that was stored has a manifest, which is kept for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from engine.store import Ended, Runs
from engine.store.instants import stored, told, told_text
from engine.store.queries import Sql


def runs(connection: sqlite3.Connection, sql: Sql, since: datetime) -> Mapping[str, Runs]:
    """Give the runs since an instant by source, those of a source that is asked no more too."""
    ended: dict[str, list[Ended]] = {}
    for source, finished, complete, started in connection.execute(sql["runs since"], (stored(since),)):
        ended.setdefault(source, []).append(_ended(finished, complete, started))
    firsts = dict(connection.execute(sql["first runs"]).fetchall())
    return {
        source: Runs(first=told(first), ended=ended.get(source, ()))
        for source, first in firsts.items()
        if first is not None
    }


def _ended(finished: int, complete: int, started: str | None) -> Ended:
    at = told(finished)
    begun = told_text(started) if started is not None else None
    if not complete:
        return Ended(at=at)
    return Ended(at=at, seconds=0.0 if begun is None else max(0.0, (at - begun).total_seconds()))
