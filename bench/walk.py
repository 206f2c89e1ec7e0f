"""A terminal of its own for a program, and a walk through every screen of it."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LARGE: Final = (160, 48)
SMALL: Final = (80, 24)
PATIENCE_SECONDS: Final = 20.0
"""Until a step that has painted nothing of what it should counts as lost."""
_BREATH_SECONDS: Final = 0.25
"""Between two steps."""
_CONTROL: Final = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>()][0-9A-Za-z]?)")
_TAIL: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody does, and what it must paint."""

    name: str
    keys: str
    marker: str
    size: tuple[int, int] | None = None
    """Instead of keys, new columns and rows."""


WALK: Final = (
    Step("family", "11", "row "),
    Step("filter opened", "/", "severity:"),
    Step("filter typed", "admin", "/ admin"),
    Step("filter closed", "\r", "view open"),
    Step("filter cleared", "\x1b", "view open"),
    Step("finding", "\r", "as the source told it"),
    Step("history", "h", "In control"),
    Step("events", "e", "newest first"),
    Step("sources", "S", "Last error"),
    Step("waivers", "X", "Approved"),
    Step("help", "?", "type to search"),
    Step("back from help", "\x1b", "Approved"),
    Step("command line", ":", "esc closes"),
    Step("command", "check leavers\r", "row "),
    Step("backward", "[", "Approved"),
    Step("overview", "0", "Needs attention"),
    Step("zoom", "z", "MFA coverage"),
    Step("zoom back", "z", "Backup freshness"),
    Step("small", "", "controlwatch", SMALL),
    Step("small family", "22", "row "),
    Step("small overview", "0", "MFA coverage"),
    Step("large", "", "Changed since yesterday", LARGE),
    Step("theme", "\x14", "Needs attention"),
    Step("theme", "\x14", "Needs attention"),
    Step("theme", "\x14", "Needs attention"),
)
"""From the overview through every screen and back, at both sizes, and through the three themes."""


@dataclass
class Terminal:
    """A program in a pseudo-terminal whose output is taken at once."""

    pid: int
    file: int
    written: int = 0
    """Bytes so far."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the program has closed its side."""
    code: int | None = None
    """Exit code; None while it runs; negative of a signal."""
    _tail: bytearray = field(default_factory=bytearray)
    """What was written since the last key, at most a few screens."""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self) -> None:
        """Read from now on, on the running loop."""
        asyncio.get_running_loop().add_reader(self.file, self._read)

    def _read(self) -> None:
        try:
            told = os.read(self.file, 1 << 16)
        except OSError:  # the other side is closed
            asyncio.get_running_loop().remove_reader(self.file)
            self.ended.set()
            told = b""
        self.written += len(told)
        self._tail += told
        del self._tail[:-_TAIL]
        self._came.set()

    def runs(self) -> bool:
        """Tell whether the program is alive."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is None

    async def passes(self, seconds: float) -> bool:
        """Let time pass; False at once when the program ends."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.ended.wait()
        except TimeoutError:
            return True
        return False

    def press(self, keys: str) -> None:
        """Press keys; what was painted before is forgotten."""
        self._tail.clear()
        os.write(self.file, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size, of which the kernel tells the program."""
        self._tail.clear()
        termios.tcsetwinsize(self.file, (rows, columns))

    def painted(self) -> str:
        """Give the text that was painted since the last key."""
        return _CONTROL.sub(b"", bytes(self._tail)).decode(errors="replace")

    async def see(self, text: str) -> float | None:
        """Wait until a text was painted since the last key; gives the seconds, None when it never was."""
        began = time.perf_counter()
        while (left := began + PATIENCE_SECONDS - time.perf_counter()) > 0 and not self.ended.is_set():
            self._came.clear()
            if text in self.painted():
                return time.perf_counter() - began
            try:
                async with asyncio.timeout(left):
                    await self._came.wait()
            except TimeoutError:
                break
        return None

    async def walk(self) -> list[tuple[str, float | None]]:
        """Go through all screens once; gives each step with the seconds until it was painted, None when it was not."""
        found: list[tuple[str, float | None]] = []
        for step in WALK:
            if self.ended.is_set():
                break
            if step.size is not None:
                self.resize(*step.size)
            else:
                self.press(step.keys)
            found.append((step.name, await self.see(step.marker)))
            await self.passes(_BREATH_SECONDS)
        return found

    async def leave(self) -> None:
        """Quit by ctrl+c twice, and wait for the end."""
        for _ in range(2):
            if not self.ended.is_set():
                self.press("\x03")
                await self.passes(0.5)
        await self.passes(PATIENCE_SECONDS)
        await asyncio.sleep(0.2)  # between the end of the terminal and that of the process
        self.runs()


def start(command: Sequence[str], environment: Mapping[str, str]) -> Terminal:
    """Start a program in a terminal of 160×48."""
    pid, file = pty.fork()
    if pid == 0:
        termios.tcsetwinsize(0, (LARGE[1], LARGE[0]))
        os.execve(command[0], list(command), dict(environment))  # noqa: S606 - no shell is the point
    return Terminal(pid, file)
