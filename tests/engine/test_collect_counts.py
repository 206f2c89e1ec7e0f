"""What a source tells is counted: against what it claims, against itself, and against what it told before."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.records import Backup, BackupSet, Record
from engine.collect import baseline_of, shrunken
from sources.common.errors import (
    Unreachable,
)
from sources.common.source import Page
from tests.support.builders import account, backup, backup_set, credential
from tests.support.collecting import NAME, kept, run
from tests.support.estate import Script, scripted


async def test_a_provider_that_claims_more_than_it_gave_is_cut_off(tmp_path: Path) -> None:
    """Claimed minus seen is how many may be missing."""
    script = Script(pages=[Page(records=[account("ana")], claimed=4), Page(records=[account("bob")], claimed=2)])

    collected = await run(tmp_path, script)

    assert collected.cause is Cause.TRUNCATED
    assert collected.error == f"{NAME}: the provider claims 4 records and gave 2"
    assert collected.manifest.gaps[0].missing == 2


async def test_a_provider_that_gives_more_than_it_claims_is_believed(tmp_path: Path) -> None:
    """A list that grew while it was read is whole."""
    collected = await run(tmp_path, Script(pages=[Page(records=[account("ana"), account("bob")], claimed=1)]))

    assert collected.manifest.complete


async def test_a_record_that_came_twice_does_not_stand_for_one_that_never_came(tmp_path: Path) -> None:
    """Pages that overlap have skipped somebody: of four that are claimed, three were seen."""
    pages = [
        Page(records=[account("ana"), account("bob")], claimed=4),
        Page(records=[account("bob"), account("cem")], claimed=4),
    ]

    collected = await run(tmp_path, Script(pages=pages))

    assert (collected.manifest.read, collected.manifest.merged, collected.manifest.kept) == (4, 1, 3)
    assert collected.cause is Cause.TRUNCATED
    assert collected.manifest.gaps[0].missing == 1


async def test_an_equal_repetition_is_merged_and_no_doubt(tmp_path: Path) -> None:
    """The same record twice is one subject."""
    collected = await run(tmp_path, Script(pages=[Page(records=[account("ana")]), Page(records=[account("ana")])]))

    assert (collected.manifest.complete, collected.manifest.merged) == (True, 1)
    assert len(kept(tmp_path, collected)) == 1


async def test_an_unequal_repetition_is_doubt_and_the_first_is_kept(tmp_path: Path) -> None:
    """One id with two contents means that the list moved while it was read."""
    pages = [Page(records=[account("ana", mfa=True)]), Page(records=[account("ana", mfa=False), account("bob")])]

    collected = await run(tmp_path, Script(pages=pages))

    assert (collected.cause, collected.manifest.complete, collected.manifest.merged) == (Cause.MALFORMED, False, 0)
    assert "'ana' came twice with different content" in (collected.error or "")
    assert [getattr(record, "mfa", None) for record in kept(tmp_path, collected)] == [True, True]


async def test_two_types_may_share_an_id(tmp_path: Path) -> None:
    """An id is unique within its record type."""
    collected = await run(tmp_path, Script(pages=[Page(records=[account("x"), credential("x")])]))

    assert (collected.manifest.complete, collected.manifest.kept) == (True, 2)


@pytest.mark.parametrize(
    "record",
    [account(""), msgspec.structs.replace(account("ana"), source="another")],
    ids=["empty-id", "of-another-source"],
)
async def test_a_record_without_identity_is_a_fault_inside(tmp_path: Path, record: Record) -> None:
    """A subject that cannot be named is never counted as one."""
    collected = await run(tmp_path, Script(pages=[Page(records=[account("bob")]), Page(records=[record])]))

    assert (collected.cause, collected.manifest.complete) == (Cause.INTERNAL, False)
    assert collected.manifest.records == {"account/1": 1}


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        pytest.param({"account/1": 20}, {"account/1": 15}, 0, id="five-of-twenty"),
        pytest.param({"account/1": 20}, {"account/1": 14}, 6, id="six-of-twenty"),
        pytest.param({"account/1": 200}, {"account/1": 180}, 0, id="ten-percent"),
        pytest.param({"account/1": 200}, {"account/1": 179}, 21, id="over-ten-percent"),
        pytest.param({"account/1": 50}, {"account/1": 45}, 0, id="where-both-rules-meet"),
        pytest.param({"account/1": 50}, {"account/1": 44}, 6, id="past-both-rules"),
        pytest.param({"account/1": 100}, {"account/1": 130}, 0, id="grown"),
        pytest.param({"account/1": 5}, {}, 0, id="the-last-five"),
        pytest.param({"account/1": 6}, {}, 6, id="all-of-six"),
        pytest.param({"account/1": 100, "credential/1": 100}, {"account/1": 190}, 100, id="types-do-not-make-up"),
        pytest.param({"account/1": 100, "credential/1": 100}, {"account/1": 50, "credential/1": 50}, 100, id="both"),
        pytest.param({}, {"account/1": 1}, 0, id="first-time"),
        pytest.param(None, {"account/1": 1}, 0, id="no-baseline"),
    ],
)
def test_a_population_has_shrunk_when_it_lost_more_than_five_and_more_than_a_tenth(
    before: dict[str, int] | None, now: dict[str, int], lost: int
) -> None:
    """Each record type is compared with its own count."""
    assert shrunken(before, now) == lost


async def test_a_shrunken_population_is_not_complete_and_says_how_to_accept_it(tmp_path: Path) -> None:
    """A page that was lost looks like a company that shrank."""
    records = [account(f"a{number}") for number in range(80)]

    collected = await run(tmp_path, Script(pages=[Page(records=records)]), baseline={"account/1": 100})

    assert (collected.cause, collected.manifest.complete) == (Cause.SHRUNKEN, False)
    assert collected.manifest.gaps[0].missing == 20
    assert collected.error == (
        f"{NAME}: 20 fewer subjects than before; when that is right: controlwatch source accept {NAME} --reason …"
    )


async def test_a_failed_run_is_not_called_shrunken(tmp_path: Path) -> None:
    """What broke is the reason; what it did not bring is no second one."""
    collected = await run(tmp_path, Script(error=Unreachable("down")), baseline={"account/1": 100})

    assert [gap.cause for gap in collected.manifest.gaps] == [Cause.UNREACHABLE]


async def test_pruned_backups_are_no_lost_subjects(tmp_path: Path) -> None:
    """Retention deletes copies; the sets are the subjects."""
    records = [backup_set("web", source=NAME), backup("b1", source=NAME)]

    collected = await run(tmp_path, scripted(Script(pages=[Page(records=records)]), (BackupSet, Backup)))

    assert collected.manifest.records == {"backup/1": 1, "backup_set/1": 1}
    assert baseline_of(collected.manifest.records) == {"backup_set/1": 1}
