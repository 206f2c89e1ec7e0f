"""What every engine answers, in-process or attached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.port.commands import Command, Reply
from engine.port.events import EventQuery, Events
from engine.port.findings import Detail, Query, Rows
from engine.port.past import Packed, PackQuery, Past, PastQuery
from engine.port.snapshots import Snapshot
from engine.port.waivers import WaiverView


class PortFault(OSError):
    """The engine could not answer; the message says why and what to do next."""


class NotSent(PortFault):
    """What was asked never reached the engine, so that nothing was done; any other fault leaves that open."""


class Port(Protocol):
    """What a screen may ask of an engine, in-process or attached."""

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot at once; None before the first."""
        ...

    def fault(self) -> str | None:
        """Say why no newer snapshot comes (the engine died, the connection is lost); None while all is well."""
        ...

    async def rows(self, query: Query) -> Rows:
        """Give a page of findings; raises ``PortFault``, as do the other questions."""
        ...

    async def detail(self, finding: int) -> Detail | None:
        """Give one finding; None when it is gone."""
        ...

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period, in the order asked; a check that is not known has no turns."""
        ...

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events, newest first."""
        ...

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers of the file, in its order, malformed ones too."""
        ...

    async def pack(self, query: PackQuery) -> Packed:
        """Make an evidence pack of a period, in a file that whoever asked takes away."""
        ...

    async def send(self, command: Command) -> Reply:
        """Ask for something to be done."""
        ...
