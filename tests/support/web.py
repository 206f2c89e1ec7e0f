"""Web configurations of the metrics listener, and a listener that goes by one."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import yaml

from engine.exposition import Exposition
from engine.metrics import render
from engine.serve import Health, MetricsServer
from engine.web_config import load_web_config
from engine.web_watch import WebWatch
from tests.support.clock import NOW
from tests.support.pki import Issued, Pki
from tests.support.snapshots import a_snapshot

USER, PASSWORD = "prometheus", "correct horse"
WELL = Health(healthy=True, ready=True)


def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """Hash a password as ``htpasswd -B`` does."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def basic(user: str, password: str) -> str:
    """Write an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def write(path: Path, **sections: Any) -> Path:
    """Write a web configuration, at once and whole."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(yaml.safe_dump(sections))
    fresh.chmod(0o600)
    fresh.replace(path)
    return path


def tls(issued: Issued, **more: Any) -> dict[str, Any]:
    """Give a ``tls_server_config`` that shows a certificate."""
    return {"cert_file": str(issued.chain), "key_file": str(issued.key), **more}


def trusting(pki: Pki, client: Issued | None = None) -> ssl.SSLContext:
    """Build what a scraper trusts, and shows."""
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    if client is not None:
        context.load_cert_chain(client.chain, client.key)
    return context


def an_exposition() -> Exposition:
    """Render a snapshot without the process's own figures."""
    return render(a_snapshot(), NOW, process=str)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A listener with a web configuration."""

    port: int
    watch: WebWatch
    told: list[Sequence[str]]
    """What was told of reloads, oldest first."""
    server: MetricsServer


@asynccontextmanager
async def guarded(path: Path, *, listen: str = "127.0.0.1:0", every: float | None = None) -> AsyncIterator[Guarded]:
    """Listen by a web configuration, which is looked at every so many seconds; None: when a test says so."""
    told: list[Sequence[str]] = []
    watch = WebWatch(load_web_config(path), told.append)
    server = MetricsServer(listen, an_exposition, lambda: WELL, web=watch)
    await server.start()
    watching = asyncio.create_task(watch.watch(every)) if every is not None else None
    try:
        yield Guarded(server.port, watch, told, server)
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        await server.stop()


async def ask(
    port: int,
    path: str = "/metrics",
    *,
    context: ssl.SSLContext | None = None,
    auth: tuple[str, str] | None = (USER, PASSWORD),
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], bytes]:
    """Ask once, over TLS if there is a context; gives status, headers and body."""
    scheme = "http" if context is None else "https"
    sent = {**(headers or {}), **({} if auth is None else {"Authorization": basic(*auth)})}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{scheme}://localhost:{port}{path}", ssl=context or True, headers=sent) as response,
    ):
        return response.status, response.headers, await response.read()
