"""The last answer to what a screen asks of the engine, for which question it is, and what went wrong since when; pure.

An answer belongs to its question: what comes for one that was superseded changes nothing. What was not fetched is told
until it is, and asked for again, but not more often than every two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from tui.format import clean, fitting, moment
from tui.lines import Line, Span, line
from tui.model import Clock

AGAIN = timedelta(seconds=2)
"""How long after a question that was not answered it is asked again."""
_ERROR = 160
"""Characters of what went wrong that are told."""


@dataclass(slots=True)
class Answer:
    """How the asking stands; ``turn`` numbers the questions."""

    clock: Clock
    asked: object = None
    """The latest question."""
    shown: object = None
    """The question whose answer is shown; None while none is."""
    as_of: datetime | None = None
    """When that was asked; whatever the answer tells was there by then."""
    error: str = ""
    """What went wrong; empty once all is there that was asked for."""
    failed_at: datetime | None = None
    """Since when it goes wrong."""
    turn: int = 0
    waits: bool = False
    """Whether an answer is under way."""
    _asked_at: datetime | None = None

    def ask(self, question: object) -> int:
        """Note that a question is asked, in the place of the one before; gives its turn."""
        self.asked, self._asked_at, self.waits = question, self.clock(), True
        self.turn += 1
        return self.turn

    def came(self, turn: int) -> None:
        """Note that the answer is there, and shown."""
        if turn == self.turn:
            self.shown, self.as_of = self.asked, self._asked_at
            self.mended(turn)

    def mended(self, turn: int) -> None:
        """Note that nothing is missing any more."""
        if turn == self.turn:
            self.waits, self.error, self.failed_at = False, "", None

    def failed(self, turn: int, error: str) -> None:
        """Note what went wrong; what is shown stays, and is of before."""
        if turn == self.turn:
            self.waits, self.error = False, error or "no reason was given"
            self._asked_at = now = self.clock()
            self.failed_at = self.failed_at or now

    def drop(self) -> None:
        """Note that no answer is shown: what was shown is of another question."""
        self.shown = self.as_of = None

    @contextmanager
    def noting(self, turn: int) -> Iterator[None]:
        """Note what goes wrong within, whatever it is, and raise it."""
        try:
            yield
        except Exception as fault:
            named = isinstance(fault, OSError | TimeoutError)
            self.failed(turn, str(fault) if named else f"own fault: {type(fault).__name__}: {fault}")
            raise

    @property
    def is_due(self) -> bool:
        """Whether what was not fetched is to be asked for again."""
        if not self.error or self.waits or self._asked_at is None:
            return False
        return not timedelta(0) <= self.clock() - self._asked_at < AGAIN

    def told(self, name: str, now: datetime, width: int) -> list[Line]:
        """Say of when what is shown is, and since when and why nothing newer is; nothing while all is well."""
        if not self.error:
            return []
        since = moment(self.failed_at, now)
        forms = [f"! {name} not fetched since {since}", f"! not fetched since {since}"]
        if self.as_of is not None:
            of = moment(self.as_of, now)
            forms = [f"! {name} of {of}, not fetched since {since}", f"! of {of}, not fetched since {since}", forms[1]]
        return [line(Span(f" {fitting(width - 1, *forms)}: {clean(self.error, _ERROR)}", "fail"))]
