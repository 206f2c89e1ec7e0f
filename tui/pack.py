"""An evidence pack is put where somebody wants it: a ``.zip`` or a folder, 0600, whole or not at all, over nothing."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from engine.port import Packed
from tui.format import clean, number


def target_fault(text: str) -> str:
    """Say why a pack cannot be put there; empty when it can."""
    path = Path(text).expanduser()
    if not text:
        return "where to? a name that ends in .zip, or a new folder"
    if path.exists() or path.is_symlink():
        return f"{path} is there already; nothing is written over it"
    return "" if path.absolute().parent.is_dir() else f"there is no folder {path.absolute().parent}"


def put(pack: Packed, text: str) -> str:
    """Write a pack, and say what was written; raises ``OSError``, and then nothing of it is left."""
    path = Path(text).expanduser()
    digest = hashlib.sha256(pack.data).hexdigest()
    if path.suffix == ".zip":
        _put_file(path, pack.data)
        what = f"{number(len(pack.data))} bytes, sha256 {digest}"
    else:
        _put_folder(path, pack.data)
        what = f"{pack.files} files; check them with: sha256sum -c SHA256SUMS"
    broken = "" if pack.chain_valid else "; THE EVIDENCE CHAIN IS BROKEN, and the pack says so"
    return f"{clean(str(path), 200)}: {what}{broken}"


def _put_file(path: Path, data: bytes) -> None:
    """Write a file beside its place, and link it there, which fails where something is."""
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".pack-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _put_folder(path: Path, data: bytes) -> None:
    path.mkdir(mode=0o700)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for each in packed.infolist():
                descriptor = os.open(path / Path(each.filename).name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(packed.read(each))
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
