"""What is kept of questions, and for how long."""

from __future__ import annotations

from array import array
from datetime import timedelta

import pytest

from engine.port import Query
from engine.store import kept as keeping
from engine.store.kept import ALWAYS, NEVER, Kept, Times
from tests.support.clock import NOW

HOUR = timedelta(hours=1)
SOON = Times(NOW, NOW + HOUR)


@pytest.mark.parametrize(
    ("times", "after", "good"),
    [
        pytest.param(SOON, 0 * HOUR, True, id="when it was found"),
        pytest.param(SOON, HOUR, False, id="when the first finding leaves"),
        pytest.param(SOON, -HOUR, False, id="before it was found"),
        pytest.param(ALWAYS, 9_999 * HOUR, True, id="what no clock changes"),
        pytest.param(NEVER, 0 * HOUR, False, id="what is not kept"),
    ],
)
def test_an_answer_is_kept_while_it_is_good(times: Times, after: timedelta, good: bool) -> None:  # noqa: FBT001 - a column of the table
    """Counts, orders and places are told between their instants, and nothing of them besides."""
    kept, query = Kept(), Query(view="new")
    kept.keep_count(query, 3, times)
    kept.keep_order(query, array("q", [7, 8, 9]), times)
    kept.keep_place(query, 8, 1, times)
    now = NOW + after
    assert kept.count(query, now) == (3 if good else None)
    assert kept.order(query, now) == (array("q", [7, 8, 9]) if good else None)
    assert kept.places(query, now) == ({8: 1} if good else {})
    assert (kept.wider(query, now, lambda _: True, 9) is not None) is good


def test_places_of_other_times_are_not_mixed() -> None:
    """Once the clock has moved a list on, the places of before are forgotten."""
    kept, later = Kept(), Times(NOW + HOUR, NOW + 2 * HOUR)
    kept.keep_place(Query(), 8, 1, SOON)
    kept.keep_place(Query(), 9, 1, later)
    assert kept.places(Query(), NOW + HOUR) == {9: 1}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest orders and places go first."""
    monkeypatch.setattr(keeping, "MOST_KEPT", 5)
    monkeypatch.setattr(keeping, "MOST_PLACES", 2)
    kept = Kept()
    for number, text in enumerate("abc"):
        kept.keep_order(Query(text=text), array("q", [1, 2]), ALWAYS)
        kept.keep_place(Query(), number, number, ALWAYS)
    assert kept.order(Query(text="a"), NOW) is None
    assert kept.order(Query(text="c"), NOW) == array("q", [1, 2])
    assert kept.places(Query(), NOW) == {1: 1, 2: 2}
