"""A change of a waiver file's text is the lines that it needs and no other byte, or it is not made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from engine.waiver_text import FIRST, LONGEST_LINE, Value, appended, next_id, with_key
from tests.support.waivers import WRITTEN

TABLES: Final = """[[waiver]]
id = "w1"
requested_by = "ana"
[[waiver]]
id = "w2"
requested_by = "ana"
"""


@pytest.mark.parametrize(
    ("taken", "fresh"),
    [
        pytest.param((), "W-2026-0001", id="first"),
        pytest.param(("W-2026-0007", "W-2026-0002"), "W-2026-0008", id="past-the-highest-and-into-no-hole"),
        pytest.param(("W-2025-0090", "W-2026-x", "W-2026-", "W-2026-\u0663", "vendor"), "W-2026-0001", id="no-number"),
        pytest.param(("W-2026-9999",), "W-2026-10000", id="past-four-digits"),
        pytest.param(("W-2026-1234567890",), "W-2026-0001", id="nobody-counts-that-far"),
    ],
)
def test_the_next_id_is_past_every_one_of_its_year(taken: tuple[str, ...], fresh: str) -> None:
    """Names that people chose themselves do not count."""
    assert next_id(taken, 2026) == fresh


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", f'{FIRST}\n\n[[waiver]]\nid = "w9"\n', id="empty"),
        pytest.param("# mine\n", '# mine\n\n[[waiver]]\nid = "w9"\n', id="a-line"),
        pytest.param("# mine", '# mine\n\n[[waiver]]\nid = "w9"', id="no-final-newline"),
        pytest.param("# mine\r\n", '# mine\r\n\r\n[[waiver]]\r\nid = "w9"\r\n', id="crlf"),
    ],
)
def test_an_entry_is_added_at_the_end_as_the_text_ends_its_lines(before: str, after: str) -> None:
    """An empty text gets a first line that says how to ask for more."""
    assert appended(before, {"id": "w9"}) == after


@pytest.mark.parametrize("text", ["waiver = [{}]\n", "[waiver]\n", "waiver = 1\n"], ids=["inline", "table", "number"])
def test_where_an_entry_would_be_none_nothing_is_added(text: str) -> None:
    """What would not be TOML any more, or would belong to something else, is not written."""
    assert appended(text, {"id": "w9"}) is None


@given(text=st.text(st.characters(exclude_categories=["Cs"])), subjects=st.lists(st.text(st.characters(codec="utf-8"))))
def test_whatever_is_written_is_read_back(text: str, subjects: list[str]) -> None:
    """Quotes, line breaks, control characters and emptiness too."""
    entry: dict[str, Value] = {
        "reason": text,
        "subjects": subjects,
        "emergency": True,
        "starts": datetime(2026, 11, 21, 5, 30, tzinfo=UTC),
        "expires": date(2026, 12, 1),
    }
    changed = appended(WRITTEN, entry)
    assert changed is not None
    assert changed.startswith(WRITTEN)
    assert tomli.loads(changed)["waiver"] == [*tomli.loads(WRITTEN)["waiver"], entry]


def test_many_subjects_stand_on_a_line_each() -> None:
    """So that a review shows which one was added."""
    changed = appended("", {"subjects": [f"okta-prod/{number:030}" for number in range(4)]})
    assert changed is not None
    assert changed.count('\n  "okta-prod/') == 4
    assert max(map(len, changed.splitlines())) <= LONGEST_LINE


@pytest.mark.parametrize(
    ("index", "near", "line"),
    [
        pytest.param(0, 'requested_by\t=\t"ana"   # asked on Monday\n', 'approved_by = "bob"\n', id="below-its-key"),
        pytest.param(1, "approved_by = ", '"bob" # to be done\n', id="in-place-of-its-value"),
    ],
)
def test_a_key_is_set_in_its_own_entry_and_nowhere_else(index: int, near: str, line: str) -> None:
    """A text of several lines that looks like an entry is none, and comments stay where they were."""
    changed = with_key(WRITTEN, index, "approved_by", "bob", ["requested_by"])
    wanted = WRITTEN.replace(near, f"{near}{line}") if index == 0 else WRITTEN.replace('"" # to be done\n', line)
    assert changed == wanted


def test_a_key_without_a_neighbour_stands_below_the_head_of_its_entry() -> None:
    """Where none of the keys that it belongs below is there."""
    changed = with_key(TABLES, 1, "ticket", "SEC-1", ["expires"])
    assert changed == TABLES.replace('[[waiver]]\nid = "w2"', '[[waiver]]\nticket = "SEC-1"\nid = "w2"')


def test_a_key_stands_below_the_first_of_its_neighbours_that_is_there() -> None:
    """In the order in which they were named, with the indentation of that line."""
    text = '[[waiver]]\n  requested_by = "ana"\n  expires = 2026-12-01\n'
    changed = with_key(text, 0, "revoked", date(2026, 11, 21), ["approved_by", "expires", "requested_by"])
    assert changed == f"{text}  revoked = 2026-11-21\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_key_below_a_last_line_without_an_end_leaves_it_without(end: str) -> None:
    """No line end is added where there was none."""
    text = TABLES.rstrip().replace("\n", end)
    assert with_key(text, 1, "approved_by", "bob", ["requested_by"]) == f'{text}{end}approved_by = "bob"'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('waiver = [{id = "w1", requested_by = "ana"}]\n', id="inline-tables"),
        pytest.param('[[waiver]]\n"\\u0069d" = "w1"\napproved_by = """\n"""\n', id="a-value-of-several-lines"),
    ],
)
def test_an_entry_that_is_written_otherwise_is_not_changed(text: str) -> None:
    """There is no line whose change would make that change and no other."""
    assert with_key(text, 0, "approved_by", "bob", ["requested_by"]) is None
