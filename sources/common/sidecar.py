"""Checksums beside a file: ``name.sha256`` as sha256sum, shasum and BSD's sha256 write it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sources.common.errors import SourceError
from sources.common.local import open_regular

SUFFIX: Final = ".sha256"
_CHUNK: Final = 1 << 20
_LONGEST: Final = 1 << 16
_GNU: Final = re.compile(r"\\?([0-9a-fA-F]{64})(?:\s+\*?(.+))?")
_BSD: Final = re.compile(r"SHA256 \((.+)\) = ([0-9a-fA-F]{64})")


def stated_sha256(path: Path, name: str) -> str | None:
    """Read the digest that the sidecar of a file states, lower case; None: there is none, or it is of other files."""
    try:
        with open_regular(path.with_name(path.name + SUFFIX), name, "pattern") as handle:
            text = handle.read(_LONGEST).decode(errors="replace")
    except (SourceError, OSError):
        return None
    for line in text.splitlines():
        if (gnu := _GNU.fullmatch(line.strip())) and (gnu[2] is None or gnu[2].rpartition("/")[2] == path.name):
            return gnu[1].lower()
        if (bsd := _BSD.fullmatch(line.strip())) and bsd[1].rpartition("/")[2] == path.name:
            return bsd[2].lower()
    return None


def hashing(path: Path, name: str) -> Iterator[str | None]:
    """Hash a file in steps of some milliseconds, so that it can be given up: None until the last step gives the digest.

    Raises what opening a file raises, or ``OSError``.
    """
    digest = hashlib.sha256()
    with open_regular(path, name, "pattern") as handle:
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            yield None
    yield digest.hexdigest()
