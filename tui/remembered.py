"""What the terminal UI remembers from one start to the next: which columns each view shows. No filter, no name.

A small JSON file under the state folder of the person (``$XDG_STATE_HOME/controlwatch/tui.json``, 0600). It is a
convenience: a file that is missing, damaged or from another version is as none, and a failure to write is told to
nobody.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

LONGEST = 65_536
"""Bytes of the file that are read."""


class Remembered(msgspec.Struct, kw_only=True):
    """What is written."""

    columns: dict[str, list[str]] = {}
    """Names of columns in order, by view."""


class Memory:
    """Reads at the start, writes at each change; without a path it forgets at the end."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept = _read(path)
        self.left: dict[str, object] = {}
        """How each list was left, by family; only while the app runs, since filters may name people."""

    def columns(self, view: str) -> Sequence[str] | None:
        """Give the columns that were chosen for a view; None when none were."""
        return self._kept.columns.get(view)

    def choose(self, view: str, columns: Sequence[str] | None) -> None:
        """Keep the columns of a view; None: those that fit by themselves."""
        if columns is None:
            _ = self._kept.columns.pop(view, None)
        else:
            self._kept.columns[view] = list(columns)
        if self._path is not None:
            with contextlib.suppress(OSError):
                _write(self._path, self._kept)


def default_path(environment: Mapping[str, str]) -> Path:
    """Name the file in the person's state folder."""
    told = environment.get("XDG_STATE_HOME", "")
    base = Path(told) if told.startswith("/") else Path(environment.get("HOME", "~")).expanduser() / ".local" / "state"
    return base / "controlwatch" / "tui.json"


def _read(path: Path | None) -> Remembered:
    if path is None:
        return Remembered()
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(LONGEST), type=Remembered)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Remembered()


def _write(path: Path, kept: Remembered) -> None:
    """Write beside the file, then put it in its place, so that nobody reads half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tui-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(kept))
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
