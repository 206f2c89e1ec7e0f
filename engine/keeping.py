"""Whoever packs evidence holds every blob meanwhile: retention lets none go while somebody tells which are there.

An advisory lock on the folder of the blobs, which the system lets go when its process dies; nothing is written for it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.store import StoreError

PACKS: Final = "packs"
"""Folder in the state folder in which an engine makes packs, for whoever asked to take away."""
WAIT_SECONDS: Final = 30.0
"""How long somebody who packs waits for retention to come to its end."""
_LOOK_SECONDS: Final = 0.05
_NO_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
"""What a file system says that has no locks for folders."""


def unreadable(path: Path, fault: OSError) -> str:
    """Say that evidence may not be read, and what next."""
    whose = f"grant user id {os.geteuid()} read access to it and to its folders, or ask as the user that owns it"
    return f"{path}: cannot be read ({fault.strerror}); {whose}"


@contextlib.contextmanager
def held(folder: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold every blob in ``folder``; blocking, for a thread. Raises ``StoreError`` when retention does not end."""
    with _opened(folder) as descriptor:
        ends = time.monotonic() + seconds
        while not _locked(descriptor, fcntl.LOCK_SH):
            if time.monotonic() > ends:
                message = f"{folder}: blobs are being let go for more than {seconds:g} s; try again in a minute"
                raise StoreError(message)
            time.sleep(_LOOK_SECONDS)
        yield


@contextlib.contextmanager
def letting_go(folder: Path) -> Iterator[bool]:
    """Keep everybody from holding blobs in ``folder``; gives False when somebody does, and then none may go."""
    with _opened(folder) as descriptor:
        yield _locked(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """Open the folder; None where there is none, and so nothing to hold."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except OSError as fault:
        raise StoreError(unreadable(folder, fault)) from fault
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int | None, how: int) -> bool:
    if descriptor is None:
        return True
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as fault:
        if fault.errno not in _NO_LOCKS:
            raise
    return True
