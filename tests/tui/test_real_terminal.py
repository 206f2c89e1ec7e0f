"""In a real terminal: drawn at both sizes, keys work, signals and hang-ups end it, the terminal is as it was."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers import needs

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "canned_app.py"
PATIENCE_SECONDS = 20.0


def wait_for(what: Callable[[], bool], message: Callable[[], str]) -> None:
    """Wait until something holds; fail with the message when it does not."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, message()
        time.sleep(0.05)


@dataclass
class Tmux:
    """A tmux server of its own with one window."""

    tmux: Path
    socket: Path

    def run(self, *arguments: str) -> str:
        """Run a tmux command and give what it prints."""
        command = [str(self.tmux), "-S", str(self.socket), "-f", "/dev/null", *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=30, env=dict(os.environ)
        ).stdout

    def start(self, columns: int, rows: int, *arguments: str) -> None:
        """Start the program in a shell that tells its exit code."""
        program = shlex.join([sys.executable, str(PROGRAM), *arguments])
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), "env", "PS1=", "LC_ALL=C.UTF-8", "sh")
        self.run("send-keys", f"echo before; {program}; echo code=$?", "Enter")

    def screen(self) -> str:
        """Give what is on the screen."""
        return self.run("capture-pane", "-p")

    def expect(self, text: str) -> None:
        """Wait until a text is on the screen."""
        wait_for(lambda: text in self.screen(), lambda: f"{text!r} not in:\n{self.screen()}")

    def keys(self, *keys: str) -> None:
        """Press keys."""
        self.run("send-keys", *keys)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Tmux]:
    """Give a tmux server, and end it."""
    server = Tmux(needs("tmux", package="tmux"), tmp_path / "tmux")
    yield server
    subprocess.run([str(server.tmux), "-S", str(server.socket), "kill-server"], check=False, capture_output=True)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 48)])
def test_tmux_shows_all_screens_and_gets_its_terminal_back(terminal: Tmux, columns: int, rows: int) -> None:
    """Overview, family, finding, sources, help; then the shell's screen is there again, with the exit code."""
    terminal.start(columns, rows, "mixed", "10000", "unicode")
    terminal.expect("Attestations & TLS")
    terminal.expect("✖ 2 FAIL")
    terminal.keys("1", "1")
    terminal.expect("row 1/9 656")
    terminal.keys("G")
    terminal.expect("row 9 656/9 656")
    terminal.keys("Enter")
    terminal.expect("Evidence")
    terminal.keys("S")
    terminal.expect("unreachable since")
    terminal.keys("?")
    terminal.expect("ask the selected source to run now")
    terminal.keys("C-q")
    terminal.expect("code=0")
    assert "before" in terminal.screen()
    assert "left" in terminal.screen()
    assert "MFA coverage" not in terminal.screen()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 48), (40, 10)])
def test_the_command_line_opens_completes_runs_and_closes(terminal: Tmux, columns: int, rows: int) -> None:
    """``:`` opens it, tab completes, enter runs, esc closes it and then goes up, and nothing of it stays behind."""
    terminal.start(columns, rows, "mixed", "10000", "unicode")
    terminal.expect("LIVE")
    terminal.keys(":", "sou", "Tab")
    terminal.expect(":source")
    terminal.keys("aws", "Enter")
    terminal.expect("Sources")
    terminal.keys(":", "chekc", "Enter")
    terminal.expect("did you mean")
    terminal.keys("Escape")
    wait_for(lambda: "did you mean" not in terminal.screen(), terminal.screen)
    terminal.keys("Escape")
    wait_for(lambda: "Sources" not in terminal.screen(), terminal.screen)
    terminal.keys("[")
    terminal.expect("Sources")
    terminal.keys("C-k")
    terminal.keys("quit", "Enter")
    terminal.expect("code=0")


def test_ascii_in_tmux_is_ascii(terminal: Tmux) -> None:
    """A terminal without UTF-8 gets not one other byte."""
    terminal.start(80, 24, "mixed", "10", "ascii")
    terminal.expect("F 2 FAIL")
    assert terminal.screen().isascii()


def test_a_resize_is_followed(terminal: Tmux) -> None:
    """From one column to two, and back."""
    terminal.start(60, 20, "mixed", "10", "unicode")
    terminal.expect("admin-mfa")
    assert "Backup freshness" not in terminal.screen()
    terminal.run("resize-window", "-x", "120", "-y", "40")
    terminal.expect("Backup freshness")
    terminal.run("resize-window", "-x", "30", "-y", "8")
    terminal.expect("terminal too small")


@dataclass
class Child:
    """The program in a pseudo-terminal."""

    pid: int
    terminal: int
    written: bytes = b""
    has_ended: bool = False

    def read(self) -> None:
        """Take what is written at once."""
        ready, _, _ = select.select([self.terminal], [], [], 0.05)
        if ready:
            self.written += os.read(self.terminal, 65536)

    def expect(self, text: bytes) -> None:
        """Read until a text was written."""

        def seen() -> bool:
            self.read()
            return text in self.written

        wait_for(seen, lambda: repr(self.written[-2000:]))

    def code(self) -> int:
        """Wait for the end and give the exit code; negative of a signal."""
        status: list[int] = []

        def ended() -> bool:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            status.extend([code] if pid else [])
            return bool(status)

        wait_for(ended, lambda: "still running")
        self.has_ended = True
        return os.waitstatus_to_exitcode(status[0])


Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give what starts the program in a pseudo-terminal of its own, and end what is left of it."""
    started: list[Child] = []

    def begin(*words: str, ignores_hangup: bool = False) -> Child:
        pid, terminal = pty.fork()
        if pid == 0:
            if ignores_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            termios.tcsetwinsize(0, (24, 80))
            os.environ.update(TERM="xterm-256color", COLUMNS="200", LINES="99")
            command = [sys.executable, str(PROGRAM), "mixed", "100", "unicode", *words]
            os.execv(sys.executable, command)  # noqa: S606 - no shell is the point
        started.append(Child(pid, terminal))
        return started[-1]

    yield begin
    for child in started:
        if not child.has_ended:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_leaves_the_terminal_as_it_was(start: Start, number: signal.Signals) -> None:
    """Alternate screen, cursor and mouse are restored, and what follows the screen is run."""
    child = start()
    child.expect(b"LIVE")
    os.kill(child.pid, number)
    child.expect(b"left")
    assert child.code() == 0
    tail = child.written[child.written.rindex(b"\x1b[?1049l") - 400 :]
    assert b"\x1b[?25h" in tail
    assert b"\x1b[?1000l" in tail
    os.close(child.terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_terminal_that_stops_reading_cannot_hold_the_process(start: Start, number: signal.Signals) -> None:
    """A stalled terminal blocks neither keys nor signals: told to end, the screen ends."""
    child = start("silent")
    child.expect(b"LIVE")
    for _ in range(60):
        os.write(child.terminal, b"S0110")
        time.sleep(0.02)
    os.kill(child.pid, number)
    assert child.code() == 0
    os.close(child.terminal)


def test_a_terminal_that_reads_again_shows_what_is_true_now(start: Start) -> None:
    """Frames dropped in a stall are made good by drawing the whole screen."""
    child = start()
    child.expect(b"LIVE")
    for _ in range(60):
        os.write(child.terminal, b"S0110")
        time.sleep(0.02)
    os.write(child.terminal, b"0S")
    time.sleep(1.0)
    child.written = b""
    child.expect(b"unreachable since")
    os.kill(child.pid, signal.SIGTERM)
    assert child.code() == 0
    os.close(child.terminal)


@pytest.mark.parametrize("ignores_hangup", [False, True], ids=["SIGHUP", "SIGHUP ignored"])
def test_a_closed_terminal_ends_the_screen(start: Start, ignores_hangup: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """A terminal that was closed leaves no process that spins, also under nohup."""
    child = start(*["deaf"] * ignores_hangup, ignores_hangup=ignores_hangup)
    child.expect(b"LIVE")
    os.close(child.terminal)
    assert child.code() in {0, 1, -signal.SIGHUP}
