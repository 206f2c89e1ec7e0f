"""``mfa_coverage``: the rows are the spec."""

from __future__ import annotations

from typing import Any

import pytest

from checks.mfa_coverage import CHECK
from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from tests.support.builders import KEY, NOVEL, SMS, TOTP, account, ago, ahead, judged

PASS, WARN, FAIL, UNKNOWN, EXCLUDED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXCLUDED
NONE: dict[str, Any] = {"mfa": False, "factors": ()}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"status": "active"}, PASS, id="active is live"),
        pytest.param({"status": "locked"}, PASS, id="locked is live"),
        pytest.param({"status": "pending"}, EXCLUDED, id="pending has no sign-in yet"),
        pytest.param({"status": "disabled"}, EXCLUDED, id="disabled"),
        pytest.param({"status": "deleted"}, EXCLUDED, id="deleted"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
        pytest.param({"status": "hibernated"}, UNKNOWN, id="a status that is new to us"),
        pytest.param({"klass": "service"}, EXCLUDED, id="a service"),
        pytest.param({"klass": "bot"}, EXCLUDED, id="a bot"),
        pytest.param({"klass": "guest"}, EXCLUDED, id="a guest"),
        pytest.param({"klass": "break_glass"}, EXCLUDED, id="break-glass"),
        pytest.param({"klass": None}, UNKNOWN, id="class not told"),
        pytest.param({"klass": "martian"}, UNKNOWN, id="a class that is new to us"),
        pytest.param({"klass": None, "status": "disabled"}, EXCLUDED, id="one told fact is enough to exclude"),
        pytest.param({"interactive": False}, EXCLUDED, id="keys only"),
        pytest.param({"interactive": None}, UNKNOWN, id="sign-in not told"),
    ],
)
def test_scope_is_told_or_unknown(told: dict[str, Any], expected: Outcome) -> None:
    """Only told facts put an account out of scope."""
    assert judged(CHECK, account(**told)).outcome is expected


@pytest.mark.parametrize(
    ("mfa", "factors", "any_", "strong", "phishing_resistant"),
    [
        pytest.param(True, (KEY,), PASS, PASS, PASS, id="a security key"),
        pytest.param(True, (TOTP,), PASS, PASS, FAIL, id="an authenticator app"),
        pytest.param(True, (SMS,), PASS, FAIL, FAIL, id="text messages"),
        pytest.param(True, (SMS, TOTP), PASS, PASS, FAIL, id="one strong is enough"),
        pytest.param(True, (NOVEL,), PASS, UNKNOWN, UNKNOWN, id="a factor new to us"),
        pytest.param(True, (NOVEL, TOTP), PASS, PASS, UNKNOWN, id="a strong one beside it"),
        pytest.param(True, (SMS, NOVEL), PASS, UNKNOWN, UNKNOWN, id="a weak one beside it"),
        pytest.param(True, None, PASS, UNKNOWN, UNKNOWN, id="only yes"),
        pytest.param(False, None, FAIL, FAIL, FAIL, id="only no"),
        pytest.param(False, (), FAIL, FAIL, FAIL, id="none"),
        pytest.param(None, (), FAIL, FAIL, FAIL, id="an empty list is told"),
        pytest.param(None, None, UNKNOWN, UNKNOWN, UNKNOWN, id="nothing told"),
        pytest.param(None, (SMS,), UNKNOWN, FAIL, FAIL, id="weak, whatever the yes or no"),
        pytest.param(None, (KEY,), UNKNOWN, UNKNOWN, UNKNOWN, id="a key without the provider's yes"),
        pytest.param(False, (KEY,), FAIL, FAIL, FAIL, id="a contradiction proves nothing"),
    ],
)
def test_strength(mfa: Any, factors: Any, any_: Outcome, strong: Outcome, phishing_resistant: Outcome) -> None:
    """A factor must be enrolled and of the strength asked for; a yes without kinds proves no strength."""
    item = account(mfa=mfa, factors=factors)
    expected = {"any": any_, "strong": strong, "phishing_resistant": phishing_resistant}
    assert {name: judged(CHECK, item, strength=name).outcome for name in expected} == expected


@pytest.mark.parametrize(
    ("told", "expected", "until"),
    [
        pytest.param({"activated_at": ago("6d")}, WARN, ahead("1d"), id="inside the grace"),
        pytest.param({"activated_at": ago("7d")}, FAIL, None, id="the grace is over at its end"),
        pytest.param({"activated_at": None, "created_at": ago("2d")}, WARN, ahead("5d"), id="creation stands in"),
        pytest.param({"activated_at": None, "created_at": None}, FAIL, None, id="grace must be proven"),
        pytest.param({"activated_at": ahead("2d")}, FAIL, ahead("2d"), id="a future date gives none"),
        pytest.param({"activated_at": ago("2d"), "factors": (SMS,), "mfa": True}, WARN, ahead("5d"), id="weak, inside"),
        pytest.param({"activated_at": ago("2d"), "factors": None, "mfa": None}, UNKNOWN, None, id="not told, inside"),
    ],
)
def test_grace(told: dict[str, Any], expected: Outcome, until: object) -> None:
    """A new account is warned while it may still enrol."""
    judgement = judged(CHECK, account(**{**NONE, **told}))
    assert (judgement.outcome, judgement.until) == (expected, until)


def test_an_unknown_names_its_fields_and_cause() -> None:
    """What the source withheld is named, so that a source-wide gap can carry the account."""
    why = {"mfa": Cause.UNLICENSED.value, "factors": Cause.UNLICENSED.value}
    judgement = judged(CHECK, account(mfa=None, factors=None, why=why))
    assert (judgement.cause, judgement.fields) == (Cause.UNLICENSED, ("account.mfa", "account.factors"))


def test_a_finding_shows_what_was_compared() -> None:
    """Facts hold the factors, the strength asked for, and who says which class the account has."""
    facts = judged(CHECK, account(factors=(SMS,))).facts
    assert facts == {
        "factors": "sms",
        "strength": "strong",
        "activated_at": "2025-10-17T05:30:00Z",
        "created_at": "2025-10-17T05:30:00Z",
        "grace": "7d",
        "klass": "human",
        "klass_basis": "provider",
    }


def test_the_claim_is_enrolment_and_its_proof_is_partial() -> None:
    """The title says enrolment; CC6.1 is mapped in part; what passes is enrolled, no more."""
    assert "enrol" in CHECK.title
    assert all(mapped.partial for mapped in CHECK.controls if mapped.control.startswith("soc2:"))
    assert judged(CHECK, account()).depth == "enrolled"
