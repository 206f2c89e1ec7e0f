"""What a pack is made from was all there at one instant: neither what came later is in it, nor half of what went."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from engine.config import Config
from engine.pack.gather import gathered, reading
from engine.port import PackQuery
from engine.store.opening import connect_reading
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven

DAY = timedelta(days=1)
PERIOD = PackQuery(since=NOW - DAY, until=NOW + DAY)


async def collected(folder: Path, later: timedelta = timedelta(0)) -> Config:
    """Collect and judge an account without a second factor; later it has one, and is judged again."""
    script = Script()
    script.tell(account("ana", source="idp", mfa=False))
    config = estate(folder, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])])
    async with driven(config, Clock()) as it:
        await it.run()
        if later:
            script.tell(account("ana", source="idp"))
            await it.run(later)
    return config


async def test_what_is_written_while_it_reads_is_not_in_it(tmp_path: Path) -> None:
    """Somebody drops all manifests between the changes and the manifests they cite: what was there is what is told."""
    config = await collected(tmp_path)
    path = config.state_dir / "store.sqlite"
    with closing(sqlite3.connect(path)) as writer, closing(connect_reading(path)) as reader:

        def meddle(statement: str) -> None:
            if "manifests" in statement:
                writer.execute("DELETE FROM manifests")
                writer.commit()

        reader.set_trace_callback(meddle)
        found = reading(reader, ["mfa"], PERIOD, config.state_dir / "evidence")
        reader.set_trace_callback(None)
        (left,) = reader.execute("SELECT count(*) FROM manifests").fetchone()

    assert left == 0
    assert (len(found.manifests), found.lost) == (1, [])


async def test_what_came_after_its_instant_is_not_in_it(tmp_path: Path) -> None:
    """An hour later there are a change, a manifest and entries of the chain more; a pack of before has none of them."""
    config = await collected(tmp_path, timedelta(hours=1))
    before, after = (gathered(config, PERIOD, at, "1") for at in (NOW, NOW + timedelta(hours=1)))

    assert [turn.at for turn in before.pasts[0].turns] == [NOW]
    assert [turn.at for turn in after.pasts[0].turns] == [NOW, NOW + timedelta(hours=1)]
    assert (len(before.manifests), len(after.manifests)) == (1, 2)
    assert 0 < len(before.links) < len(after.links)
    assert before.until == after.until == PERIOD.until
