"""Bad files, full disks, kills and cancellations get a clear error and lose nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from engine.port import Query
from engine.store import Chained, StoreCorrupt, StoreError, StoreFull, StoreNewer
from engine.store.opening import prepare
from engine.store.queries import load, migrations, statements
from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.clock import NOW
from tests.support.judging import KEY, ROOT, finding, judge, memory, run_without_privileges

HOUR = timedelta(hours=1)

DIE = """
import asyncio, os, signal, sys
from datetime import timedelta
from pathlib import Path
from engine.store.sqlite import open_sqlite
from tests.support.clock import NOW
from tests.support.judging import KEY, finding, judge

async def main():
    store = open_sqlite(Path(sys.argv[1]), subject_key=KEY)
    await judge(store, [finding(f"committed-{number}") for number in range(2_000)])
    stage = store.stage("workforce-mfa", "mfa")
    await stage.add([finding(f"staged-{number}") for number in range(50_000)])
    if sys.argv[2] == "compared":
        await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""

OPEN = """
import sys
from pathlib import Path
from engine.store import StoreReadOnly
from engine.store.sqlite import open_sqlite
try:
    open_sqlite(Path(sys.argv[1]), subject_key=bytes(32))
except StoreReadOnly as fault:
    print(fault)
"""


def made(path: Path) -> Path:
    """Make an empty store and close it."""

    async def make() -> None:
        await open_sqlite(path, subject_key=KEY).close()

    asyncio.run(make())
    return path


def noise(path: Path) -> None:
    """Make a file that is no database."""
    path.write_bytes(b"this is no database, it is a letter\n" * 100)


def bitten(path: Path) -> None:
    """Make a database whose middle was overwritten."""
    data = bytearray(made(path).read_bytes())
    data[len(data) // 3 : len(data) // 2] = os.urandom(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)


def truncated(path: Path) -> None:
    """Make a database that lost its end."""
    data = made(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def foreign(path: Path) -> None:
    """Make a database of another program."""
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE bookmarks (url TEXT)")
    raw.close()


@pytest.mark.parametrize("damage", [noise, bitten, truncated, foreign])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The error names the file, says that nothing was changed and how to start afresh; not a byte is touched."""
    path = tmp_path / "store.sqlite"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt) as fault:
        open_sqlite(path, subject_key=KEY)
    assert path.read_bytes() == before
    assert all(words in str(fault.value) for words in (str(path), "Nothing was changed", f"mv {path}"))


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A file that a newer version wrote is not opened, and the error names both schemas."""
    path = made(tmp_path / "store.sqlite")
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 999")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreNewer, match=f"schema 999, .* up to {len(migrations())}"):
        open_sqlite(path, subject_key=KEY)
    assert path.read_bytes() == before


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Under another subject key every finding would look new and every due date would start again."""
    path = made(tmp_path / "store.sqlite")
    with pytest.raises(StoreError, match=r"another subject\.key"):
        open_sqlite(path, subject_key=b"another key of thirty-two bytes.")
    with pytest.raises(StoreError, match="too short"):
        open_sqlite(path, subject_key=b"")


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The store names people: its folder is 0700 and its files are 0600, whatever the umask."""
    before = os.umask(0)
    try:
        store = open_sqlite(tmp_path / "state" / "store.sqlite", subject_key=KEY)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    asyncio.run(store.close())
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("exists", [True, False])
def test_a_read_only_folder_is_named(tmp_path: Path, *, exists: bool) -> None:
    """A state folder that cannot be written is named with what to do, for users whom permission bits bind."""
    path = tmp_path / "store.sqlite"
    if exists:
        made(path).chmod(0o400)
    tmp_path.chmod(0o500)
    done = run_without_privileges(OPEN, str(path))
    tmp_path.chmod(0o700)
    assert str(path) in done.stdout, done.stderr
    assert "engine.state_dir" in done.stdout


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    """A migration that fails in its middle leaves the old schema, and the copy that was made before it."""
    path = made(tmp_path / "store.sqlite")
    broken = [*migrations(), "CREATE TABLE later (x TEXT) STRICT;\nCREATE TABLE later (x TEXT) STRICT;\n"]
    with pytest.raises(StoreError, match="later"):
        prepare(path, broken)
    backup = tmp_path / f"store.sqlite.schema-{len(migrations())}.bak"
    for file in (path, backup):
        with sqlite3.connect(file) as raw:
            assert raw.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
            assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
        raw.close()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_migration_keeps_what_is_there(tmp_path: Path) -> None:
    """A forward migration runs over the data of the schema before it."""
    path = tmp_path / "store.sqlite"
    asyncio.run(_judged(path))
    prepare(path, [*migrations(), "ALTER TABLE findings ADD COLUMN later TEXT;\n"])
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(later), count(*) FROM findings").fetchone() == (0, 1)
        assert raw.execute("PRAGMA user_version").fetchone() == (len(migrations()) + 1,)
    raw.close()


async def _judged(path: Path) -> None:
    store = open_sqlite(path, subject_key=KEY)
    await judge(store, [finding()])
    await store.close()


def test_statements_are_cut_where_they_end() -> None:
    """A trigger, whose body holds semicolons, is one statement; a script that ends within one is refused."""
    script = "CREATE TABLE t (x);\nCREATE TRIGGER g BEFORE UPDATE ON t\nBEGIN\n  SELECT 1;\nEND;\n"
    assert len(list(statements(script))) == 2
    with pytest.raises(ValueError, match="ends within"):
        list(statements("CREATE TABLE t (x"))


@pytest.mark.parametrize("file", ["stage.sql", "ledger.sql", "evidence.sql", "rows.sql"])
def test_every_block_has_a_name_and_a_text(file: str) -> None:
    """A block without text, or a name given twice, would lose SQL in silence."""
    text = (ROOT / "engine" / "store" / file).read_text()
    blocks = load(file)
    assert all(blocks.values())
    assert len(blocks) == sum(line.startswith("-- ") and line.endswith(" --") for line in text.splitlines())


def files(folder: Path) -> list[str]:
    """Name what lies in a folder."""
    return [file.name for file in folder.iterdir()]


@pytest.mark.parametrize("moment", ["staged", "compared"])
async def test_a_kill_loses_nothing_committed_and_shows_nothing_else(tmp_path: Path, moment: str) -> None:
    """After SIGKILL in mid-judgement the last judgement is there whole, the other not at all, and no file is left."""
    path = tmp_path / "store.sqlite"
    command = [sys.executable, "-c", DIE, str(path), moment]
    done = await asyncio.to_thread(subprocess.run, command, check=False, cwd=ROOT, stderr=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = open_sqlite(path, subject_key=KEY)
    rows = await store.rows(Query(view="all", limit=10_000), NOW)
    assert {row.subject.partition("-")[2].partition("-")[0] for row in rows.rows} == {"prod/committed"}
    assert rows.total == 2_000
    assert (await store.verify()).first_bad is None
    assert (await judge(store, [], NOW + HOUR)).resolved == 2_000
    await store.close()
    assert files(tmp_path) == ["store.sqlite"]


def limit(store: SqliteStore, path: Path, *, pages: int | None) -> None:
    """Let the database grow by no page more (SQLite itself then says that it is full), or without bound."""
    for connection in (store._state, store._durable):
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {count + pages if pages is not None else 2**30}")


async def test_a_full_disk_loses_one_write_and_no_more(tmp_path: Path) -> None:
    """While there is no space writes say so and reads go on; when there is space again, so do writes."""
    path = tmp_path / "store.sqlite"
    store = open_sqlite(path, subject_key=KEY)
    await judge(store, [finding("ana")])
    limit(store, path, pages=0)
    with pytest.raises(StoreFull, match="no space left"):
        await store.append([Chained(kind="config", body=b'{"x":"' + b"y" * 100_000 + b'"}')])
    assert (await store.rows(Query(), NOW)).total == 1
    limit(store, path, pages=None)
    await store.append([Chained(kind="config", body=b"{}")])
    assert [link.kind for link in await store.links()] == ["finding", "config"]
    assert (await store.verify()).first_bad is None
    await store.close()


FULL = """
import asyncio, resource, sys
from datetime import timedelta
from pathlib import Path
from engine.port import Query
from engine.store import StoreFull, StoreError
from engine.store.sqlite import open_sqlite
from tests.support.clock import NOW
from tests.support.judging import KEY, finding, judge

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    store = open_sqlite(Path(sys.argv[1]), subject_key=KEY)
    await judge(store, [finding("ana")])
    limit(int(sys.argv[2]))
    try:
        await judge(store, [finding(f"many-{number}") for number in range(20_000)])
    except StoreError as fault:
        print(type(fault).__name__, fault)
    limit(resource.RLIM_INFINITY)
    print([row.label for row in (await store.rows(Query(), NOW)).rows])
    diff = await judge(store, [finding(f"many-{number}") for number in range(20_000)], NOW + timedelta(hours=1))
    print(diff.opened, diff.resolved, (await store.verify()).first_bad)
    await store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("size", [1_000_000, 6_000_000], ids=["while staging", "while writing"])
async def test_a_judgement_that_finds_no_space_is_lost_whole(tmp_path: Path, size: int) -> None:
    """When the kernel refuses to grow a file nothing of the judgement is seen, and the next one goes through."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "store.sqlite"), str(size)]
    done = await asyncio.to_thread(subprocess.run, command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fault, rows, after = done.stdout.splitlines()
    assert fault.startswith("Store")
    assert str(tmp_path) in fault
    assert (rows, after) == ("['ana@example.org']", "20000 1 None")


async def test_a_stage_that_lost_findings_is_never_compared(tmp_path: Path) -> None:
    """When staging fails the comparison is refused: with findings missing it would resolve them."""
    store = open_sqlite(tmp_path / "store.sqlite", subject_key=KEY)
    await judge(store, [finding("ana")])
    stage = store.stage("workforce-mfa", "mfa")
    with pytest.raises(AttributeError):
        await stage.add([finding(str(number)) for number in range(999)] + [None])  # type: ignore[list-item]  # the fault
    with pytest.raises(StoreError, match="lost findings"):
        await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())
    assert (await store.rows(Query(), NOW)).total == 1
    await store.close()


async def test_a_cancelled_judgement_frees_the_turn(tmp_path: Path) -> None:
    """A task that is cancelled while it compares leaves nothing, and holds up nobody."""
    store = open_sqlite(tmp_path / "store.sqlite", subject_key=KEY)
    many = [finding(str(number)) for number in range(5_000)]
    task = asyncio.create_task(judge(store, many))
    for _ in range(100_000):
        if store._writer.turn.locked():
            break
        await asyncio.sleep(0)
    assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await asyncio.wait_for(judge(store, [finding("ana")]), 30)).opened == 1
    assert (await store.rows(Query(view="all"), NOW)).total == 1
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """After close, reads and writes are refused with words, and closing again does no harm."""
    store = open_sqlite(tmp_path / "store.sqlite", subject_key=KEY)
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.load()
    with pytest.raises(StoreError, match="closed"):
        await store.save_check(memory(), (), ())
    await store.close()


async def test_a_folder_with_odd_letters_will_do(tmp_path: Path) -> None:
    """A path with spaces, a question mark and a percent sign opens like any other."""
    folder = tmp_path / "a b?c%20d#e"
    store = open_sqlite(folder / "store.sqlite", subject_key=KEY)
    await judge(store, [finding()])
    assert (await store.rows(Query(), NOW)).total == 1
    await store.close()
    shutil.rmtree(folder)
