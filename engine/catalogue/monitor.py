"""Families of the engine: is the monitor alive, and can it keep what it finds?"""

from __future__ import annotations

from typing import Final

from engine import series
from engine.catalogue.units import INFO, INSTANT, TRUTH
from engine.exposition import Metric
from engine.port import SELFTEST_MAX_AGE
from engine.reading import Reading
from engine.series import of_engine, of_rows, unix

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
