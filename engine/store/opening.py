"""Opening looks before it touches: a damaged, foreign or newer file is refused and left as it is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.store import StoreError, StoreNewer
from engine.store.faults import corrupt, named
from engine.store.queries import statements

APPLICATION: Final = 0x4357_4348
"""``PRAGMA application_id`` of our files: CWCH."""
BUSY_SECONDS: Final = 5.0
CHECKED_BYTES: Final = 32 * 1024 * 1024
"""Up to this size the whole file is checked at the start (some 50 ms); a larger one shows damage when it is read."""

_FIRST_PAGE_BYTES: Final = 4_096
_MAGIC: Final = b"SQLite format 3\0"


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """Open a connection for any one thread at a time; ``durable``: each commit reaches the disk at once."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL" if durable else "PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def connect_reading(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


@contextlib.contextmanager
def at_one_instant(connection: sqlite3.Connection) -> Iterator[None]:
    """Read the store as it is at one instant, however many statements a block takes and whoever writes meanwhile.

    A block within such a block reads at the instant of the outer one.
    """
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def prepare(path: Path, migrations: Sequence[str]) -> None:
    """Make the file, or bring it to the newest schema; raises a ``StoreError`` before anything has changed."""
    with named(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = _inspect(path, len(migrations))
        if version is None:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with contextlib.closing(connect(path, durable=True)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            # A file that cannot be written is opened all the same; asking for the write lock tells.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            if (version or 0) < len(migrations):
                _migrate(connection, path, version or 0, migrations)


def bind_key(connection: sqlite3.Connection, path: Path, key: bytes) -> None:
    """Bind the store to the key of its subjects: under another one every finding would be new, every due date late."""
    if len(key) < 16:
        raise StoreError(
            f"{path.parent / 'subject.key'}: holds {len(key)} bytes, too short to be a key; restore it from a backup"
        )
    proof = hashlib.blake2b(b"controlwatch subject key", key=key, digest_size=16).hexdigest()
    found = connection.execute("SELECT value FROM meta WHERE key = 'subject_key'").fetchone()
    if found is None:
        connection.execute("INSERT INTO meta (key, value) VALUES ('subject_key', ?)", (proof,))
    elif found[0] != proof:
        raise StoreError(f"{path}: was written with another subject.key; restore that key, or move the database aside")


def _inspect(path: Path, newest: int) -> int | None:
    """Read the schema's version without changing a byte; None of a file that is not there or empty."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise corrupt(path, "is not an SQLite database")
    _undo_half_a_start(path)
    if path.stat().st_size == 0:
        return None
    with contextlib.closing(connect_reading(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION and tables:
            raise corrupt(path, "is a database of another program")
        if version > newest:
            raise StoreNewer(
                f"{path}: has schema {version}, and this controlwatch knows up to {newest}. Nothing was changed. "
                "Install the version that wrote it, or a newer one",
            )
        if path.stat().st_size <= CHECKED_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check (1)").fetchone()
            if verdict != "ok":
                raise corrupt(path, f"the database is damaged ({verdict})")
    return int(version)


def _undo_half_a_start(path: Path) -> None:
    """Have SQLite roll back the first page of a file that a kill left half made; nobody who only reads can.

    Once there is more than that page it logs ahead, and no journal is rolled back any more.
    """
    if path.with_name(f"{path.name}-journal").exists() and path.stat().st_size <= _FIRST_PAGE_BYTES:
        with contextlib.closing(connect(path, durable=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _migrate(connection: sqlite3.Connection, path: Path, version: int, migrations: Sequence[str]) -> None:
    """Apply what is missing in one transaction, after a copy of what is there."""
    if version:
        _copy(connection, path.with_name(f"{path.name}.schema-{version}.bak"))
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for script in migrations[version:]:
            for statement in statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION:d}")
        connection.execute(f"PRAGMA user_version = {len(migrations):d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database to a file of its own, readable by its owner alone."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with contextlib.closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
