"""Panels that say whether the monitor is alive."""

from __future__ import annotations

from typing import Final

from scripts.dashboards import look
from scripts.dashboards.look import CALM, Scale, Word
from scripts.dashboards.panels import Built, tiles
from scripts.dashboards.promql import ALIVE, MEMORY, by, elapsed, known, lowest, select

_DEMO: Final = f"(min_over_time({select('controlwatch_demo')}[{MEMORY}]) == 1)"


def alive() -> list[Built]:
    """Give the panels that say whether the monitor is alive: nothing else is worth more than they are."""
    return [_monitor(), _estate(), _snapshot(), _scheduler(), _selftest(), _evidence(), _dead_man()]


def _monitor() -> Built:
    return tiles(
        "Monitor",
        "1 a monitor that answers, stands not still, and has proven itself of late; an engine that was here within "
        "a day and is not heard is NOT ALIVE. Nothing below is worth more than this. In a terminal: "
        "`controlwatch check`; see docs/runbooks/ControlwatchDown.md.",
        f"{ALIVE} or on () vector(0)",
        look.truth("alive", "NOT ALIVE"),
        legend="{{instance}}",
        width=6,
    )


def _estate() -> Built:
    real = Scale(unit="none", words={"1": Word("DEMO", look.WARN), "0": Word("real", CALM)})
    return tiles(
        "Estate",
        "Whether what is shown is a synthetic company (`controlwatch demo`). No alert ever comes of a demo.",
        f"max by (instance) ({select('controlwatch_demo')})",
        real,
        legend="{{instance}}",
    )


def _snapshot() -> Built:
    return tiles(
        "Snapshot",
        "Age of the oldest engine's latest snapshot. It stands still when the engine hangs, though the address "
        "answers; after five minutes nothing of that engine is green.",
        elapsed("controlwatch_exposition_snapshot_timestamp_seconds"),
        look.age(120, 300),
    )


def _scheduler() -> Built:
    return tiles(
        "Scheduler",
        "Age of the scheduler's latest tick, or of the start where it never ticked.",
        "max(time() - ("
        f"{known('controlwatch_scheduler_last_tick_timestamp_seconds')} or "
        f"{known('controlwatch_engine_started_timestamp_seconds')}))",
        look.age(120, 300),
    )


def _selftest() -> Built:
    return tiles(
        "Self-test",
        "Whether every known-bad example came out bad of late. Without that every state is unknown. "
        "See docs/runbooks/ControlwatchSelfTestFailing.md.",
        lowest("controlwatch_selftest_ok"),
        look.truth("proven", "NOT PROVEN"),
    )


def _evidence() -> Built:
    return tiles(
        "Evidence",
        "Whether the latest write of evidence succeeded, on every engine. "
        "See docs/runbooks/ControlwatchEvidenceFailing.md.",
        lowest("controlwatch_evidence_writable"),
        look.truth("written", "FAILING"),
    )


def _dead_man() -> Built:
    beats = select("ALERTS", 'alertname="ControlwatchDeadMan"', 'alertstate="firing"')
    expected = f"({known('controlwatch_exposition_snapshot_timestamp_seconds')} unless on (job, instance) {_DEMO})"
    dead_man = f"{by('job, instance', beats)} or on (job, instance) 0 * {by('job, instance', expected)}"
    return tiles(
        "Dead-man's switch",
        "Whether the alert that must always fire fires for every engine that was here within a day; where it is "
        "silent, the heartbeat service outside pages. A demo has none. See docs/runbooks/ControlwatchDeadMan.md.",
        f"min({dead_man}) or vector(0)",
        look.truth("firing", "SILENT"),
    )
