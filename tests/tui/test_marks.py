"""Marks are a set of findings that may be a million strong and fetches none of them."""

from __future__ import annotations

from datetime import timedelta

from engine.port import Query
from tests.support.clock import NOW
from tests.support.estates import a_row
from tui.marks import Marks, all_of, same_list


def test_findings_are_marked_one_by_one() -> None:
    """Marking twice is not marking."""
    one, two = a_row(1), a_row(2)
    marks = Marks().toggled(one).toggled(two).toggled(one)

    assert (one in marks, two in marks, len(marks)) == (False, True, 1)
    assert marks.described() == "1 marked"
    assert Marks().described() == ""


def test_all_that_match_are_marked_but_some() -> None:
    """The count is that of the query, less what was taken out."""
    marks = all_of(Query(text="x", offset=400, around=7), 1_000_000, NOW).toggled(a_row(3))

    assert len(marks) == 999_999
    assert marks.described() == "999 999 marked, all but 1"
    assert a_row(3) not in marks
    assert a_row(4) in marks
    assert a_row(3) in marks.toggled(a_row(3))
    assert marks.every == Query(text="x")


def test_what_came_after_the_marking_is_not_marked() -> None:
    """Nobody acknowledges what was not there yet."""
    marks = all_of(Query(), 10, NOW)

    assert a_row(5, first_seen=NOW + timedelta(seconds=1)) not in marks
    assert "marked" not in marks


def test_the_order_of_a_list_does_not_make_it_another() -> None:
    """Sorting and paging keep the marks, a filter does not."""
    assert same_list(Query(sort="label", offset=200), Query(reverse=True, around=3))
    assert not same_list(Query(text="x"), Query())


def test_marks_by_id_are_those_that_matched() -> None:
    """What has come to match since is not meant, though it was first seen before; an exception that left is none."""
    marks = all_of(Query(), 9, NOW).toggled(a_row(1)).toggled(a_row(9))
    known = marks.resolved([a_row(1), a_row(2), a_row(3)])

    assert (marks.is_known, known.is_known, Marks().is_known) == (False, True, True)
    assert [number for number in range(1, 10) if a_row(number) in known] == [2, 3]
    assert known.described() == "2 marked, all but 1"
