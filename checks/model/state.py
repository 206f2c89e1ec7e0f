"""A state is derived when it is read: from the tally, what waivers and due dates allow, and the clock.

Nothing here stores a state, so a hung engine turns stale by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

import msgspec


class Verdict(StrEnum):
    """What the arithmetic says of a population."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class State(StrEnum):
    """What a person is told, worst first."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    STALE = "stale"
    PENDING = "pending"
    WAIVED = "waived"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - a verdict, not a password


WORST_FIRST = tuple(State)
SKEW = timedelta(minutes=5)
"""What clocks may differ by; a time further in the future is a fault of a clock."""
BLIND = frozenset({State.UNKNOWN, State.STALE, State.PENDING})
GREEN = frozenset({State.PASS, State.WARN})


class Tally(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counts of one judged population."""

    passed: int = 0
    """Subjects that pass, warned ones included."""
    warned: int = 0
    """Subjects that pass with something expiring or due."""
    failed: int = 0
    unknown: int = 0
    missing: int | None = 0
    """Subjects that may be missing; None: no bound is known."""
    barred: bool = False
    """Whether a gap bars PASS."""
    waived: int = 0
    """Of ``failed``: covered by a live waiver."""
    undue: int = 0
    """Of ``failed`` and not waived: inside ``remediate_within``."""
    waived_unknown: int = 0
    """Of ``unknown``: covered by a live waiver of (check, source, cause)."""
    waived_bar: bool = False
    """Whether every gap that bars PASS is covered by a live waiver of (check, source, cause)."""

    @property
    def population(self) -> int:
        """Subjects in scope that were seen."""
        return self.passed + self.failed + self.unknown

    def coverage(self) -> tuple[float, float]:
        """Bound the share that passes: [low, high]; an empty population may be anything."""
        if self.missing is None:
            return 0.0, 1.0
        whole = self.population + self.missing
        if whole == 0:
            return 0.0, 1.0
        return self.passed / whole, (self.passed + self.unknown + self.missing) / whole

    def visibility(self) -> float:
        """Tell the share that could be judged; 0 of an empty population."""
        return (self.passed + self.failed) / self.population if self.population else 0.0


def verdict_of(tally: Tally, threshold: float, *, allow_empty: bool = False) -> Verdict:
    """Judge a population: fail if it must fail, pass if it must pass, else unknown.

    Doubt never leads towards green: a subject that is unknown inside the tolerated share might be a warned one, so
    such a
    population is warned, not passed.
    """
    if _must_fail(tally, threshold):
        return Verdict.FAIL
    if tally.barred or tally.missing != 0:
        return Verdict.UNKNOWN
    if tally.population == 0:
        return Verdict.PASS if allow_empty else Verdict.UNKNOWN
    if tally.passed < _exact(threshold) * tally.population:
        return Verdict.UNKNOWN
    return Verdict.WARN if tally.warned or tally.unknown else Verdict.PASS


def _must_fail(tally: Tally, threshold: float) -> bool:
    """Tell whether no truth about the doubtful subjects could reach the threshold."""
    if tally.failed == 0:
        return False
    if tally.missing is None:
        return threshold >= 1.0
    whole = tally.population + tally.missing
    return whole - tally.failed < _exact(threshold) * whole


@lru_cache(maxsize=256)
def _exact(ratio: float) -> Fraction:
    """Read a ratio as it was written: 0.07 of 100 is 7, not a little more."""
    return Fraction(str(ratio))


def lenient(tally: Tally, *, waivers: bool, due: bool) -> Tally:
    """Count waived failures, failures not yet due, or both, as passes."""
    forgiven = (tally.waived if waivers else 0) + (tally.undue if due else 0)
    unknown = tally.waived_unknown if waivers else 0
    return msgspec.structs.replace(
        tally,
        passed=tally.passed + forgiven + unknown,
        failed=tally.failed - forgiven,
        unknown=tally.unknown - unknown,
        warned=tally.warned + (tally.undue if due else 0),
        barred=tally.barred and not (waivers and tally.waived_bar),
        missing=0 if waivers and tally.waived_bar else tally.missing,
    )


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a configured check at the moment of reading."""

    tally: Tally | None
    """The latest judgement's counts; None: it was never judged."""
    threshold: float = 1.0
    allow_empty: bool = False
    attempted: bool = False
    """Whether a collection for it was ever attempted."""
    completed: bool = False
    """Whether each of its sources ever completed a collection."""
    as_of: datetime | None = None
    """Data time of the latest judgement; one in the future proves nothing."""
    valid_until: datetime | None = None
    """After this nobody may show pass, warn or waived."""
    pending_until: datetime | None = None
    """Until then a check that was never attempted is pending; after it, unknown."""


def state_of(standing: Standing, now: datetime) -> State:
    """Derive the state of a check at ``now``; ``tests/checks/model/test_state.py`` has the table."""
    if standing.tally is None:
        waiting = not standing.attempted and standing.pending_until is not None and now < standing.pending_until
        return State.PENDING if waiting else State.UNKNOWN
    settled = settle(standing.tally, standing.threshold, allow_empty=standing.allow_empty)
    if settled is State.FAIL:
        return settled
    if not standing.completed or settled is State.UNKNOWN:
        return State.UNKNOWN
    if standing.as_of is not None and standing.as_of > now + SKEW:
        return State.UNKNOWN
    if standing.valid_until is None or now >= standing.valid_until:
        return State.STALE
    return settled


@lru_cache(maxsize=16_384)
def settle(tally: Tally, threshold: float, *, allow_empty: bool = False) -> State:
    """Derive the state of a judged population at the moment it was judged: fail, unknown, waived, warn or pass."""

    def verdict(*, waivers: bool, due: bool) -> Verdict:
        return verdict_of(lenient(tally, waivers=waivers, due=due), threshold, allow_empty=allow_empty)

    best = verdict(waivers=True, due=True)
    if best is Verdict.FAIL:
        return State.FAIL
    if best is Verdict.UNKNOWN:
        return State.UNKNOWN
    plain = verdict(waivers=False, due=False)
    if plain in {Verdict.PASS, Verdict.WARN}:
        return State.WARN if plain is Verdict.WARN or tally.undue else State.PASS
    due_only = verdict(waivers=False, due=True)
    return State.WARN if due_only in {Verdict.PASS, Verdict.WARN} else State.WAIVED
