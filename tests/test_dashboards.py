"""The dashboards are what their script says, ask for nothing that is not exported, and are never green while blind."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from cli.dashboard import NAMES
from engine.alerting.records import RECORDS
from engine.alerting.timing import Timing
from engine.alerting.writing import rules
from engine.catalogue import CATALOGUE, OWN
from engine.config import load
from engine.port import Selftest, Snapshot
from scripts.dashboards.look import BLIND, GREEN
from scripts.dashboards.overview import EXPECTED
from scripts.dashboards.write import EXAMPLE, ROOT, SHIPPED, files
from tests.support.console import COMMAND, command, environment, until
from tests.support.grafana import Json, Query, hued_columns, hues, panels, queries
from tests.support.promapi import Series, ask, exposed, prometheus
from tests.support.servers import needs
from tests.support.snapshots import a_check, a_full_estate, a_snapshot, a_source, a_standing

BOARDS: Final[Mapping[str, Json]] = {name: json.loads((SHIPPED / f"{name}.json").read_text()) for name in NAMES}
PANELS: Final = [panel for board in BOARDS.values() for panel in panels(board)]
QUERIES: Final = [query for board in BOARDS.values() for query in queries(board)]
FOREIGN: Final = {
    *("ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds"),
}
"""Series that neither the catalogue nor a recording rule names: Prometheus's own, and those of the process."""
SELECTED: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
BROKEN: Final = {
    "Checks in detail J",
    "Sources B",
    "Sources C",
    "Blind checks A",
    "Blind checks B",
    "Gaps that bar a pass A",
    "Requests that failed A",
    "Credentials B",
}
"""Queries that show something only while something is broken, or where a provider tells when a credential ends."""
WORST: Final = frozenset({"Checks held", "Blind", "Monitor", "Controls", "Dead-man's switch"})
"""Panels in which the worst engine counts."""
FAST: Final = Timing().scaled(1 / 30)
PATIENCE: Final = 100.0


def id_of(item: Query | Json) -> str:
    """Name a case."""
    return item.name if isinstance(item, Query) else str(item["title"])


@pytest.mark.parametrize("path", list(files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_committed_is_what_the_script_writes(path: Path) -> None:
    """A change of the script, of the alerts or of the example configuration is committed with what comes of it."""
    assert path.read_text(encoding="utf-8") == files()[path], "write it again: make dashboards"


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_fits_the_model_of_grafana(name: str) -> None:
    """Decoded into the types of Grafana's own SDK and encoded again, it has lost nothing."""
    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(dict(BOARDS[name])), cls=JSONEncoder))

    assert again == BOARDS[name]
    assert again["schemaVersion"] == 41


@pytest.mark.parametrize("name", NAMES)
def test_the_command_writes_the_shipped_file(name: str, tmp_path: Path) -> None:
    """What a person pipes into Grafana is what was tested."""
    done = command("dashboard", name, folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (SHIPPED / f"{name}.json").read_text(encoding="utf-8")


def test_the_command_writes_the_overview_unless_told_otherwise(tmp_path: Path) -> None:
    """The overview is what most people want; a name that there is not is a usage error."""
    assert json.loads(command("dashboard", folder=tmp_path).stdout)["uid"] == "controlwatch-overview"
    assert command("dashboard", "nonsense", folder=tmp_path).returncode == 2


def test_jsonnet_reads_the_mixin() -> None:
    """The mixin gives two dashboards, every recording rule and every alert."""
    program = needs("jsonnet", package="jsonnet")
    asked = "local m = import 'mixin/mixin.libsonnet'; [m.grafanaDashboards, m.prometheusRules, m.prometheusAlerts]"
    done = subprocess.run([program, "-e", asked], cwd=ROOT, check=True, capture_output=True, timeout=60)
    boards, records, alerts = json.loads(done.stdout)

    assert boards == {f"controlwatch-{name}.json": board for name, board in BOARDS.items()}
    assert [rule["record"] for group in records["groups"] for rule in group["rules"]] == [row.name for row in RECORDS]
    assert alerts["groups"] == [group for group in rules(load(EXAMPLE))["groups"] if "alert" in group["rules"][0]]


@pytest.mark.parametrize("query", QUERIES, ids=id_of)
def test_a_query_names_only_series_that_there_are(query: Query) -> None:
    """Every metric is in the catalogue, a recording rule, or told by Prometheus or the process itself."""
    there = {*(metric.name for metric in CATALOGUE), *(metric.name for metric in OWN), *FOREIGN}
    there |= {record.name for record in RECORDS}
    named = {name for name, _ in SELECTED.findall(query.target["expr"])}

    assert named
    assert named - there == set()
    assert re.findall(r"\w*(?:controlwatch|process)_\w*", SELECTED.sub("", query.target["expr"])) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_names_only_series_that_there_are(name: str) -> None:
    """The variables list the jobs, engines, families and teams of metrics that are in the catalogue."""
    asked = [str(item["query"]) for item in BOARDS[name]["templating"]["list"] if item["type"] == "query"]
    named = {found for query in asked for found in re.findall(r"controlwatch_\w+", query)}

    assert named
    assert named - {metric.name for metric in CATALOGUE} == set()


@pytest.mark.parametrize("query", QUERIES, ids=id_of)
def test_a_query_asks_for_the_chosen_engines(query: Query) -> None:
    """Every selector matches job and instance, recorded series too, and a rate spans the interval Grafana gives."""
    for name, matchers in SELECTED.findall(query.target["expr"]):
        assert 'job=~"$job", instance=~"$instance"' in matchers, name
    assert query.target["datasource"]["uid"] == "${datasource}"
    assert re.findall(r"rate\([^)]*\[(?!\$__rate_interval\])", query.target["expr"]) == []


@pytest.mark.parametrize("panel", PANELS, ids=id_of)
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    """Title, description and unit are there, the data come from the chosen source, and nothing says nothing."""
    defaults = panel["fieldConfig"]["defaults"]

    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["description"].endswith((".", "`."))
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("panel", PANELS, ids=id_of)
def test_a_missing_value_has_the_hue_of_blindness(panel: Json) -> None:
    """Grafana colours what is missing with the lowest threshold, which is never a good one here."""
    configs = [panel["fieldConfig"]["defaults"]]
    if panel["type"] == "table":
        configs += hued_columns(panel).values()

    assert {config["thresholds"]["steps"][0]["color"] for config in configs} == {BLIND}


@pytest.mark.parametrize("panel", PANELS, ids=id_of)
def test_green_is_what_is_held(panel: Json) -> None:
    """The hue of a pass stands only where the value comes of a recorded ``controlwatch_held``; no palette brings it."""
    text = json.dumps(panel["fieldConfig"])
    modes = set(re.findall(r'"mode": "([^"]+)"', text))

    assert modes <= {"absolute", "thresholds", "shades", "basic", "none", "off", "area", "line", "fixed"}
    assert "green" not in text
    if panel["type"] == "table":
        green = [field for field, config in hued_columns(panel).items() if GREEN in json.dumps(config)]
        asked = [target["expr"] for target in panel["targets"] if f"Value #{target['refId']}" in green]
        assert len(asked) == len(green)
    else:
        asked = [target["expr"] for target in panel["targets"]] if GREEN in text else []
    assert [expr for expr in asked if "controlwatch_held:" not in expr] == []


@pytest.mark.parametrize("panel", [panel for panel in PANELS if panel["type"] in {"stat", "bargauge"}], ids=id_of)
def test_a_tile_shows_what_is_now(panel: Json) -> None:
    """A tile asks for this instant: the last value of a range may be hours old."""
    assert [(target["instant"], target["range"]) for target in panel["targets"]] == [(True, False)]
    assert panel["options"]["reduceOptions"]["calcs"] == ["last"]


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_is_portable(name: str) -> None:
    """One source of data to choose, engines to choose, UTC, not editable, no number of somebody's Grafana in it."""
    board = BOARDS[name]
    variables = {item["name"]: item for item in board["templating"]["list"]}
    filters = {"family", "team"} if name == "overview" else set()

    assert set(variables) == {"datasource", "job", "instance"} | filters
    assert variables["datasource"]["query"] == "prometheus"
    assert {(variables[key]["multi"], variables[key]["allValue"]) for key in ("job", "instance")} == {(True, ".+")}
    assert (board["editable"], board["timezone"], board["uid"]) == (False, "utc", f"controlwatch-{name}")
    assert "id" not in board
    assert "__inputs" not in board


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_lies_on_another(name: str) -> None:
    """Every panel has its own number and its own place on a grid of 24 columns."""
    shown = list(panels(BOARDS[name]))
    taken: set[tuple[int, int]] = set()
    for panel in shown:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in shown}) == len({panel["title"] for panel in shown}) == len(shown)


def test_the_audit_period_counts_by_the_interval_of_the_rules() -> None:
    """What is expected of so many days is one evaluation each interval of the rules that are shipped."""
    assert {days: timedelta(days=int(days)) / Timing().record for days in EXPECTED} == EXPECTED


# -- over a real Prometheus -----------------------------------------------------------------------

Told = Mapping[str, Sequence[Series]]


@dataclass(frozen=True)
class Watched:
    """What every query told of the demo while it lived, and once it was killed."""

    living: Told
    lost: Told


def fast_rules() -> Mapping[str, Any]:
    """Give the rules, thirty times as fast."""
    return rules(load(EXAMPLE), FAST)


def told(base: str, asked: Sequence[Query] = QUERIES) -> dict[str, Sequence[Series]]:
    """Ask every query once, by title and letter."""
    return {query.name: ask(base, query.promql) for query in asked}


@contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``controlwatch demo --headless``; gives the process and the address of its metrics."""
    process = subprocess.Popen(
        [str(COMMAND), "demo", "--headless", "--accounts", "120"],
        cwd=folder,
        env=environment(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
    try:
        for line in process.stderr:
            lines.append(line)
            live = re.search(r"engine=live .*metrics=(?:http://)?([0-9.]+:\d+)", line)
            if live is not None:
                reader.start()
                yield process, live[1]
                return
        pytest.fail("".join(lines))
    finally:
        process.kill()
        process.wait()
        if reader.ident is not None:
            reader.join()
        process.stderr.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Let a real Prometheus record the demo until every query tells something, then kill the demo and ask again."""
    folder = tmp_path_factory.mktemp("watched")
    needs("prometheus", package="prometheus")
    with demo(folder) as (process, address), prometheus(folder, [address], fast_rules()) as base:
        living = _settled(base)
        process.kill()
        process.wait()
        until(lambda: not ask(base, "check:controlwatch_held:bool"), PATIENCE)
        return Watched(living, told(base))


def _settled(base: str) -> Told:
    """Ask until every query told something and something is held, or for as long as there is patience."""
    ends = time.monotonic() + PATIENCE
    while True:
        living = told(base)
        empty = {name for name, series in living.items() if not series} - BROKEN
        if (not empty and any(series.value == 1 for series in living["Checks in detail A"])) or time.monotonic() > ends:
            return living
        time.sleep(1)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("query", [query for query in QUERIES if query.name not in BROKEN], ids=id_of)
def test_a_query_tells_something_of_the_demo(query: Query, watched: Watched) -> None:
    """Over the real exposition and the real rules no panel stays empty."""
    assert watched.living[query.name]


@pytest.mark.timeout(300)
def test_what_is_held_is_green(watched: Watched) -> None:
    """The demo holds some checks and fails others, so a dashboard that is never green, or always, is noticed."""
    for name in ("Checks in detail A", "Controls A", "Checks A"):
        (query,) = (query for query in QUERIES if query.name == name)
        shown = set(hues(query, watched.living[name]))
        assert GREEN in shown
        assert len(shown) > 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("query", QUERIES, ids=id_of)
def test_nothing_is_green_once_the_engine_is_gone(query: Query, watched: Watched) -> None:
    """No tile, bar, timeline or cell has the hue of a pass when nobody is heard."""
    assert GREEN not in hues(query, watched.lost[query.name])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["Checks held A", "Held by family A", "Controls A", "Checks A", "Checks in detail A"])
def test_what_was_held_is_shown_as_lost_and_not_as_a_gap(name: str, watched: Watched) -> None:
    """Every check and control that was there is still shown, and shown as bad."""
    (query,) = (query for query in QUERIES if query.name == name)

    assert len(watched.lost[name]) == len(watched.living[name])
    assert {series.value for series in watched.lost[name]} <= {0, -1}
    assert len(hues(query, watched.lost[name])) == len(watched.lost[name])


@pytest.mark.timeout(300)
def test_the_demo_is_marked(watched: Watched) -> None:
    """Whoever looks at a synthetic company sees that it is one."""
    assert [series.value for series in watched.living["Estate A"]] == [1]


def well(name: str, now: datetime) -> Snapshot:
    """Build an engine whose only check is held at ``now``."""
    check = a_check(name, standing=a_standing(valid_until=now + timedelta(hours=1)))
    times = {"started_at": now - timedelta(hours=1), "ticked_at": now, "selftest": Selftest(passed_at=now)}
    return a_snapshot(at=now, checks=(check,), sources=(a_source(),), **times)


@pytest.mark.timeout(300)
def test_an_engine_that_is_gone_does_not_hide_behind_one_that_is_well(tmp_path: Path) -> None:
    """With two engines, the loss of one turns the share of held checks from green, and counts its checks as blind."""
    needs("prometheus", package="prometheus")
    asked = [query for query in QUERIES if query.panel["title"] in WORST]
    with ExitStack() as stack, ExitStack() as going:
        stays = stack.enter_context(exposed(lambda now: well("stays", now)))
        goes = going.enter_context(exposed(lambda now: well("goes", now)))
        base = stack.enter_context(prometheus(tmp_path, [stays, goes], fast_rules()))
        until(lambda: [row.value for row in told(base, asked)["Checks held A"]] == [1], PATIENCE)
        until(lambda: len(told(base, asked)["Monitor A"]) == 2, PATIENCE)
        until(lambda: [row.value for row in told(base, asked)["Dead-man's switch A"]] == [1], PATIENCE)
        going.close()
        until(lambda: len(ask(base, "check:controlwatch_held:bool")) == 1, PATIENCE)
        until(lambda: len(ask(base, 'ALERTS{alertname="ControlwatchDeadMan"}')) == 1, PATIENCE)
        lost = told(base, asked)
    assert [row.value for row in lost["Checks held A"]] == [0.5]
    assert [row.value for row in lost["Blind A"]] == [1]
    assert [row.value for row in lost["Dead-man's switch A"]] == [0]
    assert {row.metric["instance"]: row.value for row in lost["Monitor A"]} == {stays: 1, goes: 0}
    assert {row.value for row in lost["Controls A"]} == {-1}


@pytest.mark.timeout(300)
def test_what_is_broken_shows(tmp_path: Path) -> None:
    """Queries that are empty while all is well tell something of an estate in which everything is doubtful."""
    needs("prometheus", package="prometheus")
    estate = a_full_estate(4, 4, 1, 1)
    asked = [query for query in QUERIES if query.name in BROKEN]
    assert {query.name for query in asked} == BROKEN
    with exposed(lambda _: estate) as target, prometheus(tmp_path, [target], fast_rules()) as base:
        until(lambda: all(told(base, asked).values()), PATIENCE)
