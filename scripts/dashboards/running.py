"""Panels of the engine itself: does it run, by what, and how late?"""

from __future__ import annotations

from scripts.dashboards import look
from scripts.dashboards.look import BLIND, CALM, FAIL, WAIVED, WARN, Scale
from scripts.dashboards.panels import Built, Column, Line, lines, rows, tiles
from scripts.dashboards.promql import elapsed, lowest, select


def running() -> list[Built]:
    """Give the panels of the engine: does it run, by what, and how late?"""
    return [_live(), _selftest(), _configuration(), _waivers(), _blinded(), _rendered(), _engines(), _lag(), _ages()]


def _live() -> Built:
    return tiles(
        "Live",
        "Whether every engine has started and is not stopping.",
        lowest("controlwatch_engine_live"),
        look.truth("live", "NOT LIVE"),
    )


def _selftest() -> Built:
    share = f"max((time() - {select('controlwatch_selftest_last_success_timestamp_seconds')}) / on (job, instance) "
    share += f"{select('controlwatch_selftest_max_age_seconds')})"
    return tiles(
        "Self-test, of its greatest age",
        "Age of the oldest engine's latest self-test, in parts of the age past which nothing is believed. "
        "See docs/runbooks/ControlwatchSelfTestFailing.md.",
        share,
        Scale(unit="percentunit", decimals=0, steps=((-0.05, CALM), (0.75, WARN), (1, FAIL))),
    )


def _configuration() -> Built:
    return tiles(
        "Configuration",
        "Whether the configuration in force is the latest that was asked for. In a terminal: `controlwatch config "
        "check`.",
        lowest("controlwatch_config_last_reload_successful"),
        look.truth("in force", "REFUSED"),
    )


def _waivers() -> Built:
    return tiles(
        "Waivers",
        "Whether the waivers could be read; a malformed one waives nothing. In a terminal: `controlwatch waiver list`.",
        lowest("controlwatch_waivers_valid"),
        look.truth("readable", "UNREADABLE"),
    )


def _blinded() -> Built:
    return tiles(
        "Checks blinded by itself",
        "Checks that are unknown or stale by a fault of the engine. See docs/runbooks/ControlwatchEngineBlind.md.",
        f"sum({select('controlwatch_engine_checks_blinded')})",
        look.none_wanted(BLIND),
    )


def _rendered() -> Built:
    return tiles(
        "Last rendering",
        "Age of the bytes that were scraped last, of the oldest engine.",
        elapsed("controlwatch_exposition_render_timestamp_seconds"),
        look.age(120, 300),
    )


def _engines() -> Built:
    return rows(
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
    )


def _lag() -> Built:
    return lines(
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
    )


def _ages() -> Built:
    return lines(
        "Age of snapshot, tick and self-test",
        "All three grow while the engine hangs. Read with docs/runbooks/ControlwatchStalled.md.",
        [
            Line(elapsed("controlwatch_exposition_snapshot_timestamp_seconds"), "snapshot"),
            Line(elapsed("controlwatch_scheduler_last_tick_timestamp_seconds"), "tick", WAIVED, dashed=True),
            Line(elapsed("controlwatch_selftest_last_success_timestamp_seconds"), "self-test", WARN, dashed=True),
        ],
        look.SECONDS,
    )
