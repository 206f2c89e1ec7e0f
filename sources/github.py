"""A GitHub organisation: members, owners, outside collaborators, their second factors and their tokens.

API:        REST, version 2022-11-28, of github.com, GHE.com or an Enterprise Server: members by role, outside
            collaborators, both with the filters 2fa_disabled and 2fa_insecure, credential authorisations (with SAML),
            fine-grained tokens (for GitHub Apps).
Privilege:  a classic token of an owner with read:org; or a GitHub App, or an owner's fine-grained token, with the
            organisation permissions Members: read and Administration: read; for fine-grained tokens an App that has
            Personal access tokens: read too.
Limits:     a hundred people a request, 10 requests a second at most, a tenth of the hourly limit left to the others.
            A 403 that asks to wait is a limit, not a refusal.
Unknown:    without an owner's token second factors, and whom the lists leave out; without read:org (or Members: read)
            GitHub shows public members alone with status 200, which is a gap. GitHub tells neither when an account was
            created nor when it was last active, nor when a token was made; tokens without SAML, SSH keys of people and
            deploy keys are not read. A managed user's factors are the identity provider's.
Read:       docs.github.com/rest (members, outside collaborators, personal access tokens, rate limits), 2026-11-21.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from yarl import URL

from checks.model.doubt import Cause, Gap, facts_gap, members_gap
from checks.model.records import Account, Credential, field_names
from sources.common import github_wire as wire
from sources.common.errors import Refused, Unconfigured
from sources.common.github_factors import FIELDS as MFA
from sources.common.github_factors import NONE, WEAK, Factors, read_factors
from sources.common.http import Answer, Api, Ask
from sources.common.limits import LIMITS, TIMING, Limits, Timing
from sources.common.pages import link_next
from sources.common.settings import Secret
from sources.common.source import Context, Fact, Page, Probe, Source
from sources.common.tried import tried
from sources.common.urls import segment

_VERSION: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SEES_MEMBERS: Final = frozenset({"read:org", "write:org", "admin:org"})
_WITHOUT_SCOPES: Final = ("github_pat_", "ghs_")
"""How fine-grained tokens and those of an App's installation start."""
_NEVER: Final = (
    "account.created_at",
    "account.activated_at",
    "account.never_seen",
    "account.activity_lag",
    "account.activity_basis",
    "credential.created_at",
)
_SEEN: Final = ("account.last_seen_at",)
_CREDENTIAL: Final = tuple(name for name in field_names(Credential) if name not in _NEVER)
_KINDS: Final = {"personal access token": "pat", "ssh key": "ssh_key"}
_ROLES: Final = (("admin", True, ("owner",)), ("member", False, ()))
"""GitHub's word, whether it administers the organisation, and the roles that we tell."""
_PER_SECOND: Final = 10.0
_SECONDARY_WAIT: Final = timedelta(seconds=60)
"""How long to wait for a secondary limit that names no time."""
_LAG: Final = timedelta(days=1)
"""How late GitHub may tell the use of a token; it documents none."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``github`` source."""

    org: str
    """The organisation's login."""
    token: Secret
    """Reference to a token of an owner, or of an App."""
    url: str = "https://api.github.com"
    """The API; that of an Enterprise Server ends in ``/api/v3``."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield members, owners first, then outside collaborators, then tokens.

    Raises ``Refused`` (the token, the organisation or its members), ``Unreachable``, ``Throttled``, ``Malformed``,
    ``Truncated`` or ``Unconfigured``.
    """
    async with aclosing(read(config, ctx, await open_api(config, ctx))) as pages:
        async for page in pages:
            yield page


async def open_api(config: Config, ctx: Context, limits: Limits = LIMITS, timing: Timing = TIMING) -> Api:
    """Open the API with its token, within our share of its limits; raises ``Unconfigured``."""
    token = await ctx.secret(config.token)
    wait = max(limits.throttle_wait, _SECONDARY_WAIT)
    ours = replace(limits, credential=config.token, per_second=_PER_SECOND, throttle_wait=wait)

    async def authorize(ask: Ask) -> Mapping[str, str]:
        return {**_VERSION, "Authorization": f"Bearer {token}"}

    explain = wire.explaining(ctx.name, config.org)
    return Api(ctx, config.url, authorize, ours, explain=explain, timing=timing)


async def read(config: Config, ctx: Context, api: Api) -> AsyncGenerator[Page, None]:
    """Yield what the organisation tells, asked through ``api``."""
    run = await _opened(config, ctx, api)
    yield Page(gaps=[_unseen(ctx.name)], scopes=sorted(run.scopes or ()))
    factors = await read_factors(api, f"{run.path}/members")
    for word, privileged, roles in _ROLES:
        listed = api.pages(f"{run.path}/members", {"role": word, "per_page": "100"}, next_of=link_next)
        async with aclosing(listed) as answers:
            async for answer in answers:
                yield Page(run.accounts(answer, factors, privileged=privileged, roles=roles))
    outside = await run.outside()
    yield outside
    gap = await run.hidden(factors, outside)
    yield Page(gaps=[*factors.gaps, *([gap] if gap is not None else [])])
    async with aclosing(run.credentials()) as pages:
        async for page in pages:
            yield page


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Ask each list for one row, and tell what a refusal costs."""
    path = f"orgs/{segment(config.org)}"
    try:
        api = await open_api(config, ctx)
    except Unconfigured as fault:
        return [Probe("url and token", ok=False, detail=str(fault), cause=fault.cause, costs=("account", "credential"))]

    def listed(costs: Sequence[str], name: str, **query: str) -> Awaitable[Probe]:
        shown = "&".join(f"{key}={value}" for key, value in query.items())
        words = f"GET /orgs/{{org}}/{name}{'?' if shown else ''}{shown}"
        return tried(words, costs, _readable(api, f"{path}/{name}", query))

    return [
        await tried("GET /orgs/{org}", ("account", "credential"), _kind_of_token(config, ctx, api)),
        await tried("all members (read:org, or Members: read)", ("account",), _all_members(config, ctx, api)),
        await listed(MFA, "members", filter=NONE),
        await listed(("account.factors",), "members", filter=WEAK),
        await listed(("account",), "outside_collaborators"),
        await listed(_CREDENTIAL, "credential-authorizations"),
        await listed(_CREDENTIAL, "personal-access-tokens"),
    ]


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: an organisation without a name, a token over plain HTTP."""
    found: list[str] = []
    if not config.org or "/" in config.org:
        found.append("org: must be the login of an organisation, as in https://github.com/LOGIN")
    if not _is_safe(config.url):
        found.append("url: must be https, as https://api.github.com (http only to a loopback address)")
    return found


def to_account(
    source: str, user: wire.User, factors: Factors, *, privileged: bool, roles: tuple[str, ...], guest: bool = False
) -> Account:
    """Tell a member or an outside collaborator (a guest)."""
    klass, basis = _class_of(user.type, guest=guest)
    mfa, why = factors.of(user)
    return Account(
        id=str(user.id),
        source=source,
        label=user.login,
        why={"last_seen_at": Cause.NOT_EXPOSED.value, **why},
        keys=(user.login.lower(),),
        status="active",
        klass=klass,
        klass_basis=basis,
        interactive=user.type != "Bot",
        privileged=privileged,
        roles=roles,
        **mfa,
    )


def to_authorization(source: str, told: wire.Authorization, holder: tuple[str, bool] | None) -> Credential:
    """Tell a credential that is authorised for single sign-on; ``holder`` is its owner's id and power, if known."""
    kind = _KINDS.get(told.credential_type.lower(), told.credential_type.lower())
    label = told.authorized_credential_title or told.authorized_credential_note
    shown = f"{told.login} {label or told.credential_type}"
    expires = told.authorized_credential_expires_at
    return _credential(
        Credential(id=f"authorization/{told.credential_id}", source=source, label=shown, kind=kind, status="active"),
        holder,
        used=told.credential_accessed_at,
        expires=expires,
    )


def to_grant(source: str, told: wire.Grant, holder: tuple[str, bool] | None) -> Credential:
    """Tell a fine-grained token; one that has expired is inactive."""
    status = "inactive" if told.token_expired else "active"
    shown = f"{told.owner.login} {told.token_name or 'fine-grained token'}"
    base = Credential(id=f"grant/{told.id}", source=source, label=shown, kind="pat", status=status)
    one = _credential(base, holder, used=told.token_last_used_at, expires=told.token_expires_at)
    why = {name: cause for name, cause in one.why.items() if name != "owner"}
    return msgspec.structs.replace(one, owner=str(told.owner.id), why=why)


def _credential(
    base: Credential, holder: tuple[str, bool] | None, *, used: datetime | None, expires: datetime | None
) -> Credential:
    """Add owner and use; a null last use says that there was none."""
    told: dict[str, Any] = {
        "owner": None if holder is None else holder[0],
        "privileged": None if holder is None else holder[1],
        "expires_at": _utc(expires),
    }
    why: dict[str, str] = {name: Cause.NOT_EXPOSED.value for name, value in told.items() if value is None}
    return msgspec.structs.replace(
        base, why=why, last_used_at=_utc(used), never_used=used is None, use_lag=_LAG, **told
    )


@dataclass(slots=True)
class _Run:
    """What one run has learnt so far."""

    ctx: Context
    api: Api
    path: str
    scopes: frozenset[str] | None
    """Scopes of a classic token; None: it is of another kind."""
    people: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Id, and whether it is an owner of the organisation, by login in lower case."""

    def accounts(
        self, answer: Answer, factors: Factors, *, privileged: bool, roles: tuple[str, ...], guest: bool = False
    ) -> list[Account]:
        """Tell a page of people, and remember whose logins they are."""
        users = self.api.decode(answer, wire.USERS)
        self.people |= {user.login.lower(): (str(user.id), privileged) for user in users}
        name = self.ctx.name
        return [to_account(name, one, factors, privileged=privileged, roles=roles, guest=guest) for one in users]

    async def outside(self) -> Page:
        """Tell the outside collaborators; if they are refused, some people may be missing."""
        path, found = f"{self.path}/outside_collaborators", list[Account]()
        try:
            factors = await read_factors(self.api, path)
            async for answer in self.api.pages(path, {"per_page": "100"}, next_of=link_next):
                found += self.accounts(answer, factors, privileged=False, roles=(), guest=True)
        except Refused as fault:
            return Page(found, [members_gap(fault.cause, str(fault))])
        return Page(found, factors.gaps)

    async def hidden(self, factors: Factors, outside: Page) -> Gap | None:
        """Say that members may be hidden, unless something proves that all are shown.

        GitHub shows public members to everybody, with status 200. We are shown the others if we were answered a list
        that is not for everybody, or are members ourselves; and a classic token takes a scope besides.
        """
        inside = factors.none is not None or not any(gap.kind == "members" for gap in outside.gaps)
        if self.scopes is not None:
            inside = bool(self.scopes & _SEES_MEMBERS) and (inside or await self._belongs())
        if inside:
            return None
        asked = f"{self.ctx.name}: GET /{self.path}/members shows public members alone to this token"
        return members_gap(Cause.DENIED, f"{asked}; use a member's, with the scope read:org or Members: read")

    async def _belongs(self) -> bool:
        answer = await self.api.get(f"user/memberships/{self.path}", ok=(200, 403, 404))
        return answer.status == 200 and self.api.decode(answer, wire.MEMBERSHIP).state == "active"

    async def credentials(self) -> AsyncGenerator[Page, None]:
        """Tell tokens, and the gap of all that no list shows."""
        name = self.ctx.name
        async for page in self._listed("credential-authorizations", self._authorizations):
            yield page
        if self.scopes is None:
            async for page in self._listed("personal-access-tokens", self._grants):
                yield page
        else:
            detail = f"{name}: fine-grained tokens are shown to GitHub Apps alone; install one to see them"
            yield Page(gaps=[facts_gap(Cause.NOT_EXPOSED, _CREDENTIAL, detail)])

    async def _listed(self, name: str, told: Callable[[Answer], list[Credential]]) -> AsyncGenerator[Page, None]:
        listed = self.api.pages(f"{self.path}/{name}", {"per_page": "100"}, next_of=link_next)
        try:
            async with aclosing(listed) as answers:
                async for answer in answers:
                    yield Page(told(answer))
        except Refused as fault:
            yield Page(gaps=[facts_gap(fault.cause, _CREDENTIAL, str(fault))])

    def _authorizations(self, answer: Answer) -> list[Credential]:
        rows = self.api.decode(answer, wire.AUTHORIZATIONS)
        return [to_authorization(self.ctx.name, one, self.people.get(one.login.lower())) for one in rows]

    def _grants(self, answer: Answer) -> list[Credential]:
        rows = self.api.decode(answer, wire.GRANTS)
        return [to_grant(self.ctx.name, one, self.people.get(one.owner.login.lower())) for one in rows]


async def _opened(config: Config, ctx: Context, api: Api) -> _Run:
    path = f"orgs/{segment(config.org)}"
    return _Run(ctx, api, path, _scopes(await api.get(path), await ctx.secret(config.token)))


async def _readable(api: Api, path: str, query: Mapping[str, str]) -> str:
    await api.get(path, {**query, "per_page": "1"})
    return "readable"


async def _kind_of_token(config: Config, ctx: Context, api: Api) -> str:
    scopes = (await _opened(config, ctx, api)).scopes
    return "a token without scopes (fine-grained, or of an App)" if scopes is None else ", ".join(sorted(scopes))


async def _all_members(config: Config, ctx: Context, api: Api) -> str:
    run = await _opened(config, ctx, api)
    await _readable(api, f"{run.path}/members", {})
    gap = await run.hidden(await read_factors(api, f"{run.path}/members"), await run.outside())
    if gap is not None:
        raise Refused(gap.detail)
    return "shown"


def _scopes(answer: Answer, token: str) -> frozenset[str] | None:
    """Read the scopes of a classic token; other kinds have none, and no such header or an empty one."""
    told = answer.headers.get("x-oauth-scopes")
    if told is None or token.startswith(_WITHOUT_SCOPES):
        return None
    return frozenset(word.strip() for word in told.split(",") if word.strip())


def _unseen(source: str) -> Gap:
    detail = f"{source}: GitHub tells nobody's last activity; ask the identity provider that its people sign in with"
    return facts_gap(Cause.NOT_EXPOSED, _SEEN, detail)


def _class_of(word: str, *, guest: bool) -> tuple[str, str]:
    if word == "User":
        return ("guest", "provider") if guest else ("human", "presumed")
    return word.lower(), "provider"


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _is_safe(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)


def _facts() -> tuple[Fact, ...]:
    members, owner = "read:org, or Members: read", "an owner's token with read:org, or Members: read"
    tokens = "an owner's token with read:org (SAML), an App with Personal access tokens: read"
    rights = {"account": owner, **dict.fromkeys(MFA, owner), **dict.fromkeys(_SEEN, "none")}
    notes = {
        "account": "Members and outside collaborators; nobody who was invited and has not come yet.",
        "account.keys": "The login; GitHub shows no e-mail address.",
        "account.status": "GitHub lists those alone who are in.",
        "account.klass": "Members are presumed human, outside collaborators are guests, bots are told.",
        "account.privileged": "Owners of the organisation.",
        "account.mfa": "Who is not in the list of those without. A managed user's is the identity provider's.",
        "account.factors": "Text messages or not; never more.",
        "account.last_seen_at": "Not told by any list; the audit log is not read.",
        "credential": "What is authorised for SAML, and fine-grained tokens; nothing else is shown.",
        "credential.last_used_at": "Of its use in this organisation.",
    }
    found = []
    for name in ("account", *field_names(Account), "credential", *field_names(Credential)):
        right = rights.get(name, members) if name.startswith("account") else tokens
        cause = Cause.NOT_EXPOSED if name in _SEEN else Cause.DENIED
        found += [Fact(name, right, cause, notes.get(name, ""))] if name not in _NEVER else []
    return tuple(found)


SOURCE: Final = Source(
    title="GitHub organisation: members, owners, outside collaborators, second factors and tokens",
    config=Config,
    yields=(Account, Credential),
    fetch=fetch,
    test=probe,
    facts=_facts(),
    every=timedelta(hours=1),
    max_age=timedelta(hours=24),
    never=_NEVER,
    check=faults,
)
