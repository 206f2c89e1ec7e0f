"""Families of a configured check: its state, how long that may be believed, and its counts."""

from __future__ import annotations

from typing import Final

from engine import series
from engine.catalogue.units import INFO, INSTANT, TRUTH
from engine.exposition import Metric
from engine.reading import Reading
from engine.series import CHECK, of_checks, of_judged, of_rows, unix

CHECKS: Final[tuple[Metric[Reading], ...]] = (
    of_rows(
        "check_info",
        INFO,
        "What is configured.",
        series.infos,
        labels=(*CHECK, "check_id", "severity", "team"),
        bound="checks",
    ),
    of_rows(
        "check_control_info",
        INFO,
        "Controls that the check tests, many to many.",
        series.controls,
        labels=("check", "control", "framework", "criterion"),
        bound="checks × controls of each",
    ),
    of_rows(
        "check_source_info",
        INFO,
        "Sources that the check reads.",
        series.feeds,
        labels=("check", "source"),
        bound="checks × sources of each",
    ),
    of_rows(
        "check_state",
        TRUTH,
        "State at the instant of rendering; exactly one of the seven is 1.",
        series.states,
        labels=(*CHECK, "state"),
        bound="7 × checks",
    ),
    of_checks(
        "valid_until_timestamp_seconds",
        INSTANT,
        "Until when pass, warn and waived may be believed: the end of the proof, or of the self-test that vouches "
        "for it; no series when nothing is proven.",
        lambda c: unix(c.valid_until),
    ),
    of_checks(
        "never_judged", TRUTH, "Whether the check was never judged; then it has no counts.", lambda c: c.tally is None
    ),
    of_checks(
        "as_of_timestamp_seconds",
        INSTANT,
        "The oldest observation that the verdict rests on.",
        lambda c: unix(c.view.as_of),
    ),
    of_checks(
        "judged_timestamp_seconds",
        INSTANT,
        "When it was last judged; no series when never.",
        lambda c: unix(c.view.judged_at),
    ),
    of_checks(
        "max_age_seconds",
        "seconds",
        "Age at which its populations are stale.",
        lambda c: c.view.max_age.total_seconds(),
        shed=3,
    ),
    of_checks(
        "judging_seconds",
        "seconds",
        "How long the latest judgement took, with those judged beside it.",
        lambda c: c.view.judging_seconds,
        shed=3,
    ),
    of_checks(
        "judgements_total",
        "judgements",
        "Attempts to judge it since the engine started.",
        lambda c: c.view.judgements,
        kind="counter",
        shed=3,
    ),
    of_checks(
        "judgement_failures_total",
        "judgements",
        "Of them, those that failed inside Controlwatch.",
        lambda c: c.view.judgement_failures,
        kind="counter",
        shed=3,
    ),
    of_rows(
        "check_alarms",
        "subjects",
        "Failures of a kind that may be worth waking somebody for, waived ones left out.",
        series.alarms,
        labels=(*CHECK, "alarm"),
        bound="kinds that each check declares",
    ),
    of_rows(
        "check_alarm_timestamp_seconds",
        INSTANT,
        "When the latest of them was raised; no series when there are none.",
        series.alarmed,
        labels=(*CHECK, "alarm"),
        bound="kinds that each check declares",
    ),
    of_checks("waivers", "waivers", "Live waivers that name the check.", lambda c: c.view.waivers, shed=3),
    of_checks(
        "waiver_end_timestamp_seconds",
        INSTANT,
        "The first end of a live waiver that names the check; no series when there is none.",
        lambda c: unix(c.view.waiver_ends),
    ),
    of_checks("state_since_timestamp_seconds", INSTANT, "Since when the state holds.", lambda c: unix(c.since)),
    of_checks(
        "paused",
        TRUTH,
        "Whether somebody paused the check; its state is unknown and nobody is called.",
        lambda c: c.paused,
    ),
    of_rows(
        "check_blind",
        INFO,
        "Whom an unknown or stale check blames: a source, or the engine itself (no source).",
        series.blind,
        labels=(*CHECK, "source", "cause"),
        bound="checks",
    ),
    of_rows(
        "check_gaps",
        "gaps",
        "Gaps that bar PASS; no series for causes without one.",
        series.check_gaps,
        labels=(*CHECK, "cause"),
        bound="13 × checks",
        shed=3,
    ),
    of_checks(
        "threshold_ratio",
        "ratio",
        "The share of the population that must pass.",
        lambda c: c.view.standing.threshold,
        shed=2,
    ),
    of_rows(
        "check_depth",
        series.SUBJECTS,
        "Passed subjects by how deep the proof goes; no series for depths without one.",
        series.depths,
        labels=(*CHECK, "depth"),
        bound="8 × checks",
        shed=3,
    ),
    of_checks(
        "opened_24h", series.SUBJECTS, "Findings opened in the last 24 hours.", lambda c: c.view.opened_24h, shed=3
    ),
    of_checks(
        "resolved_24h",
        series.SUBJECTS,
        "Findings resolved in the last 24 hours.",
        lambda c: c.view.resolved_24h,
        shed=3,
    ),
    of_judged(
        "coverage_low_ratio",
        "The least share that passes, whatever is true of the doubtful.",
        lambda t, _: t.coverage()[0],
        unit="ratio",
    ),
    of_judged("coverage_high_ratio", "The greatest share that may pass.", lambda t, _: t.coverage()[1], unit="ratio"),
    of_judged(
        "visibility_ratio",
        "The share of the population that could be judged.",
        lambda t, _: t.visibility(),
        unit="ratio",
    ),
    of_judged("read", "Subjects read: population and excluded.", lambda _, c: c.view.read, shed=0),
    of_judged(
        "excluded", "Subjects out of scope for a stated reason.", lambda _, c: sum(c.view.excluded.values()), shed=0
    ),
    of_judged("population", "Subjects in scope: passed, failed and unknown.", lambda t, _: t.population),
    of_judged("passed", "Subjects that pass, warned ones included.", lambda t, _: t.passed),
    of_judged("warned", "Subjects that pass with something expiring or due.", lambda t, _: t.warned, shed=0),
    of_judged("urgent", "Warned subjects that should wake somebody.", lambda _, c: c.view.urgent, shed=0),
    of_judged("failed", "Subjects that fail, waived and undue ones included.", lambda t, _: t.failed),
    of_judged("unknown", "Subjects that are seen and cannot be judged.", lambda t, _: t.unknown),
    of_judged("waived", "Failed subjects under a live waiver.", lambda t, _: t.waived),
    of_judged("waived_unknown", "Unknown subjects under a live waiver.", lambda t, _: t.waived_unknown),
    of_judged("undue", "Failed subjects inside the time to remediate, not waived.", lambda t, _: t.undue, shed=0),
    of_judged("missing", "Subjects that may be missing; no series when nothing bounds them.", lambda t, _: t.missing),
    of_judged(
        "missing_unbounded",
        "Whether nothing bounds the subjects that may be missing.",
        lambda t, _: t.missing is None,
        unit=TRUTH,
    ),
)
"""Of a configured check."""
