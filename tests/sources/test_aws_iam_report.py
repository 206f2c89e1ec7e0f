"""The credential report is waited for, dated by itself, and believed only in the form that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sources.common.errors import Malformed, Refused, SourceError, Truncated, Unreachable
from tests.support import iam as wire
from tests.support.aws import accounts, asking, collected
from tests.support.clock import NOW
from tests.support.iam import row, table


@pytest.mark.parametrize(
    ("made", "cells", "as_of"),
    [
        pytest.param(wire.MADE, {}, datetime(2026, 11, 21, 3, 30, tzinfo=UTC), id="as-told"),
        pytest.param("2026-11-18T00:00:00Z", {}, datetime(2026, 11, 18, tzinfo=UTC), id="old-and-consistent"),
        pytest.param(
            "2015-02-02T20:02:02Z",
            {"password_last_used": "2026-11-20T08:00:00+00:00"},
            NOW - timedelta(hours=4),
            id="contradicted",
        ),
        pytest.param(
            wire.MADE,
            {"password_last_used": "2026-11-21T03:31:00+00:00"},
            datetime(2026, 11, 21, 3, 30, tzinfo=UTC),
            id="contradicted-by-a-minute",
        ),
        pytest.param("2026-11-22T00:00:00Z", {}, NOW - timedelta(hours=4), id="in-the-future"),
    ],
)
async def test_data_are_as_old_as_the_report_says_unless_it_contradicts_itself(
    made: str, cells: dict[str, str], as_of: datetime, tmp_path: Path
) -> None:
    """The age of what is told is never younger than what is proven."""
    found = await collected(tmp_path, row("ana", cells), made=made)
    assert {page.as_of for page in found.pages} == {as_of}


async def test_a_report_is_waited_for(tmp_path: Path) -> None:
    """Started, in progress, then complete: the source polls with growing waits."""
    states = ["STARTED", "INPROGRESS", "SOMETHING_NEW", "COMPLETE"]
    told = [wire.result("GenerateCredentialReport", f"<State>{state}</State>") for state in states]
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=told) as asked:
        found = await asked.collect()
    assert set(accounts(found)) == {"ana", "<root_account>"}
    assert asked.iam.times("GenerateCredentialReport") == 4
    assert asked.iam.times("GetCredentialReport") == 1
    assert asked.glass.slept == sorted(asked.glass.slept)


@pytest.mark.parametrize(
    ("code", "status"), [("ReportExpired", 410), ("ReportNotPresent", 410), ("ReportInProgress", 404)]
)
async def test_a_report_that_is_not_there_is_asked_for_again(code: str, status: int, tmp_path: Path) -> None:
    """A report may expire between the two questions."""
    told = [wire.error(code, status), wire.report(table(row("ana")))]
    found = await collected(tmp_path, row("ana"), GetCredentialReport=told)
    assert "ana" in accounts(found)


async def test_a_report_that_never_comes_ends_the_run(tmp_path: Path) -> None:
    """The time of the run bounds the wait."""
    never = wire.result("GenerateCredentialReport", "<State>INPROGRESS</State>")
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=never) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Unreachable)
    assert "not ready" in str(fault)
    assert asked.glass.at <= 300


async def test_a_report_that_others_had_made_may_be_read(tmp_path: Path) -> None:
    """Without the right to have one made, its own stamp is its age, whatever its rows say."""
    denied = wire.error("AccessDenied", 403)
    found = await collected(
        tmp_path,
        row("ana", password_last_used="2026-11-21T00:00:00Z"),
        made="2026-11-20T00:00:00Z",
        GenerateCredentialReport=denied,
    )
    assert found.pages[0].as_of == datetime(2026, 11, 20, tzinfo=UTC)


async def test_without_a_report_the_missing_right_is_named(tmp_path: Path) -> None:
    """Nobody had a report made, and we may not."""
    told: dict[str, Any] = {
        "GenerateCredentialReport": wire.error("AccessDenied", 403),
        "GetCredentialReport": wire.error("ReportNotPresent", 410),
    }
    async with asking(tmp_path, row("ana"), **told) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "grant iam:GenerateCredentialReport" in str(fault)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("user,arn\nana,x\n", Malformed, "access_key_1_active", id="columns-missing"),
        pytest.param("\n", Malformed, "lacks", id="empty"),
        pytest.param(table(row("ana"))[:-30], Truncated, "cut off", id="row-cut-off"),
        pytest.param(table(row("ana")).replace("cert_2_active", "cert_1_active"), Malformed, "lacks", id="twice"),
    ],
)
async def test_a_report_of_another_form_is_not_believed(
    text: str, kind: type[SourceError], words: str, tmp_path: Path
) -> None:
    """Columns are found by name, so another order is fine, and a missing or a cut one is not."""
    async with asking(tmp_path, row("ana"), GetCredentialReport=wire.report(text)) as asked:
        fault = await asked.fault()
    assert isinstance(fault, kind)
    assert words in str(fault)


async def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """Another order and columns that are new to us change nothing."""
    told = row("ana", wire.PERSON, {"shoe_size": "44"})
    shuffled = dict(sorted(told.items(), reverse=True))
    plain, mixed = [accounts(await collected(tmp_path, one))["ana"] for one in (told, shuffled)]
    assert plain == mixed


async def test_a_report_that_is_not_base64_is_malformed(tmp_path: Path) -> None:
    """What cannot be decoded is not an empty table."""
    told = wire.result("GetCredentialReport", f"<Content>%%%</Content><GeneratedTime>{wire.MADE}</GeneratedTime>")
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_an_empty_account_tells_nothing(tmp_path: Path) -> None:
    """Zero rows are zero records, which the engine does not take for a pass."""
    found = await collected(tmp_path, GetCredentialReport=wire.report(table()))
    assert found.records == ()
