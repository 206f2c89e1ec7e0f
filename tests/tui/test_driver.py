"""Whoever waits for the terminal is woken by the end of waiting, and by nothing before."""

from __future__ import annotations

import selectors
from itertools import chain

import pytest
from textual.events import Key

from tui.driver import Bell, Keys


def test_a_bell_wakes_who_waits_for_files_until_it_is_cleared() -> None:
    """Its file can be read from the first ring to the clearing, however often it rang."""
    bell = Bell()
    with selectors.SelectSelector() as selector:
        selector.register(bell.file, selectors.EVENT_READ)
        for _ in range(2):
            assert not selector.select(0)
            bell.set()
            bell.set()
            assert selector.select(0)
            assert bell.is_set()
            bell.clear()
            bell.clear()
            assert not bell.is_set()
        assert not selector.select(0)


@pytest.mark.parametrize(
    ("pieces", "keys"),
    [
        (["\x1bj"], ["escape", "j"]),
        (["\x1b", "j"], ["escape", "j"]),
        (["\x1bjk"], ["escape", "j", "k"]),
        (["ab\x1b/x"], ["a", "b", "escape", "slash", "x"]),
        (["\x1bG\x1bj"], ["escape", "G", "escape", "j"]),
        (["\x1bf"], ["escape", "f"]),
        (["\x1b:q\r"], ["escape", "colon", "q", "enter"]),
        (["\x1b[A"], ["up"]),
        (["\x1bOP"], ["f1"]),
        (["\x1b[106;3u"], ["alt+j"]),
    ],
    ids=["one piece", "two", "two keys", "in a text", "twice", "no word", "a command", "an arrow", "f1", "a real alt"],
)
def test_escape_and_the_key_right_after_it_are_two_keys(pieces: list[str], keys: list[str]) -> None:
    """However fast they come; sequences of the terminal stay what they are."""
    parser = Keys()

    typed = list(chain.from_iterable(parser.feed(piece) for piece in pieces))

    assert [each.key for each in typed if isinstance(each, Key)] == keys
