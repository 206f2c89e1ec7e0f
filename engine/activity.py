"""What a source is doing, and how its runs of the last day ended, those of earlier engines too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.port import Silence
from sources.common.traffic import Traffic

if TYPE_CHECKING:
    from engine.store import Ended
    from sources.common.source import Plan

DAY = timedelta(days=1)
RUNS_KEPT = 1440
"""Runs of one source that are kept to tell how the last day went."""


@dataclass(slots=True)
class Lately:
    """The runs of a source within a day, as far as they are known."""

    ended: deque[tuple[datetime, float | None]] = field(default_factory=lambda: deque(maxlen=RUNS_KEPT))
    """When each ended, oldest first, and the seconds that it took; None of one that was not complete."""
    took: Sequence[float] = ()
    """Of those that were complete, the shortest first."""
    first: datetime | None = None
    """Since when every run is known; None before the first."""

    def note(self, at: datetime, seconds: float | None) -> None:
        """Count one more run, and forget those of more than a day before it."""
        crowded = len(self.ended) == RUNS_KEPT
        self.ended.append((at, seconds))
        self.first = self.ended[0][0] if self.first is None or crowded else min(self.first, at)
        self._keep(at)

    def recall(self, first: datetime | None, ended: Iterable[Ended]) -> None:
        """Take in the runs of earlier engines; ``first`` is the end of the first run ever."""
        for each in ended:
            self.note(each.at, each.seconds)
        if first is not None and len(self.ended) < RUNS_KEPT:
            self.first = first if self.first is None else min(self.first, first)

    def at(self, now: datetime) -> Lately:
        """Forget what is more than a day old by now."""
        if self.ended and self.ended[0][0] < now - DAY:
            self._keep(now)
        return self

    def quantile(self, share: float) -> float | None:
        """Give the seconds that so many of the complete runs did not exceed; None when none was."""
        return self.took[min(len(self.took) - 1, int(len(self.took) * share))] if self.took else None

    def known_since(self, now: datetime) -> datetime | None:
        """Tell since when all runs are known, a day ago at the earliest; None before the first."""
        return None if self.first is None else max(self.first, now - DAY)

    def silences(self, now: datetime, limit: timedelta) -> list[Silence]:
        """Give the times of more than ``limit``, since all runs are known, in which none ended."""
        since = self.known_since(now)
        if since is None:
            return []
        ends = [since, *(at for at, _ in self.ended if at > since), now]
        return [Silence(start=a, end=b) for a, b in pairwise(ends) if b - a > limit]

    def _keep(self, now: datetime) -> None:
        while self.ended and self.ended[0][0] < now - DAY:
            self.ended.popleft()
        self.took = sorted(each for _, each in self.ended if each is not None)


@dataclass(slots=True)
class Activity:
    """What a source is doing, and has done since the engine started."""

    running: bool = False
    next_run: datetime | None = None
    done: int = 0
    plan: Plan | None = None
    runs: int = 0
    failures: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    in_a_row: int = field(default=0)
    """Failures since the last complete run; they space the retries."""
    lately: Lately = field(default_factory=Lately)
