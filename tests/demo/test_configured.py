"""The demo's pace leaves room for a sweep, and its waivers waive something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import sources
from demo.configured import Pace
from demo.estate import DEFAULT_ACCOUNTS, FEWEST, MOST, Estate
from demo.running import running
from engine.config import load
from engine.waivers import load as load_waivers


@pytest.mark.parametrize("accounts", [FEWEST, DEFAULT_ACCOUNTS, 20_000, MOST])
def test_a_sweep_fits_into_its_interval_with_room_to_spare(accounts: int) -> None:
    """At 450 requests a second, half of what two shared cores did, every sweep ends before the next is due."""
    pace = Pace(accounts)
    assert pace.every > timedelta(seconds=accounts / 450)
    assert pace.max_age >= 2 * pace.every
    assert pace.outage > pace.max_age


async def test_the_waivers_are_well_formed_and_live(tmp_path: Path) -> None:
    """Each waiver of the demo is in force, two people stand behind it, and the configuration knows its check."""

    def clock() -> datetime:
        return datetime.now(UTC)

    async with running(Estate(1, FEWEST, clock()), tmp_path, clock, kinds=sources.kinds()) as demo:
        config = load(demo.config)
        waivers = load_waivers(tmp_path / "waivers.toml", config.checks)
    assert list(waivers.faults) == []
    assert {waiver.written.check for waiver in waivers.waivers} == {"api-keys", "app-secrets", "internal-tls"}
    assert all(waiver.live(clock()) for waiver in waivers.waivers)
