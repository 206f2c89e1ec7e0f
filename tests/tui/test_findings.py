"""A finding tells why, on what evidence, and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from engine.port import Query
from tests.support.clock import NOW
from tests.support.estates import a_detail, a_row, mixed
from tests.support.snapshots import a_check
from tui.findings import about, chips, flags, headings, page, parse_filter, record, row_line, todo
from tui.lines import plain, size
from tui.model import build

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "text", "outcome"),
    [
        ("", "", None),
        ("ana !kiosk", "ana !kiosk", None),
        ("status:fail ana", "ana", Outcome.FAIL),
        ("status:blind", "", Outcome.UNKNOWN),
        ("status:green", "status:green", None),
        ("http://x", "http://x", None),
    ],
)
def test_a_filter_is_words_and_a_status(typed: str, text: str, outcome: Outcome | None) -> None:
    """What is no known status is looked for as a word."""
    assert parse_filter(typed) == (text, outcome)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"resolved_at": NOW - DAY}, "resolved 24h"),
        ({"urgent": True, "waiver": "WV-1"}, "URGENT"),
        ({"waiver": "WV-1"}, "WV-1"),
        ({"acked": "looked at"}, "ack"),
        ({"due": NOW + 3 * DAY}, "due 3d"),
        ({"due": NOW - DAY, "regressions": 2}, "back ×2"),
        ({"first_seen": NOW - timedelta(hours=2)}, "NEW"),
        ({}, ""),
    ],
)
def test_a_row_carries_its_most_important_flag(changes: dict[str, Any], flag: str) -> None:
    """One flag a row, the one that changes what to do."""
    assert flags(a_row(9, **changes), NOW) == flag


@pytest.mark.parametrize("width", [39, 60, 79, 96, 115, 200])
@pytest.mark.parametrize(
    "label",
    ["ana@example.org", "漢字" * 40, "x" * 10_000, "👩‍💻 [b]x", "\u202eevil\x1b[2J"],
    ids=["plain", "cjk", "long", "emoji and markup", "bidi and escape"],
)
def test_a_row_has_exactly_its_width(width: int, label: str) -> None:
    """No label moves a column."""
    row = row_line(a_row(label=label, reason=label), NOW, width)

    assert size(row) == width
    assert "\x1b" not in plain(row)


def test_headings_stand_over_their_columns() -> None:
    """The heading of a column begins or ends where its cells do."""
    for width in (79, 115):
        heading = plain(headings(width, Query(sort="since", reverse=True)))
        row = " " + plain(row_line(a_row(first_seen=NOW - 5 * DAY), NOW, width))
        assert heading.index("Subject") == row.index("user00001")
        assert heading.index("Since▲") + len("Since▲") == row.index(" 5d") + 3
        assert heading.index("Why") == row.index("no second")


def test_no_filter_is_invisible() -> None:
    """View, check, sort, text and how many of how many are always on the screen."""
    query = Query(check="admin-mfa", view="new", sort="label", text="ana", reverse=True)

    assert plain(chips(query, "ana !x", 3, 1204)) == " view new  check admin-mfa  sort label ▲   / ana !x   3 of 1 204"


def test_a_page_tells_everything_about_a_finding() -> None:
    """Reason, facts, limit, runbook, evidence, its digest, history."""
    row = a_row(due=NOW - DAY, waiver="WV-22", acked="[red]seen", regressions=1, cause=Cause.DENIED, resolved_at=NOW)
    view = a_check(runbook="https://r.example.org", policy_ref="ISP-07", explain={row.reason: "Enrol a key."})
    text = "\n".join(plain(line) for line in page(a_detail(row, view), NOW, 100))

    wanted = ["no second factor", "factors", "not told", "denied", "Enrol a key.", "https://r.example.org", "ISP-07"]
    wanted += [
        "controlwatch check workforce-mfa",
        "143 records, complete",
        "sha256:9f2c",
        "[red]seen",
        "WV-22",
        "opened",
    ]
    assert [part for part in wanted if part not in text] == []


def test_a_finding_without_advice_says_so() -> None:
    """Nothing to do is never an empty line."""
    item = build(mixed(), None, NOW).items[0]

    assert todo(a_row(reason="unheard of"), None) == "see the check's runbook"
    assert todo(a_row(reason="unheard of"), item) == "runbook https://runbooks.example.org/workforce-mfa"
    assert [plain(line) for line in about(None, None, NOW)] == ["", "", ""]


def test_a_record_is_indented_and_literal() -> None:
    """JSON is laid out, anything else shown as it is, and no control character arrives."""
    told = [plain(line) for line in record('{"id": "1", "note": "a\\u001b[2J"}\nnot json\x07', 40)]

    assert told == [" {", '  "id": "1",', '  "note": "a\\u001b[2J"', " }", " not json"]
    assert "no longer kept" in plain(record(None, 40)[0])
