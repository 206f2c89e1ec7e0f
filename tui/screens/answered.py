"""What screens share that ask the engine: what was not fetched is told above what is known, and asked for again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from engine.port import Event
from tui.answer import AGAIN, Answer
from tui.lines import Line
from tui.model import Model
from tui.screens.page import Page
from tui.widgets.bars import Strips


class Answered(Page):
    """A page with the engine's answer to a question; it puts ``untold`` above it, and asks with ``ask_again``."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Answer(self._clock)
        self.untold = Strips(self._untold_lines, id="untold")
        self._is_timed = False
        """Whether it is looked after in a moment."""

    def _clock(self) -> datetime:
        return self.home.clock()

    def asked_for(self) -> str:
        """Name what is asked of the engine, as it is told of."""
        return "rows"

    def ask_again(self) -> None:
        """Ask for what was not fetched."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw, and ask again for what was not fetched."""
        self.go_on()
        super().draw()

    def beat(self) -> None:
        """Ask again for what was not fetched, also while nothing happens."""
        self.go_on()
        super().beat()

    def go_on(self) -> None:
        """Ask again for what was not fetched, a while after that, and tell what is still missing."""
        if self.is_mounted and self.answer.is_due:
            self.ask_again()
        self.tell_untold()

    def tell_untold(self) -> None:
        """Show what was not fetched, or no longer; while nothing else happens it is asked for again all the same."""
        is_missing = bool(self.answer.error)
        if self.untold.display is not is_missing:
            self.untold.display = is_missing
        self.untold.redraw()
        if is_missing and not self._is_timed:
            self._is_timed = True
            self.set_timer(AGAIN.total_seconds(), self._timed)

    def _timed(self) -> None:
        self._is_timed = False
        self.go_on()

    def _untold_lines(self, width: int) -> list[Line]:
        return self.answer.told(self.asked_for(), self.model.now, width)


def last_deed(model: Model, checks: Collection[str]) -> Event | None:
    """Say what a person did last with any of the checks, such as acknowledging a finding; None: nothing lately."""
    events = model.snapshot.events if model.snapshot is not None else ()
    return next((each for each in events if each.kind == "operator" and each.what in checks), None)
