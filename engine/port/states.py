"""A state is derived by whoever reads a snapshot, at the reader's own instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.model.state import SKEW, WORST_FIRST, State, state_of
from engine.port.checks import CheckView
from engine.port.snapshots import Snapshot
from engine.port.sources import SourceView

SELFTEST_MAX_AGE = timedelta(hours=2)
"""Past this nobody may believe any state."""
STALLED_AFTER = timedelta(seconds=30)
"""A snapshot older than this says that the engine has stalled."""


def selftest_holds(snapshot: Snapshot, now: datetime) -> bool:
    """Tell whether the monitor has proven itself within the last two hours."""
    proof = snapshot.selftest
    if proof.error is not None or proof.passed_at is None:
        return False
    return -SKEW <= now - proof.passed_at <= SELFTEST_MAX_AGE


def is_fresh(source: SourceView, now: datetime) -> bool:
    """Tell whether a source's latest complete collection is no older than its ``max_age``, and not of the future."""
    return source.as_of is not None and -SKEW <= now - source.as_of <= source.max_age


def stalled_for(snapshot: Snapshot, now: datetime) -> timedelta | None:
    """Tell how old a snapshot is when it is too old; None while it is not."""
    return now - snapshot.at if now - snapshot.at > STALLED_AFTER else None


def ahead_by(snapshot: Snapshot, now: datetime) -> timedelta | None:
    """Tell how far a snapshot is in the future when a clock is wrong: nobody knows then how old anything is."""
    return snapshot.at - now if snapshot.at - now > SKEW else None


def state_at(view: CheckView, snapshot: Snapshot, now: datetime) -> State:
    """Derive a check's state at the reader's instant."""
    if view.paused_until is not None and now < view.paused_until:
        return State.UNKNOWN
    state = state_of(view.standing, now)
    if state is State.PENDING or selftest_holds(snapshot, now):
        return state
    return State.UNKNOWN


def worst(states: Sequence[State]) -> State | None:
    """Give the worst of several states; None of none."""
    return min(states, key=WORST_FIRST.index, default=None)
