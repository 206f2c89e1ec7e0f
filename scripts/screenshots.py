"""Take the pictures of the docs from the demo estate: the real engine, drawn by the real screens.

Run it with ``make screenshots``. The engine lives through the demo's last hour by a clock that does not wait, so
that there is a past to show, and stops at a moment of the story at which something is blind.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sources
from cli.version import VERSION
from demo.configured import Pace
from demo.estate import DEFAULT_ACCOUNTS, DEFAULT_SEED, Estate
from demo.running import Demo, running
from demo.story import Story, timetable
from engine.config import load
from engine.engine import Engine, utc_now
from engine.host import hosting
from tests.support.pictures import picture
from tui.app import ControlwatchApp
from tui.place import Place

IMAGES: Final = Path(__file__).parent.parent / "docs" / "images"
LARGE: Final = (160, 48)
SMALL: Final = (80, 24)
STEP: Final = timedelta(seconds=10)
PATIENCE_SECONDS: Final = 0.2
"""A source that is down asks again by the real clock; the story goes on meanwhile."""
LOOPS: Final = 5
"""Loops of the story that are over when the pictures are taken."""
MOMENT: Final = timedelta(minutes=4, seconds=20)
"""Into the next loop: the administrators' roles are hidden."""
SHOWN: Final[Sequence[tuple[str, tuple[int, int], Sequence[Place]]]] = (
    ("overview", LARGE, ()),
    ("overview-80x24", SMALL, ()),
    ("family", LARGE, (Place("family", "mfa"),)),
    ("sources", LARGE, (Place("sources", "okta-prod"),)),
    ("history", LARGE, (Place("history", "admin-mfa"),)),
    ("waivers", LARGE, (Place("waivers"),)),
    ("events", LARGE, (Place("events"),)),
)
TITLES: Final = {
    "overview": "The overview: what needs attention, worst first, the four families, what happened",
    "overview-80x24": "The overview in a terminal of 80×24",
    "family": "A family: its findings, and the selected one in detail",
    "finding": "A finding: why, what to do, evidence and the record as the source told it",
    "sources": "The sources: how old their data is, what is missing, what it costs",
    "history": "The past: a strip for each check, coverage and failures, gaps drawn as gaps",
    "waivers": "The waivers: in force, asked for, ended",
    "events": "The events: what changed, newest first",
}


@dataclass
class Hand:
    """A clock that is moved."""

    now: datetime

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now


async def main() -> None:
    """Live through the story, then take every picture."""
    IMAGES.mkdir(exist_ok=True)
    steps = _story_of(LOOPS, MOMENT)
    hand = Hand(utc_now() - steps[-1][0])
    with tempfile.TemporaryDirectory() as folder:
        estate = Estate(DEFAULT_SEED, DEFAULT_ACCOUNTS, hand.now)
        async with running(estate, Path(folder), hand, kinds=sources.kinds()) as demo:
            config = load(demo.config)
            async with hosting(config, version=VERSION, demo=True, listen=False, watch=False, clock=hand) as hosted:
                await _live(demo, hosted.engine, hand, steps)
                for name, size, places in SHOWN:
                    await _take(ControlwatchApp(hosted.desk, clock=hand, glyphs="unicode"), name, size, places)
                await _take_finding(ControlwatchApp(hosted.desk, clock=hand, glyphs="unicode"))


def _story_of(loops: int, moment: timedelta) -> list[tuple[timedelta, str]]:
    """Say what happens when, from the start on; the last has no name."""
    table = timetable(Pace(DEFAULT_ACCOUNTS))
    length = table[-1][0]
    told = [(loop * length + at, name) for loop in range(loops + 1) for at, name in table]
    end = loops * length + moment
    return [*((at, name) for at, name in told if at <= end), (end, "")]


async def _live(demo: Demo, engine: Engine, hand: Hand, steps: Sequence[tuple[timedelta, str]]) -> None:
    """Let the engine work through the story, step by step of the clock."""
    story, began, left = Story(demo), hand.now, list(steps)
    engine._phase = "live"  # as it is while it runs by itself
    while left:
        while left and left[0][0] <= hand.now - began:
            _, name = left.pop(0)
            if name:
                await story.step(name)
        await story.beat()
        await engine.tick()
        if engine.runner.tasks:
            await asyncio.wait(engine.runner.tasks.values(), timeout=PATIENCE_SECONDS)
        await engine.tick()
        hand.now += STEP
    sys.stderr.write(f"{(hand.now - began).total_seconds() / 60:.0f} minutes of the story are over\n")


async def _take(app: ControlwatchApp, name: str, size: tuple[int, int], places: Sequence[Place]) -> None:
    """Draw one screen."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        if places:
            app.stack.go(*places)
        await pilot.pause(0.5)
        _save(app, name)


async def _take_finding(app: ControlwatchApp) -> None:
    """Open the worst finding of the first family, as a person would."""
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.stack.go(Place("family", "mfa"))
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.5)
        _save(app, "finding")


def _save(app: ControlwatchApp, name: str) -> None:
    (IMAGES / f"{name}.svg").write_text(picture(app, TITLES[name]), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
