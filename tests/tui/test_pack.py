"""An evidence pack is written whole or not at all, for its owner alone, and over nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.port import Packed
from tests.support.canned_port import an_archive
from tui.pack import put, target_fault


def a_pack(*, chain_valid: bool = True) -> Packed:
    """Build a pack of one file."""
    return Packed(name="pack.zip", data=an_archive(), files=1, checks=1, chain_valid=chain_valid)


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Its digest is told, and nothing else lies beside it."""
    told = put(a_pack(), str(tmp_path / "a.zip"))
    assert "sha256 " in told
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) == 0o600


def test_a_folder_holds_the_files(tmp_path: Path) -> None:
    """Each for its owner alone, and how to check them is told."""
    told = put(a_pack(chain_valid=False), str(tmp_path / "pack"))
    [file] = (tmp_path / "pack").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("SHA256SUMS", 0o600)
    assert "sha256sum -c" in told
    assert "CHAIN IS BROKEN" in told


@pytest.mark.parametrize("name", ["a.zip", "pack"])
def test_nothing_is_written_over(tmp_path: Path, name: str) -> None:
    """What is there stays as it was."""
    (tmp_path / name).write_text("mine")
    assert "already" in target_fault(str(tmp_path / name))
    with pytest.raises(OSError, match="File exists"):
        put(a_pack(), str(tmp_path / name))
    assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_target_needs_a_folder_to_be_in(tmp_path: Path) -> None:
    """The one that is missing is named."""
    assert "no folder" in target_fault(str(tmp_path / "none" / "a.zip"))
    assert target_fault("") != ""
    assert target_fault(str(tmp_path / "a.zip")) == ""
