"""A port whose waivers change by commands, and what is typed into its forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.port import (
    ApproveWaiver,
    Command,
    PortFault,
    Query,
    Reply,
    Rows,
    Snapshot,
    WaiverView,
)
from tests.support.estates import CannedPort, a_row, mixed
from tests.support.screens import Shown

REASON = "the vendor mends it in the first quarter"


class WaiverPort(CannedPort):
    """A port whose file of waivers changes by commands, and that may fail."""

    broken = ""
    asked_waivers = 0

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers, or fail."""
        self.asked_waivers += 1
        if self.broken:
            raise PortFault(self.broken)
        return await super().waivers()

    async def rows(self, query: Query) -> Rows:
        """Give a page, or fail."""
        if self.broken:
            raise PortFault(self.broken)
        return await super().rows(query)

    async def send(self, command: Command) -> Reply:
        """Approve what is to be approved."""
        if isinstance(command, ApproveWaiver):
            self.waiver_file = [
                msgspec.structs.replace(each, status="active", approved_by=command.by)
                if each.id == command.id
                else each
                for each in self.waiver_file
            ]
        return await super().send(command)


def a_port(snapshot: Snapshot | None = None, **options: Any) -> WaiverPort:
    """Build a port with a few findings."""
    return WaiverPort(snapshot or mixed(), [a_row(number) for number in range(1, 6)], **options)


async def typed(stage: Shown, text: str) -> None:
    """Type a text."""
    await stage.press(*({" ": "space", "-": "minus", "/": "slash", "*": "asterisk"}.get(char, char) for char in text))
