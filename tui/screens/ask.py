"""A question takes the last line of the screen; ``y`` is yes, and every other key is no."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from tui.format import clean
from tui.lines import Span, line
from tui.widgets.bars import Strips


class Ask(ModalScreen[bool]):
    """One line, one key."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = clean(text)

    def compose(self) -> ComposeResult:
        """Put the question where the keys were."""
        asked = line(Span(f" {self._text} ", "chip.warn"), Span("  y yes · any other key no", "dim"))
        yield Strips(lambda _width: [asked], id="ask")

    def on_key(self, event: events.Key) -> None:
        """Take the answer."""
        event.stop()
        _ = self.dismiss(event.key == "y")
