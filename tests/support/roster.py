"""Rosters written as CSV files, and what is told of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from checks.model.records import Person
from sources.common.settings import from_toml
from sources.roster import SOURCE, Config
from tests.support.clock import NOW
from tests.support.context import Collected, collect, lent_context

COLUMNS = {
    "key": "email",
    "aliases": "aliases",
    "name": "name",
    "status": "status",
    "starts_at": "start",
    "terminated_at": "end",
}
HEADER = "email,aliases,name,status,start,end\n"
EXPORTED = NOW - timedelta(hours=2)


def config(columns: Mapping[str, str] = COLUMNS, /, **keys: object) -> Config:
    """Build a configuration as the engine does."""
    return msgspec.convert({"path": "people.csv", "columns": columns, **keys}, Config, dec_hook=from_toml)


def write(folder: Path, content: str | bytes, at: datetime = EXPORTED) -> Path:
    """Write the roster as it was exported at an instant."""
    path = folder / "people.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


async def told(folder: Path, content: str | bytes, settings: Config | None = None) -> Collected:
    """Collect a roster once."""
    write(folder, content)
    async with lent_context(folder, name="people") as ctx:
        return await collect(SOURCE.fetch(settings or config(), ctx))


def people(collected: Collected) -> dict[str, Person]:
    """Give the people by id."""
    return {one.id: one for one in collected.records if isinstance(one, Person)}
