"""One run of a source: what it tells is spooled, every failure becomes a gap, and only a whole run is complete."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.doubt import STRUCTURAL, Cause, facts_gap, members_gap
from checks.model.records import Account
from checks.model.units import duration
from engine.collect import query_of
from engine.store import StoreFull
from sources.common.errors import (
    Absent,
    Busy,
    Malformed,
    Refused,
    SourceError,
    Throttled,
    Truncated,
    Unconfigured,
    Unreachable,
)
from sources.common.local import file_error
from sources.common.source import Context, Page, Source
from tests.support.builders import account, credential
from tests.support.clock import NOW
from tests.support.collecting import NAME, kept, run
from tests.support.estate import NoKeys, Script, scripted

ERRORS = (
    (Unreachable("down"), Cause.UNREACHABLE),
    (Throttled("later"), Cause.THROTTLED),
    (Busy("locked"), Cause.BUSY),
    (Refused("no scope"), Cause.DENIED),
    (Refused("no licence", cause=Cause.UNLICENSED), Cause.UNLICENSED),
    (Refused("elsewhere", cause=Cause.FEDERATED), Cause.FEDERATED),
    (Unconfigured("no token"), Cause.NOT_CONFIGURED),
    (Absent("/srv/x is not there", "put it there", "pattern"), Cause.NOT_CONFIGURED),
    (Malformed("what"), Cause.MALFORMED),
    (Truncated("page cap"), Cause.TRUNCATED),
    (SourceError("?"), Cause.INTERNAL),
)


def half_written(folder: Path) -> list[Path]:
    """List the files that a broken-off collection left."""
    return [path for path in (folder / "evidence").rglob("*") if path.is_file() and not path.name.endswith(".gz")]


async def test_a_whole_run_is_complete_and_its_manifest_says_how_it_was_asked(tmp_path: Path) -> None:
    """Counts, query, scopes, times and digests are what a result cites."""
    script = Script(
        pages=[
            Page(records=[account("ana"), account("bob")], claimed=3, scopes=["users.read", "roles.read"]),
            Page(records=[credential("k1")], scopes=["users.read"]),
        ]
    )

    collected = await run(tmp_path, script, baseline={"account/1": 2})

    manifest = collected.manifest
    assert (collected.error, collected.cause, manifest.complete, manifest.gaps) == (None, None, True, [])
    assert (manifest.source, manifest.kind, manifest.version) == (NAME, "scripted", "1.2.3")
    assert (manifest.pages, manifest.read, manifest.merged, manifest.claimed) == (2, 3, 0, 3)
    assert manifest.records == {"account/1": 2, "credential/1": 1}
    assert manifest.scopes == ["roles.read", "users.read"]
    assert manifest.query == {"kind": '"scripted"'}
    assert manifest.baseline == {"account/1": 2}
    assert manifest.config_digest == f"sha256:{NAME}"
    assert [record.id for record in kept(tmp_path, collected)] == ["ana", "bob", "k1"]


async def test_the_same_answers_give_the_same_digest(tmp_path: Path) -> None:
    """Evidence can be compared by its name, however it was cut into pages."""
    one = await run(tmp_path, Script(pages=[Page(records=[account("ana"), account("bob")])]))
    two = await run(tmp_path, Script(pages=[Page(records=[account("ana")]), Page(), Page(records=[account("bob")])]))

    assert one.manifest.blob == two.manifest.blob
    assert (one.manifest.pages, two.manifest.pages) == (1, 3)


async def test_a_source_that_tells_nothing_is_complete_and_empty(tmp_path: Path) -> None:
    """Whether an empty population is right is for the check to say, and it says unknown."""
    collected = await run(tmp_path, Script(pages=[]))

    assert (collected.manifest.complete, collected.manifest.read, collected.manifest.records) == (True, 0, {})


@pytest.mark.parametrize(("error", "cause"), ERRORS, ids=[f"{type(error).__name__}-{cause}" for error, cause in ERRORS])
async def test_what_a_source_raises_is_a_gap_that_bars_pass(tmp_path: Path, error: SourceError, cause: Cause) -> None:
    """Whoever must act, subjects may be missing; also after a structural refusal the run is not complete."""
    collected = await run(tmp_path, Script(pages=[Page(records=[account("ana")])], error=error))

    assert (collected.cause, collected.error, collected.manifest.complete) == (cause, str(error), False)
    gap = collected.manifest.gaps[0]
    assert (gap.source, gap.kind, gap.cause, gap.detail) == (NAME, "members", cause, str(error))
    assert [record.id for record in kept(tmp_path, collected)] == ["ana"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        pytest.param(file_error(FileNotFoundError(), Path("/srv/x"), NAME, "path"), Cause.UNREACHABLE, id="not there"),
        pytest.param(file_error(IsADirectoryError(), Path("/srv/x"), NAME, "path"), Cause.UNREACHABLE, id="a folder"),
        pytest.param(file_error(PermissionError(), Path("/srv/x"), NAME, "path"), Cause.DENIED, id="no access"),
        pytest.param(Unconfigured(f"{NAME}: /srv/x: no secret"), Cause.NOT_CONFIGURED, id="a secret"),
    ],
)
async def test_what_was_there_before_is_gone_and_no_fault_of_the_configuration(
    tmp_path: Path, error: SourceError, cause: Cause
) -> None:
    """After a complete run under the same configuration on call looks after the place; the message says when it was."""
    collected = await run(tmp_path, Script(error=error), last=NOW - timedelta(hours=3))

    assert (collected.cause, collected.manifest.gaps[0].cause) == (cause, cause)
    assert collected.error is not None
    assert "/srv/x" in collected.error
    if cause is Cause.UNREACHABLE:
        assert "the run that ended 2026-11-21T02:30:00Z found it" in collected.error
        assert "bring it back" in collected.error
        assert "mend path if it has moved" in collected.error


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("hunter2"), KeyError("hunter2"), RuntimeError("hunter2")], ids=repr
)
async def test_a_fault_inside_is_a_gap_that_repeats_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """A bug is named by its class, the log has the rest, and the other sources go on."""
    with caplog.at_level(logging.ERROR):
        collected = await run(tmp_path, Script(error=error))

    assert collected.cause is Cause.INTERNAL
    assert collected.error == f"{NAME}: {type(error).__name__} inside controlwatch; see the log"
    assert len(caplog.records) == 1


async def test_a_hung_source_ends_at_its_timeout(tmp_path: Path) -> None:
    """What it told before is kept, as a partial collection."""
    script = Script(pages=[Page(records=[account("ana")])], hang=asyncio.Event())

    collected = await run(tmp_path, script, timeout=duration("0.05s"))

    assert collected.cause is Cause.UNREACHABLE
    assert collected.error == f"{NAME}: the run did not end within 0s; see timeout"
    assert collected.manifest.records == {"account/1": 1}


async def test_a_hung_source_ends_at_the_deadline_of_the_command_when_that_is_sooner(tmp_path: Path) -> None:
    """A one-shot command ends whatever the sources do; its own limit is not the configuration's to mend."""
    collected = await run(tmp_path, Script(hang=asyncio.Event()), deadline=timedelta(seconds=0.05))

    assert collected.error == f"{NAME}: the run did not end within 0s"


async def test_a_time_out_inside_the_source_is_not_taken_for_the_end_of_the_run(tmp_path: Path) -> None:
    """The message does not send an operator to a key that would change nothing."""
    collected = await run(tmp_path, Script(error=TimeoutError()))

    assert (collected.cause, collected.error) == (Cause.UNREACHABLE, f"{NAME}: the run got no answer in time")


async def test_a_source_is_closed_when_its_run_ends_early(tmp_path: Path) -> None:
    """Connections and processes of a source do not outlive its run."""
    closed: list[str] = []

    async def fetch(_config: Any, _context: Context) -> AsyncGenerator[Page, None]:
        try:
            yield Page(records=[account("")])
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    await run(tmp_path, _source(fetch))

    assert closed == ["closed"]


async def test_a_cancelled_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A reload or a stop in the middle of a run is no trouble for the store."""
    reached = asyncio.Event()

    async def fetch(_config: Any, _context: Context) -> AsyncGenerator[Page, None]:
        yield Page(records=[account(f"a{number}") for number in range(2_000)])
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(run(tmp_path, _source(fetch)))
    await reached.wait()
    assert len(half_written(tmp_path)) == 1

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert half_written(tmp_path) == []
    assert list((tmp_path / "evidence").rglob("*.gz")) == []


async def test_a_full_disk_is_the_stores_fault_and_not_the_sources(tmp_path: Path) -> None:
    """The runner must hear of it: nothing that was not stored may count as collected."""

    async def fetch(_config: Any, _context: Context) -> AsyncGenerator[Page, None]:
        yield Page(records=[account("ana")])
        raise StoreFull("no space left")

    with pytest.raises(StoreFull):
        await run(tmp_path, _source(fetch))

    assert half_written(tmp_path) == []


async def test_a_gap_of_a_page_gets_the_sources_name_and_is_told_once(tmp_path: Path) -> None:
    """A source does not know what it is called, and may say the same on every page."""
    gap = facts_gap(Cause.DENIED, ("account.mfa",), "no factors")

    collected = await run(tmp_path, Script(pages=[Page(gaps=[gap]), Page(gaps=[gap])]))

    assert [(item.source, item.cause) for item in collected.manifest.gaps] == [(NAME, Cause.DENIED)]


@pytest.mark.parametrize("cause", list(Cause))
async def test_only_a_members_gap_that_may_pass_makes_a_run_incomplete(tmp_path: Path, cause: Cause) -> None:
    """What somebody must decide stays as a gap of a complete run: waiting would change nothing."""
    facts = await run(tmp_path, Script(pages=[Page(gaps=[facts_gap(cause, ("account.mfa",), "x")])]))
    members = await run(tmp_path, Script(pages=[Page(gaps=[members_gap(cause, "x")])]))

    assert facts.manifest.complete
    assert members.manifest.complete is (cause in STRUCTURAL)
    assert members.manifest.gaps


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([None], NOW, id="not-told"),
        pytest.param([NOW - timedelta(hours=3), None, NOW - timedelta(hours=5)], NOW - timedelta(hours=5), id="oldest"),
        pytest.param([NOW + timedelta(hours=1)], NOW, id="future"),
        pytest.param([NOW + timedelta(hours=1), NOW - timedelta(hours=1)], NOW - timedelta(hours=1), id="both"),
    ],
)
async def test_the_data_is_as_old_as_the_oldest_that_was_told_and_never_from_the_future(
    tmp_path: Path, told: list[datetime | None], expected: datetime
) -> None:
    """Freshness is data time, and a provider's clock cannot make data fresher than the first request."""
    collected = await run(tmp_path, Script(pages=[Page(as_of=at) for at in told]))

    assert collected.manifest.as_of == expected


async def test_a_data_time_without_a_zone_is_a_fault_inside(tmp_path: Path) -> None:
    """A time of nowhere cannot be compared, and is not guessed."""
    collected = await run(tmp_path, Script(pages=[Page(as_of=NOW.replace(tzinfo=None))]))

    assert (collected.cause, collected.manifest.as_of) == (Cause.INTERNAL, NOW)


def test_a_query_is_the_configuration_as_written() -> None:
    """Values are JSON, keys are sorted, secrets are references as they stand in the file."""
    assert query_of({"url": "https://a", "token": "env:A", "sets": [{"set": "web"}], "on": True}) == {
        "on": "true",
        "sets": '[{"set": "web"}]',
        "token": '"env:A"',
        "url": '"https://a"',
    }


def _source(fetch: Any) -> Source:
    """Make a source of a function that is no script."""
    base = scripted(Script())
    return Source("scripted", NoKeys, (Account,), fetch, base.test, (), base.every)
