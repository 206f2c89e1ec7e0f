"""The catalogue is one table: its conventions, its series and its page of the docs agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from checks.model.doubt import Cause, Gap
from checks.model.result import Doubted
from engine.catalogue import CATALOGUE, OWN
from engine.exposition import LABELS, Metric
from engine.metrics import GREEN, page, render
from engine.port import KnownTime
from tests.support.clock import NOW
from tests.support.series import exposed, samples_of
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing

ROOT: Final = Path(__file__).parents[2]
ALL: Final[tuple[Metric[Any], ...]] = (*CATALOGUE, *OWN)
EVERY: Final = [pytest.param(metric, id=metric.name) for metric in ALL]


@pytest.mark.parametrize("metric", EVERY)
def test_each_family_follows_the_conventions(metric: Metric[Any]) -> None:
    """Names carry the prefix and the unit, counters and only they end in ``_total``, and labels are declared."""
    assert re.fullmatch(r"controlwatch_[a-z][a-z0-9_]*", metric.name)
    assert (metric.kind == "counter") is metric.name.endswith("_total")
    assert (metric.unit == "Unix time, seconds") is metric.name.endswith("_timestamp_seconds")
    assert (metric.unit in {"seconds", "Unix time, seconds"}) is metric.name.endswith("_seconds")
    assert (metric.unit == "ratio") is metric.name.endswith("_ratio")
    assert set(metric.labels) <= set(LABELS)
    assert metric.help.endswith(".")
    assert metric.bound


def test_each_family_has_series_with_its_labels() -> None:
    """Every family of the catalogue is exposed by some snapshot, under exactly the labels that it declares."""
    gap = Gap(source="okta-prod", cause=Cause.DENIED, kind="members")
    failing = a_source("hr", complete=False, cause=Cause.BUSY, failing_since=NOW, gaps=(gap,), labels={"a": "b"})
    snapshot = a_snapshot(
        checks=(a_check(gaps=(Doubted(gap=gap),), standing=a_standing(valid_until=NOW)),),
        sources=(a_source(), failing),
        times=(
            KnownTime(source="hr", id="a", what="tls_not_after", at=NOW),
            KnownTime(source="hr", id="a", what="backup_newest", at=NOW, limit_seconds=1),
        ),
    )
    seen = {name: frozenset(label for label, _ in labels) for name, labels in exposed(snapshot)}
    small = samples_of(render(snapshot, NOW, cap=10, process=str).body)
    seen |= {sample.name: frozenset(sample.labels) for sample in small}
    assert seen == {metric.name: frozenset(metric.labels) for metric in ALL}


def test_the_catalogue_names_each_family_once() -> None:
    """No name occurs twice."""
    names = [metric.name for metric in ALL]
    assert len(set(names)) == len(names)


def test_the_page_of_the_docs_is_up_to_date() -> None:
    """docs/metrics.md is what the catalogue says."""
    write = "from engine.metrics import page; print(page(), end='')"
    assert (ROOT / "docs/metrics.md").read_text() == page(), f'.venv/bin/python -c "{write}" > docs/metrics.md'
    assert GREEN in page()
