"""A file is looked at before it is touched, and what a kill left of the first start is no reason not to start."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from pathlib import Path

import pytest

from engine.store import StoreCorrupt
from engine.store.opening import APPLICATION, connect_reading, prepare
from engine.store.queries import migrations

PAGE = 4_096
JOURNAL = struct.pack(">8sIIIII", bytes.fromhex("d9d505f920a163d7"), 0, 7, 0, 512, PAGE).ljust(512, b"\0")
"""A rollback journal as SQLite writes it before it makes the first page of a file: there was no page.

Format: https://www.sqlite.org/fileformat2.html#the_rollback_journal (read 2026-11-21).
"""


def half_a_start(path: Path, *, tables: int = 0) -> None:
    """Leave what a kill leaves that comes while a new file is brought to write-ahead logging."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA user_version = 0")
        connection.execute("PRAGMA application_id = 0")
        for number in range(tables):
            connection.execute(f"CREATE TABLE t{number} (a)")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    path.with_name(f"{path.name}-journal").write_bytes(JOURNAL)


def test_a_kill_during_the_first_start_is_undone_by_the_next(tmp_path: Path) -> None:
    """A reader cannot roll back what was half done; whoever will write does."""
    path = tmp_path / "store.sqlite"
    half_a_start(path)
    assert path.stat().st_size == PAGE
    with contextlib.closing(connect_reading(path)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("PRAGMA user_version").fetchone()

    prepare(path, migrations())

    with contextlib.closing(connect_reading(path)) as reader:
        assert reader.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert reader.execute("PRAGMA user_version").fetchone() == (len(migrations()),)


def test_a_larger_file_is_left_to_whoever_wrote_it(tmp_path: Path) -> None:
    """What is more than half a start is not ours to undo: not a byte of it changes."""
    path = tmp_path / "store.sqlite"
    half_a_start(path, tables=2)
    before = path.read_bytes()
    assert len(before) > PAGE

    with pytest.raises(Exception, match="cannot be written"):
        prepare(path, migrations())

    assert path.read_bytes() == before


def test_a_small_file_of_another_kind_is_left_as_it_is(tmp_path: Path) -> None:
    """A journal beside it changes nothing."""
    path = tmp_path / "store.sqlite"
    path.write_text("a letter")
    path.with_name("store.sqlite-journal").write_bytes(JOURNAL)

    with pytest.raises(StoreCorrupt, match="is not an SQLite database"):
        prepare(path, migrations())

    assert path.read_text() == "a letter"
