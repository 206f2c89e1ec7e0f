"""The Okta replica pages, limits, authorises and refuses as Okta does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from demo.replicas import okta
from demo.replicas.serve import serving
from tests.demo.replicas.asking import Client
from tests.support.clock import NOW


def people(count: int) -> list[okta.OktaUser]:
    """Return so many users with logins in order."""
    return [okta.OktaUser(f"00u{at:05}", f"user.{at:05}@example.org") for at in range(count)]


@asynccontextmanager
async def asked(
    session: aiohttp.ClientSession, tenant: okta.OktaTenant, credential: str = "SSWS okta-token"
) -> AsyncIterator[Client]:
    """Serve the tenant at the fixed instant and give a client of it."""
    async with serving(okta.app(tenant, clock=NOW.timestamp)) as origin:
        yield Client(session, origin, {"Authorization": credential})


async def test_the_list_of_users_pages_to_the_end_by_link(session: aiohttp.ClientSession) -> None:
    """Pages of 200 follow opaque next links; the last has none; every user is there once."""
    async with asked(session, okta.OktaTenant(people(450))) as client:
        pages = await client.pages("/api/v1/users", {"limit": "200"})
    assert [len(page.body) for page in pages] == [200, 200, 50]
    assert [row["id"] for page in pages for row in page.body] == [f"00u{at:05}" for at in range(450)]
    assert [set(page.links) for page in pages] == [{"self", "next"}, {"self", "next"}, {"self"}]


async def test_each_relation_has_a_link_header_of_its_own(session: aiohttp.ClientSession) -> None:
    """The first Link header is self, so a client that reads only one thinks that the list has ended."""
    async with asked(session, okta.OktaTenant(people(3))) as client:
        answer = await client.get("/api/v1/users", {"limit": "2"})
    assert ['rel="self"' in line for line in answer.headers.getall("Link")] == [True, False]


async def test_a_page_holds_at_most_200_users(session: aiohttp.ClientSession) -> None:
    """Asking for more gives 200 and a next link."""
    async with asked(session, okta.OktaTenant(people(201))) as client:
        answer = await client.get("/api/v1/users", {"limit": "1000"})
    assert (len(answer.body), "next" in answer.links) == (200, True)


async def test_the_plain_list_omits_deprovisioned_users_and_a_search_has_them(session: aiohttp.ClientSession) -> None:
    """Leavers are only seen by those who search."""
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "a@x"), okta.OktaUser("00u2", "b@x", status="DEPROVISIONED")])
    everyone = 'created gt "1970-01-01T00:00:00.000Z"'
    async with asked(session, tenant) as client:
        plain = await client.get("/api/v1/users")
        search = await client.get("/api/v1/users", {"search": everyone})
        filtered = await client.get("/api/v1/users", {"filter": 'status eq "DEPROVISIONED"'})
    assert [[row["id"] for row in answer.body] for answer in (plain, search, filtered)] == [
        ["00u1"],
        ["00u1", "00u2"],
        ["00u2"],
    ]


async def test_a_search_pages_too(session: aiohttp.ClientSession) -> None:
    """The next link of a search carries the search."""
    tenant = okta.OktaTenant([*people(5), okta.OktaUser("00u9", "z@x", status="SUSPENDED")])
    async with asked(session, tenant) as client:
        pages = await client.pages("/api/v1/users", {"search": 'status eq "ACTIVE"', "limit": "2"})
    assert [len(page.body) for page in pages] == [2, 2, 1]


async def test_the_tenant_may_change_between_pages(session: aiohttp.ClientSession) -> None:
    """A user who is gone meanwhile moves nobody off the next page, and a change of status shows at once."""
    tenant = okta.OktaTenant(people(4))
    async with asked(session, tenant) as client:
        first = await client.get("/api/v1/users", {"limit": "2"})
        tenant.users[3].status = "LOCKED_OUT"
        del tenant.users[0]
        second = await client.get(first.links["next"])
    assert [(row["id"], row["status"]) for row in second.body] == [("00u00002", "ACTIVE"), ("00u00003", "LOCKED_OUT")]


async def test_a_user_says_null_for_what_never_was(session: aiohttp.ClientSession) -> None:
    """A user who never logged in has a null lastLogin; instants have milliseconds."""
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "ana.silva@example.org", last_updated=NOW)])
    async with asked(session, tenant) as client:
        by_id = await client.get("/api/v1/users/00u1")
        by_login = await client.get("/api/v1/users/ana.silva@example.org")
    assert by_id.body == by_login.body
    assert by_id.body["lastLogin"] is None
    assert by_id.body["lastUpdated"] == "2026-11-21T05:30:00.000Z"
    assert by_id.body["profile"]["firstName"] == "Ana"


async def test_fields_and_credentials_can_be_left_out(session: aiohttp.ClientSession) -> None:
    """A projection and the okta-response parameter cut the answer down, never the id."""
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "a@x", user_type="service")])
    async with asked(session, tenant) as client:
        projected = await client.get("/api/v1/users", {"fields": "status,profile:(login, userType)"})
        slim = Client(session, client.origin, {**client.headers, "Content-Type": "x; okta-response=omitCredentials"})
        without = await slim.get("/api/v1/users")
    assert projected.body == [{"id": "00u1", "status": "ACTIVE", "profile": {"login": "a@x", "userType": "service"}}]
    assert "credentials" not in without.body[0]


async def test_factors_and_enrollments_of_a_user(session: aiohttp.ClientSession) -> None:
    """Strings stand for active factors; enrollments list the password too."""
    factors: list[str | okta.OktaFactor] = ["push", okta.OktaFactor("webauthn", status="PENDING_ACTIVATION")]
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "a@x", factors=factors)])
    async with asked(session, tenant) as client:
        told = await client.get("/api/v1/users/00u1/factors")
        enrolled = await client.get("/api/v1/users/00u1/authenticator-enrollments")
    assert [(row["factorType"], row["provider"], row["status"]) for row in told.body] == [
        ("push", "OKTA", "ACTIVE"),
        ("webauthn", "FIDO", "PENDING_ACTIVATION"),
    ]
    assert [(row["key"], row["type"], row["status"]) for row in enrolled.body] == [
        ("okta_password", "password", "ACTIVE"),
        ("okta_verify", "app", "ACTIVE"),
        ("webauthn", "security_key", "PENDING_ACTIVATION"),
    ]


async def test_the_factor_list_hides_what_the_enrollment_policy_disables(session: aiohttp.ClientSession) -> None:
    """A factor that the first policy does not list is not told, though it is enrolled."""
    users = [okta.OktaUser("00u1", "a@x", factors=["sms", "push"])]
    async with asked(session, okta.OktaTenant(users, factors_hidden_by_policy=frozenset({"sms"}))) as client:
        told = await client.get("/api/v1/users/00u1/factors")
    assert [row["factorType"] for row in told.body] == ["push"]


async def test_a_classic_org_has_no_enrollments(session: aiohttp.ClientSession) -> None:
    """The endpoint is not found there, which says nothing about the user's factors."""
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "a@x", factors=["push"])], engine="classic")
    async with asked(session, tenant) as client:
        enrolled = await client.get("/api/v1/users/00u1/authenticator-enrollments")
        told = await client.get("/api/v1/users/00u1/factors")
    assert (enrolled.status, enrolled.body["errorCode"]) == (404, "E0000007")
    assert (told.status, len(told.body)) == (200, 1)


async def test_roles_come_from_the_user_and_from_groups(session: aiohttp.ClientSession) -> None:
    """A user's roles name where each comes from; a custom role names its role and resource set."""
    users = [okta.OktaUser("00u1", "a@x", roles=["SUPER_ADMIN", okta.OktaRole("CUSTOM", "Creator")])]
    groups = [okta.OktaGroup("00g1", "Admins", ["00u1"], ["ORG_ADMIN"]), okta.OktaGroup("00g2", "All", ["00u1"])]
    async with asked(session, okta.OktaTenant(users, groups)) as client:
        roles = (await client.get("/api/v1/users/00u1/roles")).body
        listed = (await client.get("/api/v1/groups")).body
        handed = (await client.get("/api/v1/groups/00g1/roles")).body
        members = (await client.get("/api/v1/groups/00g1/users")).body
    assert [(role["type"], role["assignmentType"]) for role in roles] == [
        ("SUPER_ADMIN", "USER"),
        ("CUSTOM", "USER"),
        ("ORG_ADMIN", "GROUP"),
    ]
    assert {"role", "resource-set"} <= set(roles[1])
    assert [group["id"] for group in listed] == ["00g1", "00g2"]
    assert [role["type"] for role in handed] == ["ORG_ADMIN"]
    assert [member["id"] for member in members] == ["00u1"]


@pytest.mark.parametrize(("include", "expected"), [(False, ["00u00000"]), (True, ["00u00000", "00u00002"])])
async def test_the_bulk_list_of_assignees(
    session: aiohttp.ClientSession, expected: list[str], *, include: bool
) -> None:
    """It names users with roles of their own; whether a group's count is a switch, for Okta does not say."""
    users = people(3)
    users[0].roles = ["SUPER_ADMIN"]
    groups = [okta.OktaGroup("00g1", "Admins", ["00u00002"], ["ORG_ADMIN"])]
    async with asked(session, okta.OktaTenant(users, groups, assignees_include_groups=include)) as client:
        answer = await client.get("/api/v1/iam/assignees/users")
    assert [row["id"] for row in answer.body["value"]] == expected


async def test_the_bulk_list_of_assignees_pages_in_the_body(session: aiohttp.ClientSession) -> None:
    """100 a page by default, the next link in ``_links`` and no Link header."""
    users = people(250)
    for user in users:
        user.roles = ["HELP_DESK_ADMIN"]
    async with asked(session, okta.OktaTenant(users)) as client:
        pages = await client.pages(
            "/api/v1/iam/assignees/users",
            following=lambda answer: answer.body["_links"].get("next", {}).get("href"),
        )
    assert [len(page.body["value"]) for page in pages] == [100, 100, 50]
    assert not any(page.links for page in pages)


async def test_api_tokens_slide_and_never_tell_their_last_use(session: aiohttp.ClientSession) -> None:
    """The expiry is the last update and the window; there is no paging."""
    tokens = [okta.OktaApiToken("00T1", "ci", "00u1", last_updated=NOW - timedelta(days=10))]
    async with asked(session, okta.OktaTenant(api_tokens=tokens)) as client:
        answer = await client.get("/api/v1/api-tokens")
    assert answer.body[0]["tokenWindow"] == "P30D"
    assert answer.body[0]["expiresAt"] == "2026-12-11T05:30:00.000Z"
    assert not [name for name in answer.body[0] if "used" in name.lower()]
    assert "next" not in answer.links


@pytest.mark.parametrize("credential", ["SSWS wrong", "okta-token", "Basic okta-token", ""])
async def test_a_wrong_credential_is_refused(session: aiohttp.ClientSession, credential: str) -> None:
    """401 E0000011, whatever is wrong with it."""
    async with asked(session, okta.OktaTenant(people(1)), credential) as client:
        answer = await client.get("/api/v1/users")
    assert (answer.status, answer.body["errorCode"]) == (401, "E0000011")


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/api/v1/users", "okta.users.read"),
        ("/api/v1/users/00u00000/factors", "okta.users.read"),
        ("/api/v1/users/00u00000/roles", "okta.roles.read"),
        ("/api/v1/iam/assignees/users", "okta.roles.read"),
        ("/api/v1/groups", "okta.groups.read"),
        ("/api/v1/api-tokens", "okta.apiTokens.read"),
    ],
)
async def test_a_missing_scope_is_refused_and_only_there(session: aiohttp.ClientSession, path: str, scope: str) -> None:
    """403 E0000006 without the operation's scope, 200 with that scope alone."""
    credentials = {"without": okta.ALL_SCOPES - {scope}, "alone": frozenset({scope})}
    async with asked(session, okta.OktaTenant(people(1), credentials=credentials), "Bearer without") as client:
        refused = await client.get(path)
        allowed = await Client(session, client.origin, {"Authorization": "Bearer alone"}).get(path)
    assert (refused.status, refused.body["errorCode"]) == (403, "E0000006")
    assert allowed.status == 200


@pytest.mark.parametrize(
    ("path", "params", "code", "status"),
    [
        ("/api/v1/users/00u9", {}, "E0000007", 404),
        ("/api/v1/groups/00g9/roles", {}, "E0000007", 404),
        ("/api/v1/users", {"limit": "0"}, "E0000001", 400),
        ("/api/v1/users", {"after": "made-up"}, "E0000001", 400),
        ("/api/v1/users", {"search": 'status ne "ACTIVE"'}, "E0000031", 400),
    ],
)
async def test_a_bad_request_is_refused(
    session: aiohttp.ClientSession, path: str, params: dict[str, str], code: str, status: int
) -> None:
    """Each with Okta's code, in Okta's error envelope."""
    async with asked(session, okta.OktaTenant(people(1))) as client:
        answer = await client.get(path, params)
    assert (answer.status, answer.body["errorCode"]) == (status, code)
    assert set(answer.body) == {"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"}


async def test_a_spent_budget_is_refused_until_the_reset(session: aiohttp.ClientSession) -> None:
    """Every answer tells the budget; past it comes 429 with the reset; other buckets and the next minute go on."""
    tenant = okta.OktaTenant(people(1), per_minute={"users": 2, "user": 5})
    time = [NOW.timestamp()]
    async with serving(okta.app(tenant, clock=lambda: time[0])) as origin:
        client = Client(session, origin, {"Authorization": "SSWS okta-token"})
        answers = [await client.get("/api/v1/users") for _ in range(3)]
        other = await client.get("/api/v1/users/00u00000")
        time[0] += 60
        later = await client.get("/api/v1/users")
    assert [answer.status for answer in (*answers, other, later)] == [200, 200, 429, 200, 200]
    assert [answer.headers["X-Rate-Limit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].body["errorCode"] == "E0000047"
    assert int(answers[2].headers["X-Rate-Limit-Reset"]) == int(NOW.timestamp()) + 60
    assert "Retry-After" not in answers[2].headers
