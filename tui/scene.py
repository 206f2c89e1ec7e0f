"""Checks over a period, laid out for a width: what strips, plots and lists are drawn from; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cached_property

import msgspec

from checks.model.state import State
from engine.port import Past
from engine.port.timeline import Breach, Gap, Timeline, at, control, coverage, limit_of, timeline
from tui.format import percent
from tui.model import RANK, Item, Model, Word
from tui.past import Cell, Sample, cells, samples
from tui.period import Period, edges, finer

_NARROW = 60
"""Below this there is one figure right of the strips."""


@dataclass(frozen=True)
class Scene:
    """Checks over a period, laid out for a width."""

    items: Sequence[Item]
    period: Period
    horizon: datetime
    """Until when it is known what happened."""
    pasts: Mapping[str, Past]
    limits: Mapping[str, timedelta]
    """The longest time without a judgement that is no gap, by check."""
    width: int
    """Cells of a row, without the cursor's mark."""

    @property
    def name_width(self) -> int:
        """Give the cells of a row's name."""
        return 26 if self.width >= 110 else 20 if self.width >= _NARROW else 12

    @property
    def figures_width(self) -> int:
        """Give the cells right of the strips."""
        return 19 if self.width >= _NARROW else 7

    @property
    def room(self) -> int:
        """Give the cells between names and figures."""
        return max(8, self.width - self.name_width - 1 - self.figures_width)

    @property
    def zone(self) -> tzinfo | None:
        """Give the zone of the period, which is the reader's."""
        return self.period.since.tzinfo

    @property
    def local_horizon(self) -> datetime:
        """Give the horizon in the reader's zone."""
        return self.horizon.astimezone(self.zone)

    @cached_property
    def edges(self) -> list[datetime]:
        """Give the edges of the strips' cells."""
        return edges(self.period, self.room)

    @property
    def stride(self) -> int:
        """Give the columns of one cell."""
        return max(1, min(4, self.room // (len(self.edges) - 1)))

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """Derive what became of each check that was told of."""
        until = min(self.period.until, self.horizon)
        return {
            item.view.name: timeline(
                as_seen(self.pasts[item.view.name], item), self.period.since, until, self.limits[item.view.name]
            )
            for item in self.items
            if item.view.name in self.pasts
        }

    def of(self, key: str) -> list[Timeline]:
        """Give the timelines of a row: a family's, or one check's."""
        family, _, name = key.partition("/")
        names = [name] if name else [item.view.name for item in self.items if item.view.family == family]
        return [self.timelines[each] for each in names if each in self.timelines]

    @cached_property
    def _strips(self) -> dict[str, list[Cell]]:
        return {}

    @cached_property
    def _control(self) -> dict[str, tuple[int, int]]:
        return {}

    def cells(self, key: str) -> list[Cell]:
        """Give the cells of a row; worked out once."""
        if key not in self._strips:
            self._strips[key] = cells(self.of(key), self.edges, self.horizon)
        return self._strips[key]

    @cached_property
    def _samples(self) -> dict[str, list[Sample | None]]:
        return {}

    def samples(self, name: str) -> list[Sample | None]:
        """Give a check's counts for each column of a plot; worked out once."""
        if name not in self._samples:
            self._samples[name] = samples(self.timelines[name], finer(self.edges, self.stride))
        return self._samples[name]

    def control(self, key: str) -> tuple[int, int]:
        """Give a row's days in control, and those judged; worked out once."""
        if key not in self._control:
            self._control[key] = control(self.of(key))
        return self._control[key]

    def lead(self, key: str) -> Item | None:
        """Give the check whose counts are plotted for a row: the worst now, then the one that was in breach most."""
        family, _, name = key.partition("/")
        mine = [item for item in self.items if item.view.family == family and name in {"", item.view.name}]

        def weight(item: Item) -> tuple[int, int]:
            past = self.timelines.get(item.view.name)
            return RANK[item.word], -len(past.breaches) if past else 0

        return min(mine, key=weight, default=None)

    def breaches(self, key: str) -> list[Breach]:
        """Give the breaches of a row, the latest first."""
        found = [breach for each in self.of(key) for breach in each.breaches]
        return sorted(found, key=lambda breach: breach.start, reverse=True)

    def gaps(self, key: str) -> list[Gap]:
        """Give the gaps of a row, each once, oldest first."""
        return sorted({gap for each in self.of(key) for gap in each.gaps}, key=lambda gap: (gap.start, gap.end))


def scene(model: Model, pasts: Mapping[str, Past], period: Period, horizon: datetime, width: int) -> Scene:
    """Lay out what is known for a width."""
    limits = {item.view.name: limit_of(item.view, model.sources) for item in model.items}
    return Scene(model.items, period, horizon, pasts, limits, width)


def as_seen(past: Past, item: Item) -> Past:
    """Add that a check is blind now where its last judgement does not say so: a state goes stale by itself."""
    last = past.turns[-1] if past.turns else None
    if (
        item.word is not Word.BLIND
        or item.since is None
        or last is None
        or last.state in {None, State.FAIL, item.state}
    ):
        return past
    blind = msgspec.structs.replace(last, at=max(last.at, item.since), state=item.state)
    return msgspec.structs.replace(past, turns=[*past.turns, blind])


def moment_of(drawn: Scene, cursor: int | None) -> datetime:
    """Give the last instant of the cursor's cell that is known; without a cursor the latest of all."""
    latest = min(drawn.horizon, drawn.period.until)
    if cursor is not None and cursor < len(drawn.edges) - 1:
        latest = min(latest, drawn.edges[cursor + 1])
    return latest.astimezone(drawn.zone) - timedelta(seconds=1)


def value_at(one: Timeline, instant: datetime) -> str:
    """Write the coverage at an instant; ``no data`` in a gap."""
    held = at(one, instant)
    if held is None or held.turn is None:
        return "no data"
    low, high = coverage(held.turn)
    return percent(low) if low == high else f"{percent(low).rstrip('%')}–{percent(high)}"
