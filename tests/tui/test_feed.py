"""The feed says whether there is anything to draw."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.support.estates import CannedPort, all_pass, mixed
from tests.support.screens import Hand
from tui.feed import Feed
from tui.model import Word


def test_only_news_and_minutes_are_drawn() -> None:
    """A heartbeat is nothing, a state is news; the top is looked at every five seconds, ages every fifteen."""
    port, clock = CannedPort(all_pass()), Hand()
    feed = Feed(port, clock)
    assert not feed.look()

    clock.now += timedelta(seconds=1)
    port.now_shown = msgspec.structs.replace(all_pass(), seq=2, at=clock.now)
    assert not feed.look()
    assert feed.model.now == clock.now

    port.now_shown = mixed()
    assert feed.look()
    assert feed.model.counts[Word.FAIL] == 2
    assert not feed.is_resting

    rested = []
    for number in range(6):
        clock.now += timedelta(seconds=5)
        port.now_shown = msgspec.structs.replace(mixed(), seq=3 + number, at=clock.now)
        assert feed.look()
        rested.append(feed.is_resting)
    assert rested == [True, True, False, True, True, False]


def test_a_fault_is_news_at_once() -> None:
    """An engine that died is drawn at the next look."""
    port = CannedPort(all_pass())
    feed = Feed(port, Hand())
    port.down = "died"

    assert feed.look()
    assert feed.model.fault == "died"
