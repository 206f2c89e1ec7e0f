"""Whoever asks over the metrics listener is who the web configuration lets in, over real handshakes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from engine import listener
from engine.listener import MOST_CONNECTIONS
from engine.serve import CannotListen, MetricsServer
from engine.web_config import load_web_config
from engine.web_watch import WebWatch
from tests.support.pki import Issued, Pki
from tests.support.web import USER, WELL, an_exposition, ask, guarded, hashed, tls, trusting, write

REFUSED = (aiohttp.ClientError, ssl.SSLError, ConnectionError)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Give a public key infrastructure with dates around today's."""
    folder = tmp_path / "pki"
    folder.mkdir()
    return Pki(folder)


@pytest.fixture
def server(pki: Pki) -> Issued:
    """Give the listener's certificate; its key is its owner's alone."""
    return private(pki.leaf("server", names=("localhost", "127.0.0.1")))


def private(issued: Issued) -> Issued:
    """Take a key from everybody else."""
    issued.key.chmod(0o600)
    return issued


async def test_metrics_come_over_tls(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """A scraper that trusts the authority gets the bytes, by TLS 1.3, and one that does not trust it none."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        status, _, body = await ask(it.port, context=trusting(pki), auth=None)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(it.port, context=ssl.create_default_context(), auth=None)
        with pytest.raises(aiohttp.ClientError):
            await ask(it.port, auth=None)
    assert (status, body) == (200, an_exposition().body)


@pytest.mark.parametrize(
    ("offers", "served"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_2, False, id="1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, True, id="1.3"),
    ],
)
async def test_an_older_version_is_refused(
    tmp_path: Path, pki: Pki, server: Issued, offers: ssl.TLSVersion, *, served: bool
) -> None:
    """``min_version`` holds on the wire."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server, min_version="TLS13"))
    context = trusting(pki)
    context.maximum_version = offers
    async with guarded(path) as it:
        assert await is_served(it.port, context) is served


async def test_a_suite_is_chosen_by_its_name_in_go(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """A scraper that has another suite only is refused, one that has it is served."""
    told = {"cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], "max_version": "TLS12"}
    path = write(tmp_path / "web.yml", tls_server_config=tls(server, **told))
    async with guarded(path) as it:
        for suite, served in (("ECDHE-ECDSA-AES128-GCM-SHA256", False), ("ECDHE-ECDSA-AES256-GCM-SHA384", True)):
            context = trusting(pki)
            context.set_ciphers(suite)
            assert await is_served(it.port, context) is served


async def is_served(port: int, context: ssl.SSLContext) -> bool:
    """Tell whether a scraper gets the metrics, or no connection."""
    try:
        return (await ask(port, context=context, auth=None))[0] == 200
    except REFUSED:
        return False


def shown_by(client: str, pki: Pki, folder: Path) -> Issued | None:
    """Make what a scraper shows."""
    if client == "theirs":
        (folder / "others").mkdir()
        return Pki(folder / "others").leaf("scraper")
    return None if client == "none" else pki.leaf("scraper", days=-1 if client == "late" else 90)


@pytest.mark.parametrize(
    ("client", "required", "optional"),
    [
        pytest.param("none", False, True, id="none"),
        pytest.param("ours", True, True, id="of our authority"),
        pytest.param("theirs", False, False, id="of another authority"),
        pytest.param("late", False, False, id="expired"),
    ],
)
async def test_a_client_shows_its_certificate(
    tmp_path: Path, pki: Pki, server: Issued, client: str, *, required: bool, optional: bool
) -> None:
    """``RequireAndVerifyClientCert`` takes the authority's own alone, ``VerifyClientCertIfGiven`` none as well."""
    shown = shown_by(client, pki, tmp_path)
    for policy, served in (("RequireAndVerifyClientCert", required), ("VerifyClientCertIfGiven", optional)):
        section = tls(server, client_auth_type=policy, client_ca_file=str(pki.ca_file))
        path = write(tmp_path / "web.yml", tls_server_config=section)
        async with guarded(path) as it:
            assert await is_served(it.port, trusting(pki, shown)) is served


async def test_an_intermediate_may_be_the_authority(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """As in Go, what ``client_ca_file`` holds is trusted, root or not."""
    section = tls(server, client_auth_type="RequireAndVerifyClientCert", client_ca_file=str(pki.issuing.cert))
    path = write(tmp_path / "web.yml", tls_server_config=section)
    async with guarded(path) as it:
        assert await is_served(it.port, trusting(pki, pki.leaf("scraper")))


@pytest.mark.parametrize(
    ("allowed", "served"),
    [
        pytest.param("scraper.example.org", True, id="DNS name"),
        pytest.param("192.0.2.7", True, id="IP address"),
        pytest.param("2001:db8::7", True, id="IPv6 address"),
        pytest.param("Scraper.example.org", False, id="exact, not by case"),
        pytest.param("*.example.org", False, id="exact, not by pattern"),
        pytest.param("scraper", False, id="the common name is no such name"),
    ],
)
async def test_a_client_is_known_by_its_names(
    tmp_path: Path, pki: Pki, server: Issued, allowed: str, *, served: bool
) -> None:
    """Of the certificate's alternative names one must be listed, letter by letter."""
    client = pki.leaf("scraper", names=("scraper.example.org", "192.0.2.7", "2001:db8::7"))
    policy = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": str(pki.ca_file)}
    section = tls(server, **policy, client_allowed_sans=["other.example.org", allowed])
    path = write(tmp_path / "web.yml", tls_server_config=section)
    async with guarded(path) as it:
        assert await is_served(it.port, trusting(pki, client)) is served


async def test_a_stranger_learns_nothing(tmp_path: Path) -> None:
    """Without a user every path answers 401 with a challenge and no word, the health pages included."""
    path = write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    async with guarded(path) as it:
        for page in ("/metrics", "/-/healthy", "/-/ready", "/", "/findings"):
            status, headers, body = await ask(it.port, page, auth=None)
            assert (status, body) == (401, b"")
            assert headers["WWW-Authenticate"].startswith('Basic realm="controlwatch"')
        known = [(await ask(it.port, page))[0] for page in ("/metrics", "/-/healthy", "/-/ready", "/")]
    assert known == [200, 200, 200, 404]


async def test_configured_headers_are_in_every_answer(tmp_path: Path) -> None:
    """Also in the refusals."""
    told = {"X-Frame-Options": "deny", "Strict-Transport-Security": "max-age=1"}
    path = write(tmp_path / "web.yml", http_server_config={"headers": told}, basic_auth_users={USER: hashed()})
    async with guarded(path) as it:
        for auth in (None, (USER, "correct horse")):
            _, headers, _ = await ask(it.port, auth=auth)
            assert {name: headers[name] for name in told} == told


async def test_a_public_address_needs_protection(tmp_path: Path) -> None:
    """Users are one; headers alone are none."""
    write(tmp_path / "users.yml", basic_auth_users={USER: hashed()})
    write(tmp_path / "headers.yml", http_server_config={"headers": {"X-Frame-Options": "deny"}})
    async with guarded(tmp_path / "users.yml", listen="0.0.0.0:0") as it:
        assert (await ask(it.port))[0] == 200
    watch = WebWatch(load_web_config(tmp_path / "headers.yml"), lambda _: None)
    with pytest.raises(CannotListen, match=r"tls_server_config .*basic_auth_users.*127\.0\.0\.1.*allow_public"):
        await MetricsServer("0.0.0.0:0", an_exposition, lambda: WELL, web=watch).start()


async def test_handshakes_that_never_end_are_few(
    tmp_path: Path, pki: Pki, server: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that say nothing count before their handshake, and make room for a scrape."""
    monkeypatch.setattr(listener, "FIRST_REQUEST_SECONDS", 300.0)  # none ends for being slow
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        idle = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(MOST_CONNECTIONS + 5)]
        async with asyncio.timeout(60):
            await asyncio.gather(*(gone(reader) for reader, _ in idle[:5]))
            assert await is_served(it.port, trusting(pki))
        for _, writer in idle:
            writer.close()


async def test_handshakes_that_never_end_are_short(
    tmp_path: Path, server: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that say nothing are ended, every one."""
    monkeypatch.setattr(listener, "FIRST_REQUEST_SECONDS", 0.5)
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        idle = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(3)]
        async with asyncio.timeout(60):
            await asyncio.gather(*(gone(reader) for reader, _ in idle))
        for _, writer in idle:
            writer.close()


async def gone(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has ended a connection."""
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""


async def test_a_connection_that_shakes_hands_and_asks_nothing_is_ended(
    tmp_path: Path, pki: Pki, server: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake is no request."""
    monkeypatch.setattr(listener, "FIRST_REQUEST_SECONDS", 4.0)  # the handshake itself must fit in
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port, ssl=trusting(pki))
        async with asyncio.timeout(60):
            await gone(reader)
        writer.close()


async def test_a_request_in_pieces_and_two_at_once_are_answered(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """TLS changes nothing of HTTP: a head that comes in pieces, and a second request behind it."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        reader, writer = await asyncio.open_connection("localhost", it.port, ssl=trusting(pki))
        for piece in (b"GET /-/healthy HT", b"TP/1.1\r\nHost: x\r", b"\n\r\nGET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.05)
        writer.write(b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    assert answer.count(b"HTTP/1.1 200 OK") == 3


async def test_a_head_that_is_too_large_is_refused(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """A header of a megabyte ends in 400 or in nothing, and the next scrape is answered."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        try:
            status = (await ask(it.port, context=trusting(pki), headers={"X": "x" * (1 << 20)}))[0]
        except REFUSED:
            status = 400
        assert status == 400
        assert await is_served(it.port, trusting(pki))


async def test_it_stops_in_the_middle_of_a_handshake(
    tmp_path: Path, server: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a half-open handshake nor a kept-alive connection holds up the end."""
    monkeypatch.setattr(listener, "FIRST_REQUEST_SECONDS", 600.0)
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"\x16\x03\x01")
        await asyncio.sleep(0.05)
        await asyncio.wait_for(it.server.stop(), 60)
        await gone(reader)
        writer.close()


@pytest.mark.parametrize("turns", range(12))
async def test_it_stops_while_clients_go_away_before_they_shake_hands(
    tmp_path: Path, server: Issued, turns: int
) -> None:
    """A connection that is lost in the moment in which TLS begins over it is waited for by nobody."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        idle = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(3)]
        await asyncio.sleep(0.05)
        for _, writer in idle:
            writer.close()
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(it.server.stop(), 10)


async def test_a_new_certificate_is_shown_without_a_gap(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """Every scrape is answered while certificate and key are replaced, and then by the new certificate."""
    live = Issued("live", tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "c.pem", server.not_before, pki.now)
    replace(live, server)
    path = write(tmp_path / "web.yml", tls_server_config=tls(live))
    fresh = private(pki.leaf("fresh"))
    async with guarded(path, every=0.05) as it:
        before = await shown(it.port, pki)
        replace(live, fresh)
        async with asyncio.timeout(30):
            while await shown(it.port, pki) == before:
                assert await is_served(it.port, trusting(pki))
        assert it.told[-1] == ()
        assert await shown(it.port, pki) == ssl.PEM_cert_to_DER_cert(fresh.cert.read_text())


def replace(live: Issued, by: Issued) -> None:
    """Put another certificate and key in place, one after the other, as certbot does."""
    for old, new in ((live.cert, by.chain), (live.key, by.key)):
        staged = old.with_suffix(".staged")
        staged.write_bytes(new.read_bytes())
        staged.chmod(0o600)
        staged.replace(old)


async def shown(port: int, pki: Pki) -> bytes:
    """Give the certificate that the listener shows, DER."""
    _, writer = await asyncio.open_connection("localhost", port, ssl=trusting(pki))
    told: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return told


@pytest.mark.parametrize(
    ("more", "goes_on"),
    [
        pytest.param({}, True, id="another certificate"),
        pytest.param({"min_version": "TLS13"}, False, id="other clients"),
    ],
)
async def test_a_handshake_goes_on_over_a_reload(
    tmp_path: Path, pki: Pki, server: Issued, more: dict[str, str], *, goes_on: bool
) -> None:
    """Who came before another certificate was in force is answered; not so when other clients are let in now."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path) as it:
        with socket.create_connection(("127.0.0.1", it.port)) as came:
            came.setblocking(False)  # noqa: FBT003 - the standard library's own
            await asyncio.sleep(0.1)
            write(path, tls_server_config=tls(private(pki.leaf("fresh")), **more))
            await it.watch.reload()
            assert await answered(came, trusting(pki)) is goes_on
        assert await is_served(it.port, trusting(pki))


async def answered(came: socket.socket, context: ssl.SSLContext) -> bool:
    """Shake hands over a socket that is connected, and tell whether a request is answered, and the last one."""
    try:
        reader, writer = await asyncio.open_connection(sock=came, ssl=context, server_hostname="localhost")
    except REFUSED:
        return False
    writer.write(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer.startswith(b"HTTP/1.1 200 OK") and b"Connection: close" in answer


async def test_a_reload_reaches_those_who_are_connected(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """Who kept a connection from before, when other names were allowed, is asked for its certificate again."""
    policy = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": str(pki.ca_file)}
    client = trusting(pki, pki.leaf("scraper", names=("old.example.org",)))
    allowed = tls(server, **policy, client_allowed_sans=["old.example.org"])
    path = write(tmp_path / "web.yml", tls_server_config=allowed)
    async with guarded(path) as it, aiohttp.ClientSession() as session:
        url = f"https://localhost:{it.port}/metrics"
        async with session.get(url, ssl=client) as response:
            assert response.status == 200
            await response.read()
        write(path, tls_server_config={**allowed, "client_allowed_sans": ["new.example.org"]})
        await it.watch.reload()
        with pytest.raises(REFUSED):
            await session.get(url, ssl=client)
    assert it.told == [()]


async def test_a_removed_user_is_out_at_once(tmp_path: Path) -> None:
    """A password that was right a moment ago is worth nothing when its user, or its hash, is gone."""
    path = write(tmp_path / "web.yml", basic_auth_users={USER: hashed(), "other": hashed("another")})
    async with guarded(path) as it:
        assert (await ask(it.port))[0] == 200
        write(path, basic_auth_users={USER: hashed("changed"), "other": hashed("another")})
        await it.watch.reload()
        assert (await ask(it.port))[0] == 401
        assert (await ask(it.port, auth=(USER, "changed")))[0] == 200
        write(path, basic_auth_users={"other": hashed("another")})
        await it.watch.reload()
        assert (await ask(it.port, auth=(USER, "changed")))[0] == 401
