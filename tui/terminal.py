"""What the terminal can do, and whether it is still there."""

from __future__ import annotations

import os
import sys
import termios
from typing import Literal

Glyphs = Literal["auto", "unicode", "ascii"]
GLYPHS = "CONTROLWATCH_GLYPHS"
"""Environment variable: ``ascii`` or ``unicode``, where what is found by itself is not right."""
FEW_GLYPHS = frozenset({"linux", "vt100", "vt220"})
"""Terminals whose font has no marks such as those of states."""


def wants_ascii(glyphs: Glyphs) -> bool:
    """Tell whether to draw with ASCII alone; of itself where the encoding or the terminal's own font has no more."""
    if glyphs != "auto":
        return glyphs == "ascii"
    told = os.environ.get(GLYPHS, "")
    few = os.environ.get("TERM") in FEW_GLYPHS and told != "unicode"
    return told == "ascii" or few or not speaks_utf8()


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
