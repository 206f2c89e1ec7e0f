"""What a screen may ask to be done; the tag of each on the wire is its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec


class RequestWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Ask for a waiver: it is written to the file, and waives nothing until another person approves it."""

    check: str
    subjects: Sequence[str] = ()
    source: str = ""
    cause: str = ""
    reason: str
    compensating_control: str = ""
    ticket: str = ""
    days: int = 90
    emergency: bool = False
    """One person decides, for at most 24 hours; then ``days`` does not count."""
    by: str
    until: date | None = None
    """Instead of ``days``: the end of that day, UTC."""
    vendor: bool = False
    """It waits for a vendor, which allows 365 days."""
    extends: str = ""
    """Id of the waiver that it goes on with; it needs an approval of its own all the same."""


class ApproveWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Approve a requested waiver; another person than the requester must."""

    id: str
    entry: str
    """Digest of the entry as it was read (``WaiverView.entry``); one that was changed since is refused."""
    by: str


class RevokeWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """End a waiver now, or take back a request; its entry stays in the file with its end."""

    id: str
    entry: str
    """Digest of the entry as it was read (``WaiverView.entry``); one that was changed since is refused."""
    reason: str
    by: str


class RejectWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Turn down a request, as another person than the requester; its entry stays in the file."""

    id: str
    entry: str
    """Digest of the entry as it was read (``WaiverView.entry``); one that was changed since is refused."""
    reason: str
    by: str


class Run(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Ask a source to run now, or all (empty name)."""

    source: str = ""


class Reload(msgspec.Struct, frozen=True, tag=True):
    """Read the configuration again."""


class Accept(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Accept that a source's population shrank."""

    source: str
    reason: str
    by: str


class Pause(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Pause a check for at most 7 days: blind in the ledger, silent in alerts. An empty reason ends a pause."""

    check: str
    reason: str
    by: str
    until: datetime


class Ack(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Acknowledge a finding; changes no state."""

    finding: int
    note: str
    by: str


Command = Run | Reload | Accept | Pause | Ack | RequestWaiver | ApproveWaiver | RevokeWaiver | RejectWaiver


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command."""

    ok: bool
    message: str
