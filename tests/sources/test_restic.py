"""A restic repository tells its snapshots by set; what restic hides behind exit code 0 is a gap, never a zero."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.records import Backup, BackupSet
from checks.model.units import duration
from sources.common.errors import (
    Busy,
    Malformed,
    Refused,
    SourceError,
    Truncated,
    Unconfigured,
    Unreachable,
)
from sources.common.settings import from_toml
from sources.restic import SOURCE, Config, DeclaredSet
from tests.sources.contract import breaches, breaches_of_probes
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.servers import needs

PASSWORD = "correct horse battery"
NOBODY = 65_534


class Repo:
    """A real repository, written by the real restic."""

    def __init__(self, folder: Path, binary: Path) -> None:
        """Name the folder that holds ``repo`` and the data to back up."""
        self.folder = folder
        self.binary = binary

    def restic(self, *arguments: str, **variables: str) -> str:
        """Run restic on it, and return what it prints."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RESTIC_REPOSITORY": str(self.folder / "repo"),
            "RESTIC_PASSWORD": PASSWORD,
            **variables,
        }
        command = [str(self.binary), "--no-cache", *arguments]
        return subprocess.run(command, env=env, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def back_up(self, host: str, path: str, *arguments: str, **variables: str) -> str:
        """Back up one folder, and return the id of the snapshot."""
        data = self.folder / path
        data.mkdir(exist_ok=True)
        (data / "file").write_text("data")
        before = set(self.snapshots())
        self.restic("backup", "--quiet", "--host", host, *arguments, str(data), **variables)
        (made,) = set(self.snapshots()) - before
        return made

    def snapshots(self) -> list[str]:
        """Name the snapshot files."""
        return [path.name for path in (self.folder / "repo" / "snapshots").iterdir()]

    def path(self, name: str) -> str:
        """Name a folder of data as its snapshots do."""
        return str(self.folder / name)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Make an empty repository once; its key takes the time."""
    repo = Repo(tmp_path_factory.mktemp("restic"), needs("restic", package="restic"))
    repo.restic("init")
    return repo


@pytest.fixture
def repo(template: Repo, tmp_path: Path) -> Repo:
    """Give an empty repository of the test's own."""
    shutil.copytree(template.folder / "repo", tmp_path / "repo")
    return Repo(tmp_path, template.binary)


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[LentContext]:
    """Lend a context named ``offsite`` that knows the password."""
    async with lent_context(tmp_path, name="offsite", secrets={"env:PW": PASSWORD, "env:KEY": "hunter2"}) as lent:
        yield lent


def configured(**keys: Any) -> Config:
    """Convert keys as the configuration would be."""
    return msgspec.convert({"repository": "repo", "password": "env:PW", **keys}, Config, dec_hook=from_toml)


async def told(ctx: LentContext, **keys: Any) -> Collected:
    """Collect from a configuration with these keys."""
    collected = await collect(SOURCE.fetch(configured(**keys), ctx))
    assert breaches(SOURCE, ctx.name, collected) == []
    return collected


def sets_of(collected: Collected) -> dict[str, BackupSet]:
    """Give the sets by id."""
    return {record.id: record for record in collected.records if isinstance(record, BackupSet)}


def backups_of(collected: Collected) -> dict[str, Backup]:
    """Give the backups by id."""
    return {record.id: record for record in collected.records if isinstance(record, Backup)}


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    """Write a stand-in for restic that prints what a real one printed; for versions and back ends that are not here."""

    def write(body: str) -> str:
        path = tmp_path / "restic-fake"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o700)
        return str(path)

    return write


@contextmanager
def without_permission(path: Path) -> Iterator[None]:
    """Take the right to read a folder from this process, root or not."""
    path.chmod(0)
    if os.geteuid() != 0:
        yield
        path.chmod(stat.S_IRWXU)
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        path.chmod(stat.S_IRWXU)


async def test_snapshots_are_told_by_set(repo: Repo, ctx: LentContext) -> None:
    """Declared sets hold their snapshots, by host and paths; what else is found is told as undeclared."""
    web = [repo.back_up("web1", "www"), repo.back_up("web1", "www")]
    other = repo.back_up("db1", "www")
    terms = {"set": "web", "host": "web1", "paths": [repo.path("www") + "/"], "rpo": "24h", "grace": "6h"}
    collected = await told(ctx, sets=[terms])
    undeclared = f"db1:{repo.path('www')}"
    assert {one.id: one.set for one in backups_of(collected).values()} == {
        web[0]: "web",
        web[1]: "web",
        other: undeclared,
    }
    sets = sets_of(collected)
    assert sets["web"] == BackupSet(
        id="web",
        source="offsite",
        label="web",
        declared=True,
        backups=2,
        unreadable=0,
        rpo_seconds=86_400.0,
        grace_seconds=21_600.0,
    )
    assert (sets[undeclared].declared, sets[undeclared].backups) == (False, 1)
    assert collected.gaps == ()


async def test_without_declarations_each_host_and_paths_is_a_set(repo: Repo, ctx: LentContext) -> None:
    """Sets found count as declared when none is declared, and have stable ids whatever the order of the paths."""
    repo.back_up("web1", "a")
    repo.back_up("web1", "b", repo.path("a"))
    sets = sets_of(await told(ctx))
    assert {name: (one.declared, one.rpo_seconds) for name, one in sets.items()} == {
        f"web1:{repo.path('a')},{repo.path('b')}": (True, 0.0),
        f"web1:{repo.path('a')}": (True, 0.0),
    }


async def test_tags_choose_the_most_particular_set(repo: Repo, ctx: LentContext) -> None:
    """A snapshot counts for the set whose tags it bears, before a set that asks for none."""
    tagged = repo.back_up("web1", "www", "--tag", "db", "--tag", "x")
    plain = repo.back_up("web1", "www")
    base = {"host": "web1", "paths": [repo.path("www")]}
    backups = backups_of(await told(ctx, sets=[{"set": "any", **base}, {"set": "db", "tags": ["db"], **base}]))
    assert (backups[tagged].set, backups[plain].set) == ("db", "any")


async def test_an_empty_repository_holds_none_of_the_declared_sets(repo: Repo, ctx: LentContext) -> None:
    """A repository that is readable and empty tells zero backups, and no doubt."""
    collected = await told(ctx, sets=[{"set": "web", "host": "web1", "paths": ["/srv/www"]}])
    assert (sets_of(collected)["web"].backups, collected.gaps) == (0, ())


async def test_a_set_that_no_snapshot_matches_holds_none(repo: Repo, ctx: LentContext) -> None:
    """A declared set with another host has zero backups, beside the undeclared set that is there."""
    repo.back_up("web1", "www")
    collected = await told(ctx, sets=[{"set": "web", "host": "web2", "paths": [repo.path("www")]}])
    assert (sets_of(collected)["web"].backups, len(sets_of(collected)), collected.gaps) == (0, 2, ())


@pytest.mark.parametrize(
    ("offset", "local"),
    [
        pytest.param("Asia/Tokyo", "2026-11-21 09:00:00", id="+09:00"),
        pytest.param("UTC", "2026-11-21 00:00:00", id="Z"),
        pytest.param("America/New_York", "2026-11-20 19:00:00", id="-05:00"),
    ],
)
async def test_the_time_of_a_snapshot_is_told_in_utc(repo: Repo, ctx: LentContext, offset: str, local: str) -> None:
    """A snapshot written in another time zone is told at its instant."""
    made = repo.back_up("web1", "www", "--time", local, TZ=offset)
    backup = backups_of(await told(ctx))[made]
    assert backup.started_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert backup.started_at.utcoffset() == timedelta(0)


async def test_a_future_snapshot_is_told_as_it_is(repo: Repo, ctx: LentContext) -> None:
    """A time in the future is passed on; the check decides."""
    made = repo.back_up("web1", "www", "--time", "2031-01-01 00:00:00", TZ="UTC")
    assert backups_of(await told(ctx))[made].started_at == datetime(2031, 1, 1, tzinfo=UTC)


async def test_a_snapshot_proves_that_it_exists_and_no_more(repo: Repo, ctx: LentContext) -> None:
    """Depth is ``exists``; the end of an old writer's run is not exposed."""
    made = repo.back_up("web1", "www")
    backup = backups_of(await told(ctx))[made]
    assert (backup.status, backup.depth) == ("complete", "exists")
    if backup.finished_at is None:
        assert backup.why["finished_at"] == Cause.NOT_EXPOSED


async def test_the_newest_snapshot_of_a_set_tells_its_size_whoever_wrote_it(repo: Repo, ctx: LentContext) -> None:
    """Where the writer recorded none it is asked for once, of the newest alone, and kept."""
    older, newer = repo.back_up("web1", "www"), repo.back_up("web1", "www")
    ctx.at = datetime.now(UTC)
    backups = backups_of(await told(ctx))
    assert backups[newer].size_bytes == 4
    if backups[older].size_bytes is None:
        assert json.loads((ctx.scratch / "sizes.json").read_text()) == {newer: 4}
        assert backups[older].why["size_bytes"] == Cause.NOT_EXPOSED


async def test_a_summary_tells_the_end_and_the_logical_size(ctx: LentContext, fake: Any) -> None:
    """What restic 0.17 and later record is told, nanoseconds and offset included."""
    row = (
        '[{"time":"2026-11-21T14:13:58.239518797+09:00","tree":"t","paths":["/srv/src"],"hostname":"h0","id":"'
        + "a" * 64
        + '","summary":{"backup_end":"2026-11-21T14:13:59.114570268+09:00","total_bytes_processed":198624}}]'
    )
    binary = fake(f"echo '{row}'")
    backup = backups_of(await told(ctx, binary=binary, repository="rest:http://127.0.0.1:1/"))["a" * 64]
    assert backup.started_at == datetime(2026, 11, 21, 5, 13, 58, 239519, tzinfo=UTC)
    assert backup.finished_at == datetime(2026, 11, 21, 5, 13, 59, 114570, tzinfo=UTC)
    assert (backup.size_bytes, backup.why) == (198_624, {})


def test_restic_calls_a_deleted_snapshots_folder_empty(repo: Repo) -> None:
    """The trap itself, pinned: the real restic prints ``[]`` and exits 0 where the folder is gone."""
    repo.back_up("web1", "www")
    shutil.rmtree(repo.folder / "repo" / "snapshots")
    assert repo.restic("snapshots", "--json", "--no-lock").strip() == "[]"


async def test_a_deleted_snapshots_folder_is_no_zero(repo: Repo, ctx: LentContext) -> None:
    """Where the folder is gone the sets are not told, and subjects may be missing."""
    repo.back_up("web1", "www")
    shutil.rmtree(repo.folder / "repo" / "snapshots")
    collected = await told(ctx, sets=[{"set": "web", "host": "web1", "paths": ["/srv/www"]}])
    (gap,) = collected.gaps
    assert (gap.cause, gap.kind) == (Cause.MALFORMED, "members")
    web = sets_of(collected)["web"]
    assert (web.backups, web.unreadable, web.why["backups"]) == (None, None, Cause.MALFORMED)


async def test_a_file_in_place_of_the_folder_is_no_zero(repo: Repo, ctx: LentContext) -> None:
    """A damaged folder is a gap at once, without restic's minute of retries."""
    folder = repo.folder / "repo" / "snapshots"
    folder.rmdir()
    folder.touch()
    (gap,) = (await told(ctx)).gaps
    assert gap.cause is Cause.MALFORMED


async def test_an_unreadable_snapshots_folder_is_no_zero(repo: Repo, ctx: LentContext) -> None:
    """A folder that may not be read is a gap with cause denied, and names what to grant."""
    repo.back_up("web1", "www")
    with without_permission(repo.folder / "repo" / "snapshots"):
        collected = await told(ctx, sets=[{"set": "web", "host": "web1", "paths": ["/srv/www"]}])
    (gap,) = collected.gaps
    assert (gap.cause, gap.kind) == (Cause.DENIED, "members")
    assert "grant read access" in gap.detail
    assert sets_of(collected)["web"].backups is None


async def test_an_unreadable_listing_of_another_back_end_is_no_zero(ctx: LentContext, fake: Any) -> None:
    """``[]`` with exit 0 and restic's own words on standard error (0.19.1) is a gap with the cause that they give."""
    said = "List(snapshot) failed: open /srv/ro/snapshots: permission denied\n"
    said += "could not load snapshots: open /srv/ro/snapshots: permission denied"
    keys = {"repository": "s3:https://127.0.0.1:1/bucket", "sets": [{"set": "web", "host": "w", "paths": ["/"]}]}
    collected = await told(ctx, binary=fake(f"echo '[]'; echo '{said}' >&2"), **keys)
    assert [gap.cause for gap in collected.gaps] == [Cause.DENIED]
    assert sets_of(collected)["web"].backups is None


@pytest.mark.parametrize(
    ("listed", "backups", "missing"),
    [
        pytest.param("", 0, None, id="nothing-there-either"),
        pytest.param("a" * 64, None, 1, id="a-file-that-gave-no-row"),
    ],
)
async def test_an_empty_answer_is_held_against_a_second_look(
    ctx: LentContext, fake: Any, listed: str, backups: int | None, missing: int | None
) -> None:
    """Where no folder can be looked at, ``[]`` counts as empty only if restic lists no snapshot file."""
    binary = fake(f"case $1 in snapshots) echo '[]';; list) echo {listed};; esac")
    keys = {"repository": "rest:http://127.0.0.1:1/", "sets": [{"set": "web", "host": "w", "paths": ["/"]}]}
    collected = await told(ctx, binary=binary, **keys)
    assert sets_of(collected)["web"].backups == backups
    assert [gap.missing for gap in collected.gaps] == ([missing] if missing else [])


async def test_a_second_look_that_fails_is_an_error(ctx: LentContext, fake: Any) -> None:
    """An empty answer whose second look is refused does not count as empty."""
    binary = fake("case $1 in snapshots) echo '[]';; list) echo 'Fatal: AccessDenied' >&2; exit 1;; esac")
    with pytest.raises(Refused, match="restic list ended with code 1"):
        await told(ctx, binary=binary, repository="s3:https://127.0.0.1:1/bucket")


async def test_a_damaged_snapshot_is_told_as_missing(repo: Repo, ctx: LentContext) -> None:
    """A snapshot file that restic drops, with exit 0, is a gap of one; no set may say that none is unreadable."""
    repo.back_up("web1", "www")
    lost = repo.back_up("db1", "db")
    path = repo.folder / "repo" / "snapshots" / lost
    path.chmod(0o600)
    path.write_bytes(b"garbage")
    declared = [
        {"set": name, "host": host, "paths": [repo.path(at)]}
        for name, host, at in (("web", "web1", "www"), ("db", "db1", "db"))
    ]
    collected = await told(ctx, sets=declared)
    (gap,) = collected.gaps
    assert (gap.cause, gap.kind, gap.missing) == (Cause.MALFORMED, "members", 1)
    sets = sets_of(collected)
    assert (sets["web"].backups, sets["web"].unreadable) == (1, None)
    assert (sets["db"].backups, sets["db"].why["backups"]) == (None, Cause.MALFORMED)


async def test_what_comes_and_goes_meanwhile_is_not_lost(repo: Repo, ctx: LentContext, fake: Any) -> None:
    """A snapshot that is forgotten between the look at the folder and restic's answer is no damage."""
    forgotten = repo.back_up("web1", "www")
    path = repo.folder / "repo" / "snapshots" / forgotten
    path.chmod(0o600)
    binary = fake(f"rm -f {path}; touch {path.parent}/{'b' * 64}; echo '[]'")
    assert (await told(ctx, binary=binary)).gaps == ()


@pytest.mark.parametrize(
    ("keys", "secrets", "error", "says"),
    [
        pytest.param(
            {}, {"env:PW": "wrong"}, Refused, "the password is not accepted, or there are no keys", id="password"
        ),
        pytest.param(
            {"repository": "nope"}, {"env:PW": PASSWORD}, Unconfigured, "no restic repository", id="repository"
        ),
        pytest.param(
            {"repository": "rest:http://ana:hunter2@127.0.0.1:9/"}, {"env:PW": PASSWORD}, Unreachable, "", id="down"
        ),
        pytest.param(
            {"binary": "no-such-restic"}, {"env:PW": PASSWORD}, Unconfigured, "apt-get install restic", id="binary"
        ),
        pytest.param({}, {}, Unconfigured, "env:PW", id="secret"),
    ],
)
async def test_a_repository_that_does_not_open_is_an_error(
    repo: Repo,
    ctx: LentContext,
    *,
    keys: Mapping[str, Any],
    secrets: Mapping[str, str],
    error: type[SourceError],
    says: str,
) -> None:
    """The real restic's refusals are named by who must act, without any secret."""
    ctx.secrets = secrets
    with pytest.raises(error, match="offsite: ") as raised:
        await told(
            ctx,
            **{"command_timeout": "2s" if "repository" in keys and "rest:" in keys["repository"] else "60s", **keys},
        )
    assert says in str(raised.value)
    assert not any(secret in str(raised.value) for secret in (PASSWORD, "wrong\n", "hunter2"))


async def test_a_damaged_config_is_malformed(repo: Repo, ctx: LentContext) -> None:
    """A repository whose config file is empty is damaged, not absent."""
    config = repo.folder / "repo" / "config"
    config.chmod(0o600)
    config.write_bytes(b"")
    with pytest.raises(SourceError) as raised:
        await told(ctx)
    assert raised.value.cause in (Cause.MALFORMED, Cause.UNREACHABLE)


@pytest.mark.parametrize(
    ("code", "stderr", "error"),
    [
        pytest.param(
            10,
            '{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: x"}',
            Unconfigured,
            id="10",
        ),
        pytest.param(
            11, '{"message_type":"exit_error","code":11,"message":"Fatal: unable to create lock"}', Busy, id="11"
        ),
        pytest.param(
            12,
            '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}',
            Refused,
            id="12",
        ),
        pytest.param(1, "Fatal: wrong password or no key found", Refused, id="1-password"),
        pytest.param(
            1,
            "Fatal: unable to open config file: stat nope/config: no such file or directory",
            Unconfigured,
            id="1-missing",
        ),
        pytest.param(
            1,
            "Fatal: unable to open config file: dial tcp 10.0.0.1:443: connect: connection refused",
            Unreachable,
            id="1-refused",
        ),
        pytest.param(1, "Fatal: unable to open config file: open /r/config: permission denied", Refused, id="1-denied"),
        pytest.param(1, "Fatal: config or key x is damaged: ciphertext verification failed", Malformed, id="1-damaged"),
        pytest.param(1, "Fatal: something", Unreachable, id="1-other"),
        pytest.param(2, "panic: runtime error", Malformed, id="2-panic"),
        pytest.param(99, "", Malformed, id="99-new"),
    ],
)
async def test_every_ending_of_restic_has_a_meaning(
    ctx: LentContext, fake: Any, code: int, stderr: str, error: type[SourceError]
) -> None:
    """Exit codes of old and new versions are read by code or text; an unknown one is never success."""
    binary = fake(f"echo '[]'; echo '{stderr}' >&2; exit {code}")
    with pytest.raises(error, match=f"offsite: restic snapshots ended with code {code}"):
        await told(ctx, binary=binary, repository="s3:https://127.0.0.1:1/bucket")


@pytest.mark.parametrize(
    ("stdout", "error"),
    [
        pytest.param("", Malformed, id="nothing"),
        pytest.param('{"a": 1}', Malformed, id="object"),
        pytest.param('[{"time": "yesterday", "id": "a"}]', Malformed, id="time"),
        pytest.param('[{"time": "2026-11-21T05:00:00", "id": "a"}]', Malformed, id="time-without-zone"),
        pytest.param('[{"time": "0001-01-01T00:00:00+09:00", "id": "a"}]', Malformed, id="time-before-the-calendar"),
        pytest.param('[{"time": "9999-12-31T23:59:59-09:00", "id": "a"}]', Malformed, id="time-after-the-calendar"),
        pytest.param(
            '[{"time": "2026-11-21T05:00:00Z", "id": "a", "summary": {"backup_end": "0001-01-01T00:00:00+09:00"}}]',
            Malformed,
            id="end-before-the-calendar",
        ),
        pytest.param('[{"time": "2026-11-21T05:00:00Z", "id": ""}]', Malformed, id="empty-id"),
        pytest.param('[{"group_key": {}, "snapshots": []}]', Malformed, id="grouped"),
    ],
)
async def test_another_shape_is_malformed(ctx: LentContext, fake: Any, stdout: str, error: type[SourceError]) -> None:
    """JSON of another shape raises, and names where."""
    with pytest.raises(error, match="the JSON has a shape that is new to us"):
        await told(ctx, binary=fake(f"echo '{stdout}'"), repository="rest:http://127.0.0.1:1/")


async def test_endless_output_is_truncated(ctx: LentContext, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restic that never stops printing ends as Truncated."""
    with pytest.raises(Truncated, match="larger than our cap"):
        await told(ctx, binary=fake("yes >&2"), repository="rest:http://127.0.0.1:1/")


async def test_a_restic_that_hangs_is_ended(ctx: LentContext, fake: Any, tmp_path: Path) -> None:
    """A restic that does not come back raises Unreachable after the timeout, and is gone."""
    binary = fake(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    for seconds in (1, 5, 25):  # a machine that is busy starts no shell within the first
        with pytest.raises(Unreachable, match=f"did not end within {seconds} s"):
            await told(ctx, binary=binary, repository="rest:http://127.0.0.1:1/", command_timeout=f"{seconds}s")
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_restic_sees_no_environment_but_its_own(
    ctx: LentContext, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our RESTIC variables filter nothing, configured ones arrive, and the password is in no argument or variable."""
    monkeypatch.setenv("RESTIC_HOST", "elsewhere")
    binary = fake(f"{{ echo \"$@\"; env; cat $RESTIC_PASSWORD_FILE; }} > {ctx.scratch}/seen; echo '[]'")
    await told(ctx, binary=binary, repository="s3:https://127.0.0.1:1/b", environment={"AWS_ACCESS_KEY_ID": "env:KEY"})
    seen = (ctx.scratch / "seen").read_text()
    *rest, password = seen.split("\n")
    assert password == PASSWORD
    assert PASSWORD not in "\n".join(rest)
    assert "AWS_ACCESS_KEY_ID=hunter2" in rest
    assert not any(line.startswith("RESTIC_HOST") for line in rest)
    assert "--no-lock" in seen


async def test_a_binary_is_found_beside_the_configuration(ctx: LentContext, fake: Any) -> None:
    """A path in ``binary`` is relative to the configuration file."""
    fake("echo '[]'")
    assert (await told(ctx, binary="./restic-fake", repository="rest:http://127.0.0.1:1/")).records == ()


async def test_a_thousand_snapshots_come_in_pages(ctx: LentContext, fake: Any, tmp_path: Path) -> None:
    """A long listing is told page by page, and nothing is lost at the borders."""
    rows = [
        {"time": "2026-11-21T05:00:00Z", "id": f"{number:064x}", "hostname": "h", "paths": ["/"]}
        for number in range(2_001)
    ]
    (tmp_path / "rows").write_bytes(msgspec.json.encode(rows))
    collected = await told(ctx, binary=fake(f"cat {tmp_path}/rows"), repository="rest:http://127.0.0.1:1/")
    assert [len(page.records) for page in collected.pages] == [1_000, 1_000, 1, 1]
    assert sets_of(collected)["h:/"].backups == 2_001


async def test_the_test_of_a_good_repository_grants_all(repo: Repo, ctx: LentContext) -> None:
    """``source test`` shows the version, that the repository opens, and how many snapshots it lists."""
    repo.back_up("web1", "www")
    probes = await SOURCE.test(configured(), ctx)
    assert [probe.ok for probe in probes] == [True, True, True]
    assert probes[0].detail.startswith("restic 0.")
    assert probes[2].detail == "1 snapshots"


@pytest.mark.parametrize(
    ("keys", "secrets", "expected"),
    [
        pytest.param({"binary": "no-such-restic"}, {"env:PW": PASSWORD}, [False, None, None], id="binary"),
        pytest.param({}, {"env:PW": "wrong"}, [True, False, None], id="password"),
        pytest.param({}, {}, [False, None, None], id="secret"),
    ],
)
async def test_the_test_names_the_first_thing_that_is_wrong(
    repo: Repo, ctx: LentContext, keys: Mapping[str, Any], secrets: Mapping[str, str], expected: list[bool | None]
) -> None:
    """A refusal is a probe with what it costs; what could not be tried says so."""
    ctx.secrets = secrets
    probes = await SOURCE.test(configured(**keys), ctx)
    assert [probe.ok for probe in probes] == expected
    assert all(probe.costs for probe in probes if not probe.ok)
    assert breaches_of_probes(SOURCE, probes) == []


async def test_the_test_shows_a_gap(repo: Repo, ctx: LentContext) -> None:
    """A repository that opens but cannot be listed fails its test."""
    (repo.folder / "repo" / "snapshots").rmdir()
    assert [probe.ok for probe in await SOURCE.test(configured(), ctx)] == [True, True, False]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param({}, None, id="good"),
        pytest.param(
            {"sets": [{"set": "a", "host": "h", "paths": ["/x"]}, {"set": "a", "host": "i", "paths": ["/x"]}]},
            '"a" is declared 2 times',
            id="name-twice",
        ),
        pytest.param(
            {
                "sets": [
                    {"set": "a", "host": "h", "paths": ["/x", "/y/"]},
                    {"set": "b", "host": "h", "paths": ["/y", "/x"]},
                ]
            },
            "two sets have host h",
            id="terms-twice",
        ),
        pytest.param({"sets": [{"set": "a", "host": "h", "paths": []}]}, '"a" has no paths', id="no-paths"),
        pytest.param({"environment": {"RESTIC_HOST": "env:X"}}, "RESTIC_HOST is not allowed", id="filter"),
        pytest.param({"environment": {"PATH": "env:X"}}, "PATH is not allowed", id="path"),
        pytest.param({"environment": {"RESTIC_REST_PASSWORD": "env:X"}}, None, id="back-end-variable"),
        pytest.param({"command_timeout": "0s"}, "command_timeout: must be longer", id="timeout"),
    ],
)
def test_faults_of_a_configuration_are_named(tmp_path: Path, keys: Mapping[str, Any], fault: str | None) -> None:
    """What the types cannot say is said by key."""
    assert SOURCE.check is not None
    faults = SOURCE.check(configured(**keys), tmp_path)
    assert [fault in one for one in faults if fault] == ([True] if fault else [])
    assert bool(faults) is (fault is not None)


def test_declared_sets_are_labels_and_found_ones_are_none() -> None:
    """Only names of the configuration may become metric labels."""
    assert SOURCE.labels is not None
    one = DeclaredSet(set="web", host="h", paths=("/",), rpo=duration("1d"))
    assert SOURCE.labels(Config(repository="r", password=configured().password, sets=(one,))) == {"web": "web"}
