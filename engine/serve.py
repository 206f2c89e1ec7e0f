"""The metrics listener: ``/metrics``, ``/-/healthy``, ``/-/ready``, and 404 for everything else.

A scrape copies bytes that were made before it came: it never renders, asks a source or waits. Who may ask, and whether
it is encrypted, is the web configuration's to say; without one everybody may who can reach the address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.model.state import SKEW
from engine.exposition import CONTENT_TYPE, Exposition
from engine.listener import Listener
from engine.port import Snapshot
from engine.web_config import WebConfig, WebConfigRefused, load_web_config
from engine.web_users import CHALLENGE, Passwords

if TYPE_CHECKING:
    from aiohttp import web

    from engine.web_watch import WebWatch

KEY: Final = "metrics.listen"
"""The configuration's key of the address."""
TICK_MAX_AGE: Final = timedelta(minutes=5)
"""A scheduler that has not ticked for longer is not healthy."""

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/@]*)):(?P<port>\d{1,5})")
_METHODS: Final = ("GET", "HEAD")
_OPEN: Final = WebConfig(Path())
"""What holds without a web configuration."""


class CannotListen(Exception):
    """The listener's address cannot be had; the message names it, its key and what to do next."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the two health pages say."""

    healthy: bool
    """Whether the scheduler has ticked within five minutes, of either side. Not whether controls hold."""
    ready: bool
    """Whether there is something to read."""
    why: str = "ok"
    """One line without names."""


def health_at(snapshot: Snapshot | None, started: datetime, now: datetime) -> Health:
    """Judge the engine's health at ``now``: from its last tick, or from its start while it has not ticked yet."""
    ticked = snapshot.ticked_at if snapshot is not None else None
    idle = now - (ticked or started)
    ready = snapshot is not None and snapshot.phase == "live"
    if idle < -SKEW:  # a scheduler that works would have ticked since
        return Health(
            healthy=False, ready=ready, why="the clock was turned back, and the scheduler has not ticked since"
        )
    if idle > TICK_MAX_AGE:
        return Health(healthy=False, ready=ready, why=f"the scheduler has not ticked for {int(idle.total_seconds())} s")
    phase = "starting" if snapshot is None else snapshot.phase
    return Health(healthy=True, ready=ready, why="ok" if ready else phase)


def check_listen(listen: str, *, allow_public: bool) -> str | None:
    """Say what is wrong with an address: no host:port, or one that others can reach, without ``allow_public``.

    ``allow_public`` is true of a listener with TLS or users, too.
    """
    address = _split(listen)
    if address is None:
        return f'{KEY}: "{listen}" is no address; write host:port, as "127.0.0.1:10965" or "[::1]:10965"'
    if allow_public or _is_loopback(address[0]):
        return None
    return (
        f'{KEY}: "{listen}" can be reached from other machines, without TLS and without users; give metrics.web_config '
        "a file with tls_server_config or with basic_auth_users, or listen on 127.0.0.1, or set "
        "metrics.allow_public = true"
    )


def open_web_config(listen: str, path: Path | None, *, allow_public: bool) -> tuple[WebConfig | None, list[str]]:
    """Read a listener's web configuration, if it has one, and find every fault of the two together. Reads files."""
    try:
        config = load_web_config(path) if path is not None else None
    except WebConfigRefused as error:
        return None, list(error.faults)
    protected = config is not None and bool(config.protections)
    fault = check_listen(listen, allow_public=allow_public or protected) if listen else None
    return config, [fault] if fault is not None else []


class MetricsServer:
    """Serves the latest exposition on one address, from the running event loop."""

    def __init__(
        self,
        listen: str,
        current: Callable[[], Exposition | None],
        health: Callable[[], Health],
        *,
        allow_public: bool = False,
        web: WebWatch | None = None,
        read: Callable[[], None] | None = None,
    ) -> None:
        """Keep what to serve; ``current`` and ``health`` must answer at once. ``read`` is told of each scrape."""
        self._listen = listen
        self._allow_public = allow_public
        self._current = current
        self._health = health
        self._web = web
        self._read = read
        self._passwords = Passwords()
        self._listener = Listener(self._answer, self._terms)

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        return self._listener.port

    async def start(self) -> None:
        """Listen; raises ``CannotListen`` when the address is refused, taken or not ours."""
        fault = check_listen(self._listen, allow_public=self._allow_public or bool(self._terms().protections))
        address = _split(self._listen)
        if fault is not None or address is None:
            raise CannotListen(fault)
        try:
            await self._listener.start(*address)
        except OSError as error:
            reason = error.strerror or str(error)
            raise CannotListen(
                f'{KEY}: cannot listen on "{self._listen}" ({reason}); stop what holds it, or set another address',
            ) from error
        if self._web is not None:
            self._web.changed = self._listener.renew

    async def stop(self) -> None:
        """Close the listener and its connections; harmless when it does not listen."""
        await self._listener.stop()
        self._passwords.close()

    def _terms(self) -> WebConfig:
        return self._web.in_force if self._web is not None else _OPEN

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request; a stranger learns nothing, not even which paths there are."""
        users = self._terms().users
        if users and not await self._passwords.match(users, request.headers.get("Authorization", "")):
            return _plain(401, **{"WWW-Authenticate": CHALLENGE})
        if request.path not in {"/metrics", "/-/healthy", "/-/ready"}:
            return _plain(404)
        if request.method not in _METHODS:
            return _plain(405, Allow=", ".join(_METHODS))
        if request.path == "/metrics":
            if self._read is not None:
                self._read()
            return _metrics(self._current(), request.headers.get("Accept-Encoding", ""))
        told = self._health()
        if request.path == "/-/ready" and told.ready and self._current() is None:
            return _plain(503, "nothing to read yet\n")
        well = told.healthy if request.path == "/-/healthy" else told.ready
        return _plain(200, "ok\n") if well else _plain(503, f"{told.why}\n")


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
