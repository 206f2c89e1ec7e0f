"""The Graph replica hands out tokens, pages, selects, authorises and refuses as Microsoft Graph does."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from demo.replicas import graph
from demo.replicas.serve import serving
from tests.demo.replicas.asking import Answer, Client
from tests.support.clock import NOW

TENANT, CLIENT = graph.GraphTenant().tenant_id, next(iter(graph.GraphTenant().clients))
REPORT = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
ASSIGNMENTS = "/v1.0/roleManagement/directory/roleAssignments"


def people(count: int) -> list[graph.GraphUser]:
    """Return so many members with names in order."""
    return [graph.GraphUser(f"user{at:05}@example.org", sign_in=graph.SignIn(NOW)) for at in range(count)]


def allowed(*permissions: str, **settings: Any) -> graph.GraphTenant:
    """Return a tenant of one user whose client has these permissions only."""
    clients = {CLIENT: graph.GraphClient(permissions=frozenset(permissions))}
    return graph.GraphTenant(people(1), clients=clients, **settings)


async def token(
    session: aiohttp.ClientSession, origin: str, tenant: str = TENANT, **changes: str
) -> tuple[int, dict[str, Any]]:
    """Ask for a token and return the status and the answer."""
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": "graph-secret",
        "scope": "https://graph.microsoft.com/.default",
    }
    async with session.post(f"{origin}/{tenant}/oauth2/v2.0/token", data=form | changes) as response:
        return response.status, await response.json()


@asynccontextmanager
async def asked(
    session: aiohttp.ClientSession, tenant: graph.GraphTenant, clock: Callable[[], float] = NOW.timestamp
) -> AsyncIterator[Client]:
    """Serve the tenant at the fixed instant and give a client with a token."""
    async with serving(graph.app(tenant, clock=clock)) as origin:
        _, issued = await token(session, origin)
        yield Client(session, origin, {"Authorization": f"Bearer {issued['access_token']}"})


def next_link(answer: Answer) -> str | None:
    """Return where the next page is."""
    link = answer.body.get("@odata.nextLink")
    return None if link is None else str(link)


async def test_a_token_tells_its_permissions_to_whoever_reads_it(session: aiohttp.ClientSession) -> None:
    """The token is a JWT with the granted permissions as roles and a lifetime."""
    async with serving(graph.app(allowed("User.Read.All"))) as origin:
        status, issued = await token(session, origin)
    claims = issued["access_token"].split(".")[1]
    assert (status, issued["token_type"], issued["expires_in"]) == (200, "Bearer", 3599)
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["roles"] == ["User.Read.All"]


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "User.Read.All"}, 400, "invalid_scope", 1002012),
        ({"tenant": "elsewhere"}, 400, "invalid_request", 90002),
    ],
)
async def test_a_bad_token_request_is_refused(
    session: aiohttp.ClientSession, changes: dict[str, str], status: int, error: str, code: int
) -> None:
    """Each with the OAuth error and the vendor's own code."""
    async with serving(graph.app(graph.GraphTenant())) as origin:
        told, answer = await token(session, origin, **changes)
    assert (told, answer["error"], answer["error_codes"]) == (status, error, [code])


async def test_a_token_that_expired_or_was_made_up_is_refused(session: aiohttp.ClientSession) -> None:
    """401 InvalidAuthenticationToken an hour later, and at once for any other."""
    time = [NOW.timestamp()]
    async with asked(session, graph.GraphTenant(people(1)), lambda: time[0]) as client:
        fresh = await client.get("/v1.0/users")
        time[0] += 3600
        stale = await client.get("/v1.0/users")
        forged = await Client(session, client.origin, {"Authorization": "Bearer made.up.token"}).get("/v1.0/users")
    assert [answer.status for answer in (fresh, stale, forged)] == [200, 401, 401]
    assert stale.body["error"]["code"] == "InvalidAuthenticationToken"


async def test_the_default_selection_tells_no_status_and_no_type(session: aiohttp.ClientSession) -> None:
    """Without $select a user has eleven properties; a disabled guest looks like anyone."""
    tenant = graph.GraphTenant([graph.GraphUser("g@x", account_enabled=False, user_type="Guest")])
    async with asked(session, tenant) as client:
        answer = await client.get("/v1.0/users")
        selected = await client.get("/v1.0/users", {"$select": "id,accountEnabled,userType,createdDateTime"})
    assert len(answer.body["value"][0]) == 11
    assert not {"accountEnabled", "userType", "createdDateTime", "signInActivity"} & set(answer.body["value"][0])
    assert selected.body["value"] == [
        {
            "id": tenant.users[0].id,
            "accountEnabled": False,
            "userType": "Guest",
            "createdDateTime": "2024-01-15T09:00:00Z",
        }
    ]


async def test_the_list_of_users_pages_to_the_end_by_next_link(session: aiohttp.ClientSession) -> None:
    """The next link carries the selection, and every user is there once."""
    async with asked(session, graph.GraphTenant(people(250))) as client:
        pages = await client.pages("/v1.0/users", {"$select": "id", "$top": "100"}, next_link)
    assert [len(page.body["value"]) for page in pages] == [100, 100, 50]
    assert len({row["id"] for page in pages for row in page.body["value"]}) == 250
    assert parse_qs(urlsplit(next_link(pages[0]) or "").query).keys() == {"$select", "$top", "$skiptoken"}


async def test_pages_are_smaller_when_sign_ins_are_selected(session: aiohttp.ClientSession) -> None:
    """$top above the cap is not an error; the page is just shorter, and the id comes along."""
    async with asked(session, graph.GraphTenant(people(130))) as client:
        pages = await client.pages("/v1.0/users", {"$select": "signInActivity", "$top": "999"}, next_link)
    assert [len(page.body["value"]) for page in pages] == [120, 10]
    assert set(pages[0].body["value"][0]) == {"id", "signInActivity"}


async def test_sign_ins_say_never_in_three_ways(session: aiohttp.ClientSession) -> None:
    """A missing attempt is the year one, a missing success null, and no sign-in at all no property."""
    users = [graph.GraphUser("a@x", sign_in=graph.SignIn(interactive=NOW)), graph.GraphUser("b@x")]
    async with asked(session, graph.GraphTenant(users)) as client:
        answer = await client.get("/v1.0/users", {"$select": "id,signInActivity"})
    first, second = answer.body["value"]
    assert first["signInActivity"]["lastSignInDateTime"] == "2026-11-21T05:30:00Z"
    assert first["signInActivity"]["lastNonInteractiveSignInDateTime"] == "0001-01-01T00:00:00Z"
    assert first["signInActivity"]["lastSuccessfulSignInDateTime"] is None
    assert set(second) == {"id"}


@pytest.mark.parametrize(
    ("tenant", "path", "select", "code"),
    [
        pytest.param(
            allowed("User.Read.All", "AuditLog.Read.All", premium=False),
            "/v1.0/users",
            "id,signInActivity",
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            id="sign-ins without a licence",
        ),
        pytest.param(
            allowed("User.Read.All"),
            "/v1.0/users",
            "id,signInActivity",
            "Authentication_MSGraphPermissionMissing",
            id="sign-ins without AuditLog.Read.All",
        ),
        pytest.param(
            allowed("AuditLog.Read.All", premium=False),
            REPORT,
            "id",
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            id="report without a licence",
        ),
        pytest.param(
            allowed("User.Read.All"), REPORT, "id", "Authentication_MSGraphPermissionMissing", id="report denied"
        ),
        pytest.param(
            allowed("AuditLog.Read.All"), "/v1.0/users", "id", "Authorization_RequestDenied", id="users denied"
        ),
        pytest.param(allowed("User.Read.All"), ASSIGNMENTS, "id", "Authorization_RequestDenied", id="roles denied"),
        pytest.param(
            allowed("User.Read.All"), "/v1.0/applications", "id", "Authorization_RequestDenied", id="apps denied"
        ),
        pytest.param(
            allowed("User.Read.All"), "/v1.0/groups/x/members", "id", "Authorization_RequestDenied", id="groups denied"
        ),
    ],
)
async def test_a_missing_permission_or_licence_is_refused(
    session: aiohttp.ClientSession, tenant: graph.GraphTenant, path: str, select: str, code: str
) -> None:
    """403, with a code that tells a permission from a licence."""
    async with asked(session, tenant) as client:
        answer = await client.get(path, {"$select": select})
    assert (answer.status, answer.body["error"]["code"]) == (403, code)


async def test_a_leave_date_without_its_permission_is_null_and_nothing_says_so(session: aiohttp.ClientSession) -> None:
    """The request succeeds; only the token's roles tell that null means not told."""
    tenant = allowed("User.Read.All")
    tenant.users[0].employee_leave = NOW
    async with asked(session, tenant) as client:
        silent = await client.get("/v1.0/users", {"$select": "employeeLeaveDateTime"})
    tenant.clients[CLIENT] = graph.GraphClient()
    async with asked(session, tenant) as client:
        told = await client.get("/v1.0/users", {"$select": "employeeLeaveDateTime"})
    assert [answer.body["value"][0]["employeeLeaveDateTime"] for answer in (silent, told)] == [
        None,
        "2026-11-21T05:30:00Z",
    ]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"$top": "1000"}, "Request_UnsupportedQuery"),
        ({"$top": "0"}, "Request_UnsupportedQuery"),
        ({"$skip": "10"}, "Request_UnsupportedQuery"),
        ({"$select": "id,mfaState"}, "BadRequest"),
        ({"$skiptoken": "made-up"}, "Directory_ExpiredPageToken"),
    ],
)
async def test_a_bad_query_is_refused(session: aiohttp.ClientSession, params: dict[str, str], code: str) -> None:
    """400 in Graph's error envelope, for what Graph does not take."""
    async with asked(session, graph.GraphTenant(people(1))) as client:
        answer = await client.get("/v1.0/users", params)
    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert set(answer.body["error"]["innerError"]) == {"date", "request-id", "client-request-id"}


async def test_the_count_is_told_once_and_only_with_the_consistency_level(session: aiohttp.ClientSession) -> None:
    """@odata.count is on the first page of a request that carries ConsistencyLevel."""
    async with asked(session, graph.GraphTenant(people(3))) as client:
        counting = Client(session, client.origin, {**client.headers, "ConsistencyLevel": "eventual"})
        pages = await counting.pages("/v1.0/users", {"$count": "true", "$top": "2"}, next_link)
        plain = await client.get("/v1.0/users", {"$count": "true"})
    assert [page.body.get("@odata.count") for page in (*pages, plain)] == [3, None, None]


async def test_the_registration_report_omits_disabled_users(session: aiohttp.ClientSession) -> None:
    """A disabled user is in the list of users and not in the report."""
    users = [graph.GraphUser("a@x", methods=["fido2SecurityKey"]), graph.GraphUser("b@x", account_enabled=False)]
    async with asked(session, graph.GraphTenant(users)) as client:
        report = await client.get(REPORT)
        everyone = await client.get("/v1.0/users")
    assert [row["userPrincipalName"] for row in report.body["value"]] == ["a@x"]
    assert len(everyone.body["value"]) == 2


@pytest.mark.parametrize(
    ("user", "registered", "capable"),
    [
        pytest.param(graph.GraphUser("a@x", methods=["mobilePhone"]), True, True, id="a phone"),
        pytest.param(graph.GraphUser("a@x", methods=["email"]), False, False, id="an address only resets passwords"),
        pytest.param(graph.GraphUser("a@x"), False, False, id="nothing"),
        pytest.param(
            graph.GraphUser("a@x", methods=["mobilePhone"], mfa_capable=False), True, False, id="disallowed by policy"
        ),
    ],
)
async def test_registered_is_not_capable(
    session: aiohttp.ClientSession, user: graph.GraphUser, *, registered: bool, capable: bool
) -> None:
    """The two booleans follow from the methods unless the tenant says otherwise."""
    async with asked(session, graph.GraphTenant([user])) as client:
        row = (await client.get(REPORT)).body["value"][0]
    assert (row["isMfaRegistered"], row["isMfaCapable"]) == (registered, capable)


async def test_role_assignments_expand_users_groups_and_service_principals(session: aiohttp.ClientSession) -> None:
    """A principal says what it is; a group's members must be asked for; the report counts them as admins."""
    users = people(2)
    group = graph.GraphGroup("Admins", [users[1].id])
    robot = graph.GraphServicePrincipal("Backup robot")
    assignments = [graph.RoleAssignment(holder) for holder in (users[0].id, group.id, robot.id, "gone")]
    tenant = graph.GraphTenant(users, [group], [robot], assignments)
    async with asked(session, tenant) as client:
        plain = (await client.get(ASSIGNMENTS)).body["value"]
        expanded = (await client.get(ASSIGNMENTS, {"$expand": "principal"})).body["value"]
        members = (await client.get(f"/v1.0/groups/{group.id}/transitiveMembers")).body["value"]
        report = (await client.get(REPORT)).body["value"]
        roles = (await client.get("/v1.0/roleManagement/directory/roleDefinitions")).body["value"]
    assert "principal" not in plain[0]
    assert [(row["principal"] or {}).get("@odata.type") for row in expanded] == [
        "#microsoft.graph.user",
        "#microsoft.graph.group",
        "#microsoft.graph.servicePrincipal",
        None,
    ]
    assert [member["id"] for member in members] == [users[1].id]
    assert [row["isAdmin"] for row in report] == [True, True]
    assert {row["id"]: row["displayName"] for row in roles}[plain[0]["roleDefinitionId"]] == "Global Administrator"


async def test_applications_list_their_credentials_without_any_last_use(session: aiohttp.ClientSession) -> None:
    """Secrets and certificates have a start and an end, which may be missing."""
    secrets = [graph.AppCredential("ci", end=NOW), graph.AppCredential("old", end=None)]
    tenant = graph.GraphTenant(applications=[graph.GraphApplication("Portal", passwords=secrets, keys=[secrets[0]])])
    async with asked(session, tenant) as client:
        answer = await client.get("/v1.0/applications", {"$select": "id,displayName,passwordCredentials"})
    (row,) = answer.body["value"]
    assert set(row) == {"id", "displayName", "passwordCredentials"}
    assert [secret["endDateTime"] for secret in row["passwordCredentials"]] == ["2026-11-21T05:30:00Z", None]


async def test_a_spent_budget_is_refused_with_a_wait(session: aiohttp.ClientSession) -> None:
    """Resource units run out after ten seconds' worth; the refusal says how long to wait."""
    async with asked(session, graph.GraphTenant(people(1), units_per_10s=3)) as client:
        answers = [await client.get("/v1.0/users") for _ in range(2)]
        cheap = await client.get("/v1.0/users", {"$select": "id"})
    assert [answer.status for answer in (*answers, cheap)] == [200, 429, 200]
    assert answers[1].body["error"]["code"] == "TooManyRequests"
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 10
    assert cheap.headers["x-ms-throttle-limit-percentage"] == "1.00"


async def test_an_unknown_group_is_not_found(session: aiohttp.ClientSession) -> None:
    """404 Request_ResourceNotFound."""
    async with asked(session, graph.GraphTenant()) as client:
        answer = await client.get("/v1.0/groups/none/members")
    assert (answer.status, answer.body["error"]["code"]) == (404, "Request_ResourceNotFound")
