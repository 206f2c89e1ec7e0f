"""A finding tells why, on what evidence, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from checks.model.judgement import Scalar
from engine.port import Query
from tests.support.clock import NOW
from tests.support.estates import a_row, mixed
from tui.findings import Shown, Sight, about, chips, fact, place, record, todo
from tui.lines import plain, size
from tui.model import build

DAY = timedelta(days=1)


def test_no_filter_is_invisible() -> None:
    """Filter, how many of how many, view, check and sort are always on the screen; the filter is the last to be cut."""
    query = Query(check="admin-mfa", view="new", sort="label", text="ana", reverse=True)
    shown = Shown(query=query, typed="ana !x", matching=3, total=1204, took_seconds=0.011)

    told = plain(chips(shown))

    assert told == "  / ana !x  3 of 1 204 in 0.01 s  view new 24h  check admin-mfa  sort label ▲"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, " 1 204 findings  view open"),
        ({"judged": 43_112}, " 1 204 of 43 112 judged  view open"),
        ({"judged": 43_112, "typed": "x"}, " / x  3 of 1 204  view open"),
        ({"judged": 43_112, "counted": False, "matching": 9}, " 9+ found, … counting  view open"),
        ({"hidden": 2}, "sort worst ▼  2 columns hidden (c)"),
        ({"marked": "7 marked"}, "1 204 findings  ● 7 marked  view"),
        ({"frozen": "+14"}, "  FROZEN +14  1 204 findings"),
        ({"waiting_seconds": 0.42, "typed": "x"}, " / x  … asking the store, 0.4 s"),
        ({"counted": False, "matching": 0, "typed": "x"}, " / x  … asking the store  view"),
        ({"counted": False, "matching": 200, "typed": "x"}, " / x  200+ found, … counting  view"),
        ({"counted": False, "matching": 200, "waiting_seconds": 0.42}, " 200+ found, … counting, 0.4 s  view"),
        ({"faults": ["due is yes, past"], "typed": "due:x"}, "! due is yes, past 3 of 1 204"),
        (
            {"counted": False, "fetched": False, "matching": 0, "typed": "~[(", "error": "~[(: no regular expression"},
            " / ~[(  not a filter: ~[(: no regular expression  view",
        ),
        (
            {"counted": False, "fetched": False, "matching": 0, "typed": "~a", "error": "store is busy"},
            " not fetched  view",
        ),
        ({"exporting": "writing 2 000 rows, 4%"}, "1 204 findings  writing 2 000 rows, 4%"),
    ],
    ids=[
        "plain",
        "judged",
        "judged, but filtered",
        "judged, but not counted",
        "hidden columns",
        "marked",
        "frozen",
        "waiting",
        "no row yet",
        "rows",
        "rows for long",
        "fault",
        "no filter",
        "not fetched",
        "exporting",
    ],
)
def test_the_line_above_the_list_tells_how_it_stands(changes: dict[str, Any], says: str) -> None:
    """Marks, freezing, waiting, faults and writing are told in words."""
    shown = Shown(query=Query(), matching=3 if "typed" in changes else 1204, total=1204)

    assert says in plain(chips(replace(shown, **changes)))


def test_three_lines_tell_about_the_finding_under_the_cursor() -> None:
    """Since when, whose, under which waiver; why on which data; what to do."""
    model = build(mixed(), None, NOW)
    row = a_row(due=NOW + 3 * DAY, waiver="WV-22", acked="[red]seen")

    told = [plain(each) for each in about(row, model.check("workforce-mfa"), model, 160)]

    assert told[0] == (
        " since 20 Nov 02:30Z (27h) · workforce-mfa · due 24 Nov 05:30Z · owner identity · waiver WV-22 · [red]seen"
    )
    assert told[1].startswith(" why  no second factor is enrolled · factors 0 · required any factor that is not weak")
    assert told[1].endswith("okta-prod ✔ 4m")
    assert told[2].startswith(" do   Ask the person to enrol a factor")


def test_when_a_finding_was_resolved_is_told() -> None:
    """It has no state: neither the rule nor the lines say that its subject passes."""
    model = build(mixed(), None, NOW)
    row = a_row(resolved_at=NOW - DAY)

    told = [plain(each) for each in about(row, model.check("workforce-mfa"), model, 160)]
    rule_ = place(row, Sight(0, 1, 0, 14), 80)

    assert told[0].startswith(" since 20 Nov 02:30Z (27h) · resolved 20 Nov 05:30Z (24h ago) · workforce-mfa")
    assert plain(rule_).startswith("─ · resolved user00001@example.org ─")
    assert {"pass", "bold.pass"}.isdisjoint(span.role for span in rule_)


@pytest.mark.parametrize(
    ("sight", "says"),
    [
        (Sight(0, 1204, 0, 14), "… 1 190 more   row 1/1 204 ░░░░░░░░░░ 0% ─"),
        (Sight(1203, 1204, 1190, 14), "row 1 204/1 204 ██████████ 100% ─"),
        (Sight(1202, 1204, 1189, 14), "… 1 more   row 1 203/1 204 ██████████ 99% ─"),
        (Sight(0, 1, 0, 14), " row 1/1 ─"),
        (Sight(0, 0, 0, 14), "─" * 80),
    ],
    ids=["top", "bottom", "almost the bottom", "all in sight", "none"],
)
def test_the_rule_under_the_list_tells_where_the_cursor_is(sight: Sight, says: str) -> None:
    """Which row of how many, and what is below the edge; never the end before it is reached."""
    drawn = place(a_row() if sight.matching else None, sight, 80)

    assert plain(drawn).endswith(says)
    assert size(drawn) == 80
    assert plain(drawn).startswith("─ ✖ FAIL user00001@example.org ─") is (sight.matching > 0)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "not told"),
        ("", "–"),
        (True, "yes"),
        (0, "0"),
        ("90d", "90d"),
        ("2026-11-19T05:30:00Z", "19 Nov 05:30Z (2d ago)"),
        ("2026-13-99T05:30:00Z", "2026-13-99T05:30:00Z"),
        ("[b]x\x1b[2J", "[b]x[2J"),
    ],
)
def test_a_fact_reads_as_a_person_would_say_it(value: Scalar, says: str) -> None:
    """What was not told is never zero, an instant has its distance, anything else is literal."""
    assert fact(value, NOW) == says


@pytest.mark.parametrize("hours", [-14, 0, 14])
@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"])
def test_a_fact_may_be_any_date(value: str, hours: int) -> None:
    """What a source tells is data: no date of it stops the screen, wherever its reader is."""
    told = fact(value, NOW.astimezone(timezone(timedelta(hours=hours))))

    assert value[:4] in told
    assert "2026" not in told


def test_a_finding_without_advice_says_so() -> None:
    """Nothing to do is never an empty line."""
    item = build(mixed(), None, NOW).items[0]

    assert todo(a_row(reason="unheard of"), None) == "see the check's runbook"
    assert todo(a_row(reason="unheard of"), item) == "runbook https://runbooks.example.org/workforce-mfa"
    assert [plain(line) for line in about(None, None, build(mixed(), None, NOW), 80)] == ["", "", ""]


def test_a_record_is_indented_and_literal() -> None:
    """JSON is laid out, anything else shown as it is, and no control character arrives."""
    told = [plain(line) for line in record('{"id": "1", "note": "a\\u001b[2J"}\nnot json\x07', 40)]

    assert told == [" {", '  "id": "1",', '  "note": "a\\u001b[2J"', " }", " not json"]
    assert "no longer kept" in plain(record(None, 40)[0])
