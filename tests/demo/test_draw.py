"""Chance follows from seed and name alone, and lists are made when they are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from demo.draw import Lazily, draw


@dataclass
class Thing:
    """Something that can be changed."""

    name: str


def _things(size: int) -> Lazily[Thing]:
    return Lazily(lambda index: Thing(f"thing {index}"), size)


def test_equal_seeds_and_names_draw_alike_and_others_do_not() -> None:
    """A draw is a function of its arguments."""
    one = [draw(1, "ana").share(slot) for slot in range(16)]
    assert one == [draw(1, "ana").share(slot) for slot in range(16)]
    assert one != [draw(2, "ana").share(slot) for slot in range(16)]
    assert one != [draw(1, "ben").share(slot) for slot in range(16)]
    assert len(set(one)) == 16


def test_draws_spread_evenly() -> None:
    """A weight is met within a few per cent over ten thousand draws."""
    weights = ((0.25, "a"), (0.70, "b"), (0.05, "c"))
    drawn = [draw(7, str(number)).pick(3, weights) for number in range(10_000)]
    for weight, letter in weights:
        assert drawn.count(letter) / 10_000 == pytest.approx(weight, abs=0.02)
    assert all(2.0 <= draw(7, str(number)).between(0, 2.0, 3.0) < 3.0 for number in range(100))


def test_items_are_made_anew_until_one_is_kept() -> None:
    """A change lasts on a kept item alone, and renewing undoes it."""
    things = _things(3)
    things[1].name = "lost"
    assert things[1] == Thing("thing 1")
    things.keep(1).name = "changed"
    assert [thing.name for thing in things] == ["thing 0", "changed", "thing 2"]
    things.renew(1)
    assert things[1] == Thing("thing 1")


def test_a_lazy_list_reads_as_a_list() -> None:
    """Length, negative places, slices and ends behave as a list's."""
    things = _things(5)
    assert len(things) == 5
    assert things[-1] == Thing("thing 4")
    assert things[1:4:2] == [Thing("thing 1"), Thing("thing 3")]
    assert things[3:9] == [Thing("thing 3"), Thing("thing 4")]
    with pytest.raises(IndexError):
        _ = things[5]
