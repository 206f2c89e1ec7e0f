"""A scripted fault happens to the request that it hits: on the wire by a middleware, on a page by ``shape``."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from demo.replicas.faults import (
    Drip,
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
    Seen,
    Shrink,
    Stall,
    Throttled,
    Truncate,
    WrongShape,
)
from demo.replicas.paging import Page, Row

FAULTS: Final = web.AppKey("faults", Faults)
_HIT: Final = web.RequestKey("hit", list[Effect])

Refuse = Callable[[web.Request, Throttled | Failed], web.Response]
"""Writes a refusal in the vendor's own words and headers."""


def application(faults: Faults | None, refuse: Refuse) -> web.Application:
    """Return an application without routes whose requests the faults may hit."""
    app = web.Application(middlewares=[_faulty(refuse)])
    app[FAULTS] = Faults() if faults is None else faults
    return app


def _faulty(refuse: Refuse) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        faults = request.app[FAULTS]
        headers = {name.lower(): value for name, value in request.headers.items()}
        faults.note(Seen(request.method, request.path, dict(request.query), headers))
        effects = request[_HIT] = faults.hit(request.path)
        for effect in effects:
            match effect:
                case Throttled() | Failed():
                    return refuse(request, effect)
                case Stall():
                    await faults.released()
                case Drop():
                    _reset(request)
        response = await handler(request)
        for effect in effects:
            if isinstance(response, web.Response):
                response = await _on_wire(request, response, effect)
        return response

    return middleware


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


async def _on_wire(request: web.Request, response: web.Response, effect: Effect) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    match effect:
        case WrongShape():
            response.body = msgspec.json.encode(effect.body)
        case Truncate(honest_length=True):
            response.body = body[: int(len(body) * effect.keep)]
        case Truncate():
            await _write(request, response, [body[: int(len(body) * effect.keep)]], 0.0)
            _reset(request)
        case Drip():
            chunks = [body[at : at + effect.chunk] for at in range(0, len(body), effect.chunk)]
            return await _write(request, response, chunks, effect.every_s)
    return response


async def _write(request: web.Request, like: web.Response, chunks: list[bytes], every_s: float) -> web.StreamResponse:
    stream = web.StreamResponse(status=like.status, headers=like.headers)
    stream.content_length = len(like.body) if isinstance(like.body, bytes) else 0
    await stream.prepare(request)
    for chunk in chunks:
        await stream.write(chunk)
        await asyncio.sleep(every_s)
    return stream


def gateway_page(effect: Failed) -> web.Response:
    """Return the HTML page of a gateway whose service is down."""
    page = "<html><head><title>Service Unavailable</title></head><body><h1>Sorry</h1></body></html>"
    return web.Response(status=effect.status, text=page, content_type="text/html", headers=waiting(effect))


def waiting(effect: Failed) -> dict[str, str]:
    """Return the Retry-After header that the failure carries, if any."""
    return {} if effect.retry_after_s is None else {"Retry-After": str(effect.retry_after_s)}


# -------------------------------------------------------------------------------------------------- on a page


def shape(request: web.Request, page: Page) -> Page:
    """Return the page as the faults that hit this request leave it."""
    faults = request.app[FAULTS]
    for effect in request[_HIT]:
        page = _shaped(page, effect, faults, faults.last_rows.get(request.path))
    if page.rows:
        faults.last_rows[request.path] = page.rows[-1]
    return page


def _shaped(page: Page, effect: Effect, faults: Faults, last: Row | None) -> Page:
    match effect:
        case Repeat() if last is not None:
            return replace(page, rows=[{**last, **effect.changes}, *page.rows])
        case Omit():
            kept = [row for row in page.rows if not effect.ids & {str(row.get("id")), str(row.get("login"))}]
            return replace(page, rows=kept)
        case Replace() | Erase():
            return replace(page, rows=[_changed(row, at, effect) for at, row in enumerate(page.rows)])
        case Shrink() if page.next_url is None:
            return replace(page, rows=page.rows[: effect.keep])
        case _:
            return _relinked(page, effect, faults)


def _relinked(page: Page, effect: Effect, faults: Faults) -> Page:
    match effect:
        case EndEarly():
            return replace(page, next_url=None)
        case EmptyPage():
            return replace(page, rows=[], next_url=_again(page.url, faults))
        case NextLoop():
            return replace(page, next_url=_again(page.url, faults) if effect.fresh else page.url)
        case ForeignNext():
            scheme, host, *_ = urlsplit(effect.origin)
            return replace(page, next_url=urlunsplit((scheme, host, *urlsplit(page.next_url or page.url)[2:])))
        case _:
            return page


def _again(url: str, faults: Faults) -> str:
    """Return another URL for the same page; replicas ignore the extra parameter."""
    return f"{url}{'&' if '?' in url else '?'}again={next(faults.serial)}"


def _changed(row: Row, at: int, effect: Replace | Erase) -> Row:
    if effect.rows is not None and at not in effect.rows:
        return row
    changed = copy.deepcopy(row)
    *parents, leaf = effect.path.split(".")
    holder: Any = changed
    for name in parents:
        holder = holder.setdefault(name, {}) if isinstance(effect, Replace) else holder.get(name, {})
    if isinstance(effect, Replace):
        holder[leaf] = effect.value
    else:
        holder.pop(leaf, None)
    return changed
