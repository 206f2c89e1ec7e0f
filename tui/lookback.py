"""What became of checks, kept while it is true enough: asked again every five minutes, or when a state changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from checks.model.state import State
from engine.port import Past, PastQuery, Port, WaiverView
from tui.format import clean
from tui.model import Model

REFRESH = timedelta(minutes=5)
"""A history is asked again after this, if nothing changed."""
LEAST = timedelta(seconds=5)
"""And never sooner than this, however states flap."""
GRACE = timedelta(minutes=1)
"""An answer may take so long before time without one counts as time without data."""
BEFORE = timedelta(days=1)
"""Asked of the time before a period, so that a gap at its beginning has a place."""


@dataclass(slots=True)
class Lookback:
    """The latest answer about one period, and when it was asked for."""

    pasts: Mapping[str, Past] = field(default_factory=dict)
    """By check; a check that is not among them was not told of."""
    error: str = ""
    """Why the latest question had no answer."""
    told_at: datetime | None = None
    """When the latest answer was asked for; None before the first."""
    version: int = 0
    """Grows with every answer."""
    _asked_at: datetime | None = None
    _asked: PastQuery | None = None
    _states: Sequence[State] = ()

    def due(self, model: Model, since: datetime, until: datetime) -> PastQuery | None:
        """Give the question to ask now; None while the answer is good enough."""
        names = tuple(item.view.name for item in model.items)
        states = tuple(item.state for item in model.items)
        query = PastQuery(checks=names, since=(since - BEFORE).astimezone(UTC), until=until.astimezone(UTC))
        if not names:
            return None
        if self._asked_at is not None:
            waited = model.now - self._asked_at
            moved = states != self._states and waited >= LEAST
            if query == self._asked and waited < REFRESH and not moved:
                return None
        self._asked_at, self._asked, self._states = model.now, query, states
        return query

    def horizon(self, now: datetime) -> datetime:
        """Give the instant until which the answer tells, UTC; now, once it should have been asked again."""
        told = self.told_at
        return (now if told is None or now - told > REFRESH + GRACE else told).astimezone(UTC)

    async def ask(self, port: Port, query: PastQuery) -> None:
        """Ask; an answer to a question that is no longer the latest is dropped."""
        asked_at = self._asked_at
        try:
            pasts = await port.past(query)
        except (OSError, TimeoutError) as error:
            self.error = clean(str(error)) or type(error).__name__
            return
        if query == self._asked:
            self.pasts = {past.check: past for past in pasts}
            self.error, self.told_at = "", asked_at
            self.version += 1


@dataclass(slots=True)
class WaiversRead:
    """The waivers as they were last read: again after five minutes, or when the engine has taken others."""

    known: Sequence[WaiverView] | None = None
    """None while they are not known, which is not the same as none: before the first answer, and after one failed."""
    _asked_at: datetime | None = None
    _said: object = None

    def due(self, model: Model) -> bool:
        """Tell whether to ask now."""
        if model.snapshot is None:
            return False
        said = (model.snapshot.waivers_active, model.snapshot.waivers_expired, model.snapshot.config_digest)
        if self._asked_at is not None and said == self._said:
            waited = model.now - self._asked_at
            if waited < (LEAST if self.known is None else REFRESH):
                return False
        self._asked_at, self._said = model.now, said
        return True

    async def ask(self, port: Port) -> None:
        """Ask; without an answer they are not known any more, since others may be in force by now."""
        try:
            self.known = await port.waivers()
        except (OSError, TimeoutError):
            self.known = None
