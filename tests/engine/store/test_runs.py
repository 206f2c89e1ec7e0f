"""How the runs of a source ended is told of a day, those of an earlier engine too."""

from __future__ import annotations

from datetime import timedelta

from engine.evidence import Manifest
from engine.store import Ended, Runs, SourceMemory
from engine.store.sqlite import SqliteStore
from tests.support.clock import NOW

HOUR = timedelta(hours=1)


def ended(hours: float, *, complete: bool = True, source: str = "idp") -> Manifest:
    """Build the manifest of a run that took 90 seconds and ended so many hours ago."""
    at = NOW - hours * HOUR
    start = at - timedelta(seconds=90)
    return Manifest(
        source=source, kind="okta", started_at=start, finished_at=at, as_of=start, complete=complete, blob="sha256:ab"
    )


async def test_runs_are_told_of_a_day_with_the_first_ever(store: SqliteStore) -> None:
    """Complete ones with their seconds, oldest first; a source that never ran is not among them."""
    for one in (ended(50), ended(23), ended(1, complete=False), ended(0.5, source="aws")):
        await store.save_source(SourceMemory(name=one.source), one, (), ())
    await store.save_source(SourceMemory(name="never"), None, (), ())

    found = await store.runs(NOW - 24 * HOUR)

    assert found == {
        "aws": Runs(first=NOW - 0.5 * HOUR, ended=[Ended(at=NOW - 0.5 * HOUR, seconds=90.0)]),
        "idp": Runs(
            first=NOW - 50 * HOUR, ended=[Ended(at=NOW - 23 * HOUR, seconds=90.0), Ended(at=NOW - HOUR, seconds=None)]
        ),
    }
