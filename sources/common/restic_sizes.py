"""The size of a snapshot that an older restic wrote is asked for once: a snapshot never changes.

Writers before 0.17 record no summary, so that an empty backup could not be told from a full one. ``restic stats`` walks
the snapshot's trees; only the newest snapshot of each set is asked for, and the answer is kept under the snapshot's id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from sources.common.errors import Malformed, SourceError
from sources.common.restic_cli import READ_ONLY, Repository, Row, Summary, run_restic

SKEW = timedelta(minutes=5)
"""A snapshot further in the future is never the newest."""
_FILE = "sizes.json"


class Stats(msgspec.Struct, frozen=True):
    """What ``restic stats --json`` tells of one snapshot."""

    total_size: int
    """Bytes that a restore would write."""


async def with_sizes(
    repository: Repository,
    named: Sequence[tuple[Row, str]],
    scratch: Path,
    now: datetime,
) -> list[tuple[Row, str]]:
    """Complete the newest snapshot of each set with its size, where its writer recorded none."""
    known = await asyncio.to_thread(_read, scratch / _FILE)
    asked = {row.id for row in _newest(named, now).values() if row.summary is None}
    sizes = {ident: known[ident] for ident in asked if ident in known}
    for ident in sorted(asked - set(sizes)):
        with contextlib.suppress(SourceError):  # its size stays untold, which is never a pass
            sizes[ident] = await _ask(repository, ident)
    if sizes != known:
        await asyncio.to_thread(_write, scratch / _FILE, sizes)
    return [(_sized(row, sizes), name) for row, name in named]


def _newest(named: Sequence[tuple[Row, str]], now: datetime) -> Mapping[str, Row]:
    newest: dict[str, Row] = {}
    for row, name in named:
        if row.time <= now + SKEW and (name not in newest or newest[name].time < row.time):
            newest[name] = row
    return newest


def _sized(row: Row, sizes: Mapping[str, int]) -> Row:
    if row.summary is not None or row.id not in sizes:
        return row
    return msgspec.structs.replace(row, summary=Summary(total_bytes_processed=sizes[row.id]))


async def _ask(repository: Repository, ident: str) -> int:
    ran = await run_restic(repository, "stats", "--json", "--mode", "restore-size", *READ_ONLY, ident)
    for line in reversed(ran.stdout.splitlines()):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=Stats).total_size
    raise Malformed(f"{repository.source}: restic stats: the JSON has a shape that is new to us")


def _read(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, sizes: Mapping[str, int]) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(msgspec.json.encode(sizes))
    fresh.replace(path)
