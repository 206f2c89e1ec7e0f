"""Each fault does on the wire what it says, whichever vendor's replica it hits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

from demo.replicas import github, graph, okta
from demo.replicas.faults import (
    Drip,
    Drop,
    EmptyPage,
    EndEarly,
    Erase,
    Failed,
    Faults,
    ForeignNext,
    NextLoop,
    Omit,
    PageEffect,
    Repeat,
    Replace,
    Shrink,
    Stall,
    Throttled,
    Truncate,
    WireEffect,
    WrongShape,
)
from demo.replicas.serve import serving
from tests.demo.replicas.asking import FEW, Client
from tests.support.clock import NOW

USERS = "/api/v1/users"
EVERYONE = [f"00u{at}" for at in range(5)]


@asynccontextmanager
async def asked(session: aiohttp.ClientSession, faults: Faults) -> AsyncIterator[Client]:
    """Serve five Okta users, whose list has three pages of two at most."""
    tenant = okta.OktaTenant([okta.OktaUser(name, f"{name}@example.org") for name in EVERYONE])
    async with serving(okta.app(tenant, faults, clock=NOW.timestamp)) as origin:
        yield Client(session, origin, {"Authorization": "SSWS okta-token"})


async def listed(
    session: aiohttp.ClientSession, effect: PageEffect, nth: int, times: int | None = 1
) -> list[list[str]]:
    """Return the ids on each page when the effect hits."""
    faults = Faults()
    faults.inject(USERS, effect, nth=nth, times=times)
    async with asked(session, faults) as client:
        pages = await client.pages(USERS, {"limit": "2"})
    return [[row["id"] for row in page.body] for page in pages]


@pytest.mark.parametrize(
    ("effect", "nth", "pages"),
    [
        pytest.param(Shrink(), 3, [["00u0", "00u1"], ["00u2", "00u3"], []], id="the last page is empty"),
        pytest.param(Shrink(), 2, [["00u0", "00u1"], ["00u2", "00u3"], ["00u4"]], id="other pages do not shrink"),
        pytest.param(EndEarly(), 2, [["00u0", "00u1"], ["00u2", "00u3"]], id="the list ends early"),
        pytest.param(Repeat(), 2, [["00u0", "00u1"], ["00u1", "00u2", "00u3"], ["00u4"]], id="a row is on two pages"),
        pytest.param(
            EmptyPage(), 2, [["00u0", "00u1"], [], ["00u2", "00u3"], ["00u4"]], id="an empty page loses nothing"
        ),
        pytest.param(Omit(frozenset({"00u2"})), 2, [["00u0", "00u1"], ["00u3"], ["00u4"]], id="a row is not there"),
    ],
)
async def test_a_fault_changes_one_page(
    session: aiohttp.ClientSession, effect: PageEffect, nth: int, pages: list[list[str]]
) -> None:
    """The pages as a client sees them that follows the links."""
    assert await listed(session, effect, nth) == pages


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_loop_never_ends(session: aiohttp.ClientSession, *, fresh: bool) -> None:
    """A client without a page cap of its own would read for ever."""
    pages = await listed(session, NextLoop(fresh=fresh), 1, None)
    assert len(pages) == FEW
    assert {tuple(page) for page in pages} == {("00u0", "00u1")}


async def test_fresh_loops_have_links_that_differ(session: aiohttp.ClientSession) -> None:
    """Remembering the links does not stop them."""
    faults = Faults()
    faults.inject(USERS, NextLoop(fresh=True), times=None)
    async with asked(session, faults) as client:
        pages = await client.pages(USERS, {"limit": "2"})
    assert len({page.links["next"] for page in pages}) == FEW


async def test_a_foreign_link_keeps_the_path_and_changes_the_host(session: aiohttp.ClientSession) -> None:
    """The link looks right but for its origin."""
    faults = Faults()
    faults.inject(USERS, ForeignNext("https://elsewhere.example:8443"))
    async with asked(session, faults) as client:
        answer = await client.get(USERS, {"limit": "2"})
    parts = urlsplit(answer.links["next"])
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "elsewhere.example:8443", USERS)
    assert "after=" in parts.query


async def test_values_are_replaced_and_erased(session: aiohttp.ClientSession) -> None:
    """A field says something unknown or is missing, in the rows named, and the next request is whole again."""
    faults = Faults()
    faults.inject(USERS, Replace("status", "HIBERNATING", frozenset({0})))
    faults.inject(USERS, Replace("profile.userType", "robot"))
    faults.inject(USERS, Erase("profile.login", frozenset({1})))
    async with asked(session, faults) as client:
        wrong = (await client.get(USERS)).body
        whole = (await client.get(USERS)).body
    assert [row["status"] for row in wrong] == ["HIBERNATING", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"]
    assert {row["profile"]["userType"] for row in wrong} == {"robot"}
    assert ["login" in row["profile"] for row in wrong] == [True, False, True, True, True]
    assert {row["status"] for row in whole} == {"ACTIVE"}
    assert not any("userType" in row["profile"] for row in whole)


async def test_a_repeated_row_may_contradict_itself(session: aiohttp.ClientSession) -> None:
    """The same id says something else on the second page."""
    faults = Faults()
    faults.inject(USERS, Repeat({"status": "SUSPENDED"}), nth=2)
    async with asked(session, faults) as client:
        pages = await client.pages(USERS, {"limit": "2"})
    assert [(row["id"], row["status"]) for row in (pages[0].body[1], pages[1].body[0])] == [
        ("00u1", "ACTIVE"),
        ("00u1", "SUSPENDED"),
    ]


async def test_a_user_is_missing_from_the_registration_report(session: aiohttp.ClientSession) -> None:
    """The list of users still has the one whom the report omits."""
    tenant = graph.GraphTenant([graph.GraphUser("a@x"), graph.GraphUser("b@x")])
    faults = Faults()
    faults.inject("*/userRegistrationDetails", Omit(frozenset({tenant.users[0].id})), times=None)
    form = {
        "grant_type": "client_credentials",
        "client_id": next(iter(tenant.clients)),
        "client_secret": "graph-secret",
        "scope": "x/.default",
    }
    async with serving(graph.app(tenant, faults, clock=NOW.timestamp)) as origin:
        async with session.post(f"{origin}/{tenant.tenant_id}/oauth2/v2.0/token", data=form) as response:
            issued = (await response.json())["access_token"]
        client = Client(session, origin, {"Authorization": f"Bearer {issued}"})
        report = await client.get("/v1.0/reports/authenticationMethods/userRegistrationDetails")
        users = await client.get("/v1.0/users")
    assert [row["userPrincipalName"] for row in report.body["value"]] == ["b@x"]
    assert len(users.body["value"]) == 2


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        pytest.param(Drop(), aiohttp.ClientConnectionError, id="reset before the answer"),
        pytest.param(Truncate(), aiohttp.ClientPayloadError, id="broken short of its length"),
        pytest.param(Truncate(honest_length=True), ValueError, id="cut JSON with its own length"),
    ],
)
async def test_a_broken_answer_is_an_error_to_the_client(
    session: aiohttp.ClientSession, effect: WireEffect, error: type[Exception]
) -> None:
    """Never a short list; the next request is whole again."""
    faults = Faults()
    faults.inject(USERS, effect, times=2)  # aiohttp asks again by itself when a kept connection breaks.
    async with asked(session, faults) as client:
        with pytest.raises(error):
            await client.get(USERS)
        faults.clear()
        assert len((await client.get(USERS)).body) == 5


async def test_a_stalled_request_goes_on_when_released(session: aiohttp.ClientSession) -> None:
    """Nothing comes until then."""
    faults = Faults()
    faults.inject(USERS, Stall())
    async with asked(session, faults) as client:
        waiting = asyncio.create_task(client.get(USERS))
        await faults.until_asked(USERS)
        await client.get(f"{USERS}/00u1")
        assert not waiting.done()
        faults.release()
        assert len((await waiting).body) == 5


async def test_a_drip_is_whole_in_the_end(session: aiohttp.ClientSession) -> None:
    """It takes as many pauses as chunks, and the JSON is right."""
    faults = Faults()
    faults.inject(f"{USERS}/00u1", Drip(chunk=100, every_s=0.001))
    async with asked(session, faults) as client:
        assert (await client.get(f"{USERS}/00u1")).body["id"] == "00u1"


async def test_a_wrong_shape_is_json_with_status_200(session: aiohttp.ClientSession) -> None:
    """Only decoding it into the documented type can tell."""
    faults = Faults()
    faults.inject(USERS, WrongShape({"users": []}))
    async with asked(session, faults) as client:
        answer = await client.get(USERS)
    assert (answer.status, answer.body) == (200, {"users": []})


@pytest.mark.parametrize(
    ("effect", "status", "code", "retry_after"),
    [
        pytest.param(Failed(500), 500, "E0000009", None, id="500"),
        pytest.param(Failed(503, retry_after_s=7), 503, "E0000009", "7", id="503 with a wait"),
        pytest.param(Throttled(wait_s=9), 429, "E0000047", None, id="429"),
    ],
)
async def test_okta_refuses_in_its_own_words(
    session: aiohttp.ClientSession, effect: WireEffect, status: int, code: str, retry_after: str | None
) -> None:
    """An error envelope with Okta's code; a throttle carries the reset and no Retry-After."""
    faults = Faults()
    faults.inject(USERS, effect)
    async with asked(session, faults) as client:
        answer = await client.get(USERS)
    assert (answer.status, answer.body["errorCode"], answer.headers.get("Retry-After")) == (status, code, retry_after)
    if isinstance(effect, Throttled):
        assert int(answer.headers["X-Rate-Limit-Reset"]) == int(NOW.timestamp()) + 9


@pytest.mark.parametrize(
    ("effect", "status", "told"),
    [
        pytest.param(
            Throttled(wait_s=9, status=403),
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 9)},
            id="primary",
        ),
        pytest.param(Throttled(wait_s=9, kind="secondary"), 429, {"retry-after": "9"}, id="secondary with a wait"),
        pytest.param(Throttled(wait_s=None, kind="secondary", status=403), 403, {}, id="secondary without one"),
        pytest.param(Failed(502, html=True), 502, {"Content-Type": "text/html; charset=utf-8"}, id="a gateway's page"),
    ],
)
async def test_github_refuses_in_its_own_words(
    session: aiohttp.ClientSession, effect: WireEffect, status: int, told: dict[str, str]
) -> None:
    """A primary limit tells its reset, a secondary one a wait or nothing, a gateway speaks HTML."""
    faults = Faults()
    faults.inject("/orgs/*", effect)
    async with serving(github.app(github.GithubTenant(), faults, clock=NOW.timestamp)) as origin:
        answer = await Client(session, origin, {"Authorization": "Bearer github-token"}).get("/orgs/example")
    assert answer.status == status
    assert {name: answer.headers[name] for name in told} == told
    assert ("retry-after" in answer.headers) == ("retry-after" in told)


@pytest.mark.parametrize(("wait_s", "told"), [(4, "4"), (None, None)])
async def test_graph_refuses_in_its_own_words(
    session: aiohttp.ClientSession, wait_s: int | None, told: str | None
) -> None:
    """With Retry-After as a rule, without it for some services."""
    faults = Faults()
    faults.inject("/v1.0/users", Throttled(wait_s=wait_s))
    async with serving(graph.app(graph.GraphTenant(), faults)) as origin:
        answer = await Client(session, origin).get("/v1.0/users")
    assert (answer.status, answer.body["error"]["code"]) == (429, "TooManyRequests")
    assert answer.headers.get("Retry-After") == told


async def test_what_was_asked_is_remembered_before_any_fault(session: aiohttp.ClientSession) -> None:
    """Tests can count requests and see which credential was sent where."""
    faults = Faults()
    faults.inject(USERS, Failed(503))
    async with asked(session, faults) as client:
        await client.get(USERS, {"limit": "2"})
    (seen,) = faults.seen
    assert (seen.method, seen.path, seen.query) == ("GET", USERS, {"limit": "2"})
    assert seen.headers["authorization"] == "SSWS okta-token"
