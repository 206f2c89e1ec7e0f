"""The examples for Prometheus and Alertmanager say who is told what, and the real programs agree."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from engine.alerting.alerts import ALERTS
from engine.alerting.writing import rules
from engine.config import load
from engine.serve import TICK_MAX_AGE
from engine.settings import AlertSettings
from tests.support.console import free_port, until
from tests.support.servers import needs

DEPLOY: Final = Path(__file__).resolve().parent.parent / "deploy"
ALERTMANAGER: Final = DEPLOY / "alertmanager" / "alertmanager.yml"
PROMETHEUS: Final = sorted((DEPLOY / "prometheus").glob("*.yml"))
Labels = Mapping[str, str]


def read(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PROMETHEUS, ids=lambda path: path.stem)
def test_prometheus_accepts_the_scrape_configuration(path: Path, tmp_path: Path) -> None:
    """Promtool finds no fault in it, with the rules and the credentials that it names in their places."""
    promtool = needs("promtool", package="prometheus")
    shutil.copy(path, tmp_path)
    (tmp_path / "controlwatch.rules.yml").write_text("groups: []\n")
    for name in ("controlwatch-ca.pem", "controlwatch-password"):
        (tmp_path / name).touch()
    done = subprocess.run(
        [promtool, "check", "config", tmp_path / path.name], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PROMETHEUS, ids=lambda path: path.stem)
def test_the_job_is_scraped_often_enough_under_the_name_that_the_rules_expect(path: Path) -> None:
    """Several scrapes lie within the time after which an engine counts as stalled."""
    [job] = read(path)["scrape_configs"]

    assert job["job_name"] == AlertSettings().job
    assert int(job["scrape_interval"].removesuffix("s")) * 4 <= TICK_MAX_AGE.total_seconds()


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool on the example."""
    program = needs("amtool", package="prometheus-alertmanager")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_alertmanager_accepts_the_routes() -> None:
    """Amtool finds no fault."""
    done = amtool("check-config", str(ALERTMANAGER))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        pytest.param({"alertname": "ControlwatchDeadMan", "severity": "none"}, "heartbeat", id="dead-man"),
        pytest.param({"alertname": "ControlwatchDeadMan", "severity": "page"}, "heartbeat", id="dead-man-of-any"),
        pytest.param({"alertname": "ControlwatchBreakGlassUsed", "severity": "page"}, "pager", id="page"),
        pytest.param({"alertname": "ControlwatchCheckFailing", "severity": "ticket"}, "tickets", id="ticket"),
        pytest.param(
            {"alertname": "ControlwatchSourceUndecided", "severity": "ticket", "notify": "once"}, "tickets", id="once"
        ),
        pytest.param({"alertname": "ControlwatchDown", "severity": "ticket"}, "tickets", id="down"),
        pytest.param({"alertname": "Somebody", "severity": "none"}, "nobody", id="none"),
        pytest.param({"alertname": "Somebody"}, "tickets", id="without-severity"),
    ],
)
def test_an_alert_reaches_its_receiver(labels: Labels, receiver: str) -> None:
    """Amtool routes each kind of alert as the contract says."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}", *pairs)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_that_we_write_reaches_the_receiver_of_its_severity() -> None:
    """No alert of ``controlwatch rules`` falls through the routes."""
    written = rules(load(DEPLOY / "kubernetes" / "controlwatch.toml"))
    alerts = [rule for group in written["groups"] for rule in group["rules"] if "alert" in rule]
    receivers = {"page": "pager", "ticket": "tickets", "none": "heartbeat"}

    assert alerts
    for found in alerts:
        labels = {**found["labels"], "alertname": found["alert"], "job": "controlwatch", "instance": "a"}
        pairs = [f"{name}={value}" for name, value in labels.items()]
        done = amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *pairs)
        assert done.stdout.strip() == receivers[found["labels"]["severity"]], found["alert"]


def test_the_routes_name_alerts_that_exist() -> None:
    """A renamed alert is noticed here, and not by its silence."""
    named = set(re.findall(r"Controlwatch[A-Z][A-Za-z]+", ALERTMANAGER.read_text(encoding="utf-8")))

    assert named <= {alert.name for alert in ALERTS}


def test_the_heartbeat_beats_every_minute_and_is_never_told_an_end() -> None:
    """A repeat that is no shorter than the interval would leave every second beat out."""
    config = read(ALERTMANAGER)
    route = next(route for route in config["route"]["routes"] if route["receiver"] == "heartbeat")
    [hook] = next(one for one in config["receivers"] if one["name"] == "heartbeat")["webhook_configs"]

    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("0s", "1m", "50s")
    assert hook["send_resolved"] is False


# -- the real Alertmanager ---------------------------------------------------------------------------


class Alertmanager:
    """A running Alertmanager over the example, its waits cut short and its receivers silent."""

    def __init__(self, port: int) -> None:
        """Talk to the one that listens on the port."""
        self._base = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        """Tell whether it answers."""
        try:
            with urllib.request.urlopen(f"{self._base}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def send(self, alerts: Sequence[Labels]) -> None:
        """Fire alerts."""
        now = datetime.now(UTC).isoformat()
        body = json.dumps([{"labels": labels, "startsAt": now} for labels in alerts]).encode()
        request = urllib.request.Request(
            f"{self._base}/api/v2/alerts", body, {"Content-Type": "application/json"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=5).close()

    def ask(self, what: str) -> Any:
        """Read from the API."""
        with urllib.request.urlopen(f"{self._base}/api/v2/{what}", timeout=5) as answer:
            return json.load(answer)

    def inhibited(self) -> set[tuple[str, str]]:
        """Name the inhibited alerts and their instances."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("instance", ""))
            for alert in self.ask("alerts")
            if alert["status"]["inhibitedBy"]
        }


@pytest.fixture(name="alertmanager")
def an_alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """Run the real program over the example, with receivers that lead nowhere."""
    program = needs("prometheus-alertmanager", package="prometheus-alertmanager")
    config = read(ALERTMANAGER)
    for receiver in config["receivers"]:
        receiver.pop("webhook_configs", None)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    with running(program, path, tmp_path) as found:
        yield found


@contextmanager
def running(program: Path, config: Path, folder: Path) -> Iterator[Alertmanager]:
    """Run Alertmanager on loopback, alone."""
    port = free_port()
    argv = [str(program), f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen([*argv, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            found = Alertmanager(port)
            until(found.ready)
            yield found
        finally:
            process.terminate()
            process.wait(timeout=20)


def alert(name: str, severity: str = "ticket", **labels: str) -> Labels:
    """Build an alert of the job."""
    return {"alertname": name, "severity": severity, "job": "controlwatch", **labels}


EVERYTHING: Final = [
    *(
        one
        for instance in ("a", "b")
        for one in (
            alert("ControlwatchDeadMan", "none", instance=instance),
            alert("ControlwatchCheckFailing", instance=instance, check="mfa"),
            alert("ControlwatchSourceBlind", instance=instance, source="okta"),
            alert("ControlwatchBackupOverdue", "page", instance=instance, check="backups"),
        )
    ),
    {"alertname": "NodeDown", "severity": "page", "job": "node", "instance": "a"},
]
TICKETS: Final = ("ControlwatchCheckFailing", "ControlwatchSourceBlind")
OF_CHECKS: Final = (*TICKETS, "ControlwatchBackupOverdue")


@pytest.mark.parametrize(
    ("cause", "silenced"),
    [
        pytest.param(alert("ControlwatchDown", instance="a"), {(name, "a") for name in OF_CHECKS}, id="down"),
        pytest.param(alert("ControlwatchStalled", instance="a"), {(name, "a") for name in TICKETS}, id="stalled"),
        pytest.param(
            alert("ControlwatchDown"),
            {(name, instance) for name in OF_CHECKS for instance in "ab"},
            id="nothing-scraped",
        ),
    ],
)
def test_a_lost_instance_silences_what_it_said_and_nothing_else(
    alertmanager: Alertmanager, cause: Labels, silenced: set[tuple[str, str]]
) -> None:
    """What an instance said is no news while it cannot be read; one that stands still keeps its pages.

    The dead-man and other jobs are never inhibited.
    """
    alertmanager.send([*EVERYTHING, cause])
    until(lambda: len(alertmanager.ask("alerts")) == len(EVERYTHING) + 1)

    assert alertmanager.inhibited() == silenced


def test_each_blind_source_and_each_failing_check_is_one_notification(alertmanager: Alertmanager) -> None:
    """Alerts that differ in other labels share a group; what they are about never does."""
    alertmanager.send(
        [
            alert("ControlwatchSourceBlind", instance="a", source="okta", kind="okta"),
            alert("ControlwatchSourceBlind", instance="a", source="entra", kind="entra"),
            *(alert("ControlwatchCheckFailing", instance="a", check="mfa", team=team) for team in ("identity", "it")),
            alert("ControlwatchCheckFailing", instance="a", check="tls"),
            alert("ControlwatchWaiversUnreadable", instance="a"),
        ]
    )
    until(lambda: sum(len(group["alerts"]) for group in alertmanager.ask("alerts/groups")) == 6)

    groups = {
        tuple(group["labels"].get(key, "") for key in ("alertname", "source", "check"))
        for group in alertmanager.ask("alerts/groups")
    }
    assert groups == {
        ("ControlwatchSourceBlind", "okta", ""),
        ("ControlwatchSourceBlind", "entra", ""),
        ("ControlwatchCheckFailing", "", "mfa"),
        ("ControlwatchCheckFailing", "", "tls"),
        ("ControlwatchWaiversUnreadable", "", ""),
    }
