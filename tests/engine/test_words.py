"""What a person types to narrow a list."""

from __future__ import annotations

import time

import pytest

from engine.words import LONGEST_PATTERN, LONGEST_TEXT, WordsFault, all_hold, terms

ANA = ("ana@example.org", "okta-prod/00u1", "no second factor is enrolled")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("", True, id="nothing typed"),
        pytest.param("ANA factor", True, id="words of several values, in any case"),
        pytest.param("ana weak", False, id="all words must occur"),
        pytest.param("ana !weak", True, id="a word that must not occur"),
        pytest.param("!factor", False, id="a word that must not occur, and does"),
        pytest.param("! ~ !~", True, id="marks alone are nothing"),
        pytest.param("~^ana@", True, id="a regular expression"),
        pytest.param("~^factor", False, id="a regular expression begins where a value begins"),
        pytest.param("~ANA@.*org$", True, id="a regular expression in any case"),
        pytest.param("!~^svc-", True, id="a regular expression that must not occur"),
        pytest.param("~00u[0-9]{1,3}$", True, id="classes and counts"),
        pytest.param("~(second|weak)", True, id="alternatives"),
        pytest.param("~(?:okta|aws)?-prod/", True, id="an optional group"),
        pytest.param("~[]a-c]na", True, id="a class that begins with its bracket"),
    ],
)
def test_words_hold(text: str, *, holds: bool) -> None:
    """What was typed holds of the values, or does not."""
    assert all_hold(terms(text), *ANA) is holds


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("~[a", "character 1: no regular expression", id="no regular expression"),
        pytest.param("~a**", "character 3", id="a repetition twice"),
        pytest.param("~(a+)+$", "character 5: a repetition", id="a repetition of a repetition"),
        pytest.param("~((a*))*", "character 7: a repetition", id="a repetition in two groups"),
        pytest.param("~(a|aa)+$", "character 7: a repetition", id="a repetition of alternatives"),
        pytest.param("~(a?){50}", "character 5: a repetition", id="a count of what is optional"),
        pytest.param("~" + "a?" * 30 + "a" * 30, "too many ways", id="optional letters in a row"),
        pytest.param("~.*a.*b.*c", "too many ways", id="three repetitions"),
        pytest.param("~(.)\\1", "\\\\1 is not taken", id="a reference back"),
        pytest.param("~(?=.*a)b", "of groups only", id="looking ahead"),
        pytest.param("~(?i)a", "of groups only", id="flags"),
        pytest.param("~" + "a" * (LONGEST_PATTERN + 1), "at most", id="too long"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, where: str) -> None:
    """What is no regular expression, or may take for ever, is refused, and the message names the place."""
    with pytest.raises(WordsFault, match=where):
        terms(text)


@pytest.mark.parametrize("pattern", ["~a*b*c", "~.*a.*b", "~(a{0,20}b?){1}c?.*x", "~a{1,99}b{1,99}c"])
def test_the_worst_that_is_taken_ends(pattern: str) -> None:
    """What is taken ends soon on the text that is worst for it, however long that is."""
    began = time.process_time()
    try:
        assert not all_hold(terms(pattern), "a" * 100 * LONGEST_TEXT)
    except WordsFault:
        return
    assert time.process_time() - began < 10
