"""The GitHub replica pages, filters, authorises and refuses as GitHub does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from demo.replicas import github
from demo.replicas.serve import serving
from tests.demo.replicas.asking import Client
from tests.support.clock import NOW

ORG = "/orgs/example"


def people(count: int) -> list[github.GithubUser]:
    """Return so many members with logins in order."""
    return [github.GithubUser(f"user-{at:04}") for at in range(count)]


def shown(token: github.GithubToken, **settings: Any) -> github.GithubTenant:
    """Return an organisation of five people, some with weak or no second factor, that knows this token."""
    return github.GithubTenant(
        members=[
            github.GithubUser("ana", role="admin"),
            github.GithubUser("ben", two_factor="insecure"),
            github.GithubUser("cyd", two_factor="disabled", public=False),
        ],
        outside_collaborators=[github.GithubUser("dee"), github.GithubUser("eli", two_factor="disabled")],
        credentials={"github-token": token},
        **settings,
    )


@asynccontextmanager
async def asked(
    session: aiohttp.ClientSession, tenant: github.GithubTenant, credential: str = "Bearer github-token"
) -> AsyncIterator[Client]:
    """Serve the organisation at the fixed instant and give a client of it."""
    async with serving(github.app(tenant, clock=NOW.timestamp)) as origin:
        yield Client(session, origin, {"Authorization": credential})


async def logins(client: Client, path: str, **params: str) -> list[str]:
    """Return the logins of a whole list."""
    pages = await client.pages(ORG + path, params)
    return [row["login"] for page in pages for row in page.body]


async def test_members_page_to_the_end_by_link(session: aiohttp.ClientSession) -> None:
    """Pages of 100 have next and last, then first and prev; every member is there once."""
    async with asked(session, github.GithubTenant(members=people(250))) as client:
        pages = await client.pages(f"{ORG}/members", {"per_page": "100"})
    assert [len(page.body) for page in pages] == [100, 100, 50]
    assert len({row["id"] for page in pages for row in page.body}) == 250
    assert [set(page.links) for page in pages] == [
        {"next", "last"},
        {"prev", "next", "last", "first"},
        {"prev", "first"},
    ]


@pytest.mark.parametrize(("per_page", "rows"), [("1000", 100), ("0", 30), ("many", 30), ("7", 7)])
async def test_a_page_has_30_rows_unless_asked_and_100_at_most(
    session: aiohttp.ClientSession, per_page: str, rows: int
) -> None:
    """A page size that makes no sense is the default, one that is too large the most."""
    async with asked(session, github.GithubTenant(members=people(120))) as client:
        answer = await client.get(f"{ORG}/members", {"per_page": per_page})
    assert len(answer.body) == rows


async def test_a_list_of_one_page_has_no_links(session: aiohttp.ClientSession) -> None:
    """And a page past the last is empty, not an error."""
    async with asked(session, github.GithubTenant(members=people(2))) as client:
        only = await client.get(f"{ORG}/members")
        past = await client.get(f"{ORG}/members", {"page": "9"})
    assert ("Link" in only.headers, past.status, past.body) == (False, 200, [])


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("/members", {}, ["ana", "ben", "cyd"]),
        ("/members", {"role": "admin"}, ["ana"]),
        ("/members", {"role": "member"}, ["ben", "cyd"]),
        ("/members", {"filter": "2fa_disabled"}, ["cyd"]),
        ("/members", {"filter": "2fa_insecure"}, ["ben"]),
        ("/outside_collaborators", {}, ["dee", "eli"]),
        ("/outside_collaborators", {"filter": "2fa_disabled"}, ["eli"]),
        ("/outside_collaborators", {"filter": "2fa_insecure"}, []),
    ],
)
async def test_an_owner_filters_people(
    session: aiohttp.ClientSession, path: str, params: dict[str, str], expected: list[str]
) -> None:
    """By role and by second factor; an empty list means nobody."""
    async with asked(session, shown(github.GithubToken())) as client:
        assert await logins(client, path, **params) == expected


@pytest.mark.parametrize("wanted", ["2fa_disabled", "2fa_insecure"])
async def test_only_owners_filter_by_second_factor(session: aiohttp.ClientSession, wanted: str) -> None:
    """Anyone else gets 422 with these words, never an empty list."""
    async with asked(session, shown(github.GithubToken(owner=False))) as client:
        answer = await client.get(f"{ORG}/members", {"filter": wanted})
        everyone = await client.get(f"{ORG}/members")
    assert (answer.status, answer.body["message"]) == (422, "Only owners can use this filter.")
    assert len(everyone.body) == 3


async def test_an_older_server_does_not_know_the_insecure_filter(session: aiohttp.ClientSession) -> None:
    """It fails validation, while the filter for no second factor works."""
    async with asked(session, shown(github.GithubToken(), knows_insecure_filter=False)) as client:
        answer = await client.get(f"{ORG}/members", {"filter": "2fa_insecure"})
        disabled = await logins(client, "/members", filter="2fa_disabled")
    assert (answer.status, answer.body["message"], disabled) == (422, "Validation Failed", ["cyd"])


async def test_a_token_without_read_org_sees_public_members_only(session: aiohttp.ClientSession) -> None:
    """The list is shorter, its status is 200, and only the scopes in the header tell."""
    token = github.GithubToken(scopes=frozenset({"repo"}))
    async with asked(session, shown(token)) as client:
        answer = await client.get(f"{ORG}/members")
    assert ([row["login"] for row in answer.body], answer.status) == (["ana", "ben"], 200)
    assert answer.headers["x-oauth-scopes"] == "repo"


async def test_a_stranger_is_redirected_to_the_public_members(session: aiohttp.ClientSession) -> None:
    """302 to a list that leaves the private members out."""
    async with asked(session, shown(github.GithubToken(owner=False, member=False))) as client:
        answer = await client.get(f"{ORG}/members")
        followed = await client.get(answer.headers["Location"])
    assert (answer.status, [row["login"] for row in followed.body]) == (302, ["ana", "ben"])


@pytest.mark.parametrize(("owner", "told"), [(True, True), (False, None)])
async def test_only_owners_see_whether_two_factors_are_required(
    session: aiohttp.ClientSession, told: object, *, owner: bool
) -> None:
    """For anyone else the field is missing, which is not False."""
    tenant = shown(github.GithubToken(owner=owner), two_factor_requirement_enabled=True)
    async with asked(session, tenant) as client:
        answer = await client.get(ORG)
    assert answer.body.get("two_factor_requirement_enabled") is told
    assert ("two_factor_requirement_enabled" in answer.body) is owner


async def test_fine_grained_tokens_are_listed_for_apps_only(session: aiohttp.ClientSession) -> None:
    """A personal token is refused; an app sees owner, expiry and last use."""
    token = github.FineGrainedToken("ana", "ci", expires_at=NOW)
    tenant = shown(github.GithubToken(), fine_grained_tokens=[token])
    tenant.credentials["app"] = github.GithubToken(kind="app")
    async with asked(session, tenant) as client:
        refused = await client.get(f"{ORG}/personal-access-tokens")
        told = await Client(session, client.origin, {"Authorization": "token app"}).get(f"{ORG}/personal-access-tokens")
    assert (refused.status, refused.body["message"]) == (403, "Resource not accessible by personal access token")
    (row,) = told.body
    assert (row["owner"]["login"], row["token_expires_at"], row["token_last_used_at"]) == (
        "ana",
        "2026-11-21T05:30:00Z",
        None,
    )
    assert "x-oauth-scopes" not in told.headers


@pytest.mark.parametrize("setting", ["enterprise_cloud", "saml"])
async def test_authorised_credentials_exist_with_saml_only(session: aiohttp.ClientSession, setting: str) -> None:
    """Elsewhere they are not found, so classic tokens are invisible there."""
    credentials = [
        github.CredentialAuthorization("ana", accessed_at=NOW),
        github.CredentialAuthorization("ben", "SSH key", title="laptop"),
    ]
    tenant = shown(github.GithubToken(), credential_authorizations=credentials)
    async with asked(session, tenant) as client:
        told = await client.get(f"{ORG}/credential-authorizations")
        setattr(tenant, setting, False)
        missing = await client.get(f"{ORG}/credential-authorizations")
    assert [row["credential_accessed_at"] for row in told.body] == ["2026-11-21T05:30:00Z", None]
    assert ("scopes" in told.body[0], "scopes" in told.body[1]) == (True, False)
    assert missing.status == 404


async def test_installations_and_deploy_keys(session: aiohttp.ClientSession) -> None:
    """Installations come in an envelope with their number; deploy keys by repository."""
    repository = github.Repository("site", [github.DeployKey("deploy", last_used=NOW), github.DeployKey("old")])
    tenant = shown(github.GithubToken(), installations=[github.Installation("renovate")], repositories=[repository])
    async with asked(session, tenant) as client:
        apps = await client.get(f"{ORG}/installations")
        repositories = await client.get(f"{ORG}/repos")
        keys = await client.get("/repos/example/site/keys")
    assert (apps.body["total_count"], apps.body["installations"][0]["app_slug"]) == (1, "renovate")
    assert [row["full_name"] for row in repositories.body] == ["example/site"]
    assert [row["last_used"] for row in keys.body] == ["2026-11-21T05:30:00Z", None]


async def test_the_audit_log_pages_by_cursor_and_filters_by_phrase(session: aiohttp.ClientSession) -> None:
    """Events have epoch milliseconds; a phrase selects by actor, action and day."""
    events = [
        github.AuditEvent("ana" if at % 2 else "ben", NOW - timedelta(days=at), "repo.create") for at in range(10)
    ]
    async with asked(session, shown(github.GithubToken(), audit_events=events)) as client:
        pages = await client.pages(f"{ORG}/audit-log", {"per_page": "4"})
        found = await client.get(f"{ORG}/audit-log", {"phrase": "actor:ana created:>=2026-11-16 action:repo"})
    assert [len(page.body) for page in pages] == [4, 4, 2]
    assert pages[0].body[0]["@timestamp"] == int(NOW.timestamp() * 1000)
    assert len({row["_document_id"] for page in pages for row in page.body}) == 10
    assert [row["actor"] for row in found.body] == ["ana", "ana", "ana"]


@pytest.mark.parametrize(
    "path", ["/outside_collaborators", "/installations", "/credential-authorizations", "/audit-log"]
)
async def test_what_only_owners_may_read(session: aiohttp.ClientSession, path: str) -> None:
    """403 for a member and for an owner's token without the scope."""
    tokens = {"member": github.GithubToken(owner=False), "narrow": github.GithubToken(scopes=frozenset({"repo"}))}
    tenant = shown(github.GithubToken())
    tenant.credentials |= tokens
    async with asked(session, tenant) as client:
        allowed = await client.get(ORG + path)
        refused = [
            await Client(session, client.origin, {"Authorization": f"Bearer {name}"}).get(ORG + path) for name in tokens
        ]
    assert (allowed.status, [answer.status for answer in refused]) == (200, [403, 403])


@pytest.mark.parametrize("credential", ["Bearer wrong", "github-token", ""])
async def test_a_wrong_credential_is_refused(session: aiohttp.ClientSession, credential: str) -> None:
    """401 Bad credentials."""
    async with asked(session, github.GithubTenant(), credential) as client:
        answer = await client.get(ORG)
    assert (answer.status, answer.body["message"]) == (401, "Bad credentials")


async def test_another_organisation_is_not_found(session: aiohttp.ClientSession) -> None:
    """404 with GitHub's error envelope."""
    async with asked(session, github.GithubTenant()) as client:
        answer = await client.get("/orgs/elsewhere/members")
    assert (answer.status, set(answer.body)) == (404, {"message", "documentation_url", "status"})


async def test_a_spent_budget_is_refused_until_the_reset(session: aiohttp.ClientSession) -> None:
    """Every answer tells the budget; past it comes 403 with remaining 0; the audit log has a budget of its own."""
    tenant = github.GithubTenant(per_hour={"core": 2, "audit_log": 9})
    async with asked(session, tenant) as client:
        answers = [await client.get(ORG) for _ in range(3)]
        other = await client.get(f"{ORG}/audit-log")
    assert [answer.status for answer in (*answers, other)] == [200, 200, 403, 200]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["x-ratelimit-reset"]) > NOW.timestamp()
    assert other.headers["x-ratelimit-resource"] == "audit_log"
