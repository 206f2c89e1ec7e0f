"""What checks share: causes, facts, the worst of several judgements, calendar months."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks.model.calendar import add_months
from checks.model.combine import worst
from checks.model.doubt import Cause
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown, warned
from checks.model.units import utc
from checks.model.untold import cause_of, not_told, untold, withheld
from tests.support.builders import account, ahead
from tests.support.clock import NOW


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        pytest.param("2026-03-31", 12, "2027-03-31", id="a year"),
        pytest.param("2026-11-30", 3, "2027-02-28", id="a shorter month"),
        pytest.param("2023-11-30", 3, "2024-02-29", id="a leap year"),
        pytest.param("2000-01-31", 1, "2000-02-29", id="a leap century"),
        pytest.param("2100-01-31", 1, "2100-02-28", id="a common century"),
        pytest.param("2026-10-15", 15, "2028-01-15", id="over two new years"),
        pytest.param("2026-12-31", 0, "2026-12-31", id="none"),
    ],
)
def test_months_are_calendar_months(start: str, months: int, end: str) -> None:
    """A day that the month does not have becomes its last."""
    assert add_months(utc(f"{start}T12:00:00Z"), months) == utc(f"{end}T12:00:00Z")


SOON, LATER = ahead("1h"), ahead("9h")


@pytest.mark.parametrize(
    ("judgements", "outcome", "until"),
    [
        pytest.param([passed(until=LATER), passed(until=SOON)], Outcome.PASS, SOON, id="the first pass to end"),
        pytest.param(
            [warned("w", {}), passed(until=SOON)], Outcome.WARN, SOON, id="a warning stands until a pass ends"
        ),
        pytest.param(
            [unknown("u", Cause.BUSY), warned("w", {}, until=SOON)], Outcome.UNKNOWN, SOON, id="doubt over warning"
        ),
        pytest.param(
            [failed("f", {}), unknown("u", Cause.BUSY, until=SOON)], Outcome.FAIL, None, id="a failure stands"
        ),
        pytest.param([passed(until=SOON), failed("f", {}, until=LATER)], Outcome.FAIL, LATER, id="until it heals"),
    ],
)
def test_the_worst_judgement_stands(judgements: list[Judgement], outcome: Outcome, until: object) -> None:
    """The worst of several is chosen, with the instant at which that may change."""
    chosen = worst(judgements)
    assert (chosen.outcome, chosen.until) == (outcome, until)


def test_any_urgent_warning_is_urgent() -> None:
    """A warning that wakes nobody does not hide one that does."""
    assert worst([warned("slow", {}), warned("fast", {}, urgent=True)]).urgent


def test_facts_are_written_for_people_and_machines() -> None:
    """Instants are RFC 3339, lengths of time are short, and what is not told is left out."""
    facts = compared(at=NOW, limit=timedelta(days=90), count=3, sure=False, name=None)
    assert facts == {"at": "2026-11-21T05:30:00Z", "limit": "90d", "count": 3, "sure": False}


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        pytest.param({"mfa": "denied"}, Cause.DENIED, id="told"),
        pytest.param({}, Cause.NOT_EXPOSED, id="no cause kept"),
        pytest.param({"mfa": "because"}, Cause.INTERNAL, id="a cause that does not exist"),
        pytest.param({"factors": "unlicensed"}, Cause.UNLICENSED, id="of the second field"),
    ],
)
def test_a_cause_is_the_records(why: dict[str, str], expected: Cause) -> None:
    """The cause of an unknown is the one that the record keeps for the field."""
    item = account(mfa=None, factors=None, why=why)
    assert cause_of(item, "mfa", "factors") is expected
    assert untold(item, "r", ("mfa", "factors")).fields == ("account.mfa", "account.factors")


def test_withheld_is_not_the_same_as_nothing_to_tell() -> None:
    """A field that is None with a cause was withheld; without one there is nothing to tell."""
    assert withheld(account(last_seen_at=None, why={"last_seen_at": "denied"}), "last_seen_at")
    assert not withheld(account(last_seen_at=None), "last_seen_at")
    assert not_told(account(mfa=None), ("mfa", "factors")) == ("mfa",)
