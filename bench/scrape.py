"""Scrape latency of the metrics listener beside prometheus_client's own aiohttp handler: ``python -m bench.scrape``.

    .venv/bin/python -m bench.scrape [--quick] [--series 5000 10000 100000] [--seconds 8]

Each server is a process of its own with a real engine in it: checks enough for so many series over one source, a store
and evidence on the disk, the renderer and the listener on the engine's loop, as ``controlwatch serve`` has them. *Idle*
it ticks and publishes; *busy* it collects and judges without a pause, half a million judgements a round. The yardstick
is the same process with ``make_aiohttp_handler`` in the listener's place, over families that are already built, so that
it only has to write them. Both are asked over one keep-alive connection with the headers that Prometheus 2.42 sends,
then for text alone, every 2 ms at most.

*Stall* is the longest that the loop was late meanwhile, the engine's own work included. *Visible* is the time from a
change inside the engine to the first scrape that shows it, in the middle and at worst: the engine publishes between two
judgements, then the exposition is rendered, at most once a second. *Rendered* is the second half alone, from the
snapshot to the bytes, at worst. Before the table stands what renderings in a thread take and stall, with nothing
beside them. Goals: at 10 000 series a p50 at least 50 times shorter, and an unchanged estate rendered in 5 ms before
gzip; a change visible within 2 s; no stall over 10 ms by rendering.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import common
from checks.model.records import Account
from engine.blobs import FolderBlobs
from engine.config import Config
from engine.engine import Engine
from engine.exposition import Exposition, Kept
from engine.metrics import render
from engine.port import CheckView, Snapshot
from engine.renderer import Renderer
from engine.settings import MetricsSettings
from engine.store.sqlite import open_sqlite
from sources.common.source import Page
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Script, check_config, estate, scripted, source_config
from tests.support.snapshots import an_estate

SERIES: Final = (5_000, 10_000, 100_000)
SERIES_PER_CHECK: Final = 40
"""Of a made-up estate."""
SERIES_PER_JUDGED: Final = 48
"""Of one with an engine."""
JUDGEMENTS: Final = 500_000
"""Of one round, when busy."""
CHANGES: Final = 7
CHANGED: Final = b"\ncontrolwatch_config_last_reload_successful "
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
    scrapes: int
    bytes: int
    """Of one answer, as sent."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load."""

    asked: dict[str, Latency]
    visible: Sequence[float]
    """Milliseconds until each change was seen; empty for the yardstick."""
    told: dict[str, float]
    """What the server measured of itself."""


def main() -> None:
    """Measure, and print a table; with ``serve`` as first argument be one of the servers."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(_serve(sys.argv[2], int(sys.argv[3]), busy=sys.argv[4] == "busy"))
        return
    parser = argparse.ArgumentParser(description="Scrape latency beside prometheus_client.")
    parser.add_argument("--series", type=int, nargs="+", default=list(SERIES))
    parser.add_argument("--seconds", type=float, default=8.0, help="of scraping a cell")
    parser.add_argument("--quick", action="store_true", help="5 000 and 10 000 series, 3 seconds a cell")
    options = parser.parse_args()
    sizes, seconds = ((5_000, 10_000), 3.0) if options.quick else (options.series, options.seconds)
    for series in sizes:
        asyncio.run(_rendering(series))
    print("\n| series | load | asked | server | p50 ms | p99 ms | stall ms | visible ms | rendered ms | kB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for series in sizes:
        for load in ("idle", "busy"):
            _compare(series, load, seconds)


def _compare(series: int, load: str, seconds: float) -> None:
    ours = _measured("controlwatch", series, load, seconds)
    theirs = _measured("prometheus_client", series, load, seconds)
    exact = int(ours.told["series"])
    for asked in ACCEPTS:
        for server, found in (("controlwatch", ours), ("prometheus_client", theirs)):
            seen = f"{statistics.median(found.visible):.0f} / {max(found.visible):.0f}" if found.visible else ""
            own = f"{found.told['rendered']:.0f}" if found.visible else ""
            latency = found.asked[asked]
            told = f"{latency.p50:.2f} | {latency.p99:.2f} | {found.told['stall']:.1f} | {seen} | {own}"
            print(f"| {exact} | {load} | {asked} | {server} | {told} | {latency.bytes / 1_000:.0f} |")
        first, second = ours.asked[asked], theirs.asked[asked]
        ratios = f"**{second.p50 / first.p50:.0f}×** | {second.p99 / first.p99:.0f}×"
        print(
            f"| {exact} | {load} | {asked} | ratio, {second.scrapes} scrapes of theirs | {ratios} | | | | |", flush=True
        )


async def _rendering(series: int) -> None:
    """Print what renderings take: the first one, those of an unchanged estate, those where every check has moved."""
    still, kept, spent = an_estate(series // SERIES_PER_CHECK), Kept(), dict[str, list[float]]()
    moved = [_moved(still, number) for number in range(10)]
    gc.collect()
    gc.freeze()  # as the host does at the start
    courses = {"first": [still], "unchanged": [still] * 30, "every check moved": moved}
    for name, snapshots in courses.items():
        async with common.lagging(0.001) as lag:
            for snapshot in snapshots:
                latest, cpu = await asyncio.to_thread(_timed, snapshot, kept)
                spent.setdefault(name, []).append(cpu)
                series = latest.series
                await asyncio.sleep(0.02)
        told = f"p50 {statistics.median(spent[name]):6.1f} ms CPU, stall {max(lag.seconds) * 1_000:5.1f} ms"
        print(f"rendering {series} series, gzip included, {name:18s} {told}", flush=True)


def _timed(snapshot: Snapshot, kept: Kept) -> tuple[Exposition, float]:
    """Render; gives the milliseconds of CPU too."""
    began = time.thread_time()
    exposition = render(snapshot, NOW + timedelta(seconds=1), cap=1_000_000, kept=kept)
    return exposition, (time.thread_time() - began) * 1_000


def _moved(snapshot: Snapshot, number: int) -> Snapshot:
    """Judge every check of an estate again, with other times and counts."""
    later = NOW + timedelta(seconds=number)

    def again(view: CheckView) -> CheckView:
        standing = msgspec.structs.replace(view.standing, valid_until=later + timedelta(hours=1))
        return msgspec.structs.replace(view, as_of=later, judged_at=later, read=view.read + number, standing=standing)

    return msgspec.structs.replace(snapshot, at=later, checks=[again(view) for view in snapshot.checks])


# ------------------------------------------------------------------------------------------------------- the scraper


def _measured(server: str, series: int, load: str, seconds: float) -> Measured:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.scrape", "serve", server, str(series), load],
        stdout=subprocess.PIPE,
        text=True,
        cwd=common.ROOT,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        asked = {name: _scrape(port, accept, seconds) for name, accept in ACCEPTS.items()}
        visible = [_change(port, process) for _ in range(CHANGES)] if server == "controlwatch" else []
        process.send_signal(signal.SIGINT)
        return Measured(asked, visible, json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


def _scrape(port: int, accept: str, seconds: float) -> Latency:
    """Scrape over one connection for a while, and at least five times."""
    spent: list[float] = []
    size, ends = 0, time.perf_counter() + seconds
    with _connected(port) as connection:
        _ask(connection, accept)
        while len(spent) < 5 or time.perf_counter() < ends:
            began = time.perf_counter()
            size = len(_ask(connection, accept))
            spent.append((time.perf_counter() - began) * 1_000)
            time.sleep(0.002)
    spent.sort()
    return Latency(statistics.median(spent), spent[min(len(spent) - 1, int(len(spent) * 0.99))], len(spent), size)


def _change(port: int, process: subprocess.Popen[str]) -> float:
    """Have something change inside the engine, and scrape until it shows; gives the milliseconds."""
    with _connected(port) as connection:
        before = _value(_ask(connection, ACCEPTS["text alone"], encoding="identity"))
        time.sleep(0.3)
        began = time.perf_counter()
        process.send_signal(signal.SIGUSR1)
        while _value(_ask(connection, ACCEPTS["text alone"], encoding="identity")) == before:
            time.sleep(0.02)
        return (time.perf_counter() - began) * 1_000


def _value(body: bytes) -> bytes:
    return body.partition(CHANGED)[2].partition(b"\n")[0]


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ask(connection: socket.socket, accept: str, encoding: str = "gzip") -> bytes:
    """Ask once, and read one answer with a length or in chunks; gives its body as sent."""
    connection.sendall(
        f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nAccept-Encoding: {encoding}\r\n"
        "User-Agent: Prometheus/2.42.0\r\n\r\n".encode(),
    )
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
    return b"".join(pieces)


# ------------------------------------------------------------------------------------------------------- the servers


async def _serve(server: str, series: int, *, busy: bool) -> None:
    """Serve until SIGINT, then tell what was measured inside; SIGUSR1 changes something."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as stack:
            engine = await stack.enter_async_context(_engine(_configured(Path(folder), series // SERIES_PER_JUDGED)))
            loop.add_signal_handler(signal.SIGUSR1, _toggle, engine)
            renderer = Renderer(engine)
            await renderer.render()
            found: dict[str, float] = {
                "series": renderer.exposition.series if renderer.exposition else 0,
                "rendered": 0,
            }
            if server == "controlwatch":
                await stack.enter_async_context(_kept_up(renderer.work()))
                await stack.enter_async_context(_kept_up(_watch(engine, renderer, found)))
                await _listen(renderer, stack)
            else:
                assert renderer.exposition is not None
                await _listen_theirs(renderer.exposition, stack)
            gc.collect()
            gc.freeze()  # as the host does
            if busy:
                await stack.enter_async_context(_kept_up(_hurry(engine)))
            lag = await stack.enter_async_context(common.lagging(0.001))
            await stop.wait()
            print(json.dumps({**found, "stall": max(lag.seconds) * 1_000}), flush=True)


def _configured(folder: Path, checks: int) -> Config:
    """Configure so many checks over one source that is asked when the bench says so."""
    people = [account(f"u{number:06}", source="idp", label=f"u{number}") for number in range(JUDGEMENTS // checks)]
    people[::50] = [_bare(one) for one in people[::50]]
    pages = [Page(records=people[start : start + 200]) for start in range(0, len(people), 200)]
    source = source_config("idp", scripted(Script(pages=pages)), every=timedelta(hours=6))
    config = estate(folder, [source], [check_config(f"check-{n:05}", "mfa_coverage", ["idp"]) for n in range(checks)])
    return replace(config, metrics=MetricsSettings(max_series=1_000_000))


def _bare(one: Account) -> Account:
    return account(one.id, source="idp", label=one.label, mfa=False, factors=())


@contextlib.asynccontextmanager
async def _engine(config: Config) -> AsyncIterator[Engine]:
    """Run an engine that has collected and judged once."""
    config.state_dir.mkdir(mode=0o700)
    store = open_sqlite(config.state_dir / "store.sqlite", subject_key=b"k" * 32)
    engine = Engine(config, store, FolderBlobs(config.state_dir / "evidence"), version="0")
    stop = asyncio.Event()
    await engine.start()
    task = asyncio.get_running_loop().create_task(engine.run(stop))
    try:
        while engine.snapshot is None or any(view.standing.tally is None for view in engine.snapshot.checks):  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.05)
        yield engine
    finally:
        stop.set()
        engine.wake()
        await task
        await store.close()


def _toggle(engine: Engine) -> None:
    """Change something that a scrape shows."""
    engine.doings.config_error = None if engine.doings.config_error else "changed"
    engine.moved()


async def _hurry(engine: Engine) -> None:
    """Collect and judge without a pause."""
    while True:
        engine.run_now("idp")
        await asyncio.sleep(0.05)


async def _watch(engine: Engine, renderer: Renderer, found: dict[str, float]) -> None:
    """Measure how long a snapshot waits for its bytes."""
    waiting: list[float] = []
    engine.listeners.append(lambda _: waiting.append(time.perf_counter()))
    seen = renderer.exposition
    while True:
        taken = len(waiting)
        await asyncio.sleep(0.005)
        if renderer.exposition is not seen and taken:
            seen = renderer.exposition
            found["rendered"] = max(found["rendered"], (time.perf_counter() - waiting[0]) * 1_000)
            del waiting[:taken]


@contextlib.asynccontextmanager
async def _kept_up(work: Any) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _listen(renderer: Renderer, stack: contextlib.AsyncExitStack) -> None:
    from engine.serve import Health, MetricsServer

    listener = MetricsServer("127.0.0.1:0", lambda: renderer.exposition, lambda: Health(healthy=True, ready=True))
    await listener.start()
    stack.push_async_callback(listener.stop)
    print(listener.port, flush=True)


async def _listen_theirs(exposition: Exposition, stack: contextlib.AsyncExitStack) -> None:
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
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)


if __name__ == "__main__":
    main()
