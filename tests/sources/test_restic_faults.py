"""What restic hides behind exit code 0 is a gap, and each of its endings has a meaning; nothing is ever a zero."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checks.model.doubt import Cause
from sources.common.errors import (
    Busy,
    Malformed,
    Refused,
    SourceError,
    Truncated,
    Unconfigured,
    Unreachable,
)
from tests.support.context import LentContext, lent_context
from tests.support.restic import NOBODY, PASSWORD, Repo, sets_of, told


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[LentContext]:
    """Lend a context named ``offsite`` that knows the password."""
    async with lent_context(tmp_path, name="offsite", secrets={"env:PW": PASSWORD, "env:KEY": "hunter2"}) as lent:
        yield lent


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


async def test_an_unreadable_listing_of_another_back_end_is_no_zero(ctx: LentContext, fake_restic: Any) -> None:
    """``[]`` with exit 0 and restic's own words on standard error (0.19.1) is a gap with the cause that they give."""
    said = "List(snapshot) failed: open /srv/ro/snapshots: permission denied\n"
    said += "could not load snapshots: open /srv/ro/snapshots: permission denied"
    keys = {"repository": "s3:https://127.0.0.1:1/bucket", "sets": [{"set": "web", "host": "w", "paths": ["/"]}]}
    collected = await told(ctx, binary=fake_restic(f"echo '[]'; echo '{said}' >&2"), **keys)
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
    ctx: LentContext, fake_restic: Any, listed: str, backups: int | None, missing: int | None
) -> None:
    """Where no folder can be looked at, ``[]`` counts as empty only if restic lists no snapshot file."""
    binary = fake_restic(f"case $1 in snapshots) echo '[]';; list) echo {listed};; esac")
    keys = {"repository": "rest:http://127.0.0.1:1/", "sets": [{"set": "web", "host": "w", "paths": ["/"]}]}
    collected = await told(ctx, binary=binary, **keys)
    assert sets_of(collected)["web"].backups == backups
    assert [gap.missing for gap in collected.gaps] == ([missing] if missing else [])


async def test_a_second_look_that_fails_is_an_error(ctx: LentContext, fake_restic: Any) -> None:
    """An empty answer whose second look is refused does not count as empty."""
    binary = fake_restic("case $1 in snapshots) echo '[]';; list) echo 'Fatal: AccessDenied' >&2; exit 1;; esac")
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


async def test_what_comes_and_goes_meanwhile_is_not_lost(repo: Repo, ctx: LentContext, fake_restic: Any) -> None:
    """A snapshot that is forgotten between the look at the folder and restic's answer is no damage."""
    forgotten = repo.back_up("web1", "www")
    path = repo.folder / "repo" / "snapshots" / forgotten
    path.chmod(0o600)
    binary = fake_restic(f"rm -f {path}; touch {path.parent}/{'b' * 64}; echo '[]'")
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
    ctx: LentContext, fake_restic: Any, code: int, stderr: str, error: type[SourceError]
) -> None:
    """Exit codes of old and new versions are read by code or text; an unknown one is never success."""
    binary = fake_restic(f"echo '[]'; echo '{stderr}' >&2; exit {code}")
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
async def test_another_shape_is_malformed(
    ctx: LentContext, fake_restic: Any, stdout: str, error: type[SourceError]
) -> None:
    """JSON of another shape raises, and names where."""
    with pytest.raises(error, match="the JSON has a shape that is new to us"):
        await told(ctx, binary=fake_restic(f"echo '{stdout}'"), repository="rest:http://127.0.0.1:1/")


async def test_endless_output_is_truncated(ctx: LentContext, fake_restic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restic that never stops printing ends as Truncated."""
    with pytest.raises(Truncated, match="larger than our cap"):
        await told(ctx, binary=fake_restic("yes >&2"), repository="rest:http://127.0.0.1:1/")


async def test_a_restic_that_hangs_is_ended(ctx: LentContext, fake_restic: Any, tmp_path: Path) -> None:
    """A restic that does not come back raises Unreachable after the timeout, and is gone."""
    binary = fake_restic(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    for seconds in (1, 5, 25):  # a machine that is busy starts no shell within the first
        with pytest.raises(Unreachable, match=f"did not end within {seconds} s"):
            await told(ctx, binary=binary, repository="rest:http://127.0.0.1:1/", command_timeout=f"{seconds}s")
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
