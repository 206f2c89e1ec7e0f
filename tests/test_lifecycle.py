"""Whatever happens to the process or to its terminal, nothing stored is lost and the metrics keep answering."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.console import COMMAND, command, environment, free_port, scraped, serving, until, write_estate

PASSES = 'controlwatch_check_state{check="backups",family="backup",state="pass"} 1'


@contextmanager
def on_a_terminal(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the command on a pseudo-terminal of 80×24; gives the process and the terminal's other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [str(COMMAND), *arguments],
        cwd=folder,
        env=environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - this process has one thread, and a session needs its terminal
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            os.close(ours)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def drained(terminal: int, seconds: float) -> bytes:
    """Read what the terminal shows for a while."""
    os.set_blocking(terminal, False)
    seen, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            seen += os.read(terminal, 65_536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            break
    return seen


def painted(terminal: int) -> None:
    """Wait until the overview is on the screen."""
    seen, ends = b"", time.monotonic() + 30
    while b"Backup freshness" not in seen:
        assert time.monotonic() < ends, seen[-500:]
        seen += drained(terminal, 0.2)


def test_kill_9_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    """A process that is killed again and again while it collects and judges starts again on whole evidence."""
    write_estate(tmp_path, every="1s")
    for pause in (0.8, 1.1, 1.7, 2.3):
        with serving(tmp_path) as process:
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
    verified = command("evidence", "verify", folder=tmp_path)
    checked = command("check", "--format", "json", folder=tmp_path)

    assert verified.returncode == 0, verified.stderr
    assert json.loads(checked.stdout)["state"] == "pass", checked.stderr
    assert not list((tmp_path / "state" / "evidence").glob(".spool-*"))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_serve_ends_cleanly(tmp_path: Path, name: str) -> None:
    """A signal ends the engine with exit 0, no traceback, and the socket gone."""
    port = free_port()
    write_estate(tmp_path, port=port)
    with serving(tmp_path) as process:
        until(lambda: PASSES in scraped(port))
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=60) == 0

    assert "Traceback" not in (tmp_path / "serve.log").read_text()
    assert not (tmp_path / "state" / "engine.sock").exists()


def test_sighup_reloads_and_a_bad_file_keeps_the_last_good(tmp_path: Path) -> None:
    """After SIGHUP a bad configuration is named and refused, a good one is in force, and a removed check is gone."""
    port = free_port()
    path = write_estate(tmp_path, port=port)
    good = path.read_text()
    with serving(tmp_path) as process:
        until(lambda: PASSES in scraped(port))
        path.write_text(good.replace("pattern", "patern"))
        process.send_signal(signal.SIGHUP)
        until(lambda: "controlwatch_config_last_reload_successful 0" in scraped(port))
        assert PASSES in scraped(port)
        path.write_text(good.replace("[checks.backups]", "[checks.renamed]"))
        process.send_signal(signal.SIGHUP)
        until(lambda: 'check="renamed",family="backup",state="pass"} 1' in scraped(port))
        assert 'check="backups"' not in scraped(port)


def test_a_second_engine_refuses_the_state_folder(tmp_path: Path) -> None:
    """One engine a state folder; a one-shot check asks the one that runs."""
    port = free_port()
    write_estate(tmp_path, port=port)
    with serving(tmp_path):
        until(lambda: PASSES in scraped(port))
        second = command("serve", folder=tmp_path)
        asked = command("check", "--format", "json", folder=tmp_path)

    assert second.returncode == 2
    assert "another engine holds" in second.stderr
    assert json.loads(asked.stdout)["state"] == "pass"


def test_metrics_check_and_screen_agree(tmp_path: Path) -> None:
    """All three readings of one engine say the same."""
    port = free_port()
    write_estate(tmp_path, port=port)
    with on_a_terminal(tmp_path) as (_, terminal):
        painted(terminal)
        until(lambda: PASSES in scraped(port))
        asked = json.loads(command("check", "--format", "json", folder=tmp_path).stdout)
        screen = drained(terminal, 2).decode(errors="replace")

    assert asked["state"] == "pass"
    assert asked["checks"][0]["population"] == 1
    assert "FAIL" not in screen.replace("0 FAIL", "")


def test_a_stalled_terminal_stops_nothing_else(tmp_path: Path) -> None:
    """While nobody reads the terminal, metrics keep answering and collections keep coming."""
    port = free_port()
    write_estate(tmp_path, port=port)
    with on_a_terminal(tmp_path) as (process, terminal):
        painted(terminal)
        until(lambda: PASSES in scraped(port))
        before = _ticked(scraped(port))
        ends = time.monotonic() + 6
        while time.monotonic() < ends:  # nobody reads the terminal meanwhile
            with contextlib.suppress(BlockingIOError):
                os.write(terminal, b"jk")
            assert scraped(port, timeout=3)
            time.sleep(0.1)
        assert _ticked(scraped(port)) > before
        assert process.poll() is None


def _ticked(exposition: str) -> float:
    [line] = [line for line in exposition.splitlines() if line.startswith("controlwatch_scheduler_last_tick")]
    return float(line.rsplit(" ", 1)[1])


def test_a_closed_terminal_ends_the_process(tmp_path: Path) -> None:
    """When the terminal is gone, so is the process, and the evidence is whole."""
    write_estate(tmp_path)
    with on_a_terminal(tmp_path) as (process, terminal):
        painted(terminal)
        os.close(terminal)
        process.wait(timeout=60)

    assert command("evidence", "verify", folder=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_restores_the_terminal(tmp_path: Path, name: str) -> None:
    """The screen leaves the alternate buffer and shows the cursor again."""
    write_estate(tmp_path)
    with on_a_terminal(tmp_path) as (process, terminal):
        painted(terminal)
        process.send_signal(signal.Signals[name])
        tail = drained(terminal, 3)
        process.wait(timeout=60)

    assert b"\x1b[?1049l" in tail
    assert b"\x1b[?25h" in tail
