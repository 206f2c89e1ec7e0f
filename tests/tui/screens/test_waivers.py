"""The waivers' screen: its list, and the forms that approve, reject and revoke one."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from engine.port import (
    ApproveWaiver,
    Event,
    RejectWaiver,
    RevokeWaiver,
)
from tests.support.clock import NOW
from tests.support.screens import LARGE, SMALL, shown
from tests.support.waived import a_waiver
from tests.support.waiver_port import REASON, a_port, typed
from tui.format import clean
from tui.screens.form import LABEL_WIDTH
from tui.screens.waiver_deeds import typed_id


@pytest.fixture(autouse=True)
def _kim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sit kim at the keyboard."""
    monkeypatch.setenv("LOGNAME", "kim")


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


@pytest.mark.parametrize("name", ["WV-22", "W-2026-0001", "W-2026-" + "0" * 40], ids=["short", "usual", "long"])
def test_the_id_to_be_typed_stands_apart_from_what_is_typed(name: str) -> None:
    """A label is never so long that the value follows it without a gap; the id is told below, whole."""
    field = typed_id(a_waiver(id=name), "approve", "approved as kim")

    assert len(field.label) < LABEL_WIDTH - 2
    assert field.hint.startswith(f"type {clean(name, 40)}: approved as kim")
    assert (field.fault(name, {}), field.fault("x", {})) == ("", f"type {clean(name, 40)} to approve it")
