"""The events that a list holds follow each other without a hole and none is there twice."""

from __future__ import annotations

from datetime import timedelta

from engine.port import Event, EventQuery, Events
from tests.support.clock import NOW
from tui.logged import Logged

LOG = [Event(at=NOW - timedelta(minutes=n), kind="source", what="aws", text=f"e{n}") for n in range(9)]


def a_log() -> Logged:
    """Hold the three newest of nine."""
    log = Logged()
    log.take(Events(events=LOG[:3], matching=9))
    return log


def test_the_page_below_is_counted_from_the_newest_that_is_here() -> None:
    """Whatever comes on top moves no place below; a question that ends before ends there."""
    asked = a_log().below(EventQuery(), 3)
    assert (asked.offset, asked.limit) == (3, 3)
    assert asked.until is not None
    assert LOG[0].at < asked.until < LOG[0].at + timedelta(seconds=1)
    assert a_log().below(EventQuery(until=NOW - timedelta(days=1)), 3).until == NOW - timedelta(days=1)
    assert Logged().below(EventQuery(), 3).offset == 0


def test_older_ones_are_held_below() -> None:
    """As many as match are told of, whether they are here or not."""
    log = a_log()
    log.add(Events(events=LOG[3:6], matching=9))
    assert [fold.newest.text for fold in log.folds] == [f"e{n}" for n in range(6)]
    assert (log.older, log.matching) == (3, 9)
    assert log.fold(log.folds[4].key) == log.folds[4]
    assert log.fold(None) is None


def test_what_is_newer_is_counted_until_it_is_taken() -> None:
    """Events, and the rows that they fold into."""
    log = a_log()
    newer = [Event(at=NOW + timedelta(seconds=n), kind="source", what="aws", text="429") for n in (2, 1)]
    log.count(Events(events=[*newer, *LOG[:3]], matching=11))
    assert (log.new, log.new_rows, len(log.events)) == (2, 1, 3)
    log.take(Events(events=[*newer, *LOG[:3]], matching=11))
    assert (log.new, log.new_rows, len(log.events)) == (0, 0, 5)


def test_rows_are_drawn_anew_only_when_they_differ() -> None:
    """The same list is the same rows."""
    log = a_log()
    first = log.rows(NOW, 80)
    assert log.rows(NOW + timedelta(minutes=1), 80) is first
    log.add(Events(events=LOG[3:4], matching=9))
    assert len(log.rows(NOW, 80)) > len(first)
