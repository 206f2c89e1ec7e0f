"""A flood of connections keeps no scraper out, and stops nothing else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from engine import listener
from engine.listener import MOST_CONNECTIONS
from tests.support.pki import Issued, Pki
from tests.support.web import PASSWORD, USER, ask, basic, guarded, hashed, tls, trusting, write


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Give a public key infrastructure with dates around today's."""
    folder = tmp_path / "pki"
    folder.mkdir()
    return Pki(folder)


@pytest.fixture
def server(pki: Pki) -> Issued:
    """Give the listener's certificate; its key is its owner's alone."""
    issued = pki.leaf("server", names=("localhost", "127.0.0.1"))
    issued.key.chmod(0o600)
    return issued


@pytest.mark.parametrize("encrypted", [pytest.param(False, id="plain"), pytest.param(True, id="TLS")])
@pytest.mark.parametrize("source", [pytest.param("127.0.0.1", id="same"), pytest.param("127.0.0.2", id="another")])
@pytest.mark.parametrize(
    "sent", [pytest.param(b"", id="nothing"), pytest.param(b"\x16\x03\x01", id="half a handshake")]
)
async def test_a_flood_keeps_no_scraper_out(
    tmp_path: Path, pki: Pki, server: Issued, sent: bytes, source: str, *, encrypted: bool
) -> None:
    """While 80 sockets are held and opened again as they drop, every scrape is answered, whoever shares its address."""
    users = {"basic_auth_users": {USER: hashed()}}
    sections = {**users, "tls_server_config": tls(server)} if encrypted else users
    path = write(tmp_path / "web.yml", **sections)
    context = trusting(pki) if encrypted else None
    async with guarded(path) as it:
        flood = asyncio.create_task(hold(it.port, source, sent))
        await asyncio.sleep(0.3)
        statuses = [(await ask(it.port, context=context))[0] for _ in range(8)]
        flood.cancel()
        opened = await asyncio.gather(flood, return_exceptions=True)
    assert statuses == [200] * 8
    assert not isinstance(opened[0], Exception)


async def hold(port: int, source: str, sent: bytes) -> None:
    """Hold 80 connections for ever, and open each again that is ended."""
    held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        while True:
            for reader, writer in tuple(held):
                if reader.at_eof() or reader.exception() is not None:
                    writer.close()
                    held.remove((reader, writer))
            while len(held) < 80:
                held.append(await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
                if sent:
                    held[-1][1].write(sent)
            await asyncio.sleep(0.02)
    finally:
        for _, writer in held:
            writer.close()


async def test_who_was_let_in_keeps_its_connection_in_a_flood(tmp_path: Path) -> None:
    """Strangers give way among themselves, also those who ask; a scraper with a password goes on over its own."""
    path = write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    wanted = f"GET /-/ready HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(USER, PASSWORD)}\r\n\r\n".encode()
    async with guarded(path) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        for _ in range(2):
            writer.write(wanted)
            assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
            more = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(MOST_CONNECTIONS * 2)]
            for _, other in more:
                other.close()
        writer.close()


async def test_a_stranger_s_connection_ends_with_its_refusal(tmp_path: Path) -> None:
    """Nobody holds a place by being refused."""
    path = write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    async with guarded(path) as it:
        _, headers, _ = await ask(it.port, auth=None)
        assert headers["Connection"] == "close"


def test_a_scraper_that_comes_every_two_minutes_keeps_its_connection() -> None:
    """The idle time is longer than that, and the bound on a request and its answer longer still."""
    assert 120 < listener.IDLE_SECONDS < listener.NEXT_REQUEST_SECONDS


async def test_no_turn_of_the_loop_works_through_two_first_messages(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """Of 20 clients that begin TLS at the same moment each is met in a turn of its own, and all are."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    loop, turn, met = asyncio.get_running_loop(), 0, list[int]()
    hello, all_met = first_message(trusting(pki)), asyncio.Event()

    def meet(*_: object) -> None:
        met.append(turn)
        if len(met) == 20:
            all_met.set()

    def tick() -> None:
        nonlocal turn
        turn += 1
        if not all_met.is_set():
            loop.call_soon(tick)

    async with guarded(path) as it, asyncio.timeout(30):
        assert it.watch.in_force.tls is not None
        it.watch.in_force.tls.context.sni_callback = meet
        sockets = [socket.create_connection(("127.0.0.1", it.port)) for _ in range(20)]
        for came in sockets:
            came.sendall(hello)
        tick()
        await all_met.wait()
        for came in sockets:
            came.close()
    assert len(set(met)) == 20


def first_message(context: ssl.SSLContext) -> bytes:
    """Give what a client says first."""
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost").do_handshake()
    return sent.read()
