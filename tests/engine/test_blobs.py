"""A blob appears whole or not at all, and is never believed past its digest."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.blobs import Blob, BlobCorrupt, BlobMissing, FolderBlobs
from tests.support.judging import ROOT, run_without_privileges

LINES = b"".join(b'{"id":"%d","type":"account/1"}\n' % number for number in range(5_000))
DIGEST = f"sha256:{hashlib.sha256(LINES).hexdigest()}"

FILL = """
import resource, sys
from pathlib import Path
from engine.blobs import FolderBlobs
from engine.store import StoreFull
import os
blobs = FolderBlobs(Path(sys.argv[1]))
blobs.sweep()
kept = blobs.put(b"kept\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
spool = blobs.spool()
try:
    while True:
        spool.write(os.urandom(65_536))
except StoreFull as fault:
    print(fault)
finally:
    spool.abort()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(blobs.get(kept.digest), blobs.get(blobs.put(b"later\\n").digest), len(list(blobs.root.rglob(".spool*"))))
"""
"""A file size limit is a real refusal of the kernel to grow a file; Python ignores its signal, so write() fails."""

DIE = """
import os, signal, sys
from pathlib import Path
from engine.blobs import FolderBlobs
spool = FolderBlobs(Path(sys.argv[1])).spool()
for _ in range(64):
    spool.write(os.urandom(65_536))
os.kill(os.getpid(), signal.SIGKILL)
"""

WRITE = """
import sys
from collections.abc import Callable
from pathlib import Path
from engine.blobs import FolderBlobs
from engine.store import StoreReadOnly
try:
    FolderBlobs(Path(sys.argv[1])).put(b"x")
except StoreReadOnly as fault:
    print(fault)
"""


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """Give an empty folder of blobs."""
    folder = FolderBlobs(tmp_path / "evidence")
    folder.sweep()
    return folder


def path_of(blobs: FolderBlobs, digest: str = DIGEST) -> Path:
    """Name the file of a blob."""
    name = digest.removeprefix("sha256:")
    return blobs.root / name[:2] / f"{name}.jsonl.gz"


def test_a_spooled_blob_is_read_back(blobs: FolderBlobs) -> None:
    """What was spooled in pages is the blob, named by the digest of the uncompressed bytes."""
    spool = blobs.spool()
    for start in range(0, len(LINES), 1_000):
        spool.write(LINES[start : start + 1_000])
    blob = spool.commit()
    assert blob == Blob(digest=DIGEST, size_bytes=len(LINES), stored_bytes=path_of(blobs).stat().st_size)
    assert blobs.get(DIGEST) == LINES
    assert blobs.verify(DIGEST) == len(LINES)


def test_an_auditor_needs_gzip_and_sha256(blobs: FolderBlobs) -> None:
    """The file is plain gzip of the lines, and the same lines give the same file, byte for byte."""
    blobs.put(LINES)
    first = path_of(blobs).read_bytes()
    assert hashlib.sha256(gzip.decompress(first)).hexdigest() == DIGEST.removeprefix("sha256:")
    blobs.put(LINES)
    assert path_of(blobs).read_bytes() == first


@given(st.lists(st.binary(max_size=400).map(lambda line: line.replace(b"\n", b"") + b"\n")), st.integers(1, 300))
def test_chunks_end_at_line_borders(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], chunk: int) -> None:
    """However small the chunk, no line is cut and none is lost."""
    blobs = FolderBlobs(tmp_path_factory.mktemp("blobs"))
    digest = blobs.put(b"".join(lines)).digest
    chunks = list(blobs.open(digest, chunk))
    assert b"".join(chunks) == b"".join(lines)
    assert all(part.endswith(b"\n") for part in chunks)


def test_a_highly_compressed_blob_is_read_in_bounded_chunks(blobs: FolderBlobs) -> None:
    """A blob that inflates a thousandfold still comes in chunks of the size asked for."""
    digest = blobs.put((b"0" * 99 + b"\n") * 100_000).digest
    assert max(len(part) for part in blobs.open(digest, 65_536)) <= 65_536 + 100


def test_nothing_is_seen_before_commit(blobs: FolderBlobs) -> None:
    """An aborted spool leaves no blob and no file."""
    spool = blobs.spool()
    spool.write(LINES)
    assert not blobs.has(DIGEST)
    spool.abort()
    assert list(blobs.root.iterdir()) == []


def test_files_are_for_their_owner_alone(blobs: FolderBlobs) -> None:
    """Blobs name people: folders are 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        blobs.put(LINES)
        spool = blobs.spool()
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in blobs.root.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (blobs.root, path_of(blobs).parent)}
    spool.abort()
    assert (modes, folders) == ({0o600}, {0o700})


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: gzip.compress(LINES.replace(b'"7"', b'"8"')), id="other bytes"),
        pytest.param(lambda data: gzip.compress(LINES[:-31]), id="a record less"),
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: data[:100] + b"\xff" + data[101:], id="a byte flipped"),
        pytest.param(lambda data: b"", id="empty file"),
        pytest.param(lambda data: b"plain text", id="no gzip"),
        pytest.param(lambda data: data + b"more", id="trailing bytes"),
        pytest.param(lambda data: data + gzip.compress(b"{}\n"), id="a second member"),
    ],
)
def test_damage_is_found(blobs: FolderBlobs, damage: Callable[[bytes], bytes]) -> None:
    """A blob whose bytes are not those of its digest is never read to the end without a fault that names the file."""
    blobs.put(LINES)
    path = path_of(blobs)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BlobCorrupt, match=path.name):
        blobs.verify(DIGEST)


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:../../etc/passwd", "", "0" * 64])
def test_a_blob_that_is_not_there_is_missing(blobs: FolderBlobs, digest: str) -> None:
    """An unknown digest is missing, and nothing but a digest ever becomes a path."""
    with pytest.raises(BlobMissing):
        blobs.open(digest)


def test_delete_lets_go(blobs: FolderBlobs) -> None:
    """A deleted blob is gone; deleting it again says that there was none."""
    blobs.put(LINES)
    assert (blobs.delete(DIGEST), blobs.has(DIGEST), blobs.delete(DIGEST)) == (True, False, False)


def test_a_full_disk_loses_only_this_blob(tmp_path: Path) -> None:
    """When the kernel refuses to grow a file the fault names the folder, older blobs stay, the next is written."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    message, after = done.stdout.splitlines()
    assert str(tmp_path) in message
    assert "no space left" in message
    assert after == "b'kept\\n' b'later\\n' 0"


def test_a_kill_leaves_only_what_sweep_removes(blobs: FolderBlobs) -> None:
    """A process killed in mid-write leaves a spool file, no blob; the sweep at the next start removes it."""
    kept = blobs.put(b"kept\n").digest
    done = subprocess.run([sys.executable, "-c", DIE, str(blobs.root)], check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert blobs.sweep() == 1
    assert [path.name for path in blobs.root.rglob("*.gz")] == [path_of(blobs, kept).name]


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    """A folder that cannot be written is named with what to do, for users whom permission bits bind."""
    tmp_path.chmod(0o500)
    done = run_without_privileges(WRITE, str(tmp_path))
    tmp_path.chmod(0o700)
    assert str(tmp_path) in done.stdout, done.stderr
    assert "engine.state_dir" in done.stdout
