"""What is told of one waiver: whom it covers, what that does to the coverage, and who can do what with it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.port import Event, WaiverView
from tests.support.clock import NOW
from tests.support.estates import a_row
from tests.support.pasts import some_waivers
from tests.support.waived import DAY, a_waiver, an_estate
from tui.lines import plain, size
from tui.waiver_page import (
    Beside,
    impact,
    not_approvable,
    not_extendable,
    not_rejectable,
    not_revocable,
    page,
    todo,
    told,
)


def drawn(waiver: WaiverView, width: int = 100, by: str = "kim") -> str:
    """Give everything about a waiver as text."""
    content = told(waiver, an_estate(passed=90, failed=10, waived=2), width, by=by)
    return "\n".join(plain(each) for _, each in content.rows)


def test_text_of_the_file_is_drawn_literally_and_harmlessly() -> None:
    """The file is untrusted text like any other."""
    text = drawn(a_waiver(reason="[red]\x1b[31m\u202ereason", subjects=("a\nb",), requested_by="x\x00y"))

    assert "[red][31mreason" in text
    assert "\x1b" not in text
    assert "xy" in text


def test_every_line_of_the_detail_fits() -> None:
    """Long reasons and scopes wrap."""
    wide = a_waiver(subjects=tuple(f"okta-prod/00u{n}" for n in range(40)), reason="word " * 60)

    assert max(size(each) for each in page(wide, an_estate(passed=1), 44)) <= 44


def test_an_approver_is_only_claimed() -> None:
    """The file names an approver, which proves nothing."""
    assert "lee, as claimed" in drawn(a_waiver())
    assert "none yet" in drawn(a_waiver(approved_by=""))
    assert "EMERGENCY: one person decided" in drawn(a_waiver(emergency=True, approved_by="ana"))


def test_a_missing_compensating_control_is_told() -> None:
    """Nothing done instead is worth a word."""
    assert "sign-in from the plant's network alone" in drawn(a_waiver())
    assert "no compensating control is named" in drawn(a_waiver(compensating_control=""))


def test_a_malformed_waiver_tells_its_fault_and_that_it_waives_nothing() -> None:
    """What is wrong, and what to do."""
    content = told(some_waivers()[-1], an_estate(passed=1), 78, by="kim")
    text = "\n".join(plain(each) for _, each in content.rows)

    assert plain(content.note) == "malformed, waives nothing"
    assert "waiver[6].check: no configured check" in text
    assert "mend it in the waiver file" in text
    assert "no configured check no-such: it covers nothing" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {},
            "covers 2 of 10 open; FAIL with it and without; net of waivers 92.0% with it, 90.0% without, 90.0% pass",
            id="active",
        ),
        pytest.param(
            {"status": "requested", "covers": 3, "alone": 3},
            "would cover 3 of 10 open; FAIL with it and without; net of waivers 95.0% with it, 92.0% without, 90.0%",
            id="requested",
        ),
        pytest.param(
            {"status": "requested", "covers": 8, "alone": 8},
            "would cover 8 of 10 open; WAIVED with it, FAIL without; net of waivers 100% with it, 92.0% without",
            id="all that is left",
        ),
        pytest.param(
            {"covers": 2, "alone": 0},
            "covers 2 of 10 open, 2 of them under another waiver too; FAIL with it and without; net of waivers 92.0% "
            "with it, 92.0% without",
            id="another covers the same",
        ),
        pytest.param(
            {"status": "expired", "covers": 0, "alone": 2, "ends": NOW - DAY},
            "none any more; 2 that it named are open again",
            id="expired",
        ),
        pytest.param({"status": "malformed"}, "would cover, were it well-formed, 2 of 10 open", id="malformed"),
    ],
)
def test_the_impact_is_told_with_and_without(changes: dict[str, Any], said: str) -> None:
    """Waived is never passed: net and bare coverage are both told."""
    item = an_estate(passed=90, failed=10, waived=2).check("workforce-mfa")

    assert impact(a_waiver(**changes), item, NOW).startswith(said)


def test_no_coverage_is_told_where_none_is_known() -> None:
    """Unbounded doubt gives no figure."""
    item = an_estate(passed=90, failed=1, missing=None).check("workforce-mfa")

    assert impact(a_waiver(), item, NOW).endswith("no coverage is known")


@pytest.mark.parametrize(
    ("waiver", "by", "why"),
    [
        pytest.param(a_waiver(status="requested"), "kim", "", id="another person"),
        pytest.param(a_waiver(status="requested"), " ANA ", "another person than", id="the requester"),
        pytest.param(a_waiver(status="requested"), "a\u200bna", "another person than", id="with what cannot be seen"),
        pytest.param(a_waiver(status="requested"), "\uff21 na", "another person than", id="with wide letters"),
        pytest.param(a_waiver(), "kim", "only a request can be approved", id="active"),
        pytest.param(a_waiver(status="requested", ends=NOW), "kim", "is expired", id="request that ran out"),
    ],
)
def test_only_a_request_of_another_person_can_be_approved(waiver: WaiverView, by: str, why: str) -> None:
    """Names are compared as the engine compares them; the detail says the same."""
    found = not_approvable(waiver, NOW, by)

    assert (why in found) if why else not found


def test_what_to_do_depends_on_who_looks() -> None:
    """A requester is told to find somebody else."""
    request = a_waiver(status="requested", approved_by="")

    assert todo(request, NOW, "kim").startswith("a approves it")
    assert todo(request, NOW, "ana").startswith("your own request: another person than ana approves it")


@pytest.mark.parametrize("found", ["malformed", "expired"])
def test_what_waives_nothing_cannot_be_revoked(found: Any) -> None:
    """There is nothing to end."""
    assert "there is nothing to end" in not_revocable(a_waiver(status=found), NOW)
    assert not not_revocable(a_waiver(), NOW)


def test_only_another_person_rejects_a_request() -> None:
    """The requester takes it back; what is in force is revoked."""
    request = a_waiver(status="requested", approved_by="")

    assert not_rejectable(request, NOW, "kim") == ""
    assert "K takes it back" in not_rejectable(request, NOW, "Ana")
    assert "K revokes" in not_rejectable(a_waiver(), NOW, "kim")


@pytest.mark.parametrize(
    ("changes", "can"), [({}, True), ({"status": "expired", "ends": NOW}, True), ({"status": "requested"}, False)]
)
def test_what_was_in_force_can_be_asked_to_go_on(changes: dict[str, Any], *, can: bool) -> None:
    """A request waits for its own approval first."""
    assert (not_extendable(a_waiver(**changes), NOW) == "") is can


def test_the_log_tells_events_and_who_ended_it() -> None:
    """Newest first, with the findings that it names and what another waiver covers of them."""
    events = [
        Event(at=NOW - DAY, kind="waiver", what="WV-22", text="workforce-mfa: revoked by kim (claimed)", by="kim")
    ]
    rows_ = [a_row(29, waiver="WV-22"), a_row(58, waiver="WV-30")]
    waiver = a_waiver(revoked_by="kim", revoked_reason="the keys came", extends="WV-3", entry="sha256:9f2c")
    content = told(waiver, an_estate(passed=1), 78, by="kim", beside=Beside(rows_, log=events), log=True)
    text = "\n".join(plain(each) for _, each in content.rows)

    assert "revoked by kim (claimed)" in text
    assert "kim: the keys came" in text
    assert "WV-3" in text
    assert "sha256:9f2c" in text
    assert "also WV-30" in text
    assert "also WV-22" not in text
    assert all(size(each) <= 78 for _, each in content.rows)
