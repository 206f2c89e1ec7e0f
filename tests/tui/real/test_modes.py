"""All colours, 256, 16, none; glyphs of ASCII; wide characters: what is drawn is what the terminal can show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.console import COMMAND, write_estate
from tests.support.keysteps import FINDING, FORM, GONE, Way
from tests.support.programs import canned, surroundings
from tests.support.terminal import Terminal, on_terminal
from tests.support.walking import follow

TOUR: Way = (
    ("p", FORM),
    ("escape", GONE + FORM),
    ("d", "Changed"),
    ("d", "Changed"),
    ("1", ""),
    ("1", "row 1/300"),
    ("slash", "status:"),
    ("0", "/ 0"),
    ("enter", GONE + "status:"),
    ("escape", GONE + "/ 0"),
    ("s", "Sort by"),
    ("escape", GONE + "Sort by"),
    ("enter", FINDING),
    ("S", "6 of 7 fresh"),
    ("h", "In control"),
    ("e", "newest first"),
    ("X", "WV-23"),
    ("question_mark", "Keys"),
    ("escape", "WV-23"),
    ("colon", "tab completes"),
)
"""Over every page, and each kind of sheet."""
SGR = re.compile(rb"\x1b\[([0-9;]*)m")


def toured(terminal: Terminal) -> bytes:
    """Show every page, and give all that was written."""
    terminal.expect("LIVE")
    follow(terminal, TOUR)
    return bytes(terminal.written)


def colours(written: bytes) -> set[bytes]:
    """Give the kinds of colours that were asked for: ``2`` of RGB, ``5`` of 256, else ``16``."""
    found: set[bytes] = set()
    for told in SGR.findall(written):
        codes = told.split(b";")
        while codes:
            code = codes.pop(0)
            if code in {b"38", b"48"}:
                kind = codes.pop(0)
                found.add(kind)
                del codes[: 3 if kind == b"2" else 1]
            elif code and (30 <= int(code) <= 37 or 40 <= int(code) <= 47 or 90 <= int(code) <= 107):
                found.add(b"16")
    return found


@pytest.mark.parametrize(
    ("environment", "kinds"),
    [
        ({}, {b"2"}),
        ({"COLORTERM": ""}, {b"5"}),
        ({"COLORTERM": "", "TERM": "xterm"}, {b"16"}),
        ({"COLORTERM": "", "TERM": "linux"}, {b"16"}),
        ({"NO_COLOR": "1"}, set()),
        ({"NO_COLOR": "1", "COLORTERM": ""}, set()),
    ],
    ids=["truecolor", "256", "xterm", "linux", "NO_COLOR", "NO_COLOR of 256"],
)
def test_colours_are_those_of_the_terminal(environment: dict[str, str], kinds: set[bytes], tmp_path: Path) -> None:
    """On every page; the theme may be changed, and NO_COLOR still means none."""
    with canned("mixed", "300", "unicode", home=tmp_path, size=(132, 40), **environment) as terminal:
        toured(terminal)
        terminal.press("escape")
        terminal.expect_not("tab completes")
        if not kinds:
            terminal.press("ctrl+t", "ctrl+t", "T")
            terminal.expect("times in")
        assert colours(bytes(terminal.written)) <= kinds
        assert bool(colours(bytes(terminal.written))) is bool(kinds)


ASCII = {
    "asked for": (("mixed", "300", "ascii", "wide"), {}),
    "PYTHONIOENCODING": (("mixed", "300", "auto", "wide"), {"PYTHONIOENCODING": "ascii"}),
    "latin-1": (("mixed", "300", "auto", "wide"), {"PYTHONIOENCODING": "latin-1"}),
    "the console": (("mixed", "300", "auto"), {"TERM": "linux", "COLORTERM": ""}),
    "by the environment": (("mixed", "300", "auto"), {"CONTROLWATCH_GLYPHS": "ascii"}),
}


@pytest.mark.parametrize(("words", "environment"), ASCII.values(), ids=ASCII)
def test_ascii_is_ascii_on_every_page(words: tuple[str, ...], environment: dict[str, str], tmp_path: Path) -> None:
    """Not one other byte: not of borders, strips, plots and marks, and not of names in other scripts."""
    with canned(*words, home=tmp_path, size=(132, 40), **environment) as terminal:
        terminal.expect("F 2 FAIL")
        follow(terminal, TOUR)
        assert bytes(terminal.written).isascii()
        assert "\\u" not in terminal.text


def test_what_is_typed_is_ascii_too(tmp_path: Path) -> None:
    """Text fields are drawn by Textual, and secrets as bullets."""
    with canned("init", "0", "ascii", home=tmp_path) as terminal:
        terminal.expect("kubeconfig")
        terminal.press("a")
        terminal.expect("or type it")
        terminal.type("日本")
        terminal.expect(r"Token +\?\?\?\?")
        terminal.press("tab", "s")
        terminal.expect(r"or type it +[?*]")
        assert bytes(terminal.written).isascii()


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LANG": "", "LC_ALL": ""}], ids=["LC_ALL=C", "no locale"])
def test_a_locale_that_says_nothing_is_no_fault(environment: dict[str, str], tmp_path: Path) -> None:
    """Containers have none; Python takes UTF-8, and so does the screen."""
    with canned("mixed", "300", "auto", home=tmp_path, size=(132, 40), **environment) as terminal:
        terminal.expect("✖ 2 FAIL")
        toured(terminal)


FEW = 6
"""Rows that would prove too little."""


@pytest.mark.parametrize("size", [(80, 24), (132, 40)], ids=["80x24", "132x40"])
@pytest.mark.parametrize("words", [("unicode", "wide"), ("ascii", "wide")], ids=["unicode", "ascii"])
def test_wide_characters_move_no_column(words: tuple[str, ...], size: tuple[int, int], tmp_path: Path) -> None:
    """Chinese, Japanese, Korean, half-width and combining characters: every column begins in one cell."""
    with canned("mixed", "300", *words, home=tmp_path, size=size) as terminal:
        terminal.expect("LIVE")
        follow(terminal, (("1", "."), ("1", "row 1/300")))
        terminal.expect("山田太郎|王小明|[?]{4}")
        terminal.wait(lambda: len(told(terminal)) > FEW, "rows with wide names")
        assert len({terminal.column_of("no second factor", row) for row in told(terminal)}) == 1
        assert not terminal.overflow
        follow(terminal, (("enter", FINDING),))
        framed = range(2, size[1] - 1)
        terminal.wait(lambda: {terminal.end_of(row) for row in framed} == {size[0]}, "frames that end at the edge")


def told(terminal: Terminal) -> list[int]:
    """Give the rows of the list that tell a reason."""
    return [row for row in range(6, 18) if "no second factor" in terminal.lines[row]]


def errors(folder: Path) -> str:
    """Give what was written into a file in the place of the terminal."""
    path = folder / "errors"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("how", ["dumb", "stderr", "stdin"])
def test_without_a_terminal_to_draw_on_text_is_printed(how: str, tmp_path: Path) -> None:
    """TERM=dumb, standard error in a file, no standard input: no screen is drawn, and a dumb one gets no colour."""
    command = f"exec {COMMAND}"
    line = {"dumb": command, "stderr": f"{command} 2>errors", "stdin": f"{command} </dev/null"}[how]
    write_estate(tmp_path)
    environment = surroundings(tmp_path, TERM="dumb" if how == "dumb" else "xterm-256color")
    with on_terminal(["/bin/sh", "-c", f"cd {tmp_path} && {line}"], environment, size=(100, 30)) as terminal:
        assert terminal.code() == 0
        assert "no terminal to draw on" in terminal.text + errors(tmp_path)
        assert (b"\x1b" if how == "dumb" else b"\x1b[?") not in bytes(terminal.written)
        assert "\x1b" not in errors(tmp_path)
