"""The company's accounts in the words of the providers that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from demo.draw import Lazily, draw
from demo.estate import Estate
from demo.people import Factor, Member
from demo.replicas.github_tenant import CredentialAuthorization, GithubTenant, GithubUser
from demo.replicas.graph_tenant import (
    ROLES,
    AppCredential,
    GraphApplication,
    GraphTenant,
    GraphUser,
    RoleAssignment,
    SignIn,
)
from demo.replicas.okta_tenant import OktaApiToken, OktaGroup, OktaTenant, OktaUser

_PLENTY: Final = 100_000_000
"""A rate limit that the demo never meets, since its sweeps are a few seconds apart."""
OKTA_FACTORS: Final[Mapping[Factor, str]] = {
    "key": "webauthn",
    "app": "push",
    "code": "token:software:totp",
    "text": "sms",
}
_OKTA_STATUS: Final = {"active": "ACTIVE", "locked": "LOCKED_OUT", "pending": "STAGED", "disabled": "DEPROVISIONED"}
_GRAPH_METHODS: Final[Mapping[Factor, str]] = {
    "key": "fido2SecurityKey",
    "app": "microsoftAuthenticatorPush",
    "code": "softwareOneTimePasscode",
    "text": "mobilePhone",
}
_ROLE_IDS: Final = {name: role for role, name in ROLES.items()}


@dataclass(frozen=True, slots=True)
class Tenants:
    """What the replicas serve; the story changes it while they do."""

    okta: OktaTenant
    okta_users: Lazily[OktaUser]
    """The users of ``okta``, by number."""
    graph: GraphTenant
    github: GithubTenant


def tenants(estate: Estate) -> Tenants:
    """Furnish the three providers."""
    users = Lazily(lambda number: okta_user(estate, estate.workforce(number)), estate.workforce_size)
    return Tenants(_okta(estate, users), users, _graph(estate), _github(estate))


# ------------------------------------------------------------------------------------------------------- Okta


def okta_id(estate: Estate, number: int) -> str:
    """Return the id of a user of the workforce's directory."""
    return f"00u{estate.seed % 4096:03x}{number:014x}"


def okta_user(estate: Estate, member: Member) -> OktaUser:
    """Write a member as an Okta user."""
    return OktaUser(
        id=okta_id(estate, member.number),
        login=member.login,
        status=_OKTA_STATUS[member.status],
        created=member.created_at,
        activated=member.activated_at,
        status_changed=member.activated_at,
        last_login=member.seen_at,
        last_updated=member.seen_at or member.created_at,
        password_changed=member.activated_at,
        factors=[OKTA_FACTORS[factor] for factor in member.factors],
        roles=list(member.roles),
    )


def _okta(estate: Estate, users: Lazily[OktaUser]) -> OktaTenant:
    helpdesk = [number for number in range(min(40, len(users))) if estate.workforce(number).group]
    groups = [
        OktaGroup("00g0000000000000001", "everyone"),
        OktaGroup(
            "00g0000000000000002", "helpdesk", [okta_id(estate, number) for number in helpdesk], ["HELP_DESK_ADMIN"]
        ),
    ]
    tokens = [
        OktaApiToken(
            key.id,
            key.name,
            okta_id(estate, key.owner or 0),
            created=key.created_at,
            last_updated=key.used_at or key.created_at,
        )
        for key in estate.tokens
    ]
    # The replica only reads its list of users: by position, by slice and one by one.
    tenant = OktaTenant(users=cast("list[OktaUser]", users), groups=groups, api_tokens=tokens)
    tenant.per_minute = dict.fromkeys(tenant.per_minute, _PLENTY)
    return tenant


# ------------------------------------------------------------------------------------------------------- Graph


def graph_user(member: Member) -> GraphUser:
    """Write a member as an Entra user; a leaver's and a guest's account is told as such."""
    return GraphUser(
        member.login,
        account_enabled=member.status != "disabled",
        user_type="Guest" if member.kind == "guest" else "Member",
        created=member.created_at,
        external_user_state="Accepted" if member.kind == "guest" else None,
        sign_in=None if member.seen_at is None else SignIn(member.seen_at, member.seen_at, member.seen_at),
        methods=[_GRAPH_METHODS[factor] for factor in member.factors],
    )


def _graph(estate: Estate) -> GraphTenant:
    users = Lazily(lambda number: graph_user(estate.office(number)), estate.office_size)
    admins = [member for number in range(min(9, len(users))) if (member := estate.office(number)).roles]
    assignments = [RoleAssignment(graph_user(member).id, _ROLE_IDS[role]) for member in admins for role in member.roles]
    applications = [
        GraphApplication(key.name, passwords=[AppCredential(f"{key.name} secret", key.created_at, key.ends_at)])
        for key in estate.secrets
    ]
    return GraphTenant(
        users=cast("list[GraphUser]", users),
        role_assignments=assignments,
        applications=applications,
        report_updated=estate.now,
        page_size=999,
        sign_in_page_cap=999,
        units_per_10s=_PLENTY,
    )


# ------------------------------------------------------------------------------------------------------- GitHub


def github_login(estate: Estate, number: int) -> str:
    """Return the handle of a member of the code host."""
    return estate.engineer(number).login.partition("@")[0].replace(".", "-")


def _github(estate: Estate) -> GithubTenant:
    members = [_github_user(estate, estate.engineer(number)) for number in range(estate.code_size)]
    authorized = [
        CredentialAuthorization(
            github_login(estate, key.owner or 0), authorized_at=key.created_at, accessed_at=key.used_at, title=key.name
        )
        for key in estate.code_tokens
    ]
    return GithubTenant(
        members=members,
        credential_authorizations=authorized,
        per_hour={"core": _PLENTY, "audit_log": _PLENTY},
        two_factor_requirement_enabled=False,
    )


def _github_user(estate: Estate, member: Member) -> GithubUser:
    strong = {"key", "app", "code"} & set(member.factors)
    return GithubUser(
        github_login(estate, member.number),
        two_factor="secure" if strong else "insecure" if member.factors else "disabled",
        role="admin" if member.roles else "member",
        public=draw(estate.seed, f"public/{member.number}").share(0) < 0.3,
    )
