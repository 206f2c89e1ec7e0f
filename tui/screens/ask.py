"""A question takes the foot of the screen; ``y`` is yes, and every other key is no."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from tui.format import clean, wrap
from tui.lines import Line, Span, line
from tui.screens.once import Once
from tui.widgets.bars import Strips

HOLDING = frozenset({"shift", "control", "alt", "super", "hyper", "meta", "lock", "level3"})
"""Ends of the names of keys that say nothing by themselves: left_shift, caps_lock."""
YES, NO = "  y yes", " · any other key no"


class Ask(Once, ModalScreen[bool]):
    """One question, one key, or a click on either answer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = clean(text)
        self._asked = Strips(self._lines, id="ask")

    def compose(self) -> ComposeResult:
        """Put the question where the keys were."""
        yield self._asked

    def on_resize(self, event: events.Resize) -> None:
        """Take as many lines as the question needs."""
        self._asked.styles.height = len(self._lines(event.size.width))

    def _lines(self, width: int) -> list[Line]:
        told = wrap(self._text, max(16, width - len(YES + NO) - 2)) or [""]
        answers = (Span(YES, "key", "answer(True)"), Span(NO, "dim", "answer(False)"))
        asked = [line(Span(f" {each} ", "chip.warn")) for each in told]
        return [*asked[:-1], (*asked[-1], *answers)]

    def takes_key(self, key: events.Key) -> bool:
        """Take the answer; terminals of the kitty protocol also send keys that only hold others."""
        if key.key.rpartition("_")[2] not in HOLDING:
            _ = self.dismiss(key.key == "y")
        return True

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - an action's argument
        """Take the answer that was clicked."""
        _ = self.dismiss(yes)
