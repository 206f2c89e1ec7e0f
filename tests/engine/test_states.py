"""What a reader may believe at its own instant: nothing that is too old, and nothing of the future."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from engine.port import ahead_by, is_fresh, stalled_for
from tests.support.clock import NOW
from tests.support.estates import all_pass

MINUTE = timedelta(minutes=1)
SOURCE = msgspec.structs.replace(all_pass().sources[0], as_of=NOW, max_age=60 * MINUTE)


@pytest.mark.parametrize(
    ("minutes", "fresh"),
    [(0, True), (60, True), (61, False), (-5, True), (-6, False), (-600, False)],
    ids=["now", "as old as it may be", "too old", "within the skew", "beyond it", "a wrong clock"],
)
def test_data_is_fresh_while_it_is_neither_too_old_nor_of_the_future(minutes: int, *, fresh: bool) -> None:
    """Clocks differ by minutes; data that is further ahead says nothing about its age."""
    assert is_fresh(SOURCE, NOW + minutes * MINUTE) is fresh
    assert not is_fresh(msgspec.structs.replace(SOURCE, as_of=None), NOW)


@pytest.mark.parametrize(
    ("seconds", "stalled", "ahead"),
    [
        (30, None, None),
        (31, timedelta(seconds=31), None),
        (-300, None, None),
        (-301, None, timedelta(seconds=301)),
    ],
)
def test_a_snapshot_is_neither_too_old_nor_of_the_future(
    seconds: int, stalled: timedelta | None, ahead: timedelta | None
) -> None:
    """Each is told with how much."""
    snapshot, now = msgspec.structs.replace(all_pass(), at=NOW), NOW + timedelta(seconds=seconds)
    assert (stalled_for(snapshot, now), ahead_by(snapshot, now)) == (stalled, ahead)
