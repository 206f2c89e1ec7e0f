"""A GitHub organisation in GitHub's own terms, which a test or the demo builds and may change while it is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal
from zlib import crc32

LONG_AGO: Final = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
"""When the things of an organisation were created, unless said otherwise."""

ALL_SCOPES: Final = frozenset({"admin:org", "read:org", "repo", "read:audit_log", "read:enterprise"})
"""The scopes of a classic token that the replica asks for."""


def number(name: str) -> int:
    """Return a positive id that is the same for the same name, for tenants that are written by hand."""
    return crc32(name.encode()) or 1


@dataclass
class GithubUser:
    """A member or an outside collaborator; ``id`` is made from the login unless given."""

    login: str
    id: int = 0
    two_factor: Literal["secure", "insecure", "disabled"] = "secure"
    """``insecure`` is SMS; only owners may ask, by the two filters."""
    role: Literal["member", "admin"] = "member"
    """``admin`` is an owner of the organisation."""
    public: bool = True
    """Whether the membership is public; private ones are hidden from tokens that lack ``read:org``."""
    type: Literal["User", "Bot", "Organization"] = "User"
    site_admin: bool = False

    def __post_init__(self) -> None:
        self.id = self.id or number(self.login)


@dataclass
class GithubToken:
    """A token that clients may show, and whose it is."""

    kind: Literal["classic", "fine_grained", "app"] = "classic"
    owner: bool = True
    """Whether its user owns the organisation."""
    member: bool = True
    """Whether its user is in the organisation; others are redirected to the public members."""
    scopes: frozenset[str] = ALL_SCOPES
    """Classic scopes, told in ``x-oauth-scopes``; other kinds have permissions instead and tell none."""
    permissions: frozenset[str] = frozenset(
        {"members", "organization_administration", "organization_personal_access_tokens", "administration"}
    )
    """Read permissions of a fine-grained token or an app."""


@dataclass
class Installation:
    """A GitHub App installed on the organisation."""

    app_slug: str
    permissions: dict[str, str] = field(default_factory=lambda: {"metadata": "read"})
    repository_selection: Literal["all", "selected"] = "selected"
    created_at: datetime = LONG_AGO
    updated_at: datetime = LONG_AGO
    suspended_at: datetime | None = None
    id: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or number(f"installation {self.app_slug}")


@dataclass
class CredentialAuthorization:
    """A classic token or SSH key that a member authorised for SAML single sign-on."""

    login: str
    credential_type: str = "personal access token"
    authorized_at: datetime = LONG_AGO
    accessed_at: datetime | None = None
    """None is never."""
    expires_at: datetime | None = None
    scopes: list[str] = field(default_factory=lambda: ["repo"])
    title: str | None = None
    """The name of an SSH key."""
    credential_id: int = 0

    def __post_init__(self) -> None:
        self.credential_id = self.credential_id or number(f"{self.login} {self.credential_type} {self.title}")


@dataclass
class FineGrainedToken:
    """A fine-grained personal access token that has access to the organisation."""

    owner: str
    """The login whose token it is."""
    name: str
    granted_at: datetime = LONG_AGO
    expires_at: datetime | None = None
    """None is never."""
    last_used_at: datetime | None = None
    """None is never."""
    expired: bool = False
    repository_selection: Literal["none", "all", "subset"] = "subset"
    permissions: dict[str, dict[str, str]] = field(default_factory=lambda: {"repository": {"metadata": "read"}})
    id: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or number(f"{self.owner} {self.name}")


@dataclass
class DeployKey:
    """A deploy key of a repository."""

    title: str
    created_at: datetime = LONG_AGO
    last_used: datetime | None = None
    """None is never."""
    read_only: bool = True
    added_by: str | None = None
    enabled: bool = True
    id: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or number(f"deploy key {self.title}")


@dataclass
class Repository:
    """A repository of the organisation."""

    name: str
    deploy_keys: list[DeployKey] = field(default_factory=list)
    private: bool = True
    archived: bool = False
    id: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or number(f"repository {self.name}")


@dataclass
class AuditEvent:
    """An event of the organisation's audit log."""

    actor: str
    at: datetime
    action: str = "org.update_member"
    user: str | None = None


@dataclass
class GithubTenant:
    """A GitHub organisation, its people in no set order."""

    org: str = "example"
    members: list[GithubUser] = field(default_factory=list)
    outside_collaborators: list[GithubUser] = field(default_factory=list)
    installations: list[Installation] = field(default_factory=list)
    credential_authorizations: list[CredentialAuthorization] = field(default_factory=list)
    fine_grained_tokens: list[FineGrainedToken] = field(default_factory=list)
    repositories: list[Repository] = field(default_factory=list)
    audit_events: list[AuditEvent] = field(default_factory=list)
    """Newest first, as the API gives them."""
    credentials: dict[str, GithubToken] = field(default_factory=lambda: {"github-token": GithubToken()})
    """By what clients send after ``Bearer`` or ``token``."""
    two_factor_requirement_enabled: bool | None = False
    """None is an organisation whose owners do not see it, such as one of managed users."""
    enterprise_cloud: bool = True
    """Whether the audit log and credential authorisations exist."""
    saml: bool = True
    """Whether members sign in with SAML, without which no credential is authorised."""
    knows_insecure_filter: bool = True
    """False is an older GitHub Enterprise Server that refuses ``filter=2fa_insecure``."""
    created_at: datetime = LONG_AGO
    per_hour: dict[str, int] = field(default_factory=lambda: {"core": 5000, "audit_log": 1750})
    """Requests an hour by resource (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""

    @property
    def owners(self) -> list[GithubUser]:
        """The members who own the organisation."""
        return [member for member in self.members if member.role == "admin"]
