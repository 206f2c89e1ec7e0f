"""The waivers of the file as a screen sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec


class WaiverView(msgspec.Struct, frozen=True, kw_only=True):
    """One waiver of the file, as it stands."""

    id: str
    check: str
    status: Literal["requested", "future", "active", "expired", "revoked", "malformed"]
    """``requested``: not yet approved by another person, so it waives nothing."""
    subjects: Sequence[str] = ()
    source: str = ""
    """Of a structural unknown."""
    cause: str = ""
    reason: str = ""
    compensating_control: str = ""
    requested_by: str = ""
    approved_by: str = ""
    """As claimed in the file; empty when nobody has."""
    emergency: bool = False
    ticket: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    covers: int = 0
    """Open findings that it covers now; of a requested one, those that it would."""
    fault: str = ""
    """What makes it malformed."""
    alone: int = 0
    """Open findings that it names and no other live waiver covers: those that it waives alone, or would; of one that
    has ended, those that are open again."""
    vendor: bool = False
    """Whether it waits for a vendor."""
    extends: str = ""
    """Id of the waiver that it goes on with."""
    revoked_by: str = ""
    """Who ended it, took the request back or turned it down, as claimed."""
    revoked_reason: str = ""
    entry: str = ""
    """Digest of its entry in the file, which the evidence chain cites."""
