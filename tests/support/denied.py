"""Paths that may not be read, also where the tests run as root."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - loaded now, since nobody may not read where Python is installed
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NOBODY: Final = 65_534


@contextmanager
def denied(folder: Path, name: str) -> Iterator[Path]:
    """Take all rights on ``folder/name`` away; as root, act as nobody meanwhile, who may read the rest of it."""
    path = folder / name
    root = os.geteuid() == 0
    others = [folder, *folder.parents, *folder.rglob("*")] if root else []
    modes = {one: one.stat().st_mode for one in (path, *others)}
    for one in others:
        wanted = modes[one] | (0o055 if one.is_dir() else 0o044)
        if wanted != modes[one]:
            one.chmod(wanted)
    path.chmod(0)
    if root:
        os.seteuid(_NOBODY)
    try:
        yield path
    finally:
        if root:
            os.seteuid(0)
        for one, mode in modes.items():
            if one.stat().st_mode != mode:
                one.chmod(mode)
