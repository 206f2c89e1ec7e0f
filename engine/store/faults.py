"""Faults of SQLite and of the file system, named by who must act."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from engine.store import StoreCorrupt, StoreError, StoreFull, StoreReadOnly

_PRIMARY = 0xFF
"""Extended result codes keep the primary one in the low byte (sqlite.org/rescode.html)."""


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn a fault of the database at ``path`` into a ``StoreError`` that says what to do next."""
    try:
        yield
    except sqlite3.Error as fault:
        raise _of_sqlite(fault, path) from fault
    except OSError as fault:
        raise _of_system(fault, path) from fault


def corrupt(path: Path, what: str) -> StoreCorrupt:
    """Say that the file is damaged, that it was left alone, and how to start afresh."""
    return StoreCorrupt(
        f"{path}: {what}. Nothing was changed. Restore it from a backup, or start afresh beside it: "
        f"mv {path} {path}.damaged (with {path.name}-wal and {path.name}-shm, if there). "
        "First-seen and due dates then start again",
    )


def full(path: Path, what: str) -> StoreFull:
    """Say that space ran out, and that only this write was lost."""
    return StoreFull(
        f"{path}: {what}; free space on its volume (or on that of temporary files, see TMPDIR). "
        "Only this write was lost; everything stored before stays, and the next run tries again",
    )


def read_only(path: Path, what: str) -> StoreReadOnly:
    """Say that the state folder cannot be written."""
    return StoreReadOnly(
        f"{path}: cannot be written ({what}); make {path.parent} and the files in it writable "
        f"for user id {os.geteuid()}, or set engine.state_dir to a folder that is",
    )


def _of_sqlite(fault: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(fault, "sqlite_errorcode", 0) & _PRIMARY
    blind = code == sqlite3.SQLITE_CANTOPEN and not _writable(path)
    if blind or code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return read_only(path, str(fault))
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _crowded(path)):
        return full(path, "no space left")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return corrupt(path, f"the database is damaged ({fault})")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreError(f"{path}: another process holds the database ({fault}); only this write was lost")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"{path}: the disk refused ({fault}); see its quota and its health. Only this write was lost")
    return StoreError(f"{path}: {fault}")


def _of_system(fault: OSError, path: Path) -> StoreError:
    if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return full(path, fault.strerror or "no space left")
    if fault.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return read_only(path, fault.strerror or "read-only")
    return StoreError(f"{path}: {fault.strerror or fault}")


def _writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def _crowded(path: Path) -> bool:
    """Tell whether the volume has next to nothing left: SQLite reports some failures to grow a file as I/O errors."""
    volume = os.statvfs(path.parent)
    return volume.f_bavail * volume.f_frsize < 64 * 1024
