"""A family: its checks, what its sources do not tell, its findings, and the one under the cursor beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from engine.port import Detail, Past, PastQuery, PortFault, Query, Row, Run, Snapshot
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, all_pass, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.screens.closer import REST_SECONDS
from tui.widgets.table import Table


def table(stage: Shown) -> Table:
    """Give the table on the screen."""
    return stage.app.screen.query_one(Table)


async def opened(stage: Shown) -> None:
    """Open the first family."""
    await stage.press("1", "1")


async def judged_again(stage: Shown) -> None:
    """Let the first check be judged again."""
    changed = msgspec.structs.replace(mixed().checks[0], as_of=NOW)
    stage.port.now_shown = msgspec.structs.replace(mixed(), checks=[changed, *mixed().checks[1:]])
    await stage.pass_time(timedelta(seconds=1))


def line_with(stage: Shown, text: str) -> str:
    """Give the first row of the screen that holds a text."""
    return next(line for line in stage.lines if text in line)


def last_query(stage: Shown) -> Query:
    """Give what was asked of the port last, without its page."""
    return msgspec.structs.replace(stage.port.asked[-1], offset=0, limit=200, around=None)


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
async def test_findings_are_listed(size: tuple[int, int], glyphs: str) -> None:
    """The worst and oldest is first, at every size."""
    async with shown(rows=many_rows(1204), size=size, glyphs=glyphs) as stage:
        await opened(stage)
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        assert "user00036@" in stage.text
        assert "1 204" in stage.text
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_a_wide_terminal_tells_the_finding_beside_the_list() -> None:
    """Master and detail: reason, facts, what to do."""
    async with shown(rows=many_rows(100), size=LARGE) as stage:
        await opened(stage)
        assert "not told" in stage.text
        assert "Ask the person to enrol" in stage.text
        await stage.press("j")
        assert "okta-prod/00u76" in stage.text


async def test_no_findings_proves_that_somebody_looked() -> None:
    """An all-clear says how many subjects were judged."""
    async with shown(all_pass()) as stage:
        await opened(stage)
        assert "✔ no findings, 43 153 subjects judged" in stage.text


async def test_no_findings_of_a_blind_check_prove_nothing() -> None:
    """A blind check with an empty list is not green."""
    async with shown() as stage:
        await stage.press("2", "2")
        assert "which proves nothing" in stage.text


async def test_a_check_can_be_shown_alone() -> None:
    """The arrows go through the family's checks, ``r`` runs the sources of that one."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("right")
        assert last_query(stage).check == "workforce-mfa"
        await stage.press("r")
        assert stage.port.sent == [Run(source="okta-prod")]
        await stage.press("left")
        assert last_query(stage).check is None


async def test_a_waiver_is_of_one_check() -> None:
    """Marked findings of two checks are not put into one request; those of one are."""
    rows = [a_row(1), a_row(2, check="admin-mfa"), a_row(3)]
    async with shown(rows=rows) as stage:
        await opened(stage)
        await stage.press("asterisk", "x")
        assert "a waiver is of one check" in stage.lines[-1]
        await stage.press("right", "asterisk", "x")
        assert stage.page == "Form"


async def test_a_list_is_as_it_was_left() -> None:
    """Going back keeps filter, order, view and row; so does coming again from elsewhere."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"user", "enter", "v", "equals_sign", "j", "j")
        left = (last_query(stage), table(stage).cursor_id)
        await stage.press("S", "left_square_bracket")
        assert (last_query(stage), table(stage).cursor_id) == left
        await stage.press("0", "1", "1")
        assert (last_query(stage), table(stage).cursor_id) == left
        assert "/ user" in stage.text


async def test_a_wide_terminal_tells_evidence_and_history_once_the_cursor_rests() -> None:
    """Moving on fetches nothing for the rows in between."""
    async with shown(rows=many_rows(100), size=LARGE) as stage:
        await opened(stage)
        await stage.press("j", "j")
        await stage.pilot.pause(0.3)
        await stage.settle()
        assert "143 records" in stage.text
        assert "sha256:9f2c" in stage.text


async def test_evidence_that_was_not_fetched_is_told_until_it_is() -> None:
    """Beside the list stands what the row tells, and that the rest is not here."""
    port = FickleDetails(mixed(), many_rows(40))
    async with shown(port=port, size=LARGE) as stage:
        await stage.press("1", "1")
        await stage.pilot.pause(2 * REST_SECONDS)
        await stage.settle()
        assert "! evidence not fetched since 05:30Z" in stage.text
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        await stage.pilot.pause(2 * REST_SECONDS)
        await stage.settle()
        assert "evidence not fetched" not in stage.text


class FickleDetails(CannedPort):
    """A port that gives no finding while ``failing``."""

    failing = True

    async def detail(self, finding: int) -> Detail | None:
        """Fail, or answer."""
        if self.failing:
            raise PortFault("the store is busy")
        return await super().detail(finding)


async def test_unchanged_checks_are_not_asked_again() -> None:
    """A heartbeat of the engine fetches nothing."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        before = len(stage.port.asked)
        stage.port.now_shown = msgspec.structs.replace(mixed(), seq=2)
        await stage.pass_time(timedelta(seconds=10))
        assert len(stage.port.asked) == before


async def test_enter_opens_a_finding_and_escape_comes_back_to_it() -> None:
    """The cursor is where it was."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("j", "enter")
        assert stage.page == "FindingScreen"
        await stage.press("escape")
        assert table(stage).index == 1


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


async def test_what_a_source_does_not_tell_is_said_above_the_list() -> None:
    """A banner names who, why and since when, and goes when the source answers again."""
    async with shown() as stage:
        await stage.press("2", "2")
        assert stage.lines[3].startswith(
            " ! aws STALE 1d02h: unreachable since 01:30Z (4h); stale-accounts, access-key"
        )
        stage.port.now_shown = all_pass()
        await stage.pass_time(timedelta(seconds=1))
        assert "aws STALE" not in stage.text
        assert "✔ no findings" in stage.lines[5]


async def test_the_header_tells_the_data_of_the_checks_in_view() -> None:
    """Each source by its state, beside those of everybody."""
    async with shown(size=LARGE) as stage:
        await stage.press("2", "2")
        assert "data ! STALE 26h (aws ! unreachable okta-prod ✔ people ✔)" in stage.lines[1]
        await stage.press("right", "right")
        assert "data ✔ 4m (okta-prod ✔ people ✔)" in stage.lines[1]


async def test_a_large_terminal_tells_how_the_check_went_lately() -> None:
    """Of the worst check, or of the one that is shown alone; asked once for all screens."""
    port = PastPort(mixed(), many_rows(100))
    async with shown(port=port, size=LARGE) as stage:
        await opened(stage)
        assert stage.lines[3].startswith(" admin-mfa  30d ")
        await stage.press("right")
        assert stage.lines[3].startswith(" workforce-mfa  30d ")
        assert [len(query.checks) for query in port.asked_past if len(query.checks) > 1] == [len(mixed().checks)]


async def test_the_end_of_the_page_beside_the_list_is_a_key_away() -> None:
    """``J`` and ``K`` scroll it while the cursor stays in the list; another finding is told from its top."""
    async with shown(rows=many_rows(100), size=(120, 26)) as stage:
        await opened(stage)
        assert "more below  J scrolls" in stage.text
        assert "Similar" not in stage.text
        await stage.press(*["J"] * 15)
        assert "Similar" in stage.text
        assert "more above  K scrolls" in stage.text
        assert table(stage).index == 0
        await stage.press("j")
        assert "since " in stage.text


async def test_those_that_are_alike_are_a_key_away() -> None:
    """``l`` narrows the list to the check and the reason of the finding under the cursor."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        row = table(stage).row
        assert row is not None
        await stage.press("l")
        assert (list(last_query(stage).checks), last_query(stage).reason_is) == ([row.check], row.reason)
        await stage.press("escape")
        assert (last_query(stage).checks, last_query(stage).reason_is) == ((), "")


async def test_a_column_of_a_fact_can_be_shown() -> None:
    """What was compared stands beside each finding, and is kept for the family."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("c", "G", "k", "k", "space", "enter")
        assert "factors" in line_with(stage, "Subject")
        await stage.press("0", "3", "3")
        assert "factors" not in line_with(stage, "Subject")


class PastPort(CannedPort):
    """A port that notes which past it was asked for."""

    def __init__(self, snapshot: Snapshot, rows: Sequence[Row]) -> None:
        super().__init__(snapshot, rows)
        self.asked_past: list[PastQuery] = []

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Note the question, and answer it."""
        self.asked_past.append(query)
        return await super().past(query)
