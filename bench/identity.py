"""Accounts fetched from loopback, decoded, spooled and judged by every identity check: ``python -m bench.identity``.

    .venv/bin/python -m bench.identity [--accounts 100000] [--rounds 3] [--page 999] [--no-yardstick]

A replica in a process of its own serves an Entra tenant as Graph writes it: users of 600 bytes with their last
sign-in, the report of their second factors (570 bytes a row), roles, and one application for a hundred users; its time
counts for nothing. Each round is a fresh process that collects the tenant with ``sources/entra.py``, and a roster of as
many people in another order, as the engine does, then judges. The figures are CPU time of that process, all threads, by
account; memory is the most that it held. The yardstick reads the same bytes with aiohttp, ``json.loads`` and naive
Python over the dictionaries; it spools nothing, keeps no doubt, and must find the same failures.

Goals: at most 8 µs CPU an account for everything; at a million accounts 120 MB, 160 MB with a roster of a million;
while accounts are judged the loop's lag is at most 20 ms at the 99th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import common, naive, tenant
from sources.common.settings import from_toml

PAGE: Final = 999
CHECKS: Final = ("mfa_coverage", "admin_mfa", "stale_access", "leaver_access", "key_age")


def main() -> None:
    """Compare, and print the figures; the first argument may make this process the replica or one round."""
    roles: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "replica": tenant.serve,
        "round": _round,
        "memory": _memory,
        "yardstick": naive.measure,
    }
    if sys.argv[1:2] and sys.argv[1] in roles:
        asyncio.run(roles[sys.argv[1]](*sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description="Accounts fetched, spooled and judged.")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=int, default=PAGE, help="rows of a page; Graph's default is 100")
    parser.add_argument("--no-yardstick", action="store_true", help="it holds 5 kB an account")
    asked = parser.parse_args()
    accounts = str(asked.accounts)
    with common.server("bench.identity", "replica", accounts, str(asked.page)) as base:
        rounds = [common.child("bench.identity", "round", base, accounts) for _ in range(asked.rounds)]
        memory = {roster: common.child("bench.identity", "memory", base, accounts, roster) for roster in "01"}
        theirs = None if asked.no_yardstick else common.child("bench.identity", "yardstick", base, accounts)
    if theirs is not None and theirs["failed"] != rounds[0]["failed"]:
        sys.exit(f"the yardstick judges otherwise: {theirs['failed']}, and we {rounds[0]['failed']}")
    _report(asked.accounts, common.median_of([one["figures"] for one in rounds]), memory, theirs)


def _report(
    accounts: int,
    ours: Mapping[str, float],
    memory: Mapping[str, Mapping[str, float]],
    theirs: Mapping[str, Any] | None,
) -> None:
    """Print the medians, then whether the goals are met; exit with 1 when one is not."""
    secrets = accounts // tenant.APPLICATIONS_EVERY
    print(f"{accounts:,} accounts, {secrets:,} secrets, {accounts:,} people; CPU µs an account")
    for name, figure in ours.items():
        common.line(name, figure, "ms" if name.startswith("lag") else "µs")
    if theirs is not None:
        common.line("yardstick, everything", theirs["all"], "µs")
        common.line("yardstick, most memory held", theirs["peak"], "MB")
        cpu, peak = theirs["all"] / ours["all"], theirs["peak"] / memory["1"]["peak"]
        print(f"ratio {cpu:.1f}× less CPU, {peak:.1f}× less memory")
    budgets = common.Budgets()
    budgets.at_most("everything, an account", ours["all"], 8, "µs")
    budgets.at_most("lag p99 while judging", ours["lag p99 while judging"], 20, "ms")
    budgets.at_most("most memory held, without the roster", memory["0"]["peak"], 120, "MB")
    budgets.at_most("most memory held, with the roster", memory["1"]["peak"], 160, "MB")
    budgets.leave()


async def _round(base: str, accounts: str) -> None:
    """Collect and judge, and print the CPU time of every phase by account."""
    count = int(accounts)
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name:
        estate = Estate(Path(name), base, count)
        gc.freeze()
        figures: dict[str, float] = {}
        with common.took() as fetched:
            await estate.fetch()
        with common.took() as collected:
            await estate.collect("entra")
        with common.took() as roster:
            await estate.collect("roster")
        alone = {}
        for check in CHECKS:
            with common.took() as judged:
                await estate.judge(check)
            alone[f"judge {check} alone"] = judged.cpu
        async with common.lagging() as lag:
            with common.took() as together:
                failed = await estate.judge(*CHECKS)
        with common.took() as read:
            await estate.read()
        figures["fetch, decode, to_record"] = fetched.cpu
        figures["spool"] = collected.cpu - fetched.cpu
        figures["collect the roster"] = roster.cpu
        figures["read the blob"] = read.cpu
        figures |= alone
        figures["judge, all checks together"] = together.cpu
        figures["all"] = collected.cpu + together.cpu
        figures = {what: seconds / count * 1e6 for what, seconds in figures.items()}
        figures["lag p50 while judging"] = lag.percentile(0.5) * 1e3
        figures["lag p99 while judging"] = lag.percentile(0.99) * 1e3
        print(json.dumps({"figures": figures, "failed": failed}))


async def _memory(base: str, accounts: str, with_roster: str) -> None:
    """Collect and judge once, and print the most memory that was held."""
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name:
        estate = Estate(Path(name), base, int(accounts))
        gc.freeze()
        await estate.collect("entra")
        if with_roster == "1":
            await estate.collect("roster")
            await estate.judge(*CHECKS)
        else:
            await estate.judge(*(check for check in CHECKS if check != "leaver_access"))
        print(json.dumps({"peak": common.peak_mb()}))


class Estate:
    """The bench's sources and checks, put together as the engine does from its configuration."""

    def __init__(self, folder: Path, base: str, accounts: int) -> None:
        """Make the roster, and nothing else."""
        import checks
        import engine.collect
        import engine.evaluate  # noqa: F401 - the same
        import sources
        import tests.support.context  # noqa: F401 - loading code is no account's time, and is paid before the clock starts
        from engine.blobs import FolderBlobs
        from engine.config import SourceConfig
        from engine.settings import SourceCommon

        self.folder = folder
        self.blobs = FolderBlobs(folder / "blobs")
        self.blobs.sweep()
        tenant.write_roster(folder / "people.csv", accounts)
        columns = {
            "key": "email",
            "aliases": "number",
            "status": "status",
            "starts_at": "start",
            "terminated_at": "end",
        }
        tables: dict[str, dict[str, Any]] = {
            "entra": {
                "tenant_id": tenant.TENANT,
                "client_id": "c",
                "client_secret": "env:C",
                "authority": base,
                "graph": base,
            },
            "roster": {"path": "people.csv", "as_of": "2026-01-15T00:00:00Z", "columns": columns},
        }
        self.sources = {}
        for kind, table in tables.items():
            source = sources.load(kind)
            own = msgspec.convert(table, source.config, dec_hook=from_toml)
            self.sources[kind] = SourceConfig(kind, SourceCommon(kind=kind), own, table, source, "")
        self.units = checks.discover()
        self.memory: dict[str, Any] = {}

    async def fetch(self) -> None:
        """Read the directory and drop what it tells."""
        config = self.sources["entra"]
        async with self._context("entra") as context:
            async for _ in config.source.fetch(config.own, context):
                pass

    async def collect(self, name: str) -> None:
        """Collect a source into a blob."""
        from engine.collect import collect
        from engine.store import SourceMemory

        async with self._context(name) as context:
            collected = await collect(self.sources[name], context, self.blobs, None, "bench")
        assert collected.error is None, collected.error
        self.memory[name] = SourceMemory(name=name, kind="bench", complete=collected.manifest)

    async def judge(self, *names: str) -> dict[str, int]:
        """Judge checks together; findings are dropped, failures counted by check."""
        from engine.config import CheckConfig
        from engine.evaluate import Material, evaluate
        from engine.settings import CheckCommon

        configured = []
        for name in names:
            unit = self.units[name]
            joined = ("roster",) if unit.knows is not None and not unit.knows_own else ()
            common_keys = CheckCommon(check=name, sources=("entra", *joined))
            configured.append(CheckConfig(name, common_keys, unit.policy(), {}, unit, ("entra",), joined, ""))

        async def emit(_: str, __: Sequence[object], ___: Sequence[str]) -> None:
            await asyncio.sleep(0)

        results = await evaluate(configured, Material(self.memory, self.blobs), tenant.NOW, emit)
        unsure = [result.check for result in results if result.tally.unknown and result.check != "key_age"]
        assert not unsure, f"unknown: {unsure}; only owners of secrets are not told"
        return {result.check: result.tally.failed for result in results}

    async def read(self) -> None:
        """Read the directory's blob page by page."""
        from checks.model import codec

        for lines in self.blobs.open(self.memory["entra"].complete.blob):
            codec.decode_lines(lines)

    def _context(self, name: str) -> Any:
        from tests.support.context import lent_context

        return lent_context(self.folder, name=name, secrets={"env:C": "secret"}, deadline=timedelta(hours=1))


if __name__ == "__main__":
    main()
