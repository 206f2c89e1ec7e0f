"""The waivers' screen, and the forms that request, approve and revoke one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.result import Doubted
from engine.port import (
    ApproveWaiver,
    BlindBy,
    Command,
    Event,
    PortFault,
    Query,
    RejectWaiver,
    Reply,
    RequestWaiver,
    RevokeWaiver,
    Rows,
    Snapshot,
    WaiverView,
)
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_gap, a_row, mixed
from tests.support.pasts import some_waivers
from tests.support.screens import LARGE, SMALL, Shown, shown

REASON = "the vendor mends it in the first quarter"


@pytest.fixture(autouse=True)
def _kim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sit kim at the keyboard."""
    monkeypatch.setenv("LOGNAME", "kim")


class WaiverPort(CannedPort):
    """A port whose file of waivers changes by commands, and that may fail."""

    broken = ""
    asked_waivers = 0

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers, or fail."""
        self.asked_waivers += 1
        if self.broken:
            raise PortFault(self.broken)
        return await super().waivers()

    async def rows(self, query: Query) -> Rows:
        """Give a page, or fail."""
        if self.broken:
            raise PortFault(self.broken)
        return await super().rows(query)

    async def send(self, command: Command) -> Reply:
        """Approve what is to be approved."""
        if isinstance(command, ApproveWaiver):
            self.waiver_file = [
                msgspec.structs.replace(each, status="active", approved_by=command.by)
                if each.id == command.id
                else each
                for each in self.waiver_file
            ]
        return await super().send(command)


def a_port(snapshot: Snapshot | None = None, **options: Any) -> WaiverPort:
    """Build a port with a few findings."""
    return WaiverPort(snapshot or mixed(), [a_row(number) for number in range(1, 6)], **options)


async def typed(stage: Shown, text: str) -> None:
    """Type a text."""
    await stage.press(*({" ": "space", "-": "minus", "/": "slash", "*": "asterisk"}.get(char, char) for char in text))


async def counted(stage: Shown) -> None:
    """Wait until the form has counted what the request would cover."""
    for _ in range(100):
        await stage.settle()
        if "would cover" in stage.text or "to see what" in stage.text or "not counted" in stage.text:
            return
        await stage.pilot.pause(0.05)


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("where", [SMALL, LARGE, (40, 10), (120, 30)], ids=str)
async def test_waivers_are_drawn(where: tuple[int, int], glyphs: str) -> None:
    """Every size, both glyph sets: the list, and what is known of the selected one where there is room."""
    async with shown(port=a_port(), size=where, glyphs=glyphs) as stage:
        await stage.press("X")
        assert [len(line) for line in stage.lines] == [where[0]] * where[1]
        assert "Waivers" in stage.lines[0]
        assert "WV-23" in stage.text
        assert ("SEC-2230" in stage.text) is (where[1] >= 16)
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_the_detail_follows_the_cursor() -> None:
    """A malformed waiver tells its fault."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "j")
        assert "waives nothing" in stage.text
        assert "waiver[6].check: no configured check" in stage.text


async def test_a_filter_narrows_stays_visible_and_is_cleared() -> None:
    """Escape closes the prompt, then clears the filter, then leaves."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "slash")
        await typed(stage, "emergency")
        assert "WV-25" in stage.text
        assert "WV-22" not in stage.text
        await stage.press("escape")
        assert "/ emergency" in stage.text
        await stage.press("escape")
        assert "WV-22" in stage.text
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


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


async def test_another_person_approves_by_typing_the_id() -> None:
    """A wrong id is refused; the list shows the approver as claimed."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "a")
        assert "Approve WV-23" in stage.text
        await typed(stage, "WV-2")
        await stage.press("enter")
        assert "type WV-23 to approve it" in stage.text
        await typed(stage, "3")
        await stage.press("enter")
        assert stage.port.sent == [ApproveWaiver(id="WV-23", entry="sha256:WV-23", by="kim")]
        assert "~kim" in stage.text
        assert "REQUESTED" not in stage.text


async def test_an_own_request_is_not_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason, and what to do, are told."""
    monkeypatch.setenv("LOGNAME", "Ana")
    async with shown(port=a_port()) as stage:
        await stage.press("X", "a")
        assert "your own request: another person than Ana approves it" in stage.lines[-1]
        assert stage.page == "WaiversScreen"


async def test_only_a_request_is_approved() -> None:
    """What is active already is left alone."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "j", "j", "a")
        assert "WV-25 is expiring: only a request can be approved" in stage.lines[-1]


async def test_a_waiver_is_revoked_with_a_reason() -> None:
    """The reason is needed; an ended waiver has nothing to end."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "j", "j", "K")
        await typed(stage, "WV-25")
        await stage.press("enter", "enter")
        assert "say why in 20 characters or more" in stage.text
        await typed(stage, REASON)
        await stage.press("enter")
        assert stage.port.sent == [RevokeWaiver(id="WV-25", entry="sha256:WV-25", reason=REASON, by="kim")]
        await stage.press("G", "K")
        assert "there is nothing to end" in stage.lines[-1]


@pytest.mark.parametrize("key", ["x", "a", "R", "E", "K"])
async def test_nothing_is_written_while_read_only(key: str) -> None:
    """The keys are hidden, and do nothing."""
    async with shown(port=a_port(), read_only=True) as stage:
        await stage.press("X", key)
        assert stage.page == "WaiversScreen"
        assert "waive… " not in stage.lines[-1]
        assert "read-only" in stage.text
        assert stage.port.sent == []


async def test_the_list_is_fetched_again_when_waivers_changed() -> None:
    """A changed count, or a quarter of a minute, is enough; nothing else asks again."""
    port = a_port()
    async with shown(port=port) as stage:
        await stage.press("X")
        before = port.asked_waivers
        await stage.pass_time(timedelta(seconds=6))
        assert port.asked_waivers == before
        assert port.now_shown is not None
        port.now_shown = msgspec.structs.replace(port.now_shown, seq=2, waivers_active=9)
        await stage.pass_time(timedelta(seconds=1))
        assert port.asked_waivers == before + 1
        await stage.pass_time(timedelta(seconds=16))
        assert port.asked_waivers == before + 2


async def test_an_engine_that_does_not_answer_is_told() -> None:
    """Rows of before stay, marked as old."""
    port = a_port()
    async with shown(port=port) as stage:
        await stage.press("X")
        port.broken = "the engine died"
        await stage.pass_time(timedelta(seconds=16))
        assert "WV-22" in stage.text
        assert "not fetched again: the engine died" in stage.text


async def test_enter_shows_the_findings_of_the_check() -> None:
    """A waiver of a check that is not configured has none."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "enter")
        assert stage.page == "FamilyScreen"
        await stage.press("escape", "j", "enter")
        assert "its check is not configured" in stage.lines[-1]


async def test_an_ended_waiver_is_renewed_by_a_new_request() -> None:
    """Check and subjects are those of the old one."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "G")
        assert some_waivers()[3].id == "WV-7"
        await stage.press("x")
        assert "okta-prod/00u29, okta-prod/00u58" in stage.text


async def test_the_list_comes_back_as_it_was_left() -> None:
    """Filter and cursor are remembered by place."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "slash")
        await typed(stage, "wv-2")
        await stage.press("enter", "j", "j")
        place = stage.app.screen.place()  # type: ignore[attr-defined]  # a page of ours
        await stage.press("0", "X")
        stage.app.stack.go(place)
        await stage.settle()
        assert "/ wv-2" in stage.text
        assert "▌▲ WV-25" in stage.text


async def test_a_request_is_rejected_by_another_person() -> None:
    """Its id is typed, and why; what is in force is revoked instead."""
    async with shown(port=a_port()) as stage:
        await stage.press("X", "R")
        await typed(stage, "WV-23")
        await stage.press("enter")
        await typed(stage, REASON)
        await stage.press("enter")
        assert stage.port.sent == [RejectWaiver(id="WV-23", entry="sha256:WV-23", reason=REASON, by="kim")]
        await stage.press("j", "j", "R")
        assert "only a request can be rejected" in stage.lines[-1]


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


async def test_the_command_line_approves_after_the_typed_confirm() -> None:
    """From any screen; a name that is none is told with the nearest."""
    async with shown(port=a_port()) as stage:
        await stage.press("colon")
        await typed(stage, "waiver approve WV-23")
        await stage.press("enter")
        assert "Approve WV-23" in stage.text
        assert stage.port.sent == []
        await typed(stage, "WV-23")
        await stage.press("enter")
        assert stage.port.sent == [ApproveWaiver(id="WV-23", entry="sha256:WV-23", by="kim")]
        await stage.press("colon")
        await typed(stage, "waiver revoke WV-99")
        await stage.press("enter")
        assert "no waiver 'WV-99'" in stage.lines[-1]


async def test_a_wide_screen_tells_rows_and_log_beside() -> None:
    """And ``v`` tells them alone, on a narrow one too."""
    log = [Event(at=NOW - timedelta(days=1), kind="waiver", what="WV-23", text="requested by ana (claimed)", by="ana")]
    async with shown(port=a_port(log=log), size=LARGE) as stage:
        await stage.press("X")
        assert "requested by ana (claimed)" in stage.text
    async with shown(port=a_port(log=log)) as stage:
        await stage.press("X")
        assert "requested by ana (claimed)" not in stage.text
        await stage.press("v")
        assert "requested by ana (claimed)" in stage.text
