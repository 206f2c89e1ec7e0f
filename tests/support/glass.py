"""A clock that only sleeping moves, so that waiting costs a test nothing and can be counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from sources.common.limits import Timing


@dataclass
class Glass:
    """A clock that only sleeping moves."""

    at: float = 0.0
    """Seconds that were slept."""
    slept: list[float] = field(default_factory=list)
    """How long each time."""

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.at += seconds

    def timing(self) -> Timing:
        """Give the clock, without chance."""
        return Timing(lambda: self.at, self.sleep, lambda: 0.0)
