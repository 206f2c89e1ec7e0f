"""A restic repository tells its snapshots by set; what restic hides behind exit code 0 is a gap, never a zero."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.records import BackupSet
from checks.model.units import duration
from sources.restic import SOURCE, Config, DeclaredSet
from tests.sources.contract import breaches_of_probes
from tests.support.context import LentContext, lent_context
from tests.support.restic import PASSWORD, Repo, backups_of, configured, sets_of, told


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[LentContext]:
    """Lend a context named ``offsite`` that knows the password."""
    async with lent_context(tmp_path, name="offsite", secrets={"env:PW": PASSWORD, "env:KEY": "hunter2"}) as lent:
        yield lent


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


async def test_a_summary_tells_the_end_and_the_logical_size(ctx: LentContext, fake_restic: Any) -> None:
    """What restic 0.17 and later record is told, nanoseconds and offset included."""
    row = (
        '[{"time":"2026-11-21T14:13:58.239518797+09:00","tree":"t","paths":["/srv/src"],"hostname":"h0","id":"'
        + "a" * 64
        + '","summary":{"backup_end":"2026-11-21T14:13:59.114570268+09:00","total_bytes_processed":198624}}]'
    )
    binary = fake_restic(f"echo '{row}'")
    backup = backups_of(await told(ctx, binary=binary, repository="rest:http://127.0.0.1:1/"))["a" * 64]
    assert backup.started_at == datetime(2026, 11, 21, 5, 13, 58, 239519, tzinfo=UTC)
    assert backup.finished_at == datetime(2026, 11, 21, 5, 13, 59, 114570, tzinfo=UTC)
    assert (backup.size_bytes, backup.why) == (198_624, {})


async def test_restic_sees_no_environment_but_its_own(
    ctx: LentContext, fake_restic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our RESTIC variables filter nothing, configured ones arrive, and the password is in no argument or variable."""
    monkeypatch.setenv("RESTIC_HOST", "elsewhere")
    binary = fake_restic(f"{{ echo \"$@\"; env; cat $RESTIC_PASSWORD_FILE; }} > {ctx.scratch}/seen; echo '[]'")
    await told(ctx, binary=binary, repository="s3:https://127.0.0.1:1/b", environment={"AWS_ACCESS_KEY_ID": "env:KEY"})
    seen = (ctx.scratch / "seen").read_text()
    *rest, password = seen.split("\n")
    assert password == PASSWORD
    assert PASSWORD not in "\n".join(rest)
    assert "AWS_ACCESS_KEY_ID=hunter2" in rest
    assert not any(line.startswith("RESTIC_HOST") for line in rest)
    assert "--no-lock" in seen


async def test_a_binary_is_found_beside_the_configuration(ctx: LentContext, fake_restic: Any) -> None:
    """A path in ``binary`` is relative to the configuration file."""
    fake_restic("echo '[]'")
    assert (await told(ctx, binary="./restic-fake", repository="rest:http://127.0.0.1:1/")).records == ()


async def test_a_thousand_snapshots_come_in_pages(ctx: LentContext, fake_restic: Any, tmp_path: Path) -> None:
    """A long listing is told page by page, and nothing is lost at the borders."""
    rows = [
        {"time": "2026-11-21T05:00:00Z", "id": f"{number:064x}", "hostname": "h", "paths": ["/"]}
        for number in range(2_001)
    ]
    (tmp_path / "rows").write_bytes(msgspec.json.encode(rows))
    collected = await told(ctx, binary=fake_restic(f"cat {tmp_path}/rows"), repository="rest:http://127.0.0.1:1/")
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
