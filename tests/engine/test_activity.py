"""What is known of a source's runs: those of earlier engines too, and the times in which nobody looked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine.activity import RUNS_KEPT, Lately
from engine.config import Config
from engine.port import Silence
from engine.store import Ended, StoreFull
from sources.common.errors import Unreachable
from tests.support.builders import account, ago
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven

HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)


def one_check(folder: Path, script: Script) -> Config:
    """Configure MFA coverage over one scripted source."""
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])])


def test_the_runs_of_a_day_tell_how_long_they_take() -> None:
    """Half and 95 % of those that were complete; what ended more than a day before the latest is forgotten."""
    lately = Lately()
    assert lately.quantile(0.5) is None

    lately.note(ago("2d"), 99.0)
    for number in range(20):
        lately.note(ago("1h"), 1.0 + number)
    lately.note(NOW, None)

    assert (len(lately.ended), len(lately.took)) == (21, 20)
    assert (lately.quantile(0.5), lately.quantile(0.95)) == (11.0, 20.0)


def test_runs_that_are_kept_are_bounded() -> None:
    """A source that is asked every second does not fill the memory, and no more than what is kept counts as known."""
    lately = Lately()
    for number in range(RUNS_KEPT + 10):
        lately.note(NOW + number * timedelta(seconds=1), 0.5)

    assert len(lately.ended) == RUNS_KEPT
    assert lately.known_since(NOW + HOUR) == NOW + timedelta(seconds=10)


def test_what_is_more_than_a_day_old_by_now_is_forgotten() -> None:
    """A source that hangs is not shown with the runs that it held before."""
    lately = Lately()
    lately.note(NOW, 0.5)

    assert len(lately.at(NOW + 25 * HOUR).ended) == 0
    assert lately.took == []
    assert lately.known_since(NOW + 25 * HOUR) == NOW + HOUR


def test_a_time_in_which_nobody_looked_is_a_silence() -> None:
    """Between two runs, before the first of the day and up to now; not before the first run ever."""
    lately = Lately()
    assert lately.silences(NOW, HOUR) == []
    lately.recall(ago("3d"), [Ended(at=ago("20h"), seconds=1.0), Ended(at=ago("19h30m")), Ended(at=ago("10m"))])
    young = Lately()
    young.note(ago("30m"), 1.0)

    assert lately.silences(NOW, HOUR) == [
        Silence(start=NOW - DAY, end=ago("20h")),
        Silence(start=ago("19h30m"), end=ago("10m")),
    ]
    assert young.silences(NOW, HOUR) == []
    assert young.known_since(NOW) == ago("30m")


async def test_a_restart_forgets_no_run(tmp_path: Path) -> None:
    """The figures of the day are those before it; the time in which no engine ran is told as one."""
    script, clock = Script(), Clock()
    script.tell(account("ana", source="idp"))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        await it.run()
        for _ in range(3):
            await it.run(QUARTER)
        script.error = Unreachable("down")
        await it.run(QUARTER)
        script.error = None
        before = it.source()
    clock.move(5 * HOUR)
    async with driven(config, clock) as it:
        after = it.source()

    assert (before.runs_24h, before.complete_24h, before.known_since) == (5, 4, NOW)
    assert (after.runs_24h, after.complete_24h, after.known_since) == (5, 4, NOW)
    assert (after.p50_seconds, after.p95_seconds) == (before.p50_seconds, before.p95_seconds)
    assert (before.silences, after.silences) == ((), (Silence(start=NOW + HOUR, end=NOW + 6 * HOUR),))


async def test_a_run_that_could_not_be_stored_is_counted_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as one could be stored again: the figures are no better than the day was."""
    script, clock = Script(), Clock()
    script.tell(account("ana", source="idp"))
    config = one_check(tmp_path, script)
    async with driven(config, clock) as it:
        keep = it.engine.store.save_source

        async def full(*_: object) -> None:
            message = "no space left on the disk"
            raise StoreFull(message)

        await it.run()
        monkeypatch.setattr(it.engine.store, "save_source", full)
        await it.run(QUARTER)
        monkeypatch.setattr(it.engine.store, "save_source", keep)
        await it.run(QUARTER)
        before = it.source()
    async with driven(config, clock) as it:
        after = it.source()

    assert (before.runs_24h, before.complete_24h) == (3, 2)
    assert (after.runs_24h, after.complete_24h) == (3, 2)
