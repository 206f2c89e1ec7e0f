"""HTTP is asked politely, for a bounded time, of one host, and an answer is complete and typed or an error."""

from __future__ import annotations

import asyncio
import gzip
import socket
from datetime import timedelta

import msgspec
import pytest
from aiohttp import web

from checks.model.doubt import Cause
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unconfigured, Unreachable
from sources.common.http import Answer, Api, anonymous, static_header
from sources.common.limits import Limits
from sources.common.source import Plan, Progress
from tests.sources.common.conftest import Hourglass, MakeApi
from tests.support.context import LentContext
from tests.support.provider import Reply, answers, cuts_off, drops, provider, stalls

TWICE = Limits(attempts=2)
BRIEF = Limits(attempts=2, read=timedelta(milliseconds=800))
"""Short limits, for a stall alone: whatever else is asked under them must be answered in that time."""


def limits_for(fault: Reply) -> Limits:
    """Wait briefly for what stalls, and as long as ever for what answers."""
    return BRIEF if fault in {STALL, STALL_HALFWAY} else TWICE


class User(msgspec.Struct):
    """A typed answer."""

    id: str
    age: int


DROP, STALL, STALL_HALFWAY = drops(), stalls(), stalls(after=b'{"a":')
USERS = msgspec.json.Decoder(list[User])


async def test_an_answer_is_returned_with_status_headers_and_body(api: MakeApi) -> None:
    """A 200 gives status, headers without case, the body's bytes, and words for messages without the query."""
    async with provider(answers(body='[{"id": "u1"}]', headers={"X-Page": "1"})) as host:
        answer = await api(host.url).get("/api/v1/users", {"search": 'status eq "ACTIVE"'})
    assert (answer.status, answer.body, answer.headers["x-page"]) == (200, b'[{"id": "u1"}]', "1")
    assert answer.asked == "GET /api/v1/users"
    assert host.queries == [{"search": 'status eq "ACTIVE"'}]


async def test_the_credential_and_the_callers_headers_are_sent(api: MakeApi) -> None:
    """Each request carries the credential's header and those of the caller."""
    async with provider(answers()) as host:
        await api(host.url).get("/x", headers={"Accept": "application/vnd.github+json"})
    assert host.headers[0]["Authorization"] == "Bearer s3cret-token"
    assert host.headers[0]["Accept"] == "application/vnd.github+json"
    assert host.headers[0]["User-Agent"] == "controlwatch"


async def test_a_post_carries_its_body_again_when_it_is_retried(api: MakeApi) -> None:
    """A retried POST sends the same body."""
    async with provider(answers(500), answers()) as host:
        await api(host.url).post("/", b"Action=GetCredentialReport")
    assert host.bodies == [b"Action=GetCredentialReport"] * 2


async def test_a_path_lies_below_the_path_of_the_base(api: MakeApi) -> None:
    """The base's own path (GitHub Enterprise Server's /api/v3) is kept."""
    async with provider(answers()) as host:
        await api(host.url + "/api/v3/").get("/orgs/acme")
    assert host.asked == ["/api/v3/orgs/acme"]


async def test_an_allowed_status_is_an_answer(api: MakeApi) -> None:
    """A 404 that the caller allows comes back as it is."""
    async with provider(answers(404)) as host:
        assert (await api(host.url).get("/users/u1", ok=(200, 404))).status == 404


@pytest.mark.parametrize(
    ("status", "error", "cause", "says"),
    [
        pytest.param(401, Refused, Cause.DENIED, "renew the secret that sources.okta-prod", id="401-credential"),
        pytest.param(403, Refused, Cause.DENIED, "source test okta-prod", id="403-permission"),
        pytest.param(404, Refused, Cause.DENIED, "check the name", id="404-hidden-or-gone"),
        pytest.param(422, Malformed, Cause.MALFORMED, "does not know", id="422-new-to-us"),
        pytest.param(206, Malformed, Cause.MALFORMED, "does not know", id="206-a-part-is-no-answer"),
        pytest.param(204, Malformed, Cause.MALFORMED, "does not know", id="204-nothing-is-no-answer"),
    ],
)
async def test_a_final_status_is_an_error_after_one_attempt(
    api: MakeApi, status: int, error: type[SourceError], cause: Cause, says: str
) -> None:
    """A status that another attempt cannot change raises at once, naming source, path and next step, never a secret."""
    async with provider(answers(status, b"" if status == 204 else b'{"password": "hunter2"}')) as host:
        with pytest.raises(error, match=r"okta-prod: GET /api/v1/users answered") as raised:
            await api(host.url).get("/api/v1/users", {"token": "query-s3cret"})
    assert len(host.asked) == 1
    assert raised.value.cause is cause
    assert says in str(raised.value)
    assert not any(secret in str(raised.value) for secret in ("hunter2", "s3cret"))


async def test_words_replace_a_path_that_names_a_person(api: MakeApi) -> None:
    """A message shows the caller's words in place of the path."""
    async with provider(answers(403)) as host:
        with pytest.raises(Refused, match=r"GET /users/\{login\} answered 403") as raised:
            await api(host.url).get("/users/ana", words="GET /users/{login}")
    assert "ana" not in str(raised.value)


async def test_a_vendor_code_decides_before_the_status(api: MakeApi) -> None:
    """The hook's error is raised in place of what the status would mean."""

    def explain(answer: Answer) -> SourceError | None:
        return Refused("no P1 licence", cause=Cause.UNLICENSED) if b"NonPremium" in answer.body else None

    async with provider(answers(403, '{"error": {"code": "NonPremiumTenant"}}')) as host:
        with pytest.raises(Refused, match="no P1 licence") as raised:
            await api(host.url, explain=explain).get("/users")
    assert raised.value.cause is Cause.UNLICENSED


async def test_a_throttle_that_a_vendor_hides_in_a_403_is_waited_for(api: MakeApi, glass: Hourglass) -> None:
    """A 403 that the hook calls a throttle is retried, after the wait that the limits give."""

    def explain(answer: Answer) -> SourceError | None:
        return Throttled("secondary limit") if b"secondary" in answer.body else None

    limits = Limits(throttle_wait=timedelta(seconds=20))
    async with provider(answers(403, '{"message": "secondary rate limit"}'), answers()) as host:
        assert (await api(host.url, limits, explain).get("/orgs")).status == 200
    assert glass.at == 20


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(500), id="500"),
        pytest.param(answers(502, "<html>"), id="502"),
        pytest.param(answers(503, headers={"Retry-After": "2"}), id="503-retry-after"),
        pytest.param(answers(429, headers={"Retry-After": "2"}), id="429-retry-after"),
        pytest.param(answers(429), id="429-bare"),
        pytest.param(STALL_HALFWAY, id="stall"),
        pytest.param(cuts_off(), id="truncated-body"),
        pytest.param(cuts_off(after=b"\x1f\x8b", headers={"content-encoding": "gzip"}), id="truncated-gzip"),
        pytest.param(answers(200, b"no gzip", {"content-encoding": "gzip"}), id="bad-gzip"),
        pytest.param(drops(), id="drop"),
    ],
)
async def test_a_passing_fault_is_retried(api: MakeApi, fault: Reply) -> None:
    """A fault that time mends costs attempts, not the run."""
    async with provider(fault, answers(body='{"ok": 1}')) as host:
        assert (await api(host.url, limits_for(fault)).get("/users")).body == b'{"ok": 1}'
    assert len(host.asked) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(answers(500), Unreachable, id="500"),
        pytest.param(answers(429, headers={"Retry-After": "1"}), Throttled, id="429"),
        pytest.param(STALL, Unreachable, id="stall"),
        pytest.param(cuts_off(), Truncated, id="truncated-body"),
        pytest.param(answers(200, b"no gzip", {"content-encoding": "gzip"}), Truncated, id="bad-gzip"),
        pytest.param(DROP, Unreachable, id="drop"),
    ],
)
async def test_a_lasting_fault_is_an_error_after_the_last_attempt(
    api: MakeApi, fault: Reply, error: type[SourceError]
) -> None:
    """Attempts are capped, and there is one retry layer (aiohttp alone sends once more over a dropped connection)."""
    async with provider(fault) as host:
        with pytest.raises(error, match="okta-prod: GET /users"):
            await api(host.url, limits_for(fault)).get("/users")
    assert len(host.asked) == (4 if fault is DROP else 2)


async def test_a_gzip_body_that_ends_early_is_no_answer(api: MakeApi) -> None:
    """A gzip body cut inside its stream is not taken for the whole, even where the framing is whole."""
    part = gzip.compress(b"[" + b'{"id": "u1", "age": 1},' * 500)[:40]
    async with provider(answers(200, part, {"content-encoding": "gzip"})) as host:
        one = api(host.url, TWICE)
        with pytest.raises(Truncated):
            one.decode(await one.get("/users"), USERS)


async def test_a_closed_port_is_unreachable(api: MakeApi) -> None:
    """A refused connection is retried, then named with its host."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 did not answer"):
            await api(f"http://127.0.0.1:{port}", TWICE).get("/users")


async def test_a_refused_connection_says_what_to_check(api: MakeApi) -> None:
    """Where nothing listens the message says so, and names what an operator checks next."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(Unreachable, match=r"connection refused.*check the URL, the proxy and the firewall"):
            await api(f"http://127.0.0.1:{port}", TWICE).get("/users")


ECHOES = ("Bearer s3cret-token", "s3cret-token", "text/s3cret-token", "S3CRET-TOKEN/x", "x/" + "s3cret-token" * 9)


@pytest.mark.parametrize("kind", ECHOES)
async def test_a_content_type_that_repeats_the_credential_is_not_shown(api: MakeApi, kind: str) -> None:
    """A server that answers with our own credential as content type does not get it into a message."""
    async with provider(answers(200, "nonsense", {"content-type": kind})) as host:
        one = api(host.url)
        with pytest.raises(Malformed, match="answered another type that is not JSON") as raised:
            one.decode(await one.get("/users"), USERS)
    assert "s3cret" not in str(raised.value).lower()


@pytest.mark.parametrize(
    "name",
    ["s3cret-token", "s3cret-token.example.org", "S3CRET-TOKEN.example", "s3crettoken.example", "s3cret.token.example"],
)
async def test_a_host_that_repeats_the_credential_is_not_shown(api: MakeApi, name: str) -> None:
    """Neither a redirect nor a next link gets our credential into a message as a host."""
    async with provider(answers(302, headers={"Location": f"https://{name}/x"})) as host:
        with pytest.raises(Refused, match="sends us to another host") as redirected:
            await api(host.url).get("/users")
    async with provider(answers(200, "[]")) as host:
        one = api(host.url)
        await one.get("/users")
        with pytest.raises(Malformed, match="leads to another host") as linked:
            await one.get(f"https://{name}/x")
    for raised in (redirected, linked):
        assert "s3cret" not in str(raised.value).lower()


async def test_a_form_that_carries_a_secret_is_not_repeated(ctx: LentContext) -> None:
    """A token server that redirects to a host named after the client's secret does not get it into a message."""
    async with provider(answers(302, headers={"Location": "https://hunter2-hunter2.example/"})) as host:
        with pytest.raises(Refused, match="sends us to another host"):
            await Api(ctx, host.url, anonymous).post("/token", b"client_secret=hunter2-hunter2&scope=x")


async def test_a_body_over_the_cap_is_cut_off(api: MakeApi) -> None:
    """A body that grows past the cap, compressed or not, ends as Truncated and not as memory."""
    bomb = gzip.compress(b" " * 5_000_000)
    async with provider(answers(200, bomb, {"content-encoding": "gzip"})) as host:
        with pytest.raises(Truncated, match="larger than 1000000 bytes"):
            await api(host.url, Limits(body_bytes=1_000_000)).get("/users")
    assert len(host.asked) == 1


async def test_a_redirect_is_not_followed(api: MakeApi) -> None:
    """A 3xx raises Refused that names the host it points to, and nothing else of the address."""
    async with provider(answers()) as elsewhere:
        target = elsewhere.url.replace("127.0.0.1", "localhost") + "/?t=query-s3cret"
        async with provider(answers(302, headers={"Location": target})) as host:
            with pytest.raises(Refused, match="sends us to 'localhost'") as raised:
                await api(host.url).get("/users")
    assert elsewhere.asked == []
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("base", "says"),
    [
        pytest.param("ftp://example.org", "not an http", id="scheme"),
        pytest.param("example.org", "not an http", id="no-scheme"),
        pytest.param("https://", "not an http", id="no-host"),
        pytest.param("https://u:s3cret@example.org", "more than scheme", id="password"),
        pytest.param("https://example.org/?token=s3cret", "more than scheme", id="query"),
    ],
)
async def test_a_wrong_base_url_is_a_configuration_fault(api: MakeApi, base: str, says: str) -> None:
    """A base that is no plain URL is refused before anything is asked, without repeating it."""
    with pytest.raises(Unconfigured, match=says) as raised:
        api(base)
    assert "s3cret" not in str(raised.value)


async def test_a_secret_with_a_line_break_is_a_configuration_fault(ctx: LentContext) -> None:
    """A secret stored with its newline is named as such, not sent and not shown."""
    async with provider(answers()) as host:
        with pytest.raises(Unconfigured, match="line break") as raised:
            await Api(ctx, host.url, static_header("Authorization", "SSWS s3cret\n")).get("/users")
    assert host.asked == []
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        pytest.param('[{"id": "u1", "age": "hunter2"}]', Malformed, "Expected `int`, got `str` at $[0].age", id="type"),
        pytest.param('[{"id": "hunter2"}]', Malformed, "missing required field `age` at $[0]", id="missing"),
        pytest.param("<html>hunter2", Malformed, "'text/html' that is not JSON", id="html"),
        pytest.param('[{"id": "hunter2",', Truncated, "ends too early", id="cut"),
    ],
)
async def test_a_wrong_shape_names_the_json_path_and_no_value(
    api: MakeApi, body: str, error: type[SourceError], says: str
) -> None:
    """A body of another shape is named by source, request and JSON path; its values stay out of the message."""
    kind = "text/html; charset=utf-8" if body.startswith("<") else "application/json"
    async with provider(answers(200, body, {"content-type": kind})) as host:
        one = api(host.url)
        answer = await one.get("/users")
        with pytest.raises(error, match="okta-prod: GET /users") as raised:
            one.decode(answer, USERS)
    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_an_unknown_enum_value_stays_out_of_the_message(api: MakeApi) -> None:
    """A decoder's message that quotes a value is cut down to the path."""

    class Row(msgspec.Struct):
        status: Cause

    async with provider(answers(200, '{"status": "hunter2"}')) as host:
        one = api(host.url)
        with pytest.raises(Malformed, match=r"a value is not allowed at \$\.status") as raised:
            one.decode(await one.get("/x"), msgspec.json.Decoder(Row))
    assert "hunter2" not in str(raised.value)


async def test_no_more_than_four_requests_are_in_flight(api: MakeApi) -> None:
    """Ten requests at once reach the host four at a time."""
    four = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if host.flying == 4:
            four.set()
        await asyncio.wait_for(four.wait(), 60)
        await asyncio.sleep(0.02)  # time for a fifth to come, if it may
        return web.json_response({})

    async with provider(slow) as host:
        one = api(host.url)
        await asyncio.gather(*(one.get(f"/{number}") for number in range(10)))
    assert host.most == 4


async def test_progress_counts_the_requests_answered(api: MakeApi, ctx: LentContext) -> None:
    """Every answered request is reported, with the plan once it is known."""
    async with provider(answers(500), answers()) as host:
        one = api(host.url)
        one.plan = Plan(requests=2, seconds=1.0)
        await one.get("/users")
    assert ctx.told == [Progress(1, one.plan), Progress(2, one.plan)]


async def test_cancelling_ends_a_request_at_once(api: MakeApi) -> None:
    """A cancelled run does not wait for the host, and the cancellation is not taken for a fault."""
    async with provider(stalls()) as host:
        task = asyncio.ensure_future(api(host.url).get("/users"))
        await host.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_anonymous_request_carries_no_credential(ctx: LentContext) -> None:
    """``anonymous`` sends no header of its own."""
    async with provider(answers()) as host:
        await Api(ctx, host.url, anonymous).get("/x")
    assert "Authorization" not in host.headers[0]
