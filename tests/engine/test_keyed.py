"""Records are found by key alike, whether they lie in memory or in a temporary table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keyed import Keyed

PAIRS = [("b", b"1"), ("a", b"2"), ("b", b"3"), ("", b"4"), ("é", b"5"), ("a\0b", b"6"), ("Z", b"7")]


@pytest.fixture(params=[100, 2, 0], ids=["memory", "spilled-on-the-way", "table"])
def keyed(request: pytest.FixtureRequest) -> Iterator[Keyed]:
    """Give an empty one with each place to keep things in."""
    made = Keyed(request.param)
    yield made
    made.close()


def test_entries_come_back_in_order_of_arrival(keyed: Keyed) -> None:
    """Under one key, over several puts."""
    for pair in PAIRS:
        keyed.put([pair])
    keyed.put([("b", b"8"), ("b", b"9")])

    assert list(keyed.get("b")) == [b"1", b"3", b"8", b"9"]
    assert list(keyed.get("nobody")) == []
    assert len(keyed) == len(PAIRS) + 2


def test_groups_come_in_the_order_of_their_keys(keyed: Keyed) -> None:
    """The order is by code points wherever the entries lie, so the same bytes give the same result."""
    keyed.put(PAIRS[:3])
    keyed.put(PAIRS[3:])

    assert list(keyed.groups()) == [
        ("", [b"4"]),
        ("Z", [b"7"]),
        ("a", [b"2"]),
        ("a\0b", [b"6"]),
        ("b", [b"1", b"3"]),
        ("é", [b"5"]),
    ]


def test_what_is_popped_is_gone(keyed: Keyed) -> None:
    """An overlay is laid over each subject once."""
    keyed.put(PAIRS)
    keyed.put([("a", b"8")])

    assert list(keyed.pop("a")) == [b"2", b"8"]
    assert list(keyed.pop("a")) == []
    assert list(keyed.get("b")) == [b"1", b"3"]
    assert [key for key, _ in keyed.groups()] == ["", "Z", "a\0b", "b", "é"]


def test_entries_can_be_added_after_some_were_asked_for(keyed: Keyed) -> None:
    """Asking does not end the adding."""
    keyed.put(PAIRS)
    assert list(keyed.get("a")) == [b"2"]

    keyed.put([("a", b"8"), ("c", b"9")])

    assert (list(keyed.get("a")), list(keyed.get("c"))) == ([b"2", b"8"], [b"9"])


def test_an_empty_one_has_nothing(keyed: Keyed) -> None:
    """No entry, no group."""
    assert (len(keyed), list(keyed.groups()), list(keyed.pop("a"))) == (0, [], [])


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=3), st.binary(max_size=3)), max_size=30))
def test_memory_and_table_tell_the_same(pairs: list[tuple[str, bytes]]) -> None:
    """Where records lie never changes a result."""
    memory, table = Keyed(1_000), Keyed(3)
    for start in range(0, len(pairs), 4):
        memory.put(pairs[start : start + 4])
        table.put(pairs[start : start + 4])

    assert list(memory.groups()) == list(table.groups())
    assert all(list(memory.get(key)) == list(table.get(key)) for key, _ in pairs)
    memory.close()
    table.close()
