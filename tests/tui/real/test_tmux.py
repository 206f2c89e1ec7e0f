"""In tmux, a terminal that is none of ours: drawn at both sizes, keys arrive, and the shell's screen comes back."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from tests.support.programs import PROGRAM
from tests.support.servers import needs
from tests.support.terminal import encoded
from tui.keymap import screen_keys

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
    terminal.expect("row 1/10 000")
    terminal.keys("G")
    terminal.expect("row 10 000/10 000")
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


TMUX_NAMES = {
    "enter": "Enter",
    "escape": "Escape",
    "tab": "Tab",
    "shift+tab": "BTab",
    "space": "Space",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "delete": "DC",
    "shift+right": "S-Right",
    "shift+left": "S-Left",
    "ctrl+up": "C-Up",
    "ctrl+down": "C-Down",
    "f1": "F1",
    **{each: each.capitalize() for each in ("up", "down", "left", "right", "home", "end")},
}


def test_what_tmux_sends_for_every_key_is_read_as_that_key(terminal: Tmux, tmp_path: Path) -> None:
    """Home and end among them, which tmux sends as no other terminal does; ctrl+enter only newer ones know."""
    names = sorted({name for keys in screen_keys().values() for key in keys for name in key.keys.split(",")})
    pressed = [*(name for name in names if name not in {"ctrl+enter", "escape"}), "escape"]
    told = tmp_path / "told"
    terminal.run("new-session", "-d", "-x", "80", "-y", "24", "sh")
    terminal.keys(f"stty raw -echo; echo rea''dy; cat > {told}", "Enter")
    terminal.expect("ready")
    for name in pressed:
        if name in TMUX_NAMES or "+" in name:
            terminal.keys(TMUX_NAMES.get(name) or name.replace("ctrl+", "C-"))
        else:
            terminal.keys("-l", "--", encoded(name).decode())
    wait_for(lambda: told.read_bytes().endswith(b"\x1b"), lambda: repr(told.read_bytes()))
    parser = XTermParser()
    found = [*parser.feed(told.read_bytes().decode()), *parser.feed("")]
    assert [event.key for event in found if isinstance(event, Key)] == pressed
