"""The exposition as a file: whole, readable by others, without what node_exporter has itself, and never fatal."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
from pathlib import Path

import pytest

from engine.exposition import Exposition
from engine.metrics import render
from engine.textfile import Textfile, textfile_fault, without_process, write_textfile
from tests.support.clock import NOW
from tests.support.servers import needs
from tests.support.snapshots import a_snapshot, an_estate


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        pytest.param("controlwatch.prom", True, id="prom"),
        pytest.param("/var/lib/node_exporter/controlwatch.prom", True, id="with a folder"),
        pytest.param("controlwatch.txt", False, id="another ending"),
        pytest.param("controlwatch.prom.tmp", False, id="not at the end"),
        pytest.param(".prom", False, id="no name"),
    ],
)
def test_only_a_name_that_the_collector_reads_is_taken(name: str, *, sound: bool) -> None:
    """A file under another name would be written and never read."""
    assert (textfile_fault(name) is None) is sound


def test_the_process_s_own_families_stay_out() -> None:
    """node_exporter exposes families of the same names; the count of series says what is left."""
    full = render(an_estate(3), NOW)
    left = without_process(full.body)
    assert b"process_" in full.body
    assert b"process_" not in left
    samples = [line for line in left.decode().splitlines() if not line.startswith("#")]
    assert f"controlwatch_exposition_series {len(samples)}" in samples
    assert without_process(left) == left


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    """Mode 0644 whatever was there, under a new inode, and nothing is left beside it."""
    path = tmp_path / "controlwatch.prom"
    path.write_text("old\n")
    path.chmod(0o600)
    with path.open() as reading:
        write_textfile(path, b"new 1\n")
        assert reading.read() == "old\n"
    assert path.read_bytes() == b"new 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    """Only what is ours and a minute old: another process may be writing the same file, or one beside it."""
    path = tmp_path / "controlwatch.prom"
    left, young = tmp_path / ".controlwatch.prom.k3_x9abz.fresh", tmp_path / ".controlwatch.prom.under0wa.fresh"
    others = [
        tmp_path / name for name in (".node.prom.k3_x9abz.fresh", ".controlwatch.prom.fresh", "controlwatchXprom.old")
    ]
    for file in (left, young, *others):
        file.write_text("half")
    for file in (left, *others):
        os.utime(file, (0, 0))
    write_textfile(path, b"new 1\n")
    assert set(tmp_path.iterdir()) == {path, young, *others}


def test_a_fault_leaves_what_was_there(tmp_path: Path) -> None:
    """A target that is a folder cannot be replaced; no half-written file stays beside it."""
    path = tmp_path / "controlwatch.prom"
    path.mkdir()
    with pytest.raises(OSError, match=r"."):
        write_textfile(path, b"new 1\n")
    assert list(tmp_path.iterdir()) == [path]


async def test_the_latest_exposition_is_written_once(tmp_path: Path) -> None:
    """Nothing before there is one; the same one is not written again."""
    path, expositions = tmp_path / "controlwatch.prom", list[Exposition]()
    told: list[str] = []
    following = Textfile(path, lambda: expositions[-1] if expositions else None, told.append)
    await following.write()
    assert not path.exists()
    expositions.append(render(a_snapshot(), NOW, process=str))
    await following.write()
    assert path.read_bytes() == expositions[0].body
    path.unlink()
    await following.write()
    assert not path.exists()
    expositions.append(render(a_snapshot(seq=2), NOW, process=str))
    await following.write()
    assert path.read_bytes() == expositions[1].body
    assert told == []


async def test_a_fault_is_told_once_and_so_is_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that is not there harms nothing; when it comes, the file is written."""
    path = tmp_path / "none" / "controlwatch.prom"
    told: list[str] = []
    following = Textfile(path, lambda: render(a_snapshot(), NOW, process=str), told.append)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await following.write()
        path.parent.mkdir()
        for _ in range(3):
            await following.write()
    assert told == ["cannot be written: No such file or directory", "written again"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.mark.parametrize("checks", [0, 40])
def test_promtool_has_nothing_to_say(tmp_path: Path, checks: int) -> None:
    """What is left is a sound exposition, to Prometheus' own linter."""
    promtool = needs("promtool", package="prometheus")
    path = tmp_path / "controlwatch.prom"
    write_textfile(path, render(an_estate(checks), NOW).body)
    done = subprocess.run([promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
