"""A real HTTP server on loopback that answers as it is told, one reply per request, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Provider:
    """The server's address, and the requests that it got."""

    url: str = ""
    """Base URL, without a slash at the end."""
    asked: list[str] = field(default_factory=list)
    """Path and query of each request."""
    queries: list[Mapping[str, str]] = field(default_factory=list)
    """Query of each request, decoded."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Headers of each request."""
    bodies: list[bytes] = field(default_factory=list)
    """Body of each request."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first request is there."""
    flying: int = 0
    """Requests in flight now."""
    most: int = 0
    """The most requests that were in flight at once."""


@asynccontextmanager
async def provider(*replies: Reply) -> AsyncIterator[Provider]:
    """Serve the replies in turn; the last one answers every later request."""
    seen = Provider()

    async def handle(request: web.Request) -> web.StreamResponse:
        reply = replies[min(len(seen.asked), len(replies) - 1)]
        seen.asked.append(str(request.rel_url))
        seen.queries.append(dict(request.query))
        seen.headers.append(dict(request.headers))
        seen.bodies.append(await request.read())
        seen.reached.set()
        seen.flying += 1
        seen.most = max(seen.most, seen.flying)
        try:
            return await reply(request)
        finally:
            seen.flying -= 1

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        seen.url = str(server.make_url("")).rstrip("/")
        yield seen


def answers(status: int = 200, body: bytes | str = b"{}", headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with this status, body (JSON unless the headers say otherwise) and these headers."""
    sent = body.encode() if isinstance(body, str) else body

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=sent, headers={"content-type": "application/json", **(headers or {})})

    return reply


def stalls(*, after: bytes = b"") -> Reply:
    """Send headers and ``after``, then nothing until the client goes away."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000"})
        await response.prepare(request)
        await response.write(after)
        gone = asyncio.Event()
        await asyncio.wait_for(gone.wait(), 60)
        return response

    return reply


def cuts_off(*, after: bytes = b"{", headers: Mapping[str, str] | None = None) -> Reply:
    """Send part of the announced body, then close the connection."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000", **(headers or {})})
        await response.prepare(request)
        await response.write(after)
        if request.transport is not None:
            request.transport.close()
        return response

    return reply


def drops() -> Reply:
    """Close the connection without a word."""

    async def reply(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return reply
