"""A state is derived by whoever reads a snapshot, at the reader's own instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.model.state import SKEW, WORST_FIRST, State, state_of
from engine.port.checks import CheckView
from engine.port.snapshots import Snapshot

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
