"""What changed, and how to ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from checks.model.state import State

EventKind = Literal["state", "source", "finding", "config", "waiver", "engine", "operator"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something changed."""

    at: datetime
    kind: EventKind
    what: str
    """The object's name: a check, a source."""
    text: str
    state: State | None = None
    """The state that a check entered; of a finding's own history, that of its subject: none once it is resolved."""
    by: str = ""
    """Whoever did it, as claimed; empty of what no person did."""


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, newest first."""

    kinds: Sequence[EventKind] = ()
    """Empty: all."""
    what: str = ""
    """The object's name; empty: any. Of a check the events of its waivers, too."""
    text: str = ""
    """Words that object or text must contain; ``!word`` must not."""
    since: datetime | None = None
    until: datetime | None = None
    offset: int = 0
    limit: int = 200
    whats: Sequence[str] = ()
    """Names of objects, any of which; empty: any. Beside ``what``; both narrow."""
    cells: int = 0
    """Equal parts of the time from ``since`` to ``until`` to be counted, at most 2 000; both must be given."""


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events."""

    events: Sequence[Event]
    matching: int
    counts: Sequence[int] = ()
    """Events that match in each of the ``cells``, oldest first."""
