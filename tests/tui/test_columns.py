"""Columns fit the width, stand under their headings, and none is lost: what does not fit can be scrolled to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.port import Query
from tests.support.clock import NOW
from tests.support.estates import a_row, mixed
from tui.columns import (
    COLUMNS,
    GAP,
    chosen,
    due,
    fact_columns,
    flags,
    headings,
    lay_out,
    plain_cells,
    row_line,
    sort_beside,
)
from tui.lines import plain, size
from tui.model import build

DAY = timedelta(days=1)
WIDTHS = [20, 39, 60, 79, 96, 115, 158, 240]
ITEM = build(mixed(), None, NOW).check("workforce-mfa")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("names", [None, list(COLUMNS), ["Subject", "Why"], ["Why"]], ids=["auto", "all", "two", "one"])
def test_columns_take_exactly_the_width(width: int, names: list[str] | None) -> None:
    """Neither less nor more, whatever was chosen and however far it is scrolled."""
    for shift in (0, 1, 5, 99):
        layout = lay_out(chosen(names, width), width, shift)
        assert sum(cells for _, cells in layout.cells) + GAP * (len(layout.cells) - 1) == width
        assert size(headings(layout, Query())) == width
        assert size(row_line(a_row(), ITEM, NOW, layout)) == width


def test_every_column_can_be_scrolled_to_and_the_first_never_leaves() -> None:
    """Scrolling sideways shows all columns in the end."""
    seen: set[str] = set()
    for shift in range(len(COLUMNS)):
        layout = lay_out(chosen(list(COLUMNS), 60), 60, shift)
        shown = [column.name for column, _ in layout.cells]
        assert shown[:2] == ["State", "Subject"]
        assert layout.before + layout.after + len(shown) == len(COLUMNS)
        seen |= set(shown)
    assert seen == set(COLUMNS)


def test_the_heading_says_that_there_are_more_columns() -> None:
    """An arrow on the side where they are."""
    columns = chosen(list(COLUMNS), 60)

    assert plain(headings(lay_out(columns, 60), Query())).rstrip().endswith(">")
    assert "< " in plain(headings(lay_out(columns, 60, 2), Query()))
    assert not plain(headings(lay_out(columns, 60, 99), Query())).rstrip().endswith(">")


@pytest.mark.parametrize("width", [79, 115, 158])
def test_headings_stand_over_their_columns(width: int) -> None:
    """The heading of a column begins or ends where its cells do."""
    layout = lay_out(chosen(None, width), width)
    heading = plain(headings(layout, Query(sort="label", reverse=True)))
    row = plain(row_line(a_row(first_seen=NOW - 5 * DAY), ITEM, NOW, layout))

    assert heading.index("Subject▲") == row.index("user00001")
    assert heading.index("Age") + len("Age") == row.index(" 5d ") + 3
    assert heading.index("Why") == row.index("no second")


def test_a_click_on_a_heading_sorts_by_it() -> None:
    """A sortable heading carries the action; another has none."""
    spans = headings(lay_out(chosen(["Subject", "Due", "Source"], 79), 79), Query(sort="source"))

    assert [span.action for span in spans if span.text.strip()] == ["sort_by('label')", "", "sort_by('source')"]


@pytest.mark.parametrize("width", [20, 39, 79, 158])
@pytest.mark.parametrize(
    "label",
    ["ana@example.org", "漢字" * 40, "x" * 10_000, "👩‍💻 [b]x", "\u202eevil\x1b[2J"],
    ids=["plain", "cjk", "long", "emoji and markup", "bidi and escape"],
)
def test_no_text_moves_a_column(width: int, label: str) -> None:
    """A row has exactly its width, and no control character arrives."""
    row = a_row(label=label, reason=label, acked=label, waiver=label, subject=f"{label}/1", check=label)
    drawn = row_line(row, None, NOW, lay_out(chosen(list(COLUMNS), width), width))

    assert size(drawn) == width
    assert "\x1b" not in plain(drawn)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"resolved_at": NOW - DAY}, "24h ago"),
        ({"urgent": True, "waiver": "WV-1"}, "URGENT"),
        ({"waiver": "WV-1"}, "WV-1"),
        ({"acked": "looked at"}, "ack"),
        ({"due": NOW + 3 * DAY}, "due 3d"),
        ({"due": NOW - DAY, "regressions": 2}, "overdue"),
        ({"regressions": 2}, "back ×2"),
        ({"first_seen": NOW - timedelta(hours=2)}, "NEW"),
        ({}, ""),
    ],
)
def test_a_row_carries_its_most_important_flag(changes: dict[str, Any], flag: str) -> None:
    """One flag a row, the one that changes what to do."""
    assert flags(a_row(9, **changes), NOW) == flag


def test_what_is_due_says_until_when_or_since_when() -> None:
    """A finding without a due date has a dash, which is no date."""
    assert [due(a_row(due=at), NOW) for at in (None, NOW + 3 * DAY, NOW - 3 * DAY)] == ["–", "in 3d", "past 3d"]


def test_columns_that_nobody_knows_are_left_out() -> None:
    """What another version remembered does no harm; nothing known is as nothing chosen."""
    assert [each.name for each in chosen(["Mood", "Why", "Why"], 79)] == ["Why"]
    assert chosen(["Mood"], 79) == chosen(None, 79)


def test_sorting_goes_from_column_to_column() -> None:
    """Over the columns that are shown, round the end; columns of the same order count once."""
    shown = chosen(["State", "Subject", "Since", "Age", "Why", "Due"], 158)

    assert sort_beside("worst", 1, shown) == "label"
    assert sort_beside("since", 1, shown) == "reason"
    assert sort_beside("worst", -1, shown) == "reason"
    assert sort_beside("source", 1, shown) == "worst"


def test_a_row_is_copied_whole() -> None:
    """What the screen cuts is not cut in a copy."""
    row = a_row(reason="r" * 200, waiver="WV-22")

    assert plain_cells(row, ITEM, NOW, chosen(["State", "Why", "Waiver", "Owner"], 79)) == [
        "WAIVED",
        "r" * 200,
        "WV-22",
        "identity",
    ]


def test_a_list_of_one_check_tells_the_source_instead_of_the_check() -> None:
    """The name of the only check would say nothing on any row."""
    alone = [each.name for each in chosen(None, 114, alone=True)]

    assert "Check" not in alone
    assert alone.index("Source") == [each.name for each in chosen(None, 114)].index("Check")
    assert [each.name for each in chosen(["Check"], 114, alone=True)] == ["Check"]


def test_each_fact_of_the_rows_can_be_a_column() -> None:
    """A fact that was not told says so, and a check that does not compare it leaves the cell empty."""
    rows = [a_row(), a_row(2, facts={"grace": "7d"})]
    names = fact_columns(rows)
    columns = chosen(["Subject", *names], 120)

    assert names == ["fact:factors", "fact:required", "fact:last_login", "fact:grace"]
    assert [each.title for each in columns[1:]] == ["factors", "required", "last_login", "grace"]
    assert plain_cells(rows[0], ITEM, NOW, columns)[1:] == ["0", "any factor that is not weak", "not told", ""]
    assert plain_cells(rows[1], ITEM, NOW, columns)[1:] == ["", "", "", "7d"]
    assert size(row_line(rows[0], ITEM, NOW, lay_out(columns, 120))) == 120


def test_all_facts_fit_into_one_column_where_there_is_room() -> None:
    """What was compared stands beside each finding from 170 cells on."""
    columns = chosen(None, 170)

    assert "Facts" in [each.name for each in columns]
    assert "factors 0 · required any factor that is not weak · last_login not told" in plain_cells(
        a_row(), ITEM, NOW, columns
    )
