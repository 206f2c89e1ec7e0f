"""An evidence pack is made into a file of its own, for whoever asked to take away.

An engine makes it in its state folder, which whoever asks over its socket can see: the answer names it and stays small.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.keeping import PACKS, held
from engine.pack.files import archive, stem
from engine.pack.gather import gathered
from engine.port import Packed, PackQuery
from engine.store import StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.pack.told import Told

PREFIX: Final = ".pack-"
"""Names of packs that nobody has taken yet begin so."""
NAMED: Final = 20
"""What is missing is named so often in an answer; the pack names all."""
LEFT_SECONDS: Final = 3600.0
"""A pack that nobody has taken for so long is removed."""


def packed(config: Config, query: PackQuery, at: datetime, version: str, folder: Path) -> Packed:
    """Read a period from the state folder and make its pack, a file in ``folder``, in the calling thread.

    No blob is let go meanwhile. Raises ``NoPack`` on a period that is none, and ``StoreError`` when there is nothing to
    read or no room to write; then nothing of the pack is left.
    """
    with held(config.state_dir / "evidence"):
        told = gathered(config, query, at, version)
        path, files = _written(told, folder)
    missing = told.missing
    return Packed(
        name=f"{stem(told)}.zip",
        path=str(path),
        size_bytes=path.stat().st_size,
        digest=_digest(path),
        files=files,
        checks=len(told.checks),
        manifests=len(told.manifests),
        missing=missing[:NAMED],
        missing_count=len(missing),
        chain_valid=told.verified.first_bad is None,
    )


def room(state_dir: Path) -> Path:
    """Give the folder in which an engine makes packs, without those that nobody took; raises ``StoreError``."""
    folder = state_dir / PACKS
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{PREFIX}*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > LEFT_SECONDS:
                    left.unlink()
    except OSError as fault:
        raise _no_room(folder, fault) from fault
    return folder


def _written(told: Told, folder: Path) -> tuple[Path, int]:
    """Write the archive whole, or leave nothing."""
    name: str | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=PREFIX, suffix=".zip")
        with os.fdopen(descriptor, "wb") as file:
            files = archive(told, file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as fault:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise _no_room(folder, fault) from fault
        raise
    return Path(name), files


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_room(folder: Path, fault: OSError) -> StoreError:
    message = f"{folder}: no evidence pack can be made there ({fault.strerror or fault}); free space, or grant user id "
    return StoreError(f"{message}{os.geteuid()} write access. Nothing of it is left")
