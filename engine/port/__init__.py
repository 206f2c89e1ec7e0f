"""The port is all that a screen sees of the engine: a snapshot, pages of findings, one in detail, commands.

In-process and attached engines implement the same protocol under one contract suite. A snapshot carries standings,
not states: whoever reads it derives the state at the reader's own instant, so a hung engine turns stale by itself.
"""

from __future__ import annotations

from engine.port.checks import Alarm, BlindBy, CheckView, Deadline, PolicyValue, Was
from engine.port.commands import (
    Accept,
    Ack,
    ApproveWaiver,
    Command,
    Pause,
    RejectWaiver,
    Reload,
    Reply,
    RequestWaiver,
    RevokeWaiver,
    Run,
)
from engine.port.events import Event, EventKind, EventQuery, Events
from engine.port.findings import Detail, EvidenceRef, Query, Row, Rows
from engine.port.past import Day, Lapse, Packed, PackQuery, Past, PastQuery, Turn
from engine.port.protocol import NotSent, Port, PortFault
from engine.port.snapshots import EvidenceView, KnownTime, Selftest, Snapshot
from engine.port.sources import Quota, Silence, SourceView
from engine.port.states import (
    SELFTEST_MAX_AGE,
    STALLED_AFTER,
    ahead_by,
    is_fresh,
    selftest_holds,
    stalled_for,
    state_at,
    worst,
)
from engine.port.waivers import WaiverView

__all__ = [
    "SELFTEST_MAX_AGE",
    "STALLED_AFTER",
    "Accept",
    "Ack",
    "Alarm",
    "ApproveWaiver",
    "BlindBy",
    "CheckView",
    "Command",
    "Day",
    "Deadline",
    "Detail",
    "Event",
    "EventKind",
    "EventQuery",
    "Events",
    "EvidenceRef",
    "EvidenceView",
    "KnownTime",
    "Lapse",
    "NotSent",
    "PackQuery",
    "Packed",
    "Past",
    "PastQuery",
    "Pause",
    "PolicyValue",
    "Port",
    "PortFault",
    "Query",
    "Quota",
    "RejectWaiver",
    "Reload",
    "Reply",
    "RequestWaiver",
    "RevokeWaiver",
    "Row",
    "Rows",
    "Run",
    "Selftest",
    "Silence",
    "Snapshot",
    "SourceView",
    "Turn",
    "WaiverView",
    "Was",
    "ahead_by",
    "is_fresh",
    "selftest_holds",
    "stalled_for",
    "state_at",
    "worst",
]
