"""The table is sound: every series that it reads is exposed, and every alert says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import checks
from checks.model.check import AlarmKind
from checks.model.state import State
from cli.commands import COMMANDS
from engine.alerting.alert import RAISED, Alert
from engine.alerting.alerts import ALERTS
from engine.alerting.page import page, series_of
from engine.alerting.records import RECORDS
from engine.alerting.timing import Timing
from engine.alerting.writing import rules
from engine.catalogue import CATALOGUE, OWN
from engine.exposition import LABELS, Metric
from tests.engine.alerting.promtool import config

ROOT: Final = Path(__file__).parents[3]
ALL: Final[tuple[Metric[Any], ...]] = (*CATALOGUE, *OWN)
EXPOSED: Final = {metric.name: frozenset(metric.labels) for metric in ALL} | {
    "up": frozenset(),
    **{record.name: frozenset(record.labels) - {"job", "instance"} for record in RECORDS},
}
SELECTOR: Final = re.compile(r"([a-z]+:controlwatch_\w+:\w+|controlwatch_\w+|\bup)\s*(\{[^}]*\})?")
MATCHER: Final = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
BY: Final = re.compile(r"\b(?:on|by|without|ignoring|group_left|group_right) \(([^)]*)\)")
OWN_LABELS: Final = frozenset({"job", "instance", "check_severity", "raised"})
EVERY: Final = [pytest.param(alert, id=alert.name) for alert in ALERTS]


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    """List the rules as they are written, each with its name."""
    for group in rules(config('[alerts]\nrunbooks = "https://wiki.example.org/runbooks/"\n'))["groups"]:
        for row in group["rules"]:
            yield row.get("record") or row["alert"], row


WRITTEN: Final = [pytest.param(row, id=name) for name, row in written()]


@pytest.mark.parametrize("row", WRITTEN)
def test_every_series_of_a_rule_is_exposed_with_its_labels(row: dict[str, Any]) -> None:
    """A name or a label that nobody exposes would make a rule that never fires."""
    asked = [row["expr"], *re.findall(r"printf `([^`]*)`", " ".join(row.get("annotations", {}).values()))]
    for name, matchers in (found for expr in asked for found in SELECTOR.findall(expr)):
        assert name in EXPOSED, name
        assert matchers, f"{name} without the job"
        inner = matchers.replace("%[", "")
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inner):
            assert label in EXPOSED[name] | OWN_LABELS, f"{name} has no label {label}"


@pytest.mark.parametrize("row", WRITTEN)
def test_no_series_that_decides_a_rule_is_shed_at_the_cap(row: dict[str, Any]) -> None:
    """What an expression reads stays in the exposition whatever the cap says, so a cap silences no alert."""
    optional = {metric.name for metric in ALL if metric.shed}
    assert not optional.intersection(name for name, _ in SELECTOR.findall(row["expr"]))


@pytest.mark.parametrize("row", WRITTEN)
def test_every_value_that_a_rule_asks_for_can_be(row: dict[str, Any]) -> None:
    """A matcher on a closed set names its members only."""
    for label, _, value in MATCHER.findall(row["expr"]):
        allowed = LABELS[label].values if label in LABELS else None
        if allowed is not None:
            assert set(value.split("|")) <= allowed, f"{label}={value}"


@pytest.mark.parametrize("row", WRITTEN)
def test_every_label_that_a_rule_joins_by_is_one(row: dict[str, Any]) -> None:
    """A label that is misspelt in ``on`` or ``by`` would join everything with everything."""
    for labels in BY.findall(row["expr"]):
        named = {label.strip() for label in labels.split(",") if label.strip()}
        assert named <= set(LABELS) | OWN_LABELS


def test_one_engine_is_never_joined_with_another() -> None:
    """Every join and every aggregation keeps job and instance, or is over the whole job on purpose."""
    for name, row in written():
        for labels in re.findall(r"\b(?:on|by) \(([^)]*)\)", row["expr"]):
            assert labels.startswith("job, instance") or (name == "ControlwatchDown" and labels == "job"), name


@pytest.mark.parametrize("row", WRITTEN)
def test_every_rule_reads_one_job_only(row: dict[str, Any]) -> None:
    """Rules of two configurations lie side by side."""
    assert all('job="controlwatch"' in matchers for _, matchers in SELECTOR.findall(row["expr"]))


@pytest.mark.parametrize("alert", EVERY)
def test_every_alert_says_what_to_do(alert: Alert) -> None:
    """With a line, a text, a command that exists, and a runbook."""
    row = dict(written())[alert.name]
    told = row["annotations"]

    assert {"summary", "description", "command", "runbook_url"} <= set(told)
    assert all(told.values())
    assert "\n" not in told["summary"]
    assert told["description"].endswith(f"See: {told['command']}")
    assert re.match(r"controlwatch (\w+)", told["command"])
    assert told["command"].split()[1] in COMMANDS
    assert told["runbook_url"] == f"https://wiki.example.org/runbooks/{alert.name}.md"
    assert ("check_runbook" in told) is (alert.group == "checks")


@pytest.mark.parametrize("alert", EVERY)
def test_every_alert_outlives_a_lost_scrape_and_leaves_the_demo_out(alert: Alert) -> None:
    """All but the heartbeat, which must end at once."""
    row = dict(written())[alert.name]

    assert row.get("keep_firing_for") == (None if alert.severity == "none" else "10m")
    assert row["expr"].endswith('unless on (job, instance) (controlwatch_demo{job="controlwatch"} == 1)')
    assert not alert.wait or hasattr(Timing(), alert.wait)


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_every_kind_of_alarm_has_an_alert(kind: AlarmKind) -> None:
    """A kind that a check declares and no rule reads would wake nobody."""
    assert any(f'alarm="{kind}"' in alert.expr for alert in ALERTS if alert.severity == "page")
    assert all(kind in {one.value for one in AlarmKind} for kind in RAISED.split("|"))


@pytest.mark.parametrize("row", WRITTEN)
def test_no_rule_knows_a_check_by_its_name(row: dict[str, Any]) -> None:
    """A check that is renamed takes its page along: rules ask for the alarms that checks declare."""
    declared = {kind.value for check in checks.discover().values() for kind in check.kinds}
    asked = [(label, value) for label, _, values in MATCHER.findall(row["expr"]) for value in values.split("|")]

    assert {value for label, value in asked if label == "check_id"} == set()
    assert {value for label, value in asked if label == "alarm"} <= declared


def test_only_five_alerts_wake_somebody_and_one_is_the_heartbeat() -> None:
    """Everything else is a ticket."""
    classes = {alert.name.removeprefix("Controlwatch"): alert.severity for alert in ALERTS}

    assert {name for name, told in classes.items() if told == "page"} == {
        "BreakGlassUsed",
        "BackupOverdue",
        "TlsBroken",
        "AdminLostMfa",
        "EvidenceFailing",
    }
    assert [name for name, told in classes.items() if told == "none"] == ["DeadMan"]
    assert len(classes) == len(ALERTS)


def test_every_state_is_one_that_the_rules_know() -> None:
    """A state that is renamed does not silence a rule."""
    asked = {value for alert in ALERTS for value in re.findall(r'\bstate=~?"([^"]*)"', alert.expr)}

    assert {state for value in asked for state in value.split("|")} <= {state.value for state in State}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """One page each, for somebody who was woken."""
    there = {path.name for path in (ROOT / "docs/runbooks").glob("Controlwatch*.md")}

    assert {alert.runbook for alert in ALERTS} - there == set(), "these runbooks are missing"
    assert there - {alert.runbook for alert in ALERTS} == set(), "these runbooks have no alert"


def test_the_page_of_the_docs_is_up_to_date() -> None:
    """docs/alerts.md is what the table says."""
    write = "from engine.alerting.page import page; print(page(), end='')"

    assert (ROOT / "docs/alerts.md").read_text() == page(), f'.venv/bin/python -c "{write}" > docs/alerts.md'


def test_the_series_of_an_expression_are_named_once() -> None:
    """The page lists what an alert reads."""
    assert series_of("up{$job} unless controlwatch_demo{$job} unless up{$job} or source_up{}") == (
        "up",
        "controlwatch_demo",
    )
