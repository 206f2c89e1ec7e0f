"""A Microsoft Entra tenant in Graph's own terms, which a test or the demo builds and may change while it is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

LONG_AGO: Final = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
"""When the things of a tenant were created, unless said otherwise."""

ALL_PERMISSIONS: Final = frozenset(
    {
        "User.Read.All",
        "AuditLog.Read.All",
        "RoleManagement.Read.Directory",
        "Application.Read.All",
        "GroupMember.Read.All",
        "User-LifeCycleInfo.Read.All",
    }
)
"""The application permissions that the replica knows."""

GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"

ROLES: Final = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
}
"""Built-in directory roles by template id (learn.microsoft.com/entra/identity/role-based-access-control/
permissions-reference)."""


def guid(name: str) -> str:
    """Return a GUID that is the same for the same name, for tenants that are written by hand."""
    return str(uuid5(NAMESPACE_URL, name))


@dataclass
class SignIn:
    """``signInActivity``; a None among the attempts is Graph's year-one sentinel on the wire."""

    interactive: datetime | None = None
    """The last interactive attempt."""
    non_interactive: datetime | None = None
    """The last attempt by a client on the user's behalf."""
    successful: datetime | None = None
    """The last success; None where there was none since 2023-12-01, for it was not backfilled."""


@dataclass
class GraphUser:
    """A user; ``id`` is made from the name unless given."""

    user_principal_name: str
    id: str = ""
    display_name: str | None = None
    mail: str | None = None
    """None is the user principal name."""
    account_enabled: bool = True
    user_type: str | None = "Member"
    """``Member``, ``Guest`` or None, which Graph has for accounts older than guests."""
    created: datetime = LONG_AGO
    employee_id: str | None = None
    employee_type: str | None = None
    employee_leave: datetime | None = None
    external_user_state: str | None = None
    external_user_state_changed: datetime | None = None
    on_premises_sync_enabled: bool | None = None
    last_password_change: datetime | None = LONG_AGO
    sign_in: SignIn | None = None
    """None leaves the property out, as for a user who never signed in."""
    methods: list[str] = field(default_factory=list)
    """``methodsRegistered`` of the registration report."""
    mfa_registered: bool | None = None
    """None follows from the methods."""
    mfa_capable: bool | None = None
    """None is what ``mfa_registered`` amounts to; False beside methods is a method that policy disallows."""
    admin: bool | None = None
    """``isAdmin`` of the report; None follows from the role assignments."""
    report_updated: datetime | None = None
    """When the report's row was made; None is the tenant's ``report_updated``."""

    def __post_init__(self) -> None:
        self.id = self.id or guid(self.user_principal_name)


@dataclass
class GraphGroup:
    """A group that may hold a role, its members by object id."""

    display_name: str
    members: list[str] = field(default_factory=list)
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or guid(f"group {self.display_name}")


@dataclass
class GraphServicePrincipal:
    """A service principal that may hold a role."""

    display_name: str
    app_id: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or guid(f"service principal {self.display_name}")
        self.app_id = self.app_id or guid(f"app {self.display_name}")


@dataclass
class RoleAssignment:
    """An active assignment of a directory role to a user, group or service principal."""

    principal_id: str
    role_definition_id: str = GLOBAL_ADMINISTRATOR
    directory_scope_id: str = "/"
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or guid(f"{self.principal_id} {self.role_definition_id} {self.directory_scope_id}")


@dataclass
class AppCredential:
    """A client secret or certificate of an application; v1.0 never tells when it was last used."""

    display_name: str | None = None
    start: datetime = LONG_AGO
    end: datetime | None = None
    key_id: str = ""
    hint: str | None = "abc"
    """The first three characters of a secret."""

    def __post_init__(self) -> None:
        self.key_id = self.key_id or guid(f"key {self.display_name} {self.start.isoformat()}")


@dataclass
class GraphApplication:
    """An application registration."""

    display_name: str
    passwords: list[AppCredential] = field(default_factory=list)
    """``passwordCredentials``."""
    keys: list[AppCredential] = field(default_factory=list)
    """``keyCredentials``."""
    app_id: str = ""
    id: str = ""
    created: datetime = LONG_AGO

    def __post_init__(self) -> None:
        self.id = self.id or guid(f"application {self.display_name}")
        self.app_id = self.app_id or guid(f"app {self.display_name}")


@dataclass
class GraphClient:
    """An application that may ask for tokens: its secret and the application permissions that were granted."""

    key: str = "graph-secret"
    """The client secret."""
    permissions: frozenset[str] = ALL_PERMISSIONS


@dataclass
class GraphTenant:
    """An Entra tenant."""

    users: list[GraphUser] = field(default_factory=list)
    groups: list[GraphGroup] = field(default_factory=list)
    service_principals: list[GraphServicePrincipal] = field(default_factory=list)
    role_assignments: list[RoleAssignment] = field(default_factory=list)
    applications: list[GraphApplication] = field(default_factory=list)
    tenant_id: str = "5f1c3a58-7f43-4a44-9d53-0d6f0a3c2b11"
    clients: dict[str, GraphClient] = field(
        default_factory=lambda: {"0c5e1b9a-2f8d-4a51-8f0e-6a3b7f1d9e42": GraphClient()}
    )
    """By client id."""
    premium: bool = True
    """Whether the tenant has Entra ID P1 or P2."""
    report_updated: datetime = LONG_AGO
    """When the registration report was made."""
    page_size: int = 100
    """Rows of a page without ``$top``."""
    sign_in_page_cap: int = 120
    """Rows of a page at most when ``signInActivity`` is selected; the vendor has changed the figure."""
    token_lifetime_s: int = 3599
    units_per_10s: int = 8000
    """Resource units of the directory limit (learn.microsoft.com/graph/throttling-limits, a large tenant)."""
