"""The canned app in a terminal of its own, for a person without settings."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.support.terminal import Terminal, on_terminal

PROGRAM = Path(__file__).with_name("canned_app.py")
ESTATE = ("mixed", "300", "unicode")
_OWN = ("CONTROLWATCH_", "XDG_", "TEXTUAL", "TMUX", "NO_COLOR", "COLORTERM", "TERM", "LC_", "LANG", "PYTHONIOENCODING")


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """Give the environment of a terminal that knows all colours; an empty value leaves a name out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    told = {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}
    return {name: value for name, value in {**kept, **told, **more}.items() if value}


def canned(*words: str, home: Path, **options: Any) -> AbstractContextManager[Terminal]:
    """Run the canned app; capital letters are its environment, ``size`` and ``ignores`` are of the terminal."""
    environment = {name: value for name, value in options.items() if name.isupper()}
    others = {name: value for name, value in options.items() if not name.isupper()}
    command: list[str | Path] = [sys.executable, PROGRAM, *(words or ESTATE)]
    return on_terminal(command, surroundings(home, **environment), **others)
