"""What all screens share: back and forward, crumbs, zoom, zone, pause, acknowledge, and every key of every screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone

import msgspec
import pytest
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.port import Ack, Pause, Snapshot
from tests.support.clock import NOW
from tests.support.estates import DAY, CannedPort, empty, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.actor import actor
from tui.keymap import Keymap, parse
from tui.keys import EVERYWHERE, MOVE, Key
from tui.place import Place
from tui.screens.family import FamilyScreen
from tui.screens.page import FOOTER_MAX, Page

PLACES = (
    Place("overview"),
    Place("family", "mfa"),
    Place("finding", "36"),
    Place("sources"),
    Place("history"),
    Place("events"),
    Place("waivers"),
)


def paused(name: str = "backups") -> Snapshot:
    """Build an estate in which a check is paused."""
    views = [
        msgspec.structs.replace(each, paused_until=NOW + DAY) if each.name == name else each for each in mixed().checks
    ]
    return msgspec.structs.replace(mixed(), checks=views)


async def stand(stage: Shown, place: Place) -> Page:
    """Go to a place from wherever one is, with nothing over it."""
    while isinstance(stage.app.screen, ModalScreen):
        await stage.press("escape")
    stage.app.stack.climb(0)
    await stage.settle()
    if place.screen != "overview":
        stage.app.stack.go(*[Place("family", "mfa")] * (place.screen == "finding"), place)
        await stage.settle()
    page = stage.app.screen
    assert isinstance(page, Page)
    return page


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.screen)
@pytest.mark.parametrize("estate", ["full", "empty"])
async def test_every_key_of_every_screen_is_handled(place: Place, estate: str) -> None:
    """Each is bound to something that exists, and pressing it leaves the app alive."""
    port = CannedPort(mixed(), many_rows(40)) if estate == "full" else CannedPort(empty(), log=[], waiver_file=[])
    async with shown(port=port, stops_engine=True) as stage:
        page = await stand(stage, place)
        keys: Sequence[Key] = [*page.KEYS, *EVERYWHERE, *MOVE]
        for key in keys:
            if stage.app.screen is not page or isinstance(stage.app.focused, Input):
                page = await stand(stage, place)
            name = key.keys.split(",")[0]
            bound = stage.app.screen.active_bindings
            assert name in bound or key in MOVE, f"{key.id} is bound to nothing"
            await stage.press(name)
            assert stage.app.return_code is None, key.id
            assert stage.app._exception is None, key.id


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.screen)
async def test_a_footer_is_curated(place: Place) -> None:
    """At most nine keys, help among them, each of them one that the screen has."""
    async with shown(rows=many_rows(40), size=LARGE) as stage:
        page = await stand(stage, place)
        shown_keys = page._footer_keys()
        assert len(shown_keys) <= FOOTER_MAX
        assert shown_keys[-1].id == "go.help"
        known = {key.id for key in (*page.KEYS, *EVERYWHERE, *MOVE)}
        assert set(page.FOOTER) <= known


async def test_back_and_forward_keep_filter_and_row() -> None:
    """``[`` and ``]`` go over the views as they were left; ``-`` between the last two."""
    async with shown(rows=many_rows(100)) as stage:
        await stage.press("1", "1", "slash", *"status:fail".replace(":", " : ").replace(" : ", ":"), "enter", "j", "j")
        screen = stage.app.screen
        assert isinstance(screen, FamilyScreen)
        row = screen.table.cursor_id
        await stage.press("S", "j")
        await stage.press("left_square_bracket")
        there = stage.app.screen
        assert isinstance(there, FamilyScreen)
        assert there.typed == "status:fail"
        assert there.table.cursor_id == row
        await stage.press("right_square_bracket")
        assert stage.page == "SourcesScreen"
        await stage.press("y")
        assert stage.app.clipboard == "dumps"
        await stage.press("minus")
        assert stage.page == "FamilyScreen"
        await stage.press("minus")
        assert stage.page == "SourcesScreen"


async def test_there_is_nothing_before_the_first_view() -> None:
    """And nothing after the last; both say so."""
    async with shown() as stage:
        await stage.press("left_square_bracket")
        assert "nothing before this" in stage.lines[-1]
        await stage.press("right_square_bracket")
        assert "nothing after this" in stage.lines[-1]
        await stage.press("minus")
        assert "no view before this" in stage.lines[-1]


async def test_escape_goes_up_and_up_is_a_view_too() -> None:
    """From the finding to its family to the overview; ``[`` goes back into the finding."""
    async with shown(rows=many_rows(40)) as stage:
        await stage.press("1", "1", "enter")
        assert stage.page == "FindingScreen"
        await stage.press("escape", "escape")
        assert stage.page == "OverviewScreen"
        await stage.press("left_square_bracket", "left_square_bracket")
        assert stage.page == "FindingScreen"


async def test_crumbs_are_clickable() -> None:
    """The first is the overview, the second the family."""
    async with shown(rows=many_rows(40), size=LARGE) as stage:
        await stage.press("1", "1", "enter")
        at = stage.lines[0].index("MFA coverage")
        await stage.pilot.click(offset=(at + 1, 0))
        await stage.settle()
        assert stage.page == "FamilyScreen"
        await stage.pilot.click(offset=(2, 0))
        await stage.settle()
        assert stage.page == "OverviewScreen"


async def test_the_header_is_clickable() -> None:
    """Freshness leads to the sources, movement to the events."""
    async with shown() as stage:
        await stage.pilot.click(offset=(stage.lines[1].index("sources fresh"), 1))
        await stage.settle()
        assert stage.page == "SourcesScreen"
        await stage.pilot.click(offset=(stage.lines[1].index("24h"), 1))
        await stage.settle()
        assert stage.page == "EventsScreen"


async def test_a_panel_alone_and_back() -> None:
    """``z`` zooms what has the cursor, esc shows all again before it goes up."""
    async with shown() as stage:
        await stage.press("S", "z")
        assert "unreachable since" not in stage.text
        assert "Sources" in stage.lines[0]
        await stage.press("escape")
        assert stage.page == "SourcesScreen"
        assert "unreachable since" in stage.text
        await stage.press("z", "z")
        assert "unreachable since" in stage.text


async def test_times_turn_to_the_terminals_zone_and_back() -> None:
    """All of them, with the zone beside them."""
    async with shown() as stage:
        stage.app.local = timezone(timedelta(hours=5, minutes=30))
        await stage.press("T")
        assert "LIVE 11:00+0530" in stage.lines[0]
        assert "07:00+0530" in stage.text
        await stage.press("S")
        assert "2026-11-21 07:00:00+0530" in stage.text
        await stage.press("T")
        assert "2026-11-21 01:30:00Z" in stage.text
        assert "LIVE 05:30Z" in stage.lines[0]


async def test_a_check_is_paused_with_a_reason_and_for_a_while() -> None:
    """A form asks for both; what is not allowed is not sent."""
    async with shown() as stage:
        await stage.press("p", "enter", "enter")
        assert "a pause needs a reason" in stage.text
        assert stage.port.sent == []
        await stage.press(*"moved", "enter", *["backspace"] * 2, *"9d", "enter")
        assert "from 1h to 7d, not 9d" in stage.text
        await stage.press(*["backspace"] * 2, *"2h", "enter")
        assert stage.port.sent == [Pause(check="admin-mfa", reason="moved", by=actor(), until=NOW + timedelta(hours=2))]


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
async def test_a_paused_check_is_unmistakable_and_resumed(glyphs: str) -> None:
    """In the header, in the list and in its panel, by a word."""
    async with shown(paused(), glyphs=glyphs) as stage:
        mark = "‖" if glyphs == "unicode" else "="
        assert f" {mark} 1 PAUSED " in stage.lines[1]
        assert stage.text.count(f"{mark} PAUSED ") >= 2
        await stage.press("j")
        assert "until 22 Nov 05:30Z" in stage.text
        await stage.press("p")
        assert "Resume backups?" in stage.lines[-1]
        await stage.press("y")
        assert stage.port.sent == [Pause(check="backups", reason="", by=actor(), until=NOW)]


async def test_a_finding_is_acknowledged_with_a_note() -> None:
    """From its own screen; the ticket is part of the note."""
    async with shown(rows=many_rows(40)) as stage:
        await stage.press("1", "1", "enter", "a", *"seen", "enter", *"SEC1", "enter")
        assert stage.port.sent == [Ack(finding=36, note="seen (SEC1)", by=actor())]


async def test_read_only_hides_what_writes_everywhere() -> None:
    """No form, no question, nothing sent."""
    async with shown(paused(), rows=many_rows(40), read_only=True) as stage:
        for place in PLACES:
            page = await stand(stage, place)
            for key in page.KEYS:
                if key.writes:
                    await stage.press(key.keys.split(",")[0])
                    assert stage.app.screen is page, key.id
        assert stage.port.sent == []
        assert "READ-ONLY" in stage.lines[1]


async def test_mapped_keys_work_and_are_shown() -> None:
    """In the footer and in help, and the old key does nothing."""
    async with shown(keymap=Keymap({"go.sources": "ctrl+s", "do.run": "f9"})) as stage:
        assert "f9 run now" in stage.lines[-1]
        assert "ctrl+s sources" in stage.lines[-1]
        await stage.press("S")
        assert stage.page == "OverviewScreen"
        await stage.press("f9")
        assert stage.port.sent
        await stage.press("ctrl+s")
        assert stage.page == "SourcesScreen"
        await stage.press("question_mark", *"f9")
        assert "run now" in stage.text
        assert "2 mapped" in stage.text


async def test_a_bad_file_of_keys_is_told_and_starts() -> None:
    """In the footer, with how many more there are."""
    async with shown(keymap=parse('[keys]\n"list.filtr" = "x"\n"nope" = "y"\n')) as stage:
        assert 'did you mean "list.filter"?' in stage.lines[-1]
        assert "(and 1 more)" in stage.lines[-1] or "…" in stage.lines[-1]
        await stage.press("S")
        assert stage.page == "SourcesScreen"


async def test_an_answer_is_given_by_a_click() -> None:
    """A question is not for the keyboard alone."""
    async with shown() as stage:
        await stage.press("R")
        await stage.pilot.click(offset=(stage.lines[-1].index("y yes"), SMALL[1] - 1))
        await stage.settle()
        assert len(stage.port.sent) == 1
