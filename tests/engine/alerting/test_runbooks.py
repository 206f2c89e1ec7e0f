"""What the runbooks and the docs tell somebody to type works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import yaml

from engine.alerting.alert import Alert
from engine.alerting.alerts import ALERTS
from engine.alerting.timing import Timing
from engine.custody import BROKEN_EVERY
from tests.support.console import command
from tests.support.servers import needs

DOCS: Final = Path(__file__).parents[3] / "docs"
FILTER: Final = re.compile(r"controlwatch check --format json.*\| jq (?:-r )?'([^']+)'")
FILTERS: Final = [
    pytest.param(found, id=f"{path.stem}-{number}")
    for path in (*sorted((DOCS / "runbooks").glob("*.md")), DOCS / "cli.md")
    for number, found in enumerate(FILTER.findall(path.read_text(encoding="utf-8")))
]
YAML: Final = re.compile(r"```yaml\n(scrape_configs:.*?)```", re.DOTALL)
CONFIG: Final = """
[sources.name]
kind = "files"
set = "nightly"
pattern = "nightly/*.sql"
[sources.late]
kind = "files"
set = "weekly"
pattern = "weekly/*.sql"
[sources.none]
kind = "files"
set = "gone"
pattern = "/nonexistent/*.sql"
"""


DEPLOY: Final = DOCS.parent / "deploy"
ENDS: Final = re.compile(r"\b(?:alert|ticket|page) (?:ends|closes)\b|\bsilence this alert for\b")
SOON, LATER, SILENCED = timedelta(minutes=20), timedelta(minutes=30), timedelta(hours=25)
"""What the pages call twenty minutes, half an hour, and 25 hours."""
OF_TIMING: Final = {
    "ControlwatchBreakGlassUsed": ("break_glass", timedelta(hours=24), "It pages for 24 hours after"),
    "ControlwatchCheckVanished": ("remembered", timedelta(days=1), "there within the last day"),
    "ControlwatchClockAhead": ("skew", timedelta(minutes=1), "more than a minute ahead"),
    "ControlwatchDown": ("remembered", timedelta(days=1), "heard within the last day"),
    "ControlwatchEvidenceFailing": ("evidence", timedelta(hours=4), "For four hours no evidence"),
    "ControlwatchExclusionsGrew": ("grown", timedelta(days=1), "Within a day the share"),
    "ControlwatchStalled": ("stall", timedelta(minutes=5), "for five minutes the engine"),
}
"""Field of ``Timing``, what it must be, and how the page says it."""


def runbook(name: str) -> str:
    """Read the page of an alert, in one line."""
    return " ".join((DOCS / "runbooks" / f"{name}.md").read_text(encoding="utf-8").split())


def minutes(told: str) -> timedelta:
    """Read a time of Prometheus' or Alertmanager's configuration."""
    return timedelta(**{{"s": "seconds", "m": "minutes"}[told[-1]]: int(told[:-1])})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the real output of ``controlwatch check --format json`` over checks that are due, fail and are blind."""
    folder = tmp_path_factory.mktemp("runbooks")
    checks = [
        f'[checks.{name}]\ncheck = "backup_freshness"\nsources = ["{name}"]\n' for name in ("name", "late", "none")
    ]
    (folder / "controlwatch.toml").write_text(CONFIG + "".join(checks))
    for name, hours in (("nightly", 27), ("weekly", 99)):
        (folder / name).mkdir()
        path = folder / name / "db.sql"
        path.write_text("create table ledger (id integer);\n")
        os.utime(path, (time.time() - hours * 3_600,) * 2)
    return command("check", "--format", "json", folder=folder).stdout


def test_the_runbooks_ask_for_the_output() -> None:
    """The pattern above finds what it is for."""
    assert len(FILTERS) >= 5


@pytest.mark.parametrize("asked", FILTERS)
def test_a_filter_of_the_docs_tells_something(asked: str, told: str) -> None:
    """Jq accepts it, and every key that it names is in the real output."""
    program = needs("jq", package="jq")
    done = subprocess.run(
        [program, "-c", asked.replace("NAME", "name")],
        input=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows
    for keys in re.findall(r"\{([^}]*)\}", asked):
        names = [key.partition(":")[0].strip(' "') for key in keys.split(",")]
        assert set(rows[0]) == set(names)
        assert any(set(names) <= set(found) for found in _objects(json.loads(told)))


def _objects(value: object) -> list[dict[str, object]]:
    """List every object inside a document."""
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in _objects(item))]
    return []


def test_prometheus_accepts_the_scrape_configurations_of_the_docs(tmp_path: Path) -> None:
    """Both examples of the listener's page are whole, and the one for node_exporter names the job of the rules."""
    promtool = needs("promtool", package="prometheus")
    examples = YAML.findall((DOCS / "metrics-listener.md").read_text(encoding="utf-8"))
    assert len(examples) == 2
    for number, example in enumerate(examples):
        for name in ("listener-ca.pem", "prometheus.pem", "prometheus.key", "controlwatch.password"):
            (tmp_path / name).touch()
        path = tmp_path / f"{number}.yml"
        path.write_text(example)
        argv = [str(promtool), "check", "config", "--syntax-only", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    [relabelled] = yaml.safe_load(examples[1])["scrape_configs"][0]["metric_relabel_configs"]
    assert (relabelled["target_label"], relabelled["replacement"]) == ("job", "controlwatch")


@pytest.mark.parametrize("name", OF_TIMING)
def test_a_time_that_a_runbook_tells_is_that_of_the_rules(name: str) -> None:
    """Whoever changes how long a rule waits changes what is read at night."""
    field, length, words = OF_TIMING[name]
    assert getattr(Timing(), field) == length
    assert words in runbook(name)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_runbook_promises_no_end_that_comes_sooner_than_it_can(alert: Alert) -> None:
    """An end waits for a scrape, an evaluation, ``keep`` and Alertmanager's group: the page says within what time."""
    said = runbook(alert.name)
    for sentence in re.split(r"(?<=[.;]) ", said):
        if ENDS.search(sentence):
            assert re.search("twenty minutes|half an hour|25 hours", sentence), sentence


def test_an_alert_ends_within_what_its_runbook_says() -> None:
    """With the intervals that deploy/ has; a chain that is broken is read again at intervals of its own."""
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["global"]
    route = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())["route"]
    timing, group = Timing(), minutes(route["group_interval"])
    last = minutes(scraped["scrape_interval"]) + timing.record + timing.keep + group
    assert last <= SOON
    assert last + BROKEN_EVERY <= LATER
    assert timing.remembered + last <= SILENCED
    assert "half an hour" in runbook("ControlwatchEvidenceChainBroken")
