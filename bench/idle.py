"""What it costs to leave Controlwatch running with nothing due: ``python -m bench.idle [SECONDS]``.

The engine watches a folder of dumps and a register once an hour, with its metrics listener open and nobody asking. It
is watched for a minute with the terminal UI at 80×24 in a pseudo-terminal, and without one (``serve``). The yardstick
is a bare Textual application with one static line. Goal: at most 0.5 % of a core.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import common, tui
from bench.startup import COMMAND, write_estate

CPU_LIMIT = 0.5
"""Per cent of one core."""
SETTLE_SECONDS = 10
"""Until the first runs, the self-test and the first judgements are over."""


def main() -> None:
    """Print one row a case, then whether the goal is met; exit with 1 when it is not."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    print(f"{'case':<28}{'CPU':>9}{'bytes/s':>9}{'quiet s':>9}{'RSS':>9}")
    _shown("bare Textual 80x24", [sys.executable, "-c", tui.YARDSTICK], seconds)
    with _estate() as config:
        cost = _shown("controlwatch run 80x24", [str(COMMAND), "--config", str(config), "run"], seconds)
    with _estate() as config:
        share, held = _served([str(COMMAND), "--config", str(config), "serve"], seconds)
    print(f"{'controlwatch serve':<28}{share:>9.2%}{'':>9}{'':>9}{held:>5.0f} MB")
    budgets = common.Budgets()
    budgets.at_most("controlwatch run 80x24, CPU", cost.cpu_share * 100, CPU_LIMIT, "%")
    budgets.leave()


def _shown(name: str, command: list[str], seconds: int) -> tui.Cost:
    """Watch a screen, and print what it cost."""
    cost = tui.measure(command, 80, 24, seconds)
    print(
        f"{name:<28}{cost.cpu_share:>9.2%}{cost.bytes_per_second:>9.0f}"
        f"{cost.quiet_seconds:>6}/{seconds}{cost.rss_mb:>5.0f} MB",
    )
    return cost


@contextmanager
def _estate() -> Iterator[Path]:
    """Write the configuration of a new state folder."""
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        yield write_estate(Path(name), listen=listen, backups=True)


def _served(command: list[str], seconds: int) -> tuple[float, float]:
    """Watch the engine alone; gives the share of a core and the MB that it holds."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE_SECONDS)
        before, began = common.cpu_seconds(process.pid), time.perf_counter()
        time.sleep(seconds)
        return (common.cpu_seconds(process.pid) - before) / (time.perf_counter() - began), common.held_mb(process.pid)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
