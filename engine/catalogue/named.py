"""Families of what a source's configuration names: a TLS target, a backup set, a registered offering."""

from __future__ import annotations

from typing import Final

from engine import series
from engine.catalogue.units import INSTANT, TRUTH
from engine.exposition import Metric
from engine.reading import Reading
from engine.series import SOURCE, of_rows

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
