"""One engine per state folder, and a dead engine holds nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from engine.lock import FolderLock, Held

ROOT: Final = Path(__file__).resolve().parent.parent.parent
HOLD: Final = """
import sys
from pathlib import Path
from engine.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def held(folder: Path) -> bool:
    """Tell whether somebody holds a folder."""
    try:
        FolderLock(folder).release()
    except Held:
        return True
    return False


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    """The second is refused, and told what to do."""
    lock = FolderLock(tmp_path)

    with pytest.raises(Held, match=f"another engine holds {tmp_path}; attach to it, or stop it first"):
        FolderLock(tmp_path)

    assert held(tmp_path)
    lock.release()


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    """A restart needs no cleaning up."""
    FolderLock(tmp_path).release()

    lock = FolderLock(tmp_path)

    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()
    assert not held(tmp_path)


def test_a_refused_engine_leaves_the_holders_number(tmp_path: Path) -> None:
    """Whoever looks into the file finds the process that holds it."""
    lock = FolderLock(tmp_path)

    held(tmp_path)

    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Evidence names people."""
    lock = FolderLock(tmp_path / "a" / "state")

    assert stat.S_IMODE((tmp_path / "a" / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "state" / "lock").stat().st_mode) == 0o600
    lock.release()


def test_a_killed_engine_holds_nothing(tmp_path: Path) -> None:
    """The system lets the lock go when the process dies, whatever it died of."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert held(tmp_path)

        process.send_signal(signal.SIGKILL)
        process.wait()

    assert not held(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    """A file in its place is no lock of anybody."""
    (tmp_path / "state").write_text("")

    with pytest.raises(OSError, match="state"):
        FolderLock(tmp_path / "state")
