"""An Entra tenant tells its users, administrators and application secrets; silence is never a no."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from checks import admin_mfa, key_age, mfa_coverage, stale_access
from checks.model.doubt import Cause
from checks.model.records import Account, Credential, Factor
from checks.model.state import Verdict
from demo.replicas import graph as replica
from demo.replicas.faults import Erase
from demo.replicas.graph import AppCredential, GraphApplication, GraphGroup, GraphServicePrincipal, RoleAssignment
from demo.replicas.graph import GraphTenant as Tenant
from demo.replicas.graph import GraphUser as User
from sources.common.settings import from_toml
from sources.entra import SOURCE, Config, probe
from tests.sources.contract import breaches_of_probes
from tests.support.builders import ago, ahead
from tests.support.context import collect
from tests.support.entra import (
    ACTIVITY_FIELDS,
    ADMIN_FIELDS,
    MFA_FIELDS,
    PUSH,
    SIGNED_IN,
    USERS,
    asking,
    by_id,
    collected,
    people,
    person,
    verdict,
    without,
)

CREDENTIAL_FIELDS = ("credential.created_at", "credential.expires_at", "credential.kind", "credential.status")


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
