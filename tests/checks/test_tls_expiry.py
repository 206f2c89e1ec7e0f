"""``tls_expiry``: the rows are the spec."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.tls_expiry import CHECK
from tests.support.builders import ago, ahead, endpoint, judged

PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
FACTS = ("not_before", "not_after", "effective_not_after", "trusted", "name_matches")
DOWN: dict[str, Any] = {**dict.fromkeys(FACTS), "why": dict.fromkeys(FACTS, "unreachable")}


def lasting(begin: datetime, end: datetime, **told: Any) -> Any:
    """Build an endpoint whose whole chain ends with its leaf."""
    return endpoint(not_before=begin, not_after=end, effective_not_after=end, **told)


@pytest.mark.parametrize(
    ("begin", "end", "expected", "urgent", "until"),
    [
        pytest.param(ago("300d"), ahead("98d"), PASS, False, ahead("68d"), id="398 days: warned 30 days before"),
        pytest.param(ago("368d"), ahead("30d"), WARN, False, ahead("23d"), id="398 days: 30 left"),
        pytest.param(ago("391d"), ahead("7d"), WARN, True, ahead("7d"), id="398 days: 7 left are urgent"),
        pytest.param(ago("67d"), ahead("23d"), PASS, False, ahead("12h"), id="90 days: a quarter is 22.5"),
        pytest.param(ago("68d"), ahead("22d"), WARN, False, ahead("15d"), id="90 days: 22 left"),
        pytest.param(ago("83d"), ahead("7d"), WARN, True, ahead("7d"), id="90 days: 7 left are urgent"),
        pytest.param(ago("4d"), ahead("2d"), PASS, False, ahead("12h"), id="6 days: a quarter is 36 hours"),
        pytest.param(ago("114h"), ahead("30h"), WARN, False, ahead("936m"), id="6 days: 30 hours left"),
        pytest.param(ago("130h"), ahead("14h"), WARN, True, ahead("14h"), id="6 days: 14 hours left are urgent"),
        pytest.param(ago("90d"), ago("0s"), FAIL, False, None, id="the end itself is past it"),
        pytest.param(ago("900d"), ago("500d"), FAIL, False, None, id="long expired"),
        pytest.param(ahead("1d"), ahead("91d"), FAIL, False, ahead("1d"), id="not valid yet"),
    ],
)
def test_time(begin: datetime, end: datetime, expected: Outcome, urgent: object, until: object) -> None:
    """Warning and urgency come within fixed spans, or within a quarter and a tenth of a short lifetime."""
    judgement = judged(CHECK, lasting(begin, end))
    assert (judgement.outcome, judgement.urgent, judgement.until) == (expected, urgent, until)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"trusted": False}, FAIL, id="not trusted"),
        pytest.param({"name_matches": False}, FAIL, id="wrong name"),
        pytest.param({"effective_not_after": ago("1h")}, FAIL, id="an intermediate expired"),
        pytest.param({"not_after": ago("1h")}, FAIL, id="the leaf expired, whatever the chain says"),
        pytest.param({"trusted": None, "name_matches": False}, FAIL, id="a told fault outweighs doubt"),
        pytest.param({**DOWN, "trusted": False}, FAIL, id="all else not told"),
        pytest.param({"trusted": None}, UNKNOWN, id="trust not told"),
        pytest.param({"name_matches": None}, UNKNOWN, id="name not told"),
        pytest.param({"effective_not_after": None}, UNKNOWN, id="the chain's end not told"),
        pytest.param({"not_after": None}, UNKNOWN, id="the leaf's end not told"),
        pytest.param({"not_before": None}, UNKNOWN, id="the leaf's start not told"),
        pytest.param(DOWN, UNKNOWN, id="not reached"),
        pytest.param({**DOWN, "last_known_not_after": ago("9d")}, UNKNOWN, id="not reached, must have expired"),
    ],
)
def test_trust_name_and_time_are_three_facts(told: dict[str, Any], expected: Outcome) -> None:
    """Any of them fails alone; any that is not told bars a pass."""
    assert judged(CHECK, endpoint(**told)).outcome is expected


def test_an_endpoint_that_cannot_be_reached_keeps_its_last_known_end() -> None:
    """The facts of an unknown hold the end that was last seen, and the cause names the network."""
    judgement = judged(CHECK, endpoint(**DOWN, last_known_not_after=ahead("60d")))
    assert (judgement.outcome, judgement.cause) == (UNKNOWN, Cause.UNREACHABLE)
    assert judgement.facts["last_known_not_after"] == "2027-01-20T05:30:00Z"


def test_every_fault_is_listed() -> None:
    """A finding names all that is wrong, the plainest first."""
    item = endpoint(effective_not_after=ago("1h"), trusted=False, trust_error="self-signed", name_matches=False)
    faults = str(judged(CHECK, item).facts["faults"]).split("; ")
    assert [fault.rsplit(" ", 2)[-1] for fault in faults] == ["expired", "trusted", "name"]


def test_a_chain_that_ends_before_its_leaf_warns_first() -> None:
    """The warning counts from the earliest end, by the lifetime of the leaf."""
    item = endpoint(not_before=ago("30d"), not_after=ahead("60d"), effective_not_after=ahead("10d"))
    assert judged(CHECK, item).outcome is WARN


def test_an_end_without_end_is_judged() -> None:
    """A certificate that says it has no end of validity is no fault of ours."""
    end = datetime.fromisoformat("9999-12-31T23:59:59+00:00")
    assert judged(CHECK, lasting(ago("30d"), end)).outcome is PASS
