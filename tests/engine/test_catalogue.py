"""The catalogue is one table: its conventions, its series and its page of the docs agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from engine.catalogue import CATALOGUE, OWN
from engine.exposition import CAP, LABELS, Metric
from engine.metrics import GREEN, page, render
from tests.support.clock import NOW
from tests.support.series import exposed, samples_of
from tests.support.snapshots import a_full_estate, a_snapshot

ROOT: Final = Path(__file__).parents[2]
ALL: Final[tuple[Metric[Any], ...]] = (*CATALOGUE, *OWN)
PROCESS: Final = 10
"""Series of the process itself, at most."""
EVERY: Final = [pytest.param(metric, id=metric.name) for metric in ALL]


UNITS: Final = {"Unix time, seconds": "_timestamp_seconds", "seconds": "_seconds", "ratio": "_ratio", "bytes": "_bytes"}
"""Units that a name tells by its end, the most exact one first."""


@dataclass(frozen=True)
class Size:
    """What a configuration has of everything."""

    checks: int
    sources: int
    sets: int
    targets: int
    offerings: int
    controls: int = 4
    """That one check tests."""
    feeds: int = 3
    """Sources that one check reads."""


BOUNDS: Final[Mapping[str, Callable[[Size], int]]] = {
    "checks": lambda size: size.checks,
    "7 × checks": lambda size: 7 * size.checks,
    "8 × checks": lambda size: 8 * size.checks,
    "13 × checks": lambda size: 13 * size.checks,
    "checks × controls of each": lambda size: size.checks * size.controls,
    "checks × sources of each": lambda size: size.checks * size.feeds,
    "kinds that each check declares": lambda size: 2 * size.checks,
    "sources": lambda size: size.sources,
    "13 × sources": lambda size: 13 * size.sources,
    "26 × sources": lambda size: 26 * size.sources,
    "configured targets": lambda size: size.targets,
    "declared sets": lambda size: size.sets,
    "checks × declared sets": lambda size: 2 * size.sets,  # a set is one source's, and few checks judge it
    "checks × configured targets": lambda size: 2 * size.targets,  # likewise
    "registered offerings": lambda size: size.offerings,
    "configured names": lambda size: size.targets + size.sets + size.offerings,
    "optional families": lambda _: sum(metric.shed > 0 for metric in CATALOGUE),
}
"""What each bound of the catalogue means; a bare number is itself."""


def bound_of(metric: Metric[Any], size: Size) -> int:
    """Read a family's bound as a number."""
    return int(metric.bound) if metric.bound.isdigit() else BOUNDS[metric.bound](size)


@pytest.mark.parametrize("metric", EVERY)
def test_each_family_follows_the_conventions(metric: Metric[Any]) -> None:
    """Names carry the prefix and the unit, counters and only they end in ``_total``, and labels are declared."""
    assert re.fullmatch(r"controlwatch_[a-z][a-z0-9_]*", metric.name)
    assert (metric.kind == "counter") is metric.name.endswith("_total")
    told = next((unit for unit, end in UNITS.items() if metric.name.removesuffix("_total").endswith(end)), None)
    assert told == (metric.unit if metric.unit in UNITS else None)
    assert (metric.unit == "always 1") >= metric.name.endswith("_info")
    assert set(metric.labels) <= set(LABELS)
    assert len(set(metric.labels)) == len(metric.labels)
    assert metric.help.endswith(".")
    assert not set(metric.help) & set("|\\\n")


@pytest.mark.parametrize("label", LABELS)
def test_each_label_follows_the_conventions(label: str) -> None:
    """A label is a plain word, clashes with none that Prometheus or a scrape configuration sets, and is used."""
    assert re.fullmatch(r"[a-z][a-z_]*", label)
    assert label not in {
        "job",
        "instance",
        "le",
        "quantile",
        "type",
        "owner",
        "service",
        "environment",
        "env",
        "region",
    }
    assert any(label in metric.labels for metric in ALL)


def test_each_family_has_series_with_its_labels() -> None:
    """Every family of the catalogue is exposed by some snapshot, under exactly the labels that it declares."""
    estate = a_full_estate(4, 3, 2, 2, 2)
    seen = {name: frozenset(label for label, _ in labels) for name, labels in exposed(estate)}
    small = samples_of(render(estate, NOW, cap=10, process=str, spent=0.25).body)
    seen |= {sample.name: frozenset(sample.labels) for sample in small}
    assert seen == {metric.name: frozenset(metric.labels) for metric in ALL}


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(Size(checks=0, sources=3, sets=0, targets=0, offerings=0), id="no checks"),
        pytest.param(Size(checks=1, sources=3, sets=0, targets=0, offerings=0), id="one check"),
        pytest.param(Size(checks=40, sources=7, sets=5, targets=4, offerings=3), id="an estate"),
    ],
)
def test_no_family_has_more_series_than_its_bound(size: Size) -> None:
    """What the catalogue says of the number of series holds for an estate in which every field is told."""
    if size.checks:
        estate = a_full_estate(size.checks, size.sources, size.sets, size.targets, size.offerings)
    else:
        estate = a_snapshot(checks=())
    counts = Counter(sample.name for sample in samples_of(render(estate, NOW, process=str).body))
    over = {metric.name: counts[metric.name] for metric in ALL if counts[metric.name] > bound_of(metric, size)}
    assert not over


def test_the_default_cap_sheds_nothing_of_a_large_configuration() -> None:
    """200 checks, 50 sources, 40 backup sets and 20 TLS targets stay under the default cap, whatever befalls them."""
    size = Size(checks=200, sources=50, sets=40, targets=20, offerings=20)
    assert sum(bound_of(metric, size) for metric in ALL) + PROCESS <= CAP
    exposition = render(a_full_estate(200, 50, 40, 20, 20), NOW)
    assert 10_000 < exposition.series <= CAP
    assert exposition.dropped == 0


def test_the_catalogue_names_each_family_once() -> None:
    """No name occurs twice."""
    names = [metric.name for metric in ALL]
    assert len(set(names)) == len(names)


def test_the_page_of_the_docs_is_up_to_date() -> None:
    """docs/metrics.md is what the catalogue says."""
    write = "from engine.metrics import page; print(page(), end='')"
    assert (ROOT / "docs/metrics.md").read_text() == page(), f'.venv/bin/python -c "{write}" > docs/metrics.md'
    assert GREEN in page()
