"""A configuration is read again when it changed or when somebody asks; half a file is no configuration."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from engine import config as configuration
from engine import reload as reloading_module
from engine.blobs import FolderBlobs
from engine.engine import Engine
from engine.reload import Reloader, too_much_gone
from engine.store import StoreFull
from engine.store.sqlite import open_sqlite
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import KEY
from tests.support.series import exposed, value

SOURCE: Final = '[sources.idp]\nkind = "okta"\nurl = "https://idp.example"\ntoken = "env:T"\n'


def check(name: str, unit: str = "mfa_coverage", more: str = "") -> str:
    """Write one configured check."""
    return f'\n[checks.{name}]\ncheck = "{unit}"\nsources = ["idp"]\n{more}\n'


RENAMED: Final = "".join(check(f"all-{number}", more=f'was = "mfa-{number}"') for number in range(5))
SIX: Final = SOURCE + "".join(check(f"mfa-{number}") for number in range(5)) + check("keys", "key_age")


@asynccontextmanager
async def reloading(folder: Path, text: str) -> AsyncIterator[tuple[Engine, Reloader]]:
    """Start an engine over a configuration of these words."""
    path = folder / "controlwatch.toml"
    path.write_text(text)
    config = configuration.load(path, "")
    config.state_dir.mkdir(mode=0o700, parents=True)
    store = open_sqlite(config.state_dir / "store.sqlite", subject_key=KEY)
    engine = Engine(config, store, FolderBlobs(config.state_dir / "evidence"), version="0", clock=Clock())
    try:
        await engine.start()
        yield engine, Reloader(engine)
    finally:
        await engine.stop()
        await store.close()


@pytest.mark.parametrize(
    ("text", "told", "taken_when_asked"),
    [
        pytest.param("", "has no checks any more, where 6 are in force", False, id="emptied"),
        pytest.param(SOURCE, "has no checks any more", False, id="cut off before the checks"),
        pytest.param(
            SIX[: SIX.index("[checks.keys]")], "no check of the family access any more (keys)", True, id="family"
        ),
        pytest.param(
            SOURCE + check("mfa-0") + check("keys", "key_age"), "is without 4 of the 6 checks", True, id="most of them"
        ),
    ],
)
async def test_a_file_that_lost_much_is_refused_unless_somebody_asks(
    tmp_path: Path, text: str, told: str, *, taken_when_asked: bool
) -> None:
    """The last good one stays in force, and the screen and the metrics say so, until it is put back or asked for."""
    async with reloading(tmp_path, SIX) as (engine, reloader):
        good = engine.config
        good.path.write_text(text)
        replies = [await reloader.reload(asked=False) for _ in range(2)]
        assert [reply.ok for reply in replies] == [False, False]
        assert told in replies[-1].message
        assert engine.config is good
        engine.publish()
        assert engine.snapshot is not None
        assert engine.snapshot.config_error == replies[-1].message
        assert value(exposed(engine.snapshot), "config_last_reload_successful") == 0
        assert engine.events[0].text == f"refused: {replies[-1].message}"

        assert (await reloader.reload()).ok is taken_when_asked
        good.path.write_text(SIX)
        assert (await reloader.reload(asked=False)).ok
        assert list(engine.config.checks) == list(good.checks)
        assert engine.doings.config_error is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SIX.replace(check("mfa-1"), ""), id="one check less"),
        pytest.param(SIX.replace(check("mfa-1") + check("mfa-2") + check("mfa-3"), ""), id="three of six"),
        pytest.param(SOURCE + RENAMED + check("keys", "key_age"), id="renamed"),
        pytest.param(SIX + check("dormant", "stale_access"), id="one more"),
    ],
)
async def test_a_file_that_lost_little_is_taken_by_itself(tmp_path: Path, text: str) -> None:
    """Most changes are meant; a check that has another name is still there."""
    async with reloading(tmp_path, SIX) as (engine, reloader):
        engine.config.path.write_text(text)

        assert (await reloader.reload(asked=False)).ok
        assert set(engine.config.checks) == set(configuration.load(engine.config.path, "").checks)


async def test_a_changed_file_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the watch finds changed is held to more than what somebody asks for."""
    monkeypatch.setattr("engine.reload.WATCH_SECONDS", 0.01)
    async with reloading(tmp_path, SIX) as (engine, reloader):
        good = engine.config
        watching = asyncio.ensure_future(reloader.watch())
        good.path.write_text(SOURCE + check("keys", "key_age"))
        await _until(lambda: engine.doings.config_error is not None)
        assert engine.config is good
        good.path.write_text(SIX)
        os.utime(good.path, ns=(1, 1))
        await _until(lambda: engine.doings.config_error is None)
        watching.cancel()
        await asyncio.wait([watching])


async def _until(holds: Callable[[], bool]) -> None:
    """Wait for what a watch finds out."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a file is watched by looking at it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        pytest.param([], [], False, id="there were none"),
        pytest.param(["a"], [], True, id="the only one"),
        pytest.param(["a", "b", "c"], ["c"], False, id="two of three"),
        pytest.param(["a", "b", "c", "d"], ["d"], False, id="three of four"),
        pytest.param(["a", "b", "c", "d", "e"], ["e"], True, id="four of five"),
        pytest.param(list("abcdefgh"), list("efgh"), False, id="four of eight"),
        pytest.param(list("abcdefgh"), list("fgh"), True, id="five of eight"),
        pytest.param(list("abcd"), list("wxyz"), True, id="all exchanged"),
    ],
)
def test_more_than_half_of_more_than_three_is_much(
    tmp_path: Path, before: Sequence[str], after: Sequence[str], *, refused: bool
) -> None:
    """A few checks may go at once, and half of many."""
    source = source_config("idp", scripted(Script()))
    was, now = (
        estate(tmp_path, [source], [check_config(name, "mfa_coverage", ["idp"]) for name in names])
        for names in (before, after)
    )

    assert (too_much_gone(was, now, asked=False) is not None) is refused


async def test_what_the_disk_refused_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload that could not be stored says so, and comes into force by itself once it can be."""
    monkeypatch.setattr(reloading_module, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(reloading_module, "AGAIN_SECONDS", 0.05)
    async with reloading(tmp_path, SIX) as (engine, reloader):
        real = engine.store.reconfigure

        async def full(*_: object) -> None:
            message = "no space left on the disk"
            raise StoreFull(message)

        monkeypatch.setattr(engine.store, "reconfigure", full)
        engine.config.path.write_text(SIX.replace("mfa-0", "mfa-9"))
        reply = await reloader.reload(asked=True)
        assert not reply.ok
        assert "not in force: no space left on the disk; it is tried again every minute" in reply.message
        assert "mfa-0" in engine.config.checks

        monkeypatch.setattr(engine.store, "reconfigure", real)
        in_force = asyncio.Event()
        monkeypatch.setattr(engine, "note", lambda *_: in_force.set())
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            watching = group.create_task(reloader.watch())
            await in_force.wait()
            watching.cancel()
        assert engine.doings.config_error is None
        assert "mfa-9" in engine.config.checks


async def test_two_reloads_at_once_tell_the_same(tmp_path: Path) -> None:
    """Editing the file and asking for a reload are one change, whichever of them comes first."""
    async with reloading(tmp_path, SIX) as (engine, reloader):
        less = SIX[: SIX.index("[checks.keys]")]
        engine.config.path.write_text(less)
        replies = await asyncio.gather(reloader.reload(asked=True), reloader.reload(asked=False))

        assert [reply.ok for reply in replies] == [True, True]
        assert engine.doings.config_error is None
        assert [link.kind for link in await engine.store.links()].count("retire") == 1
