"""A program in a pseudo-terminal of its own, and what a person sees of it: pyte draws what the program writes.

Keys and the mouse are sent as xterm sends them. The emulated screen is larger than the terminal that the program was
told of, so that what is drawn past an edge is seen, not wrapped.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pyte
from textual.keys import _character_to_key

PATIENCE_SECONDS: Final = 30.0
MARGIN: Final = (12, 4)
"""Columns and rows that the emulated screen has more than the terminal."""
XTERM: Final[Mapping[str, str]] = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "delete": "\x1b[3~",
    "f1": "\x1bOP",
    "shift+right": "\x1b[1;2C",
    "shift+left": "\x1b[1;2D",
    "ctrl+up": "\x1b[1;5A",
    "ctrl+down": "\x1b[1;5B",
    "ctrl+enter": "\x1b[13;5u",
}
"""What xterm sends for keys that are no character; ctrl+enter as kitty does, since xterm knows none."""
CHARACTERS: Final = {_character_to_key(each): each for each in map(chr, range(33, 127))}
"""What is printed on a key, by Textual's name of it."""
SHIFTED: Final = '!@#$%^&*()_+{}|:"<>?~'
UNSHIFTED: Final = "1234567890-=[]\\;',./`"
"""What is on the same keys of a keyboard."""
UNKNOWN_TO_PYTE: Final = re.compile(rb"\x1b\[[<=>][0-9;:]*[A-Za-z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]*\$p")
UNFINISHED: Final = re.compile(rb"\x1b(\[[0-9;:<=>?$]*|\][^\x07\x1b]*)?$")
ASKS_FOR_FRAMES: Final = b"\x1b[?2026$p"
HAS_FRAMES: Final = b"\x1b[?2026;2$y"
LEAVES: Final = (b"\x1b[?1049l", b"\x1b[0m\x1b[2J\x1b[H")
"""The end of the alternate screen, of which pyte knows nothing, and what it shows of it here."""
FRAME: Final = (b"\x1b[?2026h", b"\x1b[?2026l")
"""What stands around what is to be shown at once."""


def encoded(key: str) -> bytes:
    """Give what a terminal sends for a key, by Textual's name of it."""
    if key in XTERM:
        return XTERM[key].encode()
    held, _, last = key.rpartition("+")
    if held == "ctrl":
        return bytes([ord(last) & 0x1F])
    return CHARACTERS[key].encode()


def kitty(key: str) -> bytes:
    """Give what a terminal of the kitty protocol sends for a key, once all keys are asked for as escape codes."""
    held, _, last = key.rpartition("+")
    if XTERM.get(key, "").startswith("\x1b["):
        return b"\x1b[9;2u" if key == "shift+tab" else XTERM[key].encode()
    named = {"enter": 13, "escape": 27, "tab": 9, "backspace": 127}
    if key == "f1":
        return b"\x1b[P"
    if last in named or held == "ctrl":
        code = named.get(last) or ord(last)
        return f"\x1b[{code};5u".encode() if held else f"\x1b[{code}u".encode()
    character = " " if key == "space" else CHARACTERS[key]
    base = dict(zip(SHIFTED, UNSHIFTED, strict=True)).get(character, character.lower())
    return f"\x1b[{ord(base)};{2 if base != character else ''};{ord(character)}u".encode()


class Spot(NamedTuple):
    """A cell, from 0."""

    column: int
    row: int


class Terminal:
    """The program, its terminal, and the screen."""

    def __init__(self, pid: int, fd: int, columns: int, rows: int) -> None:
        self.pid, self.fd = pid, fd
        self.columns, self.rows = columns, rows
        self.written = bytearray()
        """All that the program has written."""
        self._screen = pyte.Screen(columns + MARGIN[0], rows + MARGIN[1])
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""
        self._rows: dict[int, str | None] = {}
        self._code: int | None = None
        self.has_frames = True
        """Whether it shows frames whole, as the newer terminals do, and says so."""

    # What is on the screen --------------------------------------------------------------------------------------------

    def read(self, seconds: float = 0.02) -> bool:
        """Draw what the program has written; tell whether there was anything."""
        with contextlib.suppress(OSError):  # Its end of the terminal is closed.
            if select.select([self.fd], [], [], seconds)[0]:
                told = os.read(self.fd, 65_536)
                self.written += told
                self._draw(told)
                return bool(told)
        return False

    def _draw(self, told: bytes) -> None:
        data = self._rest + told
        if ASKS_FOR_FRAMES in data and self.has_frames:
            self.write(HAS_FRAMES)
        data = UNKNOWN_TO_PYTE.sub(b"", data).replace(*LEAVES)
        cut = UNFINISHED.search(data)
        end = cut.start() if cut else len(data)
        begun, ended = (data.rfind(mark) for mark in FRAME)
        end = min(end, begun) if begun > ended else end
        self._rest = data[end:]
        self._stream.feed(data[:end])
        for row in self._screen.dirty:
            self._rows[row] = None
        self._screen.dirty.clear()

    def _row(self, row: int) -> str:
        """Give a row of the emulated screen; made once for each time that it is drawn."""
        kept = self._rows.get(row)
        if kept is None:
            cells = self._screen.buffer[row]
            kept = "".join(cells[column].data for column in range(self.columns + MARGIN[0]))
            self._rows[row] = kept
        return kept

    @property
    def lines(self) -> list[str]:
        """Give the rows of the terminal, and what is drawn past its edge, without blanks at their ends."""
        return [self._row(row).rstrip() for row in range(self.rows)]

    @property
    def text(self) -> str:
        """Give the screen."""
        return "\n".join(self.lines)

    @property
    def overflow(self) -> list[str]:
        """Give what is drawn to the right of the terminal, or below it."""
        below = [self._row(row) for row in range(self.rows, self.rows + MARGIN[1])]
        past = [
            "".join(self._screen.buffer[row][column].data for column in range(self.columns, self.columns + MARGIN[0]))
            for row in range(self.rows)
        ]
        return [line for line in (*past, *below) if line.strip()]

    def find(self, text: str) -> Spot:
        """Wait until a text is on the screen, and say where it begins, in cells."""
        self.wait(lambda: self._spot(text), text)
        found = self._spot(text)
        assert found is not None
        return found

    def _spot(self, text: str) -> Spot | None:
        for row in range(self.rows):
            cells = [self._screen.buffer[row][column].data for column in range(self.columns)]
            at = "".join(cells).find(text)
            if at >= 0:
                return Spot(_cell(cells, at), row)
        return None

    def column_of(self, text: str, row: int) -> int:
        """Say in which cell of a row a text begins."""
        cells = [self._screen.buffer[row][column].data for column in range(self.columns)]
        return _cell(cells, "".join(cells).find(text))

    def end_of(self, row: int) -> int:
        """Count the cells of a row up to the last one that is not blank."""
        cells = self._screen.buffer[row]
        return max((column + 1 for column in range(self.columns + MARGIN[0]) if cells[column].data.strip()), default=0)

    @property
    def paint(self) -> frozenset[str]:
        """Give the colours that are on the screen: names, or RRGGBB."""
        buffer, columns = self._screen.buffer, range(self.columns)
        return frozenset(
            colour for row in range(self.rows) for at in columns for colour in (buffer[row][at].fg, buffer[row][at].bg)
        )

    def wait(self, what: Callable[[], object], said: str) -> None:
        """Read until something holds; fails with the screen when it does not."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not what():
            if not self.read():
                assert time.monotonic() < until, f"not seen: {said}\n{self.text}"

    def expect(self, pattern: str) -> None:
        """Wait until a pattern is on the screen."""
        found = re.compile(pattern, re.MULTILINE)
        self.wait(lambda: found.search(self.text), pattern)

    def expect_not(self, pattern: str) -> None:
        """Wait until a pattern is not on the screen any more."""
        found = re.compile(pattern, re.MULTILINE)
        self.wait(lambda: not found.search(self.text), f"gone: {pattern}")

    def expect_written(self, data: bytes) -> None:
        """Wait until the program has written something."""
        self.wait(lambda: data in self.written, repr(data))

    # What a person does -----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes."""
        os.write(self.fd, data)

    def press(self, *keys: str) -> None:
        """Press keys, by Textual's names; esc needs a pause after it, or it belongs to the next key."""
        for key in keys:
            self.write(encoded(key))

    def type(self, text: str) -> None:
        """Type a text."""
        self.write(text.encode())

    def click(self, spot: Spot, times: int = 1, *, button: int = 0) -> None:
        """Press and release a button of the mouse, with the pointer on a cell."""
        at = f"{spot.column + 1};{spot.row + 1}"
        self.write((f"\x1b[<{button};{at}M\x1b[<{button};{at}m" * times).encode())

    def wheel(self, spot: Spot, way: int, notches: int = 1) -> None:
        """Turn the wheel, down (1) or up (-1)."""
        self.write(f"\x1b[<{65 if way > 0 else 64};{spot.column + 1};{spot.row + 1}M".encode() * notches)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        while self.read(0):
            pass
        self.columns, self.rows = columns, rows
        self._screen.resize(rows + MARGIN[1], columns + MARGIN[0])
        self._screen.reset()
        self._rows.clear()
        termios.tcsetwinsize(self.fd, (rows, columns))

    # How it ends ------------------------------------------------------------------------------------------------------

    def kill(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def code(self, *, reads: bool = True) -> int:
        """Wait for the end and give the exit code; negative of a signal."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._code is None:
            assert time.monotonic() < until, f"still running:\n{self.text}"
            if not (reads and self.read()):
                time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        while reads and self.read(0.2):
            pass  # The kernel hands over the last words a moment after the end.
        return self._code

    def close(self) -> None:
        """Close the terminal, as when its window is closed."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def end(self) -> None:
        """End what is left."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.close()


def _cell(cells: Sequence[str], at: int) -> int:
    """Turn a place in the text of cells into a column; a wide character's second cell is empty."""
    length = 0
    for column, cell in enumerate(cells):
        if length >= at and cell:
            return column
        length += len(cell)
    return len(cells)


@contextmanager
def on_terminal(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    size: tuple[int, int] = (100, 30),
    ignores: signal.Signals | None = None,
) -> Iterator[Terminal]:
    """Run a program in a terminal of its own; what is left of it is killed."""
    pid, fd = pty.fork()
    if pid == 0:
        if ignores is not None:
            signal.signal(ignores, signal.SIG_IGN)
        termios.tcsetwinsize(0, (size[1], size[0]))
        words = [str(each) for each in command]
        os.execve(words[0], words, dict(environment))  # noqa: S606 - no shell is the point
    terminal = Terminal(pid, fd, *size)
    try:
        yield terminal
    finally:
        terminal.end()
