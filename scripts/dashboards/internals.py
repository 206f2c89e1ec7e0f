"""The internals: what the engine does, and what it costs."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards import look
from scripts.dashboards.collecting import collecting
from scripts.dashboards.frame import dashboard, engines
from scripts.dashboards.look import CALM, FAIL, WARN, Scale
from scripts.dashboards.panels import Built, Line, lines, tiles
from scripts.dashboards.promql import elapsed, lowest, rate, select
from scripts.dashboards.running import running

UID: Final = "controlwatch-internals"
_OURS: Final = f"and on (job, instance) {select('controlwatch_build_info')}"
"""Keeps what the engines' own processes tell; every process exports series of these names."""


def internals() -> Dashboard:
    """Build the dashboard."""
    return dashboard(
        UID,
        "Controlwatch / Internals",
        "What the engine does and what it costs. Nothing here is green, since nothing here proves that a control is "
        "held. See docs/dashboards.md.",
        engines(),
        {
            "Engine": running(),
            "Sources": collecting(),
            "Judging": _judging(),
            "Evidence": _evidence(),
            "Exposition and process": _exposition(),
        },
    )


def _judging() -> list[Built]:
    return [_durations(), _judgements(), _findings()]


def _durations() -> Built:
    return lines(
        "Judging",
        "How long the latest judgement of each check took, with those judged beside it.",
        [Line(f"max by (check) ({select('controlwatch_check_judging_seconds')})", "{{check}}")],
        look.SECONDS,
        width=8,
    )


def _judgements() -> Built:
    return lines(
        "Judgements",
        "Judgements a second, and those that failed inside Controlwatch.",
        [
            Line(rate("controlwatch_check_judgements_total", "instance"), "{{instance}}"),
            Line(
                rate("controlwatch_check_judgement_failures_total", "instance"),
                "{{instance}}, failed",
                FAIL,
                dashed=True,
            ),
        ],
        Scale(unit="ops"),
        width=8,
    )


def _findings() -> Built:
    return lines(
        "Findings opened and resolved in 24 h",
        "Of all checks; only a subject that was judged again can resolve a finding.",
        [
            Line(f"sum({select('controlwatch_check_opened_24h')})", "opened", FAIL),
            Line(f"sum({select('controlwatch_check_resolved_24h')})", "resolved"),
        ],
        look.COUNT,
        width=8,
    )


def _evidence() -> list[Built]:
    return [_chain(), _chain_read(), _last_write(), _disk(), _writes()]


def _chain() -> Built:
    return tiles(
        "Chain",
        "Whether the chain of evidence held when it was last read whole; unread counts as bad. In a terminal: "
        "`controlwatch evidence verify`.",
        lowest("controlwatch_evidence_chain_valid"),
        look.truth("holds", "BROKEN OR UNREAD"),
        width=4,
    )


def _chain_read() -> Built:
    return tiles(
        "Chain read whole",
        "How long ago, on the engine where it is longest.",
        elapsed("controlwatch_evidence_chain_verified_timestamp_seconds"),
        Scale(unit="s", decimals=0, steps=((-60, CALM),), missing="UNREAD"),
        width=4,
    )


def _last_write() -> Built:
    return tiles(
        "Last write",
        "Age of the latest evidence, on the engine where it is oldest.",
        elapsed("controlwatch_evidence_last_write_timestamp_seconds"),
        Scale(unit="s", decimals=0, steps=((-60, CALM),), missing="NEVER"),
        width=4,
    )


def _disk() -> Built:
    return lines(
        "Evidence on disk",
        "Size of evidence and store.",
        [Line(f"max by (instance) ({select('controlwatch_evidence_bytes')})", "{{instance}}")],
        look.BYTES,
        width=6,
    )


def _writes() -> Built:
    return lines(
        "Writes of evidence",
        "Writes a second, and those that failed.",
        [
            Line(rate("controlwatch_evidence_writes_total", "instance"), "{{instance}}"),
            Line(
                rate("controlwatch_evidence_write_failures_total", "instance"),
                "{{instance}}, failed",
                FAIL,
                dashed=True,
            ),
        ],
        Scale(unit="ops"),
        width=6,
    )


def _exposition() -> list[Built]:
    return [_rendering(), _series(), _left_out(), _memory(), _processor(), _files()]


def _rendering() -> Built:
    return lines(
        "Rendering",
        "How long the rendering of the metrics took; scrapes are served ready bytes and wait for none of it.",
        [Line(f"max by (instance) ({select('controlwatch_exposition_render_seconds')})", "{{instance}}")],
        look.SECONDS,
        width=8,
    )


def _series() -> Built:
    return lines(
        "Series",
        "Series of the exposition, and the cap past which optional families are left out whole.",
        [
            Line(f"max by (instance) ({select('controlwatch_exposition_series')})", "{{instance}}"),
            Line(
                f"max by (instance) ({select('controlwatch_exposition_series_cap')})",
                "{{instance}}, cap",
                WARN,
                dashed=True,
            ),
        ],
        look.COUNT,
        width=8,
    )


def _left_out() -> Built:
    return lines(
        "Series left out",
        "By reason; above zero panels may lack what they show. See docs/runbooks/ControlwatchSeriesDropped.md.",
        [
            Line(f"sum by (reason) ({select('controlwatch_exposition_series_dropped')})", "{{reason}}", FAIL),
            Line(f"sum({select('controlwatch_exposition_labels_blanked')})", "teams not shown", WARN, dashed=True),
        ],
        look.COUNT,
        width=8,
    )


def _memory() -> Built:
    return lines(
        "Memory",
        "Resident memory of the process.",
        [Line(f"max by (instance) ({select('process_resident_memory_bytes')} {_OURS})", "{{instance}}")],
        look.BYTES,
        width=8,
    )


def _processor() -> Built:
    return lines(
        "Processor",
        "Processor time a second.",
        [
            Line(
                f"sum by (instance) (rate({select('process_cpu_seconds_total')}[$__rate_interval]) {_OURS})",
                "{{instance}}",
            )
        ],
        Scale(unit="percentunit"),
        width=8,
    )


def _files() -> Built:
    return lines(
        "Open files",
        "File descriptors in use, and how many there may be.",
        [
            Line(f"max by (instance) ({select('process_open_fds')} {_OURS})", "{{instance}}"),
            Line(f"max by (instance) ({select('process_max_fds')} {_OURS})", "{{instance}}, may be", WARN, dashed=True),
        ],
        look.COUNT,
        width=8,
    )
