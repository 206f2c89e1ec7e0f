"""What is remembered of sources, for a command that runs beside an engine or without one; nothing is changed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.store import SourceMemory
from engine.store.opening import connect_reading
from engine.store.queries import load


def earlier(state_dir: Path) -> Mapping[str, SourceMemory]:
    """Give what is remembered of sources by name; empty where there is no store, or none that can be read now."""
    path = state_dir / "store.sqlite"
    try:
        with contextlib.closing(connect_reading(path)) as reader:
            rows = reader.execute(load("ledger.sql")["sources"]).fetchall()
        return {name: msgspec.json.decode(body, type=SourceMemory) for name, body in rows}
    except (sqlite3.Error, msgspec.DecodeError):
        return {}
