"""Mount points of this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mountinfo")
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


def is_mount_point(path: Path) -> bool:
    """Tell whether a folder is a mount point, bind mounts of the same file system included; blocking."""
    return os.path.ismount(path) or os.fsencode(os.path.realpath(path)) in _mounted()


def _mounted() -> frozenset[bytes]:
    """Read where something is mounted (proc(5): the fifth field, with octal escapes); nothing where Linux is not."""
    try:
        lines = _TABLE.read_bytes().splitlines()
    except OSError:
        return frozenset()
    return frozenset(_OCTAL.sub(lambda code: bytes([int(code[1], 8)]), line.split(b" ")[4]) for line in lines)
