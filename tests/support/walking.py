"""Doing in a real terminal what a step of the table says, and seeing whether it happens."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.keysteps import GONE, Step, Way
from tests.support.terminal import Terminal

CURSOR = "▌"


def follow(terminal: Terminal, way: Way) -> None:
    """Press keys, each once the one before was obeyed."""
    for key, pattern in way:
        terminal.press(key)
        if pattern.startswith(GONE):
            terminal.expect_not(pattern.removeprefix(GONE))
        else:
            terminal.expect(pattern)


def walk(terminal: Terminal, step: Step, act: Callable[[], None], home: str) -> None:
    """Do what a key does, see it, and undo it."""
    follow(terminal, step.before)
    if step.seen:
        terminal.expect_not(step.seen)
    if step.gone:
        terminal.expect(step.gone)
    before = Look(terminal, painted=step.painted)
    act()
    terminal.wait(lambda: before.differs_as(step, Look(terminal, painted=step.painted)), str(step))
    follow(terminal, step.back)
    if step.seen and step.back:
        terminal.expect_not(step.seen)
    if step.back:
        terminal.expect(home)


class Look:
    """What the terminal shows at one moment."""

    def __init__(self, terminal: Terminal, *, painted: bool) -> None:
        self.text = terminal.text
        self.lines = terminal.lines
        self.paint = terminal.paint if painted else frozenset()
        self.clips = terminal.written.count(b"\x1b]52;c;")
        self.at = max((row for row, line in enumerate(self.lines) if CURSOR in line), default=-1)

    def differs_as(self, step: Step, later: Look) -> bool:
        """Tell whether a later look shows what the step says."""
        wanted = [
            not step.seen or re.search(step.seen, later.text, re.MULTILINE) is not None,
            not step.gone or re.search(step.gone, later.text, re.MULTILINE) is None,
            not step.cursor or (later.at - self.at) * step.cursor > 0,
            not step.body or later.lines[3:-1] != self.lines[3:-1],
            not step.painted or later.paint != self.paint,
            not step.copies or later.clips > self.clips,
        ]
        return all(wanted)
