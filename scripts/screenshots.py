"""Take the pictures of the docs from the demo estate: the real engine, drawn by the real screens.

Run it with ``make screenshots``. It waits until something is blind, as things break and heal in the demo.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import sources
from checks.model.state import BLIND
from cli.version import VERSION
from demo.estate import DEFAULT_ACCOUNTS, DEFAULT_SEED, Estate
from demo.running import running
from demo.story import telling
from engine.config import load
from engine.engine import Engine, utc_now
from engine.host import hosting
from engine.port import state_at
from tui.app import ControlwatchApp

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SIZE = (132, 43)
PATIENCE_SECONDS = 400


async def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        estate = Estate(DEFAULT_SEED, DEFAULT_ACCOUNTS, utc_now())
        async with running(estate, Path(folder), utc_now, kinds=sources.kinds()) as demo, telling(demo):
            config = load(demo.config)
            async with hosting(config, version=VERSION, demo=True, listen=False, watch=False) as hosted:
                stop = asyncio.Event()
                work = asyncio.create_task(hosted.engine.run(stop))
                await _until_something_is_blind(hosted.engine)
                await _pictures(ControlwatchApp(hosted.desk))
                stop.set()
                hosted.engine.wake()
                await work


async def _until_something_is_blind(engine: Engine) -> None:
    for _ in range(PATIENCE_SECONDS):
        await asyncio.sleep(1)
        snapshot, now = engine.snapshot, utc_now()
        states = [state_at(view, snapshot, now) for view in snapshot.checks] if snapshot is not None else []
        if snapshot is not None and (BLIND & set(states)) and (now - snapshot.started_at).total_seconds() > 20:
            return
    sys.stderr.write("nothing was blind in time; the pictures show the estate as it is\n")


async def _pictures(app: ControlwatchApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(2)
        _save(app, "overview")
        await pilot.press("1", "enter")
        await pilot.pause(1.5)
        _save(app, "family")
        await pilot.press("enter")
        await pilot.pause(1.5)
        _save(app, "finding")
        await pilot.press("0", "S")
        await pilot.pause(1.5)
        _save(app, "sources")


def _save(app: ControlwatchApp, name: str) -> None:
    (IMAGES / f"{name}.svg").write_text(app.export_screenshot(title="controlwatch demo"))


if __name__ == "__main__":
    asyncio.run(main())
