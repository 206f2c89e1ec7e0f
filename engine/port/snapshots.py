"""A snapshot is everything that is shown, at one instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from engine.port.checks import CheckView
from engine.port.events import Event
from engine.port.sources import SourceView


class KnownTime(msgspec.Struct, frozen=True, kw_only=True):
    """A time that a configured target or declared set is known by, kept while it cannot be read."""

    source: str
    id: str
    what: Literal["tls_not_after", "backup_newest", "attestation_until"]
    at: datetime
    """UTC."""
    name: str = ""
    """A metric label of its own, where the source's configuration gives none."""
    limit_seconds: float | None = None
    """Of a backup: the set's own RPO; None when it has none."""
    grace_seconds: float | None = None
    """Of a backup: the set's own grace; None when it has none."""


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """How the evidence is kept."""

    writes: int = 0
    """Writes that succeeded since the engine started."""
    written_at: datetime | None = None
    """The latest of them, UTC."""
    failing_since: datetime | None = None
    """The first write after which none succeeded, UTC; None when the latest did."""
    bytes: int | None = None
    """Size of the state folder's evidence and store; None when it was not measured yet."""
    chain_valid: bool | None = None
    """Whether the chain held when it was last read whole; None before that."""
    chain_fault: str | None = None
    """Where and how it broke."""
    chain_verified_at: datetime | None = None
    """When it was last read whole, UTC."""
    chain_entries: int | None = None
    """Entries that held then; None before that."""


class Selftest(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor's own check."""

    passed_at: datetime | None = None
    """The last instant at which every example came out right, UTC."""
    error: str | None = None
    """What came out wrong at the latest run; None when it was right."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown, at one instant."""

    seq: int
    at: datetime
    """The engine's clock when it was taken, UTC."""
    started_at: datetime
    version: str = ""
    phase: Literal["starting", "live", "stopping"] = "starting"
    demo: bool = False
    read_only: bool = False
    config_digest: str = ""
    config_path: str = ""
    config_loaded_at: datetime | None = None
    """When the configuration in force was put in force, UTC."""
    config_error: str | None = None
    """Why the latest reload was refused; the last good configuration is in force."""
    web_config_ok: bool | None = None
    """Whether the listener goes by its web configuration as it stands in the file; None when it has none."""
    selftest: Selftest = Selftest()
    checks: Sequence[CheckView] = ()
    sources: Sequence[SourceView] = ()
    events: Sequence[Event] = ()
    """The latest, newest first; at most 200."""
    times: Sequence[KnownTime] = ()
    evidence: EvidenceView = EvidenceView()
    evidence_error: str | None = None
    """Why the latest write of evidence failed; None when it did not."""
    evidence_failures: int = 0
    waivers_active: int = 0
    waivers_expired: int = 0
    """Waivers in the file that have ended."""
    waivers_error: str | None = None
    loop_lag_seconds: float = 0.0
    loop_lag_max_seconds: float = 0.0
    """The greatest of the last five minutes."""
    ticked_at: datetime | None = None
    """The scheduler's last tick, UTC."""
    metrics_address: str | None = None
    """``host:port`` of the metrics listener; None when there is none."""
    scraped_at: datetime | None = None
    """When somebody last read ``/metrics``, UTC; None since the engine started."""

    def timeless(self) -> Snapshot:
        """Give it without what differs between any two, although nothing has happened."""
        return msgspec.structs.replace(
            self,
            seq=0,
            at=self.started_at,
            ticked_at=None,
            loop_lag_seconds=0.0,
            loop_lag_max_seconds=0.0,
            scraped_at=None,
        )
