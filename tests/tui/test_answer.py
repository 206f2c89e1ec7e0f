"""An answer belongs to its question, and what was not fetched is told until it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.support.clock import NOW
from tui.answer import AGAIN, Answer
from tui.lines import plain, size


@dataclass
class Hand:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now


def answered(clock: Hand) -> Answer:
    """Give an answer that came, and whose renewal failed a minute later."""
    answer = Answer(clock)
    answer.came(answer.ask("rows"))
    clock.now += timedelta(minutes=1)
    answer.failed(answer.ask("rows"), "the store is busy")
    return answer


def test_what_is_superseded_changes_nothing() -> None:
    """Neither a late answer nor a late fault is that of the latest question."""
    answer = Answer(Hand())
    first, second = answer.ask("one"), answer.ask("two")
    answer.came(first)
    assert (answer.shown, answer.waits) == (None, True)
    answer.came(second)
    answer.failed(first, "busy")
    assert (answer.shown, answer.error) == ("two", "")


def test_it_is_asked_again_after_a_while_and_not_before() -> None:
    """Not while an answer is under way, nor when all is here; a clock that is put back holds nothing up."""
    clock = Hand()
    answer = answered(clock)
    due = [answer.is_due]
    clock.now += AGAIN
    due.append(answer.is_due)
    turn = answer.ask("rows")
    due.append(answer.is_due)
    answer.failed(turn, "busy")
    due.append(answer.is_due)
    clock.now -= timedelta(hours=1)
    due.append(answer.is_due)
    answer.came(answer.ask("rows"))
    due.append(answer.is_due)
    assert due == [False, True, False, False, True, False]


def test_the_first_of_several_faults_tells_since_when() -> None:
    """What is shown is of the last answer, and fails since the first fault after it."""
    clock = Hand()
    answer = answered(clock)
    clock.now += timedelta(minutes=5)
    answer.failed(answer.ask("rows"), "the engine is down")
    [told] = answer.told("rows", clock.now, 120)
    assert plain(told) == " ! rows of 05:30Z, not fetched since 05:31Z: the engine is down"
    answer.came(answer.ask("rows"))
    assert answer.told("rows", clock.now, 120) == []


@pytest.mark.parametrize(
    ("later", "text"),
    [
        (timedelta(0), " ! of 05:30Z, not fetched since 05:31Z: "),
        (timedelta(days=1), " ! not fetched since 21 Nov 05:31Z: "),
    ],
    ids=["today", "another day"],
)
def test_forty_columns_tell_since_when(later: timedelta, text: str) -> None:
    """However narrow, since when nothing was fetched is whole."""
    clock = Hand()
    answer = answered(clock)
    [told] = answer.told("unsorted rows", clock.now + later, 40)
    assert plain(told).startswith(text)
    assert size(told) > len(text)


def test_a_fault_of_our_own_is_noted_and_goes_on() -> None:
    """Whatever it was, nothing waits for ever."""
    answer = Answer(Hand())
    turn = answer.ask("rows")
    with pytest.raises(ValueError, match="odd"), answer.noting(turn):
        raise ValueError("odd")
    assert (answer.waits, answer.error) == (False, "own fault: ValueError: odd")


def test_what_is_of_another_question_is_not_told_of() -> None:
    """Once it is dropped there is no answer of any time."""
    clock = Hand()
    answer = answered(clock)
    answer.drop()
    [told] = answer.told("rows", clock.now, 120)
    assert plain(told) == " ! rows not fetched since 05:31Z: the store is busy"
