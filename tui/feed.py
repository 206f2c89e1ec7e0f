"""The feed looks at the port and says whether there is anything to draw."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo

from engine.port import Port
from tui.keymap import PLAIN, Keymap
from tui.lately import Lately
from tui.model import Clock, Model, build, differs

SECOND = timedelta(seconds=1)
PULSE = timedelta(seconds=5)
"""While nothing happens, the top of the screen is looked at this often; it tells the engine's time."""
RESTFUL = timedelta(seconds=15)
"""While nothing happens, ages are looked at this often; they tell minutes."""


class Feed:
    """What is shown, derived from the port at the reader's clock."""

    def __init__(self, port: Port, clock: Clock, keymap: Keymap = PLAIN) -> None:
        self._port = port
        self._clock = clock
        self._keymap = keymap
        self.zone: tzinfo | None = UTC
        """In which times are told; None: the terminal's own."""
        self._began = clock()
        self.model: Model = build(port.snapshot(), port.fault(), self._began, self._began, keymap)
        """The latest; states are those of its own instant."""
        self._drawn_at = self._beat_at = self.model.now
        self.is_resting = False
        """Whether the last look found nothing to draw but the top of the screen."""
        self.lately = Lately()
        """What became of the checks, for whichever screen draws it."""

    def look(self) -> bool:
        """Derive the model again, at most once a second without news; tell whether it is worth drawing."""
        old, snapshot, fault, now = self.model, self._port.snapshot(), self._port.fault(), self._clock()
        if snapshot is old.snapshot and fault == old.fault and now - old.now < SECOND:
            return False
        self.model = build(snapshot, fault, now.astimezone(self.zone), self._began, self._keymap)
        happens = differs(old, self.model) or self.model.is_counting
        if not happens and now - self._beat_at < PULSE:
            return False
        self._beat_at = now
        self.is_resting = not happens and now - self._drawn_at < RESTFUL
        if not self.is_resting:
            self._drawn_at = now
        return True

    def turn(self, zone: tzinfo | None) -> None:
        """Tell times in another zone."""
        self.zone = zone
        now = self._clock().astimezone(zone)
        self.model = build(self._port.snapshot(), self._port.fault(), now, self._began, self._keymap)
