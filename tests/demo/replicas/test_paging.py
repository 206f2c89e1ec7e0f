"""Pages hold every kept item once, in order, and their cursors survive changes elsewhere in the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.replicas.paging import cut, link_header, numbered, stamp


def _all(items: list[str], limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page, cursor = cut(items, cursor, limit, str, lambda item: not item.startswith("x"))
        pages.append(page)
        if cursor is None:
            return pages


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4), unique=True), st.integers(1, 5))
def test_the_pages_together_are_the_kept_items(items: list[str], limit: int) -> None:
    """However long the pages are, each kept item is on one of them, and no page but the last is short."""
    pages = _all(items, limit)
    assert [item for page in pages for item in page] == [item for item in items if not item.startswith("x")]
    assert all(len(page) == limit for page in pages[:-1])


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_numbered_pages_together_are_the_items(items: list[int], per_page: int) -> None:
    """Pages 1 to the last hold every item once; the one after is empty."""
    last = numbered(items, 1, per_page)[1]
    assert [item for page in range(1, last + 1) for item in numbered(items, page, per_page)[0]] == items
    assert not numbered(items, last + 1, per_page)[0]


@pytest.mark.parametrize(
    ("change", "rest"),
    [
        pytest.param(["b", "c", "d"], ["c", "d"], id="an earlier item is removed"),
        pytest.param(["0", "a", "b", "c", "d"], ["c", "d"], id="an earlier item is added"),
        pytest.param(["a", "c", "d"], ["c", "d"], id="the item of the cursor is removed"),
        pytest.param(["a", "b", "c", "d", "e"], ["c", "d", "e"], id="a later item is added"),
    ],
)
def test_a_cursor_survives_a_change_of_the_list(change: list[str], rest: list[str]) -> None:
    """The page after the cursor goes on where the page before it ended."""
    _, cursor = cut(["a", "b", "c", "d"], None, 2, str)
    assert cut(change, cursor, 9, str) == (rest, None)


@pytest.mark.parametrize("cursor", ["!", "é", "bm90LWE", ""])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    """A cursor that the list did not write is an error, never the first page."""
    with pytest.raises(ValueError, match="cursor"):
        cut(["a"], cursor, 1, str)


def test_instants_are_written_in_utc() -> None:
    """Another time zone is converted, and None stays None."""
    at = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=timezone(timedelta(hours=9)))
    assert (stamp(at), stamp(at, "milliseconds")) == ("2026-01-01T18:04:05Z", "2026-01-01T18:04:05.678Z")
    assert stamp(None) is None
    assert stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"


def test_a_link_header_names_each_relation() -> None:
    """Links are written as RFC 8288 asks."""
    assert link_header({"next": "http://a/2", "last": "http://a/9"}) == (
        '<http://a/2>; rel="next", <http://a/9>; rel="last"'
    )
