"""Whoever waits for the terminal is woken by the end of waiting, and by nothing before."""

from __future__ import annotations

import selectors

from tui.driver import Bell


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
