"""A glob pattern finds regular files, and says when it could not look: an unreadable folder is never an empty one.

Python's ``glob`` passes over folders that it may not read. This walk does not: every fault but a file or folder that
has vanished since is raised. Links are not followed below the fixed part of the pattern, so nothing counts twice.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_MAGIC: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, split where its wildcards begin."""

    root: Path
    """The folder that must be there."""
    parts: tuple[str, ...]
    """Patterns of the names below it; ``**`` stands for any number of folders."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file."""

    path: str
    """Relative to the root; what is not UTF-8 is escaped by surrogates."""
    size: int
    """Octets."""
    mtime_ns: int
    """Last modification, nanoseconds since 1970."""


def split_pattern(pattern: str, folder: Path) -> Glob:
    """Split a pattern, relative to a folder; raises ``ValueError`` when it cannot name a file."""
    parts = Path(pattern).parts
    if not parts or pattern.endswith("/") or parts[-1] in {".", "..", "/"}:
        raise ValueError("name files, as in /srv/dumps/*.sql.zst")
    if wrong := next((part for part in parts if "**" in part and part != "**"), None):
        raise ValueError(f'"**" stands alone between slashes, not as in "{wrong}"')
    fixed = next((index for index, part in enumerate(parts) if _MAGIC & set(part)), len(parts) - 1)
    if ".." in parts[fixed:]:
        raise ValueError('".." must come before the first wildcard')
    tail = parts[fixed:]
    return Glob(folder / Path(*parts[:fixed]), (*tail, "*") if tail[-1] == "**" else tail)


def find(glob: Glob) -> dict[str, Found]:
    """Find the regular files that match, by path; blocking. Raises ``OSError`` when the root or a folder is unreadable.

    Hidden names match only a pattern that begins with a dot.
    """
    if not stat.S_ISDIR(glob.root.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(glob.root))
    found: dict[str, Found] = {}
    for entry, path in _walk(str(glob.root), "", glob.parts, top=True):
        with suppress(FileNotFoundError):
            seen = entry.stat(follow_symlinks=False)
            found[path] = Found(path, seen.st_size, seen.st_mtime_ns)
    return found


def look_again(glob: Glob, before: Found) -> Found | None:
    """Look at one file again; None: it has vanished, or is no regular file any more. Raises ``OSError``."""
    try:
        seen = os.lstat(glob.root / before.path)
    except FileNotFoundError:
        return None
    return Found(before.path, seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None


def legible(path: str) -> str:
    """Write a path so that it can be shown and stored, no two alike: controls and octets beyond UTF-8 are escaped."""
    if path.isprintable() and "\\" not in path:
        return path
    return "".join(
        one if one.isprintable() and one != "\\" else one.encode("unicode_escape").decode("ascii") for one in path
    )


def _walk(folder: str, path: str, parts: Sequence[str], *, top: bool = False) -> Iterator[tuple[os.DirEntry[str], str]]:
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _walk(folder, path, rest, top=top)
    for entry in _entries(folder, top=top):
        name = entry.name
        if head == "**":
            if not name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{path}{name}/", parts)
        elif not fnmatchcase(name, head) or (name.startswith(".") and not head.startswith(".")):
            continue
        elif rest and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{path}{name}/", rest)
        elif not rest and entry.is_file(follow_symlinks=False):
            yield entry, f"{path}{name}"


def _entries(folder: str, *, top: bool) -> list[os.DirEntry[str]]:
    """List a folder in the order of names; one below the root that has vanished is empty."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        if top:
            raise
        return []
