"""Scrape latency of the metrics listener beside prometheus_client's own aiohttp handler, over the same series.

    .venv/bin/python -m bench.scrape [--series 5000 10000] [--scrapes 1000]

Each server runs in a process of its own on loopback and is asked over one keep-alive connection, every 2 ms at most,
with the headers that Prometheus 2.42 sends, and then for text alone. Ours renders again every second meanwhile (the
engine does it every 15 s), so its slowest scrapes are those that met a rendering. The other one generates per scrape,
from families that are already built; it is asked a twentieth as often, so its p99 is about its slowest. Goal: p99 ≤
50 ms at 5 000 series.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.exposition import Exposition
from engine.metrics import render
from engine.port import Snapshot
from tests.support.clock import NOW
from tests.support.snapshots import an_estate

SERIES_PER_CHECK: Final = 33
OPENMETRICS: Final = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
ACCEPTS: Final = {"as Prometheus asks": OPENMETRICS, "text alone": "text/plain;version=0.0.4"}


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies of one run, in ms."""

    p50: float
    p99: float
    bytes: int
    """Of one answer, as sent."""


def main() -> None:
    """Measure, and print a table; with ``serve`` as first argument be one of the servers."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(_serve(sys.argv[2], int(sys.argv[3])))
        return
    parser = argparse.ArgumentParser(description="Scrape latency beside prometheus_client.")
    parser.add_argument("--series", type=int, nargs="+", default=[5_000, 10_000])
    parser.add_argument("--scrapes", type=int, default=1_000)
    options = parser.parse_args()
    print("| series | asked | server | p50 ms | p99 ms | bytes sent |\n|---|---|---|---|---|---|")
    for series in options.series:
        _compare(series, options.scrapes)
    for series in options.series:
        _rendering(series)


def _compare(series: int, scrapes: int) -> None:
    for asked, accept in ACCEPTS.items():
        ours = _measured("ours", series, accept, scrapes)
        theirs = _measured("prometheus_client", series, accept, max(30, scrapes // 20))
        exact = _exposition(_estate(series)).series
        for server, latency in (("controlwatch", ours), ("prometheus_client", theirs)):
            print(f"| {exact} | {asked} | {server} | {latency.p50:.2f} | {latency.p99:.2f} | {latency.bytes} |")
        print(f"| {exact} | {asked} | **ratio** | {theirs.p50 / ours.p50:.0f}× | {theirs.p99 / ours.p99:.0f}× | |")


def _rendering(series: int) -> None:
    snapshot = _estate(series)
    spent = [_timed(lambda: _exposition(snapshot)) for _ in range(50)]
    print(f"rendering {series} series, gzip included: p50 {statistics.median(spent):.1f} ms, max {max(spent):.1f} ms")


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1_000


def _measured(server: str, series: int, accept: str, scrapes: int) -> Latency:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.scrape", "serve", server, str(series)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        return _scrape(port, accept, scrapes)
    finally:
        process.terminate()
        process.wait()


def _scrape(port: int, accept: str, scrapes: int) -> Latency:
    request = (
        f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nAccept-Encoding: gzip\r\n"
        "User-Agent: Prometheus/2.42.0\r\n\r\n"
    ).encode()
    spent, size = [], 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(scrapes + 5):
            began = time.perf_counter()
            connection.sendall(request)
            size = _read_answer(connection)
            if number >= 5:
                spent.append((time.perf_counter() - began) * 1_000)
            time.sleep(0.002)
    spent.sort()
    return Latency(statistics.median(spent), spent[min(len(spent) - 1, int(len(spent) * 0.99))], size)


def _read_answer(connection: socket.socket) -> int:
    """Read one answer with a length or in chunks; gives the bytes of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    pieces = [body]
    if b"content-length" in headers:
        missing = int(headers[b"content-length"]) - len(body)
        while missing > 0:
            pieces.append(connection.recv(1 << 20))
            missing -= len(pieces[-1])
    else:
        while not pieces[-1].endswith(b"0\r\n\r\n"):
            pieces.append(connection.recv(1 << 20))
    return sum(map(len, pieces))


def _estate(series: int) -> Snapshot:
    return an_estate(series // SERIES_PER_CHECK)


def _exposition(snapshot: Snapshot) -> Exposition:
    return render(snapshot, NOW + timedelta(seconds=1), cap=1_000_000)


async def _serve(server: str, series: int) -> None:
    if server == "ours":
        await _serve_ours(_estate(series))
    else:
        await _serve_theirs(_exposition(_estate(series)))


async def _serve_ours(snapshot: Snapshot) -> None:
    from engine.serve import Health, MetricsServer

    latest = _exposition(snapshot)
    listener = MetricsServer("127.0.0.1:0", lambda: latest, lambda: Health(healthy=True, ready=True))
    await listener.start()
    print(listener.port, flush=True)
    while True:
        await asyncio.sleep(1)
        latest = _exposition(snapshot)


async def _serve_theirs(exposition: Exposition) -> None:
    from aiohttp import web
    from prometheus_client import CollectorRegistry
    from prometheus_client.aiohttp import make_aiohttp_handler
    from prometheus_client.metrics_core import Metric
    from prometheus_client.parser import text_string_to_metric_families
    from prometheus_client.registry import Collector

    families: Sequence[Metric] = list(text_string_to_metric_families(exposition.body.decode()))

    class Ready(Collector):
        def collect(self) -> Iterable[Metric]:
            return families

    registry = CollectorRegistry()
    registry.register(Ready())
    application = web.Application()
    application.router.add_get("/metrics", make_aiohttp_handler(registry))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
