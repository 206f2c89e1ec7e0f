"""An Entra tenant tells its users, MFA registration, administrators and application secrets; silence is never a no."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from checks import admin_mfa, key_age, mfa_coverage, stale_access
from checks.model.check import Check
from checks.model.doubt import Cause
from checks.model.fold import Fold, Part, Question
from checks.model.records import Account, Credential, Factor
from checks.model.result import Result
from checks.model.state import Verdict
from demo.replicas import graph as replica
from demo.replicas.faults import (
    Drop,
    Effect,
    EmptyPage,
    EndEarly,
    Erase,
    Failed,
    Faults,
    ForeignNext,
    NextLoop,
    Omit,
    Repeat,
    Replace,
    Shrink,
    Stall,
    Throttled,
    Truncate,
    WrongShape,
)
from demo.replicas.graph import (
    ALL_PERMISSIONS,
    AppCredential,
    GraphApplication,
    GraphClient,
    GraphGroup,
    GraphServicePrincipal,
    RoleAssignment,
    SignIn,
)
from demo.replicas.graph import GraphTenant as Tenant
from demo.replicas.graph import GraphUser as User
from demo.replicas.serve import serving
from sources.common import graph_wire as wire
from sources.common.errors import Malformed, Refused, SourceError, Truncated, Unreachable
from sources.common.errors import Throttled as Waiting
from sources.common.graph_users import Counted
from sources.common.limits import LIMITS, Limits, Timing
from sources.common.lookup import Lookup
from sources.common.settings import from_toml
from sources.entra import SOURCE, Config, open_tenant, probe, read
from tests.sources.contract import breaches, breaches_of_probes
from tests.support.builders import ago, ahead, known_of
from tests.support.clock import NOW
from tests.support.context import Collected, LentContext, collect, lent_context

CLIENT = "0c5e1b9a-2f8d-4a51-8f0e-6a3b7f1d9e42"
ELIGIBLE = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
COUNT = "/v1.0/users/$count"
USERS, REPORT = "/v1.0/users", "/v1.0/reports/authenticationMethods/userRegistrationDetails"
HELD, APPLICATIONS = "/v1.0/roleManagement/directory/roleAssignments", "/v1.0/applications"
SIGNED_IN = SignIn(interactive=ago("1d"), non_interactive=ago("1d"), successful=ago("2d"))
PUSH = ["microsoftAuthenticatorPush"]
SLOW = Limits(attempts=2, read=timedelta(milliseconds=200), request=timedelta(milliseconds=300))
ADMIN_FIELDS, MFA_FIELDS = ("account.privileged", "account.roles"), ("account.factors", "account.mfa")
ACTIVITY_FIELDS = ("account.activity_basis", "account.activity_lag", "account.last_seen_at", "account.never_seen")
CREDENTIAL_FIELDS = ("credential.created_at", "credential.expires_at", "credential.kind", "credential.status")


@dataclass
class Glass:
    """A clock that only sleeping moves."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.at += seconds

    def timing(self) -> Timing:
        """Give the clock, without chance."""
        return Timing(lambda: self.at, self.sleep, lambda: 0.0)


@dataclass
class Asked:
    """One tenant that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end."""
        graph = open_tenant(self.config, self.ctx, limits, self.glass.timing())
        return await collect(read(self.ctx, graph))

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


@asynccontextmanager
async def asking(
    folder: Path,
    tenant: Tenant,
    *effects: tuple[str, Effect],
    eligible: Callable[[], web.Response] | None = None,
    **keys: Any,
) -> AsyncIterator[Asked]:
    """Serve a tenant, with one fault a path, and lend what a run needs; ``eligible`` answers for roles to activate."""
    faults = Faults()
    for path, effect in effects:
        faults.inject(path, effect)
    app = replica.app(tenant, faults)

    async def instances(request: web.Request) -> web.Response:
        assert eligible is not None
        return eligible()

    if eligible is not None:
        app.router.add_get(ELIGIBLE, instances)
    async with serving(app) as origin:
        table = {
            "tenant_id": tenant.tenant_id,
            "client_id": CLIENT,
            "client_secret": "env:ENTRA",
            "authority": origin,
            "graph": origin,
            **keys,
        }
        deadline = timedelta(minutes=30)
        async with lent_context(folder, name="entra", secrets={"env:ENTRA": "graph-secret"}, deadline=deadline) as ctx:
            yield Asked(ctx, faults, table)


async def collected(folder: Path, tenant: Tenant, *effects: tuple[str, Effect]) -> Collected:
    """Serve a tenant, run the source over it once, and hold what it told to the contract of a source."""
    async with asking(folder, tenant, *effects) as asked:
        found = await asked.collect()
    never = {f"account/1 {one.id!r}" for one in by_id(found).values() if one.never_seen is True}
    nothing_to_tell = {f"{one}: last_seen_at is not told, and no why says so" for one in never}
    assert set(breaches(SOURCE, "entra", found)) - nothing_to_tell == set()
    return found


def by_id(found: Collected) -> dict[str, Account]:
    """Index the accounts."""
    return {record.id: record for record in found.records if isinstance(record, Account)}


def person(name: str = "ana", **told: Any) -> User:
    """Build a member who signed in two days ago and has a push authenticator."""
    return User(f"{name}@example.org", name, **{"sign_in": SIGNED_IN, "methods": list(PUSH), **told})


def people(count: int) -> list[User]:
    """Build so many of them."""
    return [person(f"user-{at:04}") for at in range(count)]


def without(*permissions: str, **told: Any) -> Tenant:
    """Build a tenant of three whose application lacks permissions."""
    client = GraphClient(permissions=ALL_PERMISSIONS - set(permissions))
    return Tenant(**{"users": people(3), "clients": {CLIENT: client}, **told})


def verdict(check: Check, found: Collected) -> Result:
    """Judge what was told, as the engine does."""
    gaps = tuple(msgspec.structs.replace(gap, source="entra") for gap in found.gaps)
    known = known_of(check, [record for record in found.records if check.knows and isinstance(record, check.knows)])
    question = Question(
        name="check",
        check=check,
        policy=check.policy(),
        threshold=1.0,
        now=NOW,
        parts=[Part("entra", NOW, gaps)],
        known=known,
    )
    fold = Fold(question)
    fold.feed([record for record in found.records if isinstance(record, check.over)])
    return fold.result()


# ------------------------------------------------------------------------------------------------------ accounts


async def test_a_user_is_told_whole(tmp_path: Path) -> None:
    """Every field of an ordinary member is told, in our words; the manifest names the permissions held."""
    found = await collected(tmp_path, Tenant([person(mail="Ana.Lima@Example.org", employee_id="E-17")]))
    assert found.records == (
        Account(
            id="ana",
            source="entra",
            label="ana@example.org",
            keys=("ana@example.org", "ana.lima@example.org", "e-17"),
            status="active",
            klass="human",
            klass_basis="presumed",
            interactive=True,
            privileged=False,
            roles=(),
            created_at=replica.LONG_AGO,
            mfa=True,
            factors=(Factor("microsoftAuthenticatorPush", "strong"),),
            last_seen_at=ago("2d"),
            never_seen=False,
            activity_lag=timedelta(hours=24),
            activity_basis="success",
        ),
    )
    assert found.gaps == ()
    assert "AuditLog.Read.All" in found.pages[0].scopes


@pytest.mark.parametrize(
    ("kind", "klass", "basis"),
    [
        pytest.param("Member", "human", "presumed", id="a-member-is-presumed-human"),
        pytest.param("Guest", "guest", "provider", id="a-guest-is-told"),
        pytest.param(None, "human", "presumed", id="older-than-guests"),
        pytest.param("Robot", "Robot", "provider", id="a-new-word-stays"),
    ],
)
async def test_a_user_type_tells_the_class(tmp_path: Path, kind: str | None, klass: str, basis: str) -> None:
    """Guests are told by the provider, members are presumed human, and a new word is kept raw."""
    account = by_id(await collected(tmp_path, Tenant([person(user_type=kind)])))["ana"]
    assert (account.klass, account.klass_basis) == (klass, basis)


async def test_a_field_that_is_missing_is_not_told(tmp_path: Path) -> None:
    """A status, a creation or a name that the answer leaves out is unknown, and the account stays."""
    erased = [(USERS, Erase(name)) for name in ("accountEnabled", "createdDateTime", "userPrincipalName", "mail")]
    account = by_id(await collected(tmp_path, Tenant([person()]), *erased))["ana"]
    assert (account.status, account.created_at, account.keys) == (None, None, None)
    assert set(account.why) == {"status", "created_at", "keys"}
    assert verdict(mfa_coverage.CHECK, await collected(tmp_path, Tenant([person()]), *erased)).tally.unknown == 1


async def test_a_leave_date_is_never_asked_for(tmp_path: Path) -> None:
    """Without a permission of its own the leave date is null and says nothing, so it is no part of the question."""
    async with asking(tmp_path, Tenant([person(employee_leave=ago("3d"))])) as asked:
        await asked.collect()
        selected = [seen.query.get("$select", "") for seen in asked.faults.seen]
    assert not any("employeeLeaveDateTime" in names for names in selected)


@pytest.mark.parametrize("name", ["\x1b[31mroot\x07", "\u202eadmin\u2066", "[bold]x[/]", "a\nb"])
async def test_a_hostile_name_is_data(tmp_path: Path, name: str) -> None:
    """A name is kept as it is, for those who draw it to make harmless."""
    found = await collected(tmp_path, Tenant([User(name, "ana", sign_in=SIGNED_IN, methods=list(PUSH))]))
    assert [record.label for record in found.records] == [name]


# ------------------------------------------------------------------------------------------------------ last use

START = wire.SUCCESS_SINCE
YOUNG = ago("100d")


@pytest.mark.parametrize(
    ("signed", "created", "told"),
    [
        pytest.param(
            SignIn(ago("1h"), ago("1h"), ago("5d")),
            YOUNG,
            (ago("5d"), False, timedelta(hours=24), "success"),
            id="a-success-counts-not-a-later-attempt",
        ),
        pytest.param(
            SignIn(ago("3d"), ago("1d")),
            YOUNG,
            (YOUNG, None, timedelta(days=99, hours=24), "attempt"),
            id="attempts-alone-may-all-have-failed",
        ),
        pytest.param(
            SignIn(ago("3d")),
            datetime(2021, 5, 1, tzinfo=UTC),
            (START, None, ago("3d") - START + timedelta(hours=24), "attempt"),
            id="successes-are-kept-since-december-2023",
        ),
        pytest.param(
            SignIn(datetime(2022, 6, 1, tzinfo=UTC)),
            datetime(2021, 5, 1, tzinfo=UTC),
            (datetime(2022, 6, 1, tzinfo=UTC), None, timedelta(hours=24), "attempt"),
            id="an-old-attempt-stands",
        ),
        pytest.param(SignIn(), YOUNG, (None, True, timedelta(hours=24), "any"), id="the-year-one-is-never"),
        pytest.param(None, YOUNG, (None, True, timedelta(hours=24), "any"), id="left-out-is-never"),
        pytest.param(
            None, datetime(2019, 1, 1, tzinfo=UTC), (None, None, None, None), id="older-than-the-record-is-not-told"
        ),
    ],
)
async def test_the_last_use_is_what_the_tenant_proves(
    tmp_path: Path,
    signed: SignIn | None,
    created: datetime,
    told: tuple[datetime | None, bool | None, timedelta | None, str | None],
) -> None:
    """A success is a use; an attempt bounds it; nothing is never, unless the account is older than the record."""
    account = by_id(await collected(tmp_path, Tenant([person(sign_in=signed, created=created)])))["ana"]
    assert (account.last_seen_at, account.never_seen, account.activity_lag, account.activity_basis) == told


async def test_failed_attempts_do_not_keep_an_account_alive(tmp_path: Path) -> None:
    """An account under attack that nobody signs in to is not told to be in use."""
    tenant = Tenant([person(sign_in=SignIn(interactive=ago("1h")), created=ago("800d"))])
    assert verdict(stale_access.CHECK, await collected(tmp_path, tenant)).verdict is not Verdict.PASS


async def test_where_successes_are_not_kept_at_all_an_attempt_counts(tmp_path: Path) -> None:
    """A cloud whose answer has no such property gives the attempt, and says so."""
    signed = SignIn(interactive=ago("3d"))
    found = await collected(
        tmp_path,
        Tenant([person(sign_in=signed)]),
        (USERS, Erase("signInActivity.lastSuccessfulSignInDateTime")),
    )
    assert (by_id(found)["ana"].last_seen_at, by_id(found)["ana"].activity_basis) == (ago("3d"), "attempt")


@pytest.mark.parametrize(
    ("tenant", "cause"),
    [
        pytest.param(Tenant(people(3), premium=False), Cause.UNLICENSED, id="no-licence"),
        pytest.param(without("AuditLog.Read.All"), Cause.DENIED, id="no-permission"),
    ],
)
async def test_without_sign_ins_the_users_are_read_all_the_same(tmp_path: Path, tenant: Tenant, cause: Cause) -> None:
    """One more question without signInActivity; then MFA and activity are gaps, and everything else is told."""
    found = await collected(tmp_path, tenant)
    assert {(gap.cause, gap.fields) for gap in found.gaps} == {(cause, ACTIVITY_FIELDS), (cause, MFA_FIELDS)}
    account = by_id(found)["user-0000"]
    assert (account.status, account.privileged, account.last_seen_at, account.never_seen) == (
        "active",
        False,
        None,
        None,
    )
    assert account.why == dict.fromkeys(
        ("mfa", "factors", "last_seen_at", "never_seen", "activity_lag", "activity_basis"), cause.value
    )
    for check in (mfa_coverage.CHECK, stale_access.CHECK):
        assert verdict(check, found).verdict is Verdict.UNKNOWN


# ------------------------------------------------------------------------------------------------------- factors


@pytest.mark.parametrize(
    ("told", "mfa", "factors", "cause"),
    [
        pytest.param({"methods": []}, False, (), None, id="none"),
        pytest.param({"methods": ["fido2"]}, True, (("fido2", "phishing_resistant"),), None, id="a-security-key"),
        pytest.param(
            {"methods": ["windowsHelloForBusiness", "passKeyDeviceBound"]},
            True,
            (("passKeyDeviceBound", "phishing_resistant"), ("windowsHelloForBusiness", "phishing_resistant")),
            None,
            id="passkeys",
        ),
        pytest.param(
            {"methods": ["mobilePhone", "softwareOneTimePasscode"]},
            True,
            (("mobilePhone", "weak"), ("softwareOneTimePasscode", "strong")),
            None,
            id="text-and-code",
        ),
        pytest.param({"methods": ["email", "password"]}, False, (), None, id="what-only-resets-is-no-factor"),
        pytest.param(
            {"methods": ["temporaryAccessPass"], "mfa_capable": True},
            True,
            None,
            "not_exposed",
            id="capable-by-nothing-that-counts",
        ),
        pytest.param({"methods": ["irisScan"]}, True, (("irisScan", None),), None, id="a-new-word-has-no-strength"),
        pytest.param(
            {"methods": ["fido2"], "mfa_registered": True, "mfa_capable": False},
            False,
            (),
            None,
            id="registered-and-not-allowed",
        ),
        pytest.param({"methods": [], "user_type": "Guest"}, None, None, "federated", id="a-guest's-are-at-home"),
        pytest.param(
            {"methods": ["fido2"], "user_type": "Guest"},
            True,
            (("fido2", "phishing_resistant"),),
            None,
            id="a-guest-with-one-here",
        ),
        pytest.param({"account_enabled": False}, None, None, "not_exposed", id="disabled-users-are-left-out"),
    ],
)
async def test_the_report_decides(
    tmp_path: Path,
    told: dict[str, Any],
    mfa: bool | None,  # noqa: FBT001 - a column of the table
    factors: tuple[tuple[str, str | None], ...] | None,
    cause: str | None,
) -> None:
    """``isMfaCapable`` is the yes or no; methods are rated, and a word that is new to us has no strength."""
    account = by_id(await collected(tmp_path, Tenant([person(**told)])))["ana"]
    assert account.mfa is mfa
    assert account.factors == (None if factors is None else tuple(Factor(*pair) for pair in factors))
    assert account.why.get("factors") == cause


@pytest.mark.parametrize(
    ("kind", "cause"),
    [pytest.param("Member", "truncated", id="member"), pytest.param("Guest", "federated", id="guest")],
)
async def test_an_enabled_user_whom_the_report_omits_is_unknown(tmp_path: Path, kind: str, cause: str) -> None:
    """A missing row is not a no: the report is late, or the user is another tenant's."""
    users = [person("ana", user_type=kind), person("bob")]
    found = await collected(tmp_path, Tenant(users), (REPORT, Omit(frozenset({"ana"}))))
    assert by_id(found)["ana"].why == {"factors": cause, "mfa": cause}
    assert by_id(found)["bob"].mfa is True
    if kind == "Member":
        result = verdict(mfa_coverage.CHECK, found)
        assert (result.tally.failed, result.tally.unknown) == (0, 1)


async def test_a_row_without_its_answer_is_unknown(tmp_path: Path) -> None:
    """A report that leaves ``isMfaCapable`` out has told nothing."""
    found = await collected(tmp_path, Tenant([person()]), (REPORT, Erase("isMfaCapable")))
    assert by_id(found)["ana"].why == {"factors": "not_exposed", "mfa": "not_exposed"}


async def test_a_report_of_many_users_does_not_stay_in_memory() -> None:
    """Past its limit a lookup moves to disk, and finds the same."""
    lookup = Lookup(limit=10)
    for start in range(0, 3_000, 7):
        lookup.add({f"id-{at}": at % 5 for at in range(start, min(start + 7, 3_000))})
    wanted = [f"id-{at}" for at in range(4_000)]
    found = lookup.find(wanted)
    lookup.close()
    assert found == {f"id-{at}": at % 5 for at in range(3_000)}


# ------------------------------------------------------------------------------------------------ administrators


async def test_administrators_hold_roles_themselves_or_through_a_group(tmp_path: Path) -> None:
    """Members of a group with a role have it; a service principal's role is nobody's account."""
    users = [person("ana"), person("bob"), person("cid")]
    group = GraphGroup("Admins", members=["bob"])
    robot = GraphServicePrincipal("deploy")
    assignments = [
        RoleAssignment("ana"),
        RoleAssignment("ana", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
        RoleAssignment(group.id, "fe930be7-5e62-47db-91af-98c3a49a38b1"),
        RoleAssignment(robot.id),
    ]
    tenant = Tenant(users, [group], [robot], assignments)
    found = by_id(await collected(tmp_path, tenant))
    assert {name: (one.privileged, one.roles) for name, one in found.items()} == {
        "ana": (True, ("Global Administrator", "Global Reader")),
        "bob": (True, ("User Administrator",)),
        "cid": (False, ()),
    }


async def test_members_of_a_group_are_read_to_the_last_page(tmp_path: Path) -> None:
    """Nobody on a later page of a group, or of the assignments, is lost."""
    users = people(12)
    group = GraphGroup("Admins", members=[user.id for user in users[:7]])
    assignments = [RoleAssignment(group.id), *(RoleAssignment(user.id) for user in users[7:])]
    tenant = Tenant(users, [group], role_assignments=assignments, page_size=3)
    assert {one.privileged for one in by_id(await collected(tmp_path, tenant)).values()} == {True}


def refusal(status: int, code: str) -> Callable[[], web.Response]:
    """Answer with an error of Graph's."""
    return lambda: web.json_response({"error": {"code": code, "message": "no"}}, status=status)


async def test_who_may_activate_a_role_is_an_administrator(tmp_path: Path) -> None:
    """A role that is only eligible is a role: whoever has it can take it up at will; so can members of a group."""
    group = GraphGroup("On call", members=["bob"])
    rows = [
        {"principalId": principal, "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "directoryScopeId": "/"}
        for principal in ("ana", group.id)
    ]
    users = [person("ana"), person("bob"), person("cid")]
    async with asking(tmp_path, Tenant(users, [group]), eligible=lambda: web.json_response({"value": rows})) as asked:
        found = by_id(await asked.collect())
    assert {name: (one.privileged, one.roles) for name, one in found.items()} == {
        "ana": (True, ("Global Administrator (eligible)",)),
        "bob": (True, ("Global Administrator (eligible)",)),
        "cid": (False, ()),
    }


@pytest.mark.parametrize(
    ("eligible", "privileged", "cause"),
    [
        pytest.param(refusal(400, "AadPremiumLicenseRequired"), False, None, id="a-tenant-without-the-feature"),
        pytest.param(refusal(404, "ResourceNotFound"), False, None, id="a-cloud-without-the-feature"),
        pytest.param(refusal(403, "Authorization_RequestDenied"), None, Cause.DENIED, id="no-permission"),
        pytest.param(refusal(400, "BadRequest"), None, Cause.DENIED, id="a-refusal-that-is-new"),
    ],
)
async def test_only_a_tenant_without_eligible_roles_has_none(
    tmp_path: Path,
    eligible: Callable[[], web.Response],
    privileged: bool | None,  # noqa: FBT001 - a column of the table
    cause: Cause | None,
) -> None:
    """A missing feature proves that nobody may activate a role; any other refusal leaves it open."""
    async with asking(tmp_path, Tenant(people(1)), eligible=eligible) as asked:
        found = await asked.collect()
    assert by_id(found)["user-0000"].privileged is privileged
    assert [gap.cause for gap in found.gaps] == ([] if cause is None else [cause])


@pytest.mark.parametrize("missing", ["RoleManagement.Read.Directory", "GroupMember.Read.All"])
async def test_without_a_list_of_administrators_nobody_is_proven_to_be_none(tmp_path: Path, missing: str) -> None:
    """A missing permission is a gap in the two facts; the report still names those whom it knows to be one."""
    users = people(3)
    group = GraphGroup("Admins", members=[users[1].id])
    tenant = without(missing, users=users, groups=[group], role_assignments=[RoleAssignment(group.id)])
    found = await collected(tmp_path, tenant)
    told = {name: one.privileged for name, one in by_id(found).items()}
    assert told == {"user-0000": None, "user-0001": True, "user-0002": None}
    assert [(gap.cause, gap.fields) for gap in found.gaps] == [(Cause.DENIED, ADMIN_FIELDS)]
    assert verdict(admin_mfa.CHECK, found).verdict is Verdict.UNKNOWN
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.PASS


# ------------------------------------------------------------------------------------------------------- secrets


async def test_secrets_and_certificates_of_applications_are_told(tmp_path: Path) -> None:
    """Kind, age and expiry; what has expired is inactive, and neither owner nor last use is ever told."""
    application = GraphApplication(
        "Payroll",
        passwords=[
            AppCredential("prod", ago("40d"), ahead("300d"), key_id="k1"),
            AppCredential("old", ago("900d"), ago("200d"), key_id="k2"),
        ],
        keys=[AppCredential(None, ago("10d"), ahead("90d"), key_id="k1")],
        id="app",
    )
    found = await collected(tmp_path, Tenant(people(1), applications=[application]))
    told = {one.id: one for one in found.records if isinstance(one, Credential)}
    assert told["app/password/k1"] == Credential(
        id="app/password/k1",
        source="entra",
        label="Payroll: prod",
        kind="app_secret",
        status="active",
        created_at=ago("40d"),
        expires_at=ahead("300d"),
    )
    assert told["app/password/k2"].status == "inactive"
    assert (told["app/key/k1"].kind, told["app/key/k1"].label) == ("signing_certificate", "Payroll")
    assert verdict(key_age.CHECK, found).tally.passed == 0


async def test_applications_that_may_not_be_read_blind_the_checks_of_keys_alone(tmp_path: Path) -> None:
    """A missing permission is a gap in every fact of a credential, and costs no account anything."""
    found = await collected(tmp_path, without("Application.Read.All"))
    assert [(gap.cause, gap.kind, gap.fields) for gap in found.gaps] == [(Cause.DENIED, "facts", CREDENTIAL_FIELDS)]
    blind = verdict(key_age.CHECK, found)
    assert (blind.verdict, blind.tally.barred) == (Verdict.UNKNOWN, True)
    for check in (mfa_coverage.CHECK, stale_access.CHECK):
        assert verdict(check, found).verdict is Verdict.PASS


# ------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("table", "says"),
    [
        pytest.param({"client_id": "nobody"}, "unauthorized_client 700016", id="another-client"),
        pytest.param({"tenant_id": "elsewhere.example"}, "invalid_request 90002", id="another-tenant"),
        pytest.param({"client_secret": "env:WRONG"}, "invalid_client 7000215", id="another-secret"),
    ],
)
async def test_a_client_that_is_not_accepted_ends_the_run(tmp_path: Path, table: dict[str, Any], says: str) -> None:
    """The refusal gives the vendor's code and the next step, and never the secret."""
    async with asking(tmp_path, Tenant(people(1)), **table) as asked:
        asked.ctx.secrets = {"env:ENTRA": "graph-secret", "env:WRONG": "wr0ng-secret"}
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert says in str(fault)
    assert "sources.entra" in str(fault)
    assert "secret" not in str(fault).replace("the secret of", "")


async def test_without_the_users_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """User.Read.All is what the whole source rests on."""
    async with asking(tmp_path, without("User.Read.All")) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "GET /v1.0/users answered 403" in str(fault)


async def test_a_token_is_fetched_once_and_again_before_it_expires(tmp_path: Path) -> None:
    """Many questions share one token; when its time is nearly up the next question brings a new one."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        graph = open_tenant(asked.config, asked.ctx)
        first = await graph.credentials.token()
        assert await graph.credentials.token() == first
        asked.ctx.at += timedelta(minutes=56)
        assert await graph.credentials.token() != first
        assert asked.faults.asked("*/oauth2/v2.0/token") == 2


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(Throttled(wait_s=2), id="429"),
        pytest.param(Throttled(wait_s=None), id="429-without-a-time"),
        pytest.param(Failed(503, retry_after_s=3), id="503"),
        pytest.param(Failed(502, html=True), id="a-gateway's-page"),
        pytest.param(Drop(), id="a-dropped-connection"),
        pytest.param(Truncate(), id="a-body-cut-off"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(USERS, id="users"),
        pytest.param(REPORT, id="report"),
        pytest.param(HELD, id="roles"),
        pytest.param(APPLICATIONS, id="applications"),
        pytest.param("*/oauth2/v2.0/token", id="token"),
    ],
)
async def test_a_fault_that_passes_costs_nothing(tmp_path: Path, path: str, effect: Effect) -> None:
    """One refusal or breakdown is waited for, and the collection is the same as without."""
    tenant = Tenant(people(3), role_assignments=[RoleAssignment("user-0001")])
    plain = await collected(tmp_path, tenant)
    assert await collected(tmp_path, tenant, (path, effect)) == plain


@pytest.mark.parametrize("path", [USERS, REPORT])
@pytest.mark.parametrize(
    ("effect", "error"),
    [
        pytest.param(Failed(503), Unreachable, id="down"),
        pytest.param(Throttled(wait_s=7200), Waiting, id="throttled-for-longer-than-the-run"),
        pytest.param(Stall(), Unreachable, id="hung"),
        pytest.param(Truncate(), Truncated, id="cut-off"),
        pytest.param(Truncate(honest_length=True), Truncated, id="cut-off-and-lying-about-it"),
        pytest.param(WrongShape(), Malformed, id="another-shape"),
        pytest.param(Erase("id"), Malformed, id="a-required-field-is-gone"),
        pytest.param(ForeignNext("https://elsewhere.example"), Malformed, id="a-link-to-another-host"),
        pytest.param(NextLoop(), Truncated, id="a-loop"),
        pytest.param(NextLoop(fresh=True), Truncated, id="ever-new-links"),
    ],
)
async def test_a_fault_that_stays_ends_the_run(
    tmp_path: Path, path: str, effect: Effect, error: type[SourceError]
) -> None:
    """What cannot be read is an error with a cause, and never a smaller population."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(path, effect, times=None)
        limits = SLOW if isinstance(effect, Stall) else Limits(pages=20, attempts=2)
        fault = await asked.fault(limits)
    assert isinstance(fault, error)
    assert "entra" in str(fault)


async def test_users_are_read_to_the_last_page_and_past_an_empty_one(tmp_path: Path) -> None:
    """Pages are as large as Graph likes; an empty one with a next link is a page like any other."""
    found = await collected(tmp_path, Tenant(people(301)), (USERS, EmptyPage()), (REPORT, EmptyPage()))
    assert len(by_id(found)) == 301
    assert {one.mfa for one in by_id(found).values()} == {True}


@pytest.mark.parametrize(
    ("effect", "missing"),
    [
        pytest.param(EndEarly(), 30, id="no-next-link"),
        pytest.param(Omit(frozenset({people(130)[7].id})), 1, id="a-user-left-out"),
    ],
)
async def test_a_list_that_ends_early_is_a_gap_on_the_first_run(tmp_path: Path, effect: Effect, missing: int) -> None:
    """Graph counts its users; where fewer are listed, nothing passes on the list."""
    found = await collected(tmp_path, Tenant(people(130)), (USERS, effect))
    (gap,) = found.gaps
    assert (gap.cause, gap.kind, gap.missing) == (Cause.TRUNCATED, "members", missing)
    assert f"listed {130 - missing} users, {missing} fewer than Graph counts" in gap.detail
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_a_short_last_page_is_a_gap(tmp_path: Path) -> None:
    """Rows lost from the last page show in the count, and a repeated row does not stand in for one."""
    async with asking(tmp_path, Tenant(people(130)), (USERS, Repeat())) as asked:
        asked.faults.inject(USERS, Repeat(), nth=2)
        asked.faults.inject(USERS, Shrink(keep=29), nth=2)
        found = await asked.collect()
    assert [(gap.kind, gap.missing) for gap in found.gaps] == [("members", 2)]


async def test_a_holder_of_a_role_who_is_not_listed_is_a_gap(tmp_path: Path) -> None:
    """Where a tenant does not count, those who hold roles must be listed at least."""
    users = people(3)
    roles = [RoleAssignment(users[1].id)]
    async with asking(
        tmp_path, Tenant(users, role_assignments=roles), (USERS, Omit(frozenset({users[1].id})))
    ) as asked:
        asked.faults.inject(COUNT, Failed(400), times=None)
        found = await asked.collect()
    (gap,) = found.gaps
    assert (gap.cause, gap.kind, gap.missing) == (Cause.TRUNCATED, "members", None)
    assert "without 1 who hold a role" in gap.detail


async def test_a_tenant_that_does_not_count_is_read_all_the_same(tmp_path: Path) -> None:
    """B2C tenants refuse the count as a request; that alone is no doubt."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(COUNT, Failed(400), times=None)
        found = await asked.collect()
    assert (len(found.records), found.gaps) == (3, ())


async def test_a_count_that_is_forbidden_is_a_gap(tmp_path: Path) -> None:
    """Who may list users may count them; where that is refused, something stands between."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(COUNT, Failed(403), times=None)
        found = await asked.collect()
    assert [(gap.cause, gap.kind) for gap in found.gaps] == [(Cause.DENIED, "members")]


async def test_who_leaves_during_the_run_is_no_gap(tmp_path: Path) -> None:
    """The count is asked again where the list is shorter, and the smaller of both is what is due."""
    tenant = Tenant(people(3))
    async with asking(tmp_path, tenant) as asked:
        graph = open_tenant(asked.config, asked.ctx)
        counted = Counted("entra", graph, set())
        await counted.start()
        gone = tenant.users.pop()
        counted.add([wire.User(user.id) for user in tenant.users])
        assert await counted.gaps() == ()
        tenant.users.append(gone)
        assert [gap.missing for gap in await counted.gaps()] == [1]


async def test_a_time_outside_the_calendar_is_a_shape_that_is_new(tmp_path: Path) -> None:
    """A time that UTC has no date for is an error of its own, and no crash."""
    odd = Replace("createdDateTime", "9999-12-31T23:59:59-09:00")
    async with asking(tmp_path, Tenant(people(3)), (USERS, odd)) as asked:
        assert isinstance(await asked.fault(), Malformed)


@pytest.mark.parametrize(("path", "name"), [(USERS, "id"), (APPLICATIONS, "id"), (HELD, "principalId")])
async def test_an_empty_id_is_a_shape_that_is_new(tmp_path: Path, path: str, name: str) -> None:
    """What has no id cannot be told apart, so it is no record."""
    users = people(2)
    tenant = Tenant(users, role_assignments=[RoleAssignment(users[0].id)], applications=[GraphApplication("app")])
    async with asking(tmp_path, tenant, (path, Replace(name, ""))) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_an_id_that_comes_twice_is_told_twice(tmp_path: Path) -> None:
    """The engine, which sees everything, merges or doubts repeated ids; the source hides none."""
    async with asking(tmp_path, Tenant(people(150))) as asked:
        asked.faults.inject(USERS, Repeat({"accountEnabled": False}), nth=2)
        found = await asked.collect()
    ids = [record.id for record in found.records]
    assert (len(ids), len(set(ids))) == (151, 150)


async def test_a_word_that_is_new_in_the_report_is_told(tmp_path: Path) -> None:
    """A new method has no strength, so nobody passes by it."""
    found = await collected(tmp_path, Tenant(people(2)), (REPORT, Replace("methodsRegistered", ["irisScan"])))
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_a_tenant_without_users_is_empty_and_passes_nothing(tmp_path: Path) -> None:
    """Zero accounts are told without a gap; a check then says unknown."""
    found = await collected(tmp_path, Tenant())
    assert (found.records, found.gaps) == ((), ())
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_interactive_traffic_goes_first(tmp_path: Path) -> None:
    """Every question to Graph yields to people, and takes a turn at the shared limit."""
    async with asking(tmp_path, Tenant(people(3)), requests_per_minute=120) as asked:
        await asked.collect()
        ranks = {seen.headers.get("x-ms-throttle-priority") for seen in asked.faults.seen if seen.method == "GET"}
    assert ranks == {"Low"}
    assert set(asked.ctx.turns) == {("env:ENTRA", 2.0)}


# ----------------------------------------------------------------------------------------------------- the test


async def test_an_application_with_every_permission_passes_the_test(tmp_path: Path) -> None:
    """Six questions, six answers."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        probes = await probe(asked.config, asked.ctx)
    assert [one.ok for one in probes] == [True] * 6
    assert breaches_of_probes(SOURCE, probes) == []
    assert "User.Read.All" in probes[0].detail


@pytest.mark.parametrize(
    ("tenant", "costs"),
    [
        pytest.param(without("AuditLog.Read.All"), ACTIVITY_FIELDS + MFA_FIELDS, id="audit-log"),
        pytest.param(Tenant(people(3), premium=False), ACTIVITY_FIELDS + MFA_FIELDS, id="licence"),
        pytest.param(without("RoleManagement.Read.Directory"), ADMIN_FIELDS, id="roles"),
        pytest.param(without("Application.Read.All"), CREDENTIAL_FIELDS, id="applications"),
        pytest.param(without("User.Read.All"), ("account", *ACTIVITY_FIELDS), id="users"),
    ],
)
async def test_the_test_names_what_a_missing_permission_costs(
    tmp_path: Path, tenant: Tenant, costs: tuple[str, ...]
) -> None:
    """Each permission that is missing is a refusal, with the facts that go with it."""
    async with asking(tmp_path, tenant) as asked:
        probes = await probe(asked.config, asked.ctx)
    assert sorted(cost for one in probes if one.ok is False for cost in one.costs) == sorted(costs)
    assert breaches_of_probes(SOURCE, probes) == []


async def test_a_client_that_is_not_accepted_fails_the_test_at_once(tmp_path: Path) -> None:
    """Without a token there is one probe, which costs everything."""
    async with asking(tmp_path, Tenant(), client_id="nobody") as asked:
        (only,) = await probe(asked.config, asked.ctx)
    assert (only.ok, tuple(only.costs)) == (False, ("account", "credential"))


# --------------------------------------------------------------------------------------------- the configuration


@pytest.mark.parametrize(
    ("table", "starts"),
    [
        pytest.param({}, [], id="sound"),
        pytest.param({"authority": "http://login.example"}, ["authority:"], id="a-secret-over-plain-http"),
        pytest.param({"graph": "graph.microsoft.us"}, ["graph:"], id="no-scheme"),
        pytest.param({"tenant_id": "../x"}, ["tenant_id:"], id="a-tenant-that-is-none"),
        pytest.param({"requests_per_minute": 0}, ["requests_per_minute:"], id="no-requests"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(tmp_path: Path, table: dict[str, Any], starts: list[str]) -> None:
    """Each fault names its key."""
    whole = {"tenant_id": "example.org", "client_id": "c", "client_secret": "env:X", **table}
    assert SOURCE.check is not None
    config = msgspec.convert(whole, Config, dec_hook=from_toml)
    assert [fault.split(" ")[0] for fault in SOURCE.check(config, tmp_path)] == starts


async def test_a_run_through_the_engines_door(tmp_path: Path) -> None:
    """``fetch`` itself, on the real clock, tells the same."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        found = await collect(SOURCE.fetch(asked.config, asked.ctx))
    assert len(found.records) == 3
