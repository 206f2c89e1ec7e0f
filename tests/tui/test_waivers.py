"""What waivers look like in a list: their status by the reader's clock, their order, and what a request would cover."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from checks.model.judgement import Outcome
from engine.port import WaiverView
from tests.support.clock import NOW
from tests.support.estates import a_row
from tests.support.pasts import some_waivers
from tests.support.waived import DAY, a_waiver, an_estate
from tui.lines import plain
from tui.waiver_page import (
    todo,
)
from tui.waivers import (
    Status,
    covers,
    day_of,
    listed,
    matches,
    ordered,
    row,
    scope,
    status,
    subjects_fault,
    subjects_of,
    words_of,
    would_cover,
)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, Status.ACTIVE, id="active"),
        pytest.param({"ends": NOW + 14 * DAY}, Status.EXPIRING, id="ends within 14 days"),
        pytest.param({"ends": NOW + 14 * DAY + timedelta(seconds=1)}, Status.ACTIVE, id="ends a moment later"),
        pytest.param({"ends": NOW}, Status.EXPIRED, id="ended since the engine was asked"),
        pytest.param({"ends": NOW, "status": "requested"}, Status.EXPIRED, id="request that ran out"),
        pytest.param({"status": "requested"}, Status.REQUESTED, id="requested"),
        pytest.param({"status": "requested", "ends": None}, Status.REQUESTED, id="requested without an end"),
        pytest.param({"status": "future", "starts": NOW + DAY}, Status.FUTURE, id="not yet"),
        pytest.param({"status": "future", "starts": NOW}, Status.ACTIVE, id="began since the engine was asked"),
        pytest.param({"status": "expired"}, Status.EXPIRED, id="expired"),
        pytest.param({"status": "revoked"}, Status.REVOKED, id="revoked"),
        pytest.param({"status": "malformed"}, Status.MALFORMED, id="malformed"),
        pytest.param({"status": "malformed", "ends": NOW}, Status.MALFORMED, id="malformed and over"),
    ],
)
def test_the_status_is_derived_at_the_readers_clock(changes: dict[str, Any], found: Status) -> None:
    """An ended waiver never looks active, whatever the engine said before."""
    assert status(a_waiver(**changes), NOW) is found


def test_what_waits_for_somebody_is_first_and_what_ended_is_last() -> None:
    """Requests, malformed ones, then by end, then the ended."""
    found = [waiver.id for _, waiver in ordered(some_waivers(), "", NOW)]

    assert found == ["WV-23", "WV-26", "WV-25", "WV-22", "WV-9", "WV-24", "WV-7"]


def test_rows_have_keys_of_their_own_even_where_ids_are_not() -> None:
    """Two entries with one id are both shown, and so are those without any."""
    twins = [a_waiver(id=""), a_waiver(id=""), a_waiver(), a_waiver(status="malformed")]

    assert len({key for key, _ in ordered(twins, "", NOW)}) == 4


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        pytest.param("", 7, id="nothing typed"),
        pytest.param("SEC-2230", 1, id="ticket"),
        pytest.param("wv-2 !wv-22", 4, id="without"),
        pytest.param("status:requested", 1, id="status"),
        pytest.param("status:exp", 4, id="start of a status"),
        pytest.param("!status:exp", 3, id="not a status"),
        pytest.param("emergency", 1, id="flag"),
        pytest.param("denied aws", 1, id="structural"),
        pytest.param("!", 7, id="half typed"),
        pytest.param("no-such-word", 0, id="nothing matches"),
    ],
)
def test_a_filter_narrows_by_words_and_status(typed: str, count: int) -> None:
    """Every word must hold."""
    assert sum(matches(waiver, typed, NOW) for waiver in some_waivers()) == count


@pytest.mark.parametrize("width", [38, 60, 78, 104, 158])
def test_columns_stand_under_their_headings(width: int) -> None:
    """The row counts end where their heading ends, at every width."""
    content = listed(some_waivers(), "", an_estate(passed=1), width)
    head = plain(content.head[0])
    row = " " + plain(dict(content.rows)["WV-22#0"])

    assert row[head.index("Rows") + 3] == "2"
    assert row.index("~lee") == head.index("Approved")


def test_a_wide_list_says_who_asked() -> None:
    """Requester and approver have a column each where there is room."""
    content = listed(some_waivers(), "", an_estate(passed=1), 120)

    assert "Requested" in plain(content.head[0])
    assert "ana" in plain(dict(content.rows)["WV-22#0"])


def test_the_list_counts_what_is_active_and_what_waits() -> None:
    """The frame says it at a glance."""
    note = plain(listed(some_waivers(), "", an_estate(passed=1), 78).note)

    assert note == "3 active · 3 end within 14 d · 1 requested · 1 malformed"


@pytest.mark.parametrize(
    ("waivers", "error", "says"),
    [(None, "", ""), (None, "the engine died", "not fetched"), ([], "", "0 active")],
    ids=["under way", "not fetched", "none"],
)
def test_waivers_that_were_not_fetched_are_not_counted(waivers: list[WaiverView] | None, error: str, says: str) -> None:
    """Nobody knows how many are in force: that is not none."""
    assert plain(listed(waivers, "", an_estate(passed=1), 78, error=error).note) == says


@pytest.mark.parametrize(
    ("waivers", "typed", "error", "said"),
    [
        pytest.param(None, "", "", "…", id="not known yet"),
        pytest.param(None, "", "the engine died", "not fetched: the engine died", id="not fetched"),
        pytest.param([], "", "", "No waiver is in the file", id="none"),
        pytest.param([a_waiver()], "zz", "", "0 of 1 match “zz”: esc clears the filter", id="filtered away"),
    ],
)
def test_an_empty_list_says_why(waivers: list[WaiverView] | None, typed: str, error: str, said: str) -> None:
    """Not known, not there and not matching are three things."""
    content = listed(waivers, typed, an_estate(passed=1), 78, error=error)

    assert said in plain(content.empty[0])


def test_rows_of_before_say_that_they_are_not_fetched_again() -> None:
    """An engine that does not answer leaves no list that looks fresh."""
    content = listed([a_waiver()], "", an_estate(passed=1), 78, error="the engine died")

    assert "not fetched again: the engine died" in plain(content.foot[0])


def test_a_scope_is_short_in_the_list() -> None:
    """The first subject and how many more; of unknowns the source and the cause."""
    assert scope(a_waiver()) == "workforce-mfa: okta-prod/00u29 +1"
    assert scope(some_waivers()[4]) == "access-keys: aws denied"


@pytest.mark.parametrize(
    ("subject", "covered"),
    [
        pytest.param("okta-prod/00u1", True, id="id"),
        pytest.param("OKTA-PROD/00U1", False, id="ids are exact"),
        pytest.param("USER00001@example.org", True, id="label of any case"),
        pytest.param("user0000?@example.org", True, id="glob of a label"),
        pytest.param("okta-prod/*", True, id="glob of an id"),
        pytest.param("user00001", False, id="part of a label"),
        pytest.param("[u]ser00001@example.org", False, id="brackets stand for themselves"),
        pytest.param("okta-prod/00u[?]", False, id="a sign that is no wildcard"),
    ],
)
def test_a_subject_covers_as_in_the_engine(subject: str, *, covered: bool) -> None:
    """Exact ids, labels in any case, only * and ? are wild."""
    assert covers(subject, a_row(1)) is covered


def test_what_cannot_be_judged_is_not_counted() -> None:
    """A waiver of subjects waives failures, and what raised an alarm and is unknown since, as in the engine."""
    blind = msgspec.structs.replace(a_row(1), outcome=Outcome.UNKNOWN)

    assert not covers("okta-prod/00u1", blind)
    assert covers("okta-prod/00u1", msgspec.structs.replace(blind, alarmed=True))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        pytest.param("", "name subjects", id="nothing"),
        pytest.param("*", "too wide", id="everything"),
        pytest.param("okta-prod/*", "too wide", id="everything of a source"),
        pytest.param("kiosk-*", "", id="glob with a name"),
        pytest.param("okta-prod/00u1, okta-prod/00u2,", "", id="two"),
    ],
)
def test_subjects_that_are_everything_are_refused(typed: str, why: str) -> None:
    """A waiver of everything is not a waiver."""
    found = subjects_fault(subjects_of(typed))

    assert (why in found) if why else not found


def test_the_store_is_asked_for_words_that_every_covered_finding_holds() -> None:
    """What is wild is left out, and nothing is taken for an operator."""
    assert words_of("kiosk-*@ex?mple.org") == "kiosk- @ex mple.org"
    assert words_of("!odd *~x") == ""
    assert words_of("Vendor 0000[*] [x]") == "Vendor 0000 [x]"


def test_what_a_request_would_cover_is_told_with_names() -> None:
    """A wildcard is a warning, and so is nothing at all."""
    rows = [a_row(number) for number in (1, 2, 3, 4)]

    assert plain(would_cover(rows[:1], 7, whole=True, wild=False)) == (
        " would cover 1 of 7 open findings now: user00001@example.org"
    )
    assert plain(would_cover(rows, 7, whole=False, wild=True)).startswith(
        " would cover at least 4 of 7 open findings now; a wildcard covers what comes later too: user00001"
    )
    assert would_cover([], 7, whole=True, wild=False)[0].role == "warn"
    held = [a_row(1, waiver="WV-22"), a_row(2)]
    assert "2 of 7 open findings now, 1 under a waiver already: " in plain(would_cover(held, 7, whole=True, wild=False))


def test_a_request_that_was_ended_was_never_in_force() -> None:
    """It is rejected, not revoked, and nothing of it was reopened."""
    ended = a_waiver(status="revoked", approved_by="", revoked_by="bob", ends=NOW - DAY, covers=0)

    assert status(ended, NOW) is Status.REJECTED
    assert "reopened" not in plain(row(ended, NOW, 120))
    assert "nothing was ever waived" in todo(ended, NOW, "kim")


def test_an_ended_waiver_says_how_many_are_open_again() -> None:
    """In the list, where nobody has to look for it."""
    ended = a_waiver(status="expired", ends=NOW - 2 * DAY, covers=0)

    assert "2 reopened" in plain(row(ended, NOW, 120))
    assert "EXPIRED 2d" in plain(row(ended, NOW, 78))


@pytest.mark.parametrize(
    ("typed", "day"), [("2027-02-19", date(2027, 2, 19)), ("90", None), ("2027-02-30", None), ("2027-W07-5", None)]
)
def test_a_last_day_is_written_whole(typed: str, day: date | None) -> None:
    """Anything else is a number of days, or wrong."""
    assert day_of(typed) == day
