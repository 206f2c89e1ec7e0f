"""The command line does what keys do, by name, and says what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from engine.port import Accept, Ack, Pause, Run, WaiverView
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, empty, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.actor import actor
from tui.screens.events import EventsScreen
from tui.screens.family import FamilyScreen
from tui.theme import ANSI, LIGHT

NAMES = {" ": "space", ":": "colon", "/": "slash", "-": "minus", ".": "full_stop", "?": "question_mark"}


async def command(stage: Shown, text: str, *, enter: bool = True) -> None:
    """Type a command."""
    await stage.press("colon", *(NAMES.get(each, each) for each in text), *["enter"] * enter)


@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
@pytest.mark.parametrize("key", ["colon", "ctrl+k"])
async def test_a_key_opens_it_and_escape_closes_it(key: str, size: tuple[int, int]) -> None:
    """The screen below is as it was."""
    async with shown(size=size) as stage:
        before = stage.text
        await stage.press(key)
        assert stage.page == "CommandScreen"
        assert "overview" in stage.text
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        await stage.press("escape")
        assert stage.text == before


async def test_a_family_is_shown_filtered() -> None:
    """One line says where and which."""
    async with shown(rows=many_rows(40)) as stage:
        await command(stage, "family mfa /status:fail")
        screen = stage.app.screen
        assert isinstance(screen, FamilyScreen)
        assert screen.typed == "status:fail"
        assert "/ status:fail" in stage.text


async def test_the_ids_of_waivers_are_completed() -> None:
    """Of those with which it can be done: a request is approved, and what is in force is revoked."""
    async with shown() as stage:
        await command(stage, "waiver approve ", enter=False)
        assert "waiver approve WV-23" in stage.text
        assert "WV-22" not in stage.text
        await stage.press("tab", "enter")
        assert (stage.page, "Approve WV-23" in stage.text) == ("Form", True)


class SilentPort(CannedPort):
    """A port that gives no waiver."""

    async def waivers(self) -> Sequence[WaiverView]:
        """Fail."""
        raise TimeoutError("the file is busy")


async def test_without_an_answer_no_waiver_is_suggested() -> None:
    """The command is there all the same."""
    async with shown(port=SilentPort(mixed())) as stage:
        await command(stage, "waiver approve ", enter=False)
        assert "WV-23" not in stage.text
        assert stage.page == "CommandScreen"


async def test_a_check_is_shown_alone() -> None:
    """By a few letters of its name."""
    async with shown(rows=many_rows(40)) as stage:
        await command(stage, "check adm")
        assert stage.page == "FamilyScreen"
        assert stage.port.asked[-1].check == "admin-mfa"


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("source aws", "SourcesScreen"),
        ("events aws", "EventsScreen"),
        ("history backups", "HistoryScreen"),
        ("waiver list", "WaiversScreen"),
        ("help", "HelpScreen"),
        ("go.sources", "SourcesScreen"),
        ("overview", "OverviewScreen"),
    ],
)
async def test_screens_are_opened_by_name(typed: str, page: str) -> None:
    """As their keys do."""
    async with shown() as stage:
        await command(stage, typed)
        assert stage.page == page


async def test_what_writes_is_sent() -> None:
    """With the name of the person who asks."""
    async with shown(rows=many_rows(40)) as stage:
        await command(stage, "run aws")
        await command(stage, "pause backups 2h moved to another rack")
        await command(stage, "resume backups")
        await command(stage, "accept aws merged")
        assert stage.port.sent == [
            Run(source="aws"),
            Pause(check="backups", reason="moved to another rack", by=actor(), until=NOW + timedelta(hours=2)),
            Pause(check="backups", reason="", by=actor(), until=NOW),
            Accept(source="aws", reason="merged", by=actor()),
        ]


async def test_what_is_missing_is_asked() -> None:
    """A pause without a reason opens the form."""
    async with shown() as stage:
        await command(stage, "pause backups")
        assert stage.page == "Form"
        assert "Pause backups" in stage.text


async def test_an_acknowledgement_takes_its_note_from_the_line() -> None:
    """On the finding under the cursor; where there is none, it says so."""
    async with shown(rows=many_rows(40)) as stage:
        await command(stage, "ack x")
        assert "no finding is selected" in stage.lines[-1]
        await stage.press("1", "1")
        await command(stage, "ack seen")
        assert stage.port.sent == [Ack(finding=36, note="seen", by=actor())]


async def test_an_acknowledgement_on_the_line_means_what_its_key_means() -> None:
    """All that match are marked but the one under the cursor: that one is not acknowledged, and the number is asked."""
    async with shown(rows=[a_row(number) for number in range(1, 6)]) as stage:
        await stage.press("1", "1", "asterisk", "space", "k")
        assert stage.app.page is not None
        unmarked = stage.app.page.finding_here()
        assert unmarked is not None
        await command(stage, "ack seen")
        assert "Acknowledge 4 findings" in stage.text
        assert stage.port.sent == []
        await stage.press("tab", "4", "enter")
        asked = {each.finding for each in stage.port.sent if isinstance(each, Ack)}
        assert asked == {1, 2, 3, 4, 5} - {unmarked.id}


async def test_read_only_has_no_command_that_writes() -> None:
    """Neither suggested nor obeyed."""
    async with shown(read_only=True) as stage:
        await command(stage, "pau", enter=False)
        assert "pause" not in stage.text
        await stage.press("escape")
        await command(stage, "run aws")
        assert "run: this screen is read-only" in stage.text
        assert stage.port.sent == []


async def test_a_fault_stays_until_something_is_typed() -> None:
    """The line is there to be put right."""
    async with shown() as stage:
        await command(stage, "chekc")
        assert stage.page == "CommandScreen"
        assert 'did you mean "check"?' in stage.text
        await stage.press("backspace")
        assert "did you mean" not in stage.text


async def test_tab_completes_and_goes_round() -> None:
    """One candidate is taken with a space behind it; of several, the next each time."""
    async with shown() as stage:
        await command(stage, "fam", enter=False)
        await stage.press("tab")
        assert ":family " in stage.lines[-1]
        await stage.press("tab")
        assert ":family mfa" in stage.lines[-1]
        await stage.press("tab")
        assert ":family access" in stage.lines[-1]
        await stage.press(*["tab"] * 3)
        assert ":family mfa" in stage.lines[-1]


async def test_commands_of_before_come_back() -> None:
    """Up goes to the one before, down in the end to what was typed."""
    async with shown() as stage:
        await command(stage, "source aws")
        await command(stage, "utc")
        await command(stage, "th", enter=False)
        await stage.press("up")
        assert ":utc" in stage.lines[-1]
        await stage.press("up", "up")
        assert ":source aws" in stage.lines[-1]
        await stage.press("down", "down", "down")
        assert ":th" in stage.lines[-1]


async def test_a_suggestion_is_taken_by_a_click() -> None:
    """Nothing is for the keyboard alone."""
    async with shown() as stage:
        await command(stage, "fam", enter=False)
        row = next(y for y, text in enumerate(stage.lines) if "family NAME" in text)
        await stage.pilot.click(offset=(4, row))
        await stage.settle()
        assert ":family " in stage.lines[-1]


async def test_theme_and_zone_are_taken() -> None:
    """From now on, on every screen."""
    async with shown() as stage:
        await command(stage, "theme light")
        assert stage.app.theme == LIGHT
        await command(stage, "theme ansi")
        assert stage.app.theme == ANSI
        await command(stage, "local")
        assert stage.app.feed.zone is None
        await command(stage, "utc")
        assert "LIVE 05:30Z" in stage.lines[0]


async def test_a_filter_alone_narrows_what_is_shown() -> None:
    """A slash in the command line is a slash on the screen."""
    async with shown() as stage:
        await stage.press("e")
        await command(stage, "/kind:source")
        screen = stage.app.screen
        assert isinstance(screen, EventsScreen)
        assert "/ kind:source" in stage.text


async def test_an_estate_without_names_says_so() -> None:
    """Nothing to complete is no crash."""
    async with shown(port=CannedPort(empty())) as stage:
        await command(stage, "check x")
        assert "no check 'x': there is none" in stage.text
        await stage.press("tab", "up", "down", "escape")
        assert stage.page == "OverviewScreen"


async def test_nothing_typed_closes_it() -> None:
    """Enter on an empty line is no command."""
    async with shown(msgspec.structs.replace(mixed(), demo=True)) as stage:
        await stage.press("colon", "enter")
        assert stage.page == "OverviewScreen"
