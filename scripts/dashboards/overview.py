"""The overview: is the monitor alive, which controls are held, what is blind, and what an audit would see."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards import families
from scripts.dashboards.alive import alive
from scripts.dashboards.blindness import blindness
from scripts.dashboards.controls import controls
from scripts.dashboards.frame import COLLAPSED, dashboard, engines, filters
from scripts.dashboards.look import CALM, FAIL, Scale
from scripts.dashboards.panels import Built, Column, rows
from scripts.dashboards.promql import select

UID: Final = "controlwatch-overview"
EXPECTED: Final = {"30": 43_200, "90": 129_600}
"""Evaluations of the recording rules in so many days, at one a minute."""


def overview() -> Dashboard:
    """Build the dashboard."""
    return dashboard(
        UID,
        "Controlwatch / Overview",
        "Whether controls are held, and whether anybody can know. Green is proven: only check:controlwatch_held:bool "
        "and what is recorded from it is green; whatever is blind, lost or late is not. See docs/dashboards.md.",
        [*engines(), *filters()],
        {
            "Is the monitor alive?": alive(),
            "Controls": controls(),
            "MFA and access": families.people(),
            "Backups, TLS certificates and attestations": families.things(),
            "Blindness": blindness(),
            f"Audit period{COLLAPSED}": _audit(),
        },
    )


def _audit() -> list[Built]:
    return [_period(days) for days in EXPECTED]


def _period(days: str) -> Built:
    control = select("control:controlwatch_held:min")
    share = Scale(unit="percentunit", decimals=2, steps=((0, FAIL), (1, CALM)))
    return rows(
        f"Held and observed over {days} days",
        "How much of the time that was observed a control was held, beside how much of the period was observed at all: "
        "the first says little without the second. Proven is held time out of the whole period. A cross-check that "
        "ends with Prometheus's retention and counts one evaluation a minute; auditors take the figures of the "
        "evidence (`controlwatch evidence list`).",
        [
            f"avg_over_time({control}[{days}d])",
            f"clamp_max(count_over_time({control}[{days}d]) / {EXPECTED[days]}, 1)",
            f"clamp_max(sum_over_time({control}[{days}d]) / {EXPECTED[days]}, 1)",
        ],
        [
            Column("Control", "control"),
            Column("Held, of what was observed", "A", share, hued=True),
            Column("Observed", "B", share, hued=True),
            Column("Proven", "C", share, hued=True),
            Column("Engine", "instance"),
        ],
        sort="Proven",
        width=12,
        height=12,
    )
