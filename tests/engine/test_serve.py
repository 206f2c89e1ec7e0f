"""The metrics listener serves ready-made bytes on three paths and tells nothing on any other."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from engine import listener
from engine.alerting.timing import Timing
from engine.exposition import Exposition
from engine.listener import MOST_CONNECTIONS
from engine.metrics import render
from engine.port import Snapshot
from engine.serve import TICK_MAX_AGE, CannotListen, Health, MetricsServer, accepts_gzip, check_listen, health_at
from tests.support.clock import NOW
from tests.support.snapshots import a_snapshot

WELL = Health(healthy=True, ready=True)
LOOPBACK = "127.0.0.1:0"


def an_exposition() -> Exposition:
    """Render a snapshot without the process's own figures."""
    return render(a_snapshot(), NOW, process=str)


@asynccontextmanager
async def serving(exposition: Exposition | None, health: Health = WELL) -> AsyncIterator[str]:
    """Serve on a free port of loopback, and give the address."""
    server = MetricsServer(LOOPBACK, lambda: exposition, lambda: health)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


async def ask(
    url: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Ask once, decompressing nothing; gives status, headers and body."""
    async with (
        aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
        session.request(method, url, headers=headers) as response,
    ):
        return response.status, response.headers, await response.read()


async def test_each_scrape_is_told_and_no_probe_is() -> None:
    """Whoever watches the screen may know that somebody reads the metrics."""
    read: list[str] = []
    server = MetricsServer(LOOPBACK, an_exposition, lambda: WELL, read=lambda: read.append("read"))
    await server.start()
    try:
        for path in ("/metrics", "/-/healthy", "/-/ready", "/metrics", "/other"):
            await ask(f"http://127.0.0.1:{server.port}{path}")
    finally:
        await server.stop()

    assert read == ["read", "read"]


async def test_a_scrape_gets_the_bytes() -> None:
    """A scrape gets the exposition as rendered, under the exact content type that Prometheus 3 insists on."""
    exposition = an_exposition()
    async with serving(exposition) as base:
        status, headers, body = await ask(f"{base}/metrics")
    assert (status, body) == (200, exposition.body)
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in headers
    assert headers["Vary"] == "Accept-Encoding"


async def test_a_scrape_gets_the_gzipped_bytes() -> None:
    """A scraper that takes gzip gets the ready-made bytes, of the same type."""
    exposition = an_exposition()
    async with serving(exposition) as base:
        _, headers, body = await ask(f"{base}/metrics", headers={"Accept-Encoding": "gzip"})
    assert body == exposition.gzipped
    assert gzip.decompress(body) == exposition.body
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        pytest.param("", False, id="none"),
        pytest.param("gzip", True, id="gzip"),
        pytest.param("deflate, GZIP;q=0.5", True, id="weighted"),
        pytest.param("gzip;q=0", False, id="refused"),
        pytest.param("gzip; q=0.0, *", False, id="refused beside all"),
        pytest.param("*", True, id="all"),
        pytest.param("*;q=0", False, id="nothing"),
        pytest.param("identity", False, id="identity"),
        pytest.param("x-gzip", True, id="the old name"),
        pytest.param("gzip;q=often", False, id="a weight that is none"),
    ],
)
def test_gzip_is_negotiated(header: str, takes: bool) -> None:  # noqa: FBT001 - a table's column
    """Gzip goes out where it is named or covered by ``*``, and never at ``q=0``."""
    assert accepts_gzip(header) is takes


async def test_head_has_the_headers_and_no_body() -> None:
    """HEAD answers as GET does, without the body."""
    exposition = an_exposition()
    async with serving(exposition) as base:
        status, headers, body = await ask(f"{base}/metrics", "HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(exposition.body))
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_before_the_first_snapshot_there_is_nothing_to_read() -> None:
    """An engine that has nothing to show says 503, so that Prometheus marks it down, and never an empty 200."""
    async with serving(None) as base:
        status, _, _ = await ask(f"{base}/metrics")
        ready, _, why = await ask(f"{base}/-/ready")
    assert (status, ready, why) == (503, 503, b"nothing to read yet\n")


@pytest.mark.parametrize(
    "path",
    ["/", "/metrics/", "/findings", "/findings/1", "/-/reload", "/-/", "/api/v1/state", "/METRICS", "/metrics%00"],
)
async def test_everything_else_is_404_without_a_word(path: str) -> None:
    """No other path exists, and the answer tells nothing, whatever the method."""
    async with serving(an_exposition()) as base:
        for method in ("GET", "POST"):
            status, _, body = await ask(f"{base}{path}", method)
            assert (status, body) == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/-/ready"])
async def test_nothing_can_be_written(method: str, path: str) -> None:
    """The three pages are read-only."""
    async with serving(an_exposition()) as base:
        status, headers, body = await ask(f"{base}{path}", method)
    assert (status, body, headers["Allow"]) == (405, b"", "GET, HEAD")


@pytest.mark.parametrize(
    "sent", [b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"\x16\x03\x01 what\r\n\r\n"]
)
async def test_no_version_leaks(sent: bytes) -> None:
    """Neither an answer nor a complaint about a malformed request names what serves it."""
    async with serving(an_exposition()) as base:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"server: controlwatch" in head
    assert b"aiohttp" not in head
    assert b"python/" not in head


@pytest.mark.parametrize(
    ("health", "healthy", "ready"),
    [
        pytest.param(WELL, 200, 200, id="well"),
        pytest.param(Health(healthy=True, ready=False, why="starting"), 200, 503, id="starting"),
        pytest.param(
            Health(healthy=False, ready=True, why="the scheduler has not ticked for 301 s"), 503, 200, id="hung"
        ),
    ],
)
async def test_the_health_pages(health: Health, healthy: int, ready: int) -> None:
    """Each page answers 200 or 503 by its own half of the engine's health, and says why."""
    async with serving(an_exposition(), health) as base:
        first, _, why = await ask(f"{base}/-/healthy")
        second, _, other = await ask(f"{base}/-/ready")
    assert (first, second) == (healthy, ready)
    assert [why, other] == [b"ok\n" if code == 200 else f"{health.why}\n".encode() for code in (healthy, ready)]


@pytest.mark.parametrize(
    ("snapshot", "healthy", "ready"),
    [
        pytest.param(a_snapshot(), True, True, id="live"),
        pytest.param(a_snapshot(ticked_at=NOW - timedelta(minutes=5)), True, True, id="ticked five minutes ago"),
        pytest.param(a_snapshot(ticked_at=NOW - timedelta(minutes=5, seconds=1)), False, True, id="ticked longer ago"),
        pytest.param(a_snapshot(ticked_at=None), False, True, id="never ticked since its start"),
        pytest.param(a_snapshot(phase="starting"), True, False, id="starting"),
        pytest.param(a_snapshot(phase="stopping"), True, False, id="stopping"),
        pytest.param(None, False, False, id="no snapshot for an hour"),
    ],
)
def test_health_follows_the_scheduler(snapshot: Snapshot | None, healthy: bool, ready: bool) -> None:  # noqa: FBT001 - columns
    """Healthy is a scheduler that ticked within five minutes; ready is a live engine with a snapshot."""
    health = health_at(snapshot, NOW - timedelta(hours=1), NOW)
    assert (health.healthy, health.ready) == (healthy, ready)


def test_the_health_page_and_the_alert_wait_for_the_same_time() -> None:
    """What ``ControlwatchStalled`` tells is what a probe of ``/-/healthy`` sees, and no other."""
    assert Timing().stall == TICK_MAX_AGE


@pytest.mark.parametrize(
    ("ahead", "healthy"),
    [
        pytest.param(timedelta(minutes=5), True, id="within the skew"),
        pytest.param(timedelta(minutes=5, seconds=1), False, id="past it"),
        pytest.param(timedelta(days=1), False, id="a day"),
    ],
)
def test_a_tick_of_the_future_is_no_life(ahead: timedelta, healthy: bool) -> None:  # noqa: FBT001 - a column
    """After the clock was turned back, a scheduler that hangs looks no younger than one that works."""
    for snapshot, started in ((a_snapshot(ticked_at=NOW + ahead), NOW), (None, NOW + ahead)):
        health = health_at(snapshot, started, NOW)
        assert health.healthy is healthy
        assert healthy or "turned back" in health.why


def test_a_young_engine_is_healthy_before_its_first_tick() -> None:
    """The five minutes run from the start while there was no tick."""
    assert health_at(None, NOW - timedelta(minutes=4), NOW) == Health(healthy=True, ready=False, why="starting")


@pytest.mark.parametrize(
    ("listen", "fault"),
    [
        pytest.param("127.0.0.1:10965", None, id="loopback"),
        pytest.param("127.8.8.8:10965", None, id="all of 127/8"),
        pytest.param("[::1]:10965", None, id="loopback v6"),
        pytest.param("localhost:10965", None, id="localhost"),
        pytest.param("0.0.0.0:10965", "other machines", id="every address"),
        pytest.param("[::]:10965", "other machines", id="every v6 address"),
        pytest.param(":10965", "other machines", id="no host"),
        pytest.param("192.0.2.7:10965", "other machines", id="a LAN address"),
        pytest.param("metrics.example.org:10965", "other machines", id="a name"),
        pytest.param("10965", "no address", id="no colon"),
        pytest.param("127.0.0.1:http", "no address", id="no number"),
        pytest.param("127.0.0.1:65536", "no address", id="no port"),
        pytest.param("::1:10965", "no address", id="v6 without brackets"),
        pytest.param("ana@127.0.0.1:1", "no address", id="a user"),
    ],
)
def test_a_public_address_needs_consent(listen: str, fault: str | None) -> None:
    """Without TLS or authentication only loopback is served, unless the configuration says that it may be public."""
    told = check_listen(listen, allow_public=False)
    if fault is None:
        assert told is None
    else:
        assert told is not None
        assert fault in told
        assert told.startswith(f'metrics.listen: "{listen}"')
    assert (check_listen(listen, allow_public=True) is None) is (fault != "no address")


async def test_a_public_address_is_refused_at_the_start_too() -> None:
    """The server itself refuses, whoever forgot to ask."""
    server = MetricsServer("0.0.0.0:0", lambda: None, lambda: WELL)
    with pytest.raises(CannotListen, match=r"allow_public"):
        await server.start()


async def test_a_public_address_is_served_with_consent() -> None:
    """With ``allow_public`` every address of the machine is served."""
    server = MetricsServer("0.0.0.0:0", an_exposition, lambda: WELL, allow_public=True)
    await server.start()
    try:
        status, _, _ = await ask(f"http://127.0.0.1:{server.port}/metrics")
    finally:
        await server.stop()
    assert status == 200


async def test_a_port_in_use_is_named() -> None:
    """The error says the key, the address and what to do, and leaves nothing behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        server = MetricsServer(listen, lambda: None, lambda: WELL)
        with pytest.raises(CannotListen, match=rf'metrics\.listen: cannot listen on "{listen}"'):
            await server.start()
    await server.start()
    await server.stop()
    await server.stop()


async def test_it_stops_while_a_scraper_holds_its_connection() -> None:
    """A kept-alive connection does not hold up the end."""
    server = MetricsServer(LOOPBACK, an_exposition, lambda: WELL)
    await server.start()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{server.port}/metrics") as response:
            await response.read()
        await asyncio.wait_for(server.stop(), timeout=30)


async def test_connections_that_ask_nothing_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the oldest half-open connections give way, and a scrape is answered while all others stay."""
    monkeypatch.setattr(listener, "FIRST_REQUEST_SECONDS", 300.0)  # none ends for being slow
    async with serving(an_exposition()) as base:
        port = int(base.rsplit(":", 1)[1])
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS + 5)]
        async with asyncio.timeout(60):
            for reader, _ in idle[:5]:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        assert not any(reader.at_eof() or reader.exception() is not None for reader, _ in idle[5:])
        assert (await ask(f"{base}/metrics"))[0] == 200
        for _, writer in idle:
            writer.close()
