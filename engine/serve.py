"""The metrics listener: ``/metrics``, ``/-/healthy``, ``/-/ready``, and 404 for everything else.

A scrape copies bytes that were made before it came: it never renders, asks a source or waits.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from engine.exposition import CONTENT_TYPE, Exposition
from engine.port import Snapshot

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDict

KEY: Final = "metrics.listen"
"""The configuration's key of the address."""
TICK_MAX_AGE: Final = timedelta(minutes=5)
"""A scheduler that has not ticked for longer is not healthy."""

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/@]*)):(?P<port>\d{1,5})")
_METHODS: Final = ("GET", "HEAD")

MOST_CONNECTIONS: Final = 64
"""Connections held at once; one more is closed."""
FIRST_REQUEST_SECONDS: Final = 10.0
"""Time in which a connection must ask something."""


class CannotListen(Exception):
    """The listener's address cannot be had; the message names it, its key and what to do next."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the two health pages say."""

    healthy: bool
    """Whether the scheduler has ticked within five minutes. Not whether controls hold."""
    ready: bool
    """Whether there is something to read."""
    why: str = "ok"
    """One line without names."""


def health_at(snapshot: Snapshot | None, started: datetime, now: datetime) -> Health:
    """Judge the engine's health at ``now``: from its last tick, or from its start while it has not ticked yet."""
    ticked = snapshot.ticked_at if snapshot is not None else None
    idle = now - (ticked or started)
    ready = snapshot is not None and snapshot.phase == "live"
    if idle > TICK_MAX_AGE:
        return Health(healthy=False, ready=ready, why=f"the scheduler has not ticked for {int(idle.total_seconds())} s")
    phase = "starting" if snapshot is None else snapshot.phase
    return Health(healthy=True, ready=ready, why="ok" if ready else phase)


def check_listen(listen: str, *, allow_public: bool) -> str | None:
    """Say what is wrong with an address: no host:port, or one that others can reach without ``allow_public``."""
    address = _split(listen)
    if address is None:
        return f'{KEY}: "{listen}" is no address; write host:port, as "127.0.0.1:10965" or "[::1]:10965"'
    if allow_public or _is_loopback(address[0]):
        return None
    return (
        f'{KEY}: "{listen}" can be reached from other machines, without TLS or authentication; '
        "listen on 127.0.0.1, or set metrics.allow_public = true"
    )


class MetricsServer:
    """Serves the latest exposition on one address, from the running event loop."""

    def __init__(
        self,
        listen: str,
        current: Callable[[], Exposition | None],
        health: Callable[[], Health],
        *,
        allow_public: bool = False,
    ) -> None:
        """Keep what to serve; ``current`` and ``health`` must answer at once."""
        self._listen = listen
        self._allow_public = allow_public
        self._answer = _answering(current, health)
        self._runner: web.ServerRunner | None = None
        self.port = 0
        """The port that it listens on, once started."""

    async def start(self) -> None:
        """Listen; raises ``CannotListen`` when the address is refused, taken or not ours."""
        from aiohttp import web

        fault = check_listen(self._listen, allow_public=self._allow_public)
        address = _split(self._listen)
        if fault is not None or address is None:
            raise CannotListen(fault)
        runner = web.ServerRunner(_bounded(self._answer), handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, address[0] or None, address[1]).start()
        except OSError as error:
            await runner.cleanup()
            reason = error.strerror or str(error)
            raise CannotListen(
                f'{KEY}: cannot listen on "{self._listen}" ({reason}); stop what holds it, or set another address',
            ) from error
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the listener and its connections; harmless when it does not listen."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def accepts_gzip(header: str) -> bool:
    """Tell whether an Accept-Encoding header allows gzip: named, or by ``*``, and not at ``q=0`` (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        weights[coding] = _weight(parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _answering(
    current: Callable[[], Exposition | None],
    health: Callable[[], Health],
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """Build the one handler of every request."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path not in {"/metrics", "/-/healthy", "/-/ready"}:
            return _plain(404)
        if request.method not in _METHODS:
            return _plain(405, Allow=", ".join(_METHODS))
        if request.path == "/metrics":
            return _metrics(current(), request.headers.get("Accept-Encoding", ""))
        told = health()
        well = told.healthy if request.path == "/-/healthy" else told.ready
        return _plain(200, "ok\n") if well else _plain(503, f"{told.why}\n")

    return answer


def _metrics(exposition: Exposition | None, accept_encoding: str) -> web.Response:
    from aiohttp import web

    if exposition is None:
        return _plain(503, "nothing to read yet\n")
    headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if accepts_gzip(accept_encoding):
        return web.Response(body=exposition.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=exposition.body, headers=headers)


def _plain(status: int, text: str = "", **headers: str) -> web.Response:
    from aiohttp import web

    return web.Response(status=status, text=text or None, headers={"Cache-Control": "no-store", **headers})


def _bounded(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> web.Server:
    """Build a server that holds few connections, and none for long that asks nothing."""
    import asyncio

    from aiohttp import web

    asked: set[object] = set()
    build = _requests()

    def request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
        asked.add(protocol)
        return build(message, payload, protocol, writer, task)

    class Bounded(web.Server):
        def connection_made(
            self,
            handler: web.RequestHandler,
            transport: asyncio.Transport,
        ) -> None:
            super().connection_made(handler, transport)
            if len(self.connections) > MOST_CONNECTIONS:
                transport.abort()
                return

            def silent() -> None:
                if handler not in asked:
                    transport.abort()

            asyncio.get_running_loop().call_later(FIRST_REQUEST_SECONDS, silent)

        def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
            asked.discard(handler)
            super().connection_lost(handler, exc)

    return Bounded(answer, request_factory=request, access_log=None, keepalive_timeout=30)


def _requests() -> Callable[..., web.BaseRequest]:
    """Build requests whose answers, those to malformed requests included, do not name the versions that serve them."""
    import asyncio

    from aiohttp import web

    class Request(web.BaseRequest):
        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            headers: CIMultiDict[str] = response.headers
            headers["Server"] = "controlwatch"

    def request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
        return Request(message, payload, protocol, writer, task, asyncio.get_running_loop())  # type: ignore[arg-type]  # aiohttp passes what it asks for

    return request


def _split(listen: str) -> tuple[str, int] | None:
    """Split host and port; None when it is no address. An empty host means every address of the machine."""
    match = _ADDRESS.fullmatch(listen)
    if match is None or int(match["port"]) > 65_535:
        return None
    return match["v6"] or match["host"] or "", int(match["port"])


def _is_loopback(host: str) -> bool:
    """Tell whether nobody else can reach it; a name other than ``localhost`` may mean anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
