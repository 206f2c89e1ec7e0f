"""Names as people type them."""

from __future__ import annotations

import pytest

from tui.fuzzy import found, meant, nearest

NAMES = ["workforce-mfa", "admin-mfa", "backups", "backups-offsite", "leavers"]


@pytest.mark.parametrize(
    ("typed", "strict", "names"),
    [
        pytest.param("backups", False, ["backups"], id="a whole name is never ambiguous"),
        pytest.param("back", False, ["backups", "backups-offsite"], id="the beginning of two"),
        pytest.param("ADM", False, ["admin-mfa"], id="the beginning, in any case"),
        pytest.param("mfa", False, ["workforce-mfa", "admin-mfa"], id="a part of two"),
        pytest.param("site", False, ["backups-offsite"], id="a part of one"),
        pytest.param("wfm", False, ["workforce-mfa"], id="letters in order"),
        pytest.param("site", True, [], id="a part is not enough for what writes"),
        pytest.param("lea", True, ["leavers"], id="the beginning is"),
        pytest.param("zz", False, [], id="none"),
    ],
)
def test_a_name_is_meant(typed: str, *, strict: bool, names: list[str]) -> None:
    """The best kind of match decides."""
    assert meant(typed, NAMES, strict=strict) == names


def test_every_match_is_found_the_likeliest_first() -> None:
    """Completion offers more than what is meant."""
    assert found("a", NAMES)[0] == "admin-mfa"
    assert set(found("", NAMES)) == set(NAMES)


def test_the_nearest_is_named() -> None:
    """A slip of a finger is put right; nonsense is not."""
    assert nearest("bakcups", NAMES) == ', did you mean "backups"?'
    assert nearest("zzzz", NAMES) == ""
