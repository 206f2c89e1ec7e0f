"""Keys that come in one burst mean the same as keys that come one by one: a fast hand, a macro, a slow line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.keysteps import EVENTS, HISTORY, SOURCES, WAIVERS
from tests.support.programs import canned

BURSTS = {
    "a screen from a screen from a screen": ("She", EVENTS),
    "what is under the cursor": ("\rh", HISTORY),
    "a filter, and the list after it": ("\r/user00007\rX", WAIVERS),
    "a filter that is seen": ("\r/user00076\rj", r"/ user00076"),
    "a letter of a menu": ("\rsl", "sort label"),
    "a row of a menu": ("\rsjj\rh", HISTORY),
    "a command, and a key after it": (":sources\rh", HISTORY),
    "a command of a command": (":history\r:waivers\r", WAIVERS),
    "help, a search, and what it runs": ("?waivers\r", WAIVERS),
    "an answer, and a key after it": ("RnS", SOURCES),
    "a form, filled in": ("\rpwindow\t\b\b2d", r"Reason +window *$(.|\n)*For +2d *$"),
    "there and back": ("ShX[[", SOURCES),
    "one panel, all panels, and the next screen": ("zzS", SOURCES),
}
"""What is typed on the overview, and what is on the screen once it was obeyed."""


ROUNDS = 4
STAYS = {"a filter that is seen", "a form, filled in"}
"""Bursts that leave something behind."""


@pytest.mark.parametrize("name", BURSTS)
def test_a_burst_means_what_its_keys_mean(name: str, tmp_path: Path) -> None:
    """No key is lost, and none is obeyed before the one that was typed before it."""
    burst, seen = BURSTS[name]
    with canned(home=tmp_path, size=(132, 40)) as terminal:
        terminal.expect("LIVE")
        for _ in range(1 if name in STAYS else ROUNDS):
            terminal.expect(r"▌.*admin-mfa")
            terminal.type(burst)
            terminal.expect(seen)
            terminal.press(*(() if name in STAYS else ("0", "g")))


def test_keys_for_a_screen_that_is_being_opened_reach_it(tmp_path: Path) -> None:
    """Whenever they come."""
    with canned(home=tmp_path, size=(200, 60)) as terminal:
        terminal.expect("LIVE")
        for milliseconds in range(0, 60, 4):
            terminal.type("0gS")
            time.sleep(milliseconds / 1_000)
            terminal.type("h")
            time.sleep(milliseconds / 2_000)
            terminal.type("e")
            terminal.expect(EVENTS)
