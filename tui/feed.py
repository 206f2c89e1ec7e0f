"""The feed looks at the port and says whether there is anything to draw."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo

from engine.port import Port
from tui.lately import Lately
from tui.model import Clock, Model, build, differs

SECOND = timedelta(seconds=1)
RESTFUL = timedelta(seconds=5)
"""While nothing happens, ages are looked at this often; they tell minutes."""


class Feed:
    """What is shown, derived from the port at the reader's clock."""

    def __init__(self, port: Port, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self.zone: tzinfo | None = UTC
        """In which times are told; None: the terminal's own."""
        self._began = clock()
        self.model: Model = build(port.snapshot(), port.fault(), self._began, self._began)
        """The latest; states are those of its own instant."""
        self._drawn_at = self.model.now
        self.lately = Lately()
        """What became of the checks, for whichever screen draws it."""

    def look(self) -> bool:
        """Derive the model again, at most once a second without news; tell whether it is worth drawing."""
        old, snapshot, fault, now = self.model, self._port.snapshot(), self._port.fault(), self._clock()
        if snapshot is old.snapshot and fault == old.fault and now - old.now < SECOND:
            return False
        self.model = build(snapshot, fault, now.astimezone(self.zone), self._began)
        if not differs(old, self.model) and not self.model.is_counting and now - self._drawn_at < RESTFUL:
            return False
        self._drawn_at = now
        return True

    def turn(self, zone: tzinfo | None) -> None:
        """Tell times in another zone."""
        self.zone = zone
        self.model = build(self._port.snapshot(), self._port.fault(), self._clock().astimezone(zone), self._began)
