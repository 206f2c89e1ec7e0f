"""The overview: is the monitor alive, which controls are held, what is blind, and what an audit would see."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards import families, look
from scripts.dashboards.frame import COLLAPSED, dashboard, engines, filters
from scripts.dashboards.look import BLIND, CALM, FAIL, Scale, Word
from scripts.dashboards.panels import Built, Column, Line, lines, rows, tiles, timeline
from scripts.dashboards.promql import (
    ALIVE,
    CHECK_HELD,
    CONTROL_HELD,
    FAMILY,
    HELD,
    INFO,
    KEY,
    MEMORY,
    by,
    elapsed,
    kept,
    known,
    lost,
    of_check,
    or_lost,
    select,
    verdict,
)

UID: Final = "controlwatch-overview"
_CHECK: Final = "job, instance, check, family"
_DEMO: Final = f"(min_over_time({select('controlwatch_demo')}[{MEMORY}]) == 1)"
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
            "Is the monitor alive?": _alive(),
            "Controls": _controls(),
            "MFA and access": families.people(),
            "Backups, TLS certificates and attestations": families.things(),
            "Blindness": _blindness(),
            f"Audit period{COLLAPSED}": _audit(),
        },
    )


def _alive() -> list[Built]:
    real = Scale(unit="none", words={"1": Word("DEMO", look.WARN), "0": Word("real", CALM)})
    beats = select("ALERTS", 'alertname="ControlwatchDeadMan"', 'alertstate="firing"')
    expected = f"({known('controlwatch_exposition_snapshot_timestamp_seconds')} unless on (job, instance) {_DEMO})"
    dead_man = f"{by('job, instance', beats)} or on (job, instance) 0 * {by('job, instance', expected)}"
    return [
        tiles(
            "Monitor",
            "1 a monitor that answers, stands not still, and has proven itself of late; an engine that was here within "
            "a day and is not heard is NOT ALIVE. Nothing below is worth more than this. In a terminal: "
            "`controlwatch check`; see docs/runbooks/ControlwatchDown.md.",
            f"{ALIVE} or on () vector(0)",
            look.truth("alive", "NOT ALIVE"),
            legend="{{instance}}",
            width=6,
        ),
        tiles(
            "Estate",
            "Whether what is shown is a synthetic company (`controlwatch demo`). No alert ever comes of a demo.",
            f"max by (instance) ({select('controlwatch_demo')})",
            real,
            legend="{{instance}}",
        ),
        tiles(
            "Snapshot",
            "Age of the oldest engine's latest snapshot. It stands still when the engine hangs, though the address "
            "answers; after five minutes nothing of that engine is green.",
            elapsed("controlwatch_exposition_snapshot_timestamp_seconds"),
            look.age(120, 300),
        ),
        tiles(
            "Scheduler",
            "Age of the scheduler's latest tick, or of the start where it never ticked.",
            "max(time() - ("
            f"{known('controlwatch_scheduler_last_tick_timestamp_seconds')} or "
            f"{known('controlwatch_engine_started_timestamp_seconds')}))",
            look.age(120, 300),
        ),
        tiles(
            "Self-test",
            "Whether every known-bad example came out bad of late. Without that every state is unknown. "
            "See docs/runbooks/ControlwatchSelfTestFailing.md.",
            f"min({or_lost(select('controlwatch_selftest_ok'), 0)}) or vector(0)",
            look.truth("proven", "NOT PROVEN"),
        ),
        tiles(
            "Evidence",
            "Whether the latest write of evidence succeeded, on every engine. "
            "See docs/runbooks/ControlwatchEvidenceFailing.md.",
            f"min({or_lost(select('controlwatch_evidence_writable'), 0)}) or vector(0)",
            look.truth("written", "FAILING"),
        ),
        tiles(
            "Dead-man's switch",
            "Whether the alert that must always fire fires for every engine that was here within a day; where it is "
            "silent, the heartbeat service outside pages. A demo has none. See docs/runbooks/ControlwatchDeadMan.md.",
            f"min({dead_man}) or vector(0)",
            look.truth("firing", "SILENT"),
        ),
    ]


def _controls() -> list[Built]:
    state = "controlwatch_check_state"
    failing = of_check("state", 'state="fail"')
    blind = select("controlwatch_check_state", FAMILY, 'state=~"unknown|stale|pending"')
    return [
        tiles(
            "Checks held",
            "The share of the chosen checks that is held: passes or warns by a proof that has not ended, of an engine "
            "that does not stand still. The checks of an engine that is not heard count as not held for a day.",
            f"avg({HELD}) or vector(0)",
            look.HELD_RATIO,
            width=4,
        ),
        tiles(
            "Held by family",
            "The same by family. In a terminal: the four panels of `controlwatch`.",
            f"avg by (family) ({HELD}) or on () vector(0)",
            look.HELD_RATIO,
            legend="{{family}}",
            width=8,
        ),
        tiles(
            "Failing",
            "Checks that fail, waived failures and those not yet due left out. In a terminal: `controlwatch check`.",
            f"sum({failing})",
            look.none_wanted(),
            width=4,
        ),
        tiles(
            "Blind",
            "Checks that are unknown, stale or pending: nobody knows whether they hold. So are all checks of an engine "
            "that is not heard.",
            f"sum({kept(f'{blind} or on ({KEY}) {lost(CHECK_HELD, 1)}')})",
            look.none_wanted(BLIND),
            width=4,
        ),
        tiles(
            "Sources down",
            "Sources whose latest run was not complete, or whose engine is not heard. In a terminal: `controlwatch "
            "source test`.",
            f"sum({or_lost(select('controlwatch_source_up'), 0)} == bool 0)",
            look.none_wanted(),
            width=4,
        ),
        timeline(
            "Controls",
            "Each control, as good as its worst check on its worst engine. UNOBSERVED: no engine was heard, so nobody "
            "knew. Families and teams do not choose controls, since one control may span several. Recorded as "
            "`control:controlwatch_held:min`.",
            f"min by (control) ({CONTROL_HELD})",
            look.HELD,
            legend="{{control}}",
        ),
        timeline(
            "Checks",
            "Each chosen check, on its worst engine. NOT PROVEN: it passed, and the proof has ended or the engine "
            "stands "
            f"still. From `{state}` and `check:controlwatch_held:bool`.",
            verdict(),
            look.VERDICTS,
            legend="{{check}}",
        ),
        _checks(),
        _criteria(),
        lines(
            "Held by family, over time",
            "The recorded share of held checks, on the worst engine; a line ends where no engine was heard.",
            [Line(f"min by (family) ({select('family:controlwatch_held:ratio', FAMILY)})", "{{family}}")],
            Scale(unit="percentunit", decimals=0, highest=1),
        ),
    ]


def _checks() -> Built:
    counts = ("failed", "unknown", "population")
    shares = ("coverage_low_ratio", "coverage_high_ratio")
    return rows(
        "Checks in detail",
        "One row a check and engine. Coverage is the least and the greatest share that may pass: what is not told "
        "widens it. Since is when the state began. The blamed source is empty when controlwatch blames itself. In a "
        "terminal: `controlwatch check NAME`.",
        [
            by(_CHECK, HELD),
            f"max by ({_CHECK}, state) ({of_check('state')} == 1)",
            f"max by ({_CHECK}, severity, team) ({INFO})",
            *(by(_CHECK, of_check(metric)) for metric in (*shares, *counts)),
            f"1000 * {by(_CHECK, of_check('state_since_timestamp_seconds'))}",
            f"max by ({_CHECK}, source, cause) ({of_check('blind')})",
        ],
        [
            Column("Held", "A", look.HELD, hued=True),
            Column("Check", "check"),
            Column("Family", "family"),
            Column("State", "state", look.STATES, hued=True),
            Column("Coverage, at least", "D", look.RATIO),
            Column("at most", "E", look.RATIO),
            Column("Failed", "F", look.COUNT),
            Column("Unknown", "G", look.COUNT),
            Column("Population", "H", look.COUNT),
            Column("Since", "I", look.SINCE),
            Column("Blamed source", "source"),
            Column("Cause", "cause"),
            Column("Severity", "severity"),
            Column("Team", "team"),
            Column("Engine", "instance"),
        ],
        sort="Held",
        height=12,
    )


def _criteria() -> Built:
    criterion = "framework, criterion"
    info = select("controlwatch_check_control_info")
    return rows(
        "Criteria",
        "Each criterion of a framework, as good as its worst check, and how many checks test it. A criterion that no "
        "check tests is not here.",
        [
            f"min by ({criterion}) ({CONTROL_HELD})",
            f"count by ({criterion}) (count by ({criterion}, check) (last_over_time({info}[1d])))",
        ],
        [
            Column("Held", "A", look.HELD, hued=True),
            Column("Framework", "framework"),
            Column("Criterion", "criterion"),
            Column("Checks", "B", look.COUNT),
        ],
        sort="Held",
        width=12,
        height=8,
    )


def _blindness() -> list[Built]:
    key = "job, instance, source, kind"
    age = Scale(unit="s", decimals=0, missing="never")
    blame = select("controlwatch_check_blind")
    return [
        rows(
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
        ),
        rows(
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
        ),
        lines(
            "Checks blinded by source",
            "How many checks are unknown or stale for want of each source, or by a fault of controlwatch itself.",
            [
                Line(f"sum by (source) ({select('controlwatch_source_checks_blinded')})", "{{source}}", BLIND),
                Line(f"sum({select('controlwatch_engine_checks_blinded')})", "controlwatch itself", FAIL, dashed=True),
            ],
            look.COUNT,
            width=8,
            height=10,
        ),
        lines(
            "Gaps that bar a pass",
            "Gaps of the chosen checks by cause: what may not have been seen. See docs/sources.md for what each "
            "permission gives.",
            [Line(f"sum by (cause) ({of_check('gaps')})", "{{cause}}", BLIND)],
            look.COUNT,
            width=8,
            height=10,
        ),
    ]


_RUN: Final = Scale(
    unit="none",
    missing="UNOBSERVED",
    words={"1": Word("complete", CALM), "0": Word("DOWN", FAIL), "-1": Word("UNOBSERVED", BLIND)},
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
