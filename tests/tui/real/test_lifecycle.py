"""However it ends in a real terminal, the exit code is true and the terminal is as it was before."""

from __future__ import annotations

import signal
import termios
import time
from pathlib import Path

import pytest

from tests.support.programs import canned
from tests.support.terminal import Terminal

ESTATE = ("mixed", "100", "unicode")
MODES = (
    b"\x1b[?1049l",
    b"\x1b[?25h",
    b"\x1b[?1000l",
    b"\x1b[?1003l",
    b"\x1b[?1006l",
    b"\x1b[?2004l",
    b"\x1b[<u",
    b"\x1b[?7h",
)
"""The alternate screen, cursor, mouse, paste and keyboard protocol are given back, and lines wrap again."""


def assert_restored(written: bytearray) -> None:
    """See that nothing of the screen stays behind, and that nothing of it is drawn after the end."""
    end = written.rindex(b"\x1b[?1049l")
    for mode in MODES:
        assert mode in written[end - 600 :], mode
    assert b"\x1b[?1049h" not in written[end:]


@pytest.mark.parametrize("keys", [("q",), ("ctrl+q",), ("ctrl+c", "ctrl+c")], ids=["q", "ctrl+q", "ctrl+c twice"])
def test_a_key_quits(keys: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 0, and the terminal is as it was."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.press(*keys)
        assert terminal.code() == 0
        assert_restored(terminal.written)
        assert "left" in terminal.text


@pytest.mark.parametrize(
    "way", [("p", "Reason"), ("colon", "tab completes"), ("question_mark", "Keys")], ids=lambda way: way[1]
)
def test_ctrl_c_quits_from_every_sheet(way: tuple[str, str], tmp_path: Path) -> None:
    """A form, the command line and the help hold nobody."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.press(way[0])
        terminal.expect(way[1])
        terminal.press("ctrl+c", "ctrl+c")
        assert terminal.code() == 0
        assert_restored(terminal.written)


def test_one_ctrl_c_only_says_how_to_quit(tmp_path: Path) -> None:
    """Nobody quits by mistake."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.press("ctrl+c")
        terminal.expect("ctrl\\+c again quits, q quits too")
        terminal.press("S")
        terminal.expect("▸ Sources")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    """What follows the screen is run, and the exit code is 0."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.kill(number)
        assert terminal.code() == 0
        assert_restored(terminal.written)
        assert "left" in terminal.text


def test_a_stopped_screen_gives_the_terminal_back_and_takes_it_again(tmp_path: Path) -> None:
    """SIGTSTP restores the modes before the process stops; SIGCONT draws the whole screen again."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.kill(signal.SIGTSTP)
        terminal.wait(lambda: stopped(terminal.pid) and not terminal.read(), "it has stopped, and all is read")
        assert_restored(terminal.written)
        seen = len(terminal.written)
        terminal.kill(signal.SIGCONT)
        terminal.expect("admin-mfa")
        terminal.expect("LIVE")
        assert b"\x1b[?1049h" in terminal.written[seen:]
        terminal.press("S")
        terminal.expect("▸ Sources")
        terminal.press("q")
        assert terminal.code() == 0
        assert_restored(terminal.written)


def test_a_process_that_was_frozen_reads_every_key_once(tmp_path: Path) -> None:
    """SIGSTOP cannot be seen: at SIGCONT the terminal is taken anew, and not a second time beside the first."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.kill(signal.SIGSTOP)
        terminal.wait(lambda: stopped(terminal.pid), "the process has stopped")
        seen = len(terminal.written)
        terminal.kill(signal.SIGCONT)
        terminal.wait(lambda: b"\x1b[?1049h" in terminal.written[seen:], "the terminal is taken again")
        terminal.expect("LIVE")
        threads = [each.joinpath("comm").read_text().strip() for each in Path(f"/proc/{terminal.pid}/task").iterdir()]
        assert len(threads) <= 3, threads
        for _ in range(10):
            terminal.press("j", "k")
        terminal.press("S")
        terminal.expect("▸ Sources")
        terminal.press("q")
        assert terminal.code() == 0


def stopped(pid: int) -> bool:
    """Tell whether a process has been stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_an_engine_that_dies_is_told_and_the_exit_code_says_so(tmp_path: Path) -> None:
    """ENGINE DOWN with the fault on every page; the screen stays, quitting asks nothing, and exits with 4."""
    with canned(*ESTATE, "stops", home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.kill(signal.SIGUSR1)
        for key in ("S", "h", "e", "X", "0"):
            terminal.expect(r"ENGINE DOWN \d\d:\d\d")
            terminal.expect("the store is gone")
            terminal.expect_not("LIVE")
            terminal.press(key)
        terminal.expect("ENGINE DOWN")
        terminal.press("q")
        assert terminal.code() == 4
        assert_restored(terminal.written)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_terminal_that_stops_reading_cannot_hold_the_process(number: signal.Signals, tmp_path: Path) -> None:
    """A stalled terminal blocks neither keys nor signals: told to end, the screen ends."""
    with canned(*ESTATE, "silent", home=tmp_path, size=(80, 24)) as terminal:
        terminal.expect("LIVE")
        stall(terminal)
        terminal.kill(number)
        assert terminal.code(reads=False) == 0


def test_a_terminal_that_reads_again_shows_what_is_true_now(tmp_path: Path) -> None:
    """Frames dropped in a stall are made good by drawing the whole screen."""
    with canned(*ESTATE, home=tmp_path, size=(80, 24)) as terminal:
        terminal.expect("LIVE")
        stall(terminal)
        terminal.press("0", "S")
        terminal.expect("unreachable since")
        terminal.press("q")
        assert terminal.code() == 0
        assert_restored(terminal.written)


def stall(terminal: Terminal) -> None:
    """Read nothing while so much is drawn that the terminal's buffer and the queue before it are full."""
    for _ in range(60):
        terminal.press("S", "0", "1", "1", "0")
        time.sleep(0.02)


@pytest.mark.parametrize("ignores", [None, signal.SIGHUP], ids=["SIGHUP", "SIGHUP ignored"])
def test_a_closed_terminal_ends_the_screen(ignores: signal.Signals | None, tmp_path: Path) -> None:
    """A terminal that was closed leaves no process that spins, also under nohup."""
    with canned(*ESTATE, *["deaf"] * (ignores is not None), home=tmp_path, ignores=ignores) as terminal:
        terminal.expect("LIVE")
        terminal.close()
        assert terminal.code(reads=False) in {0, 1, -signal.SIGHUP}


def test_a_terminal_without_frames_is_drawn_as_well(tmp_path: Path) -> None:
    """Older terminals answer none of the questions that they are asked."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.has_frames = False
        terminal.expect("LIVE")
        terminal.press("S")
        terminal.expect("unreachable since")
        assert b"\x1b[?2026h" not in terminal.written


def test_a_pasted_line_is_one_filter_and_no_commands(tmp_path: Path) -> None:
    """What is pasted into a prompt is its text; what is typed ahead of it reaches the field it was meant for."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        terminal.expect("LIVE")
        terminal.press("1", "1", "slash")
        terminal.expect("status:")
        terminal.write(b"\x1b[200~q user00004\x1b[201~")
        terminal.expect("/ q user00004")
        terminal.press("escape")
        terminal.expect_not("status:")
        terminal.press("escape")
        terminal.expect_not("/ q user")
        terminal.press("p")
        terminal.expect("Reason")
        terminal.type("maintenance\t\b\b2d")
        terminal.expect("Reason +maintenance *$")
        terminal.expect("For +2d *$")


def test_the_terminal_echoes_and_takes_lines_again(tmp_path: Path) -> None:
    """Its settings are those of before."""
    with canned(*ESTATE, home=tmp_path) as terminal:
        before = termios.tcgetattr(terminal.fd)
        terminal.expect("LIVE")
        assert termios.tcgetattr(terminal.fd) != before
        terminal.kill(signal.SIGTSTP)
        terminal.wait(lambda: stopped(terminal.pid) and not terminal.read(), "it has stopped, and all is read")
        assert termios.tcgetattr(terminal.fd) == before
