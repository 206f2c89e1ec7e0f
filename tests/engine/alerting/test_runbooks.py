"""What the runbooks and the docs tell somebody to type works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest
import yaml

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
