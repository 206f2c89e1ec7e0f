"""An Okta org: its users, their second factors, its administrators and its API tokens.

API:        Okta management API v1 (OpenAPI document 2026.06.3), ``Authorization: SSWS``: users by ``search``, which has
            deactivated ones too; authenticator enrollments per user (Identity Engine), factors per user where an org
            has none (Classic); users with roles, groups with their roles and members; API tokens.
Privilege:  an API token of a read-only administrator; as OAuth scopes okta.users.read, okta.roles.read,
            okta.groups.read and okta.apiTokens.read.
Limits:     factors take one request a live user, roles one a group and one an administrator: the plan is told before,
            administrators come first, and what a run has no time for is a gap. At most 4 requests in flight and
            ``requests_per_minute``; a tenth of every rate limit is left to the org.
Unknown:    without okta.roles.read or okta.groups.read who is privileged; without okta.apiTokens.read every credential;
            where the token may not see a user's factors, that user's MFA. The last sign-in is to Okta itself, and a
            token's last use is its last update. A search lags behind changes by seconds. In a Classic org the list of
            factors holds those that the enrolment policy admits from where we ask.
Read:       okta/okta-management-openapi-spec and developer.okta.com (rate limits), 2026-11-21.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.records import Account, Credential, field_names
from sources.common import okta_wire as wire
from sources.common.admins import FIELDS as ADMIN
from sources.common.admins import Admins
from sources.common.errors import Malformed, Refused, Unconfigured
from sources.common.http import Api, static_header
from sources.common.limits import LIMITS, TIMING, Limits, Timing
from sources.common.okta_admins import read_admins
from sources.common.okta_factors import FIELDS as MFA
from sources.common.okta_factors import FactorsOf, explain_for
from sources.common.okta_users import PATH as USERS
from sources.common.okta_users import Users
from sources.common.pages import each, link_next
from sources.common.settings import Secret
from sources.common.source import Context, Fact, Page, Plan, Probe, Progress, Source
from sources.common.transport import may_carry_secrets
from sources.common.tried import tried

Class = Literal["human", "service", "guest", "bot", "break_glass"]

_NEVER: Final = ("credential.never_used",)
_CREDENTIAL: Final = tuple(name for name in field_names(Credential) if name not in _NEVER)
_LIVE: Final = frozenset({"active", "locked"})
_PAGE: Final = 100
_SHARE: Final = 0.9
"""The part of the time that is left which a sweep may plan with."""
_LOGIN_LAG: Final = timedelta(hours=1)
_TOKEN_LAG: Final = timedelta(days=1)
_NOT_ASKED: Final[dict[str, str]] = {"factors": Cause.NOT_EXPOSED, "mfa": Cause.NOT_EXPOSED}
_FIRST: Final[Mapping[bool | None, int]] = {True: 0, None: 1, False: 2}
"""Administrators, those who may be, all others."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an ``okta`` source."""

    url: str
    """The org, as ``https://example.okta.com``."""
    token: Secret
    """Reference to an API token (SSWS)."""
    fastpass: Literal["strong", "phishing_resistant"] = "strong"
    """Strength of Okta FastPass, which the org's policy decides; the latter takes a second request a user."""
    user_type_classes: Mapping[str, Class] = {}
    """Values of the profile attribute ``userType`` to a class of accounts; all other users are presumed human."""
    requests_per_minute: int = 240
    """Share of the org's rate limits that we take, over all sources with this token."""
    factors: bool = True
    """Whether factors are asked for, one request a live user; without them MFA is not told."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield tokens, accounts without a sign-in, and then live accounts with their factors, administrators first.

    Raises ``Refused`` (the token, or okta.users.read), ``Unreachable``, ``Throttled``, ``Malformed``, ``Truncated`` or
    ``Unconfigured``.
    """
    async with aclosing(read(config, ctx, await open_api(config, ctx))) as pages:
        async for page in pages:
            yield page


async def open_api(config: Config, ctx: Context, limits: Limits = LIMITS, timing: Timing = TIMING) -> Api:
    """Open the org with its token, within our share of its limits; raises ``Unconfigured``."""
    token = await ctx.secret(config.token)
    ours = replace(limits, credential=config.token, per_second=config.requests_per_minute / 60, bucket=_bucket)
    header = static_header("Authorization", f"SSWS {token}")
    return Api(ctx, config.url, header, ours, explain=explain_for(ctx.name), timing=timing)


async def read(config: Config, ctx: Context, api: Api) -> AsyncGenerator[Page, None]:
    """Yield what the org tells, asked through ``api``."""
    admins = await read_admins(api)
    yield Page(gaps=[admins.gap] if admins.gap is not None else [])
    yield await _tokens(ctx, api, admins)
    live = _Live(config, ctx, api)
    everybody = Users(ctx.name, api)
    async with aclosing(everybody.pages()) as listed:
        async for users in listed:
            accounts = [to_account(ctx.name, user, admins, config.user_type_classes) for user in users]
            yield Page(records=live.put_off(users, accounts))
    yield Page(gaps=await everybody.gaps(admins.roles, ctx.started))
    async with aclosing(live.pages()) as pages:
        async for page in pages:
            yield page


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Ask each list for one row, and for the factors of one user, and tell what a refusal costs."""
    try:
        api = await open_api(config, ctx)
    except Unconfigured as fault:
        return [Probe("url and token", ok=False, detail=str(fault), cause=fault.cause, costs=("account", "credential"))]
    asking = _Asking(config, api)
    return [
        await tried("GET /api/v1/users (okta.users.read)", ("account",), asking.ids("api/v1/users")),
        await asking.factors(),
        await tried("GET /api/v1/iam/assignees/users (okta.roles.read)", ADMIN, asking.assignees()),
        await tried("GET /api/v1/groups (okta.groups.read)", ADMIN, asking.ids("api/v1/groups")),
        await tried("GET /api/v1/api-tokens (okta.apiTokens.read)", _CREDENTIAL, asking.ids("api/v1/api-tokens")),
    ]


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: a token over plain HTTP, a rate of nothing, a user type that is there twice."""
    found: list[str] = []
    if not may_carry_secrets(config.url):
        found.append("url: must be https, as https://example.okta.com (http only to a loopback address)")
    if config.requests_per_minute < 1:
        found.append("requests_per_minute: must be 1 or more")
    if len({word.lower() for word in config.user_type_classes}) < len(config.user_type_classes):
        found.append("user_type_classes: two words differ by case alone, which does not matter")
    return found


def to_account(source: str, user: wire.User, admins: Admins, classes: Mapping[str, Class]) -> Account:
    """Tell a user; factors are not told yet, and a null last sign-in says that there was none."""
    profile, seen = user.profile, user.last_login
    privileged = admins.privileged(user.id)
    roles = admins.roles.get(user.id) if privileged is not False else ()
    keys = tuple({key.lower(): None for key in (profile.login, profile.email, profile.employee_number) if key})
    klass, basis = _class_of(profile.user_type, classes) if classes else ("human", "presumed")
    told = keys and roles is not None and user.activated is not None and seen is not UNSET
    return Account(
        id=user.id,
        source=source,
        label=profile.login,
        why=_NOT_ASKED if told else _NOT_ASKED | _untold(user, keys, roles, admins),
        keys=keys or None,
        status=wire.STATUSES.get(user.status, user.status),
        klass=klass,
        klass_basis=basis,
        interactive=True,
        privileged=privileged,
        roles=roles,
        created_at=_utc(user.created),
        activated_at=_utc(user.activated),
        last_seen_at=None if seen is UNSET else _utc(seen),
        never_seen=None if seen is UNSET else seen is None,
        activity_lag=_LOGIN_LAG,
        activity_basis="login_only",
    )


def to_credential(source: str, token: wire.ApiToken, admins: Admins) -> Credential:
    """Tell an API token; its last update is no earlier than its last use, and a token never updated tells none."""
    used = token.last_updated
    if used is not None and token.created is not None and used <= token.created:
        used = None
    told = {
        "owner": token.user_id,
        "privileged": None if token.user_id is None else admins.privileged(token.user_id),
        "created_at": _utc(token.created),
        "expires_at": _utc(token.expires_at),
        "last_used_at": _utc(used),
        "use_lag": None if used is None else _TOKEN_LAG,
    }
    why: dict[str, str] = {name: Cause.NOT_EXPOSED for name, value in told.items() if value is None}
    if "privileged" in why and token.user_id is not None:
        why["privileged"] = admins.cause
    base = Credential(id=token.id, source=source, label=token.name, why=why, kind="api_token", status="active")
    return msgspec.structs.replace(base, **told)


def with_factors(account: Account, told: wire.Enrolled) -> Account:
    """Add what an account's list of factors tells."""
    why = {name: cause for name, cause in account.why.items() if name not in _NOT_ASKED}
    if told.cause is not None:
        why |= {name: told.cause for name in _NOT_ASKED if getattr(told, name) is None}
    return msgspec.structs.replace(account, mfa=told.mfa, factors=told.factors, why=why)


@dataclass(slots=True)
class _Live:
    """The live accounts, which wait for their factors until everybody is known."""

    config: Config
    ctx: Context
    api: Api
    waiting: list[Account] = field(default_factory=list)
    federated: set[str] = field(default_factory=set)
    """Ids of accounts that sign in elsewhere."""

    def put_off(self, users: Iterable[wire.User], accounts: Iterable[Account]) -> list[Account]:
        """Keep the live accounts for later, and return the others, whose factors nobody needs."""
        rest: list[Account] = []
        not_asked = wire.Enrolled(cause=Cause.NOT_CONFIGURED)
        for user, account in zip(users, accounts, strict=True):
            if account.status not in _LIVE:
                rest.append(account)
            elif not self.config.factors:
                rest.append(with_factors(account, not_asked))
            else:
                self.waiting.append(account)
                if _signs_in_elsewhere(user):
                    self.federated.add(account.id)
        return rest

    async def pages(self) -> AsyncGenerator[Page, None]:
        """Yield the accounts that wait with their factors, administrators first, as many as the run has time for."""
        if not self.config.factors:
            detail = f"{self.ctx.name}: factors = false, so none is asked for"
            yield Page(gaps=[facts_gap(Cause.NOT_CONFIGURED, MFA, detail)])
            return
        self.waiting.sort(key=lambda account: _FIRST[account.privileged])
        factors = FactorsOf(self.api, self.config.fastpass)
        room = self._plan(factors)

        async def ask(account: Account) -> wire.Enrolled:
            return await factors.of(account.id, federated=account.id in self.federated)

        done: list[Account] = []
        async with aclosing(each(self.waiting[:room], ask)) as answers:
            async for account, told in answers:
                done.append(with_factors(account, told))
                if len(done) == _PAGE:
                    yield Page(records=done)
                    done = []
        late = wire.Enrolled(cause=Cause.TRUNCATED)
        done += [with_factors(account, late) for account in self.waiting[room:]]
        yield Page(records=done, gaps=[*factors.gaps(self.ctx.name), *self._too_late(room)])

    def _plan(self, factors: FactorsOf) -> int:
        """Tell what the sweep will cost, and return how many accounts the run has time for."""
        per_second = self.config.requests_per_minute / 60
        room = max(0, int(self.api.left() * per_second * _SHARE)) // factors.each_costs
        requests = min(room, len(self.waiting)) * factors.each_costs
        self.api.plan = Plan(requests, requests / per_second)
        self.ctx.progress(Progress(self.api.answered, self.api.plan))
        return room

    def _too_late(self, room: int) -> Sequence[Gap]:
        if room >= len(self.waiting):
            return ()
        asked = f"{self.ctx.name}: the run has time for the factors of {room} of {len(self.waiting)} live accounts"
        detail = f"{asked} at requests_per_minute = {self.config.requests_per_minute}; raise timeout, or the rate"
        return (facts_gap(Cause.TRUNCATED, MFA, detail),)


@dataclass(slots=True)
class _Asking:
    """One ``source test``."""

    config: Config
    api: Api
    user: str | None = None
    """A user to ask for, once the list has shown one."""

    async def ids(self, path: str) -> str:
        """Ask a list for one row."""
        rows = self.api.decode(await self.api.get(path, {"limit": "1"}), wire.IDS)
        if path == USERS and rows:
            self.user = rows[0].id
        return "readable"

    async def assignees(self) -> str:
        """Ask for one user with a role."""
        self.api.decode(await self.api.get("api/v1/iam/assignees/users", {"limit": "1"}), wire.ASSIGNEES)
        return "readable"

    async def factors(self) -> Probe:
        """Ask for the factors of one user."""
        asked = "GET /api/v1/users/{id}/authenticator-enrollments, or factors (okta.users.read)"
        if self.user is None:
            return Probe(asked, ok=None, detail="there is no user to ask for", costs=MFA)
        return await tried(asked, MFA, self._factors(self.user))

    async def _factors(self, user: str) -> str:
        factors = FactorsOf(self.api)
        told = await factors.of(user, federated=False)
        if told.cause is Cause.DENIED:
            raise Refused("the token may not read a user's factors; grant okta.users.read")
        return "factors (Classic Engine)" if factors.classic else "authenticator enrollments (Identity Engine)"


async def _tokens(ctx: Context, api: Api, admins: Admins) -> Page:
    """Read the API tokens; a refusal costs facts of credentials, and no check on accounts."""
    found: list[Credential] = []
    try:
        async for answer in api.pages("api/v1/api-tokens", next_of=link_next):
            tokens = api.decode(answer, wire.API_TOKENS)
            found += [to_credential(ctx.name, token, admins) for token in tokens]
    except Refused as fault:
        return Page(records=found, gaps=[facts_gap(fault.cause, _CREDENTIAL, str(fault))])
    return Page(records=found)


def _untold(user: wire.User, keys: tuple[str, ...], roles: tuple[str, ...] | None, admins: Admins) -> dict[str, str]:
    """Say why facts of a user are not told."""
    why: dict[str, str] = {}
    if roles is None:
        why["roles"] = admins.cause
        if user.id not in admins.roles:
            why["privileged"] = why["roles"]
    if user.activated is None:
        why["activated_at"] = Cause.NOT_EXPOSED
    if user.last_login is UNSET:
        why |= {"last_seen_at": Cause.NOT_EXPOSED, "never_seen": Cause.NOT_EXPOSED}
    if not keys:
        why["keys"] = Cause.NOT_EXPOSED
    return why


def _signs_in_elsewhere(user: wire.User) -> bool:
    provider = user.credentials.provider if user.credentials is not None else None
    return provider is not None and provider.type in wire.FEDERATED


def _class_of(word: str | None, classes: Mapping[str, Class]) -> tuple[str, str]:
    for told, klass in classes.items():
        if word is not None and told.lower() == word.lower():
            return klass, f"rule:userType {told}"
    return "human", "presumed"


def _utc(moment: datetime | None) -> datetime | None:
    try:
        return moment if moment is None or moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise Malformed("Okta told a time that is outside the calendar; report it") from None


def _bucket(path: str) -> str:
    """Name the rate limit that a path falls under: each list has its own, and one user's things share one."""
    parts = path.strip("/").split("/")[2:]
    return "user" if parts[:1] == ["users"] and len(parts) > 1 else "".join(parts[:1])


def _facts() -> tuple[Fact, ...]:
    own = {
        "status": "Deactivated and suspended users are disabled; staged and provisioned ones pending.",
        "klass": "Presumed human unless userType is mapped or a classify rule matches.",
        "last_seen_at": "The last sign-in to Okta; a long session, or the use of an API token, does not count.",
        "never_seen": "A null last sign-in.",
        "mfa": "One request a live user. Only active factors count; passwords and temporary access codes never do.",
        "factors": "Okta Verify is rated strong, FastPass as configured. A Classic org tells what its policy admits.",
    }
    rights = dict.fromkeys(ADMIN, "okta.roles.read and okta.groups.read")
    told = (
        Fact(name, rights.get(name, "okta.users.read"), Cause.DENIED, own.get(name.partition(".")[2], ""))
        for name in field_names(Account)
    )
    keys = {
        "last_used_at": "The last update, which is no earlier than the last use; not told of a token never updated.",
        "expires_at": "Slides with use.",
        "owner": "API tokens of users; secrets and keys of OAuth service apps are not read.",
    }
    tokens = (
        Fact(name, "okta.apiTokens.read", Cause.DENIED, keys.get(name.partition(".")[2], "")) for name in _CREDENTIAL
    )
    account = Fact("account", "okta.users.read", Cause.DENIED, "Users of every status; a search lags by seconds.")
    return (account, *told, Fact("credential", "okta.apiTokens.read", Cause.DENIED, "API tokens of users."), *tokens)


SOURCE: Final = Source(
    title="Okta: users, factors, administrators and API tokens",
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
