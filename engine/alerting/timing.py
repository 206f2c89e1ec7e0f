"""Times that belong to the rules themselves stand in one place; every other threshold is exported by the engine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a rule waits, remembers and looks back."""

    record: timedelta = timedelta(minutes=1)
    """Interval at which every group is evaluated."""
    stall: timedelta = timedelta(minutes=5)
    """Age of a snapshot, a rendering or a tick past which the engine stands still."""
    skew: timedelta = timedelta(seconds=60)
    """What the engine's clock may be ahead of Prometheus's."""
    keep: timedelta = timedelta(minutes=10)
    """Time for which an alert goes on once its condition is gone, so that a lost scrape resolves nothing."""
    settle: timedelta = timedelta(minutes=1)
    """``for`` of what has already lasted by its own definition."""
    confirm: timedelta = timedelta(minutes=5)
    """``for`` of what a restart or one lost scrape may bring."""
    persist: timedelta = timedelta(minutes=10)
    """``for`` of what an operator may be mending just now."""
    decide: timedelta = timedelta(minutes=15)
    """``for`` of what waits for somebody's decision anyway."""
    due: timedelta = timedelta(hours=1)
    """``for`` of what is due and not yet late."""
    evidence: timedelta = timedelta(hours=4)
    """Time for which evidence may not be written before somebody is woken."""
    break_glass: timedelta = timedelta(hours=24)
    """Time for which the use of a break-glass account wakes somebody; it stays a finding for longer."""
    remembered: timedelta = timedelta(days=1)
    """Time for which a check or an engine that is gone is missed, and a raise that is not told is remembered."""
    grown: timedelta = timedelta(days=1)
    """Time over which excluded subjects are compared."""

    def scaled(self, factor: float) -> Timing:
        """Shorten (or lengthen) every time alike; a tenth makes a test ten times as fast."""
        return Timing(**{item.name: getattr(self, item.name) * factor for item in fields(self)})

    def words(self) -> dict[str, str]:
        """Give every time as PromQL writes it: ``stall`` as a duration, ``stall_seconds`` as a number."""
        told: dict[str, str] = {}
        for item in fields(self):
            value: timedelta = getattr(self, item.name)
            told |= {item.name: promql_duration(value), f"{item.name}_seconds": promql_seconds(value)}
        return told


def promql_duration(value: timedelta) -> str:
    """Write a duration for PromQL, to the millisecond: ``5m``, ``1h30m``, ``2s500ms``; never less than ``1ms``."""
    left = max(1, round(value / timedelta(milliseconds=1)))
    parts: list[str] = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts)


def promql_seconds(value: timedelta) -> str:
    """Write a length of time as a number of seconds, without an exponent: ``14400``, ``2.5``."""
    return f"{value.total_seconds():.3f}".rstrip("0").rstrip(".")
