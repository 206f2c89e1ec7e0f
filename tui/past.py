"""What became of a check over a period, cut for the screen: cells of a strip, columns of a plot; pure.

Stretches, gaps and breaches come from ``engine.port.timeline``, which the evidence pack rests on too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from checks.model.state import State
from engine.port.timeline import ZERO, Stretch, Timeline, between, coverage, worst, worst_between


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a strip, the worst state within it."""

    start: datetime
    end: datetime
    state: State | None
    """None: no data, or in the future."""
    future: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """The counts within one column of a plot."""

    low: float
    """Coverage if all that is unknown fails; the lowest of the column."""
    high: float
    """Coverage at that moment if all that is unknown passes."""
    failed: int
    """The most subjects that failed."""
    waived: bool
    """Whether a waiver held the state."""


def cells(lines: Sequence[Timeline], edges: Sequence[datetime], now: datetime) -> list[Cell]:
    """Give the worst state between each two edges, of one check or of several."""
    found = [worst_between(each, edges) for each in lines]
    made = []
    for index, (start, end) in enumerate(pairwise(edges)):
        state = worst([each[index] for each in found]) if found else None
        made.append(Cell(start, end, None if start >= now else state, future=start >= now))
    return made


def samples(one: Timeline, edges: Sequence[datetime]) -> list[Sample | None]:
    """Give the counts between each two edges; None where less than half of it is known."""
    return [
        _sample(inside, start, min(end, one.until))
        for (start, end), inside in zip(pairwise(edges), between(one.stretches, edges), strict=True)
    ]


def _sample(inside: Sequence[Stretch], start: datetime, end: datetime) -> Sample | None:
    known = [(each.state, each.turn) for each in inside if each.turn is not None]
    dark = sum((min(each.end, end) - max(each.start, start) for each in inside if each.turn is None), ZERO)
    if not known or 2 * dark > end - start:
        return None
    low, high = min(coverage(turn) for _, turn in known)
    return Sample(
        low=low,
        high=high,
        failed=max(turn.failed for _, turn in known),
        waived=any(state is State.WAIVED for state, _ in known),
    )
