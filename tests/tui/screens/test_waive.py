"""The form that requests a waiver: of findings, of what a source cannot tell, and of what has ended."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.result import Doubted
from engine.port import (
    BlindBy,
    RequestWaiver,
    Snapshot,
)
from tests.support.clock import NOW
from tests.support.estates import a_gap, a_row, mixed
from tests.support.pasts import some_waivers
from tests.support.screens import Shown, shown
from tests.support.waiver_port import REASON, WaiverPort, a_port, typed


@pytest.fixture(autouse=True)
def _kim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sit kim at the keyboard."""
    monkeypatch.setenv("LOGNAME", "kim")


async def counted(stage: Shown) -> None:
    """Wait until the form has counted what the request would cover."""
    for _ in range(100):
        await stage.settle()
        if "would cover" in stage.text or "to see what" in stage.text or "not counted" in stage.text:
            return
        await stage.pilot.pause(0.05)


async def test_a_request_is_made_of_a_finding() -> None:
    """Check and subject are filled in; it says what it would cover, and what it takes to be in force."""
    async with shown(port=a_port()) as stage:
        await stage.press("1", "1")
        await stage.press("x")
        await counted(stage)
        assert "it waives nothing until another person approves it" in stage.text
        assert "would cover 1 of 5 open findings now: user0000" in stage.text
        await typed(stage, REASON)
        await stage.press("tab")
        await typed(stage, "watched")
        await stage.press("tab")
        await typed(stage, "SEC-7")
        await stage.press("ctrl+s")
        assert [each for each in stage.port.sent if isinstance(each, RequestWaiver)] == [
            RequestWaiver(
                check="workforce-mfa",
                subjects=("okta-prod/00u5",),
                reason=REASON,
                compensating_control="watched",
                ticket="SEC-7",
                by="kim",
            ),
        ]
        assert "✔ done" in stage.lines[-1]


async def test_a_request_made_of_a_finding_covers_it_alone_however_its_id_is_spelled() -> None:
    """Signs of the id that would be wild are written so that they are not."""
    rows = [a_row(number, subject=f"okta-prod/user {number:05d}") for number in (1, 2, 3)]
    port = WaiverPort(mixed(), [a_row(9, subject="okta-prod/user 0000*", label="a-star"), *rows], waiver_file=[])
    async with shown(port=port) as stage:
        await stage.press("1", "1", "x")
        await counted(stage)
        assert "okta-prod/user 0000[*]" in stage.text
        assert "would cover 1 of 4 open findings now: a-star" in stage.text


async def test_an_emergency_is_one_persons_for_a_day() -> None:
    """The form says what that means, and days do not count."""
    async with shown(port=a_port(waiver_file=[])) as stage:
        await stage.press("X", "x")
        await typed(stage, "workforce-mfa")
        await stage.press("tab")
        await typed(stage, "user0000*")
        await counted(stage)
        assert "would cover 5 of 5 open findings now; a wildcard covers what comes later too" in stage.text
        await stage.press("tab")
        await typed(stage, REASON)
        await stage.press("tab", "tab", "tab", "end", "0", "tab", "tab", "space")
        assert "EMERGENCY by kim: it holds at once, for at most 24 hours, and is flagged" in stage.text
        await stage.press("enter")
        sent = stage.port.sent[-1]
        assert isinstance(sent, RequestWaiver)
        assert (sent.emergency, sent.subjects) == (True, ("user0000*",))


@pytest.mark.parametrize(
    ("check", "subjects", "said"),
    [
        pytest.param("no-such", "okta-prod/00u1", "one of workforce-mfa", id="check"),
        pytest.param("workforce-mfa", "*", "too wide", id="everything"),
        pytest.param("workforce-mfa", "okta-prod/00u1", "say why in 20 characters or more (0 of 20)", id="reason"),
    ],
)
async def test_a_request_that_cannot_be_is_refused_in_its_place(check: str, subjects: str, said: str) -> None:
    """Nothing is sent, and the cursor stands where it is to be mended."""
    async with shown(port=a_port(waiver_file=[])) as stage:
        await stage.press("X", "x")
        await typed(stage, check)
        await stage.press("tab")
        await typed(stage, subjects)
        await stage.press("ctrl+s")
        assert said in stage.text
        assert stage.port.sent == []


async def test_a_request_that_cannot_be_counted_says_so() -> None:
    """An engine that does not answer stops no form."""
    port = a_port()
    async with shown(port=port) as stage:
        await stage.press("X", "j", "j", "j")
        port.broken = "the engine died"
        await stage.press("x")
        await counted(stage)
        assert "not counted: the engine died" in stage.text
        await stage.press("escape")
        assert stage.page == "WaiversScreen"


async def test_many_marked_subjects_are_taken_as_they_were_marked() -> None:
    """Forty subjects are not a line to edit; each of them is sent."""
    from tui.screens.page import Page
    from tui.screens.waive import request_waiver

    subjects = [f"okta-prod/00u{number},x" for number in range(40)]
    async with shown(port=a_port()) as stage:
        assert isinstance(stage.app.screen, Page)
        request_waiver(stage.app.screen, "workforce-mfa", subjects)
        await stage.settle()
        assert "40 subjects: okta-prod/00u0,x" in stage.text
        assert "Subjects  " not in stage.text
        await typed(stage, REASON)
        await stage.press("ctrl+s")
        sent = stage.port.sent[-1]
        assert isinstance(sent, RequestWaiver)
        assert list(sent.subjects) == subjects


def blind(cause: Cause) -> Snapshot:
    """Build an estate in which aws does not tell for a cause."""
    estate = mixed()
    told = BlindBy(source="aws", cause=cause, since=NOW - timedelta(hours=4))
    checks = [
        msgspec.structs.replace(each, blind_by=told) if each.name == "stale-accounts" else each
        for each in estate.checks
    ]
    return msgspec.structs.replace(estate, checks=checks)


async def test_what_a_source_structurally_cannot_tell_is_waived_from_its_row() -> None:
    """Check, source and cause are filled in; it may last a year."""
    async with shown(port=a_port(blind(Cause.UNLICENSED))) as stage:
        await stage.press("S", "g", "x")
        assert "Request a waiver of what is not told" in stage.text
        await typed(stage, REASON)
        await stage.press("tab", "tab", "tab", "end", "backspace", "backspace")
        await typed(stage, "365")
        await stage.press("ctrl+s")
        assert stage.port.sent == [
            RequestWaiver(
                check="stale-accounts", source="aws", cause="unlicensed", reason=REASON, days=365, by="kim", subjects=()
            ),
        ]


async def test_a_gap_is_waived_from_the_overview() -> None:
    """A check whose result has a structural gap offers it."""
    estate = mixed()
    gapped = [
        msgspec.structs.replace(each, gaps=(Doubted(gap=a_gap("aws")),)) if each.name == "admin-mfa" else each
        for each in estate.checks
    ]
    async with shown(port=a_port(msgspec.structs.replace(estate, checks=gapped))) as stage:
        await stage.press("1", "j", "x")
        assert "Request a waiver of what is not told" in stage.text
        assert "admin-mfa" in stage.text
        assert "denied" in stage.text


async def test_what_passes_with_time_is_not_waived() -> None:
    """An unreachable source is mended, not accepted."""
    async with shown(port=a_port(blind(Cause.UNREACHABLE))) as stage:
        await stage.press("S", "g", "x")
        assert "nothing here is structurally unknown" in stage.lines[-1]
        assert stage.page == "SourcesScreen"


async def test_an_ended_waiver_is_renewed_by_a_new_request() -> None:
    """Check and subjects are those of the old one."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "G")
        assert some_waivers()[3].id == "WV-7"
        await stage.press("x")
        assert "okta-prod/00u29, okta-prod/00u58" in stage.text


async def test_a_waiver_goes_on_by_a_request_like_it() -> None:
    """Filled with what it says, and named in it; a last day may be typed instead of days."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "j", "j", "j", "E")
        assert "Extend WV-22" in stage.text
        await stage.press("tab", "tab", "tab", "tab", "tab", "ctrl+u")
        await typed(stage, "2027-02-19")
        await stage.press("ctrl+s")
        sent = stage.port.sent[-1]
        assert isinstance(sent, RequestWaiver)
        assert (sent.extends, sent.until, sent.ticket) == ("WV-22", date(2027, 2, 19), "SEC-2201")
        assert sent.subjects == ("okta-prod/00u29", "okta-prod/00u58")
