"""The screens look as they did: pictures of all seven over one company, at both sizes, compared row by row.

A picture that is meant to be another is written by ``CONTROLWATCH_WRITE_SNAPSHOTS=1 python -m pytest
tests/tui/test_snapshots.py``; look at it, and commit it with the change.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from rich.segment import Segment
from rich.style import Style

from tests.support.company import CompanyPort
from tests.support.pictures import picture as drawn_by
from tests.support.pictures import svg, told
from tests.support.screens import LARGE, SMALL, shown
from tui.place import Place
from tui.screens.closer import REST_SECONDS

FOLDER: Final = Path(__file__).parent / "snapshots"
SWITCH: Final = "CONTROLWATCH_WRITE_SNAPSHOTS"
PLACES: Final[dict[str, Sequence[Place]]] = {
    "overview": (),
    "family": (Place("family", "mfa"),),
    "finding": (Place("family", "mfa"), Place("finding", "1")),
    "sources": (Place("sources", "aws"),),
    "history": (Place("history", "admin-mfa"),),
    "waivers": (Place("waivers"),),
    "events": (Place("events"),),
}
CASES: Final = [
    *((name, size, "unicode") for name in PLACES for size in (SMALL, LARGE)),
    ("overview", SMALL, "ascii"),
    ("help", SMALL, "unicode"),
]


def name_of(case: tuple[str, tuple[int, int], str]) -> str:
    """Name the file of a case."""
    screen, (columns, rows), glyphs = case
    return f"{screen}-{columns}x{rows}{'-ascii' if glyphs == 'ascii' else ''}"


def differences(before: str, after: str) -> str:
    """Say which rows of two pictures differ, and how; empty when they are the same bytes."""
    if before == after:
        return ""
    old, new = told(before), told(after)
    if old != new:
        return "\n".join(difflib.unified_diff(old, new, "as it was", "as it is", lineterm="", n=1))
    pairs = zip(_drawn(before), _drawn(after), strict=False)
    rows = [f"row {number}: {new[number]}" for number, (one, other) in enumerate(pairs) if one != other]
    return "\n".join(["the same words in other colours:", *rows] if rows else ["drawn otherwise, the same on each row"])


def _drawn(picture: str) -> list[str]:
    """Give what draws each row."""
    return [each for each in picture.split("\n") if each.startswith("<g ")]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the terminal's own wishes away."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_a_screen_looks_as_it_did(case: tuple[str, tuple[int, int], str], tmp_path: Path) -> None:
    """The picture is the same bytes; else the rows that differ are told, and where the new picture is."""
    screen, size, glyphs = case
    async with shown(port=CompanyPort(), size=size, glyphs=glyphs) as stage:
        if screen == "help":
            await stage.press("question_mark")
        elif PLACES[screen]:
            stage.app.stack.go(*PLACES[screen])
        await stage.settle()
        if screen == "family":
            await stage.pilot.pause(2 * REST_SECONDS)
            await stage.settle()
        found = drawn_by(stage.app, f"Controlwatch: {screen}")
    kept = FOLDER / f"{name_of(case)}.svg"
    if os.environ.get(SWITCH):
        kept.write_text(found, encoding="utf-8")
    before = kept.read_text(encoding="utf-8") if kept.exists() else ""
    changed = differences(before, found)
    fresh = tmp_path / kept.name
    fresh.write_text(found, encoding="utf-8")
    if changed:
        pytest.fail(
            f"{name_of(case)} looks otherwise than in tests/tui/snapshots/{kept.name}\n{changed}\n"
            f"the new picture: {fresh}\nif it is meant: {SWITCH}=1 python -m pytest tests/tui/test_snapshots.py",
            pytrace=False,
        )


def test_every_picture_belongs_to_a_screen() -> None:
    """A picture that no case compares would rot unseen."""
    assert {each.name for each in FOLDER.iterdir()} == {f"{name_of(case)}.svg" for case in CASES}


def test_no_picture_asks_a_network_for_anything() -> None:
    """A picture loads no font and no script; its only address is the name of the format."""
    for each in FOLDER.iterdir():
        words = each.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        tags = words[: words.index("<desc>")] + words[words.index("</desc>") :]
        assert not {word for word in ("url(", "href", "@import", "<script", "src=") if word in tags}, each.name


def test_a_change_of_words_is_told_as_the_rows_that_differ() -> None:
    """A difference shows the row before and after, not the file."""
    before, after = (svg([[Segment("same")], [Segment(word)]], 8, "one") for word in ("✔ PASS", "✖ FAIL"))
    assert [row for row in differences(before, after).split("\n") if row[:1] in "+-"][2:] == ["-✔ PASS", "+✖ FAIL"]


def test_a_change_of_colour_alone_is_told() -> None:
    """The same words in another colour are a difference, and the row is named."""
    before, after = (svg([[Segment("same")], [Segment("word", Style(color=hue))]], 8, "one") for hue in ("red", "blue"))
    assert differences(before, after) == "the same words in other colours:\nrow 1: word"


def test_words_stand_at_their_columns() -> None:
    """A word after wide signs begins where the terminal would draw it."""
    drawn = svg([[Segment("漢字 ok ──x")]], 12, "one")
    assert [drawn.count(f'x="{column * 9}"') for column in (5, 10)] == [1, 1]
    assert told(drawn) == ["漢字 ok ──x"]
