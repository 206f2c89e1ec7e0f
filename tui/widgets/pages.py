"""The pages of a list that are here, and the place where an answer puts the cursor; nothing of the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.port import Query, Row, Rows

PAGE_ROWS = 200
KEPT_PAGES = 8


class Pages:
    """Pages by number; those that are farthest from the cursor go, the first and the last stay."""

    def __init__(self, pages: Mapping[int, Rows] | None = None) -> None:
        self._pages = dict(pages or {})

    def __len__(self) -> int:
        """Count them."""
        return len(self._pages)

    def __contains__(self, page: object) -> bool:
        """Tell whether a page is here."""
        return page in self._pages

    def row_at(self, index: int) -> Row | None:
        """Give a row by its place; None while its page is not here."""
        page = self._pages.get(index // PAGE_ROWS)
        place = index % PAGE_ROWS
        return page.rows[place] if page is not None and 0 <= place < len(page.rows) else None

    def put(self, page: int, rows: Rows, index: int) -> None:
        """Keep a page, the cursor being at ``index``."""
        self._pages[page] = rows
        here, ends = index // PAGE_ROWS, {0, last_page(rows.matching)}
        while len(self._pages) > KEPT_PAGES:
            far = [each for each in self._pages if each not in ends and each != page] or list(self._pages)
            del self._pages[max(far, key=lambda each: abs(each - here))]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is, and how the list stands below it."""

    index: int
    top: int
    """Place of the first row in sight."""
    height: int
    """Rows in sight, at least one."""

    @property
    def screen_row(self) -> int:
        """Give the cursor's row on the screen."""
        return max(0, min(self.index - self.top, self.height - 1))

    def within(self, matching: int) -> Place:
        """Give the nearest place in a list of so many."""
        index = max(0, min(self.index, matching - 1))
        return Place(index, max(0, min(self.top, matching - self.height)), self.height)

    def moved(self, place: int, steps: int) -> Place:
        """Give the place so many steps from another one, on the same row of the screen."""
        return Place(place + steps, place + steps - self.screen_row, self.height)


Wish = Literal["", "top", "bottom"]
"""An end of the list that is asked for before it is known where it is."""


def pages_of(top: int, end: int) -> list[int]:
    """Name the pages of the rows from ``top`` to before ``end``."""
    return list(range(top // PAGE_ROWS, max(top, end - 1) // PAGE_ROWS + 1))


def last_page(matching: int) -> int:
    """Name the page of the last row."""
    return max(0, matching - 1) // PAGE_ROWS


def near(place: Place, matching: int) -> list[int]:
    """Name the pages in sight, and after them those that the next page down or up shows."""
    top, end = place.top, min(place.top + place.height, max(1, matching))
    here = pages_of(top, end)
    around = pages_of(max(0, top - place.height), min(end + place.height, max(1, matching)))
    return [*here, *(page for page in around if page not in here)]


def beside(place: Place, matching: int, query: Query) -> Iterator[int]:
    """Name the pages that a key may bring into sight: the neighbours of those in sight, then both ends of the list.

    The far end of a list that words narrow is not fetched before it is asked for: it may take long to find.
    """
    last = last_page(matching)
    here = pages_of(place.top, place.top + place.height)
    wanted = [here[-1] + 1, here[0] - 1]
    if not (query.text or query.reason or query.reason_is):
        wanted += [0, last]
    return (page for page in wanted if 0 <= page <= last)
