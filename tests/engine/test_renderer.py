"""The exposition of a real engine is whole, capped as configured, and says nothing that its snapshot does not."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from checks.model.doubt import Cause, members_gap
from checks.model.records import Account
from engine.config import Config
from engine.exposition import CAP, Exposition
from engine.metrics import render
from engine.port import Event
from engine.renderer import Renderer
from engine.settings import MetricsSettings
from sources.common.errors import Unreachable
from sources.common.source import Page
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven
from tests.support.series import Series, greens, samples_of, value

PRIVATE: Final = ("ana@example.org", "svc-ana", "db7.corp.example.org", "10.7.8.9", "corp\\ana", "Ana Luz")
OWN_CLOCKS: Final = (
    "started",
    "tick",
    "render",
    "snapshot",
    "lag",
    "judg",
    "process_",
    "build",
    "exposition",
    "next_run",
)
"""Parts of the names of series that a restart may change: times of its own and counts since the start."""


def two_checks(folder: Path, script: Script, *, max_series: int = CAP) -> Config:
    """Configure two checks over one scripted source."""
    configured = [check_config(name, name.replace("-", "_"), ["idp"]) for name in ("mfa-coverage", "stale-access")]
    config = estate(folder, [source_config("idp", scripted(script))], configured)
    return dataclasses.replace(config, metrics=MetricsSettings(max_series=max_series))


def enrolled(*idents: str) -> Sequence[Account]:
    """Build accounts that hold."""
    return [account(ident, source="idp", label=ident) for ident in idents]


async def rendered(renderer: Renderer) -> Series:
    """Render, and read back with the official parser."""
    await renderer.render()
    assert renderer.exposition is not None
    return read_back(renderer.exposition)


def read_back(exposition: Exposition) -> Series:
    """Read an exposition back with the official parser."""
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples_of(exposition.body)}


def checks_of(series: Series) -> set[str]:
    """Name the checks that any series has."""
    return {dict(labels).get("check", "") for _, labels in series} - {""}


async def test_the_configured_cap_is_honoured(tmp_path: Path) -> None:
    """``metrics.max_series`` is the cap of the exposition, and what it leaves out is told."""
    script = Script()
    script.tell(*enrolled("u1"))
    async with driven(two_checks(tmp_path, script, max_series=150), Clock()) as it:
        await it.run()
        renderer = Renderer(it.engine)
        series = await rendered(renderer)
    assert value(series, "exposition_series_cap") == 150
    assert len(series) <= 150
    assert (value(series, "exposition_series_dropped", reason="cap") or 0) > 0


async def test_the_second_rendering_says_what_the_first_one_took(tmp_path: Path) -> None:
    """Seconds of a rendering stand in the next one, and the first has none to tell."""
    async with driven(two_checks(tmp_path, Script()), Clock()) as it:
        renderer = Renderer(it.engine)
        first, second = await rendered(renderer), await rendered(renderer)
    assert value(first, "exposition_render_seconds") is None
    assert (value(second, "exposition_render_seconds") or 0) > 0


async def test_renderings_at_once_say_the_same(tmp_path: Path) -> None:
    """Two renderings that overlap do not disturb each other."""
    script = Script()
    script.tell(*enrolled("u1"))
    async with driven(two_checks(tmp_path, script), Clock()) as it:
        await it.run()
        renderer = Renderer(it.engine)
        for _ in range(5):
            await asyncio.gather(*(renderer.render() for _ in range(3)))
            assert renderer.exposition is not None
            assert checks_of(read_back(renderer.exposition)) == {"mfa-coverage", "stale-access"}
            assert it.engine.snapshot is not None
            alone = read_back(render(it.engine.snapshot, it.clock()))
            assert _steady(read_back(renderer.exposition)) == _steady(alone)


async def test_after_a_restart_the_first_exposition_is_whole(tmp_path: Path) -> None:
    """Before anything is asked or judged again, every state, count and time is as it was, and green is still proven."""
    script, clock = Script(), Clock()
    script.tell(*enrolled("u1", "u2", "u3"))
    config = two_checks(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        before = await rendered(Renderer(it.engine))
    asked = script.runs
    async with driven(config, clock) as it:
        after = await rendered(Renderer(it.engine))
        assert script.runs == asked
    assert greens(before, clock()) == greens(after, clock()) == {"mfa-coverage", "stale-access"}
    told = {name for name, _ in before if name.startswith("controlwatch_check_")}
    assert not {key for key in _steady(before) if key[0] in told} ^ {key for key in _steady(after) if key[0] in told}
    for key, number in _steady(before).items():
        if key[0] in told:
            assert after[key] == number, key


async def test_a_removed_check_disappears_at_once(tmp_path: Path) -> None:
    """The first rendering after a reload has nothing of a check that left."""
    script = Script()
    script.tell(*enrolled("u1"))
    config = two_checks(tmp_path, script)
    async with driven(config, Clock()) as it:
        await it.run()
        renderer = Renderer(it.engine)
        assert checks_of(await rendered(renderer)) == {"mfa-coverage", "stale-access"}
        left = {"mfa-coverage": config.checks["mfa-coverage"]}
        await it.engine.adopt(dataclasses.replace(config, checks=left))
        it.engine.publish()
        assert checks_of(await rendered(renderer)) == {"mfa-coverage"}


async def test_nobody_is_named_whatever_a_source_tells(tmp_path: Path) -> None:
    """Addresses, logins and host names in ids, labels, gaps and errors leave by no series, failing or held."""
    script, private = Script(), " ".join(PRIVATE)
    people = [
        account(name, source="idp", label=name, mfa=None if place % 2 else False, factors=())
        for place, name in enumerate(PRIVATE)
    ]
    async with driven(two_checks(tmp_path, script), Clock()) as it:
        renderer = Renderer(it.engine)
        script.pages = [Page(records=people, gaps=(members_gap(Cause.DENIED, private),))]
        await it.run()
        judged = await rendered(renderer)
        script.error = Unreachable(private)
        await it.run(step=it.engine.config.sources["idp"].every * 2)
        failing = await rendered(renderer)
        assert private in str(it.source().last_error)
    assert value(judged, "check_population", check="mfa-coverage") == len(PRIVATE)
    assert value(failing, "source_up") == 0
    for series in (judged, failing):
        text = " ".join(f"{name} {labels}" for (name, pairs) in series for labels in pairs).casefold()
        assert not [word for word in (*PRIVATE, "ana", "corp", "@") if word.casefold() in text]


async def test_a_change_is_rendered_before_the_fifteen_seconds_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that is published while the renderer waits is rendered next, and the engine's loop goes on."""
    monkeypatch.setattr("engine.renderer.RENDER_EVERY_SECONDS", 600.0)
    async with driven(two_checks(tmp_path, Script()), Clock()) as it:
        renderer = Renderer(it.engine)
        await renderer.render()
        first = renderer.exposition
        task = asyncio.get_running_loop().create_task(renderer.work())
        try:
            await asyncio.sleep(0)
            it.engine.publish()
            await other_than(renderer, first)
        finally:
            task.cancel()


async def test_a_heartbeat_is_not_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot in which nothing has happened since the one before waits for the fifteen seconds."""
    monkeypatch.setattr("engine.renderer.RENDER_EVERY_SECONDS", 600.0)
    monkeypatch.setattr("engine.renderer.RENDER_REST_SECONDS", 0.0)
    clock = Clock()
    async with driven(two_checks(tmp_path, Script()), clock) as it:
        renderer = Renderer(it.engine)
        it.engine.publish()
        task = asyncio.get_running_loop().create_task(renderer.work())
        try:
            first = await other_than(renderer, None)
            clock.move(timedelta(seconds=5))
            it.engine.publish()
            await asyncio.sleep(0.05)
            assert renderer.exposition is first
            it.engine.note(Event(at=clock(), kind="engine", what="clock", text="something"))
            it.engine.publish()
            await other_than(renderer, first)
        finally:
            task.cancel()


async def other_than(renderer: Renderer, before: Exposition | None) -> Exposition:
    """Wait until another exposition is there."""
    async with asyncio.timeout(60):
        while renderer.exposition is None or renderer.exposition is before:  # noqa: ASYNC110 - the renderer tells nobody
            await asyncio.sleep(0.01)
        return renderer.exposition


def _steady(series: Series) -> Series:
    return {key: number for key, number in series.items() if not any(part in key[0] for part in OWN_CLOCKS)}
