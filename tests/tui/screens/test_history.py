"""The history, driven by keys and mouse at every size."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from engine.port import Past, PastQuery, PortFault
from tests.support.estates import ESTATES, CannedPort, all_pass, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.place import Place


class Counting(CannedPort):
    """A port that counts the questions about the past, and may refuse them."""

    refuses = False

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Count, then answer."""
        self.questions = [*getattr(self, "questions", []), query]
        if self.refuses:
            message = "the engine at engine.sock did not answer"
            raise PortFault(message)
        return await super().past(query)


async def opened(stage: Shown) -> None:
    """Go to the history of all checks."""
    stage.app.stack.go(Place("history"))
    await stage.settle()


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [(40, 10), (60, 20), SMALL, LARGE, (240, 70)], ids=str)
@pytest.mark.parametrize("estate", sorted(ESTATES))
async def test_every_estate_is_drawn_at_every_size(estate: str, size: tuple[int, int], glyphs: str) -> None:
    """The screen is full and no wider, and ASCII means ASCII."""
    async with shown(ESTATES[estate](), size=size, glyphs=glyphs) as stage:
        await opened(stage)
        await stage.press("right")
        assert stage.page == "HistoryScreen"
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_h_opens_the_history_of_the_selected_check() -> None:
    """Its family is open, and the cursor is on it."""
    async with shown() as stage:
        await stage.press("h")
        assert stage.page == "HistoryScreen"
        row = next(line for line in stage.lines if line.startswith("▌"))
        assert "admin-mfa" in row
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


async def test_the_cursor_tells_a_day() -> None:
    """Left and right move along the time, and a line says what was."""
    async with shown() as stage:
        await stage.press("h", "right")
        assert "Sat 21 Nov 2026  ✖ FAIL  admin-mfa" in stage.text
        await stage.press("left", "left")
        assert "Thu 19 Nov 2026" in stage.text
        await stage.press("right")
        assert "Fri 20 Nov 2026" in stage.text


async def test_ranges_take_turns() -> None:
    """``t`` goes from an hour to a year and round again."""
    async with shown() as stage:
        await opened(stage)
        seen = []
        for _ in range(6):
            await stage.press("t")
            seen.append(stage.lines[2].split()[2])
        assert seen == ["90d", "365d", "1h", "24h", "7d", "30d"]


async def test_plus_looks_closer_and_underscore_from_further_away() -> None:
    """Zooming keeps the cursor's time on the screen."""
    async with shown() as stage:
        await stage.press("h", "right", "left", "plus")
        assert "zoom" in stage.lines[2]
        assert "1 cell = 12 h" in stage.lines[2] or "1 cell = 1 day" in stage.lines[2]
        await stage.press("underscore", "underscore")
        assert stage.page == "HistoryScreen"
        assert "Aug" in stage.lines[2] or "Sep" in stage.lines[2]


async def test_an_audit_period_is_asked_for_by_its_days() -> None:
    """It may end in the future, which is drawn as such, and takes its turn among the ranges."""
    async with shown() as stage:
        await opened(stage)
        await stage.press("P")
        for _ in range(10):
            await stage.press("backspace")
        await stage.press(*"2026-10-01", "tab")
        for _ in range(10):
            await stage.press("backspace")
        await stage.press(*"2026-12-31", "ctrl+s")
        assert "audit 01 Oct–31 Dec 2026" in stage.lines[2]
        assert "···" in stage.text
        await stage.press("t", "t")
        assert "audit" not in stage.lines[2].split()[2]


async def test_space_shows_the_checks_of_a_family() -> None:
    """And hides them again; the cursor stays in the family."""
    async with shown() as stage:
        await opened(stage)
        await stage.press("j", "space")
        assert "   leavers" in stage.text
        await stage.press("j", "space")
        assert "   leavers" not in stage.text
        assert next(line for line in stage.lines if line.startswith("▌")).startswith("▌▸ Stale access")


async def test_enter_opens_a_family_and_then_the_findings_of_a_check() -> None:
    """One goes down step by step."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("enter", "j", "j", "enter")
        assert stage.page == "FamilyScreen"
        assert "admin-mfa" in stage.text


async def test_breaches_take_the_place_of_the_plots_on_a_narrow_screen() -> None:
    """``b`` goes there and back, escape back too, and enter to the beginning of a breach."""
    async with shown() as stage:
        await stage.press("h", "b")
        assert "Breaches" in stage.text
        assert "Coverage" not in stage.text
        await stage.press("escape")
        assert stage.page == "HistoryScreen"
        assert "Coverage" in stage.text
        await stage.press("b", "enter", "b")
        assert "Thu 19 Nov 2026" in stage.text


async def test_a_wide_screen_has_the_breaches_beside() -> None:
    """And all checks of all families."""
    async with shown(size=LARGE) as stage:
        await opened(stage)
        assert "Breaches" in stage.lines[2]
        assert "   attestations" in stage.text
        assert "not over" in stage.text


async def test_n_goes_from_breach_to_breach() -> None:
    """The cursor lands on the day on which one began; at the end it says so."""
    async with shown() as stage:
        await stage.press("h", "n")
        assert "Thu 19 Nov 2026" in stage.text
        await stage.press("N")
        assert "Thu 19 Nov 2026" not in stage.text
        await stage.press("n", "n")
        assert "no further breach" in stage.lines[-1]


async def test_a_click_puts_the_cursor_on_a_row_and_a_day() -> None:
    """Nothing needs a key."""
    async with shown() as stage:
        await opened(stage)
        await stage.pilot.click("#strips", offset=(22 + 29, 3))
        await stage.settle()
        assert next(line for line in stage.lines if line.startswith("▌")).startswith("▌▸ Stale access")
        assert "Sat 21 Nov 2026" in stage.text


async def test_the_past_is_asked_for_once_while_nothing_changes() -> None:
    """Drawing asks nothing; five minutes later it is asked again."""
    port = Counting(all_pass())
    async with shown(port=port) as stage:
        await opened(stage)
        asked = len(port.questions)
        for _ in range(4):
            await stage.pass_time(timedelta(seconds=20))
        assert len(port.questions) == asked
        await stage.pass_time(timedelta(minutes=5))
        assert len(port.questions) == asked + 1


async def test_an_engine_that_does_not_answer_is_told() -> None:
    """And nothing is drawn that nobody told."""
    port = Counting(mixed())
    port.refuses = True
    async with shown(port=port) as stage:
        await opened(stage)
        assert "not fetched: the engine at engine.sock did not answer" in stage.text
        assert "✔" not in "".join(stage.lines[4:8])


async def test_a_young_history_begins_with_the_range_that_holds_it() -> None:
    """Nobody meets thirty days of question marks on the first day."""
    young = [
        msgspec.structs.replace(past, days=past.days[-1:], turns=past.turns[-1:])
        for past in CannedPort(all_pass()).pasts.values()
    ]
    async with shown(port=CannedPort(all_pass(), pasts=young)) as stage:
        await opened(stage)
        assert "History 24h" in stage.lines[2]


async def test_going_back_finds_the_history_as_it_was_left() -> None:
    """Range, cursor and open families are kept."""
    async with shown() as stage:
        await stage.press("h", "t", "right", "left")
        before = stage.lines[2:12]
        await stage.press("S", "left_square_bracket")
        assert stage.page == "HistoryScreen"
        assert stage.lines[2:12] == before


async def test_a_hung_engine_leaves_a_gap_that_grows() -> None:
    """What was told does not reach into a time of which nothing is told."""
    port = Counting(all_pass())
    async with shown(port=port) as stage:
        await opened(stage)
        await stage.press("t", "t", "t", "t")
        assert "History 24h" in stage.lines[2]
        port.refuses = True
        await stage.pass_time(timedelta(hours=6))
        row = next(line for line in stage.lines if "MFA coverage" in line)
        assert row.split()[3].endswith("?????")


async def test_enter_opens_what_happened_on_the_cursors_day() -> None:
    """Of the row's check and of its sources; escape comes back to the day."""
    async with shown() as stage:
        await stage.press("h", "right", "left", "enter")
        assert stage.page == "EventsScreen"
        assert "admin-mfa, Fri 20 Nov 2026" in stage.text
        assert " 20 " in stage.text
        assert " 21 0" not in stage.text
        await stage.press("escape")
        assert "Fri 20 Nov 2026" in stage.text


async def test_a_day_is_told_by_what_it_changed() -> None:
    """``d`` takes the plots' place, and gives it back."""
    async with shown() as stage:
        await stage.press("h", "d")
        assert "Changes Sat 21 Nov 2026" in stage.text
        await stage.press("left", "left")
        assert "Changes Thu 19 Nov 2026" in stage.text
        await stage.press("d")
        assert "Coverage admin-mfa" in stage.text


async def test_the_local_zone_moves_the_days() -> None:
    """``T`` tells days and gaps of the reader's own zone, and asks the port for the same time."""
    zone = timezone(timedelta(hours=9))
    async with shown() as stage:
        stage.app.local = zone
        await opened(stage)
        await stage.press("t", "t", "t", "t")
        assert "24h 20 Nov 06:00–21 Nov 06:00Z" in stage.lines[2]
        await stage.press("T")
        assert "24h 20 Nov 15:00–21 Nov 15:00+09" in stage.lines[2]


async def test_an_evidence_pack_of_the_range_is_written_where_one_says(tmp_path: Path) -> None:
    """The port is asked for the period that is shown; the file is its owner's alone, and the screen says so."""
    async with shown() as stage:
        await opened(stage)
        await stage.press("w", "ctrl+u", *str(tmp_path / "pack.zip"), "ctrl+s")
        for _ in range(20):
            await stage.settle()
        [asked] = stage.port.packs
        assert (asked.until - asked.since, asked.checks) == (timedelta(days=30), ())
        assert stat.S_IMODE((tmp_path / "pack.zip").stat().st_mode) == 0o600
        assert "✔ " in stage.text
        assert "pack.zip" in stage.text
