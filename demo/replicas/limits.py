"""A replica keeps request budgets as its vendor does: so many requests in each window, told in headers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reading:
    """What one request learns about its budget."""

    limit: int
    """Requests (or units) that one window allows."""
    remaining: int
    """What is left of them after this request; never below 0."""
    used: int
    """What this window has spent, refused requests left out."""
    reset: int
    """When the window ends, in epoch seconds."""
    retry_after: int
    """Seconds from now to the end of the window, at least 1."""
    allowed: bool
    """Whether this request was inside the budget."""


@dataclass
class Bucket:
    """A budget of ``limit`` units in each window of ``window_s`` seconds, counted from the epoch."""

    limit: int
    window_s: int
    _window: int = field(default=-1, init=False)
    _used: int = field(default=0, init=False)

    def take(self, now: float, cost: int = 1) -> Reading:
        """Spend ``cost`` units at ``now`` (epoch seconds), or refuse and spend nothing."""
        window = int(now // self.window_s)
        if window != self._window:
            self._window, self._used = window, 0
        allowed = self._used + cost <= self.limit
        if allowed:
            self._used += cost
        reset = (window + 1) * self.window_s
        return Reading(
            limit=self.limit,
            remaining=max(0, self.limit - self._used) if allowed else 0,
            used=self._used,
            reset=reset,
            retry_after=max(1, math.ceil(reset - now)),
            allowed=allowed,
        )
