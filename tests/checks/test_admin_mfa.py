"""``admin_mfa``: the rows are the spec."""

from __future__ import annotations

from typing import Any

import pytest

from checks.admin_mfa import CHECK
from checks.model.judgement import Outcome
from tests.support.builders import KEY, NOVEL, SMS, TOTP, account, ago, judged

PASS, WARN, FAIL, UNKNOWN, EXCLUDED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXCLUDED


def admin(**told: Any) -> Any:
    """Build an administrator with a security key."""
    return account(**{"privileged": True, "roles": ("org_admin",), "factors": (KEY,), **told})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({}, PASS, id="a person"),
        pytest.param({"klass": "guest"}, PASS, id="a guest"),
        pytest.param({"klass": "break_glass"}, PASS, id="break-glass is in scope"),
        pytest.param({"klass": "service"}, EXCLUDED, id="a service"),
        pytest.param({"klass": "bot"}, EXCLUDED, id="a bot"),
        pytest.param({"klass": None}, UNKNOWN, id="class not told"),
        pytest.param({"privileged": False}, EXCLUDED, id="not privileged"),
        pytest.param({"privileged": None}, UNKNOWN, id="privilege not told"),
        pytest.param({"privileged": None, "interactive": False}, EXCLUDED, id="cannot sign in anyway"),
        pytest.param({"interactive": None}, UNKNOWN, id="sign-in not told"),
        pytest.param({"status": "disabled"}, EXCLUDED, id="disabled"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
    ],
)
def test_scope_is_told_or_unknown(told: dict[str, Any], expected: Outcome) -> None:
    """Every live administrator who can sign in is in scope, break-glass included."""
    assert judged(CHECK, admin(**told)).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"factors": (KEY,)}, PASS, id="a security key"),
        pytest.param({"factors": (TOTP, KEY)}, PASS, id="a key beside an app"),
        pytest.param({"factors": (TOTP,)}, WARN, id="an authenticator app"),
        pytest.param({"factors": (TOTP, NOVEL)}, WARN, id="an app beside a factor new to us"),
        pytest.param({"factors": (SMS,)}, FAIL, id="text messages"),
        pytest.param({"factors": (), "mfa": False}, FAIL, id="none"),
        pytest.param({"factors": (), "mfa": False, "activated_at": ago("1d")}, FAIL, id="no grace"),
        pytest.param({"factors": None}, UNKNOWN, id="only yes"),
        pytest.param({"factors": None, "mfa": False}, FAIL, id="only no"),
        pytest.param({"factors": None, "mfa": None}, UNKNOWN, id="nothing told"),
        pytest.param({"factors": (NOVEL,)}, UNKNOWN, id="a factor new to us"),
    ],
)
def test_strength(told: dict[str, Any], expected: Outcome) -> None:
    """Below strong fails, below phishing-resistant is warned."""
    assert judged(CHECK, admin(**told)).outcome is expected


@pytest.mark.parametrize(
    ("policy", "factors", "expected"),
    [
        pytest.param({"required": "phishing_resistant"}, (TOTP,), FAIL, id="a stricter rule"),
        pytest.param({"expected": "strong"}, (TOTP,), PASS, id="a milder hope"),
        pytest.param({"required": "any"}, None, WARN, id="any, and only yes told"),
    ],
)
def test_policy(policy: dict[str, Any], factors: Any, expected: Outcome) -> None:
    """Both limits are the policy's."""
    assert judged(CHECK, admin(factors=factors), **policy).outcome is expected


def test_a_finding_shows_roles_and_factors() -> None:
    """Facts hold the roles and the factors compared."""
    facts = judged(CHECK, admin(factors=(TOTP,))).facts
    assert (facts["roles"], facts["factors"], facts["expected"]) == ("org_admin", "totp", "phishing_resistant")
