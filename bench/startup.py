"""How long the command takes to answer, to judge once and to paint: ``python -m bench.startup [--rounds 15]``.

The yardstick of ``--version`` is a bare interpreter, ``python -c pass``, of the same environment; that of the first
paint is a bare Textual application with one static line (``bench/tui.py``). ``check`` collects and judges a register of
three attestations, stores the result and its evidence, and prints it. Medians; CPU time beside wall time. Goals:
``--version`` within 4 bare interpreters, the overview painted in 0.8 s in a pseudo-terminal.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench import common, tui

COMMAND: Final = Path(sys.executable).with_name("controlwatch")
_VENDORS: Final = ("First", "Second", "Third")
_ATTESTATION: Final = """
[[attestation]]
vendor = "{vendor}"
offering = "API"
kind = "iso27001"
status = "issued"
valid_from = 2025-01-01
valid_until = 2028-01-01
surveillance_due = 2027-12-01
issued = 2025-01-02
"""
_CONFIG: Final = """
[engine]
state_dir = "state"

[metrics]
listen = "{listen}"

[sources.attestations]
kind = "register"
path = "attestations.toml"
every = "1h"

[checks.vendors]
check = "certification_expiry"
sources = ["attestations"]
"""
_BACKUPS: Final = """
[sources.dumps]
kind = "files"
set = "nightly"
pattern = "{folder}/dumps/*.sql"
rpo = "24h"
every = "1h"

[checks.backups]
check = "backup_freshness"
sources = ["dumps"]
"""


def main() -> None:
    """Print one row a case, then whether the goals are met; exit with 1 when one is not."""
    parser = argparse.ArgumentParser(description="Start-up beside a bare interpreter and a bare Textual application.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds, budgets = parser.parse_args().rounds, common.Budgets()
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as name:
        config = str(write_estate(Path(name), listen=""))
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "controlwatch --version": [str(COMMAND), "--version"],
            "controlwatch --help": [str(COMMAND), "--help"],
            "controlwatch check": [str(COMMAND), "--config", config, "check"],
        }
        version = _print(cases, rounds)
        _painted("bare Textual, painted", [sys.executable, "-c", tui.YARDSTICK], rounds)
        painted = _painted("controlwatch, painted", [str(COMMAND), "--config", config, "run"], rounds)
    budgets.at_most("controlwatch --version, beside python -c pass", version, 4, "×")
    budgets.at_most("controlwatch, painted", painted, 800, "ms")
    budgets.leave()


def _painted(words: str, command: Sequence[str], rounds: int) -> float:
    """Print and give the milliseconds to the first paint, the median of some rounds."""
    took = [tui.measure(command, 80, 24, 1).painted_seconds for _ in range(max(3, rounds // 3))]
    middle = statistics.median(took) * 1e3
    common.line(words, middle, "ms wall")
    return middle


def write_estate(folder: Path, *, listen: str, backups: bool = False) -> Path:
    """Write a configuration over a register, and over a folder of dumps where asked; gives its path."""
    (folder / "attestations.toml").write_text("".join(_ATTESTATION.format(vendor=vendor) for vendor in _VENDORS))
    config = _CONFIG.format(listen=listen)
    if backups:
        (folder / "dumps").mkdir()
        (folder / "dumps" / "today.sql").write_bytes(b"select 1;\n" * 1_000)
        config += _BACKUPS.format(folder=folder)
    path = folder / "controlwatch.toml"
    path.write_text(config)
    return path


def _print(cases: Mapping[str, Sequence[str]], rounds: int) -> float:
    """Alternate the cases, so that a busy moment meets all of them, and print their medians.

    Gives how often the time of ``python -c pass`` goes into that of ``--version``.
    """
    took: dict[str, list[common.Took]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, command in cases.items():
            took[name].append(_clocked(command))
    bare = statistics.median(one.wall for one in took["python -c pass"])
    ratios: dict[str, float] = {}
    for name, found in took.items():
        wall, cpu = (statistics.median(getattr(one, which) for one in found) for which in ("wall", "cpu"))
        ratios[name] = wall / bare
        common.line(name, wall * 1e3, f"ms wall, {cpu * 1e3:.0f} ms CPU", f"{ratios[name]:5.1f}×")
    return ratios["controlwatch --version"]


def _clocked(command: Sequence[str]) -> common.Took:
    """Time a program that runs to its end."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 3:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return common.Took(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


if __name__ == "__main__":
    os.environ.pop("CONTROLWATCH_CONFIG", None)
    main()
