"""A webhook that Alertmanager notifies, and what it was told there, in order."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal

import msgspec

Status = Literal["firing", "resolved"]


class Notified(msgspec.Struct, frozen=True):
    """One alert of a notification."""

    status: Status
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class _Body(msgspec.Struct, frozen=True):
    """What Alertmanager posts (its documentation, webhook_config, version 4)."""

    alerts: Sequence[Notified]


@dataclass(frozen=True, slots=True)
class Told:
    """One alert that a receiver was told of once."""

    at: float
    """Unix time of its arrival."""
    receiver: str
    alert: Notified

    @property
    def name(self) -> str:
        """Name of the alert."""
        return self.alert.labels["alertname"]

    @property
    def job(self) -> str:
        """The scrape job that it is about."""
        return self.alert.labels.get("job", "")

    @property
    def text(self) -> str:
        """All that it says."""
        return " ".join(self.alert.annotations.values())

    def about(self, **labels: str) -> bool:
        """Tell whether its labels are these."""
        return all(self.alert.labels.get(name, "") == value for name, value in labels.items())

    def line(self) -> str:
        """Tell it in one line."""
        labels = {name: value for name, value in self.alert.labels.items() if name not in {"alertname", "severity"}}
        return f"{self.at:.1f} {self.receiver} {self.alert.status} {self.name} {labels}"


@dataclass(slots=True)
class Webhook:
    """Receivers by the path that is posted to, one for each name that is asked for."""

    address: str = ""
    told: list[Told] = field(default_factory=list)
    """In order of arrival; added to by the threads of the server."""

    def url(self, receiver: str) -> str:
        """Give the address of a receiver."""
        return f"{self.address}/{receiver}"

    def take(self, path: str, body: bytes) -> None:
        """Keep what was posted."""
        at, receiver = time.time(), path.lstrip("/")
        self.told += [Told(at, receiver, alert) for alert in msgspec.json.decode(body, type=_Body).alerts]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listen on loopback for as long as the block runs."""
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        kept.address = f"http://127.0.0.1:{port}"
        yield kept


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    """Serve requests on loopback for as long as the block runs; gives the port."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
