"""What an evidence pack is made from: everything that was read of one period, and nothing that acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.chain import Link, Verified
from engine.port import Past, PolicyValue
from engine.waivers import Malformed, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A configured check, as it is configured when the pack is made."""

    name: str
    check: str
    family: str
    severity: str
    team: str
    policy_ref: str
    controls: Sequence[str]
    sources: Sequence[str]
    threshold: float
    max_age: timedelta
    limit: timedelta
    """The longest time between two judgements that is no gap."""
    policy: Mapping[str, PolicyValue]
    digest: str
    """Of its configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A manifest of the evidence."""

    digest: str
    source: str
    finished_at: datetime
    body: str
    """The exact text that the digest covers."""
    tombstoned_at: datetime | None
    """When its blob was let go, UTC; None while it is kept."""
    blob: str = ""
    """Digest of the records that it is of."""
    present: bool = True
    """Whether the blob lay in its place when the pack was made."""

    @property
    def blob_is(self) -> str:
        """Tell what became of the blob: ``kept``, ``let go`` by retention, or ``missing``."""
        if self.tombstoned_at is not None:
            return "let go"
        return "kept" if self.present else "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was read of a period."""

    since: datetime
    until: datetime
    """The end of the period as it was asked for, UTC; it may be ahead."""
    at: datetime
    """When it was read, UTC."""
    version: str
    config_digest: str
    checks: Sequence[Checked]
    pasts: Sequence[Past]
    """Of the checks, in their order, from a day before ``since`` on."""
    waivers: Sequence[Waiver]
    """All of the file."""
    malformed: Sequence[Malformed]
    manifests: Sequence[Kept]
    """Of collections that ended within the period or are cited by a change, oldest first."""
    lost: Sequence[str] = ()
    """Digests of manifests that a change cites and that are not in the store."""
    links: Sequence[Link]
    """Entries of the chain that were recorded within the period, in order."""
    verified: Verified
    """What reading the whole chain showed."""

    @property
    def missing(self) -> list[str]:
        """Name the manifests and blobs that should be there and are not."""
        blobs = dict.fromkeys(each.blob for each in self.manifests if each.blob_is == "missing")
        return [*(f"manifest {digest}" for digest in self.lost), *(f"blob {digest}" for digest in blobs)]

    @property
    def horizon(self) -> datetime:
        """Give the end of what can be known."""
        return min(self.until, self.at)
