"""``key_age``: the rows are the spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from checks.key_age import CHECK
from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.known import KnownRecords, NotTold
from checks.model.records import Account
from tests.support.builders import account, ago, ahead, credential, judged, span
from tests.support.clock import NOW

PASS, WARN, FAIL, UNKNOWN, EXCLUDED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXCLUDED
NEVER: dict[str, Any] = {"last_used_at": None, "never_used": True, "use_lag": None}
MUTE: dict[str, Any] = {"last_used_at": None, "never_used": None, "use_lag": None}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"created_at": ago("75d")}, PASS, id="young"),
        pytest.param({"created_at": ago("76d")}, WARN, id="two weeks before the limit"),
        pytest.param({"created_at": ago("90d")}, FAIL, id="the limit itself is over it"),
        pytest.param({"created_at": None}, UNKNOWN, id="age not told"),
        pytest.param({"created_at": ahead("1d")}, UNKNOWN, id="created in the future"),
        pytest.param({"created_at": ago("91d"), **MUTE}, FAIL, id="old fails whatever its use"),
        pytest.param({"created_at": ago("91d"), "owner": None}, FAIL, id="old fails whoever owns it"),
        pytest.param(MUTE, UNKNOWN, id="last use not told"),
        pytest.param({**NEVER, "created_at": ago("13d")}, PASS, id="never used, new"),
        pytest.param(NEVER, FAIL, id="never used, a month old"),
        pytest.param({**NEVER, "created_at": None}, UNKNOWN, id="never used, age not told"),
        pytest.param({"last_used_at": ahead("1d")}, UNKNOWN, id="used in the future"),
        pytest.param({"status": "inactive", "created_at": ago("900d")}, EXCLUDED, id="inactive"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
        pytest.param({"status": "paused"}, UNKNOWN, id="a status that is new to us"),
        pytest.param({"owner": None}, UNKNOWN, id="owner not told"),
    ],
)
def test_a_key(told: dict[str, Any], expected: Outcome) -> None:
    """A key is judged by the worst of its age, its use and its owner."""
    assert judged(CHECK, credential(**told), [account()]).outcome is expected


@pytest.mark.parametrize(
    ("last", "lag", "expected"),
    [
        pytest.param("20d", None, PASS, id="used, lag not told"),
        pytest.param("26d", "0s", WARN, id="soon unused for too long"),
        pytest.param("40d", "0s", FAIL, id="unused for too long"),
        pytest.param("40d", "1d", UNKNOWN, id="perhaps used since"),
        pytest.param("41d", None, UNKNOWN, id="perhaps, lag not told"),
    ],
)
def test_idleness_has_a_lag_too(last: str, lag: str | None, expected: Outcome) -> None:
    """A last use that the provider tells late is doubted by as much."""
    told: dict[str, Any] = {"last_used_at": ago(last), "use_lag": None if lag is None else span(lag)}
    judgement = judged(CHECK, credential(**told), [account()], unused="40d")
    assert judgement.outcome is expected


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        pytest.param([account()], PASS, id="active"),
        pytest.param([account(status="locked")], PASS, id="locked"),
        pytest.param([account(status="pending")], PASS, id="pending"),
        pytest.param([account(status="disabled")], FAIL, id="disabled"),
        pytest.param([account(status="deleted")], FAIL, id="deleted"),
        pytest.param([], FAIL, id="not there any more"),
        pytest.param([account(source="another")], FAIL, id="the same id in another source"),
        pytest.param([account(status=None)], UNKNOWN, id="status not told"),
        pytest.param([account(status="hibernated")], UNKNOWN, id="a status that is new to us"),
        pytest.param([account("ANA", status="disabled"), account()], UNKNOWN, id="ids that differ by case"),
    ],
)
def test_an_owner(owners: Sequence[Account], expected: Outcome) -> None:
    """A key whose owner has gone fails; one whose owner cannot be seen is unknown."""
    assert judged(CHECK, credential(), owners).outcome is expected


def test_an_owner_that_the_source_did_not_show_is_unknown() -> None:
    """Absence from a list of accounts that is not complete proves nothing."""
    known = KnownRecords(doubt=NotTold(Cause.DENIED, "okta-prod"))
    judgement = CHECK.judge(credential(), CHECK.policy(), NOW, known)
    assert (judgement.outcome, judgement.cause, judgement.of) == (UNKNOWN, Cause.DENIED, "okta-prod")


@pytest.mark.parametrize(
    ("told", "judge", "forbid"),
    [
        pytest.param({"privileged": True}, PASS, FAIL, id="an administrator's access key"),
        pytest.param({"privileged": False}, PASS, PASS, id="a plain access key"),
        pytest.param({"privileged": True, "kind": "ssh_key"}, PASS, PASS, id="another kind"),
        pytest.param({"privileged": None}, PASS, UNKNOWN, id="privilege not told"),
        pytest.param({"privileged": True, "kind": None}, PASS, UNKNOWN, id="kind not told"),
    ],
)
def test_administrators_access_keys(told: dict[str, Any], judge: Outcome, forbid: Outcome) -> None:
    """They are judged as all keys are, unless the policy forbids them."""
    item = credential(**told)
    assert judged(CHECK, item, [account()]).outcome is judge
    assert judged(CHECK, item, [account()], privileged_access_keys="forbid").outcome is forbid


def test_it_says_when_it_will_judge_otherwise() -> None:
    """The first limit to come is the instant at which the judgement changes."""
    assert judged(CHECK, credential(), [account()]).until == ahead("46d")
    assert judged(CHECK, credential(created_at=ago("5d"), last_used_at=ago("70d")), [account()]).until == ahead("6d")
