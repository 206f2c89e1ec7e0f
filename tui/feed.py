"""The feed looks at the port and says whether there is anything to draw."""

from __future__ import annotations

from datetime import timedelta

from engine.port import Port
from tui.model import Clock, Model, build, differs

SECOND = timedelta(seconds=1)
RESTFUL = timedelta(seconds=5)
"""While nothing happens, ages are looked at this often; they tell minutes."""


class Feed:
    """What is shown, derived from the port at the reader's clock."""

    def __init__(self, port: Port, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self.model: Model = build(port.snapshot(), port.fault(), clock())
        """The latest; states are those of its own instant."""
        self._drawn_at = self.model.now

    def look(self) -> bool:
        """Derive the model again, at most once a second without news; tell whether it is worth drawing."""
        old, snapshot, fault, now = self.model, self._port.snapshot(), self._port.fault(), self._clock()
        if snapshot is old.snapshot and fault == old.fault and now - old.now < SECOND:
            return False
        self.model = build(snapshot, fault, now)
        if not differs(old, self.model) and now - self._drawn_at < RESTFUL:
            return False
        self._drawn_at = now
        return True
