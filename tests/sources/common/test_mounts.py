"""Mount points are told from plain folders."""

from __future__ import annotations

from pathlib import Path

from sources.common.mounts import is_mount_point


def test_the_root_is_a_mount_point_and_a_folder_is_none(tmp_path: Path) -> None:
    """A folder on a mounted disk is not itself mounted, and one that is missing is not either."""
    (tmp_path / "disk").mkdir()
    assert is_mount_point(Path("/"))
    assert not is_mount_point(tmp_path / "disk")
    assert not is_mount_point(tmp_path / "missing")
