"""An engine whose evidence is watched, and hands that meddle with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from engine.config import Config
from engine.engine import Engine
from engine.port import Snapshot
from tests.support.builders import account
from tests.support.estate import Script, check_config, estate, scripted, source_config
from tests.support.running import Driven

UNGUARDED = "DROP TRIGGER chain_refuses_update; DROP TRIGGER chain_refuses_delete;"


def config(folder: Path) -> Config:
    """Configure MFA coverage over one source that tells an account without a second factor."""
    script = Script()
    script.tell(account("ana", source="idp"), account("bea", source="idp", mfa=False, factors=()))
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])


async def after(it: Driven, step: timedelta = timedelta(0)) -> Snapshot:
    """Let time pass, and all that is due then end."""
    await it.run(step)
    await it.engine.custody.settle()
    it.engine.publish()
    assert it.engine.snapshot is not None
    return it.engine.snapshot


def write(config: Config, *scripts: str) -> None:
    """Write into the store's file as whoever owns it can."""
    with closing(sqlite3.connect(config.state_dir / "store.sqlite")) as raw:
        raw.executescript("".join(scripts))


def told(engine: Engine, what: str) -> list[str]:
    """Give what events of the engine said of one thing, oldest first."""
    return [event.text for event in reversed(engine.events) if (event.kind, event.what) == ("engine", what)]
