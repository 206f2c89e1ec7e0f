"""``controlwatch demo`` as people start it: as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cli.demo import EstateThread

COMMAND = [sys.executable, "-W", "error", "-c", "from cli.main import main; main()"]
ROOT = Path(__file__).parents[2]


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
    )


def test_without_a_terminal_the_demo_prints_one_table(tmp_path: Path) -> None:
    """The text says DEMO, every check was judged, the code is 0 whatever fails, and no file is left."""
    process = _start(tmp_path, "demo", "--accounts", "120", "--seed", "9")
    told, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert told.startswith("DEMO")
    assert "PENDING" not in told
    assert "self-test of controlwatch failed" not in told
    for check in ("workforce-mfa", "admin-mfa", "leavers", "backups", "public-tls", "vendors"):
        assert check in told
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_headless_demo_ends_cleanly_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """It runs until it is told to end, and then leaves neither a file nor a traceback."""
    process = _start(tmp_path, "demo", "--accounts", "120", "--headless")
    lines: list[str] = []
    live = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if "engine=live" in line:
                live.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert live.wait(100), lines
    process.send_signal(number)
    assert process.wait(60) == 0
    reader.join(10)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    assert "Traceback" not in "".join(lines)
    assert list(tmp_path.iterdir()) == []


def test_an_estate_that_was_ended_runs_no_more(tmp_path: Path) -> None:
    """Whoever ends it may remove its folder, and no thread makes it anew, however early the end came."""
    at_once = EstateThread(20_000, 7, tmp_path)
    at_once._thread.start()
    at_once.stop()
    assert not at_once._thread.is_alive()


def test_an_estate_that_was_ended_before_it_began_writes_nothing(tmp_path: Path) -> None:
    """The thread ends by itself."""
    never = EstateThread(20_000, 7, tmp_path)
    never.stop()
    never._thread.start()
    never._thread.join(60)
    assert not never._thread.is_alive()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_during_the_start_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """A demo that is ended while it writes its files takes them with it."""
    process = _start(tmp_path, "demo", "--accounts", "20000")
    while process.poll() is None and not any(path.is_dir() for path in tmp_path.iterdir()):
        time.sleep(0.002)  # a file there is not ours: Python tries whether it may write
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("accounts", ["1", "1000001", "many"])
def test_a_size_that_cannot_be_is_refused(accounts: str, tmp_path: Path) -> None:
    """A wrong number is a usage error that says what is allowed."""
    process = _start(tmp_path, "demo", "--accounts", accounts)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--accounts" in said
