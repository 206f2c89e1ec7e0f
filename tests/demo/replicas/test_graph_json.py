"""The Graph replica's answers are of the types that Microsoft publishes for Graph v1.0."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from demo.replicas import graph
from demo.replicas.serve import serving
from tests.demo.replicas import csdl
from tests.demo.replicas.asking import Client
from tests.support.clock import NOW

EVERYTHING = (
    "id,userPrincipalName,displayName,mail,accountEnabled,userType,createdDateTime,employeeId,employeeType,"
    "employeeLeaveDateTime,externalUserState,externalUserStateChangeDateTime,onPremisesSyncEnabled,"
    "lastPasswordChangeDateTime,signInActivity,department,jobTitle"
)


def estate() -> graph.GraphTenant:
    """Return a tenant with one of everything, filled and empty."""
    full = graph.GraphUser(
        "ana@example.org",
        employee_id="E1",
        employee_type="Employee",
        employee_leave=NOW,
        on_premises_sync_enabled=True,
        sign_in=graph.SignIn(NOW, NOW - timedelta(days=1), NOW),
        methods=["microsoftAuthenticatorPush", "fido2SecurityKey", "aMethodOfTomorrow"],
    )
    guest = graph.GraphUser(
        "ben_other.example#EXT#@example.org",
        user_type="Guest",
        external_user_state="PendingAcceptance",
        external_user_state_changed=NOW,
        last_password_change=None,
        sign_in=graph.SignIn(),
        methods=["alternateMobilePhone"],
    )
    bare = graph.GraphUser("cyd@example.org", user_type=None)
    group, robot = graph.GraphGroup("Admins", [full.id]), graph.GraphServicePrincipal("Robot")
    secret = graph.AppCredential("ci", end=NOW)
    return graph.GraphTenant(
        users=[full, guest, bare],
        groups=[group],
        service_principals=[robot],
        role_assignments=[graph.RoleAssignment(holder) for holder in (full.id, group.id, robot.id)],
        applications=[graph.GraphApplication("Portal", [secret, graph.AppCredential(None, hint=None)], [secret])],
    )


async def rows(session: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    """Return the rows of one list of the estate."""
    tenant = estate()
    form = {
        "grant_type": "client_credentials",
        "client_id": next(iter(tenant.clients)),
        "client_secret": "graph-secret",
        "scope": "https://graph.microsoft.com/.default",
    }
    async with serving(graph.app(tenant)) as origin:
        async with session.post(f"{origin}/{tenant.tenant_id}/oauth2/v2.0/token", data=form) as response:
            issued = (await response.json())["access_token"]
        answer = await Client(session, origin, {"Authorization": f"Bearer {issued}"}).get(
            path.replace("GROUP", tenant.groups[0].id)
        )
    assert answer.status == 200
    assert answer.body["@odata.context"].startswith(f"{origin}/v1.0/$metadata#")
    return list(answer.body["value"])


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/v1.0/users", "user"),
        (f"/v1.0/users?$select={EVERYTHING}", "user"),
        ("/v1.0/reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails"),
        ("/v1.0/roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
        ("/v1.0/roleManagement/directory/roleAssignments?$expand=principal", "unifiedRoleAssignment"),
        ("/v1.0/roleManagement/directory/roleAssignments?$expand=roleDefinition", "unifiedRoleAssignment"),
        ("/v1.0/roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
        ("/v1.0/groups/GROUP/members", "user"),
        ("/v1.0/applications", "application"),
    ],
)
async def test_rows_are_of_the_published_type(session: aiohttp.ClientSession, path: str, type_: str) -> None:
    """Each property is declared, of its type, and null only where null is allowed."""
    published = csdl.read()
    found = await rows(session, path)
    assert found
    assert [fault for row in found for fault in published.faults(row, type_)] == []


async def test_the_registration_report_has_every_published_property(session: aiohttp.ClientSession) -> None:
    """Nothing that the type declares is left out."""
    (row, *_) = await rows(session, "/v1.0/reports/authenticationMethods/userRegistrationDetails")
    assert set(row) == set(csdl.read().types["userRegistrationDetails"])


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"id": None}, "user.id is null"),
        ({"mfa": True}, "user.mfa is not declared"),
        ({"accountEnabled": "true"}, "user.accountEnabled: 'true' is not Edm.Boolean"),
        ({"signInActivity": {"lastSignInDateTime": 5}}, "user.signInActivity: signInActivity.lastSignInDateTime"),
        ({"businessPhones": [1]}, "user.businessPhones: 1 is not Edm.String"),
    ],
)
def test_a_wrong_row_is_found(row: dict[str, Any], fault: str) -> None:
    """The judge of the rows can say no."""
    (found,) = csdl.read().faults(row, "user")
    assert found.startswith(fault)
