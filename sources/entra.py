"""A Microsoft Entra tenant: its users, their second factors, its administrators, and the secrets of its applications.

API:        Microsoft Graph v1.0 with the token of an application (client credentials): /users with signInActivity, the
            report userRegistrationDetails, roleAssignments, roleEligibilityScheduleInstances and the members of groups
            with roles, /applications.
Privilege:  application permissions User.Read.All, AuditLog.Read.All, RoleManagement.Read.Directory,
            GroupMember.Read.All and Application.Read.All. /users/$count needs no more than User.Read.All.
Limits:     everything is bulk but the members of groups with a role, one request each. Pages are as large as Graph
            likes. ``requests_per_minute`` at most; Retry-After is honoured, and interactive traffic goes first.
Unknown:    without AuditLog.Read.All, or an Entra ID P1 licence, the last sign-in and MFA; without
            RoleManagement.Read.Directory or GroupMember.Read.All who is privileged; without Application.Read.All every
            credential. The report is up to a day old and leaves out disabled users; an enabled user without a row, and
            a guest whose factors are at home, are unknown. Secrets of service principals are not read, and Graph v1.0
            tells neither the owner nor the last use of any.
Read:       learn.microsoft.com/graph (users, signInActivity, userRegistrationDetails, roles, throttling), 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from checks.model.doubt import Cause, facts_gap
from checks.model.records import Account, Credential, field_names
from sources.common import graph_wire as wire
from sources.common.admins import FIELDS as ADMIN
from sources.common.admins import Admins
from sources.common.errors import Refused, Unconfigured
from sources.common.graph_api import Graph, open_graph
from sources.common.graph_report import FIELDS as MFA
from sources.common.graph_report import PATH as REPORT
from sources.common.graph_report import Report, Row, read_report
from sources.common.graph_roles import read_admins
from sources.common.graph_users import Counted
from sources.common.limits import LIMITS, TIMING, Limits, Timing
from sources.common.settings import Secret
from sources.common.source import Context, Fact, Page, Probe, Source
from sources.common.transport import may_carry_secrets
from sources.common.tried import tried

_USER: Final = "id,userPrincipalName,mail,accountEnabled,userType,createdDateTime,employeeId"
_APPLICATION: Final = "id,displayName,passwordCredentials,keyCredentials"
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_NEVER: Final = (
    "account.activated_at",
    "credential.owner",
    "credential.privileged",
    "credential.last_used_at",
    "credential.never_used",
    "credential.use_lag",
)
_CREDENTIAL: Final = tuple(name for name in field_names(Credential) if name not in _NEVER)
_STATUS: Final[Mapping[bool | None, str | None]] = {True: "active", False: "disabled", None: None}
_CLASSES: Final = {"Guest": ("guest", "provider"), "Member": ("human", "presumed"), None: ("human", "presumed")}
"""Class and basis by user type; accounts older than guests have none. Another word is Graph's, kept raw."""
_NOTHING: Final[dict[str, str]] = {}
_ACTIVITY: Final = ("account.activity_basis", "account.activity_lag", "account.last_seen_at", "account.never_seen")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an ``entra`` source."""

    tenant_id: str
    """Id or domain of the tenant."""
    client_id: str
    """Id of the application that asks."""
    client_secret: Secret
    """Reference to a client secret of the application."""
    authority: str = "https://login.microsoftonline.com"
    """Where tokens are issued; national clouds have their own."""
    graph: str = "https://graph.microsoft.com"
    """Where Graph is; national clouds have their own."""
    requests_per_minute: int = 600
    """Requests that we allow ourselves, over all sources with this secret."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield accounts, and then the secrets and certificates of applications.

    Raises ``Refused`` (the client, or User.Read.All), ``Unreachable``, ``Throttled``, ``Malformed``, ``Truncated`` or
    ``Unconfigured``.
    """
    async with aclosing(read(ctx, open_tenant(config, ctx))) as pages:
        async for page in pages:
            yield page


def open_tenant(config: Config, ctx: Context, limits: Limits = LIMITS, timing: Timing = TIMING) -> Graph:
    """Open the tenant within our share of its limits; raises ``Unconfigured``."""
    ours = replace(limits, credential=config.client_secret, per_second=config.requests_per_minute / 60)
    return open_graph(config, ctx, ours, timing)


async def read(ctx: Context, graph: Graph) -> AsyncGenerator[Page, None]:
    """Yield what the tenant tells, asked through ``graph``."""
    admins, named = await read_admins(graph, ctx.name)
    with closing(await read_report(graph)) as report, closing(Counted(ctx.name, graph, named)) as counted:
        gaps = [gap for gap in (admins.gap, report.gap) if gap is not None]
        yield Page(gaps=gaps, scopes=graph.credentials.permissions())
        await counted.start()
        async with aclosing(_accounts(graph, Known(ctx.name, admins, report), counted)) as pages:
            async for page in pages:
                yield page
        yield Page(gaps=await counted.gaps())
    async with aclosing(_credentials(ctx, graph)) as pages:
        async for page in pages:
            yield page


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Ask for a token and for one page of each list, and tell what a refusal costs."""
    try:
        graph = open_tenant(config, ctx)
    except Unconfigured as fault:
        return [
            Probe(
                "authority and graph", ok=False, detail=str(fault), cause=fault.cause, costs=("account", "credential")
            )
        ]
    token = await tried("client credentials", ("account", "credential"), _token(graph))
    if token.ok is not True:
        return [token]
    asked = (
        ("users (User.Read.All)", ("account",), "users", {"$select": _USER}),
        (
            "users with signInActivity (AuditLog.Read.All, P1)",
            _ACTIVITY,
            "users",
            {"$select": f"{_USER},signInActivity"},
        ),
        ("userRegistrationDetails (AuditLog.Read.All, P1)", MFA, REPORT, None),
        ("applications (Application.Read.All)", _CREDENTIAL, "applications", {"$select": _APPLICATION}),
    )
    lists = [await tried(f"GET {words}", costs, _readable(graph, path, params)) for words, costs, path, params in asked]
    roles = "GET roles, and members of groups with roles (RoleManagement.Read.Directory, GroupMember.Read.All)"
    return [token, *lists, await tried(roles, ADMIN, _roles(graph, ctx.name))]


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: a secret over plain HTTP, a tenant that is none, a rate of nothing."""
    found = [
        f"{key}: must be https (http only to a loopback address)"
        for key, url in (("authority", config.authority), ("graph", config.graph))
        if not may_carry_secrets(url)
    ]
    if not _TENANT.fullmatch(config.tenant_id):
        found.append("tenant_id: must be the tenant's id, or one of its domains")
    if config.requests_per_minute < 1:
        found.append("requests_per_minute: must be 1 or more")
    return found


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of all users before they are listed."""

    source: str
    admins: Admins
    report: Report
    inactive: Cause | None = None
    """Why sign-ins are not told; None when they are."""


def to_account(user: wire.User, row: Row | None, known: Known) -> Account:
    """Tell a user; the report decides MFA, and a user without a row there is not told to have none."""
    guest, created = user.user_type == "Guest", wire.real(user.created_date_time)
    told = known.report.absent(user) if row is None else row.guest if guest else row.member
    privileged = known.admins.privileged(user.id)
    if not privileged and row is not None and row.admin:
        privileged = True
    roles = known.admins.roles.get(user.id) if privileged is not False else ()
    seen = wire.activity(user.sign_in_activity, created) if known.inactive is None else wire.Activity()
    keys = tuple({key.lower(): None for key in (user.user_principal_name, user.mail, user.employee_id) if key})
    klass, basis = _CLASSES.get(user.user_type) or (user.user_type, "provider")
    whole = keys and roles is not None and created is not None and user.account_enabled is not None
    whole = whole and told.cause is None and seen.never is not None
    return Account(
        id=user.id,
        source=known.source,
        label=user.user_principal_name,
        why=_NOTHING
        if whole
        else _why(user, known, keys=keys, privileged=privileged, roles=roles, told=told, seen=seen),
        keys=keys or None,
        status=_STATUS[user.account_enabled],
        klass=klass,
        klass_basis=basis,
        interactive=True,
        privileged=privileged,
        roles=roles,
        created_at=created,
        mfa=told.mfa,
        factors=told.factors,
        last_seen_at=seen.last,
        never_seen=seen.never,
        activity_lag=seen.lag,
        activity_basis=seen.basis,
    )


def to_credentials(source: str, application: wire.Application, now: datetime) -> Iterator[Credential]:
    """Tell the secrets and certificates of an application; what has expired is no longer active."""
    secrets, certificates = application.password_credentials or (), application.key_credentials or ()
    kinds = (("app_secret", "password", secrets), ("signing_certificate", "key", certificates))
    for kind, path, credentials in kinds:
        for one in credentials:
            created, expires = wire.real(one.start_date_time), wire.real(one.end_date_time)
            times = {"created_at": created, "expires_at": expires}
            names = (application.display_name, one.display_name)
            yield Credential(
                id=f"{application.id}/{path}/{one.key_id}",
                source=source,
                label=": ".join(name for name in names if name) or None,
                why={name: Cause.NOT_EXPOSED for name, moment in times.items() if moment is None},
                kind=kind,
                status="inactive" if expires is not None and expires <= now else "active",
                created_at=created,
                expires_at=expires,
            )


async def _accounts(graph: Graph, known: Known, counted: Counted) -> AsyncGenerator[Page, None]:
    """Read the users with their sign-ins; where those are refused, once more without."""
    params = {"$select": f"{_USER},signInActivity"}
    try:
        first = graph.api.decode(await graph.get("users", params), wire.USERS)
    except Refused as fault:
        first = graph.api.decode(await graph.get("users", {"$select": _USER}), wire.USERS)
        known = replace(known, inactive=fault.cause)
        yield Page(gaps=[facts_gap(fault.cause, _ACTIVITY, str(fault))])
    counted.add(first.value)
    yield Page(records=_told(first, known))
    if first.next is not None:
        async with aclosing(graph.pages(first.next, wire.USERS)) as pages:
            async for page in pages:
                counted.add(page.value)
                yield Page(records=_told(page, known))


def _told(page: wire.Users, known: Known) -> list[Account]:
    report = known.report
    numbers = report.of([user.id for user in page.value])
    return [to_account(user, report.row(numbers.get(user.id)), known) for user in page.value]


async def _credentials(ctx: Context, graph: Graph) -> AsyncGenerator[Page, None]:
    """Read the applications; a refusal costs facts of credentials, and no check on accounts."""
    try:
        async with aclosing(graph.pages("applications", wire.APPLICATIONS, {"$select": _APPLICATION})) as pages:
            async for page in pages:
                found = (to_credentials(ctx.name, application, ctx.started) for application in page.value)
                yield Page(records=[credential for credentials in found for credential in credentials])
    except Refused as fault:
        yield Page(gaps=[facts_gap(fault.cause, _CREDENTIAL, str(fault))])


def _why(
    user: wire.User,
    known: Known,
    *,
    keys: tuple[str, ...],
    privileged: bool | None,
    roles: tuple[str, ...] | None,
    told: wire.Told,
    seen: wire.Activity,
) -> dict[str, str]:
    """Say why facts of a user are not told."""
    why: dict[str, str] = {} if keys else {"keys": Cause.NOT_EXPOSED}
    if roles is None:
        why["roles"] = known.admins.cause
    if roles is None and not privileged:
        why["privileged"] = known.admins.cause
    if told.cause is not None:
        why |= {name: told.cause for name in ("factors", "mfa") if getattr(told, name) is None}
    if seen.never is None:
        why["never_seen"] = known.inactive or Cause.NOT_EXPOSED
    if seen.last is None and seen.never is None:
        why |= dict.fromkeys(("last_seen_at", "activity_lag", "activity_basis"), why["never_seen"])
    if user.account_enabled is None:
        why["status"] = Cause.NOT_EXPOSED
    if wire.real(user.created_date_time) is None:
        why["created_at"] = Cause.NOT_EXPOSED
    return why


async def _token(graph: Graph) -> str:
    await graph.credentials.token()
    return f"holds {', '.join(sorted(graph.credentials.permissions())) or 'permissions that it does not name'}"


async def _readable(graph: Graph, path: str, params: Mapping[str, str] | None) -> str:
    await graph.get(path, params)
    return "readable"


async def _roles(graph: Graph, source: str) -> str:
    admins, _ = await read_admins(graph, source)
    if admins.gap is not None:
        raise Refused(admins.gap.detail, cause=admins.gap.cause)
    return "readable"


def _facts() -> tuple[Fact, ...]:
    audit, roles = "AuditLog.Read.All and Entra ID P1", "RoleManagement.Read.Directory and GroupMember.Read.All"
    rights = {**dict.fromkeys((*MFA, *_ACTIVITY), audit), **dict.fromkeys(ADMIN, roles)}
    notes = {
        "account.klass": "Guests by user type; all others are presumed human unless a classify rule matches.",
        "account.mfa": "isMfaCapable of a report that is up to a day old; disabled users are not in it.",
        "account.factors": "Methods registered; which of several are allowed, the report does not say.",
        "account.last_seen_at": "The last success; an attempt where no success is kept. Up to a day late.",
        "account.never_seen": "Not told of accounts from before April 2020.",
        "account.privileged": "Directory roles held, eligible, or through a group; not roles of Azure resources.",
        "credential.status": "Expired ones are inactive.",
    }
    told = [name for name in (*field_names(Account), *_CREDENTIAL) if name not in _NEVER]
    own = dict.fromkeys(_CREDENTIAL, "Application.Read.All")
    return (
        Fact("account", "User.Read.All", Cause.DENIED, "All users, disabled and guests too; deleted ones are not."),
        Fact(
            "credential", "Application.Read.All", Cause.DENIED, "Of application registrations, not service principals."
        ),
        *(
            Fact(
                name,
                rights.get(name) or own.get(name, "User.Read.All"),
                Cause.UNLICENSED if rights.get(name) == audit else Cause.DENIED,
                notes.get(name, ""),
            )
            for name in told
        ),
    )


SOURCE: Final = Source(
    title="Microsoft Entra ID: users, MFA registration, administrators and application secrets",
    config=Config,
    yields=(Account, Credential),
    fetch=fetch,
    test=probe,
    facts=_facts(),
    every=timedelta(minutes=15),
    max_age=timedelta(hours=24),
    never=_NEVER,
    check=faults,
)
