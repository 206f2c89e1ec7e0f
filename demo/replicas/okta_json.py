"""An Okta tenant's things as Okta's management API writes them (OpenAPI document of 2026.06.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from demo.replicas.okta_tenant import OktaApiToken, OktaEnrollment, OktaFactor, OktaGroup, OktaRole, OktaUser
from demo.replicas.paging import Row, stamp

_PROVIDERS: Final = {"webauthn": "FIDO", "u2f": "FIDO", "web": "DUO", "token": "RSA", "token:hardware": "YUBICO"}
"""The usual provider of a factor type; Okta for the others."""

_FACTOR_IDS: Final = {"push": "opf", "token:software:totp": "ost", "sms": "mbl", "call": "clf", "webauthn": "fwf"}
"""How ids of a factor type start; ``ufs`` for the others."""

_AUTHENTICATORS: Final = {
    "okta_email": ("email", "Email"),
    "okta_password": ("password", "Password"),
    "okta_verify": ("app", "Okta Verify"),
    "google_otp": ("app", "Google Authenticator"),
    "duo": ("app", "Duo Security"),
    "custom_app": ("app", "Custom authenticator"),
    "phone_number": ("phone", "Phone"),
    "webauthn": ("security_key", "Security Key or Biometric"),
    "security_key": ("security_key", "Security Key"),
    "yubikey_token": ("security_key", "YubiKey OTP"),
    "onprem_mfa": ("security_key", "On-Prem MFA"),
    "symantec_vip": ("security_key", "Symantec VIP"),
    "security_question": ("security_question", "Security Question"),
    "external_idp": ("federated", "IdP Authenticator"),
    "smart_card_idp": ("federated", "Smart Card Authenticator"),
    "tac": ("tac", "Temporary Access Code"),
}
"""Type and name of an authenticator, by key."""

_AMOUNTS_TO: Final = {
    ("push", "OKTA"): "okta_verify",
    ("signed_nonce", "OKTA"): "okta_verify",
    ("token:software:totp", "OKTA"): "okta_verify",
    ("token:software:totp", "GOOGLE"): "google_otp",
    ("sms", "OKTA"): "phone_number",
    ("call", "OKTA"): "phone_number",
    ("email", "OKTA"): "okta_email",
    ("question", "OKTA"): "security_question",
    ("webauthn", "FIDO"): "webauthn",
    ("u2f", "FIDO"): "webauthn",
    ("web", "DUO"): "duo",
    ("token:hardware", "YUBICO"): "yubikey_token",
    ("token", "RSA"): "onprem_mfa",
    ("token", "SYMANTEC"): "symantec_vip",
}
"""The authenticator that a factor belongs to, by factor type and provider."""


def written(at: datetime | None) -> str | None:
    """Return an instant as Okta writes it, to the millisecond."""
    return stamp(at, "milliseconds")


def user_row(user: OktaUser, origin: str) -> Row:
    """Write a user of ``/users``."""
    first, _, last = user.login.partition("@")[0].partition(".")
    profile = {
        "firstName": first.capitalize(),
        "lastName": (last or first).capitalize(),
        "mobilePhone": None,
        "secondEmail": None,
        "login": user.login,
        "email": user.email or user.login,
    }
    if user.user_type is not None:
        profile["userType"] = user.user_type
    row: Row = {
        "id": user.id,
        "status": user.status,
        "created": written(user.created),
        "activated": written(user.activated),
        "statusChanged": written(user.status_changed),
        "lastLogin": written(user.last_login),
        "lastUpdated": written(user.last_updated),
        "passwordChanged": written(user.password_changed),
        "type": {"id": user.type_id},
        "profile": profile | user.profile,
        "credentials": {
            "password": {},
            "provider": {"type": user.credential_provider, "name": user.credential_provider},
        },
        "_links": {"self": {"href": f"{origin}/api/v1/users/{user.id}"}},
    }
    if user.realm_id is not None:
        row["realmId"] = user.realm_id
    return row


_SEARCHED: Final[dict[str, Callable[[OktaUser], object]]] = {
    "id": lambda user: user.id,
    "status": lambda user: user.status,
    "created": lambda user: written(user.created),
    "lastUpdated": lambda user: written(user.last_updated),
    "profile.login": lambda user: user.login,
}
"""What a full sweep searches by, without writing the whole user."""


def field_of(user: OktaUser, name: str) -> object:
    """Return what a search compares under the dotted ``name``; None where the user has nothing."""
    if name in _SEARCHED:
        return _SEARCHED[name](user)
    value: object = user_row(user, "")
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def factors(user: OktaUser) -> list[OktaFactor]:
    """Return the user's factors with provider and id filled in."""
    whole = [OktaFactor(factor) if isinstance(factor, str) else factor for factor in user.factors]
    return [
        OktaFactor(
            factor_type=factor.factor_type,
            status=factor.status,
            provider=factor.provider or _PROVIDERS.get(factor.factor_type, "OKTA"),
            created=factor.created,
            last_updated=factor.last_updated,
            id=factor.id or f"{_FACTOR_IDS.get(factor.factor_type, 'ufs')}{user.id[3:]}{position}",
        )
        for position, factor in enumerate(whole)
    ]


def factor_row(user: OktaUser, factor: OktaFactor, origin: str) -> Row:
    """Write a factor of ``/users/{id}/factors``; the profile is left empty, as no client of ours reads it."""
    owner = f"{origin}/api/v1/users/{user.id}"
    return {
        "id": factor.id,
        "factorType": factor.factor_type,
        "provider": factor.provider,
        "vendorName": factor.provider,
        "status": factor.status,
        "created": written(factor.created),
        "lastUpdated": written(factor.last_updated),
        "profile": {},
        "_links": {
            "self": {"href": f"{owner}/factors/{factor.id}", "hints": {"allow": ["GET", "DELETE"]}},
            "user": {"href": owner, "hints": {"allow": ["GET"]}},
        },
    }


def enrollments(user: OktaUser) -> list[OktaEnrollment]:
    """Return the user's enrollments: those told, else a password and what the factors amount to."""
    if user.enrollments is not None:
        return [OktaEnrollment(each) if isinstance(each, str) else each for each in user.enrollments]
    amounts = {
        _AMOUNTS_TO[factor.factor_type, factor.provider]: OktaEnrollment(
            _AMOUNTS_TO[factor.factor_type, factor.provider], factor.status, factor.created, factor.last_updated
        )
        for factor in factors(user)
        if factor.provider is not None and (factor.factor_type, factor.provider) in _AMOUNTS_TO
    }
    return [OktaEnrollment("okta_password", created=user.created, last_updated=user.created), *amounts.values()]


def enrollment_row(user: OktaUser, position: int, enrollment: OktaEnrollment, origin: str) -> Row:
    """Write an enrollment of ``/users/{id}/authenticator-enrollments``."""
    kind, name = _AUTHENTICATORS.get(enrollment.key, ("app", enrollment.key))
    enrollment_id = enrollment.id or f"eae{user.id[3:]}{position}"
    owner = f"{origin}/api/v1/users/{user.id}"
    return {
        "type": kind,
        "id": enrollment_id,
        "key": enrollment.key,
        "status": enrollment.status,
        "name": name,
        "nickname": None,
        "created": written(enrollment.created),
        "lastUpdated": written(enrollment.last_updated),
        "_links": {
            "self": {
                "href": f"{owner}/authenticator-enrollments/{enrollment_id}",
                "hints": {"allow": ["GET", "DELETE"]},
            },
            "user": {"href": owner, "hints": {"allow": ["GET"]}},
        },
    }


def role_row(role: str | OktaRole, number: int, assignee: str, origin: str) -> Row:
    """Write a role assignment; ``assignee`` is ``users/00u…`` or ``groups/00g…``."""
    whole = OktaRole(role) if isinstance(role, str) else role
    kind, _, owner = assignee.partition("/")
    row: Row = {
        "id": f"{'gra' if kind == 'groups' else 'ra'}{owner[3:]}{number}",
        "label": whole.label or f"{whole.type.replace('_', ' ').capitalize()}istrator",
        "type": whole.type,
        "status": whole.status,
        "created": written(whole.created),
        "lastUpdated": written(whole.created),
        "assignmentType": "GROUP" if kind == "groups" else "USER",
        "_links": {"assignee": {"href": f"{origin}/api/v1/{assignee}"}},
    }
    if whole.type == "CUSTOM":
        row |= {"role": whole.role, "resource-set": whole.resource_set, "label": whole.label or "Custom role"}
    return row


def assignee_row(user: OktaUser, origin: str) -> Row:
    """Write a user of ``/iam/assignees/users``, who is an id and links."""
    owner = f"{origin}/api/v1/users/{user.id}"
    return {
        "id": user.id,
        "orn": f"orn:okta:directory:00o1n8sbwArJ7OQRw406:users:{user.id}",
        "_links": {"self": {"href": owner}, "roles": {"href": f"{owner}/roles"}},
    }


def group_row(group: OktaGroup, origin: str) -> Row:
    """Write a group of ``/groups``."""
    return {
        "id": group.id,
        "created": written(group.created),
        "lastUpdated": written(group.last_updated),
        "lastMembershipUpdated": written(group.last_updated),
        "objectClass": ["okta:user_group"],
        "type": "OKTA_GROUP",
        "profile": {"name": group.name, "description": None},
        "_links": {"users": {"href": f"{origin}/api/v1/groups/{group.id}/users"}},
    }


def api_token_row(token: OktaApiToken, origin: str) -> Row:
    """Write an API token's metadata."""
    return {
        "name": token.name,
        "userId": token.user_id,
        "tokenWindow": _iso_duration(int(token.window.total_seconds())),
        "network": {"connection": "ANYWHERE"},
        "id": token.id,
        "clientName": "Okta API",
        "expiresAt": written(token.last_updated + token.window),
        "created": written(token.created),
        "lastUpdated": written(token.last_updated),
        "_links": {
            "self": {"href": f"{origin}/api/v1/api-tokens/{token.id}", "hints": {"allow": ["GET", "DELETE"]}},
            "user": {"href": f"{origin}/api/v1/users/{token.user_id}", "hints": {"allow": ["GET"]}},
        },
    }


def _iso_duration(seconds: int) -> str:
    return f"P{seconds // 86400}D" if seconds % 86400 == 0 else f"PT{seconds // 60}M"
