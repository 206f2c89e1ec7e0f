"""The list of findings: filtered, sorted and paged by the port, the cursor on its row."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from textual.widgets import Input

from checks.model.judgement import Outcome
from engine.port import Query, Row, Rows, Run
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, all_pass, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.widgets.table import Table


def table(stage: Shown) -> Table:
    """Give the table on the screen."""
    return stage.app.screen.query_one(Table)


async def opened(stage: Shown) -> None:
    """Open the first family."""
    await stage.press("1", "1")


def last_query(stage: Shown) -> Query:
    """Give what was asked of the port last, without its page."""
    return msgspec.structs.replace(stage.port.asked[-1], offset=0, limit=200)


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
async def test_findings_are_listed(size: tuple[int, int], glyphs: str) -> None:
    """The worst and oldest is first, at every size."""
    async with shown(rows=many_rows(1204), size=size, glyphs=glyphs) as stage:
        await opened(stage)
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        assert "user00036@" in stage.text
        assert "1 163" in stage.text
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_a_wide_terminal_tells_the_finding_beside_the_list() -> None:
    """Master and detail: reason, facts, what to do."""
    async with shown(rows=many_rows(100), size=LARGE) as stage:
        await opened(stage)
        assert "not told" in stage.text
        assert "Ask the person to enrol" in stage.text
        await stage.press("j")
        assert "okta-prod/00u76" in stage.text


async def test_typing_filters_and_escape_clears() -> None:
    """The filter works while typing, stays visible, and goes in the order prompt, filter, screen."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"status:fail", "space", *"0003")
        await stage.pilot.pause(0.15)
        await stage.settle()
        assert (last_query(stage).text, last_query(stage).outcome) == ("0003", Outcome.FAIL)
        assert "2 of 97" in stage.text
        await stage.press("enter")
        assert "/ status:fail 0003" in stage.text
        await stage.press("escape")
        assert last_query(stage).text == ""
        assert stage.page == "FamilyScreen"
        await stage.press("escape")
        assert stage.page != "FamilyScreen"


async def test_escape_in_the_prompt_closes_the_prompt_only() -> None:
    """The filter typed so far stays."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"user", "escape")
        assert "/ user" in stage.text
        assert stage.page == "FamilyScreen"


async def test_keys_typed_into_the_prompt_are_text() -> None:
    """``q`` in a filter does not quit."""
    async with shown(rows=many_rows(10)) as stage:
        await opened(stage)
        await stage.press("slash", *"q?0S")
        assert stage.page == "FamilyScreen"
        assert stage.app.screen.query_one(Input).value == "q?0S"


async def test_nothing_found_says_how_to_get_back() -> None:
    """An empty list through a filter is not an all-clear."""
    async with shown(rows=many_rows(10)) as stage:
        await opened(stage)
        await stage.press("slash", *"nobody", "enter")
        assert "0 of 10 match “nobody”: esc clears the filter" in stage.text


async def test_no_findings_proves_that_somebody_looked() -> None:
    """An all-clear says how many subjects were judged."""
    async with shown(all_pass()) as stage:
        await opened(stage)
        assert "✔ no findings, 43 153 subjects judged" in stage.text


async def test_no_findings_of_a_blind_check_prove_nothing() -> None:
    """A blind check with an empty list is not green."""
    async with shown() as stage:
        await stage.press("2", "2")
        assert "this proves nothing" in stage.text


async def test_views_and_sorts_go_round() -> None:
    """``v``, ``s`` and ``=`` ask the port anew."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        seen = []
        for key in ("v", "s", "equals_sign"):
            await stage.press(key)
            seen.append((last_query(stage).view, last_query(stage).sort, last_query(stage).reverse))
        assert seen == [("all", "worst", False), ("all", "since", False), ("all", "since", True)]
        assert "view all" in stage.text
        assert "Since▲" in stage.text


async def test_a_check_can_be_shown_alone() -> None:
    """``]`` goes through the family's checks, ``r`` runs the sources of that one."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("right_square_bracket")
        assert last_query(stage).check == "workforce-mfa"
        await stage.press("r")
        assert stage.port.sent == [Run(source="okta-prod")]
        await stage.press("left_square_bracket")
        assert last_query(stage).check is None


async def test_pages_come_as_they_are_needed() -> None:
    """The end of ten thousand findings costs one more page, not ten thousand rows."""
    async with shown(rows=many_rows(10_000)) as stage:
        await opened(stage)
        before = len(stage.port.asked)
        await stage.press("G")
        assert "row 9 656/9 656" in stage.text
        assert table(stage).row is not None
        assert len(stage.port.asked) - before <= 2
        await stage.press("g", "pagedown", "k", "j", "pageup")
        assert table(stage).index == 0


async def test_a_million_rows_move_like_ten() -> None:
    """Only pages in sight are kept, however far the cursor goes."""
    async with shown(port=EndlessPort(1_000_000)) as stage:
        await opened(stage)
        await stage.press("G", "g", "G", *["pageup"] * 8)
        assert table(stage).matching == 1_000_000
        assert table(stage).row is not None
        assert len(table(stage)._pages) <= 8


async def test_the_cursor_stays_on_its_finding() -> None:
    """New findings above the cursor move it along."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("j", "j")
        mine = table(stage).row
        assert mine is not None
        stage.port.findings.append(a_row(9000, first_seen=NOW - timedelta(days=400)))
        changed = msgspec.structs.replace(mixed().checks[0], as_of=NOW)
        stage.port.now_shown = msgspec.structs.replace(mixed(), checks=[changed, *mixed().checks[1:]])
        await stage.pass_time(timedelta(seconds=1))
        assert table(stage).row == mine
        assert table(stage).index == 3


async def test_unchanged_checks_are_not_asked_again() -> None:
    """A heartbeat of the engine fetches nothing."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        before = len(stage.port.asked)
        stage.port.now_shown = msgspec.structs.replace(mixed(), seq=2)
        await stage.pass_time(timedelta(seconds=10))
        assert len(stage.port.asked) == before


async def test_a_port_that_fails_is_told_and_rows_stay() -> None:
    """A page that cannot be fetched leaves what is there."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.failing = True
        await stage.press("s")
        assert "rows not fetched: the store is busy" in stage.lines[-1]
        assert "user00036@" in stage.text


async def test_enter_opens_a_finding_and_escape_comes_back_to_it() -> None:
    """The cursor is where it was."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("j", "enter")
        assert stage.page == "FindingScreen"
        await stage.press("escape")
        assert table(stage).index == 1


async def test_next_jumps_over_warnings() -> None:
    """``n`` goes to the next failure or unknown."""
    async with shown(rows=[a_row(1, outcome=Outcome.WARN), a_row(2, outcome=Outcome.WARN), a_row(3)]) as stage:
        await opened(stage)
        await stage.press("equals_sign", "n")
        assert (table(stage).row or a_row()).id == 3


async def test_hostile_labels_are_literal() -> None:
    """Markup, bidi, escapes and ten thousand characters draw as plain text of the right width."""
    hostile = [
        "[bold red]x[/]",
        "\u202eabc\x1b[2J\x07",
        "漢字" * 30,
        "x" * 10_000,
        "👩‍💻\u200b\ufeff",
        "[@click=app.exit]q",
    ]
    rows = [a_row(index + 1, label=label, reason=label, subject=label) for index, label in enumerate(hostile)]
    for size in (SMALL, LARGE):
        async with shown(rows=rows, size=size) as stage:
            await opened(stage)
            assert "[bold red]x[/]" in stage.text
            assert "[@click=app.exit]q" in stage.text
            assert not set(stage.text) & set("\u202e\x1b\x07\u200b\ufeff\u200d")
            await stage.press("G", "enter")
            assert stage.page == "FindingScreen"


class EndlessPort(CannedPort):
    """A port with any number of findings that it makes up as they are asked for."""

    def __init__(self, count: int) -> None:
        super().__init__(mixed())
        self.count = count

    async def rows(self, query: Query) -> Rows:
        """Make a page."""
        numbers = range(query.offset, min(self.count, query.offset + query.limit))
        page: list[Row] = [a_row(number + 1) for number in numbers]
        return Rows(rows=page, matching=self.count, total=self.count)


class FailingPort(CannedPort):
    """A port that cannot read its store while ``failing``."""

    failing = False

    async def rows(self, query: Query) -> Rows:
        """Fail, or give the page."""
        if self.failing:
            raise TimeoutError("the store is busy")
        return await super().rows(query)
