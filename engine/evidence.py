"""Evidence is a blob of records and the manifest of how they were asked for; the population is the evidence.

A manifest is what a result cites. Its digest covers everything that it says, the blob's digest included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from checks.model.doubt import Gap

_ENCODER = msgspec.json.Encoder(order="deterministic")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """How one collection was asked for and what it brought."""

    source: str
    kind: str
    query: Mapping[str, str] = {}
    """The source's own configuration as JSON text by key, secrets left as references."""
    scopes: Sequence[str] = ()
    """Permissions that the provider said we hold."""
    started_at: datetime
    """The instant before the first request, UTC."""
    finished_at: datetime
    as_of: datetime
    """The data time of what it brought, UTC."""
    complete: bool
    """Whether every page was read to its end, nothing was cut off and nothing shrank."""
    pages: int = 0
    read: int = 0
    """Records that arrived, repeated ids included."""
    records: Mapping[str, int] = {}
    """Records kept, by record type with version (``account/1``)."""
    merged: int = 0
    """Equal repetitions that were merged."""
    claimed: int | None = None
    """The total that the provider claimed."""
    gaps: Sequence[Gap] = ()
    blob: str
    """Digest of the uncompressed records, ``sha256:…``."""
    bytes: int = 0
    """Uncompressed size."""
    baseline: Mapping[str, int] | None = None
    """Subjects by record type that this one was compared with; None when a baseline starts here."""
    basis: str = "full"
    config_digest: str = ""
    """Of the source's own configuration."""
    version: str = ""
    """Of controlwatch."""

    @property
    def kept(self) -> int:
        """Records kept, of all types."""
        return sum(self.records.values())


def manifest_bytes(manifest: Manifest) -> bytes:
    """Encode a manifest deterministically."""
    return _ENCODER.encode(manifest)


def digest_of(data: bytes) -> str:
    """Digest bytes as ``sha256:…``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
