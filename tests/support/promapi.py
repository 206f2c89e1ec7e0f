"""A real Prometheus over an exposition and rules, and what it answers."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from engine.metrics import render
from engine.port import Snapshot
from tests.support.console import free_port
from tests.support.servers import needs


class Series(msgspec.Struct):
    """One series of an answer to an instant query."""

    metric: Mapping[str, str]
    sample: tuple[float, str] = msgspec.field(name="value")

    @property
    def value(self) -> float:
        """Its value."""
        return float(self.sample[1])


class _Result(msgspec.Struct):
    result: Sequence[Series]


class _Answer(msgspec.Struct):
    data: _Result


@contextmanager
def exposed(snapshot: Callable[[datetime], Snapshot]) -> Iterator[str]:
    """Expose what an engine would, rendered anew at each scrape; gives ``host:port``."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = datetime.now(UTC)
            body = render(snapshot(now), now).body
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(folder: Path, targets: Sequence[str], rules: Mapping[str, Any]) -> Iterator[str]:
    """Run a Prometheus that scrapes the targets every second as job ``controlwatch``; gives its address."""
    program = needs("prometheus", package="prometheus")
    (folder / "rules.json").write_text(json.dumps(rules))
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": [str(folder / "rules.json")],
        "scrape_configs": [{"job_name": "controlwatch", "static_configs": [{"targets": list(targets)}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(program),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def ask(base: str, promql: str) -> Sequence[Series]:
    """Ask an instant query; gives nothing while Prometheus starts, and fails for what it does not understand."""
    body = urllib.parse.urlencode({"query": promql}).encode()
    try:
        with urllib.request.urlopen(f"{base}/api/v1/query", data=body, timeout=30) as answer:
            return msgspec.json.decode(answer.read(), type=_Answer).data.result
    except urllib.error.HTTPError as refused:
        if refused.code == 503:
            return ()
        raise AssertionError(f"{refused.read().decode()}\n{promql}") from refused
    except urllib.error.URLError:
        return ()
