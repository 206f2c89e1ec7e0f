"""An evidence pack is put where somebody wants it: a ``.zip`` or a folder, 0600, whole or not at all, over nothing."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from engine.port import Packed
from tui.format import clean, number

_PREFIX: Final = ".pack-"
_NO_LINKS: Final = frozenset({errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
"""What is said where a file cannot be linked: another disk, or one whose file system has no links."""


def target_fault(text: str) -> str:
    """Say why a pack cannot be put there; empty when it can."""
    path = Path(text).expanduser()
    if not text:
        return "where to? a name that ends in .zip, or a new folder"
    try:
        if os.path.lexists(path):
            return f"{path} is there already; nothing is written over it"
        parent = path.absolute().parent
        if not parent.is_dir():
            return f"there is no folder {parent}"
    except OSError as fault:
        return f"{path}: {fault.strerror}"
    effective = os.access in os.supports_effective_ids
    may = os.access(parent, os.W_OK | os.X_OK, effective_ids=effective)
    return "" if may else f"nothing may be written into {parent}"


def put(pack: Packed, text: str) -> str:
    """Take a pack to its place, and say what was put there; raises ``OSError``, and then nothing of it is left."""
    path, made = Path(text).expanduser(), Path(pack.path)
    try:
        if path.suffix == ".zip":
            _put_file(path, made)
            what = f"{number(pack.size_bytes)} bytes, sha256 {pack.digest}"
        else:
            _put_folder(path, made)
            what = f"{pack.files} files; check them with: sha256sum -c SHA256SUMS"
    except OSError as fault:
        told = f"{fault.strerror or fault}; nothing of the pack is left there"
        raise OSError(fault.errno or errno.EIO, told, str(path)) from fault
    finally:
        made.unlink(missing_ok=True)
    return f"{clean(str(path), 200)}: {what}{_doubt(pack)}"


def told_of(error: OSError) -> str:
    """Say what went wrong with a pack, and where."""
    where = f"{clean(str(error.filename), 200)}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _doubt(pack: Packed) -> str:
    """Say why the evidence is not what it was; empty when it is."""
    broken = "" if pack.chain_valid else "; THE EVIDENCE CHAIN IS BROKEN, and the pack says so"
    if not pack.missing_count:
        return broken
    more = pack.missing_count - len(pack.missing)
    named = ", ".join(pack.missing) + (f" and {number(more)} more, which the pack names" if more else "")
    return f"{broken}; {number(pack.missing_count)} MISSING: {named}"


def _put_file(path: Path, made: Path) -> None:
    """Link it into its place, which fails where something is; from another disk it is copied beside it first."""
    try:
        os.link(made, path)
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
    else:
        return
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as file, made.open("rb") as whole:
            shutil.copyfileobj(whole, file)
            file.flush()
            os.fsync(file.fileno())
        _move(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def _put_folder(path: Path, made: Path) -> None:
    """Unpack it beside its place, and rename the folder when it is whole."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    beside = Path(tempfile.mkdtemp(dir=path.absolute().parent, prefix=_PREFIX))
    try:
        with zipfile.ZipFile(made) as packed:
            for each in packed.infolist():
                descriptor = os.open(beside / Path(each.filename).name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file, packed.open(each) as whole:
                    shutil.copyfileobj(whole, file)
                    file.flush()
                    os.fsync(file.fileno())
        _move(beside, path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _move(made: Path, path: Path) -> None:
    """Give it its name, over nothing."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    made.rename(path)
