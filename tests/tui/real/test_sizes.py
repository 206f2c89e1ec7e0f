"""Every screen fits every terminal from 40×10 to 240×70, and follows it when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keysteps import FORM, Way
from tests.support.programs import canned
from tests.support.terminal import Terminal
from tests.support.walking import follow

SIZES = [(40, 10), (60, 15), (80, 24), (120, 30), (160, 48), (240, 70)]
COUNTS = r"✖ ?2.*\? ?2.*▲ ?1.*◆ ?1.*✔ ?2.* LIVE \d\d:\d\d(:\d\d)?Z"
"""The five counts and the pulse: on every page, at every size."""
PAGES: dict[str, Way] = {
    "family": (("1", ""), ("1", "row 1/300")),
    "finding": (("enter", "Why"),),
    "sources": (("S", "register|more"),),
    "history": (("h", "History"),),
    "events": (("e", "newest first|Object"),),
    "waivers": (("X", "WV-23"),),
}
"""How to get from each page to the next; the key is pressed on the page before."""
SHEETS: dict[str, Way] = {
    "sort menu": (("s", "Sort by"),),
    "columns": (("c", "Columns of view"),),
    "copy menu": (("y", "Copy"),),
    "export": (("w", "File"),),
    "waiver": (("x", "Reason"),),
    "pause": (("p", "Reason"),),
    "command": (("colon", "^:"),),
    "help": (("question_mark", "Keys"),),
}
"""Over the family."""


@pytest.mark.parametrize("size", SIZES, ids=[f"{columns}x{rows}" for columns, rows in SIZES])
def test_every_screen_fits(size: tuple[int, int], tmp_path: Path) -> None:
    """Nothing is drawn past an edge, the counts and the pulse are there, and on a page the keys are below."""
    with canned(home=tmp_path, size=size) as terminal:
        for name in walked(terminal):
            terminal.wait(lambda: not terminal.overflow, f"{name} inside the terminal: {terminal.overflow}")
            assert "Traceback" not in terminal.text
            if name not in SHEETS or name == "help":
                terminal.expect(COUNTS)
                terminal.wait(lambda: bool(terminal.lines[-1].strip()), f"{name} with its keys")


def walked(terminal: Terminal) -> Iterator[str]:
    """Show each page, and each sheet over the family; names what is shown."""
    terminal.expect("LIVE")
    terminal.expect("admin-mfa")
    yield "overview"
    for name, way in PAGES.items():
        shown(terminal, way)
        yield name
        if name != "family":
            continue
        for sheet, over in SHEETS.items():
            shown(terminal, over)
            yield sheet
            terminal.press("escape")
            terminal.expect_not(over[-1][1])


def shown(terminal: Terminal, way: Way) -> None:
    """Press keys; a first 1 is left out where it opens the family at once."""
    for key, pattern in way:
        if pattern or terminal.columns >= 80:
            terminal.press(key)
            terminal.expect(pattern)


@pytest.mark.parametrize("size", SIZES, ids=[f"{columns}x{rows}" for columns, rows in SIZES])
def test_the_words_of_the_states_are_on_the_overview(size: tuple[int, int], tmp_path: Path) -> None:
    """FAIL, BLIND, WARN and WAIVED beside their rows as far as these fit, PASS where there is room for counts."""
    words = ["FAIL"] if size[1] < 15 else ["FAIL", "BLIND", "WARN", "WAIVED"]
    with canned(home=tmp_path, size=size) as terminal:
        for word in [*words, *(["PASS"] if size[0] >= 80 else [])]:
            terminal.expect(rf"\b{word}\b")
        if size[1] < 15:
            terminal.press("G")
            terminal.expect("▌.*WAIVED")


@pytest.mark.parametrize("size", SIZES, ids=[f"{columns}x{rows}" for columns, rows in SIZES])
def test_the_guided_start_fits(size: tuple[int, int], tmp_path: Path) -> None:
    """Its list, its form and its file."""
    with canned("init", "0", "unicode", home=tmp_path, size=size) as terminal:
        terminal.expect("FOUND +edge")
        for key, pattern in (("a", "^▌ Token"), ("question_mark", "Keys"), ("v", "# file")):
            terminal.press(key)
            terminal.expect(pattern)
            terminal.wait(lambda: not terminal.overflow, f"inside the terminal: {terminal.overflow}")
            terminal.press("escape")
            terminal.expect_not(pattern)
        follow(terminal, (("j", "▌.*edge"), ("a", FORM), ("ctrl+s", "REACHED"), ("w", "controlwatch check")))


def test_below_the_smallest_size_it_says_so_and_comes_back(tmp_path: Path) -> None:
    """On a page and under a sheet: the smallest size is named, and what was open is open again."""
    with canned(home=tmp_path, size=(80, 24)) as terminal:
        terminal.expect("LIVE")
        for size in ((39, 10), (40, 9), (20, 5)):
            terminal.resize(*size)
            terminal.expect("terminal too small" if size[0] > 20 else "terminal too sma")
            terminal.expect_not("FAIL")
            terminal.resize(80, 24)
            terminal.expect("admin-mfa")
        terminal.press("p")
        terminal.expect(FORM)
        terminal.resize(30, 8)
        terminal.expect("terminal too small")
        terminal.resize(80, 24)
        terminal.expect(FORM)
        terminal.press("escape")
        terminal.expect_not(FORM)


def test_every_page_follows_a_resize(tmp_path: Path) -> None:
    """From the smallest to the largest and back while it is open; nothing of the old size stays."""
    with canned(home=tmp_path, size=(80, 24)) as terminal:
        for name in walked(terminal):
            for size in ((240, 70), (40, 10), (80, 24)):
                terminal.resize(*size)
                terminal.wait(lambda: bool(terminal.lines[-1]), f"{name} at {size}")
                if name not in SHEETS:
                    terminal.expect(COUNTS)
            if name in SHEETS:
                terminal.expect(SHEETS[name][-1][1])


def test_a_size_that_the_terminal_tells_in_the_stream_is_followed(tmp_path: Path) -> None:
    """Terminals with in-band resize reports send the size as keys are sent, without a signal."""
    with canned(home=tmp_path, size=(60, 20)) as terminal:
        terminal.expect("admin-mfa")
        assert "Backup freshness" not in terminal.text
        terminal.write(b"\x1b[?2048;2$y")
        terminal.expect_written(b"\x1b[?2048h")
        terminal.resize(120, 40)
        terminal.write(b"\x1b[48;40;120;800;1200t")
        terminal.expect("Backup freshness")
