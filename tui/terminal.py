"""What the terminal can do, and whether it is still there."""

from __future__ import annotations

import os
import sys
import termios
from typing import Literal

Glyphs = Literal["auto", "unicode", "ascii"]


def wants_ascii(glyphs: Glyphs) -> bool:
    """Tell whether to draw with ASCII alone."""
    return glyphs == "ascii" or (glyphs == "auto" and not speaks_utf8())


def follow_size() -> None:
    """Ask the terminal for its size: sizes in the environment (readline exports them) would outlive a resize."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def speaks_utf8() -> bool:
    """Tell whether the terminal's encoding can show more than ASCII; Textual draws on the standard error."""
    encoding = getattr(sys.__stderr__, "encoding", None) or ""
    return encoding.lower().replace("-", "") == "utf8"


def is_gone() -> bool:
    """Tell whether the terminal was closed under us, also where SIGHUP is ignored."""
    if sys.__stdin__ is None or sys.__stdin__.closed:
        return True
    try:
        termios.tcgetattr(sys.__stdin__.fileno())
    except (termios.error, OSError, ValueError):
        return True
    return False
