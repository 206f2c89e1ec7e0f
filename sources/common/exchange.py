"""The bytes of one TLS handshake, between a socket and OpenSSL's memory buffers; what they mean is ``handshake``'s."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sources.common.errors import SourceError, Unreachable
from sources.common.starttls import DIALOGUES, Dialogue
from sources.common.x509 import as_address

_RECORD: Final = 16_384 + 2_048
"""The longest TLS record, in octets, so that most flights are one read."""
_PATIENCE: Final = 2.0
"""Seconds that an address of a name may take when there is another one to try."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to shake hands, and by which name."""

    host: str
    """Host name or IP address to connect to."""
    port: int
    """TCP port."""
    server_name: str
    """The name or address that the certificate must carry; sent as SNI unless it is an address."""
    starttls: str | None = None
    """A key of ``DIALOGUES``; None when TLS starts at once."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a handshake ended."""

    tls: ssl.SSLObject
    """OpenSSL's side of it, which still holds what the server sent."""
    error: Exception | None
    """None when it was finished; else what OpenSSL, the network or the STARTTLS dialogue said."""
    flights: int
    """How often OpenSSL wrote and then waited; 2 in TLS 1.2 means that it has verified the server's signature."""


async def exchange(endpoint: Endpoint, context: ssl.SSLContext) -> Ended:
    """Connect, speak STARTTLS if need be, and shake hands; raises ``Unreachable`` when there is no connection."""
    loop = asyncio.get_running_loop()
    connection = await _connected(endpoint)
    handshake = _Handshake(connection, context, endpoint, loop.create_future())
    # Callbacks, since a task that wakes for every flight costs a sixth more (bench/tls.py).
    loop.add_reader(connection.fileno(), handshake.on_readable)
    try:
        handshake.start()
        return await handshake.ended
    finally:
        loop.remove_reader(connection.fileno())
        connection.close()


async def _connected(endpoint: Endpoint) -> socket.socket:
    """Connect to an address, or to the first address of a name that answers."""
    host, port = endpoint.host, endpoint.port
    address = as_address(host)
    if address is not None and "%" not in host:
        return await _connect(socket.AF_INET if address.version == 4 else socket.AF_INET6, (host, port))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as fault:
        missing = fault.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        reason = "name not found" if missing else f"the name could not be looked up: {fault.strerror}"
        raise Unreachable(f"{host}: {reason}") from fault
    except UnicodeError as fault:
        raise Unreachable(f"{host} is no name that can be looked up") from fault
    for family, _, _, _, where in found[:-1]:
        with suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                return await _connect(family, where)
    return await _connect(found[-1][0], found[-1][4])


async def _connect(family: int, where: tuple[Any, ...]) -> socket.socket:
    try:
        connection = socket.socket(family, socket.SOCK_STREAM)
    except OSError as fault:
        raise Unreachable(f"no socket for {where[0]}: {fault.strerror}") from fault
    connection.setblocking(False)  # noqa: FBT003 - the standard library takes it by position only
    try:
        code = await _connection_error(connection, where)
    except BaseException:
        connection.close()
        raise
    if code:
        connection.close()
        raise Unreachable(f"no connection to {where[0]} port {where[1]}: {os.strerror(code).lower()}")
    return connection


async def _connection_error(connection: socket.socket, where: tuple[Any, ...]) -> int:
    """Connect, and give the ``errno`` of what went wrong; 0 when nothing did."""
    code = connection.connect_ex(where)
    if code != errno.EINPROGRESS:
        return code
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(connection.fileno(), writable.set)
    try:
        await writable.wait()
    finally:
        loop.remove_writer(connection.fileno())
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class _Handshake:
    """Moves bytes between a connected socket and OpenSSL until the handshake ends one way or the other."""

    __slots__ = ("_connection", "_dialogue", "_flights", "_incoming", "_outgoing", "_tls", "ended")

    def __init__(
        self,
        connection: socket.socket,
        context: ssl.SSLContext,
        endpoint: Endpoint,
        ended: asyncio.Future[Ended],
    ) -> None:
        self.ended = ended
        self._connection = connection
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        sni = endpoint.server_name if as_address(endpoint.server_name) is None else None
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=sni)
        self._dialogue: Dialogue | None = None if endpoint.starttls is None else DIALOGUES[endpoint.starttls]()
        self._flights = 0

    def start(self) -> None:
        """Speak first: a ClientHello, or the opening of the STARTTLS dialogue."""
        self._proceed(None)

    def on_readable(self) -> None:
        """Hand what came in to the dialogue, else to OpenSSL."""
        if self.ended.done():
            return
        try:
            received = self._connection.recv(_RECORD)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if received:
            self._proceed(received)
        else:
            self._end(ConnectionResetError("the server closed the connection"))

    def _proceed(self, received: bytes | None) -> None:
        try:
            if self._dialogue is not None:
                self._converse(self._dialogue, received)
                return
            if received is not None:
                self._incoming.write(received)
            self._advance()
        except (OSError, SourceError) as error:
            # An SSLError is an OSError.
            self._end(error)

    def _converse(self, dialogue: Dialogue, received: bytes | None) -> None:
        try:
            octets = next(dialogue) if received is None else dialogue.send(received)
        except StopIteration:
            self._dialogue = None
            self._advance()
        else:
            self._send(octets)

    def _advance(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flights += 1 if self._outgoing.pending else 0
            self._send(self._outgoing.read())
        else:
            # The server's own notice of the close is still to come, and nobody waits for it.
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._end(None)

    def _send(self, octets: bytes) -> None:
        """Send at once: what a client says in a handshake fits any socket's buffer, else this raises ``OSError``."""
        if octets and self._connection.send(octets) != len(octets):
            raise BlockingIOError("the socket does not take a whole flight")

    def _end(self, error: Exception | None) -> None:
        """Send what is left (our last flight, or the alert that tells the server why), and wake the caller."""
        if not self.ended.done():
            with suppress(OSError):
                self._send(self._outgoing.read())
            self.ended.set_result(Ended(self._tls, error, self._flights))
