"""Scenarios run through ``promtool test rules``: many in one run, each told apart by its name in the expression."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from engine.alerting.alerts import ALERTS
from engine.alerting.writing import rules
from engine.config import Config, parse
from tests.engine.alerting.estate import Estate, Signal
from tests.support.servers import needs

CONFIG: Final = """
[sources.okta-prod]
kind = "okta"
url = "https://example.okta.com"
token = "env:OKTA"
[sources.dumps]
kind = "files"
set = "nightly"
pattern = "dumps/*.sql"
[sources.edge]
kind = "tls"
targets = ["www.example.org:443"]
[checks.workforce-mfa]
check = "mfa_coverage"
sources = ["okta-prod"]
runbook = "https://wiki.example.org/mfa"
[checks.leave-open]
check = "stale_access"
sources = ["okta-prod"]
[checks.backups]
check = "backup_freshness"
sources = ["dumps"]
[checks.certificates]
check = "tls_expiry"
sources = ["edge"]
"""
TOLD: Final = ("instance", "source", "check", "family", "raised", "notify", "severity")
"""Labels that an expectation names."""
CLASS: Final = {alert.name: alert.severity for alert in ALERTS}
_FAILED: Final = re.compile(r'scenario!=\\?"([^"\\]+)\\?"')

Labels = Mapping[str, str]
Sampled = Mapping[str, float]
"""Labels as PromQL writes them, and a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is scraped, what fires when, and what the rules record."""

    name: str
    series: Estate
    fires: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Minute to all alerts that fire then, as ``fire`` writes them."""
    gives: Sequence[tuple[int, str, Sampled]] = ()
    """Minute, expression and its samples."""


def config(more: str = "") -> Config:
    """Read the configuration whose rules are tried."""
    return parse(CONFIG + more, Path("/somewhere/controlwatch.toml"))


def fire(name: str, *, instance: str = "a", **labels: str) -> str:
    """Name an alert that fires, without the prefix, with its labels; its class is that of the table."""
    full = f"Controlwatch{name}"
    told = {"alertname": full, "severity": CLASS[full], **({"instance": instance} if instance else {}), **labels}
    return series("", **told)


def series(name: str, **labels: str) -> str:
    """Write a sample's labels as promtool does."""
    return f"{name}{{{', '.join(f'{label}={json.dumps(labels[label])}' for label in sorted(labels))}}}"


ALIVE: Final = fire("DeadMan")


def outcome(
    scenarios: Sequence[Scenario], folder: Path, told: Config | None = None, *, every: str = "1m"
) -> dict[str, str]:
    """Run scenarios, and give what promtool said of each that did not come out as written."""
    program = needs("promtool", package="prometheus")
    written = rules(told or config())
    (folder / "rules.yml").write_text(yaml.safe_dump(written), encoding="utf-8")
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": every,
        "group_eval_order": [group["name"] for group in written["groups"]],
        "tests": [_test(scenario) for scenario in scenarios],
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(tests, width=1_000_000), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", folder / "tests.yml"], capture_output=True, text=True, check=False, timeout=110
    )
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return {}
    parts = re.split(r"(?=^ +expr: )", said, flags=re.MULTILINE)
    faults: dict[str, str] = {}
    for part in parts:
        named = _FAILED.search(part)
        if named is not None:
            faults[named[1]] = faults.get(named[1], "") + part
    if ", err: " in said:  # a rule that cannot be evaluated: promtool does not say in which scenario
        return {scenario.name: said for scenario in scenarios}
    return faults or {scenario.name: said for scenario in scenarios}


def _test(scenario: Scenario) -> dict[str, Any]:
    moments = [*scenario.fires, *(minute for minute, _, _ in scenario.gives)]
    last = max(moments)
    mine = f'scenario!="{scenario.name}"'
    firing = f'sum by (alertname, {", ".join(TOLD)}) (ALERTS{{alertstate="firing", {mine}}})'
    asked = [_asked(firing, minute, dict.fromkeys(fired, 1.0)) for minute, fired in scenario.fires.items()]
    asked += [_asked(f"({expr}) unless nothing{{{mine}}}", minute, samples) for minute, expr, samples in scenario.gives]
    inputs = [{"series": name, "values": _values(signal, last)} for name, signal in scenario.series.items()]
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": asked}


def _asked(expr: str, minute: int, samples: Sampled) -> dict[str, Any]:
    expected = [{"labels": labels, "value": value} for labels, value in samples.items()]
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": expected}


def _values(signal: Signal, last: int) -> str:
    return " ".join(_runs(["_" if (value := signal(minute)) is None else _number(value) for minute in range(last + 1)]))


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{float(value):.6g}" if abs(value) < 1e5 else f"{value:.0f}"


def _runs(values: Iterable[str]) -> Iterable[str]:
    """Shorten what repeats: twenty minutes of 1 are ``1+0x19``."""
    before, times = "", 0
    for value in (*values, ""):
        if value == before:
            times += 1
            continue
        if times:
            shorter = "_x" if before == "_" else f"{before}+0x"
            yield before if times == 1 or before == "stale" else f"{shorter}{times if before == '_' else times - 1}"
        before, times = value, 1


def alert_expr(name: str) -> str:
    """Give the expression of one alert, as it is written."""
    rows = [row for group in rules(config())["groups"] for row in group["rules"]]
    return next(str(row["expr"]) for row in rows if row.get("alert") == f"Controlwatch{name}")


def told(scenario: Scenario, minute: int, folder: Path) -> dict[str, str]:
    """Give what promtool says of every alert that fires at a minute, by name, with its annotations expanded."""
    program = needs("promtool", package="prometheus")
    (folder / "rules.yml").write_text(yaml.safe_dump(rules(config())), encoding="utf-8")
    inputs = [{"series": name, "values": _values(signal, minute)} for name, signal in scenario.series.items()]
    asked = [{"eval_time": f"{minute}m", "alertname": alert.name, "exp_alerts": []} for alert in ALERTS]
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": inputs, "alert_rule_test": asked}],
    }
    (folder / "told.yml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", folder / "told.yml"], capture_output=True, text=True, check=False, timeout=60
    )
    said = done.stdout + done.stderr
    return {part.split(",")[0]: part for part in re.split(r"alertname: Controlwatch", said)[1:] if "Labels:" in part}
