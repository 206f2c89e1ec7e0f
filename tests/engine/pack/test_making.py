"""An evidence pack is made whole into a file of its own, or not at all, and says what is missing."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from engine.config import Config
from engine.desk import Desk
from engine.keeping import PACKS
from engine.pack.making import LEFT_SECONDS, packed, room
from engine.port import PackQuery, PortFault, Reply
from engine.store import StoreError
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.denied import denied
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven

DAY = timedelta(days=1)
PERIOD = PackQuery(since=NOW - DAY, until=NOW + DAY)


async def collected(folder: Path) -> Config:
    """Collect and judge once; give the configuration."""
    script = Script()
    script.tell(account("ana", source="idp"))
    source = source_config("idp", scripted(script))
    config = estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])
    async with driven(config, Clock()) as it:
        await it.run()
    return config


def about(path: Path) -> dict[str, object]:
    """Read what a pack says for programs."""
    with zipfile.ZipFile(path) as made:
        name = next(each for each in made.namelist() if each.endswith("/pack.json"))
        found: dict[str, object] = json.loads(made.read(name))
        return found


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """Let no file grow past a size, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_blob_that_no_rule_let_go_is_missing_by_name(tmp_path: Path) -> None:
    """The answer names it, and so does the pack; one that retention let go is none of them."""
    config = await collected(tmp_path)
    [blob] = (config.state_dir / "evidence").glob("*/*.gz")
    whole = packed(config, PERIOD, NOW, "1", tmp_path)
    blob.unlink()
    lacking = packed(config, PERIOD, NOW, "1", tmp_path)
    with closing(sqlite3.connect(config.state_dir / "store.sqlite")) as raw:
        raw.execute("UPDATE blobs SET tombstoned_at = 0")
        raw.commit()
    let_go = packed(config, PERIOD, NOW, "1", tmp_path)

    named = f"blob sha256:{blob.name.removesuffix('.jsonl.gz')}"
    assert [made.holds for made in (whole, lacking, let_go)] == [True, False, True]
    assert (lacking.missing, lacking.missing_count) == ([named], 1)
    assert about(Path(lacking.path))["missing"] == [named]
    assert about(Path(let_go.path))["blobs"] == {"let go": 1}


async def test_a_manifest_that_a_change_cites_is_there_or_missing_by_name(tmp_path: Path) -> None:
    """One from before the period is packed too, and one that is gone from the store is told."""
    config = await collected(tmp_path)
    later = PackQuery(since=NOW + timedelta(minutes=1), until=NOW + DAY)
    with closing(sqlite3.connect(config.state_dir / "store.sqlite")) as raw:
        [(digest,)] = raw.execute("SELECT digest FROM manifests").fetchall()
        cited = packed(config, later, NOW + DAY, "1", tmp_path)
        raw.execute("DELETE FROM manifests")
        raw.commit()
    lost = packed(config, later, NOW + DAY, "1", tmp_path)

    assert (cited.manifests, cited.holds) == (1, True)
    assert (lost.manifests, lost.missing) == (0, [f"manifest {digest}"])


async def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    """The message says where and what next."""
    config = await collected(tmp_path)
    target = tmp_path / "out"
    target.mkdir()
    with closing(sqlite3.connect(config.state_dir / "store.sqlite")) as other:
        other.execute("SELECT count(*) FROM chain").fetchall()
        with no_room(2_000), pytest.raises(StoreError, match=rf"{target}: no evidence pack .*Nothing of it is left"):
            packed(config, PERIOD, NOW, "1", target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("name", ["store.sqlite", "evidence", "."])
async def test_a_state_folder_of_somebody_else_is_told(tmp_path: Path, name: str) -> None:
    """Whose it would have to be, in a sentence; nothing is made."""
    config = await collected(tmp_path / "home")
    target = tmp_path / "out"
    target.mkdir(mode=0o777)
    target.chmod(0o777)
    with denied(config.state_dir, name), pytest.raises(StoreError, match=r"cannot be read .*grant user id"):
        packed(config, PERIOD, NOW, "1", target)
    assert list(target.iterdir()) == []


async def test_a_state_folder_that_may_only_be_read_is_enough(tmp_path: Path) -> None:
    """While an engine holds the store open, an auditor of its group packs, and nothing is written beside it."""
    script = Script()
    script.tell(account("ana", source="idp"))
    config = estate(tmp_path, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])])
    (tmp_path / "other").mkdir()
    target = tmp_path / "out"
    target.mkdir()
    target.chmod(0o777)
    async with driven(config, Clock()) as it:
        await it.run()
        before = sorted(config.state_dir.rglob("*"))
        with denied(tmp_path, "other"):
            made = packed(config, PERIOD, NOW, "1", target)
        assert sorted(config.state_dir.rglob("*")) == before

    assert made.holds


async def reloaded() -> Reply:
    """Reload nothing."""
    return Reply(ok=True, message="")


async def test_an_engine_that_has_no_room_says_so(tmp_path: Path) -> None:
    """As a fault of the port, so that a screen tells it; nothing of the pack is left."""
    config = await collected(tmp_path)
    async with driven(config, Clock()) as it:
        desk = Desk(it.engine, reloaded)
        with no_room(2_000), pytest.raises(PortFault, match="no evidence pack can be made there"):
            await desk.pack(PERIOD)
        assert list((config.state_dir / PACKS).iterdir()) == []


async def test_a_pack_that_nobody_waits_for_is_removed(tmp_path: Path) -> None:
    """Whoever asked has gone; what was made meanwhile does not stay."""
    config = await collected(tmp_path)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))  # so that one can wait for what came before
    async with driven(config, Clock()) as it:
        asked = asyncio.create_task(Desk(it.engine, reloaded).pack(PERIOD))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await loop.run_in_executor(None, list)
        await asyncio.sleep(0)
        assert list((config.state_dir / PACKS).iterdir()) == []


def test_packs_that_nobody_took_are_removed(tmp_path: Path) -> None:
    """After an hour, when the next is asked for."""
    folder = room(tmp_path)
    old, young = folder / ".pack-old.zip", folder / ".pack-young.zip"
    old.touch()
    young.touch()
    os.utime(old, (0, old.stat().st_mtime - LEFT_SECONDS - 1))

    assert list(room(tmp_path).iterdir()) == [young]
    assert folder.stat().st_mode & 0o777 == 0o700
