"""A real Prometheus and a real Alertmanager over many engines at once, with the rules and the routes that are shipped.

Only receivers and times are put in the place of what is shipped: each time is shortened alike.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from engine.alerting.timing import promql_duration
from tests.support.console import free_port
from tests.support.promapi import Series, ask
from tests.support.servers import needs
from tests.support.webhook import Webhook

ALERTMANAGER: Final = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
SCRAPE: Final = "2s"
_TIMES: Final = frozenset({"group_wait", "group_interval", "repeat_interval"})
_PARTS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Job:
    """A scrape job of one instance, and the rules about it."""

    name: str
    """Name of the job, and of its one instance."""
    port: int | None
    """Where it is scraped; None: never."""
    rules: Mapping[str, Any]


class _Range(msgspec.Struct, frozen=True):
    metric: Mapping[str, str]
    values: Sequence[tuple[float, str]]


class _Ranges(msgspec.Struct, frozen=True):
    result: Sequence[_Range]


class _Answer(msgspec.Struct, frozen=True):
    data: _Ranges


@dataclass(slots=True)
class Monitoring:
    """The running programs."""

    folder: Path
    alertmanager: int
    """Port of Alertmanager."""
    prometheus: int
    """Port of Prometheus."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """Address of Prometheus."""
        return f"http://127.0.0.1:{self.prometheus}"

    def watch(self, jobs: Sequence[Job]) -> None:
        """Scrape these jobs and evaluate their rules from now on."""
        for job in jobs:
            (self.folder / f"{job.name}.rules.json").write_text(json.dumps(job.rules))
        config = {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE},
            "rule_files": [str(self.folder / f"{job.name}.rules.json") for job in jobs],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager}"]}]}]},
            "scrape_configs": [_scraped(job) for job in jobs if job.port is not None],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def ask(self, promql: str) -> Sequence[Series]:
        """Ask an instant query."""
        return ask(self.base, promql)

    def over(self, promql: str, since: float, until: float) -> dict[str, list[tuple[float, float]]]:
        """Ask for every second of a span; gives instants and values by job and check, as ``job/check``."""
        query = {"query": promql, "start": f"{since:.3f}", "end": f"{until:.3f}", "step": "1"}
        body = urllib.parse.urlencode(query).encode()
        with urllib.request.urlopen(f"{self.base}/api/v1/query_range", data=body, timeout=60) as answer:
            found = msgspec.json.decode(answer.read(), type=_Answer).data.result
        return {
            f"{one.metric['job']}/{one.metric['check']}": [(at, float(value)) for at, value in one.values]
            for one in found
        }


@contextmanager
def monitoring(folder: Path, hook: Webhook, jobs: Sequence[Job], factor: float) -> Iterator[Monitoring]:
    """Run both over the jobs, Alertmanager with every time shortened by the factor; both end with the block."""
    found = Monitoring(folder, free_port(), free_port())
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(routes(hook, factor)))
    found.watch(jobs)
    with (
        _running(folder, "alertmanager", _alertmanager(found)),
        _running(folder, "prometheus", _prometheus(found)) as it,
    ):
        found.process = it
        yield found


def routes(hook: Webhook, factor: float) -> Any:
    """Give the shipped routes and inhibitions, with times shortened and receivers that lead to the webhook."""
    config = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    for receiver in config["receivers"]:
        for one in receiver.get("webhook_configs", ()):
            one["url"] = hook.url(receiver["name"])
    _shorten(config["route"], factor)
    return config


def _shorten(route: dict[str, Any], factor: float) -> None:
    for key in _TIMES & route.keys():
        route[key] = shortened(route[key], factor)
    for inner in route.get("routes", ()):
        _shorten(inner, factor)


def shortened(text: str, factor: float) -> str:
    """Multiply a duration as Alertmanager writes it; 0 stays 0."""
    seconds = sum(int(number) * _PARTS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    return promql_duration(timedelta(seconds=seconds * factor)) if seconds else text


def _scraped(job: Job) -> Mapping[str, Any]:
    target = {"targets": [f"127.0.0.1:{job.port}"], "labels": {"instance": job.name}}
    return {"job_name": job.name, "static_configs": [target]}


def _alertmanager(found: Monitoring) -> list[str]:
    program = needs("prometheus-alertmanager", package="prometheus-alertmanager")
    return [
        str(program),
        f"--config.file={found.folder / 'alertmanager.yml'}",
        f"--storage.path={found.folder / 'alertmanager'}",
        "--data.retention=2400h",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{found.alertmanager}",
    ]


def _prometheus(found: Monitoring) -> list[str]:
    return [
        str(needs("prometheus", package="prometheus")),
        f"--config.file={found.folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={found.folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{found.prometheus}",
    ]


@contextmanager
def _running(folder: Path, name: str, argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
