"""What is taken from a row covers that row alone, however its id is spelled; what a person types may be a pattern."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.port.subjects import is_wild, literal, matching, plain
from engine.store import Live
from engine.store.diff import count_covered, matcher
from tests.support.clock import NOW

HOSTILE = st.text(st.sampled_from("ab*?[]\\/!^-.\n İß"), max_size=8) | st.text(max_size=8)


def live(pattern: str) -> Live:
    """Build a live waiver of a pattern."""
    return Live(id="W-1", subjects=(pattern,), starts=NOW, ends=NOW + timedelta(days=1))


@given(HOSTILE, HOSTILE, HOSTILE)
def test_a_literal_covers_its_own_text_alone(one: str, other: str, label: str) -> None:
    """No sign of an id is wild."""
    pattern = literal(one)

    assert not is_wild(pattern)
    assert plain(pattern) == one
    assert matching(pattern)(one, "")
    assert matching(pattern)(other, label) is (one == other or one.lower() == label.lower())


@given(HOSTILE, HOSTILE, HOSTILE)
def test_what_is_counted_before_is_what_is_waived_after(pattern: str, subject: str, label: str) -> None:
    """The screen and the store match the same, patterns too."""
    waived = matcher([live(pattern)])(subject, label) is not None

    assert matching(pattern)(subject, label) is waived
    assert count_covered([(subject, label)], [live(pattern)]) == {"W-1": int(waived)}


@pytest.mark.parametrize(
    ("pattern", "subject", "covered"),
    [
        pytest.param("Vendor 0000*", "Vendor 00001", True, id="a typed pattern stays one"),
        pytest.param("Vendor 0000[*]", "Vendor 0000*", True, id="the sign itself"),
        pytest.param("Vendor 0000[*]", "Vendor 00001", False, id="nothing that looks like it"),
        pytest.param("Vendor 0000[*]", "Vendor 0000[*]", False, id="nor its own spelling"),
        pytest.param("[2001:db8::?]:443", "[2001:db8::1]:443", True, id="an address in brackets"),
        pytest.param("[?]*", "?abc", True, id="both"),
        pytest.param("[?]*", "xabc", False, id="both, and another"),
    ],
)
def test_a_pattern_covers(pattern: str, subject: str, *, covered: bool) -> None:
    """Star and question mark are wild unless they stand in brackets alone."""
    assert matching(pattern)(subject, "") is covered
