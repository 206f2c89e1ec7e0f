"""``stale_access``: the rows are the spec."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.stale_access import CHECK
from tests.support.builders import account, ago, ahead, judged, span

PASS, WARN, FAIL, UNKNOWN, EXCLUDED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXCLUDED
NEVER: dict[str, Any] = {"last_seen_at": None, "never_seen": True, "activity_lag": None}


@pytest.mark.parametrize(
    ("last", "lag", "expected", "until"),
    [
        pytest.param("1d", "0s", PASS, ahead("82d"), id="used lately"),
        pytest.param("82d", None, PASS, ahead("1d"), id="lag does not matter under the limit"),
        pytest.param("83d", "0s", WARN, ahead("7d"), id="seven days before the limit"),
        pytest.param("89d23h", "9d", WARN, ahead("1h"), id="an hour before it"),
        pytest.param("90d", "0s", FAIL, None, id="the limit itself is over it"),
        pytest.param("90d", "14d", UNKNOWN, ahead("14d"), id="may have been used since"),
        pytest.param("103d", "14d", UNKNOWN, ahead("1d"), id="may just have been used since"),
        pytest.param("104d", "14d", FAIL, None, id="even at its latest it is over"),
        pytest.param("900d", None, UNKNOWN, None, id="lag not told"),
    ],
)
def test_dormancy_with_lag(last: str, lag: str | None, expected: Outcome, until: object) -> None:
    """Fail only when age less lag reaches the limit, pass only when age is under it, else unknown."""
    item = account(last_seen_at=ago(last), activity_lag=None if lag is None else span(lag))
    judgement = judged(CHECK, item)
    assert (judgement.outcome, judgement.until) == (expected, until)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(
            {"last_seen_at": None, "never_seen": None}, UNKNOWN, id="a null last login is no login and no absence"
        ),
        pytest.param({"last_seen_at": None, "never_seen": False}, UNKNOWN, id="used, and not told when"),
        pytest.param({**NEVER, "created_at": ago("13d")}, PASS, id="never used, new"),
        pytest.param({**NEVER, "created_at": ago("14d")}, FAIL, id="never used, not new"),
        pytest.param({**NEVER, "created_at": None}, UNKNOWN, id="never used, creation not told"),
        pytest.param({**NEVER, "created_at": ahead("1d")}, UNKNOWN, id="never used, created in the future"),
        pytest.param({"last_seen_at": ahead("4m")}, PASS, id="a clock a little ahead"),
        pytest.param({"last_seen_at": ahead("6m")}, UNKNOWN, id="last used in the future"),
        pytest.param({"last_seen_at": ago("200d"), "never_seen": True}, FAIL, id="both told, both old"),
        pytest.param({"last_seen_at": ago("1d"), "never_seen": True}, PASS, id="both told, used lately"),
    ],
)
def test_use(told: dict[str, Any], expected: Outcome) -> None:
    """What was never used counts from its creation; what is not told is unknown."""
    assert judged(CHECK, account(**told)).outcome is expected


@pytest.mark.parametrize(
    ("last", "privileged", "plain", "not_told"),
    [
        pytest.param("30d", PASS, PASS, PASS, id="fine under both"),
        pytest.param("40d", WARN, PASS, WARN, id="warned under one"),
        pytest.param("60d", FAIL, PASS, UNKNOWN, id="the privilege decides"),
        pytest.param("100d", FAIL, FAIL, FAIL, id="dormant under both"),
    ],
)
def test_privilege(last: str, privileged: Outcome, plain: Outcome, not_told: Outcome) -> None:
    """Privileged accounts have half the time; where privilege is not told, both limits must agree."""
    outcomes = {
        told: judged(CHECK, account(last_seen_at=ago(last), privileged=told)).outcome for told in (True, False, None)
    }
    assert outcomes == {True: privileged, False: plain, None: not_told}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(NEVER, PASS, id="never used"),
        pytest.param({"last_seen_at": ago("10d")}, FAIL, id="used"),
        pytest.param({"last_seen_at": ago("10d"), "never_seen": True}, FAIL, id="used, though said never to be"),
        pytest.param({"last_seen_at": ago("89d")}, FAIL, id="used inside the window"),
        pytest.param({"last_seen_at": ago("90d")}, PASS, id="used before the window"),
        pytest.param({"last_seen_at": ago("95d"), "activity_lag": span("14d")}, UNKNOWN, id="perhaps inside"),
        pytest.param({"last_seen_at": ago("95d"), "activity_lag": None}, UNKNOWN, id="lag not told"),
        pytest.param({"last_seen_at": None, "never_seen": None}, UNKNOWN, id="use not told"),
        pytest.param({**NEVER, "why": {"last_seen_at": "denied"}}, UNKNOWN, id="never, and yet withheld"),
        pytest.param({"last_seen_at": ahead("1d")}, UNKNOWN, id="used in the future"),
    ],
)
def test_break_glass_is_the_reverse(told: dict[str, Any], expected: Outcome) -> None:
    """A break-glass account is right when it is unused; its use is a finding."""
    assert judged(CHECK, account(klass="break_glass", **told)).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        *[pytest.param({"klass": klass}, PASS, id=klass) for klass in ("human", "service", "guest", "bot")],
        pytest.param({"klass": None}, UNKNOWN, id="class not told, since break-glass is the reverse"),
        pytest.param({"klass": None, "last_seen_at": ago("500d")}, UNKNOWN, id="class not told, dormant"),
        pytest.param({"status": "locked"}, PASS, id="locked"),
        pytest.param({"status": "pending"}, EXCLUDED, id="pending"),
        pytest.param({"status": "disabled"}, EXCLUDED, id="disabled"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
    ],
)
def test_scope(told: dict[str, Any], expected: Outcome) -> None:
    """Live accounts of every class are in scope."""
    assert judged(CHECK, account(**told)).outcome is expected


def test_a_withheld_last_login_keeps_its_cause() -> None:
    """A missing licence is named, so that one gap carries every account that it blinds."""
    judgement = judged(CHECK, account(last_seen_at=None, never_seen=None, why={"last_seen_at": "unlicensed"}))
    assert (judgement.cause, judgement.fields) == (Cause.UNLICENSED, ("account.last_seen_at",))


def test_a_finding_shows_what_was_compared() -> None:
    """Facts hold the last use, its lag, the limit, and what the last use is made of."""
    facts = judged(CHECK, account(last_seen_at=ago("200d"))).facts
    assert (facts["last_seen_at"], facts["limit"], facts["lag"]) == ("2026-05-05T05:30:00Z", "90d", "0s")
    assert (facts["activity"], facts["privileged"]) == ("success", False)
