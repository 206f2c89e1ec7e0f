"""A program that shows an estate in a real terminal, for tests and benches of the terminal UI.

Arguments: the estate's name, the number of findings, the glyphs, ``stops`` when quitting shall ask, ``deaf`` to
install no signal handlers, and ``silent`` to print nothing in the end. The snapshot is
renewed every second, as an engine would.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.port import Snapshot
from tests.support.clock import NOW
from tests.support.estates import ESTATES, CannedPort, many_rows
from tui.app import ControlwatchApp, run


class RenewedPort(CannedPort):
    """A canned port whose snapshot is taken anew every second of a clock that starts at ``NOW``."""

    def __init__(self, snapshot: Snapshot, findings: int) -> None:
        super().__init__(snapshot, many_rows(findings))
        self._began = datetime.now(tz=UTC)

    def clock(self) -> datetime:
        """Give ``NOW`` and the time since the start."""
        return NOW + (datetime.now(tz=UTC) - self._began)

    def snapshot(self) -> Snapshot | None:
        """Give a snapshot of this second."""
        second = int((self.clock() - NOW).total_seconds())
        if self.now_shown is not None and self.now_shown.seq != second + 1:
            self.now_shown = msgspec.structs.replace(self.now_shown, seq=second + 1, at=NOW + timedelta(seconds=second))
        return self.now_shown


def install_signals(app: ControlwatchApp) -> None:
    """Leave in good order when told to."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, app.leave)


def main() -> int:
    """Show the estate."""
    estate, findings, glyphs, *rest = sys.argv[1:]
    port = RenewedPort(ESTATES[estate](), int(findings))
    ascii_only = glyphs == "ascii"
    left: list[str] = []
    code = run(
        port,
        glyphs="ascii" if ascii_only else "unicode",
        stops_engine="stops" in rest,
        clock=port.clock,
        on_ready=None if "deaf" in rest else install_signals,
        on_quit=lambda: left.append("left"),
    )
    if "deaf" not in rest and "silent" not in rest:
        print(*left)  # Waits for ever where the terminal is stuck.
    return code


if __name__ == "__main__":
    sys.exit(main())
