"""Blobs hold the records of a collection: JSON Lines, gzip, named by the SHA-256 of the uncompressed bytes.

``root/ab/abcdef….jsonl.gz`` can be checked by hand: ``gzip -dc FILE | sha256sum``. A blob appears whole or not at all:
it is written beside its place, flushed to the disk and renamed. Level 1 was measured: 2.7 ns a byte at a ratio of 7.8,
where level 6 takes 7–9 ns for 9.2, and Huffman or run-length coding alone are slower *and* larger on records.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from engine.store import StoreError, StoreFull, StoreReadOnly

CHUNK: Final = 256 * 1024
"""Bytes that are read, hashed or compressed at once; hashing and zlib let other threads run meanwhile."""

IN_MEMORY: Final = 24 * 1024 * 1024
"""Bytes of lines that a judgement keeps in memory; past it they go into a file."""
LINE: Final = 512
"""Bytes that are read at first in search of the end of a line."""

_LEVEL: Final = 1
_GZIP: Final = 31
"""zlib's word for a gzip header, which it writes without name and time: the same bytes give the same file."""
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SPOOL: Final = ".spool-"


class BlobCorrupt(StoreError):
    """A blob's bytes are not those that its digest names."""


class BlobMissing(StoreError):
    """No blob of that digest is kept."""


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A stored blob."""

    digest: str
    """Of the uncompressed bytes, ``sha256:…``."""
    size_bytes: int
    """Uncompressed."""
    stored_bytes: int
    """On the disk."""


@dataclass(slots=True)
class Spool:
    """A blob being written; nothing of it can be seen before ``commit``."""

    _root: Path
    _path: Path
    _file: BinaryIO
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _gzip: zlib._Compress = field(default_factory=lambda: zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP))
    _buffer: bytearray = field(default_factory=bytearray)
    _size: int = 0

    def write(self, lines: bytes) -> None:
        """Append whole lines; raises ``StoreFull`` or ``StoreReadOnly``, after which only ``abort`` is of use."""
        self._buffer += lines
        if len(self._buffer) >= CHUNK:
            self._drain()

    def commit(self) -> Blob:
        """Make the blob durable under its digest, and give it; one that is there already is kept."""
        with _named(self._root):
            self._drain()
            self._file.write(self._gzip.flush())
            self._file.flush()
            os.fsync(self._file.fileno())
            stored = self._file.tell()
            self._file.close()
            digest = f"sha256:{self._hash.hexdigest()}"
            self._place(_path_of(self._root, digest))
        return Blob(digest=digest, size_bytes=self._size, stored_bytes=stored)

    def abort(self) -> None:
        """Forget everything written; does nothing after ``commit``."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)

    def _drain(self) -> None:
        """Hash and compress what is buffered."""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._size += len(data)
        self._hash.update(data)
        with _named(self._root):
            self._file.write(self._gzip.compress(data))

    def _place(self, path: Path) -> None:
        """Rename into place; a crash before this leaves a spool file that ``sweep`` removes."""
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._root)
        self._path.replace(path)
        _sync_folder(path.parent)


@dataclass(slots=True)
class Unnamed:
    """Lines that need not outlive a judgement: in memory at first, then in a file without a name.

    The file lies beside the blobs, for it may name people, and a crash leaves nothing of it.
    """

    _root: Path
    _limit: int
    _memory: bytearray = field(default_factory=bytearray)
    _file: BinaryIO | None = None
    size: int = 0

    def write(self, data: bytes) -> None:
        """Append bytes; raises ``StoreFull`` or ``StoreReadOnly``."""
        self.size += len(data)
        if self._file is None and self.size <= self._limit:
            self._memory += data
            return
        with _named(self._root):
            if self._file is None:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._root, buffering=0)  # noqa: SIM115 - close() closes it
                _write_all(self._file, self._memory)
                self._memory = bytearray()
            _write_all(self._file, data)

    def read(self, offset: int, size: int) -> bytes:
        """Give at most ``size`` bytes from an offset."""
        if self._file is None:
            return bytes(self._memory[offset : offset + size])
        return os.pread(self._file.fileno(), size, offset)

    def line(self, offset: int) -> bytes:
        """Give the line that begins at an offset, without its newline."""
        if self._file is None:
            return bytes(self._memory[offset : self._memory.index(b"\n", offset)])
        handle, size = self._file.fileno(), LINE
        while (end := (data := os.pread(handle, size, offset)).find(b"\n")) < 0 and len(data) == size:
            size *= 4
        return data[:end] if end >= 0 else data

    def close(self) -> None:
        """Let it go."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True, slots=True)
class FolderBlobs:
    """Blobs in a folder: files 0600, folders 0700."""

    root: Path

    def sweep(self) -> int:
        """Make the folder, remove what a crash left half-written, and tell how many files that was."""
        with _named(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            left = [path for path in self.root.iterdir() if path.name.startswith(_SPOOL)]
            for path in left:
                path.unlink(missing_ok=True)
        return len(left)

    def spool(self) -> Spool:
        """Begin a blob; raises ``StoreFull`` or ``StoreReadOnly``."""
        path = self.root / f"{_SPOOL}{secrets.token_hex(8)}"
        with _named(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return Spool(self.root, path, os.fdopen(handle, "wb", buffering=CHUNK))

    def unnamed(self, limit: int = IN_MEMORY) -> Unnamed:
        """Begin lines that need not outlive a judgement, with up to ``limit`` bytes in memory."""
        return Unnamed(self.root, limit)

    def put(self, data: bytes) -> Blob:
        """Store bytes whole."""
        spool = self.spool()
        try:
            spool.write(data)
            return spool.commit()
        finally:
            spool.abort()

    def get(self, digest: str) -> bytes:
        """Give a small blob whole; raises ``BlobMissing`` or ``BlobCorrupt``."""
        return b"".join(self.open(digest))

    def has(self, digest: str) -> bool:
        """Tell whether a blob of that digest is kept; says nothing of its bytes."""
        return _path_of(self.root, digest).is_file()

    def open(self, digest: str, chunk: int = CHUNK) -> Iterator[bytes]:
        """Stream a blob as whole lines of about ``chunk`` bytes a time, whatever its size.

        Raises ``BlobMissing`` at once, and ``BlobCorrupt`` at the end when the bytes are not those of the digest (or
        earlier, where they are no gzip): what was read until then must not be believed.
        """
        path = _path_of(self.root, digest)
        try:
            handle = path.open("rb")
        except FileNotFoundError:
            raise BlobMissing(f"{path}: no such blob; it was let go by retention, or lost") from None
        return _lines(handle, path, digest, chunk)

    def verify(self, digest: str) -> int:
        """Read a blob against its digest and give its uncompressed size; raises ``BlobMissing`` or ``BlobCorrupt``."""
        return sum(len(lines) for lines in self.open(digest))

    def delete(self, digest: str) -> bool:
        """Let a blob go; False when there was none."""
        path = _path_of(self.root, digest)
        with _named(self.root):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def stored_bytes(self) -> int:
        """Add up what the blobs take on the disk."""
        return sum(path.stat().st_size for path in self.root.glob("??/*.jsonl.gz"))


def _write_all(file: BinaryIO, data: bytes | bytearray) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _lines(handle: BinaryIO, path: Path, digest: str, chunk: int) -> Iterator[bytes]:
    """Cut the uncompressed bytes at line borders and check the digest at the end."""
    seen, rest = hashlib.sha256(), b""
    with handle:
        for data in _inflated(handle, path, chunk):
            seen.update(data)
            border = data.rfind(b"\n") + 1
            if border:
                yield rest + data[:border]
                rest = data[border:]
            else:
                rest += data
    found = f"sha256:{seen.hexdigest()}"
    if found != digest:
        raise BlobCorrupt(f"{path}: holds {found}; the file was changed or damaged. {_NEXT_CORRUPT}")
    if rest:
        yield rest


def _inflated(handle: BinaryIO, path: Path, chunk: int) -> Iterator[bytes]:
    """Inflate at most ``chunk`` bytes a time, so that no file can fill the memory."""
    inflate = zlib.decompressobj(_GZIP)
    packed = b""
    while not inflate.eof:
        packed = inflate.unconsumed_tail or handle.read(CHUNK)
        try:
            data = inflate.decompress(packed, chunk)
        except zlib.error as fault:
            raise BlobCorrupt(f"{path}: is no whole gzip file ({fault}). {_NEXT_CORRUPT}") from fault
        if not packed and not data:
            raise BlobCorrupt(f"{path}: ends too early. {_NEXT_CORRUPT}")
        if data:
            yield data
    if inflate.unused_data or handle.read(1):
        raise BlobCorrupt(f"{path}: bytes follow the end of the gzip data. {_NEXT_CORRUPT}")


_NEXT_CORRUPT: Final = "Restore it from a backup, or run the source again; results that cite it cannot be replayed"


def _path_of(root: Path, digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise BlobMissing(f"{digest[:80]!r} is not a digest; write sha256: and 64 hexadecimal digits")
    name = digest.removeprefix("sha256:")
    return root / name[:2] / f"{name}.jsonl.gz"


def _sync_folder(folder: Path) -> None:
    """Make a rename or a new folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _named(root: Path) -> Iterator[None]:
    """Name a fault of the file system by who must act."""
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull(
                f"{root}: no space left for evidence ({fault.strerror}); free space or raise the quota. "
                "Only this collection was lost, and the next run tries again",
            ) from fault
        if fault.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
            raise StoreReadOnly(
                f"{root}: cannot be written ({fault.strerror}); make it writable for user id {os.geteuid()}, "
                "or set engine.state_dir to a folder that is",
            ) from fault
        raise StoreError(f"{root}: {fault.strerror}") from fault
