"""The overview, driven by keys and mouse at both sizes."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.state import Tally
from engine.port import BlindBy, Event, Run, Selftest, Snapshot
from tests.support.clock import NOW
from tests.support.estates import ESTATES, CannedPort, all_pass, many_rows, mixed
from tests.support.screens import LARGE, SMALL, shown
from tests.support.snapshots import a_standing


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
@pytest.mark.parametrize("estate", sorted(ESTATES))
async def test_every_estate_is_drawn_at_every_size(estate: str, size: tuple[int, int], glyphs: str) -> None:
    """All four panels are on the screen in their places, and ASCII means ASCII."""
    async with shown(ESTATES[estate](), size=size, glyphs=glyphs) as stage:
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        for title in ("MFA coverage", "Stale access", "Backup freshness", "Attestations & TLS"):
            assert title in stage.text
        assert stage.text.isascii() is (glyphs == "ascii")


@pytest.mark.parametrize("size", [(40, 10), (60, 20), (79, 24), (80, 23)], ids=str)
async def test_a_small_terminal_shows_the_worst_first_alone(size: tuple[int, int]) -> None:
    """Below 80×24 there is one column, and what is red is on it."""
    async with shown(size=size) as stage:
        assert "admin-mfa" in stage.text
        assert "Backup freshness" not in stage.text


@pytest.mark.parametrize("size", [(39, 10), (40, 9), (20, 5)], ids=str)
async def test_a_tiny_terminal_says_so(size: tuple[int, int]) -> None:
    """Below 40×10 it says what it needs and draws nothing misleading."""
    async with shown(size=size) as stage:
        assert stage.lines[0].strip().startswith("terminal too small"[: size[0]])
        assert "FAIL" not in stage.text


async def test_growing_brings_the_panels_back() -> None:
    """A resize needs no restart."""
    async with shown(size=(39, 9)) as stage:
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        assert "Backup freshness" in stage.text
        assert "terminal too small" not in stage.text


def two_families() -> Snapshot:
    """Build an estate in which only backups and certificates are checked."""
    kept = {"backup", "certification"}
    return msgspec.structs.replace(mixed(), checks=[each for each in mixed().checks if each.family in kept])


async def test_families_without_a_check_take_one_line() -> None:
    """They are named, and what they leave free shows checks; their keys still open them."""
    async with shown(two_families(), size=SMALL) as stage:
        assert "no check configured: 1 MFA coverage · 2 Stale access" in stage.text
        assert "no MFA coverage check configured" not in stage.text
        titles = [line for line in stage.lines if "Backup freshness" in line]
        assert "Attestations & TLS" in titles[0]
        await stage.press("1")
        assert stage.page == "FamilyScreen"


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_free_room_goes_to_what_needs_attention(size: tuple[int, int]) -> None:
    """With two panels of the four, nothing that does not pass is below the edge of the list."""
    failing = msgspec.structs.replace(mixed().checks[1], family="backup")
    views = [msgspec.structs.replace(failing, name=f"backups-{number}") for number in range(7)]
    async with shown(msgspec.structs.replace(two_families(), checks=views[:7]), size=size) as stage:
        listed = stage.text.partition("no check configured")[0]
        assert all(listed.count(f"backups-{number}") for number in range(7))


async def test_one_failure_leaves_the_room_to_the_events() -> None:
    """The list of what needs attention is as high as it must be, and grows once more is in it."""
    views = [mixed().checks[1], *all_pass().checks[2:]]
    async with shown(msgspec.structs.replace(all_pass(), checks=views), size=LARGE) as stage:
        few = next(at for at, line in enumerate(stage.lines) if "MFA coverage" in line)
        stage.port.now_shown = mixed()
        await stage.pass_time(timedelta(seconds=1))
        many = next(at for at, line in enumerate(stage.lines) if "MFA coverage" in line)
        assert (few, many) == (8, 12)


async def test_without_a_snapshot_it_waits() -> None:
    """Before the engine has spoken nothing is claimed."""
    async with shown(port=CannedPort(None)) as stage:
        assert "STARTING" in stage.lines[0]
        assert "waiting for the engine's first snapshot" in stage.text
        assert "✔" not in stage.text


async def test_a_new_snapshot_is_drawn() -> None:
    """What changes in the engine changes on the screen."""
    async with shown(all_pass()) as stage:
        assert "✔ 8 PASS" in stage.lines[0]
        stage.port.now_shown = mixed()
        await stage.pass_time(timedelta(seconds=1))
        assert "✖ 2 FAIL" in stage.lines[0]


async def test_a_hung_engine_turns_everything_blind() -> None:
    """The same snapshot, an hour later, is green no more."""
    estate = msgspec.structs.replace(all_pass(), selftest=Selftest(passed_at=all_pass().at + timedelta(hours=1)))
    async with shown(estate) as stage:
        await stage.pass_time(timedelta(minutes=5))
        assert "STALLED 05:00" in stage.lines[0]
        await stage.pass_time(timedelta(hours=1))
        assert "8 BLIND" in stage.lines[0]
        assert "0 PASS" in stage.lines[0]


async def test_a_dead_engine_stays_on_the_screen() -> None:
    """The fault and the age of the last snapshot take a whole line."""
    async with shown() as stage:
        stage.port.down = "the engine stopped: [Errno 28] No space left on device"
        await stage.pass_time(timedelta(minutes=3))
        assert "ENGINE DOWN 03:00" in stage.lines[0]
        assert stage.lines[2].startswith(" ENGINE DOWN  last snapshot 05:30Z  the engine stopped: [Errno 28]")


@pytest.mark.parametrize("keys", [["j"], ["down"], ["n"]], ids=str)
async def test_the_cursor_moves_and_tells(keys: list[str]) -> None:
    """The next row is told about in the two lines below."""
    async with shown() as stage:
        assert "admin-mfa since" in stage.text
        await stage.press(*keys)
        assert "backups since" in stage.text


async def test_the_cursor_knows_its_ends() -> None:
    """Top, bottom, pages and back: the cursor never leaves the list."""
    async with shown(size=LARGE) as stage:
        await stage.press("G", "j", "pagedown")
        assert "leavers since" in stage.text
        await stage.press("g", "k", "N", "pageup")
        assert "admin-mfa since" in stage.text


async def test_the_cursor_stays_on_its_check_when_others_recover() -> None:
    """Rows that go do not move what is selected."""
    async with shown(size=LARGE) as stage:
        await stage.press("j")
        recovered = [view if view.name != "admin-mfa" else all_pass().checks[1] for view in mixed().checks]
        stage.port.now_shown = msgspec.structs.replace(mixed(), checks=recovered)
        await stage.pass_time(timedelta(seconds=1))
        assert "backups since" in stage.text


async def test_a_failing_check_opens_its_findings() -> None:
    """Enter goes to the findings of the check alone."""
    async with shown(rows=many_rows(40)) as stage:
        await stage.press("enter")
        assert stage.page == "FamilyScreen"
        assert "check admin-mfa" in stage.text


async def test_a_blind_source_opens_the_source() -> None:
    """Enter on BLIND goes to who is to blame."""
    async with shown() as stage:
        await stage.press("j", "j", "enter")
        assert stage.page == "SourcesScreen"
        assert "unreachable since" in stage.text


async def test_a_source_that_has_told_all_opens_the_subjects_that_are_in_doubt() -> None:
    """Enter on BLIND goes to whom it is about where the source itself has nothing more to say."""
    told = BlindBy(source="edge", cause=Cause.UNREACHABLE, since=NOW, detail="1 of 204 subjects cannot be judged")
    views = [
        msgspec.structs.replace(view, standing=a_standing(tally=Tally(passed=203, unknown=1)), blind_by=told)
        if view.name == "certificates"
        else view
        for view in all_pass().checks
    ]
    async with shown(msgspec.structs.replace(all_pass(), checks=views)) as stage:
        assert "data ▲ LIMITED" in stage.text
        await stage.press("enter")
        assert stage.page == "FamilyScreen"
        assert "check certificates" in stage.text
        assert "status:blind" in stage.text


async def test_a_digit_focuses_a_panel_and_again_opens_it() -> None:
    """Places have numbers."""
    async with shown() as stage:
        await stage.press("3")
        assert stage.app.focused is not None
        assert stage.app.focused.id == "backup"
        await stage.press("3")
        assert stage.page == "FamilyScreen"
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


async def test_run_asks_for_the_sources_of_the_row() -> None:
    """``r`` runs what the selected check reads."""
    async with shown() as stage:
        await stage.press("r")
        assert stage.port.sent == [Run(source="okta-prod"), Run(source="aws")]
        assert "runs now" in stage.lines[-1]


@pytest.mark.parametrize(("answer", "sent"), [("y", [Run()]), ("n", []), ("escape", [])])
async def test_run_all_asks_first(answer: str, sent: list[Run]) -> None:
    """Only ``y`` is yes."""
    async with shown() as stage:
        await stage.press("R")
        assert "Run all 7 sources now?" in stage.lines[-1]
        await stage.press(answer)
        assert stage.port.sent == sent


async def test_the_runbook_is_shown_and_copied() -> None:
    """The address is there also for a terminal that cannot open it."""
    async with shown(size=LARGE) as stage:
        await stage.press("o")
        assert "runbook https://runbooks.example.org/admin-mfa (copied)" in stage.lines[-1]
        assert stage.app.clipboard == "https://runbooks.example.org/admin-mfa"
        await stage.press("y")
        assert stage.app.clipboard == "admin-mfa"


async def test_events_open_what_they_are_about() -> None:
    """An event of a source leads to the source."""
    async with shown(size=LARGE) as stage:
        stage.app.screen.query_one("#events").focus()
        await stage.press("enter")
        assert stage.page == "SourcesScreen"


async def test_a_click_selects_and_the_footer_obeys() -> None:
    """No action needs a key, and none needs a mouse."""
    async with shown() as stage:
        await stage.pilot.click("#worst", offset=(5, 2))
        await stage.settle()
        assert "backups since" in stage.text
        await stage.pilot.click("#foot", offset=(stage.lines[-1].index("S sources"), 0))
        await stage.settle()
        assert stage.page == "SourcesScreen"


async def test_the_newest_event_and_the_worst_check_stay_in_sight() -> None:
    """A list that nobody is in shows its top, whatever came since somebody was."""
    async with shown(size=LARGE) as stage:
        assert "503 Service" in stage.text
        stage.app.screen.query_one("#events").focus()
        await stage.press("j", "j")
        stage.app.screen.query_one("#worst").focus()
        new = [Event(at=NOW, kind="source", what=f"s{n}", text=f"new {n}") for n in range(30)]
        stage.port.now_shown = msgspec.structs.replace(mixed(), events=[*new, *mixed().events])
        await stage.pass_time(timedelta(seconds=1))
        assert "new 0" in stage.text
        assert "503 Service" not in "\n".join(stage.lines[30:])


async def test_what_changed_since_yesterday_opens_the_findings_that_moved() -> None:
    """``d``, then enter: those that are new; esc comes back."""
    async with shown(rows=many_rows(40), size=SMALL) as stage:
        assert "24h ✖+1" in stage.lines[1]
        await stage.press("d")
        assert "✔→✖" in stage.text
        await stage.press("enter")
        assert stage.page == "FamilyScreen"
        assert "view new" in stage.text
        await stage.press("escape", "escape")
        assert stage.page == "OverviewScreen"
