"""Files of this machine: opened without waiting, with errors named by who must act."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from sources.common.errors import Refused, SourceError, Unconfigured, Unreachable


def open_regular(path: Path, name: str, key: str) -> BinaryIO:
    """Open a regular file to read, without waiting for a pipe; blocking, for a thread.

    ``name`` is the source's and ``key`` the configuration's that names the file, for messages. Raises ``Unconfigured``
    (not there, or no regular file), ``Refused`` or ``Unreachable``.
    """
    try:
        handle = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except (OSError, ValueError) as fault:
        raise file_error(fault, path, name, key) from fault
    if stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        return handle
    handle.close()
    raise Unconfigured(f"{name}: {path} is no regular file; mend {key}")


def file_error(fault: Exception, path: Path, name: str, key: str) -> SourceError:
    """Name the error of who must act on what the operating system said about a path."""
    if isinstance(fault, FileNotFoundError):
        return Unconfigured(f"{name}: {path} is not there; put it there, or mend {key}")
    if isinstance(fault, IsADirectoryError):
        return Unconfigured(f"{name}: {path} is a folder, not a file; mend {key}")
    if isinstance(fault, NotADirectoryError):
        return Unconfigured(f"{name}: {path} leads through a file as if it were a folder; mend {key}")
    if isinstance(fault, PermissionError):
        return Refused(f"{name}: {path} may not be read; grant read access to it and search access to its folders")
    said = fault.strerror if isinstance(fault, OSError) else str(fault)
    return Unreachable(f"{name}: {path} cannot be read: {said}")
