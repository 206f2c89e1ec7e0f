"""A program that shows an estate in a real terminal, for tests and benches of the terminal UI.

Arguments: the estate's name (``init``: the guided start), the number of findings, the glyphs, then words: ``stops``
when quitting shall ask, ``deaf`` to install no signal handlers, ``silent`` to print nothing in the end, ``read-only``,
``wide`` for subjects in Chinese, Japanese and Korean. The snapshot is renewed every second, as an engine would; at
SIGUSR1 the engine dies.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.port import Row, Snapshot
from tests.support.clock import NOW
from tests.support.estates import ESTATES, CannedPort, many_rows
from tests.support.setups import CannedSetup
from tui import init
from tui.app import ControlwatchApp, run
from tui.terminal import Glyphs

WIDE_NAMES = ("山田太郎", "김민준", "王小明", "ﾊﾝｶｸ", "e\u0301quipe", "naïve")
"""Two cells a character, one cell for half-width ones, and a combining accent."""


class RenewedPort(CannedPort):
    """A canned port whose snapshot is taken anew every second of a clock that starts at ``NOW``."""

    def __init__(self, snapshot: Snapshot, findings: list[Row]) -> None:
        super().__init__(snapshot, findings)
        self._began = datetime.now(tz=UTC)

    def clock(self) -> datetime:
        """Give ``NOW`` and the time since the start."""
        return NOW + (datetime.now(tz=UTC) - self._began)

    def snapshot(self) -> Snapshot | None:
        """Give a snapshot of this second; the last one once the engine is down."""
        second = int((self.clock() - NOW).total_seconds())
        if self.now_shown is not None and self.down is None and self.now_shown.seq != second + 1:
            self.now_shown = msgspec.structs.replace(self.now_shown, seq=second + 1, at=NOW + timedelta(seconds=second))
        return self.now_shown

    def die(self) -> None:
        """Be at fault from now on."""
        self.down = "RuntimeError: the store is gone"


def install_signals(port: RenewedPort, app: ControlwatchApp) -> None:
    """Leave in good order when told to."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, app.leave)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, port.die)


def findings(count: int, *, wide: bool) -> list[Row]:
    """Build findings; ``wide``: of subjects whose characters are not one cell each."""
    rows = many_rows(count)
    if not wide:
        return rows
    return [
        msgspec.structs.replace(row, label=f"{WIDE_NAMES[row.id % len(WIDE_NAMES)]}-{row.id}@例え.jp") for row in rows
    ]


def main() -> int:
    """Show the estate."""
    estate, count, glyphs, *words = sys.argv[1:]
    if estate == "init":
        commands = init.run(CannedSetup(), glyphs=cast("Glyphs", glyphs))
        print("wrote" if commands else "nothing was written")
        return 0
    port = RenewedPort(ESTATES[estate](), findings(int(count), wide="wide" in words))
    left: list[str] = []
    code = run(
        port,
        read_only="read-only" in words,
        glyphs=cast("Glyphs", glyphs),
        stops_engine="stops" in words,
        clock=port.clock,
        on_ready=None if "deaf" in words else partial(install_signals, port),
        on_quit=lambda: left.append("left"),
    )
    if "deaf" not in words and "silent" not in words:
        print(*left)  # Waits for ever where the terminal is stuck.
    return code


if __name__ == "__main__":
    sys.exit(main())
