"""Families of a configured source: its runs, what they cost, and what its silence blinds."""

from __future__ import annotations

from typing import Final

from engine import series
from engine.catalogue.units import INFO, INSTANT, TRUTH
from engine.exposition import Metric
from engine.reading import Reading
from engine.series import SOURCE, of_rows, of_sources, unix

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
