"""A handshake reaches its server over every kind of address, and says at once when it cannot."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.common.errors import Unreachable
from sources.common.exchange import Endpoint, exchange
from tests.support.clock import NOW
from tests.support.pki import Farm, Issued, Pki


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    """Make one certificate."""
    return Pki(tmp_path, now=NOW).leaf("any")


@pytest.fixture
def farm() -> Iterator[Farm]:
    """Run listeners that end with the test."""
    with Farm() as farm:
        yield farm


async def exchanged(host: str, port: int, server_name: str = "localhost") -> ssl.SSLObject:
    """Shake hands without judging, and give what OpenSSL holds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(20):
        ended = await exchange(Endpoint(host, port, server_name), context)
    assert ended.error is None
    return ended.tls


@pytest.mark.parametrize(
    ("asked", "sent"),
    [pytest.param("service.test", "service.test", id="name"), pytest.param("127.0.0.1", None, id="address")],
)
async def test_the_server_name_is_sent_unless_it_is_an_address(
    asked: str, sent: str | None, issued: Issued, farm: Farm
) -> None:
    """A name goes out as SNI, an address does not (RFC 6066 §3)."""
    told: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.chain, issued.key)
    context.sni_callback = lambda _tls, name, _context: told.append(name)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    await exchanged("127.0.0.1", farm.serve(handle), asked)

    assert told == [sent]


async def test_ipv6_is_reached(issued: Issued, farm: Farm) -> None:
    """An IPv6 address is reached like any other."""
    assert (await exchanged("::1", farm.tls(issued, host="::1"))).getpeercert(binary_form=True)


async def test_a_name_is_tried_at_each_of_its_addresses(issued: Issued, farm: Farm) -> None:
    """``localhost`` may be ::1 first; a server on 127.0.0.1 alone is still found."""
    assert (await exchanged("localhost", farm.tls(issued))).getpeercert(binary_form=True)


async def test_a_finished_handshake_says_goodbye(issued: Issued, farm: Farm) -> None:
    """The server sees a handshake that was finished and closed, not one that broke off."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.chain, issued.key)
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as tls:
            heard.append(tls.recv(1))

    port = farm.serve(handle)
    with farm:
        await exchanged("127.0.0.1", port)

    assert heard == [b""]


async def test_a_closed_port_is_unreachable(farm: Farm) -> None:
    """A refused connection is the network's fault, not ours."""
    with pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1 port \d+: connection refused"):
        await exchanged("127.0.0.1", farm.closed())


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    """A name that nobody answers for is one endpoint's doubt."""
    with pytest.raises(Unreachable, match=r"nowhere\.invalid: name not found"):
        await exchanged("nowhere.invalid", 443)


async def test_a_silent_server_leaves_the_time_to_the_caller(farm: Farm) -> None:
    """A server that says nothing is cut off by the caller's time-out, and leaves nothing open."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await exchanged("127.0.0.1", farm.silent())
