"""A finding tells why, on what evidence, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from checks.model.doubt import Cause
from engine.port import Query
from tests.support.clock import NOW
from tests.support.estates import a_detail, a_row, mixed
from tests.support.snapshots import a_check
from tui.findings import Shown, about, chips, page, record, todo
from tui.lines import plain
from tui.model import build

DAY = timedelta(days=1)


def test_no_filter_is_invisible() -> None:
    """Filter, how many of how many, view, check and sort are always on the screen; the filter is the last to be cut."""
    query = Query(check="admin-mfa", view="new", sort="label", text="ana", reverse=True)
    shown = Shown(query=query, typed="ana !x", matching=3, total=1204, took_seconds=0.011)

    told = plain(chips(shown))

    assert told == "  / ana !x  3 of 1 204 in 0.01 s  view new  check admin-mfa  sort label ▲"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, " 1 204  view open"),
        ({"marked": "7 marked"}, "1 204  ● 7 marked  view"),
        ({"frozen": "+14"}, "  FROZEN +14  1 204"),
        ({"waiting_seconds": 0.42, "typed": "x"}, " / x  … asking the store, 0.4 s"),
        ({"faults": ["due is yes, past"], "typed": "due:x"}, "! due is yes, past 3 of 1 204"),
        ({"exporting": "writing 2 000 rows, 4%"}, "1 204  writing 2 000 rows, 4%"),
    ],
    ids=["plain", "marked", "frozen", "waiting", "fault", "exporting"],
)
def test_the_line_above_the_list_tells_how_it_stands(changes: dict[str, Any], says: str) -> None:
    """Marks, freezing, waiting, faults and writing are told in words."""
    shown = Shown(query=Query(), matching=3 if "typed" in changes else 1204, total=1204)

    assert says in plain(chips(replace(shown, **changes)))


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
