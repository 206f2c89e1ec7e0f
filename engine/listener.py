"""The listening socket is bound once; every connection is taken on the terms in force when it comes.

Connections are few, and none stays long that asks nothing: a TLS handshake counts as asking nothing. One more than fit
takes the place of another, so that nobody keeps a scraper out. New terms need no new socket, so a reload has no gap;
connections of older terms end with their next answer, or at once when the new terms let others in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING, Final, cast

from engine.web_config import WebConfig
from engine.web_http import VERSIONS, Speak, Troubles, refusal, requests, speaking
from engine.web_room import home, who_gives_way

if TYPE_CHECKING:
    from aiohttp import web

    from engine.web_tls import TlsTerms

MOST_CONNECTIONS: Final = 64
"""Connections held at once, those that still shake hands included; one more takes another's place."""
FIRST_REQUEST_SECONDS: Final = 10.0
"""Time in which a connection must ask something, its TLS handshake included."""
IDLE_SECONDS: Final = 130.0
"""Time that an idle connection is kept: a scraper that comes every minute, or every other, keeps its own."""
NEXT_REQUEST_SECONDS: Final = IDLE_SECONDS + 10
"""Time after a request in which its answer must be read, or another request come."""
GOODBYE_SECONDS: Final = 2.0
"""Time that the other side has to end TLS in good order."""

_UNAUTHORIZED: Final = 401
_TOLD_APART: Final = {"client certificates", "users"}
"""The protections by which a client that is let in differs from a stranger."""

Answer = Callable[["web.BaseRequest"], Awaitable["web.StreamResponse"]]


class Listener:
    """One bound address, and the connections that came over it."""

    def __init__(self, answer: Answer, terms: Callable[[], WebConfig]) -> None:
        """Answer requests on the terms that ``terms`` gives at once."""
        self.terms = terms
        self._answer = answer
        self._open: set[_Connection] = set()
        self._by_handler: dict[object, _Connection] = {}
        self._server: asyncio.Server | None = None
        self._web: web.Server | None = None
        self._speak: Speak | None = None
        self._troubles = Troubles()
        self._now = count()
        self.one_by_one = asyncio.Lock()
        """Held for a turn of the loop by who begins TLS: so no turn works through two first messages, the dear ones."""
        self.port = 0
        """The port that it listens on, once started."""

    async def start(self, host: str, port: int) -> None:
        """Listen; raises ``OSError`` when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host or None, port, backlog=128)
        self._web = self._build()
        self._speak = speaking(self._troubles, IDLE_SECONDS)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the socket and its connections; harmless when it does not listen."""
        if self._server is None or self._web is None:
            return
        self._server.close()
        self._web.pre_shutdown()
        await self._web.shutdown(1.0)
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.gather(*(c.shaking for c in self._open if c.shaking is not None), return_exceptions=True)
        await self._server.wait_closed()
        self._server = self._web = None
        self._troubles.close()

    def renew(self) -> None:
        """End the connections that came on other terms than those in force."""
        now = self.terms()
        for connection in tuple(self._open):
            if connection.terms is not now:
                connection.retire(now)

    def admit(self, connection: _Connection) -> None:
        """Count a connection in; who gives way for it ends at once."""
        held = [other for other in self._open if not other.ousted]
        if len(held) >= MOST_CONNECTIONS:
            who_gives_way(held).oust()
            self._troubles.note("crowded_out")
        self._open.add(connection)

    def tick(self) -> int:
        """Count arrivals and requests, together."""
        return next(self._now)

    def release(self, connection: _Connection, handler: web.RequestHandler | None) -> None:
        """Count a connection out."""
        self._open.discard(connection)
        self._by_handler.pop(handler, None)

    def handle(self, connection: _Connection) -> web.RequestHandler:
        """Give a connection the protocol that speaks HTTP."""
        assert self._web is not None
        assert self._speak is not None
        handler = self._speak(self._web)
        self._by_handler[handler] = connection
        return handler

    def _build(self) -> web.Server:
        from aiohttp import web

        return web.Server(
            self._answering,
            request_factory=requests(lambda: self.terms().headers, self._asked),
            handler_cancellation=True,  # nobody waits for the answer to a connection that is gone
        )

    def _asked(self, handler: object) -> None:
        connection = self._by_handler.get(handler)
        if connection is not None:
            connection.asked()

    async def _answering(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.version not in VERSIONS:
            self._troubles.note("malformed")
            return refusal(505)
        connection = self._by_handler.get(request.protocol)
        if connection is None:
            return await self._answer(request)
        connection.answering = True
        try:
            response = await self._answer(request)
        finally:
            connection.answering = False
        stranger = response.status == _UNAUTHORIZED
        connection.trusted = not stranger and bool(self.terms().protections & _TOLD_APART)
        if connection.retired or stranger:
            response.force_close()
        return response


class _Connection(asyncio.Protocol):
    """One connection: counted, bounded in time, encrypted if the terms say so, and then HTTP."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._raw: asyncio.Transport | None = None
        self._handler: web.RequestHandler | None = None
        self._early = b""
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._awaited = False
        self.terms = listener.terms()
        self.shaking: asyncio.Task[None] | None = None
        self._encrypting: asyncio.Task[asyncio.Transport | None] | None = None
        self.answering = False
        self.retired = False
        self.home = ""
        self.since = listener.tick()
        self.has_asked = self.trusted = self.ousted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)
        self.home = home((transport.get_extra_info("peername") or ("",))[0])
        self._listener.admit(self)
        self._wait(FIRST_REQUEST_SECONDS)
        if self.terms.tls is None:
            self._hand_over(self._raw)
            return
        self._raw.pause_reading()  # until TLS reads: the first bytes are its own
        self.shaking = asyncio.get_running_loop().create_task(self._shake(self._raw, self.terms.tls))

    def data_received(self, data: bytes) -> None:
        if self._handler is None:
            self._early += data  # came with the end of the handshake; at most one read
        else:
            self._handler.data_received(data)

    def eof_received(self) -> None:
        if self._handler is not None:
            self._handler.eof_received()

    def pause_writing(self) -> None:
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        if self._handler is not None:
            self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._handler is not None:
            self._handler.connection_lost(exc)
        self._end()

    def asked(self) -> None:
        """Note that a whole request has come."""
        self.has_asked, self.since = True, self._listener.tick()
        self._wait(NEXT_REQUEST_SECONDS)

    def retire(self, by: WebConfig) -> None:
        """End with the next answer; at once if others are let in now than when it came, unless it is being answered."""
        self.retired = True
        if self.answering or _policy(self.terms) == _policy(by):
            return
        if self._handler is None:
            self.abort()
        else:
            self._handler.force_close()

    def oust(self) -> None:
        """End at once, for one that came later."""
        self.ousted = True
        self.abort()

    def abort(self) -> None:
        """End at once."""
        if self._raw is not None:
            self._raw.abort()

    async def _shake(self, raw: asyncio.Transport, tls: TlsTerms) -> None:
        try:
            encrypted = await self._encrypt(raw, tls)
            if encrypted is not None and not self._ended and tls.admits(_certificate(encrypted)):
                self._hand_over(encrypted)
        except OSError:
            pass  # no TLS, no certificate that is trusted, no patience: the client's affair, and not worth a line
        finally:
            if self._handler is None:
                raw.abort()
                self._end()

    async def _encrypt(self, raw: asyncio.Transport, tls: TlsTerms) -> asyncio.Transport | None:
        """Shake hands, once the client has said something; who says no more holds up nobody."""
        loop = asyncio.get_running_loop()
        self._awaited = True
        await _spoken(raw)
        async with self._listener.one_by_one:
            self._awaited = False
            self._encrypting = loop.create_task(
                loop.start_tls(
                    raw,
                    self,
                    tls.context,
                    server_side=True,
                    ssl_handshake_timeout=FIRST_REQUEST_SECONDS,
                    ssl_shutdown_timeout=GOODBYE_SECONDS,
                )
            )
            await asyncio.sleep(0)
        return await self._encrypting

    def _hand_over(self, transport: asyncio.Transport) -> None:
        self._handler = self._listener.handle(self)
        self._handler.connection_made(transport)
        if self._early:
            self._handler.data_received(self._early)
            self._early = b""

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _end(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._awaited and self.shaking is not None:
            self._awaited = False
            self.shaking.cancel()
        if self._encrypting is not None:
            self._encrypting.cancel()  # lost in the moment before TLS took over, it would wait for ever
        self._listener.release(self, self._handler)


def _policy(terms: WebConfig) -> bytes | None:
    return terms.tls.policy if terms.tls is not None else None


def _certificate(transport: asyncio.Transport) -> bytes | None:
    """Give the client's verified certificate, DER; None when it showed none."""
    told: bytes | None = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return told


async def _spoken(raw: asyncio.Transport) -> None:
    """Wait until there is something to read, and leave it to be read."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    held = os.dup(raw.get_extra_info("socket").fileno())  # the transport's own cannot be watched by another
    loop.add_reader(held, heard.set)
    try:
        await heard.wait()
    finally:
        loop.remove_reader(held)
        os.close(held)
