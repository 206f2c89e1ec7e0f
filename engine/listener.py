"""The listening socket is bound once; every connection is taken on the terms in force when it comes.

Connections are few, and none stays long that asks nothing: a TLS handshake counts as asking nothing. New terms need no
new socket, so a reload has no gap; connections of older terms end with their next answer, or at once when the new terms
let others in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from engine.web_config import WebConfig

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDict

    from engine.web_tls import TlsTerms

MOST_CONNECTIONS: Final = 64
"""Connections held at once, those that still shake hands included; one more is closed."""
FIRST_REQUEST_SECONDS: Final = 10.0
"""Time in which a connection must ask something, its TLS handshake included."""
NEXT_REQUEST_SECONDS: Final = 60.0
"""Time after a request in which its answer must be read, or another request come."""
IDLE_SECONDS: Final = 30.0
"""Time that an idle connection is kept."""
GOODBYE_SECONDS: Final = 2.0
"""Time that the other side has to end TLS in good order."""

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
        self.port = 0
        """The port that it listens on, once started."""

    async def start(self, host: str, port: int) -> None:
        """Listen; raises ``OSError`` when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host or None, port, backlog=128)
        self._web = self._build()
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

    def renew(self) -> None:
        """End the connections that came on other terms than those in force."""
        now = self.terms()
        for connection in tuple(self._open):
            if connection.terms is not now:
                connection.retire(now)

    def admit(self, connection: _Connection) -> bool:
        """Count a connection in, if there is room."""
        if len(self._open) >= MOST_CONNECTIONS:
            return False
        self._open.add(connection)
        return True

    def release(self, connection: _Connection, handler: web.RequestHandler | None) -> None:
        """Count a connection out."""
        self._open.discard(connection)
        self._by_handler.pop(handler, None)

    def handle(self, connection: _Connection) -> web.RequestHandler:
        """Give a connection the protocol that speaks HTTP."""
        assert self._web is not None
        handler = self._web()
        self._by_handler[handler] = connection
        return handler

    def _build(self) -> web.Server:
        from aiohttp import web

        return web.Server(
            self._answering,
            request_factory=_requests(lambda: self.terms().headers, self._asked),
            handler_cancellation=True,  # nobody waits for the answer to a connection that is gone
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
        )

    def _asked(self, handler: object) -> None:
        connection = self._by_handler.get(handler)
        if connection is not None:
            connection.asked()

    async def _answering(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = self._by_handler.get(request.protocol)
        if connection is None:
            return await self._answer(request)
        connection.answering = True
        try:
            response = await self._answer(request)
        finally:
            connection.answering = False
        if connection.retired:
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
        self.terms = listener.terms()
        self.shaking: asyncio.Task[None] | None = None
        self.answering = False
        self.retired = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)
        if not self._listener.admit(self):
            self._raw.abort()
            return
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

    def abort(self) -> None:
        """End at once."""
        if self._raw is not None:
            self._raw.abort()

    async def _shake(self, raw: asyncio.Transport, tls: TlsTerms) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                raw,
                self,
                tls.context,
                server_side=True,
                ssl_handshake_timeout=FIRST_REQUEST_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
            if encrypted is not None and not self._ended and tls.admits(_certificate(encrypted)):
                self._hand_over(encrypted)
        except OSError:
            pass  # no TLS, no certificate that is trusted, no patience: the client's affair, and not worth a line
        finally:
            if self._handler is None:
                raw.abort()
                self._end()

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
        self._listener.release(self, self._handler)


def _policy(terms: WebConfig) -> bytes | None:
    return terms.tls.policy if terms.tls is not None else None


def _certificate(transport: asyncio.Transport) -> bytes | None:
    """Give the client's verified certificate, DER; None when it showed none."""
    told: bytes | None = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return told


def _requests(
    headers: Callable[[], Mapping[str, str]], asked: Callable[[object], None]
) -> Callable[..., web.BaseRequest]:
    """Build requests whose answers, those to malformed requests included, do not name the versions that serve them."""
    from aiohttp import web

    class Request(web.BaseRequest):
        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            told: CIMultiDict[str] = response.headers
            told["Server"] = "controlwatch"
            told.update(headers())

    def request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
        asked(protocol)
        return Request(message, payload, protocol, writer, task, asyncio.get_running_loop())  # type: ignore[arg-type]  # aiohttp passes what it asks for

    return request
