"""A listing is walked to its true end on one host, or ends in an error; it is never quietly short."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import msgspec
import pytest
from aiohttp import web

from sources.common.errors import Malformed, Truncated
from sources.common.http import Answer
from sources.common.limits import Limits
from sources.common.pages import each, json_next, link_next
from tests.sources.common.conftest import MakeApi
from tests.support.provider import Reply, answers, provider


class Envelope(msgspec.Struct):
    """A page as Graph sends it."""

    value: list[int]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


ENVELOPE = msgspec.json.Decoder(Envelope)
ODATA = json_next("@odata.nextLink")


def chain(*bodies: str, loop: bool = False) -> Reply:
    """Serve pages ``/p/0``, ``/p/1``, …, linked by a Link header; with ``loop`` the last leads to the first."""

    async def reply(request: web.Request) -> web.StreamResponse:
        number = int(request.path.rsplit("/", 1)[1])
        following = number + 1 if number + 1 < len(bodies) else 0 if loop else None
        links = [f'<{request.url}>; rel="self"']
        if following is not None:
            links.append(f'<{request.url.origin()}/p/{following}>; rel="next"')
        response = web.Response(text=bodies[number], content_type="application/json")
        for link in links:
            response.headers.add("Link", link)
        return response

    return reply


async def test_pages_are_followed_to_the_last(api: MakeApi) -> None:
    """Next links are followed until a page has none, an empty page in the middle included."""
    async with provider(chain("[1]", "[]", "[2]")) as host:
        bodies = [answer.body async for answer in api(host.url).pages("/p/0", next_of=link_next)]
    assert bodies == [b"[1]", b"[]", b"[2]"]


async def test_every_page_carries_the_headers_and_the_credential(api: MakeApi) -> None:
    """What the first page was asked with, the later ones are asked with."""
    async with provider(chain("[1]", "[2]")) as host:
        one = api(host.url)
        async for _ in one.pages("/p/0", next_of=link_next, headers={"Accept": "application/x"}):
            pass
    assert [sent["Accept"] for sent in host.headers] == ["application/x"] * 2
    assert [sent["Authorization"] for sent in host.headers] == ["Bearer s3cret-token"] * 2


async def test_a_next_link_is_used_verbatim(api: MakeApi) -> None:
    """An opaque link is sent as it came, its escapes untouched."""
    first = '{"value": [1], "@odata.nextLink": "%s/users?$skiptoken=a%%2Bb%%20c~%%7e"}'

    async def reply(request: web.Request) -> web.StreamResponse:
        body = first % request.url.origin() if "skiptoken" not in request.raw_path else '{"value": []}'
        raw.append(request.raw_path)
        return web.Response(text=body, content_type="application/json")

    raw: list[str] = []
    async with provider(reply) as host:
        pages = [page async for page in api(host.url).listing("/users", ENVELOPE, next_of=lambda page: page.next_link)]
    assert [page.value for page in pages] == [[1], []]
    assert raw == ["/users", "/users?$skiptoken=a%2Bb%20c~%7e"]


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://evil.example/p/1", id="another-host"),
        pytest.param("http://127.0.0.1:1/p/1", id="another-port"),
        pytest.param("https://127.0.0.1:{port}/p/1", id="another-scheme"),
        pytest.param("//evil.example/p/1", id="no-scheme"),
        pytest.param("http://127.0.0.1:{port}@evil.example/p/1", id="host-as-user"),
        pytest.param("http://u:p@127.0.0.1:{port}/p/1", id="password-in-link"),
        pytest.param("http://127.0.0.1:{port}\\@evil.example/", id="backslash"),
        pytest.param("http://127.0.0.1:{port}/p/1 HTTP/1.1\\r\\nX: y", id="line-break"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("http://[", id="no-url"),
    ],
)
async def test_a_next_link_off_the_host_is_never_asked(api: MakeApi, link: str) -> None:
    """A link that leaves scheme, host or port raises Malformed, and the credential stays here."""

    async def reply(request: web.Request) -> web.StreamResponse:
        told = link.replace("{port}", str(request.url.port)).replace("\\@", "\\\\@")
        return web.Response(text=f'{{"value": [1], "@odata.nextLink": "{told}"}}', content_type="application/json")

    async with provider(reply) as host:
        pages = api(host.url).pages("/p/0", next_of=ODATA)
        assert (await anext(pages)).status == 200
        with pytest.raises(Malformed, match="the credential was not sent there"):
            await anext(pages)
    assert host.asked == ["/p/0"]


async def test_a_loop_of_next_links_is_truncated(api: MakeApi) -> None:
    """A link back to an earlier page ends the walk as Truncated, not as a complete listing."""
    async with provider(chain("[1]", "[2]", loop=True)) as host:
        with pytest.raises(Truncated, match="leads back to an earlier page"):
            _ = [answer async for answer in api(host.url).pages("/p/0", next_of=link_next)]
    assert len(host.asked) == 2


async def test_the_page_cap_is_truncated_and_no_end(api: MakeApi) -> None:
    """At the cap the pages read are given, then Truncated is raised."""
    read: list[Answer] = []
    async with provider(chain("[1]", "[2]", "[3]")) as host:
        with pytest.raises(Truncated, match="after 2 pages, which is our cap"):
            read.extend([answer async for answer in api(host.url, Limits(pages=2)).pages("/p/0", next_of=link_next)])
    assert len(host.asked) == 2


async def test_a_listing_exactly_as_long_as_the_cap_is_complete(api: MakeApi) -> None:
    """A listing whose last allowed page has no next link ends as complete."""
    async with provider(chain("[1]", "[2]")) as host:
        read = [answer async for answer in api(host.url, Limits(pages=2)).pages("/p/0", next_of=link_next)]
    assert len(read) == 2


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param('<{u}/b>; rel="next"', "/b", id="quoted"),
        pytest.param("<{u}/b>;rel=next", "/b", id="bare"),
        pytest.param(
            '<{u}/a>; rel="self", <{u}/b?x=1,2;3>; title="p, 2"; rel="next"', "/b?x=1,2;3", id="second-with-commas"
        ),
        pytest.param('</b>; REL="last NEXT"', "/b", id="relative-and-several-relations"),
        pytest.param('<{u}/a>; rel="prev"', None, id="none"),
        pytest.param('<{u}/a>; rel="nextish"', None, id="another-relation"),
        pytest.param("", None, id="empty"),
    ],
)
async def test_link_headers_are_read(api: MakeApi, headers: str, expected: str | None) -> None:
    """RFC 8288 links in their common spellings give the next URL, absolute."""

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.json_response({}, headers={"Link": headers.replace("{u}", str(request.url.origin()))})

    async with provider(reply) as host:
        found = link_next(await api(host.url).get("/a"))
    assert found == (host.url + expected if expected else None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('{"_links": {"next": {"href": "/b"}}, "rows": [1]}', "/b", id="nested-relative"),
        pytest.param('{"_links": {"next": null}}', None, id="null"),
        pytest.param('{"_links": null}', None, id="null-above"),
        pytest.param('{"_links": {}}', None, id="missing"),
        pytest.param('{"_links": {"next": {"href": ""}}}', None, id="empty"),
    ],
)
async def test_next_links_in_a_body_are_read(api: MakeApi, body: str, expected: str | None) -> None:
    """A path of keys gives the next URL, absolute; missing or null is the last page."""
    async with provider(answers(body=body)) as host:
        found = json_next("_links", "next", "href")(await api(host.url).get("/a"))
    assert found == (host.url + expected if expected else None)


@pytest.mark.parametrize("body", ['{"next": 7}', "[1]", "<html>", '{"next": "x"'])
async def test_a_next_link_that_cannot_be_read_is_no_last_page(api: MakeApi, body: str) -> None:
    """A body in which the link cannot be read is Malformed; it never counts as the end."""
    async with provider(answers(body=body)) as host:
        answer = await api(host.url).get("/a")
    with pytest.raises(Malformed, match="GET /a: no next link can be read at next"):
        json_next("next")(answer)


async def test_each_answers_in_order_with_a_few_in_flight() -> None:
    """Answers come in the order of the items, and only ``width`` are asked at once."""
    flying: list[int] = []
    most: list[int] = []

    async def ask(number: int) -> int:
        flying.append(number)
        most.append(len(flying))
        await asyncio.sleep(0.002 * (5 - number % 5))
        flying.remove(number)
        return number * number

    got = [pair async for pair in each(range(12), ask, width=3)]
    assert got == [(number, number * number) for number in range(12)]
    assert max(most) == 3


async def test_each_raises_the_first_error_and_cancels_the_rest() -> None:
    """An error is raised in its turn, and nothing is left running."""
    cancelled: list[int] = []

    async def ask(number: int) -> int:
        if number == 1:
            raise Malformed("no")
        try:
            await asyncio.sleep(0 if number == 0 else 60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    got: list[int] = []
    with pytest.raises(Malformed):
        got.extend([item async for item, _ in each(range(9), ask)])
    assert set(cancelled) <= {2, 3, 4}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_each_cancels_what_is_in_flight_when_it_is_closed() -> None:
    """A caller that stops early leaves no request behind."""
    cancelled: list[int] = []

    async def ask(number: int) -> int:
        try:
            await asyncio.sleep(0 if number == 0 else 60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async with aclosing(each(range(9), ask)) as walk:
        assert await anext(walk) == (0, 0)
        await asyncio.sleep(0)
    assert cancelled == [1, 2, 3, 4]
