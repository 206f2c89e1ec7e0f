"""The users of an AWS account: passwords, MFA devices, access keys, certificates and administrators; the root user too.

API:        IAM query API 2010-05-08, SigV4: credential report, account summary, account authorization details, MFA
            devices of each user that has one, virtual MFA devices (for the root user's).
Privilege:  iam:GenerateCredentialReport, iam:GetCredentialReport, iam:GetAccountSummary,
            iam:GetAccountAuthorizationDetails, iam:ListMFADevices, iam:ListVirtualMFADevices.
Limits:     AWS makes a report at most every four hours, and its own time is the age of what is told. Devices take one
            request a user with a device: the plan is told before, administrators come first, and what a run has no time
            for is a gap. At most 4 requests in flight and ``requests_per_second``.
Unknown:    without iam:GetAccountAuthorizationDetails who is privileged; without iam:ListMFADevices the kind of device;
            without iam:GetAccountSummary whether the root user can sign in. Key ids, keys that the report has no column
            for, keys of single services (CodeCommit, Bedrock), SSH keys, roles and people of Identity Center are not
            read. A user's last use of a deleted password or key is not told.
Read:       docs.aws.amazon.com/IAM (API reference, credential reports, FIDO device ARNs), 2026-11-21.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
from yarl import URL

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.records import Account, Credential, field_names
from sources.common.aws_devices import FIELDS as DEVICES
from sources.common.aws_devices import Sweep, factors_of, factors_of_root, with_factors
from sources.common.aws_keys import Given, find_keys
from sources.common.aws_policies import FIELDS as ADMIN
from sources.common.aws_policies import Admins, read_admins
from sources.common.aws_query import AwsDenied, Query, explaining, signing
from sources.common.aws_records import to_account, to_credentials, to_root
from sources.common.aws_report import Report, Row, read_report
from sources.common.errors import SourceError
from sources.common.http import Api
from sources.common.limits import LIMITS, TIMING, Limits, Timing
from sources.common.settings import Secret
from sources.common.sigv4 import Scope
from sources.common.source import Context, Fact, Page, Probe, Source
from sources.common.tried import tried

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NEVER: Final = ("account.activated_at", "credential.expires_at")
_CREDENTIAL: Final = tuple(name for name in field_names(Credential) if name not in _NEVER)
_SUMMARY: Final = ("account.interactive",)
_PARTITIONS: Final = (
    ("cn-", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ("us-gov-", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
    ("", "https://iam.amazonaws.com", "us-east-1"),
)
"""Start of the region's name, IAM's address there, and the region that requests to it are signed for."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an ``aws_iam`` source."""

    region: str = "us-east-1"
    """A region of the account's partition; IAM is global within one."""
    endpoint_url: str | None = None
    """Address of IAM, when it is not the partition's own (a VPC endpoint, an emulator)."""
    access_key_id: Secret | None = None
    """Reference to an access key id; without keys, where the AWS tools look for them."""
    secret_access_key: Secret | None = None
    """Reference to its secret."""
    session_token: Secret | None = None
    """Reference to the token of temporary keys."""
    profile: str | None = None
    """Profile in the files of the AWS tools, when keys are neither here nor in the environment."""
    keys_only: Literal["human", "service", "bot"] = "human"
    """What a user without a password counts as, unless a ``classify`` rule matches. ``service`` takes such users out of
    the checks on people, so say it only if people have passwords."""
    requests_per_second: float = 5.0
    """Requests a second, over all sources with these keys."""


class _Summary(msgspec.Struct, frozen=True, rename="pascal"):
    """What the account summary counts."""

    summary_map: Mapping[str, int]


class _Any(msgspec.Struct, frozen=True):
    """An answer of which only the permission counts."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an account told, before the devices."""

    report: Report
    admins: Admins
    summary: Mapping[str, int] | None


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield credentials and accounts without a device, then accounts with one, administrators first.

    Raises ``Refused`` (the keys, or the credential report), ``Unreachable``, ``Throttled``, ``Malformed``,
    ``Truncated`` or ``Unconfigured``.
    """
    async with aclosing(read(config, ctx, await open_iam(config, ctx))) as pages:
        async for page in pages:
            yield page


async def open_iam(config: Config, ctx: Context, limits: Limits = LIMITS, timing: Timing = TIMING) -> Query:
    """Open IAM with the keys that are configured or found; raises ``Unconfigured``."""
    given = Given(config.access_key_id, config.secret_access_key, config.session_token, config.profile)
    keys = await find_keys(ctx, given, config.region)
    url, region = next((url, region) for start, url, region in _PARTITIONS if config.region.startswith(start))
    ours = replace(limits, credential=f"aws:{keys.access_key_id}", per_second=config.requests_per_second)
    authorize = signing(keys, Scope(region, "iam"), ctx.now)
    api = Api(ctx, config.endpoint_url or url, authorize, ours, explain=explaining(ctx.name, ctx.now), timing=timing)
    return Query(ctx.name, api, "iam", "2010-05-08", limits.pages)


async def read(config: Config, ctx: Context, iam: Query, timing: Timing = TIMING) -> AsyncGenerator[Page, None]:
    """Yield what the account tells, asked through ``iam``."""
    report = await read_report(iam, ctx, timing)
    summary, gap = await _summary(iam)
    told = _Told(report, await read_admins(iam), summary)
    users = [to_account(ctx.name, row, told.admins, config.keys_only) for row in report.rows if not row.is_root]
    roots, root_gap = await _root(ctx, iam, told)
    credentials = _credentials(ctx.name, told)
    bare = [account for account in users if account.mfa is not True]
    gaps = [one for one in (gap, root_gap, told.admins.gap, _extra(ctx.name, report)) if one is not None]
    claimed = _claimed(told, len(roots) + len(credentials))
    yield Page([*roots, *bare, *credentials], gaps, claimed, report.as_of)
    sweep = Sweep(ctx, iam, config.requests_per_second)
    swept: list[Account] = []
    async with aclosing(sweep.pages([account for account in users if account.mfa is True])) as pages:
        async for accounts in pages:
            swept += accounts
            yield Page(accounts, as_of=report.as_of)
    yield Page(gaps=sweep.gaps(swept), as_of=report.as_of)


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Ask for everything once, and for the devices of one user, and tell what a refusal costs."""
    try:
        asking = _Asking(await open_iam(config, ctx), ctx)
    except SourceError as fault:
        return [Probe("keys for AWS", ok=False, detail=str(fault), cause=fault.cause, costs=("account", "credential"))]
    return [
        await tried("iam:GenerateCredentialReport", ("account", "credential"), asking.generate()),
        await tried("iam:GetCredentialReport", ("account", "credential"), asking.report()),
        await tried("iam:GetAccountSummary", _SUMMARY, asking.any("GetAccountSummary")),
        await tried(
            "iam:GetAccountAuthorizationDetails", ADMIN, asking.any("GetAccountAuthorizationDetails", MaxItems="1")
        ),
        await tried("iam:ListVirtualMFADevices", DEVICES, asking.any("ListVirtualMFADevices", MaxItems="1")),
        await asking.devices(),
    ]


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: half a key, two ways to keys, an address without TLS, a rate of nothing."""
    found: list[str] = []
    if (config.access_key_id is None) is not (config.secret_access_key is None):
        found.append("access_key_id: needs secret_access_key, and the other way round")
    if config.session_token is not None and config.access_key_id is None:
        found.append("session_token: needs access_key_id and secret_access_key")
    if config.profile is not None and config.access_key_id is not None:
        found.append("profile: is not looked at beside access_key_id; keep one of them")
    if config.endpoint_url is not None and not _is_safe(config.endpoint_url):
        found.append("endpoint_url: must be https (http only to a loopback address)")
    if config.requests_per_second <= 0:
        found.append("requests_per_second: must be more than 0")
    return found


async def _summary(iam: Query) -> tuple[Mapping[str, int] | None, Gap | None]:
    try:
        return (await iam.call("GetAccountSummary", _Summary)).summary_map, None
    except AwsDenied as fault:
        return None, facts_gap(fault.cause, _SUMMARY, str(fault))


async def _root(ctx: Context, iam: Query, told: _Told) -> tuple[list[Account], Gap | None]:
    """Tell the root user with its device; an account without any user does not tell its own number."""
    if not told.report.rows:
        return [], None
    row = next((row for row in told.report.rows if row.is_root), None)
    arn = row.arn if row is not None else ":".join([*told.report.rows[0].arn.split(":")[:5], "root"])
    account = to_root(ctx.name, arn, row, told.summary)
    if account.mfa is not True:
        return [account], None
    try:
        return [with_factors(account, await factors_of_root(iam))], None
    except AwsDenied as fault:
        return [with_factors(account, fault.cause)], facts_gap(fault.cause, DEVICES, str(fault))


def _credentials(source: str, told: _Told) -> list[Credential]:
    gap = told.admins.gap
    power = gap.cause if gap is not None else Cause.NOT_EXPOSED

    def privileged(row: Row) -> bool | None:
        return True if row.is_root else told.admins.privileged(row.arn)

    return [
        one for row in told.report.rows for one in to_credentials(source, row, privileged=privileged(row), power=power)
    ]


def _claimed(told: _Told, others: int) -> int | None:
    """Count the records that there must be: the users that AWS counts now, less those who are newer than the report."""
    users = told.summary.get("Users") if told.summary is not None else None
    if users is None:
        return None
    shown = {row.arn for row in told.report.rows}
    since = told.report.generated
    new = sum(arn not in shown and created > since for arn, created in told.admins.created.items())
    return users - new + others


def _extra(source: str, report: Report) -> Gap | None:
    if not report.extra:
        return None
    detail = f"{source}: {report.extra} users have credentials that the report has no column for; see them in IAM"
    return facts_gap(Cause.UNSUPPORTED, (*_CREDENTIAL, "account.last_seen_at"), detail)


@dataclass(slots=True)
class _Asking:
    """One ``source test``."""

    iam: Query
    ctx: Context
    user: str | None = None
    """A user to ask for, once the report has shown one."""

    async def generate(self) -> str:
        """Ask for a report to be made."""
        await self.iam.call("GenerateCredentialReport", _Any)
        return "allowed"

    async def report(self) -> str:
        """Read the report."""
        report = await read_report(self.iam, self.ctx, TIMING)
        self.user = next((row.user for row in report.rows if not row.is_root), None)
        if report.contradicted:
            return f"made at {report.generated}, it says, and its rows tell of later; taken as of {report.as_of}"
        return f"{len(report.rows)} rows as of {report.as_of}"

    async def any(self, action: str, **params: str) -> str:
        """Ask for something of which only the permission counts."""
        await self.iam.call(action, _Any, params)
        return "allowed"

    async def devices(self) -> Probe:
        """Ask for the devices of one user."""
        asked = "iam:ListMFADevices"
        if self.user is None:
            return Probe(asked, ok=None, detail="there is no user to ask for", costs=DEVICES)
        return await tried(asked, DEVICES, self._devices(self.user))

    async def _devices(self, user: str) -> str:
        await factors_of(self.iam, user)
        return "allowed"


def _is_safe(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)


def _facts() -> tuple[Fact, ...]:
    report = "iam:GenerateCredentialReport and iam:GetCredentialReport"
    rights = {
        **dict.fromkeys(ADMIN, "iam:GetAccountAuthorizationDetails"),
        **dict.fromkeys(DEVICES, "iam:ListMFADevices, and iam:ListVirtualMFADevices for the root user"),
        "account.interactive": f"{report}; iam:GetAccountSummary for the root user",
    }
    notes = {
        "account": "IAM users and the root user as of the report; no roles, nobody of Identity Center.",
        "account.keys": "The user's name; not told of the root user, which belongs to no person.",
        "account.status": "An IAM user cannot be disabled, so all are active.",
        "account.klass": "Presumed human; the root user break_glass; without a password as keys_only says.",
        "account.interactive": "Whether there is a password.",
        "account.privileged": "Policies that allow everything, all of IAM or every role; no conditions or boundaries.",
        "account.last_seen_at": "The latest of password and access keys; a deleted one tells nothing.",
        "account.never_seen": "Only of users created since 2015-04-22, when AWS began to track keys.",
        "account.factors": "One request a user with a device. The root user's are strong at least.",
        "credential": "Two access keys and two signing certificates a user; no keys of single services, no SSH keys.",
        "credential.created_at": "The last rotation.",
        "credential.last_used_at": "Of access keys; not told of certificates.",
    }
    names = ("account", *field_names(Account), "credential", *field_names(Credential))
    return tuple(
        Fact(name, rights.get(name, report), Cause.DENIED, notes.get(name, "")) for name in names if name not in _NEVER
    )


SOURCE: Final = Source(
    title="AWS IAM: users, the root user, MFA devices, access keys and administrators",
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
