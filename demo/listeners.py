"""Real TLS listeners on loopback, one a host, whose certificates expire, are renewed, and are wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from demo.authority import Issuer, make_issuer, self_signed
from demo.estate import Site


@dataclass
class Listener:
    """One host: its port is its own for as long as the demo runs, also while nobody listens."""

    site: Site
    pem: Path
    issuer: Issuer
    holder: socket.socket = field(default_factory=lambda: _bound(0))
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return int(self.holder.getsockname()[1])

    @property
    def target(self) -> str:
        """What a ``tls`` source is told to ask."""
        return f"127.0.0.1:{self.port}@{self.site.host}"

    def certify(self, begin: datetime, end: datetime) -> None:
        """Show a new certificate from the next handshake on."""
        site = self.site
        if site.fault == "self_signed":
            self_signed(self.pem, site.host, begin, end)
        else:
            name = f"other.{site.host}" if site.fault == "other_name" else site.host
            self.issuer.leaf(self.pem, name, begin, end)
        self.context.load_cert_chain(self.pem)

    async def open(self) -> None:
        """Listen; nothing when it listens already."""
        if self._server is None:
            sock = _bound(self.port)
            self._server = await asyncio.start_server(_greet, sock=sock, ssl=self.context)

    async def close(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None


@asynccontextmanager
async def listening(sites: Sequence[Site], folder: Path, now: datetime) -> AsyncIterator[dict[str, Listener]]:
    """Listen for every host, by its name; ``folder`` gets ``ca.pem`` and the certificates."""
    issuer = make_issuer(now)
    (folder / "ca.pem").write_bytes(issuer.pem())
    private = folder / "certificates"
    private.mkdir(mode=0o700)
    listeners = {site.host: Listener(site, private / f"{site.host}.pem", issuer) for site in sites}
    try:
        for listener in listeners.values():
            listener.certify(now - listener.site.began, now + listener.site.left)
            await listener.open()
        yield listeners
    finally:
        for listener in listeners.values():
            await listener.close()
            listener.holder.close()


def renewed(now: datetime, life: timedelta) -> tuple[datetime, datetime]:
    """Return the validity of a certificate that is issued at ``now``; it begins a minute before."""
    return now - timedelta(minutes=1), now + life


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing, and hang up as soon as the client has."""
    with suppress(OSError, ssl.SSLError):
        await reader.read(1)
    writer.close()
    with suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


def _bound(port: int) -> socket.socket:
    """Bind a socket that shares its port with others of ours."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
