"""The last thirty days of every check, asked once for all screens that draw them."""

from __future__ import annotations

from engine.port import PastQuery, Port
from tui.lookback import Lookback
from tui.model import Model
from tui.period import named
from tui.scene import Scene, scene

PERIOD = "30d"
_WIDTH = 80
"""Of the scene; what is drawn of it here has cells of its own."""


class Lately:
    """What became of the checks lately, and when that was asked."""

    def __init__(self) -> None:
        self._lookback = Lookback()
        self._scene: tuple[object, Scene] | None = None

    def due(self, model: Model) -> PastQuery | None:
        """Give the question to ask now; None while the answer is good enough."""
        period = named(PERIOD, model.now)
        return self._lookback.due(model, period.since, period.until)

    async def ask(self, port: Port, query: PastQuery) -> None:
        """Ask; a port that does not answer leaves what was known."""
        await self._lookback.ask(port, query)

    def scene(self, model: Model) -> Scene | None:
        """Lay out what is known, the same object while it is the same; None before the first answer."""
        lookback = self._lookback
        if lookback.told_at is None:
            return None
        horizon = lookback.horizon(model.now)
        drawn = scene(model, lookback.pasts, named(PERIOD, model.now), horizon, _WIDTH)
        states = tuple((item.view.name, item.state, item.view.standing.threshold) for item in drawn.items)
        key = (lookback.version, drawn.period, horizon, tuple(drawn.limits.items()), states)
        if self._scene is None or self._scene[0] != key:
            self._scene = (key, drawn)
        return self._scene[1]
