"""The mouse does on every screen what the keys do, in a real terminal; nothing is done by the mouse alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.keyscenes import SCENES, TO_FAMILY, TO_FINDING
from tests.support.keysteps import EVENTS, FAMILY, FINDING, FORM, HISTORY, INIT, OVERVIEW, SOURCES, WAIVERS, Scene
from tests.support.programs import canned
from tests.support.terminal import Spot, Terminal
from tests.support.walking import CURSOR, follow, walk
from tui.keymap import screen_keys


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name or scene.screen for scene in SCENES])
def test_a_click_on_a_key_of_the_footer_does_what_the_key_does(scene: Scene, tmp_path: Path) -> None:
    """The same rows of the same table hold for clicks."""
    with canned(*scene.words, home=tmp_path, size=scene.size, TZ="Asia/Tokyo") as terminal:
        terminal.expect(scene.ready)
        follow(terminal, scene.way)
        terminal.expect(scene.home)
        keys = {key.id: key for key in screen_keys()[scene.screen]}
        for name, step in scene.steps.items():
            label = f" {keys[name].shown} {keys[name].label} "
            if not step.stays and label in f"{terminal.lines[-1]} ":
                walk(terminal, step, partial(click_footer, terminal, label.strip()), scene.home)


def click_footer(terminal: Terminal, label: str) -> None:
    """Click on a key of the footer, once it is there: a message goes by itself."""
    terminal.wait(lambda: label in terminal.lines[-1], label)
    terminal.click(Spot(terminal.lines[-1].index(label), terminal.rows - 1))


class Opened(NamedTuple):
    """A row of a screen, and what a double click on it opens."""

    way: tuple[tuple[str, str], ...]
    home: str
    row: str
    seen: str


ROWS = {
    "overview": Opened((), OVERVIEW, "workforce-mfa  ", FAMILY),
    "family": Opened(TO_FAMILY, FAMILY, "user00076@", FINDING),
    "events": Opened((("e", EVENTS),), EVENTS, "source   aws", SOURCES),
    "waivers": Opened((("X", WAIVERS),), WAIVERS, "WV-22", FAMILY),
    "history": Opened((("h", HISTORY),), HISTORY, "admin-mfa", FAMILY),
    "help": Opened((("question_mark", "^╭─ Keys "),), "^╭─ Keys ", "the waivers: in force", WAIVERS),
}


@pytest.mark.parametrize("opened", ROWS.values(), ids=ROWS)
def test_a_click_takes_a_row_and_a_double_click_opens_it(opened: Opened, tmp_path: Path) -> None:
    """One click puts the cursor there, two go where enter goes."""
    with canned(home=tmp_path, size=(132, 40)) as terminal:
        terminal.expect("LIVE")
        follow(terminal, opened.way)
        terminal.expect(opened.home)
        terminal.expect(opened.row)
        spot = terminal.find(opened.row)
        terminal.click(spot)
        terminal.wait(lambda: CURSOR in terminal.lines[spot.row], "the cursor on the row")
        terminal.expect(opened.home)
        terminal.click(Spot(spot.column + 1, spot.row), 2)
        terminal.expect(opened.seen)


def test_a_double_click_on_a_found_source_adds_it(tmp_path: Path) -> None:
    """In the guided start, too."""
    with canned("init", "0", "unicode", home=tmp_path) as terminal:
        terminal.expect("kubeconfig")
        terminal.expect(INIT)
        terminal.click(terminal.find("kubeconfig"), 2)
        terminal.expect(FORM)
        terminal.click(terminal.find("esc cancel"))
        terminal.expect_not(FORM)


def test_clicks_reach_panels_crumbs_counts_and_chips(tmp_path: Path) -> None:
    """A panel takes the cursor, crumbs go up, the pulse tells events, the freshness sources, a chip one check alone."""
    with canned(home=tmp_path, size=(132, 40)) as terminal:
        terminal.expect("LIVE")
        terminal.click(terminal.find("│ ✔ PASS   attestations"))
        terminal.expect("▌✔ PASS +attestations")
        terminal.click(terminal.find("LIVE"))
        terminal.expect(EVENTS)
        terminal.click(terminal.find("sources fresh"))
        terminal.expect(SOURCES)
        terminal.click(terminal.find("controlwatch"))
        terminal.expect(OVERVIEW)
        follow(terminal, (("g", ""), ("0", "▌.*admin-mfa"), ("enter", FAMILY)))
        terminal.expect("check admin-mfa")
        terminal.click(terminal.find("workforce-mfa"))
        terminal.expect("check workforce-mfa")


def test_a_click_on_a_heading_sorts_and_again_reverses(tmp_path: Path) -> None:
    """As s and a letter do."""
    with canned(home=tmp_path, size=(132, 30)) as terminal:
        terminal.expect("LIVE")
        follow(terminal, TO_FAMILY)
        terminal.expect("▌")
        terminal.click(terminal.find("Subject"))
        terminal.expect("sort label ▼")
        terminal.click(terminal.find("Subject"))
        terminal.expect("sort label ▲")


def test_a_click_in_the_margin_marks(tmp_path: Path) -> None:
    """As space does, and again takes the mark away."""
    with canned(home=tmp_path, size=(132, 30)) as terminal:
        terminal.expect("LIVE")
        follow(terminal, TO_FAMILY)
        terminal.expect("user00076@")
        row = terminal.find("user00076@").row
        terminal.click(Spot(1, row))
        terminal.expect("1 marked")
        terminal.expect("●.*user00076@")
        terminal.click(Spot(0, row))
        terminal.expect_not("1 marked")


WHEELED = {
    "overview": (),
    "family": TO_FAMILY,
    "finding": TO_FINDING,
    "sources": (("S", SOURCES),),
    "events": (("e", EVENTS),),
    "waivers": (("X", WAIVERS),),
    "history": (("h", HISTORY),),
    "help": (("question_mark", "^╭─ Keys "),),
}


@pytest.mark.parametrize("name", WHEELED)
def test_the_wheel_scrolls(name: str, tmp_path: Path) -> None:
    """Down and up again, wherever there is more than fits."""
    with canned(home=tmp_path, size=(100, 20)) as terminal:
        terminal.expect("LIVE")
        follow(terminal, WHEELED[name])
        terminal.expect(CURSOR if name not in {"finding", "help"} else "│")
        before = terminal.lines[2:-1]
        terminal.wheel(Spot(6, 7), 1, 8)
        terminal.wait(lambda: terminal.lines[2:-1] != before, "scrolled down")
        below = terminal.lines[2:-1]
        terminal.wheel(Spot(6, 7), -1, 8)
        terminal.wait(lambda: terminal.lines[2:-1] != below, "scrolled up")


def test_tab_reaches_every_list_of_the_overview(tmp_path: Path) -> None:
    """So the events and the changes of yesterday are no matter of the mouse alone."""
    with canned(home=tmp_path, size=(132, 40)) as terminal:
        terminal.expect("▌✖ FAIL +admin-mfa")
        for row in ("▌▲ WARN +workforce", "▌! BLIND +stale", "▌✖ FAIL +backups", "▌✔ PASS +cert", "▌05:27Z", "▌ ?.→"):
            terminal.press("tab")
            terminal.expect(row)
        terminal.press("shift+tab")
        terminal.expect("▌05:27Z")
        terminal.press("enter")
        terminal.expect(SOURCES)
