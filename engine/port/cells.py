"""Cells of a table that a spreadsheet may open: what a person or a source wrote is data there too; pure."""

from __future__ import annotations

import unicodedata
from typing import Final

_SIGNS: Final = frozenset("=+-@\u2212")
"""What a formula begins with; the wide and small forms, which spreadsheets take too, are folded into these."""
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that a cell does not hold: control, bidi and zero width, line and paragraph separators."""
_UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like nothing."""


def safe_cell(text: str) -> str:
    """Make a cell that no spreadsheet takes for a formula, on one line and without control characters.

    What is dropped is dropped before the cell is judged, so that nothing unseen hides the sign of a formula.
    """
    kept = text if text.isprintable() else one_line(text)
    return f"'{kept}" if _first_seen(kept) in _SIGNS else kept


def one_line(text: str) -> str:
    """Drop what a cell does not hold; a tab and a line's end are blanks."""
    spaced = (" " if each in "\t\r\n" else each for each in text)
    return "".join(each for each in spaced if unicodedata.category(each) not in _DROPPED)


def _first_seen(text: str) -> str:
    """Give the first character that is seen, folded; blanks, marks and what looks like nothing are not."""
    for each in text:
        if each not in _UNSEEN and unicodedata.category(each)[0] not in "ZMC":
            return unicodedata.normalize("NFKC", each)[:1]
    return ""
