"""An evidence pack is written whole or not at all, for its owner alone, and over nothing."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

from engine.port import Packed
from tests.support.canned_port import an_archive
from tests.support.denied import denied
from tui.pack import put, target_fault

ROOT: Final = Path(__file__).parents[2]


def a_pack(folder: Path, **changes: Any) -> Packed:
    """Build a pack of one file, made in a folder of its own."""
    made = folder / "state" / "packs" / ".pack-1.zip"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(an_archive())
    made.chmod(0o600)
    facts = {"size_bytes": len(an_archive()), "digest": hashlib.sha256(an_archive()).hexdigest(), "chain_valid": True}
    return Packed(**{"name": "pack.zip", "path": str(made), "files": 1, "checks": 1, **facts, **changes})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give an empty folder to put packs into."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def test_a_file_is_for_its_owner_alone(tmp_path: Path, place: Path) -> None:
    """Its digest is told, nothing else lies beside it, and nothing is left where it was made."""
    told = put(a_pack(tmp_path), str(place / "a.zip"))
    assert hashlib.sha256((place / "a.zip").read_bytes()).hexdigest() in told
    assert [each.name for each in place.iterdir()] == ["a.zip"]
    assert stat.S_IMODE((place / "a.zip").stat().st_mode) == 0o600
    assert list((tmp_path / "state" / "packs").iterdir()) == []


def test_a_folder_holds_the_files(tmp_path: Path, place: Path) -> None:
    """Each for its owner alone, and how to check them is told."""
    told = put(a_pack(tmp_path, chain_valid=False), str(place / "pack"))
    [file] = (place / "pack").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("SHA256SUMS", 0o600)
    assert stat.S_IMODE((place / "pack").stat().st_mode) == 0o700
    assert "sha256sum -c" in told
    assert "CHAIN IS BROKEN" in told


def test_what_is_missing_is_told_by_name(tmp_path: Path, place: Path) -> None:
    """As many as the answer names, and how many more there are."""
    told = put(a_pack(tmp_path, missing=("blob sha256:ab",), missing_count=3), str(place / "a.zip"))
    assert "3 MISSING: blob sha256:ab and 2 more" in told


@pytest.mark.parametrize("name", ["a.zip", "pack"])
def test_nothing_is_written_over(tmp_path: Path, place: Path, name: str) -> None:
    """What is there stays as it was."""
    (place / name).write_text("mine")
    assert "already" in target_fault(str(place / name))
    with pytest.raises(FileExistsError, match="nothing of the pack is left"):
        put(a_pack(tmp_path), str(place / name))
    assert (place / name).read_text() == "mine"
    assert len(list(place.iterdir())) == 1


FULL: Final = """
import resource, signal, sys
from pathlib import Path
from engine.port import Packed
from tui.pack import put, told_of

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
facts = {"size_bytes": 1, "digest": "", "chain_valid": True, "files": 1, "checks": 1}
try:
    put(Packed(name="x", path=sys.argv[1], **facts), sys.argv[2])
except OSError as error:
    print(told_of(error))
"""


@pytest.mark.parametrize("name", ["a.zip", "pack"])
def test_a_disk_that_is_full_leaves_nothing_under_the_name(tmp_path: Path, place: Path, name: str) -> None:
    """The message says where; the pack that was made is gone too. A file comes from another disk, so it is copied."""
    made = tmp_path / "made.zip"
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("evidence/chain.jsonl", "x" * 100_000)  # stored, not deflated
    script = FULL if name == "pack" else FULL.replace("\ntry:", NO_LINKS)
    command = [sys.executable, "-c", script, str(made), str(place / name)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{place / name}: File too large; nothing of the pack is left there\n"
    assert list(place.iterdir()) == []
    assert not made.exists()


NO_LINKS: Final = """
import errno, os
def refuse(*_):
    raise OSError(errno.EXDEV, "another disk")
os.link = refuse
try:"""


def test_a_target_needs_a_folder_to_be_in(tmp_path: Path) -> None:
    """The one that is missing is named."""
    assert "no folder" in target_fault(str(tmp_path / "none" / "a.zip"))
    assert target_fault("") != ""
    assert target_fault(str(tmp_path / "a.zip")) == ""


def test_a_target_that_may_not_be_written_is_told_before_anything_is_made(tmp_path: Path) -> None:
    """A folder that may not be looked into is a fault too, and no traceback."""
    (tmp_path / "theirs").mkdir()
    with denied(tmp_path, "theirs") as folder:
        assert "nothing may be written into" in target_fault(str(folder / "a.zip"))
        assert target_fault(str(folder / "deeper" / "a.zip")) != ""
