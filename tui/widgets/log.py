"""A list whose cursor steps over the rules between its parts."""

from __future__ import annotations

from tui.widgets.board import Board

RULE = "day:"
"""Prefix of the key of a rule between two days."""


class Log(Board):
    """A list of events, with a rule where another day begins."""

    def move_to(self, index: int) -> None:
        """Put the cursor on an event."""
        way = 1 if index > self._index else -1
        last = len(self._keys) - 1
        index = max(0, min(index, last))
        if 0 <= index <= last and self._keys[index].startswith(RULE):
            index += way
        super().move_to(index)

    @property
    def left(self) -> int:
        """Count the rows below the cursor."""
        return len(self._keys) - 1 - self._index
