"""Panels of what is not told: by which source, and what that blinds."""

from __future__ import annotations

from typing import Final

from scripts.dashboards import look
from scripts.dashboards.look import BLIND, CALM, FAIL, Scale, Word
from scripts.dashboards.panels import Built, Column, Line, lines, rows
from scripts.dashboards.promql import KEY, by, of_check, or_lost, select

_CHECK: Final = "job, instance, check, family"
_RUN: Final = Scale(
    unit="none",
    missing="UNOBSERVED",
    words={"1": Word("complete", CALM), "0": Word("DOWN", FAIL), "-1": Word("UNOBSERVED", BLIND)},
)


def blindness() -> list[Built]:
    """Give the panels of what is not told, by whom, and what that blinds."""
    return [_sources(), _blind_checks(), _blinded(), _gaps()]


def _sources() -> Built:
    key = "job, instance, source, kind"
    age = Scale(unit="s", decimals=0, missing="never")
    return rows(
        "Sources",
        "One row a source and engine. A source may be down while its checks still hold by what it told before, "
        "until that is too old; it may be up and blind checks by what it is denied. In a terminal: `controlwatch "
        "source test NAME`.",
        [
            by(key, or_lost(select("controlwatch_source_up"), -1)),
            f"max by ({key}, cause) ({select('controlwatch_source_incomplete')})",
            f"1000 * {by(key, select('controlwatch_source_failing_since_timestamp_seconds'))}",
            by(key, f"time() - {select('controlwatch_source_last_success_timestamp_seconds')}"),
            by(key, select("controlwatch_source_checks_blinded")),
        ],
        [
            Column("Run", "A", _RUN, hued=True),
            Column("Source", "source"),
            Column("Kind", "kind"),
            Column("Cause", "cause"),
            Column("Down since", "C", Scale(unit="dateTimeFromNow", missing="–")),
            Column("Last complete", "D", age),
            Column("Checks blinded", "E", look.none_wanted(BLIND), hued=True),
            Column("Engine", "instance"),
        ],
        sort="Run",
        height=9,
    )


def _blind_checks() -> Built:
    blame = select("controlwatch_check_blind")
    return rows(
        "Blind checks",
        "Checks that are unknown or stale, and whom they blame; no row means that none is, or that nobody is "
        "heard: see Blind above. In a terminal: `controlwatch check NAME`.",
        [
            f"max by ({_CHECK}, source, cause) ({of_check('blind')})",
            f"1000 * ({by(_CHECK, of_check('state_since_timestamp_seconds'))} and on ({KEY}) {blame})",
        ],
        [
            Column("Check", "check"),
            Column("Blamed source", "source"),
            Column("Cause", "cause"),
            Column("Since", "B", look.SINCE),
            Column("Engine", "instance"),
        ],
        sort="Check",
        missing="–",
        width=8,
    )


def _blinded() -> Built:
    return lines(
        "Checks blinded by source",
        "How many checks are unknown or stale for want of each source, or by a fault of controlwatch itself.",
        [
            Line(f"sum by (source) ({select('controlwatch_source_checks_blinded')})", "{{source}}", BLIND),
            Line(f"sum({select('controlwatch_engine_checks_blinded')})", "controlwatch itself", FAIL, dashed=True),
        ],
        look.COUNT,
        width=8,
        height=10,
    )


def _gaps() -> Built:
    return lines(
        "Gaps that bar a pass",
        "Gaps of the chosen checks by cause: what may not have been seen. See docs/sources.md for what each "
        "permission gives.",
        [Line(f"sum by (cause) ({of_check('gaps')})", "{{cause}}", BLIND)],
        look.COUNT,
        width=8,
        height=10,
    )
