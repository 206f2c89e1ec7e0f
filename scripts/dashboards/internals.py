"""The internals: what the engine does, and what it costs."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards import look
from scripts.dashboards.frame import dashboard, engines
from scripts.dashboards.look import BLIND, CALM, FAIL, WAIVED, WARN, Scale
from scripts.dashboards.panels import Built, Column, Line, lines, rows, tiles
from scripts.dashboards.promql import elapsed, or_lost, select

UID: Final = "controlwatch-internals"
_SOURCE: Final = "job, instance, source, kind"


def internals() -> Dashboard:
    """Build the dashboard."""
    return dashboard(
        UID,
        "Controlwatch / Internals",
        "What the engine does and what it costs. Nothing here is green, since nothing here proves that a control is "
        "held. See docs/dashboards.md.",
        engines(),
        {
            "Engine": _engine(),
            "Sources": _sources(),
            "Judging": _judging(),
            "Evidence": _evidence(),
            "Exposition and process": _exposition(),
        },
    )


def _rate(metric: str, labels: str) -> str:
    return f"sum by ({labels}) (rate({select(metric)}[$__rate_interval]))"


def _worst(metric: str) -> str:
    return f"min({or_lost(select(metric), 0)}) or vector(0)"


def _engine() -> list[Built]:
    share = f"max((time() - {select('controlwatch_selftest_last_success_timestamp_seconds')}) / on (job, instance) "
    share += f"{select('controlwatch_selftest_max_age_seconds')})"
    return [
        tiles(
            "Live",
            "Whether every engine has started and is not stopping.",
            _worst("controlwatch_engine_live"),
            look.truth("live", "NOT LIVE"),
        ),
        tiles(
            "Self-test, of its greatest age",
            "Age of the oldest engine's latest self-test, in parts of the age past which nothing is believed. "
            "See docs/runbooks/ControlwatchSelfTestFailing.md.",
            share,
            Scale(unit="percentunit", decimals=0, steps=((-0.05, CALM), (0.75, WARN), (1, FAIL))),
        ),
        tiles(
            "Configuration",
            "Whether the configuration in force is the latest that was asked for. In a terminal: `controlwatch config "
            "check`.",
            _worst("controlwatch_config_last_reload_successful"),
            look.truth("in force", "REFUSED"),
        ),
        tiles(
            "Waivers",
            "Whether the waivers could be read; a malformed one waives nothing. In a terminal: `controlwatch waiver "
            "list`.",
            _worst("controlwatch_waivers_valid"),
            look.truth("readable", "UNREADABLE"),
        ),
        tiles(
            "Checks blinded by itself",
            "Checks that are unknown or stale by a fault of the engine. See docs/runbooks/ControlwatchEngineBlind.md.",
            f"sum({select('controlwatch_engine_checks_blinded')})",
            look.none_wanted(BLIND),
        ),
        tiles(
            "Last rendering",
            "Age of the bytes that were scraped last, of the oldest engine.",
            elapsed("controlwatch_exposition_render_timestamp_seconds"),
            look.age(120, 300),
        ),
        rows(
            "Engines",
            "Version and configured sources of each engine.",
            [
                f"max by (job, instance, version, python_version) ({select('controlwatch_build_info')})",
                f"max by (job, instance) ({select('controlwatch_sources_configured')})",
                f"sum by (job, instance) ({select('controlwatch_checks_configured')})",
                f"1000 * max by (job, instance) ({select('controlwatch_engine_started_timestamp_seconds')})",
            ],
            [
                Column("Engine", "instance"),
                Column("Version", "version"),
                Column("Python", "python_version"),
                Column("Sources", "B", look.COUNT),
                Column("Checks", "C", look.COUNT),
                Column("Started", "D", look.SINCE),
            ],
            sort="Engine",
            width=6,
            height=4,
        ),
        lines(
            "Event loop lag",
            "How late the engine's loop runs, and the greatest such lag of the last five minutes.",
            [
                Line(f"max by (instance) ({select('controlwatch_event_loop_lag_seconds')})", "{{instance}}"),
                Line(
                    f"max by (instance) ({select('controlwatch_event_loop_lag_max_seconds')})",
                    "{{instance}}, greatest",
                    WARN,
                    dashed=True,
                ),
            ],
            look.SECONDS,
        ),
        lines(
            "Age of snapshot, tick and self-test",
            "All three grow while the engine hangs. Read with docs/runbooks/ControlwatchStalled.md.",
            [
                Line(elapsed("controlwatch_exposition_snapshot_timestamp_seconds"), "snapshot"),
                Line(elapsed("controlwatch_scheduler_last_tick_timestamp_seconds"), "tick", WAIVED, dashed=True),
                Line(elapsed("controlwatch_selftest_last_success_timestamp_seconds"), "self-test", WARN, dashed=True),
            ],
            look.SECONDS,
        ),
    ]


def _sources() -> list[Built]:
    quota = f"{select('controlwatch_source_quota_remaining')} / {select('controlwatch_source_quota_limit')}"
    return [
        lines(
            "Requests",
            "Answered requests a second by source, retries included.",
            [Line(_rate("controlwatch_source_requests_total", "source"), "{{source}}")],
            look.RATE,
            width=8,
        ),
        lines(
            "Requests that failed",
            "By source and cause; those that a retry mended are included.",
            [Line(_rate("controlwatch_source_request_failures_total", "source, cause"), "{{source}}: {{cause}}", FAIL)],
            look.RATE,
            width=8,
        ),
        lines(
            "Throttled",
            "Answers by which a provider asked to wait, a second, and the part of the time in which requests were held "
            "back.",
            [
                Line(_rate("controlwatch_source_throttled_total", "source"), "{{source}}, answers", WARN),
                Line(
                    _rate("controlwatch_source_throttle_wait_seconds_total", "source"),
                    "{{source}}, held back",
                    CALM,
                    dashed=True,
                ),
            ],
            Scale(unit="short"),
            width=8,
        ),
        lines(
            "Quota left",
            "What is left of the scarcest limit that the provider told last.",
            [Line(f"min by (source) ({quota})", "{{source}}")],
            Scale(unit="percentunit", decimals=0, highest=1),
            width=8,
        ),
        lines(
            "Run duration",
            "How long the latest run of each source took.",
            [Line(f"max by (source) ({select('controlwatch_source_run_duration_seconds')})", "{{source}}")],
            look.SECONDS,
            width=8,
        ),
        lines(
            "Runs, and those that were not complete",
            "Runs a second by source.",
            [
                Line(_rate("controlwatch_source_runs_total", "source"), "{{source}}"),
                Line(
                    _rate("controlwatch_source_run_failures_total", "source"),
                    "{{source}}, not complete",
                    FAIL,
                    dashed=True,
                ),
            ],
            Scale(unit="ops"),
            width=8,
        ),
        lines(
            "Records",
            "Records of each source's latest complete collection; a population that shrinks is a gap.",
            [Line(f"max by (source) ({select('controlwatch_source_records')})", "{{source}}")],
            look.COUNT,
        ),
        rows(
            "Credentials",
            "How long each source's credential lives, where its provider tells, and when the source runs next.",
            [
                f"min by ({_SOURCE}) ({select('controlwatch_source_next_run_timestamp_seconds')} - time())",
                f"min by ({_SOURCE}) ({select('controlwatch_source_credential_expiry_timestamp_seconds')} - time())",
                f"max by ({_SOURCE}) ({select('controlwatch_source_interval_seconds')})",
            ],
            [
                Column("Source", "source"),
                Column("Kind", "kind"),
                Column("Next run in", "A", Scale(unit="s", decimals=0, missing="–")),
                Column("Every", "C", Scale(unit="s", decimals=0)),
                Column("Credential lives for", "B", look.left(14 * 86_400), hued=False),
                Column("Engine", "instance"),
            ],
            sort="Credential lives for",
            width=12,
            height=8,
        ),
    ]


def _judging() -> list[Built]:
    return [
        lines(
            "Judging",
            "How long the latest judgement of each check took, with those judged beside it.",
            [Line(f"max by (check) ({select('controlwatch_check_judging_seconds')})", "{{check}}")],
            look.SECONDS,
            width=8,
        ),
        lines(
            "Judgements",
            "Judgements a second, and those that failed inside Controlwatch.",
            [
                Line(_rate("controlwatch_check_judgements_total", "instance"), "{{instance}}"),
                Line(
                    _rate("controlwatch_check_judgement_failures_total", "instance"),
                    "{{instance}}, failed",
                    FAIL,
                    dashed=True,
                ),
            ],
            Scale(unit="ops"),
            width=8,
        ),
        lines(
            "Findings opened and resolved in 24 h",
            "Of all checks; only a subject that was judged again can resolve a finding.",
            [
                Line(f"sum({select('controlwatch_check_opened_24h')})", "opened", FAIL),
                Line(f"sum({select('controlwatch_check_resolved_24h')})", "resolved"),
            ],
            look.COUNT,
            width=8,
        ),
    ]


def _evidence() -> list[Built]:
    return [
        tiles(
            "Chain",
            "Whether the chain of evidence held when it was last read whole; unread counts as bad. In a terminal: "
            "`controlwatch evidence verify`.",
            _worst("controlwatch_evidence_chain_valid"),
            look.truth("holds", "BROKEN OR UNREAD"),
            width=4,
        ),
        tiles(
            "Chain read whole",
            "How long ago, on the engine where it is longest.",
            elapsed("controlwatch_evidence_chain_verified_timestamp_seconds"),
            Scale(unit="s", decimals=0, steps=((-60, CALM),), missing="UNREAD"),
            width=4,
        ),
        tiles(
            "Last write",
            "Age of the latest evidence, on the engine where it is oldest.",
            elapsed("controlwatch_evidence_last_write_timestamp_seconds"),
            Scale(unit="s", decimals=0, steps=((-60, CALM),), missing="NEVER"),
            width=4,
        ),
        lines(
            "Evidence on disk",
            "Size of evidence and store.",
            [Line(f"max by (instance) ({select('controlwatch_evidence_bytes')})", "{{instance}}")],
            look.BYTES,
            width=6,
        ),
        lines(
            "Writes of evidence",
            "Writes a second, and those that failed.",
            [
                Line(_rate("controlwatch_evidence_writes_total", "instance"), "{{instance}}"),
                Line(
                    _rate("controlwatch_evidence_write_failures_total", "instance"),
                    "{{instance}}, failed",
                    FAIL,
                    dashed=True,
                ),
            ],
            Scale(unit="ops"),
            width=6,
        ),
    ]


def _exposition() -> list[Built]:
    ours = f"and on (job, instance) {select('controlwatch_build_info')}"
    return [
        lines(
            "Rendering",
            "How long the rendering of the metrics took; scrapes are served ready bytes and wait for none of it.",
            [Line(f"max by (instance) ({select('controlwatch_exposition_render_seconds')})", "{{instance}}")],
            look.SECONDS,
            width=8,
        ),
        lines(
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
        ),
        lines(
            "Series left out",
            "By reason; above zero panels may lack what they show. See docs/runbooks/ControlwatchSeriesDropped.md.",
            [
                Line(f"sum by (reason) ({select('controlwatch_exposition_series_dropped')})", "{{reason}}", FAIL),
                Line(f"sum({select('controlwatch_exposition_labels_blanked')})", "teams not shown", WARN, dashed=True),
            ],
            look.COUNT,
            width=8,
        ),
        lines(
            "Memory",
            "Resident memory of the process.",
            [Line(f"max by (instance) ({select('process_resident_memory_bytes')} {ours})", "{{instance}}")],
            look.BYTES,
            width=8,
        ),
        lines(
            "Processor",
            "Processor time a second.",
            [
                Line(
                    f"sum by (instance) (rate({select('process_cpu_seconds_total')}[$__rate_interval]) {ours})",
                    "{{instance}}",
                )
            ],
            Scale(unit="percentunit"),
            width=8,
        ),
        lines(
            "Open files",
            "File descriptors in use, and how many there may be.",
            [
                Line(f"max by (instance) ({select('process_open_fds')} {ours})", "{{instance}}"),
                Line(
                    f"max by (instance) ({select('process_max_fds')} {ours})", "{{instance}}, may be", WARN, dashed=True
                ),
            ],
            look.COUNT,
            width=8,
        ),
    ]
