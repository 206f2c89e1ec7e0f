"""The catalogue is every metric in one table: its series, its page of the docs and its tests come from here.

Times are instants and never ages, so Prometheus does the arithmetic and a hung engine shows. A time that is not set has
no series; where that matters, a ``…_never_…`` series says so. Counts of a check that was never judged are not told, so
they have no series either: zero would be a claim.
"""

from __future__ import annotations

from typing import Final

from engine import series
from engine.exposition import DROPS, Ledger, Metric
from engine.port import SELFTEST_MAX_AGE
from engine.reading import Reading
from engine.series import CHECK, SOURCE, of_checks, of_engine, of_exposition, of_judged, of_rows, of_sources, unix

INSTANT: Final = "Unix time, seconds"
TRUTH: Final = "0 or 1"
INFO: Final = "always 1"

ENGINE: Final[tuple[Metric[Reading], ...]] = (
    of_rows("build_info", INFO, "What runs.", series.build, labels=("version", "python_version"), bound="1"),
    of_engine("demo", TRUTH, "Whether the estate is synthetic.", lambda r: r.snapshot.demo),
    of_engine(
        "engine_live",
        TRUTH,
        "Whether the engine has started and is not stopping.",
        lambda r: r.snapshot.phase == "live",
    ),
    of_engine(
        "engine_started_timestamp_seconds", INSTANT, "When the engine started.", lambda r: unix(r.snapshot.started_at)
    ),
    of_engine(
        "scheduler_last_tick_timestamp_seconds",
        INSTANT,
        "When the scheduler last ticked.",
        lambda r: unix(r.snapshot.ticked_at),
    ),
    of_engine(
        "scheduler_never_ticked",
        TRUTH,
        "Whether the scheduler has not ticked since the start.",
        lambda r: r.snapshot.ticked_at is None,
    ),
    of_engine(
        "event_loop_lag_seconds",
        "seconds",
        "How late the engine's event loop runs.",
        lambda r: r.snapshot.loop_lag_seconds,
    ),
    of_engine(
        "event_loop_lag_max_seconds",
        "seconds",
        "The greatest such lag of the last five minutes.",
        lambda r: r.snapshot.loop_lag_max_seconds,
    ),
    of_engine(
        "config_loaded_timestamp_seconds",
        INSTANT,
        "When the configuration in force was put in force.",
        lambda r: unix(r.snapshot.config_loaded_at),
    ),
    of_engine(
        "config_last_reload_successful",
        TRUTH,
        "Whether the configuration in force is the latest that was asked for.",
        lambda r: r.snapshot.config_error is None,
    ),
    of_engine(
        "web_config_last_reload_successful",
        TRUTH,
        "Whether the web configuration in force is what its files hold; no series without one.",
        lambda r: r.snapshot.web_config_ok,
    ),
    of_rows("checks_configured", "checks", "Configured checks.", series.families, labels=("family",), bound="4"),
    of_engine("sources_configured", "sources", "Configured sources.", lambda r: len(r.sources)),
    of_engine(
        "selftest_ok",
        TRUTH,
        "Whether the monitor has proven itself of late; at 0 every state is unknown.",
        lambda r: r.proven,
    ),
    of_engine(
        "selftest_never_passed",
        TRUTH,
        "Whether no self-test has passed yet.",
        lambda r: r.snapshot.selftest.passed_at is None,
    ),
    of_engine(
        "selftest_last_success_timestamp_seconds",
        INSTANT,
        "When every example last came out right.",
        lambda r: unix(r.snapshot.selftest.passed_at),
    ),
    of_engine(
        "selftest_max_age_seconds",
        "seconds",
        "The oldest self-test that may be believed.",
        lambda _: SELFTEST_MAX_AGE.total_seconds(),
    ),
    of_engine(
        "engine_checks_blinded",
        "checks",
        "Checks that are unknown or stale by a fault of the engine itself.",
        lambda r: r.blinded.get("", 0),
    ),
    of_rows(
        "waivers",
        "waivers",
        "Waivers of the file, those that have not begun left out.",
        series.waivers,
        labels=("status",),
        bound="2",
    ),
    of_engine(
        "waivers_valid",
        TRUTH,
        "Whether the waivers could be read; a malformed one waives nothing.",
        lambda r: r.snapshot.waivers_error is None,
    ),
    of_engine(
        "evidence_writable",
        TRUTH,
        "Whether the latest write of evidence succeeded.",
        lambda r: r.snapshot.evidence_error is None,
    ),
    of_engine(
        "evidence_write_failures_total",
        "writes",
        "Writes of evidence that failed.",
        lambda r: r.snapshot.evidence_failures,
        kind="counter",
    ),
    of_engine(
        "evidence_writes_total",
        "writes",
        "Writes of evidence that succeeded since the engine started.",
        lambda r: r.snapshot.evidence.writes,
        kind="counter",
    ),
    of_engine(
        "evidence_last_write_timestamp_seconds",
        INSTANT,
        "When evidence was last written.",
        lambda r: unix(r.snapshot.evidence.written_at),
    ),
    of_engine(
        "evidence_failing_since_timestamp_seconds",
        INSTANT,
        "The first write after which none succeeded; no series when the latest did.",
        lambda r: unix(r.snapshot.evidence.failing_since),
    ),
    of_engine(
        "evidence_bytes", "bytes", "Size of evidence and store on the disk.", lambda r: r.snapshot.evidence.bytes
    ),
    of_engine(
        "evidence_chain_valid",
        TRUTH,
        "Whether the evidence chain held when it was last read whole; no series before that.",
        lambda r: r.snapshot.evidence.chain_valid,
    ),
    of_engine(
        "evidence_chain_verified_timestamp_seconds",
        INSTANT,
        "When the chain was last read whole.",
        lambda r: unix(r.snapshot.evidence.chain_verified_at),
    ),
    of_engine(
        "evidence_chain_entries",
        "entries",
        "Entries that held then; no series before that.",
        lambda r: r.snapshot.evidence.chain_entries,
    ),
    of_engine(
        "exposition_snapshot_timestamp_seconds",
        INSTANT,
        "When the engine took the snapshot; stands still when the engine hangs.",
        lambda r: unix(r.snapshot.at),
    ),
    of_engine(
        "exposition_render_timestamp_seconds",
        INSTANT,
        "When these bytes were rendered; stands still when the renderer hangs.",
        lambda r: unix(r.now),
    ),
    of_engine(
        "exposition_labels_blanked",
        "labels",
        "Teams that are not shown because they are no single word.",
        series.blanked,
    ),
)
"""Of the engine: is the monitor alive?"""

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

SOURCES: Final[tuple[Metric[Reading], ...]] = (
    of_sources("up", TRUTH, "Whether the latest run was complete.", lambda s: s.complete),
    of_rows(
        "source_incomplete",
        INFO,
        "Why the latest run was not complete; no series when it was.",
        series.incomplete,
        labels=(*SOURCE, "cause"),
        bound="sources",
    ),
    of_sources("never_attempted", TRUTH, "Whether the source was never asked.", lambda s: s.attempted_at is None),
    of_sources("never_completed", TRUTH, "Whether no run was ever complete.", lambda s: s.completed_at is None),
    of_sources(
        "last_success_timestamp_seconds", INSTANT, "End of the latest complete run.", lambda s: unix(s.completed_at)
    ),
    of_sources("last_attempt_timestamp_seconds", INSTANT, "Start of the latest run.", lambda s: unix(s.attempted_at)),
    of_sources(
        "as_of_timestamp_seconds", INSTANT, "Data time of the latest complete collection.", lambda s: unix(s.as_of)
    ),
    of_sources(
        "failing_since_timestamp_seconds",
        INSTANT,
        "Start of the first run after which none was complete; no series when the latest was.",
        lambda s: unix(s.failing_since),
    ),
    of_sources("next_run_timestamp_seconds", INSTANT, "When the next run is due.", lambda s: unix(s.next_run), shed=3),
    of_rows(
        "source_checks_blinded",
        "checks",
        "Checks that are unknown or stale for want of this source.",
        series.blinding,
        labels=SOURCE,
        bound="sources",
    ),
    of_rows(
        "source_blinds",
        "checks",
        "The same by cause; no series for causes without one.",
        series.blinds,
        labels=(*SOURCE, "cause"),
        bound="13 × sources",
    ),
    of_sources("checks", "checks", "Configured checks that read the source.", lambda s: len(s.checks), shed=3),
    of_rows(
        "source_gap",
        "gaps",
        "What the source may not have shown; no series for causes without a gap.",
        series.source_gaps,
        labels=(*SOURCE, "cause", "gap"),
        bound="26 × sources",
        shed=2,
    ),
    of_sources(
        "records",
        "records",
        "Records of the latest complete collection; no series when there is none.",
        lambda s: None if s.completed_at is None else s.records,
    ),
    of_sources("running", TRUTH, "Whether a run is under way.", lambda s: s.running, shed=3),
    of_sources("runs_total", "runs", "Runs that ended since the engine started.", lambda s: s.runs, kind="counter"),
    of_sources(
        "run_failures_total", "runs", "Of them, those that were not complete.", lambda s: s.failures, kind="counter"
    ),
    of_sources(
        "run_duration_seconds", "seconds", "How long the latest run took.", lambda s: s.duration_seconds, shed=3
    ),
    of_sources(
        "requests",
        "requests",
        "Requests made by the run under way, or by the latest.",
        lambda s: s.requests_done,
        shed=3,
    ),
    of_sources(
        "requests_total",
        "requests",
        "Requests answered since the engine started, retries included.",
        lambda s: s.requests,
        kind="counter",
        shed=3,
    ),
    of_rows(
        "source_request_failures_total",
        "requests",
        "Requests that failed since the engine started, those that a retry mended included.",
        series.request_failures,
        labels=(*SOURCE, "cause"),
        bound="13 × sources",
        kind="counter",
        shed=3,
    ),
    of_sources(
        "throttled_total",
        "answers",
        "Answers by which the provider asked to wait, since the engine started.",
        lambda s: s.throttled,
        kind="counter",
        shed=3,
    ),
    of_sources(
        "throttle_wait_seconds_total",
        "seconds",
        "Time in which requests were held back for a provider's limit, since the engine started.",
        lambda s: s.throttle_seconds,
        kind="counter",
        shed=3,
    ),
    of_sources(
        "quota_remaining",
        "requests",
        "Requests left of the scarcest limit that the provider told last.",
        lambda s: None if s.quota is None else s.quota.remaining,
        shed=3,
    ),
    of_sources(
        "quota_limit",
        "requests",
        "The whole of that limit.",
        lambda s: None if s.quota is None else s.quota.limit,
        shed=3,
    ),
    of_sources(
        "quota_reset_timestamp_seconds",
        INSTANT,
        "When that limit starts anew.",
        lambda s: None if s.quota is None else unix(s.quota.reset_at),
        shed=3,
    ),
    of_sources(
        "credential_expiry_timestamp_seconds",
        INSTANT,
        "When the source's credential ends, where the provider tells.",
        lambda s: unix(s.credential_expires_at),
    ),
    of_sources("interval_seconds", "seconds", "Time between runs, as configured.", lambda s: s.every.total_seconds()),
    of_sources(
        "max_age_seconds", "seconds", "Age at which what it told is stale.", lambda s: s.max_age.total_seconds(), shed=3
    ),
)
"""Of a configured source."""

TIMES: Final[tuple[Metric[Reading], ...]] = (
    of_rows(
        "tls_not_after_timestamp_seconds",
        INSTANT,
        "When the TLS certificate of a configured target expires; kept while the target cannot be reached.",
        series.known("tls_not_after"),
        labels=("source", "target"),
        bound="configured targets",
    ),
    of_rows(
        "backup_newest_timestamp_seconds",
        INSTANT,
        "Data time of the newest complete backup of a declared set.",
        series.known("backup_newest"),
        labels=("source", "set"),
        bound="declared sets",
        shed=1,
    ),
    of_rows(
        "backup_deadline_timestamp_seconds",
        INSTANT,
        "When that backup is past RPO and grace, as the check judges it; no series for a set under a live waiver.",
        series.deadlines("backup_newest"),
        labels=("check", "source", "set"),
        bound="checks × declared sets",
    ),
    of_rows(
        "backup_rpo_seconds",
        "seconds",
        "The greatest tolerable data age of that backup, as the check judges it.",
        series.rpos,
        labels=("check", "source", "set"),
        bound="checks × declared sets",
        shed=1,
    ),
    of_rows(
        "tls_deadline_timestamp_seconds",
        INSTANT,
        "The known end of a target's certificate, by check; no series where it is excluded or under a live waiver.",
        series.deadlines("tls_not_after"),
        labels=("check", "source", "target"),
        bound="checks × configured targets",
    ),
    of_rows(
        "attestation_end_timestamp_seconds",
        INSTANT,
        "When the newest attestation of a registered offering ends to be current.",
        series.known("attestation_until"),
        labels=("source", "attestation"),
        bound="registered offerings",
        shed=1,
    ),
    of_rows(
        "time_never_known",
        TRUTH,
        "Whether the time of a configured name was never known.",
        series.never_known,
        labels=(*SOURCE, "name"),
        bound="configured names",
        shed=1,
    ),
)
"""Of what a source's configuration names."""

OWN: Final[tuple[Metric[Ledger], ...]] = (
    of_exposition("series", "series", "Series in this exposition.", lambda own: [((), own.series)]),
    of_exposition(
        "series_cap", "series", "Series past which optional families are left out.", lambda own: [((), own.cap)]
    ),
    of_exposition(
        "series_dropped",
        "series",
        "Series left out: a name unfit for a label, a label set that occurs twice, no finite number, the cap.",
        lambda own: [((reason,), own.dropped.get(reason, 0)) for reason in DROPS],
        labels=("reason",),
        bound=str(len(DROPS)),
    ),
    of_exposition(
        "render_seconds",
        "seconds",
        "How long the rendering before this one took, gzip included; no series at the first.",
        lambda own: [((), own.spent)],
    ),
    of_exposition(
        "family_dropped",
        INFO,
        "Families left out whole to hold the cap.",
        lambda own: [((name,), 1) for name in own.shed],
        labels=("metric",),
        bound="optional families",
    ),
)
"""Of the exposition itself."""

CATALOGUE: Final = (*ENGINE, *CHECKS, *SOURCES, *TIMES)
"""All that is read off a snapshot, in the order of the exposition."""
