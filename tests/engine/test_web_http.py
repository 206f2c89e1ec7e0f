"""What strangers send wrongly is answered without a word, counted, and written nowhere."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from engine import web_http
from engine.exposition import Exposition
from engine.serve import MetricsServer
from tests.support.web import WELL, an_exposition

SECRET = b"c2VjcmV0OnNlY3JldA=="
MALFORMED = (
    pytest.param(b"GET /\xff" + SECRET + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="path"),
    pytest.param(b"GET /metrics HTTP/1.1\r\nAuthorization: Basic " + SECRET + b"\x01\r\n\r\n", id="header"),
    pytest.param(b"GET /metrics HTTP/1.1\r\nAuthorization Basic " + SECRET + b"\r\n\r\n", id="no colon"),
    pytest.param(b"GET /" + SECRET * 500 + b" HTTP/1.1\r\n\r\n", id="too long"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01" + SECRET + b"\r\n\r\n", id="TLS"),
    pytest.param(
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET + b"\r\n\r\n", id="body"
    ),
    pytest.param(b"GET http://[::1/" + SECRET + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="URL"),
)


@asynccontextmanager
async def serving(current: Callable[[], Exposition | None] = an_exposition) -> AsyncIterator[int]:
    """Serve to everybody on loopback; gives the port."""
    server = MetricsServer("127.0.0.1:0", current, lambda: WELL)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


async def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes, and read until the other side ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


@pytest.mark.parametrize("sent", MALFORMED)
async def test_what_is_malformed_is_neither_echoed_nor_logged(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A bare 400 goes back, and one line with a count into the log, however many come; credentials in neither."""
    caplog.set_level(logging.DEBUG)
    async with serving() as port:
        caplog.clear()
        answers = [await exchange(port, sent) for _ in range(5)]
        during = [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 400 Bad Request")
        assert (body, SECRET in head) == (b"", False)
    assert during == ["listener=troubled malformed=1"]
    assert caplog.records[-1].getMessage() == "listener=troubled malformed=4"
    assert SECRET.decode() not in caplog.text
    assert "Traceback" not in caplog.text


async def test_troubles_are_told_once_a_while_and_none_is_lost(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts of all lines add up to what came, and there are fewer lines than that."""
    monkeypatch.setattr(web_http, "TELL_SECONDS", 0.2)
    async with serving() as port:
        for _ in range(60):
            await exchange(port, b"GET /\xff HTTP/1.1\r\n\r\n")
    lines = [record.getMessage() for record in caplog.records if "listener=troubled" in record.getMessage()]
    assert sum(int(count) for line in lines for count in re.findall(r"malformed=(\d+)", line)) == 60
    assert len(lines) < 60


async def test_no_other_logger_is_touched() -> None:
    """Another server in the same process goes on writing where it did."""
    logger = logging.getLogger("aiohttp.server")
    before = (logger.level, logger.propagate, logger.disabled, tuple(logger.handlers), tuple(logger.filters))
    async with serving() as port:
        await exchange(port, b"GET /\xff HTTP/1.1\r\n\r\n")
    assert before == (logger.level, logger.propagate, logger.disabled, tuple(logger.handlers), tuple(logger.filters))


async def test_an_error_of_our_own_tells_where_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """A bare 500; the log has the type and the place, for a message may repeat what was sent."""

    def current() -> Exposition | None:
        raise LookupError(SECRET.decode())

    async with serving(current) as port:
        answer = await exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error")
    assert answer.endswith(b"\r\n\r\n")
    (record,) = [record for record in caplog.records if record.name == "engine.web_http"]
    assert re.fullmatch(r"listener=troubled faults=1 fault=LookupError at=test_web_http\.py:\d+", record.getMessage())
    assert SECRET.decode() not in caplog.text


@pytest.mark.parametrize(
    ("version", "status"),
    [
        pytest.param(b"0.9", b"505", id="0.9"),
        pytest.param(b"1.0", b"200", id="1.0"),
        pytest.param(b"1.1", b"200", id="1.1"),
        pytest.param(b"1.2", b"400", id="1.2"),
        pytest.param(b"2.0", b"505", id="2.0"),
        pytest.param(b"3.0", b"400", id="3.0"),
    ],
)
async def test_two_versions_are_served(version: bytes, status: bytes) -> None:
    """HTTP/1.0 and 1.1; a line that tells another is refused, whatever follows it, and in a version that is served."""
    async with serving() as port:
        sent = b"GET /metrics HTTP/" + version + b"\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await exchange(port, sent)
    assert answer.split(b" ", 2)[1] == status
    assert answer.startswith((b"HTTP/1.0 ", b"HTTP/1.1 "))
    assert (b"controlwatch_" in answer) is (status == b"200")
