"""One engine per state folder: an advisory lock that the system lets go when the process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class Held(Exception):
    """Another engine holds the state folder; attach to it, or stop it first."""


class FolderLock:
    """The lock of one state folder."""

    def __init__(self, folder: Path) -> None:
        """Lock ``folder``; raises ``Held``, or ``OSError`` when the folder cannot be written."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            message = f"another engine holds {folder}; attach to it, or stop it first"
            raise Held(message) from None
        with contextlib.suppress(OSError):  # a full disk; the number is for people, the lock is held
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)
