"""An exposition read back with the official parser, for tests that ask what it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from checks.model.state import State
from engine.exposition import Kept
from engine.metrics import render
from engine.port import Snapshot
from tests.support.clock import NOW

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Name and labels to value."""


def exposed(snapshot: Snapshot, now: datetime = NOW, kept: Kept | None = None) -> Series:
    """Render, and read back with the official parser."""
    samples = samples_of(render(snapshot, now, process=str, kept=kept).body)
    series = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(series) == len(samples)
    return series


def samples_of(body: bytes) -> Sequence[Sample]:
    """Read samples with the official parser."""
    families: Iterable[Family] = text_string_to_metric_families(body.decode())
    return [sample for family in families for sample in family.samples]


def value(series: Series, name: str, /, **labels: str) -> float | None:
    """Give the one series of that name with these labels among its own; None when there is none."""
    wanted = set(labels.items())
    found = [number for (full, own), number in series.items() if full == f"controlwatch_{name}" and wanted <= own]
    assert len(found) <= 1
    return found[0] if found else None


def state_of_check(series: Series, check: str = "workforce-mfa") -> str:
    """Give the one state that is 1, of exactly seven."""
    rows = {
        dict(labels)["state"]: number
        for (name, labels), number in series.items()
        if name == "controlwatch_check_state" and ("check", check) in labels
    }
    assert set(rows) == set(State)
    (state,) = [state for state, number in rows.items() if number == 1]
    assert sum(rows.values()) == 1
    return state


def is_green(series: Series, now: datetime, check: str = "workforce-mfa") -> bool:
    """Say what the line of PromQL says of a check."""
    until = value(series, "check_valid_until_timestamp_seconds", check=check)
    return state_of_check(series, check) in {"pass", "warn"} and until is not None and until > now.timestamp()


def greens(series: Series, now: datetime) -> set[str]:
    """Read the one line of PromQL over all checks: those that it calls green when Prometheus's clock says ``now``."""
    proven = {
        labels
        for (name, labels), until in series.items()
        if name == "controlwatch_check_valid_until_timestamp_seconds" and until > now.timestamp()
    }
    return {
        dict(labels)["check"]
        for (name, labels), number in series.items()
        if name == "controlwatch_check_state"
        and dict(labels)["state"] in {"pass", "warn"}
        and number == 1
        and frozenset(pair for pair in labels if pair[0] != "state") in proven
    }
