"""No cell of a table that anybody writes is a formula, and none holds what is not seen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.port.cells import safe_cell

HIDING = "\u200b\ufeff\u2066\x1b\x00\u2028\u0301\ufe0f\u3164\u00a0 \t\r\n"
SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫\u2212"  # noqa: RUF001 - spreadsheets take the wide and small ones too


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
@pytest.mark.parametrize("hidden", ["", *HIDING], ids=ascii)
def test_a_sign_that_nothing_seen_precedes_is_disarmed(hidden: str, sign: str) -> None:
    """Whatever is dropped, blank or drawn over another character comes before it."""
    assert safe_cell(f"{hidden}{sign}SUM(A1)").startswith("'")


@given(st.text(st.one_of(st.sampled_from(HIDING + SIGNS), st.characters()), max_size=8))
@example("\u200b=HYPERLINK(1)")
def test_no_cell_begins_like_a_formula_or_breaks_its_row(text: str) -> None:
    """Not after blanks either; and nothing that controls a terminal or turns a text around is left."""
    made = safe_cell(text)

    assert not made.strip().startswith(tuple(SIGNS))
    assert not any(unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"} for each in made)


@pytest.mark.parametrize("text", ["", "ana=b", "a b", "José", "'=1", "1 - 2"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    """A cell is changed for a reason only."""
    assert safe_cell(text) == text
