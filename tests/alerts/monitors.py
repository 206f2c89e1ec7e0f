"""Scenarios in which the monitor itself breaks."""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from engine.exposition import CONTENT_TYPE
from tests.alerts.scenario import Expected, Scenario, backups, dump, files, plain
from tests.support.console import until
from tests.support.engines import EngineProcess
from tests.support.servers import needs
from tests.support.webhook import listening


def healthy(folder: Path) -> Scenario:
    """Nothing breaks."""
    engine = plain(folder, "healthy")
    return Scenario(engine, engine.start)


def hung(folder: Path) -> Scenario:
    """The scheduler hangs while HTTP answers, and goes on."""
    engine = plain(folder, "hung")
    return Scenario(
        engine,
        lambda: engine.start(hanging=True),
        [Expected("ControlwatchStalled")],
        lambda: engine.signal(signal.SIGUSR1),
        lambda: engine.signal(signal.SIGUSR2),
    )


def frozen(folder: Path, stack: ExitStack) -> Scenario:
    """The same bytes are served for ever by something else on the same port, until the engine is started again."""
    engine = plain(folder, "frozen")
    server = stack.enter_context(ExitStack())

    def freeze() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{engine.port}/metrics", timeout=10) as answer:
            body = answer.read()
        engine.kill()
        server.enter_context(listening(_canned(body), engine.port))

    def thaw() -> None:
        server.close()
        engine.start()

    return Scenario(engine, engine.start, [Expected("ControlwatchStalled")], freeze, thaw)


def _canned(body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def killed(folder: Path) -> Scenario:
    """The process is killed while one of its checks fails, and started again."""
    failing = files("old") + backups("old-backups", "old")
    engine = plain(folder, "killed", failing)
    dump(engine.folder / "old", age=timedelta(days=3))
    was_told = Expected("ControlwatchCheckFailing", {"check": "old-backups"}, ends=False, early=True)
    return Scenario(engine, engine.start, [was_told, Expected("ControlwatchDown")], engine.kill, engine.start)


def stopped(folder: Path) -> Scenario:
    """The process is stopped by SIGSTOP, and goes on."""
    engine = plain(folder, "stopped")
    return Scenario(
        engine,
        engine.start,
        [Expected("ControlwatchDown")],
        lambda: engine.signal(signal.SIGSTOP),
        lambda: engine.signal(signal.SIGCONT),
    )


def unscraped(folder: Path, scrape: Callable[[str], None]) -> Scenario:
    """The engine runs, and Prometheus has no scrape job for it until ``scrape`` adds it."""
    engine = plain(folder, "unscraped")
    return Scenario(
        engine,
        engine.start,
        [Expected("ControlwatchDown", {"instance": ""}, early=True)],
        mends=lambda: scrape("unscraped"),
        scraped=False,
    )


def reloaded(folder: Path) -> Scenario:
    """A reload of the configuration takes a check away, and another puts it back."""
    whole, less = (
        files("dumps") + backups("backups", "dumps"),
        files("dumps"),
    )
    engine = plain(folder, "reloaded", backups("other", "dumps"))
    return Scenario(
        engine,
        engine.start,
        [Expected("ControlwatchCheckVanished")],
        lambda: engine.write(less + backups("other", "dumps")),
        lambda: engine.write(whole + backups("other", "dumps")),
        steady=("backups", "other"),
    )


def clock(folder: Path) -> Scenario:
    """The clock of the engine's host jumps two hours ahead, and back."""
    engine = plain(folder, "clock")
    told = engine.folder / "clock"
    told.write_text("+0\n")
    preload = subprocess.run(
        [str(needs("faketime", package="faketime")), "-m", "-f", "+0", "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    fake = {"FAKETIME_TIMESTAMP_FILE": str(told), "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return Scenario(
        engine,
        lambda: engine.start({"LD_PRELOAD": preload, **fake}),
        [Expected("ControlwatchClockAhead")],
        lambda: _write(told, "+2h\n"),
        lambda: _write(told, "+0\n"),
    )


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.replace(path)


def tampered(folder: Path) -> Scenario:
    """A hand changes the latest entry of the evidence chain, and changes it back before a restart."""
    engine = plain(folder, "tampered")
    kept: list[tuple[int, str]] = []

    def tamper() -> None:
        with closing(sqlite3.connect(engine.folder / "state" / "store.sqlite", timeout=30)) as store, store:
            seq, body = store.execute("SELECT seq, body FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
            kept.append((seq, body))
            store.execute("DROP TRIGGER chain_refuses_update")
            store.execute("UPDATE chain SET body = replace(body, '{', '{ ') WHERE seq = ?", (seq,))

    def restore() -> None:
        _end(engine)
        with closing(sqlite3.connect(engine.folder / "state" / "store.sqlite", timeout=30)) as store, store:
            store.executemany("UPDATE chain SET body = ? WHERE seq = ?", [(body, seq) for seq, body in kept])
        engine.start()

    return Scenario(engine, engine.start, [Expected("ControlwatchEvidenceChainBroken")], tamper, restore)


def _end(engine: EngineProcess) -> None:
    """Have an engine end as an operator would."""
    engine.signal(signal.SIGTERM)
    assert engine.process is not None
    engine.process.wait(30)
    engine.process = None


def full(folder: Path) -> Scenario:
    """No file of the engine can grow any more, as on a full disk, until there is room again."""
    engine = plain(folder, "full")

    def limit(octets: int) -> None:
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))

    return Scenario(
        engine,
        engine.start,
        [Expected("ControlwatchEvidenceFailing", receiver="pager")],
        lambda: limit(0),
        lambda: limit(resource.RLIM_INFINITY),
    )


def answering(port: int) -> None:
    """Wait until an engine answers scrapes."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(answers, seconds=60)
