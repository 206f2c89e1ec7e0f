"""Places make a trail that one can go back and forward on."""

from __future__ import annotations

from tui.place import TRAIL_MAX, Place, Trail, View

TOP = Place("overview")


def at(*names: str) -> View:
    """Give a view of screens over the overview."""
    return (TOP, *(Place(name) for name in names))


def walked(*views: View) -> Trail:
    """Give the trail of somebody who went from view to view."""
    trail = Trail().left((TOP,))
    for view in views:
        trail = trail.then(view)
    return trail


def test_back_and_forward_are_each_others_inverse() -> None:
    """As in a browser, with nothing before the first and nothing after the last."""
    trail = walked(at("family"), at("family", "finding"))

    back = trail.step(-1)

    assert back is not None
    assert back.here == at("family")
    forward = back.step(1)
    assert forward is not None
    assert forward.here == trail.here
    assert trail.step(1) is None
    assert Trail().step(-1) is None


def test_a_new_view_forgets_what_was_ahead() -> None:
    """Who goes back and then elsewhere cannot go forward to the old view."""
    back = walked(at("family"), at("sources")).step(-1)
    assert back is not None

    assert [view[-1].screen for view in back.then(at("events")).views] == ["overview", "family", "events"]


def test_the_same_view_is_no_new_one() -> None:
    """A screen about the same thing takes the place of itself, however it was left."""
    trail = walked(at("family"))

    again = trail.then((TOP, Place("family", "", "sorted")))

    assert len(again.views) == 2
    assert again.here[-1].left == "sorted"


def test_a_view_is_remembered_as_it_was_left() -> None:
    """What was done on a screen is there when one comes back."""
    trail = walked(at("family")).left((TOP, Place("family", "", "row 9"))).then(at("sources"))

    back = trail.step(-1)

    assert back is not None
    assert back.here[-1].left == "row 9"


def test_the_last_view_is_where_one_was_before() -> None:
    """The same key goes there and back again."""
    trail = walked(at("family"), at("sources"))

    there = trail.swap()

    assert there is not None
    assert there.here == at("family")
    back = there.swap()
    assert back is not None
    assert back.here == at("sources")
    assert Trail().swap() is None


def test_the_trail_has_an_end() -> None:
    """A screen that is open for a year does not grow."""
    trail = walked(*(at(f"screen{number}") for number in range(3 * TRAIL_MAX)))

    assert len(trail.views) == TRAIL_MAX
    assert trail.here == at(f"screen{3 * TRAIL_MAX - 1}")
