"""Okta's answers as its management API writes them (OpenAPI document 2026.06.3), and what their words amount to.

A field that may be absent is not the same as one that is null: Okta writes null for "never", so the two are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from checks.model.doubt import Cause
from checks.model.records import Factor

Id = Annotated[str, msgspec.Meta(min_length=1)]
"""An id, which is never empty."""

STATUSES: Final[Mapping[str, str]] = {
    "ACTIVE": "active",
    "PASSWORD_EXPIRED": "active",
    "RECOVERY": "active",
    "LOCKED_OUT": "locked",
    "STAGED": "pending",
    "PROVISIONED": "pending",
    "SUSPENDED": "disabled",
    "DEPROVISIONED": "disabled",
}
"""Okta's user status to ours; a deactivated user can be activated again, and is not deleted. Other words stay raw."""

NO_FACTOR: Final = frozenset({"okta_password", "password", "tac"})
"""Authenticators that are no second factor: the first factor itself, and a temporary access code."""

AUTHENTICATORS: Final[Mapping[str, str]] = {
    "okta_verify": "strong",
    "google_otp": "strong",
    "duo": "strong",
    "custom_app": "strong",
    "onprem_mfa": "strong",
    "symantec_vip": "strong",
    "yubikey_token": "strong",
    "security_key": "strong",
    "webauthn": "phishing_resistant",
    "smart_card_idp": "phishing_resistant",
    "phone_number": "weak",
    "okta_email": "weak",
    "security_question": "weak",
}
"""Strength by authenticator key (Identity Engine): the least that an enrollment of it proves. Okta Verify may be push,
code or FastPass, so it is strong; ``external_idp`` has none, since another provider decides."""

FACTOR_TYPES: Final[Mapping[str, str]] = {
    "push": "strong",
    "token": "strong",
    "token:hardware": "strong",
    "token:hotp": "strong",
    "token:software:totp": "strong",
    "web": "strong",
    "signed_nonce": "strong",
    "webauthn": "phishing_resistant",
    "u2f": "phishing_resistant",
    "sms": "weak",
    "call": "weak",
    "email": "weak",
    "question": "weak",
}
"""Strength by factor type; that of ``signed_nonce`` (FastPass) is the configuration's."""

FEDERATED: Final = frozenset({"FEDERATION", "SOCIAL"})
"""Credential providers that sign the user in elsewhere, and may ask for a second factor there."""

_IDLE: Final = frozenset({"DISABLED", "ENROLLED", "EXPIRED", "INACTIVE", "NOT_SETUP", "PENDING_ACTIVATION"})


class Provider(msgspec.Struct, frozen=True, gc=False):
    """Who checks the user's password."""

    type: str | None = None


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """The part of a user's credentials that is no secret."""

    provider: Provider | None = None


class Profile(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The attributes of a user that identify a person; an administrator may hide some of them from the token."""

    login: str | None = None
    email: str | None = None
    employee_number: str | None = None
    user_type: str | None = None


class User(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A user of ``GET /api/v1/users``."""

    id: Id
    status: str
    created: datetime
    profile: Profile
    activated: datetime | None = None
    last_login: datetime | UnsetType | None = UNSET
    credentials: Credentials | None = None


class Enrollment(msgspec.Struct, frozen=True, gc=False):
    """An authenticator enrollment (Identity Engine)."""

    key: str
    status: str


class UserFactor(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A factor of ``GET /api/v1/users/{id}/factors``."""

    factor_type: str
    status: str


class Role(msgspec.Struct, frozen=True, gc=False):
    """A role assignment of a user or a group."""

    type: str
    label: str | None = None
    status: str | None = None

    @property
    def name(self) -> str:
        """Name the role; a custom one by its label."""
        return (self.label or self.type) if self.type == "CUSTOM" else self.type


class Identified(msgspec.Struct, frozen=True, gc=False):
    """Anything of which only the id is read: a group, a member, an assignee."""

    id: Id


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link in a body."""

    href: str | None = None


class Links(msgspec.Struct, frozen=True, gc=False):
    """The links of a page."""

    next: Link | None = None


class Assignees(msgspec.Struct, frozen=True, gc=False):
    """A page of ``GET /api/v1/iam/assignees/users``, which pages in its body."""

    value: list[Identified]
    links: Links | None = msgspec.field(name="_links", default=None)

    @property
    def next(self) -> str | None:
        """The link to the next page."""
        return None if self.links is None or self.links.next is None else self.links.next.href


class ApiToken(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The metadata of an API token."""

    id: Id
    name: str
    user_id: str | None = None
    created: datetime | None = None
    last_updated: datetime | None = None
    expires_at: datetime | None = None


class Fault(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An error answer."""

    error_code: str = ""


USERS: Final = msgspec.json.Decoder(list[User])
ENROLLMENTS: Final = msgspec.json.Decoder(list[Enrollment])
FACTORS: Final = msgspec.json.Decoder(list[UserFactor])
ROLES: Final = msgspec.json.Decoder(list[Role])
IDS: Final = msgspec.json.Decoder(list[Identified])
ASSIGNEES: Final = msgspec.json.Decoder(Assignees)
API_TOKENS: Final = msgspec.json.Decoder(list[ApiToken])
_FAULT: Final = msgspec.json.Decoder(Fault)


def error_code(body: bytes) -> str:
    """Read the code of an error answer; empty when it has none."""
    try:
        return _FAULT.decode(body).error_code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an account's list of factors tells."""

    mfa: bool | None = None
    """Whether a second factor that we can rate is enrolled."""
    factors: tuple[Factor, ...] | None = None
    """The usable second factors."""
    cause: Cause | None = None
    """Why one of the two is not told."""


def enrolled(pairs: Iterable[tuple[str, str]], strengths: Mapping[str, str], *, federated: bool) -> Enrolled:
    """Rate kinds and their status; only ACTIVE ones are usable, and a word that is new to us proves nothing."""
    kept: dict[Factor, None] = {}
    for kind, status in pairs:
        if kind in NO_FACTOR or status in _IDLE:
            continue
        kept[Factor(kind, strengths.get(kind) if status == "ACTIVE" else None)] = None
    factors = tuple(sorted(kept, key=lambda factor: (factor.kind, factor.strength or "")))
    if not factors:
        return Enrolled(cause=Cause.FEDERATED) if federated else Enrolled(mfa=False, factors=())
    if any(factor.strength is not None for factor in factors):
        return Enrolled(mfa=True, factors=factors)
    elsewhere = federated or any(factor.kind == "external_idp" for factor in factors)
    return Enrolled(factors=factors, cause=Cause.FEDERATED if elsewhere else Cause.UNSUPPORTED)
