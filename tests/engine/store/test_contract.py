"""What every store keeps: memories over restarts, the chain, evidence and its retention."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome
from checks.model.state import State
from engine.evidence import Manifest, digest_of, manifest_bytes
from engine.port import Event, Query
from engine.store import Chained, Reconfigured, SourceMemory, Store
from engine.store.instants import stored
from engine.store.sqlite import SqliteStore
from tests.engine.store.conftest import Opener
from tests.support.clock import NOW
from tests.support.judging import CHECK, ROOT, finding, judge, manifest, memory
from tests.support.servers import needs

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENT = Event(at=NOW, kind="state", what=CHECK, text="new → fail", state=State.FAIL)
ENTRY = Chained(kind="transition", body=b'{"check":"workforce-mfa","to":"fail"}')


def digest(item: Manifest) -> str:
    """Give a manifest's digest."""
    return digest_of(manifest_bytes(item))


def told(item: object) -> bytes:
    """Give what a struct says; a decoded sequence is a list, a built one may be a tuple."""
    return msgspec.json.encode(item, order="deterministic")


async def collect(store: Store, item: Manifest, *, remember: bool = False) -> str:
    """Save a run that brought a manifest; give its blob. The source's memory holds it only with ``remember``."""
    await store.save_source(SourceMemory(name=item.source, complete=item if remember else None), item, (), ())
    return item.blob


async def test_a_restart_keeps_everything(opener: Opener) -> None:
    """Memories, findings, events, manifests, counts and the chain are the same after the store was opened anew."""
    store = opener()
    gap = Gap(source="okta-prod", cause=Cause.DENIED, kind="facts", fields=("account.mfa",), detail="read it")
    source = SourceMemory(name="okta-prod", kind="okta", complete=manifest(), last_gaps=(gap,), baseline={"account": 1})
    await store.save_source(source, manifest(), (EVENT,), (Chained(kind="manifest", body=b"{}"),))
    remembered = memory(manifests=(digest(manifest()),), next_due=NOW + DAY, state_since=NOW)
    await judge(store, [finding("ana"), finding("ben")], remembered=remembered, events=(EVENT,), chain=(ENTRY,))
    before = (await store.load(), await store.rows(Query(), NOW), await store.links(), await store.counts(NOW))
    await store.close()
    store = opener()
    after = (await store.load(), await store.rows(Query(), NOW), await store.links(), await store.counts(NOW))
    assert after == before
    loaded = after[0]
    assert told([loaded.sources, loaded.checks]) == told([{"okta-prod": source}, {CHECK: remembered}])
    assert told(await store.manifests([digest(manifest())])) == told([(digest(manifest()), manifest())])
    assert [entry.kind for entry in after[2]] == ["manifest", "finding", "transition"]
    await store.close()


async def test_a_state_that_changed_by_the_clock_is_remembered(store: Store) -> None:
    """Saving a check alone keeps its memory and event, and touches no finding."""
    await judge(store, [finding()])
    stale = memory(state=State.STALE, state_since=NOW + DAY)
    await store.save_check(stale, (EVENT,), (ENTRY,))
    loaded = await store.load()
    assert told([loaded.checks[CHECK], loaded.events[0]]) == told([stale, EVENT])
    assert (await store.rows(Query(), NOW)).total == 1


async def test_events_come_newest_first_and_at_most_200(store: Store) -> None:
    """The latest 200 events are loaded, newest first."""
    await store.append((), [Event(at=NOW, kind="engine", what="engine", text=str(number)) for number in range(250)])
    events = (await store.load()).events
    assert [event.text for event in events] == [str(number) for number in range(249, 49, -1)]


async def test_counts_tell_opened_and_resolved_by_check(store: Store) -> None:
    """Since an instant, so many findings were opened and so many resolved, by check."""
    await judge(store, [finding("old"), finding("gone")], NOW - 2 * DAY)
    await judge(store, [finding("old"), finding("new")], NOW)
    assert await store.counts(NOW - DAY) == {CHECK: (1, 1)}


async def test_retired_findings_are_never_resolved(store: Store) -> None:
    """Findings of a removed check or source leave every view without being resolved, and their memory goes."""
    await collect(store, manifest())
    await judge(store, [finding("ana")])
    await judge(store, [finding("set", subject="dumps/nightly")], check="backups")
    await store.reconfigure(Reconfigured(gone_checks=[CHECK], gone_sources=["dumps"]), NOW + HOUR)
    assert (await store.rows(Query(view="all"), NOW)).total == 0
    assert await store.counts(NOW - DAY) == {}
    loaded = await store.load()
    assert (list(loaded.checks), list(loaded.sources)) == (["backups"], ["okta-prod"])
    row = await store.row(1, NOW)
    assert row is not None
    assert row.resolved_at is None
    assert [event.text.partition(":")[0] for event in await store.history(1)] == ["retired", "opened"]


async def test_a_check_that_returns_does_not_gain_time(store: Store) -> None:
    """Removing a check and adding it again moves neither first sight nor due date of what it finds."""
    month = timedelta(days=30)
    await judge(store, [finding()], remediate_within=month)
    await store.reconfigure(Reconfigured(gone_checks=[CHECK]), NOW + HOUR)
    diff = await judge(store, [finding()], NOW + DAY, remediate_within=month)
    [row] = (await store.rows(Query(), NOW + DAY)).rows
    assert (diff.opened, diff.regressed, row.first_seen, row.due) == (1, 0, NOW, NOW + month)


async def test_an_acknowledgement_is_evidence_without_names(store: SqliteStore) -> None:
    """It shows on the row; the chain holds keyed hashes alone; one of a finding that is gone is refused."""
    await judge(store, [finding()])
    assert await store.ack(1, "ticket 7, Ana is told", "lee", NOW)
    assert not await store.ack(99, "no such", "lee", NOW)
    [row] = (await store.rows(Query(), NOW)).rows
    assert (row.acked, row.acked_by) == ("ticket 7, Ana is told", "lee")
    body = (await store.links())[-1].body
    assert not any(name in body for name in (b"lee", b"ana", b"Ana", b"ticket"))


async def test_only_changes_reach_the_chain(store: SqliteStore) -> None:
    """A judgement that changed nothing adds no entry; one that did adds one, with counts and no subject's name."""
    await judge(store, [finding("ana"), finding("ben")])
    await judge(store, [finding("ana"), finding("ben")], NOW + HOUR)
    await judge(store, [finding("ana")], NOW + 2 * HOUR)
    bodies = [entry.body for entry in await store.links()]
    assert [json.loads(body)["changes"] for body in bodies] == [{"opened": 2}, {"resolved": 1}]
    assert not any(b"ana" in body for body in bodies)


async def test_the_digest_of_changes_can_be_told_from_history(opener: Opener, tmp_path: Path) -> None:
    """The query of the documentation gives the lines that a ``finding`` entry's digest covers."""
    store = opener()
    await judge(store, [finding("ana"), finding("ben"), finding("cid")])
    await judge(store, [finding("dan"), finding("ben", outcome=Outcome.WARN)], NOW + HOUR)
    body = json.loads((await store.links())[-1].body)
    await store.close()
    page = (ROOT / "docs" / "evidence.md").read_text()
    query = page.partition("```sql\n")[2].partition("```")[0].replace(":now", str(stored(NOW + HOUR)))
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        lines = "".join(f"{line}\n" for (line,) in raw.execute(query))
    raw.close()
    assert body["changes"] == {"opened": 1, "changed": 1, "resolved": 2}
    assert digest_of(lines.encode()) == body["digest"]


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        ("UPDATE chain SET body = replace (body, 'fail', 'pass') WHERE seq = 2", 2),
        ("DELETE FROM chain WHERE seq = 2", 2),
        ("DELETE FROM chain WHERE seq = 3", 3),
    ],
)
async def test_tampering_with_the_file_is_found(opener: Opener, tmp_path: Path, tamper: str, first_bad: int) -> None:
    """The file refuses to change or drop an entry; whoever removes that guard is found out by the chain."""
    store = opener()
    await store.append([ENTRY, ENTRY, ENTRY])
    assert (await store.verify()).entries == 3
    await store.close()
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(tamper)
        raw.executescript(f"DROP TRIGGER chain_refuses_update; DROP TRIGGER chain_refuses_delete; {tamper}")
    raw.close()
    store = opener()
    assert (await store.verify()).first_bad == first_bad
    await store.close()


async def test_an_auditor_can_check_the_chain_with_standard_tools(opener: Opener, tmp_path: Path) -> None:
    """The command of the documentation, run in a shell, gives the hash that the entry has."""
    store = opener()
    await store.append([ENTRY, ENTRY])
    await store.close()
    frame = (
        "SELECT lower (hex (prev)) || char (10) || seq || char (10) || kind || char (10) || at || char (10) || body"
        " FROM chain WHERE seq = 2"
    )
    command = f"{needs('sqlite3', package='sqlite3')} '{tmp_path}/store.sqlite' \"{frame}\" | head -c -1 | sha256sum"
    done = await asyncio.to_thread(
        subprocess.run, ["/bin/sh", "-c", command], capture_output=True, text=True, check=True
    )
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        [(expected,)] = raw.execute("SELECT lower (hex (hash)) FROM chain WHERE seq = 2")
    raw.close()
    assert done.stdout.split()[0] == expected


async def test_people_are_named_in_one_table(opener: Opener, tmp_path: Path) -> None:
    """Subject and label stand in ``subjects`` alone: every other table of the file is without them."""
    store = opener()
    await judge(store, [finding("ana")], events=(EVENT,), chain=(ENTRY,))
    await store.close()
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        naming = {table for table in tables for row in raw.execute(f"SELECT * FROM {table}") if "ana" in str(row)}  # noqa: S608 - our own table names
    raw.close()
    assert naming == {"subjects"}


async def test_a_forgotten_subject_leaves_a_chain_that_verifies(store: SqliteStore) -> None:
    """Its name and facts go, its finding stays under a hash, its source's blobs are named for letting go."""
    blob = await collect(store, manifest())
    await judge(store, [finding("ana")])
    assert await store.forget("okta-prod/ana") == [blob]
    [row] = (await store.rows(Query(), NOW)).rows
    assert "ana" not in str(row)
    assert (await store.verify()).first_bad is None
    assert (await judge(store, [finding("ana")], NOW + HOUR)).opened == 0


class TestRetention:
    """Which blobs are let go, and when."""

    LONG_AGO = NOW - 10 * DAY

    async def test_young_blobs_stay(self, store: Store) -> None:
        """Nothing of the last 72 hours is let go."""
        for hour in range(3):
            await collect(store, manifest(at=NOW - 71 * HOUR + hour * HOUR, body=b"%d\n" % hour))
        assert await store.unused_blobs(NOW) == []

    async def test_the_last_of_a_day_stays(self, store: Store) -> None:
        """Of each source and day the last blob stays: a complete one if there is any."""
        first = await collect(store, manifest(at=self.LONG_AGO, body=b"1\n"))
        await collect(store, manifest(at=self.LONG_AGO + HOUR, body=b"2\n"))
        partial = await collect(store, manifest(at=self.LONG_AGO + 2 * HOUR, body=b"3\n", complete=False))
        await collect(store, manifest("other", at=self.LONG_AGO, body=b"4\n"))
        assert sorted(await store.unused_blobs(NOW)) == sorted([first, partial])

    async def test_what_is_in_use_stays(self, store: Store) -> None:
        """The blob of a source's latest collection, and of what a check's result cites, stay however old they are."""
        old, cited = manifest(at=NOW - 600 * DAY, body=b"1\n"), manifest("x", at=NOW - 600 * DAY, body=b"2\n")
        await collect(store, old, remember=True)
        await collect(store, cited)
        await judge(store, [], NOW - 600 * DAY, remembered=memory(manifests=(digest(cited),)))
        assert await store.unused_blobs(NOW) == []

    @pytest.mark.parametrize(
        ("state", "found", "stays"),
        [(State.PASS, [finding()], True), (State.FAIL, [], True), (State.PASS, [], False)],
        ids=["first failure", "transition", "nothing new"],
    )
    async def test_what_lies_under_a_change_stays(
        self,
        store: Store,
        state: State,
        found: list[object],
        *,
        stays: bool,
    ) -> None:
        """A blob under a transition or a first failure stays after its check cites another."""
        under = manifest(at=self.LONG_AGO, body=b"1\n")
        blob = await collect(store, under)
        await collect(store, manifest(at=self.LONG_AGO + HOUR, body=b"2\n"))
        await judge(store, [], self.LONG_AGO - HOUR, remembered=memory(state=State.PASS))
        opened = [finding() for _ in found]
        await judge(store, opened, self.LONG_AGO, remembered=memory(state=state, manifests=(digest(under),)))
        await judge(store, opened, NOW, remembered=memory(state=state))
        assert (blob not in await store.unused_blobs(NOW)) == stays

    async def test_nothing_stays_past_550_days(self, store: Store) -> None:
        """Blobs name people: past 550 days the day's last goes too."""
        blob = await collect(store, manifest(at=NOW - 551 * DAY))
        assert await store.unused_blobs(NOW) == [blob]

    async def test_a_tombstone_is_no_candidate(self, store: Store) -> None:
        """A blob that was let go is not named again, its manifest stays, and the same bytes may come back."""
        item = manifest(at=NOW - 551 * DAY)
        blob = await collect(store, item)
        await store.tombstone([blob], NOW)
        assert await store.unused_blobs(NOW) == []
        assert told(await store.manifests([digest(item)])) == told([(digest(item), item)])
        await collect(store, item)
        assert await store.unused_blobs(NOW) == [blob]


async def test_a_day_tells_how_long_nobody_looked(opener: Opener, tmp_path: Path) -> None:
    """The daily roll-up counts judgements and holds the longest gap between two; single runs go after 72 hours."""
    store = opener()
    for hours in (0, 1, 9, 10):
        await judge(store, [], NOW + hours * HOUR, remembered=memory(now=NOW + hours * HOUR))
    await judge(store, [], NOW + 5 * DAY)
    await store.close()
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        days = raw.execute("SELECT day, held, conclusive, longest_gap / 3600000000 FROM rollup").fetchall()
        runs = raw.execute("SELECT count(*) FROM runs").fetchone()
        transitions = raw.execute("SELECT count(*) FROM transitions").fetchone()
    raw.close()
    assert days == [("2026-11-21", 4, 4, 8), ("2026-11-26", 1, 1, 110)]
    assert (runs, transitions) == ((1,), (1,))
