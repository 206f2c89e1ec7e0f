"""The Okta replica's answers are what Okta's own SDK takes, generated from the management API's OpenAPI document."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from demo.replicas import okta
from demo.replicas.serve import serving
from tests.demo.replicas.asking import Client
from tests.demo.replicas.vendor import needs_models
from tests.support.clock import NOW

FACTORS = [
    *("call", "email", "push", "question", "signed_nonce", "sms", "token", "token:hardware", "token:hotp"),
    *("token:software:totp", "u2f", "web", "webauthn"),
]
KEYS = [
    *("custom_app", "duo", "external_idp", "google_otp", "okta_email", "okta_password", "okta_verify", "onprem_mfa"),
    *("phone_number", "security_key", "security_question", "smart_card_idp", "symantec_vip", "tac", "webauthn"),
    "yubikey_token",
]


def estate() -> okta.OktaTenant:
    """Return an org with one of everything, filled and empty."""
    full = okta.OktaUser(
        "00u1",
        "ana.silva@example.org",
        last_login=NOW,
        user_type="Employee",
        realm_id="guo1afiNtSnZYILxO0g4",
        profile={"department": "Engineering"},
        factors=[*FACTORS, okta.OktaFactor("token:software:totp", "PENDING_ACTIVATION", "GOOGLE")],
        enrollments=list(KEYS),
        roles=["SUPER_ADMIN", okta.OktaRole("CUSTOM")],
    )
    statuses = ("DEPROVISIONED", "LOCKED_OUT", "PASSWORD_EXPIRED", "PROVISIONED", "RECOVERY", "STAGED", "SUSPENDED")
    others = [
        okta.OktaUser(f"00u{at}", f"user{at}@x", status, activated=None, password_changed=None, factors=["push"])
        for at, status in enumerate(statuses, 2)
    ]
    return okta.OktaTenant(
        users=[full, *others],
        groups=[okta.OktaGroup("00g1", "Admins", ["00u1"], ["ORG_ADMIN"])],
        api_tokens=[okta.OktaApiToken("00T1", "ci", "00u1", last_updated=NOW)],
    )


async def told(session: aiohttp.ClientSession, path: str, status: int = 200) -> Any:
    """Return one answer of the estate."""
    async with serving(okta.app(estate())) as origin:
        answer = await Client(session, origin, {"Authorization": "SSWS okta-token"}).get(path)
    assert answer.status == status
    return answer.body


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/v1/users?search=id pr", "User"),
        ("/api/v1/users/00u1/factors", "UserFactor"),
        ("/api/v1/users/00u1/authenticator-enrollments", "AuthenticatorEnrollment"),
        ("/api/v1/users/00u2/authenticator-enrollments", "AuthenticatorEnrollment"),
        ("/api/v1/groups", "Group"),
        ("/api/v1/groups/00g1/users", "User"),
        ("/api/v1/api-tokens", "ApiToken"),
    ],
)
async def test_rows_are_of_the_published_model(session: aiohttp.ClientSession, path: str, model: str) -> None:
    """Each row loads into the SDK's model, and nothing that the replica says is unknown to it."""
    models = needs_models("okta.models", package="okta")
    rows = await told(session, path)
    assert rows
    for row in rows:
        loaded = getattr(models, model).from_dict(row)
        assert loaded is not None
        declared = {info.alias or name for name, info in type(loaded).model_fields.items()}
        assert set(row) - {"_links", "nickname", "vendorName"} <= declared


@pytest.mark.parametrize("path", ["/api/v1/users/00u1/roles", "/api/v1/groups/00g1/roles"])
async def test_roles_are_of_the_published_model(session: aiohttp.ClientSession, path: str) -> None:
    """Standard and custom roles each load into their own model, told apart by the type."""
    models = needs_models("okta.models", package="okta")
    for row in await told(session, path):
        model = models.CustomRole if row["type"] == "CUSTOM" else models.StandardRole
        loaded = model.from_dict(row)
        assert loaded.type.value == row["type"]
        assert loaded.assignment_type.value == row["assignmentType"]
        declared = {info.alias or name for name, info in model.model_fields.items()}
        assert set(row) <= declared


async def test_the_assignees_are_of_the_published_model(session: aiohttp.ClientSession) -> None:
    """The bulk list loads with its envelope."""
    models = needs_models("okta.models", package="okta")
    body = await told(session, "/api/v1/iam/assignees/users")
    loaded = models.RoleAssignedUsers.from_dict(body)
    assert [user.id for user in loaded.value] == ["00u1"]


async def test_every_published_status_and_factor_is_in_the_estate(session: aiohttp.ClientSession) -> None:
    """The rows that were judged cover the vendor's lists, so a new word there fails here."""
    models = needs_models("okta.models", package="okta")
    users = await told(session, "/api/v1/users?search=id pr")
    factors = await told(session, "/api/v1/users/00u1/factors")
    assert {row["status"] for row in users} == {status.value for status in models.UserStatus}
    assert {row["factorType"] for row in factors} == {kind.value for kind in models.UserFactorType}
    assert set(KEYS) == {key.value for key in models.AuthenticatorKeyEnum}


async def test_an_error_is_of_the_published_model(session: aiohttp.ClientSession) -> None:
    """The error envelope loads too."""
    models = needs_models("okta.models", package="okta")
    body = await told(session, "/api/v1/users/00u9", 404)
    assert models.Error.from_dict(body).error_code == "E0000007"
