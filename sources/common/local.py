"""Files of this machine: opened without waiting, with errors named by who must act."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from sources.common.errors import Absent, Refused, SourceError, Unreachable


class NotRegular(OSError):
    """A path leads to a folder, a pipe or a device, and a file was meant."""


def open_at_once(path: Path) -> BinaryIO:
    """Open a regular file to read, without waiting for a pipe; blocking, for a thread.

    Raises ``OSError`` with a reason; ``NotRegular`` when it is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as fault:  # so Python names a path with a NUL
        raise OSError(errno.EINVAL, str(fault)) from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise NotRegular(errno.EINVAL, "no regular file")


def open_regular(path: Path, name: str, key: str) -> BinaryIO:
    """Open a regular file to read, without waiting for a pipe; blocking, for a thread.

    ``name`` is the source's and ``key`` the configuration's that names the file, for messages. Raises ``Absent``
    (not there, or no regular file), ``Refused`` or ``Unreachable``.
    """
    try:
        return open_at_once(path)
    except OSError as fault:
        raise file_error(fault, path, name, key) from fault


def file_error(fault: Exception, path: Path, name: str, key: str) -> SourceError:
    """Name the error of who must act on what the operating system said about a path."""
    if isinstance(fault, FileNotFoundError):
        return Absent(f"{name}: {path} is not there", f"put it there, or mend {key}", key)
    if isinstance(fault, IsADirectoryError):
        return Absent(f"{name}: {path} is a folder, not a file", f"mend {key}", key)
    if isinstance(fault, NotRegular):
        return Absent(f"{name}: {path} is no regular file", f"mend {key}", key)
    if isinstance(fault, NotADirectoryError):
        return Absent(f"{name}: {path} leads through a file as if it were a folder", f"mend {key}", key)
    if isinstance(fault, PermissionError):
        return Refused(f"{name}: {path} may not be read; grant read access to it and search access to its folders")
    said = fault.strerror if isinstance(fault, OSError) else str(fault)
    return Unreachable(f"{name}: {path} cannot be read: {said}")
