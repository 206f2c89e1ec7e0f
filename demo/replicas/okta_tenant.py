"""An Okta org in Okta's own terms, which a test or the demo builds and may change while the replica serves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

LONG_AGO: Final = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
"""When the things of a tenant were created, unless said otherwise."""

ALL_SCOPES: Final = frozenset(
    {"okta.users.read", "okta.roles.read", "okta.groups.read", "okta.apiTokens.read", "okta.logs.read"}
)
"""The scopes that the replica knows, named as in the management API's OpenAPI document."""


@dataclass
class OktaFactor:
    """A factor of ``/users/{id}/factors``; a plain string such as ``"push"`` stands for an active one."""

    factor_type: str
    status: str = "ACTIVE"
    provider: str | None = None
    """None is the usual provider of the type."""
    created: datetime = LONG_AGO
    last_updated: datetime = LONG_AGO
    id: str | None = None
    """None is made from the user's id and the position."""


@dataclass
class OktaEnrollment:
    """An authenticator enrollment (Identity Engine); a plain string such as ``"webauthn"`` stands for an active one."""

    key: str
    status: str = "ACTIVE"
    created: datetime = LONG_AGO
    last_updated: datetime = LONG_AGO
    id: str | None = None


@dataclass
class OktaRole:
    """A role assignment; a plain string such as ``"SUPER_ADMIN"`` stands for a standard role."""

    type: str
    label: str | None = None
    status: str = "ACTIVE"
    created: datetime = LONG_AGO
    role: str = "cr0Yq6IJxGIr0ouum0g3"
    """The id of a custom role."""
    resource_set: str = "iamoJDFKaJxGIr0oamd9"
    """The resource set that a custom role is bound to."""


@dataclass
class OktaUser:
    """A user; the dates are aware instants, and None is what Okta writes as null."""

    id: str
    login: str
    status: str = "ACTIVE"
    created: datetime = LONG_AGO
    activated: datetime | None = LONG_AGO
    status_changed: datetime | None = LONG_AGO
    last_login: datetime | None = None
    last_updated: datetime = LONG_AGO
    password_changed: datetime | None = LONG_AGO
    email: str | None = None
    """None is the login."""
    user_type: str | None = None
    """``profile.userType``, a word of the tenant's own; None leaves it out."""
    profile: dict[str, Any] = field(default_factory=dict)
    """Further profile attributes, such as ``department``; they win over the usual ones."""
    type_id: str = "oty1162QAr8hJjTaq0g4"
    realm_id: str | None = None
    credential_provider: str = "OKTA"
    """``FEDERATION`` or ``ACTIVE_DIRECTORY`` where the password lives elsewhere."""
    factors: list[str | OktaFactor] = field(default_factory=list)
    enrollments: list[str | OktaEnrollment] | None = None
    """None is a password and what the factors amount to."""
    roles: list[str | OktaRole] = field(default_factory=list)


@dataclass
class OktaGroup:
    """A group, its members by user id, and the admin roles that it hands to them."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    roles: list[str | OktaRole] = field(default_factory=list)
    created: datetime = LONG_AGO
    last_updated: datetime = LONG_AGO


@dataclass
class OktaApiToken:
    """An API token's metadata; the API never tells when it was last used."""

    id: str
    name: str
    user_id: str
    created: datetime = LONG_AGO
    last_updated: datetime = LONG_AGO
    window: timedelta = timedelta(days=30)
    """It expires so long after ``last_updated``, which slides with use."""


@dataclass
class OktaTenant:
    """An Okta org."""

    users: list[OktaUser] = field(default_factory=list)
    groups: list[OktaGroup] = field(default_factory=list)
    api_tokens: list[OktaApiToken] = field(default_factory=list)
    credentials: dict[str, frozenset[str]] = field(default_factory=lambda: {"okta-token": ALL_SCOPES})
    """What each credential (after ``SSWS`` or ``Bearer``) may do, as scopes."""
    engine: Literal["identity", "classic"] = "identity"
    """Classic orgs have no authenticator enrollments."""
    factors_hidden_by_policy: frozenset[str] = frozenset()
    """Factor types that ``/factors`` leaves out, as it does for types that the first enrollment policy disables."""
    assignees_include_groups: bool = False
    """Whether the bulk list of assignees names users whose only roles come from a group; Okta does not say."""
    per_minute: dict[str, int] = field(
        default_factory=lambda: {"users": 600, "user": 600, "iam": 600, "groups": 500, "api-tokens": 600}
    )
    """The rate limit of each bucket (developer.okta.com/docs/reference/rl-global-mgmt)."""


@dataclass
class Index:
    """Where each user is in the tenant's list, by id and login; it mends itself when the list has changed."""

    _positions: dict[str, int] = field(default_factory=dict)

    def user(self, tenant: OktaTenant, name: str) -> OktaUser | None:
        """Find a user by id or login, as Okta does."""
        found = self._at(tenant, name)
        if found is None:
            self._positions = {user.login: at for at, user in enumerate(tenant.users)}
            self._positions |= {user.id: at for at, user in enumerate(tenant.users)}
            found = self._at(tenant, name)
        return found

    def _at(self, tenant: OktaTenant, name: str) -> OktaUser | None:
        at = self._positions.get(name, len(tenant.users))
        if at >= len(tenant.users) or name not in {tenant.users[at].id, tenant.users[at].login}:
            return None
        return tenant.users[at]
