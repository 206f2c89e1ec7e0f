"""Files are backups of one set, dated by the older of name and last change, and an unreadable folder is never empty."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from checks.model.records import Backup, BackupSet
from checks.model.units import rfc3339
from sources.common.errors import Refused, SourceError, Unconfigured, Unreachable
from sources.common.settings import from_toml
from sources.files import SOURCE, Config
from tests.support.clock import NOW
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.denied import denied

HOUR = timedelta(hours=1)
NIGHT = NOW - 3 * HOUR
"""When last night's dump was written: 2026-11-21 02:30 UTC."""


def config(pattern: str = "dumps/*.sql", **keys: object) -> Config:
    """Build a configuration as the engine does."""
    return msgspec.convert({"set": "nightly", "pattern": pattern, **keys}, Config, dec_hook=from_toml)


def put(folder: Path, name: str, at: datetime = NIGHT, content: bytes = b"dump") -> Path:
    """Write a file that was last changed at an instant."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


async def told(folder: Path, settings: Config) -> Collected:
    """Collect once."""
    async with lent_context(folder, name="dumps") as ctx:
        return await collect(SOURCE.fetch(settings, ctx))


def backups(collected: Collected) -> Mapping[str, Backup]:
    """Give the backups by id."""
    return {one.id: one for one in collected.records if isinstance(one, Backup)}


async def test_every_matching_file_is_a_backup_of_the_declared_set(tmp_path: Path) -> None:
    """The set comes with its count and objective, and each file with its size, time and depth."""
    put(tmp_path, "dumps/b.sql")
    put(tmp_path, "dumps/a.sql", NIGHT - 24 * HOUR)
    put(tmp_path, "dumps/readme.txt")
    collected = await told(tmp_path, config(rpo="26h", grace="2h"))
    assert collected.of(BackupSet) == [
        BackupSet(
            id="nightly",
            source="dumps",
            label="nightly",
            declared=True,
            backups=2,
            unreadable=0,
            rpo_seconds=93_600.0,
            grace_seconds=7_200.0,
        ),
    ]
    assert backups(collected)["b.sql"] == Backup(
        id="b.sql",
        source="dumps",
        label="b.sql",
        set="nightly",
        started_at=NIGHT,
        finished_at=NIGHT,
        status="complete",
        size_bytes=4,
        depth="exists",
    )
    assert collected.pages[0].claimed == len(collected.records) == 3


async def test_a_folder_without_a_match_is_told_to_hold_no_backup(tmp_path: Path) -> None:
    """A declared set that the folder does not hold is a subject with nothing, not an absent one."""
    put(tmp_path, "dumps/other.txt")
    collected = await told(tmp_path, config())
    described = collected.of(BackupSet)
    assert [(one.backups, one.declared) for one in described if isinstance(one, BackupSet)] == [(0, True)]
    assert backups(collected) == {}


@pytest.mark.parametrize(
    ("pattern", "error", "words"),
    [
        pytest.param("nowhere/*.sql", Unconfigured, "nowhere is not there", id="a folder that is missing"),
        pytest.param("dumps/a.sql/*", Unconfigured, "through a file", id="a file in the place of the folder"),
    ],
)
async def test_a_folder_that_is_not_there_is_no_empty_set(
    tmp_path: Path, pattern: str, error: type[SourceError], words: str
) -> None:
    """Nothing is told of a folder that cannot be listed."""
    put(tmp_path, "dumps/a.sql")
    with pytest.raises(error, match=words):
        await told(tmp_path, config(pattern))


@pytest.mark.parametrize("closed", ["dumps", "dumps/inner"])
async def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, closed: str) -> None:
    """A folder anywhere in the walk that may not be read ends the run, since the newest file may be inside."""
    put(tmp_path, "dumps/inner/a.sql")
    async with lent_context(tmp_path) as ctx:
        with denied(tmp_path, closed), pytest.raises(Refused, match="grant read access"):
            await collect(SOURCE.fetch(config("dumps/**/*.sql"), ctx))


MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DATES = [
    pytest.param("db-2026-11-20.sql", "2026-11-20T22:15:00Z", "2026-11-20T22:15:00Z", id="day, changed within it"),
    pytest.param("db-2026-11-20.sql", "2026-11-21T02:30:00Z", "2026-11-20T00:00:00Z", id="day, refreshed by a copy"),
    pytest.param("db-2026-11-21.sql", "2026-11-18T01:00:00Z", "2026-11-18T01:00:00Z", id="name newer than its content"),
    pytest.param("20261120T0203Z.sql", "2026-11-21T02:30:00Z", "2026-11-20T02:03:00Z", id="compact, UTC"),
    pytest.param("x_20261120020304.sql", "2026-11-21T02:30:00Z", "2026-11-20T02:03:04Z", id="fourteen digits"),
    pytest.param("2026-11-20_02-03-00.sql", "2026-11-21T02:30:00Z", "2026-11-20T02:03:00Z", id="dashes all over"),
    pytest.param(
        "2026-11-20T02:03+09:00.sql", "2026-11-21T02:30:00Z", "2026-11-19T17:03:00Z", id="an offset of +09:00"
    ),
    pytest.param("2031-01-01.sql", "2026-11-21T02:30:00Z", "2026-11-21T02:30:00Z", id="a year that has not come"),
    pytest.param("2026-11-01_to_2026-11-20.sql", "2026-11-21T02:30:00Z", "2026-11-01T00:00:00Z", id="the older of two"),
    pytest.param("2026/11/20/db.sql", "2026-11-21T02:30:00Z", "2026-11-20T00:00:00Z", id="in the folders"),
    pytest.param("db-2026-02-30.sql", "2026-11-21T02:30:00Z", "2026-11-21T02:30:00Z", id="no such day"),
    pytest.param("db-1234567890123.sql", "2026-11-21T02:30:00Z", "2026-11-21T02:30:00Z", id="digits that are no date"),
    pytest.param("db.sql", "2031-01-01T00:00:00Z", "2031-01-01T00:00:00Z", id="a future file time, as it is"),
]


@pytest.mark.parametrize(("name", "changed", "expected"), DATES)
async def test_the_older_of_name_and_last_change_dates_the_data(
    tmp_path: Path, name: str, changed: str, expected: str
) -> None:
    """A copy refreshes the time of a file, and a name may lie: the age never comes out too young."""
    put(tmp_path, f"dumps/{name}", datetime.fromisoformat(changed))
    [backup] = backups(await told(tmp_path, config("dumps/**/*.sql"))).values()
    assert backup.started_at is not None
    assert (rfc3339(backup.started_at), backup.status) == (expected, "complete")


CHOSEN = [
    pytest.param("name", "UTC", "db-2026-11-20T0100Z.sql", "2026-11-20T01:00:00Z", id="name"),
    pytest.param("name", "UTC", "db.sql", None, id="name without a date"),
    pytest.param("mtime", "UTC", "db-2026-11-20.sql", "2026-11-21T02:30:00Z", id="mtime"),
    pytest.param(
        "auto", "Europe/Berlin", "db-2026-11-20_0100.sql", "2026-11-20T00:00:00Z", id="a naive time in a zone"
    ),
    pytest.param("%d%m%Y-%H%M", "Europe/Berlin", "db-20112026-0203.sql", "2026-11-20T01:03:00Z", id="a template"),
    pytest.param("%d.%m.%Y", "UTC", "db-20.11.2026.sql", "2026-11-20T00:00:00Z", id="a template of days"),
    pytest.param("%d%m%Y", "UTC", "db-99992026.sql", None, id="a template that finds no day"),
]


@pytest.mark.parametrize(("date", "zone", "name", "expected"), CHOSEN)
async def test_the_operator_chooses_what_dates_the_data(
    tmp_path: Path, date: str, zone: str, name: str, expected: str | None
) -> None:
    """A name that lacks the date that is asked for leaves the age not told."""
    put(tmp_path, f"dumps/{name}")
    [backup] = backups(await told(tmp_path, config(date=date, timezone=zone))).values()
    assert backup.started_at == (None if expected is None else datetime.fromisoformat(expected))
    assert backup.why.get("started_at") == (None if expected else "malformed")


async def test_a_name_and_a_file_time_that_disagree_are_noted(tmp_path: Path) -> None:
    """The label shows the file time, and source test names the file."""
    put(tmp_path, "dumps/db-2026-11-01.sql")
    assert backups(await told(tmp_path, config()))["db-2026-11-01.sql"].label == (
        "db-2026-11-01.sql (changed 2026-11-21T02:30:00Z)"
    )
    async with lent_context(tmp_path) as ctx:
        probes = await SOURCE.test(config(), ctx)
    assert [probe.ok for probe in probes] == [True, None]
    assert "1 names differ" in probes[1].detail


STATUSES = [
    pytest.param(NOW - timedelta(seconds=30), b"dump", "running", id="changed half a minute ago"),
    pytest.param(NOW + timedelta(minutes=2), b"dump", "running", id="changed now, by a clock that is ahead"),
    pytest.param(NOW - timedelta(seconds=90), b"dump", "complete", id="settled"),
    pytest.param(NOW + timedelta(days=2), b"dump", "complete", id="from the future, and still"),
    pytest.param(NIGHT, b"", "failed", id="empty"),
    pytest.param(NIGHT, b"dum", "failed", id="too small"),
]


@pytest.mark.parametrize(("at", "content", "status"), STATUSES)
async def test_only_a_settled_file_of_some_size_is_complete(
    tmp_path: Path, at: datetime, content: bytes, status: str
) -> None:
    """A file that is still being written or too small never resets the clock."""
    put(tmp_path, "dumps/db.sql", at, content)
    assert backups(await told(tmp_path, config(min_bytes=4)))["db.sql"].status == status


async def test_a_file_that_grows_between_two_looks_is_running(tmp_path: Path) -> None:
    """A writer that keeps the old file time is found by the size, and a file that vanishes is none."""
    put(tmp_path, "dumps/growing.sql")
    gone = put(tmp_path, "dumps/gone.sql")
    put(tmp_path, "dumps/still.sql")

    async def write() -> None:
        content = b"dump"
        while True:
            content += b"more"
            put(tmp_path, "dumps/growing.sql", NIGHT, content)
            gone.unlink(missing_ok=True)
            await asyncio.sleep(0.01)

    writer = asyncio.create_task(write())
    seen = backups(await told(tmp_path, config()))
    writer.cancel()
    assert {name: one.status for name, one in seen.items()} == {"growing.sql": "running", "still.sql": "complete"}


async def test_only_regular_visible_files_count(tmp_path: Path) -> None:
    """Links, pipes, folders, hidden, partial and temporary files are no backups."""
    real = put(tmp_path, "dumps/real.sql")
    for name in (".hidden.sql", "a.sql.part", "a.sql.tmp", "a.sql.partial", "a.sql.sha256"):
        put(tmp_path, f"dumps/{name}")
    (tmp_path / "dumps/folder.sql").mkdir()
    (tmp_path / "dumps/latest.sql").symlink_to(real)
    (tmp_path / "dumps/loop").symlink_to(tmp_path / "dumps", target_is_directory=True)
    os.mkfifo(tmp_path / "dumps/pipe.sql")
    assert list(backups(await told(tmp_path, config("dumps/**")))) == ["real.sql"]


PATTERNS = [
    pytest.param("d/*.sql", {"a.sql", "b.sql"}, id="one folder"),
    pytest.param("d/[a]?sql", {"a.sql"}, id="classes and question marks"),
    pytest.param("d/**/*.sql", {"a.sql", "b.sql", "x/c.sql", "x/y/d.sql"}, id="any depth, none included"),
    pytest.param("d/**", {"a.sql", "b.sql", "x/c.sql", "x/y/d.sql"}, id="everything below"),
    pytest.param("d/**/y/**/*.sql", {"x/y/d.sql"}, id="two depths, nothing twice"),
    pytest.param("d/*/*.sql", {"x/c.sql"}, id="exactly one folder between"),
    pytest.param("d/a.sql", {"a.sql"}, id="no wildcard"),
    pytest.param("d/x/../*.sql", {"a.sql", "b.sql"}, id="dots before the wildcard"),
]


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS)
async def test_a_pattern_finds_what_a_shell_would(tmp_path: Path, pattern: str, expected: set[str]) -> None:
    """Each file comes once, by its path below the fixed part of the pattern."""
    for name in ("a.sql", "b.sql", "x/c.sql", "x/y/d.sql", ".git/e.sql"):
        put(tmp_path, f"d/{name}")
    assert set(backups(await told(tmp_path, config(pattern)))) == expected


async def test_odd_names_are_told_apart_and_can_be_stored(tmp_path: Path) -> None:
    """Newlines, control characters and octets that are not UTF-8 are escaped, the same way in every run."""
    put(tmp_path, "dumps/a\nb.sql")
    put(tmp_path, "dumps/a\\nb.sql")
    (tmp_path / "dumps" / os.fsdecode(b"\xff.sql")).write_bytes(b"x")
    put(tmp_path, "dumps/\u202eevil.sql")
    put(tmp_path, "dumps/Größe 1.sql")
    seen = backups(await told(tmp_path, config()))
    assert set(seen) == {"a\\nb.sql", "a\\\\nb.sql", "\\udcff.sql", "\\u202eevil.sql", "Größe 1.sql"}
    assert all(msgspec.json.encode(one) for one in seen.values())


@pytest.mark.parametrize("mount", [pytest.param(True, id="the fixed part"), pytest.param("dumps", id="a folder")])
async def test_a_disk_that_is_not_mounted_is_unreachable(tmp_path: Path, mount: object) -> None:
    """The folder of an unmounted disk is there, and empty, and proves nothing."""
    (tmp_path / "dumps").mkdir()
    with pytest.raises(Unreachable, match="is not mounted"):
        await told(tmp_path, config(mount=mount))


async def test_a_disk_that_is_mounted_is_read(tmp_path: Path) -> None:
    """The root of the file system is a mount point everywhere."""
    put(tmp_path, "dumps/a.sql")
    assert list(backups(await told(tmp_path, config(mount="/")))) == ["a.sql"]


def sidecar(kind: str, content: bytes) -> str:
    """Write a checksum as different tools do."""
    digest = hashlib.sha256(content).hexdigest()
    forms = {
        "gnu": f"{digest}  new.sql\n",
        "binary": f"{digest} *dir/new.sql\n",
        "bare": digest.upper(),
        "bsd": f"SHA256 (new.sql) = {digest}\n",
        "wrong": f"{'0' * 64}  new.sql\n",
        "of another file": f"{digest}  old.sql\n",
        "no digest": "see the wiki\n",
    }
    return forms[kind]


CHECKSUMS = [
    *(pytest.param(kind, ("complete", "verified"), id=kind) for kind in ("gnu", "binary", "bare", "bsd")),
    pytest.param("wrong", ("failed", "exists"), id="wrong"),
    *(pytest.param(kind, ("complete", "exists"), id=kind) for kind in ("of another file", "no digest")),
]


@pytest.mark.parametrize(("kind", "expected"), CHECKSUMS)
async def test_the_newest_file_is_verified_against_its_checksum(
    tmp_path: Path, kind: str, expected: tuple[str, str]
) -> None:
    """A checksum that differs fails the backup; one that says nothing of it proves nothing."""
    put(tmp_path, "dumps/new.sql", content=b"data")
    put(tmp_path, "dumps/old.sql", NIGHT - 24 * HOUR)
    put(tmp_path, "dumps/new.sql.sha256", content=sidecar(kind, b"data").encode())
    seen = backups(await told(tmp_path, config("dumps/*", checksum="sha256", ignore=[])))
    assert {name: (one.status, one.depth) for name, one in seen.items()} == {
        "new.sql": expected,
        "old.sql": ("complete", "exists"),
    }


async def test_a_verified_file_is_verified_again_when_it_changes(tmp_path: Path) -> None:
    """A remembered comparison holds for that size, file time and stated checksum only."""
    settings = config(checksum="sha256")
    put(tmp_path, "dumps/new.sql", content=b"data")
    put(tmp_path, "dumps/new.sql.sha256", content=sidecar("gnu", b"data").encode())
    assert backups(await told(tmp_path, settings))["new.sql"].depth == "verified"
    assert backups(await told(tmp_path, settings))["new.sql"].depth == "verified"
    put(tmp_path, "dumps/new.sql", NIGHT + HOUR, content=b"datb")
    assert backups(await told(tmp_path, settings))["new.sql"].status == "failed"


FAULTS = [
    pytest.param({"pattern": "/srv/dumps/"}, "pattern: ", id="a folder as the pattern"),
    pytest.param({"pattern": "/srv/a**b/*"}, "pattern: ", id="stars that do not stand alone"),
    pytest.param({"pattern": "/srv/*/../x"}, "pattern: ", id="dots after a wildcard"),
    pytest.param({"set": ""}, "set: ", id="no set"),
    pytest.param({"rpo": "0s"}, "rpo: ", id="no objective at all"),
    pytest.param({"grace": "0s"}, "grace: ", id="a grace that would mean the check's"),
    pytest.param({"min_bytes": 0}, "min_bytes: ", id="empty files as backups"),
    pytest.param({"timezone": "Berlin"}, "timezone: ", id="no such time zone"),
    pytest.param({"date": "names"}, "date: ", id="neither a word nor a template"),
    pytest.param({"date": "%Q%Y%m%d"}, "date: ", id="a directive that is unknown"),
    pytest.param({"mount": "/mnt/other"}, "mount: ", id="a mount point elsewhere"),
    pytest.param({"mount": ""}, "mount: ", id="no mount point"),
]


@pytest.mark.parametrize(("keys", "start"), FAULTS)
def test_a_fault_of_the_configuration_starts_with_its_key(tmp_path: Path, keys: dict[str, object], start: str) -> None:
    """What the types cannot say is found before a run."""
    assert SOURCE.check is not None
    table = {"set": "nightly", "pattern": "/srv/dumps/*.sql", **keys}
    faults = SOURCE.check(msgspec.convert(table, Config, dec_hook=from_toml), tmp_path)
    assert [fault[: len(start)] for fault in faults] == [start]


def test_a_sound_configuration_has_no_fault(tmp_path: Path) -> None:
    """The example of the documentation is sound, and its set may be a metric label."""
    assert SOURCE.check is not None
    assert SOURCE.labels is not None
    settings = config("/srv/dumps/*.sql.zst", rpo="24h", grace="6h", mount="/srv", date="%d%m%Y-%H%M%S")
    assert SOURCE.check(settings, tmp_path) == []
    assert SOURCE.labels(settings) == {"nightly": "nightly"}


async def test_source_test_tells_a_refusal_as_a_probe(tmp_path: Path) -> None:
    """What cannot be listed is a line with its cost, never an error."""
    async with lent_context(tmp_path) as ctx:
        [probe] = await SOURCE.test(config("nowhere/*"), ctx)
    assert (probe.ok, probe.costs) == (False, ("backup_set", "backup"))


async def test_an_old_clock_makes_nothing_complete_too_soon(tmp_path: Path) -> None:
    """The engine's clock decides what is settled, not the machine's."""
    put(tmp_path, "dumps/a.sql", NOW)
    async with lent_context(tmp_path) as ctx:
        later: LentContext = ctx
        later.at = NOW + HOUR
        assert backups(await collect(SOURCE.fetch(config(), later)))["a.sql"].status == "complete"
