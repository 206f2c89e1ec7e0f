"""Retention and whoever packs evidence keep out of each other's way."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from engine.config import Config
from engine.keeping import held, letting_go
from engine.store import StoreError
from tests.support.builders import account
from tests.support.denied import denied
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven


def test_while_blobs_are_held_none_may_go(tmp_path: Path) -> None:
    """Two may pack at once; once both have ended, retention goes on."""
    with held(tmp_path), held(tmp_path), letting_go(tmp_path) as free:
        assert free is False
    with letting_go(tmp_path) as free:
        assert free is True


def test_whoever_packs_waits_for_retention(tmp_path: Path) -> None:
    """It goes on when that ends, and is told when it does not."""
    done = threading.Event()

    def pack() -> None:
        with held(tmp_path):
            done.set()

    worker = threading.Thread(target=pack)
    with letting_go(tmp_path):
        with pytest.raises(StoreError, match="try again in a minute"), held(tmp_path, seconds=0.0):
            pass
        worker.start()
        assert not done.wait(0.2)
    worker.join(30)
    assert done.is_set()


def test_without_a_folder_there_is_nothing_to_hold(tmp_path: Path) -> None:
    """And none is made."""
    with held(tmp_path / "none"), letting_go(tmp_path / "none") as free:
        assert free is True
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """With the user who asks, and what next."""
    (tmp_path / "evidence").mkdir()
    with denied(tmp_path, "evidence") as folder, pytest.raises(StoreError, match="grant user id"), held(folder):
        pass


def changing(folder: Path, script: Script) -> Config:
    """Configure MFA coverage over one scripted source."""
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])


async def test_retention_lets_no_blob_go_while_a_pack_is_made(tmp_path: Path) -> None:
    """It tries again a minute later, and then lets go what it would have."""
    script, clock = Script(), Clock()
    async with driven(changing(tmp_path, script), clock) as it:
        for number in range(4):
            script.tell(account(f"u{number}", source="idp"))
            await it.run(timedelta(minutes=20))
        evidence = it.engine.blobs.root
        before = set(evidence.glob("*/*.gz"))
        clock.move(timedelta(days=5))
        with held(evidence):
            await it.engine.tick()
            kept = set(evidence.glob("*/*.gz"))
        await it.run(timedelta(minutes=2))
        await it.run(timedelta(minutes=2))
        after = set(evidence.glob("*/*.gz"))

    assert before <= kept
    assert len(before) == 4
    assert not before <= after
