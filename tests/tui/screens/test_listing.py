"""The list of findings: filtered, sorted and paged by the port, the cursor on its row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from textual.events import Key
from textual.widgets import Input

from checks.model.judgement import Outcome
from engine.port import Ack, Command, Event, Query, Reply, Row, Rows, Snapshot
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, many_rows, mixed
from tests.support.screens import LARGE, Shown, shown
from tui.actor import actor
from tui.remembered import Memory
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


async def write_to(stage: Shown, path: Path) -> None:
    """Give the path that is asked for."""
    stage.app.screen.query_one(Input).value = str(path)
    await stage.press("enter")


def list_of(folder: Path) -> list[Path]:
    """List a folder."""
    return list(folder.iterdir())


def line_with(stage: Shown, text: str) -> str:
    """Give the first row of the screen that holds a text."""
    return next(line for line in stage.lines if text in line)


def row_of(stage: Shown, label: str) -> str:
    """Give the row of the list that holds a label, without what is beside the list."""
    return next(line[:118] for line in stage.lines if label in line[:60])


def last_query(stage: Shown) -> Query:
    """Give what was asked of the port last, without its page."""
    return msgspec.structs.replace(stage.port.asked[-1], offset=0, limit=200, around=None)


async def test_typing_filters_and_escape_clears() -> None:
    """The filter works while typing, stays visible, and goes in the order prompt, filter, screen."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"status:fail", "space", *"0003")
        await stage.pilot.pause(0.15)
        await stage.settle()
        assert (last_query(stage).text, last_query(stage).outcome) == ("0003", Outcome.FAIL)
        assert "2 of 100" in stage.text
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


async def test_keys_that_come_in_one_go_are_text_between_slash_and_enter_alone() -> None:
    """A paste, or a fast hand far away: no letter of a filter is a command, and no command a letter."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        named = {"/": "slash", "\r": "enter", "*": "asterisk"}
        for character in "/usar\r*v":
            stage.app.post_message(Key(named.get(character, character), character))
        await stage.pilot.pause(0.2)
        await stage.settle()
        assert "/ usar  " in stage.text
        assert stage.page == "FamilyScreen"
        assert (last_query(stage).view, last_query(stage).sort) == ("all", "worst")


async def test_nothing_found_says_how_to_get_back() -> None:
    """An empty list through a filter is not an all-clear."""
    async with shown(rows=many_rows(10)) as stage:
        await opened(stage)
        await stage.press("slash", *"nobody", "enter")
        assert "0 of 10 match “nobody”: esc clears the filter" in stage.text


async def test_views_and_orders_ask_the_port_anew() -> None:
    """``v`` takes the next view, ``s`` asks for an order, the same again and ``=`` reverse it, ``<`` ``>`` move on."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        seen = []
        for keys in (["v"], ["s", "t"], ["s", "enter"], ["equals_sign"], ["greater_than_sign"], ["less_than_sign"]):
            await stage.press(*keys)
            seen.append((last_query(stage).sort, last_query(stage).reverse))
        since = [("since", False), ("since", True), ("since", False)]
        assert seen == [("worst", False), *since, ("reason", False), ("since", False)]
        assert "view all" in stage.text
        assert "Age▼" in stage.text


async def test_a_click_on_a_heading_sorts_and_another_reverses() -> None:
    """The mouse does what the menu does."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        for reverse in (False, True):
            await stage.pilot.click("#heads", offset=(line_with(stage, "Subject").index("Subject") + 1, 0))
            await stage.settle()
            assert (last_query(stage).sort, last_query(stage).reverse) == ("label", reverse)


async def test_a_field_in_the_filter_is_completed_and_a_wrong_one_is_told() -> None:
    """Suggestions below the prompt; what is not understood stays visible beside the list."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"stat")
        assert "status:" in stage.lines[5]
        await stage.press("right", *"gr", "enter")
        assert "! status is one of fail, blind, warn, waived" in stage.text


async def test_the_filter_reaches_fields_of_all_kinds() -> None:
    """Status, owner, reason, words that must not occur and expressions compose with the view."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        stage.app.screen.narrow('!status:warn owner:identity reason:"second factor" ~r0000[1-4]')  # type: ignore[attr-defined]
        await stage.settle()
        assert [row.id for row in (table(stage).row_at(n) for n in range(table(stage).matching)) if row] == [4]
        await stage.press("v")
        assert "/ !status:warn" in stage.text


async def test_marks_are_counted_and_go() -> None:
    """``space`` marks and goes on, ``*`` marks all that match without fetching them, ``U`` unmarks."""
    async with shown(port=EndlessPort(1_000_000)) as stage:
        await opened(stage)
        await stage.press("space", "space")
        assert "● 2 marked" in stage.text
        assert table(stage).index == 2
        asked = len(stage.port.asked)
        await stage.press("asterisk")
        assert "● 1 000 000 marked, all that match" in stage.text
        await stage.press("space")
        assert "● 999 999 marked, all but 1" in stage.text
        assert len(stage.port.asked) == asked
        await stage.press("U")
        assert "marked" not in stage.text


async def test_another_list_keeps_picked_marks_and_drops_marks_of_all() -> None:
    """All of one list is not all of another; the order is no other list."""
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("space", "v")
        assert "1 marked" in stage.text
        await stage.press("asterisk", "equals_sign")
        assert "marked, all" in stage.text
        await stage.press("v")
        assert "nothing is marked any more" in stage.lines[-1]
        assert len(table(stage).marks) == 0


async def test_what_is_marked_is_acknowledged() -> None:
    """All that match but one, with a note and their number typed."""
    rows = [a_row(number) for number in range(1, 5)]
    async with shown(rows=rows) as stage:
        await opened(stage)
        await stage.press("asterisk", "space", "a")
        await stage.press(*"mine", "tab", "tab", *"3", "enter")
        asked = sorted(each.finding for each in stage.port.sent if isinstance(each, Ack))
        assert asked == sorted(row.id for row in rows if row is not min(rows, key=lambda row: row.first_seen))


class KeepingPort(CannedPort):
    """A port that keeps acknowledgements, as an engine does."""

    async def send(self, command: Command) -> Reply:
        """Keep the note with its finding."""
        if isinstance(command, Ack):
            self.keep(command)
        return await super().send(command)

    def keep(self, ack: Ack) -> None:
        """Acknowledge a finding."""
        self.findings = [
            msgspec.structs.replace(row, acked=ack.note) if row.id == ack.finding else row for row in self.findings
        ]


async def test_an_acknowledgement_is_in_the_list_at_once() -> None:
    """The row says so, and the page beside the list with whose words."""
    async with shown(port=KeepingPort(mixed(), [a_row(1), a_row(2)]), size=LARGE) as stage:
        await opened(stage)
        assert " ack" not in row_of(stage, "user00002@")
        await stage.press("a", *"mine", "enter", "enter")
        assert " ack" in row_of(stage, "user00002@")


async def test_what_somebody_else_acknowledges_is_shown() -> None:
    """An operator's event is new: the rows are fetched again, though no check was judged."""
    port = KeepingPort(mixed(), [a_row(1), a_row(2)])
    async with shown(port=port, size=LARGE) as stage:
        await opened(stage)
        port.keep(Ack(finding=2, note="SEC-1", by="bob"))
        event = Event(at=NOW, kind="operator", what="workforce-mfa", text="a finding was acknowledged by bob: SEC-1")
        port.now_shown = msgspec.structs.replace(mixed(), seq=2, events=[event])
        await stage.pass_time(timedelta(seconds=1))
        assert " ack" in row_of(stage, "user00002@")


async def test_the_form_names_the_finding_that_it_is_about() -> None:
    """Label, check and reason; the answer names it again."""
    async with shown(rows=[a_row(1), a_row(2)], size=LARGE) as stage:
        await opened(stage)
        await stage.press("a")
        assert "Acknowledge user00002@example.org" in stage.text
        assert "workforce-mfa: no second factor is enrolled" in stage.text
        await stage.press(*"mine", "enter", "enter")
        assert "✔ user00002@example.org: done" in stage.lines[-1]
        assert stage.port.sent == [Ack(finding=2, note="mine", by=actor())]


async def test_the_form_names_the_first_of_many() -> None:
    """Three of them, and how many more."""
    async with shown(rows=[a_row(number) for number in range(1, 6)], size=LARGE) as stage:
        await opened(stage)
        await stage.press("asterisk", "a")
        assert "Acknowledge 5 findings" in stage.text
        assert "user00005@example.org: no second factor" in stage.text
        assert "… and 2 more" in stage.text


async def test_columns_are_chosen_and_remembered_by_view(tmp_path: Path) -> None:
    """Hidden, moved, and there again after a restart; another view has its own."""
    path = tmp_path / "tui.json"
    async with shown(rows=many_rows(100), memory=Memory(path)) as stage:
        await opened(stage)
        await stage.press("c", "J", "j", "space", "enter")
        assert line_with(stage, "Subject").split()[:2] == ["Subject", "State▼"]
        assert "Age" not in line_with(stage, "Subject")
    async with shown(rows=many_rows(100), memory=Memory(path)) as stage:
        await opened(stage)
        assert line_with(stage, "Subject").split()[:2] == ["Subject", "State▼"]
        await stage.press("v")
        assert line_with(stage, "Subject").split()[:2] == ["State▼", "Subject"]
        await stage.press("v", "v", "v", "v", "c", "U")
        assert line_with(stage, "Subject").split()[:2] == ["State▼", "Subject"]


async def test_columns_that_do_not_fit_are_scrolled_to() -> None:
    """At 40 columns the reason is one key away, and the first column stays."""
    async with shown(rows=many_rows(100), size=(40, 12)) as stage:
        await opened(stage)
        assert "Why" not in stage.text
        await stage.press("shift+right", "shift+right", "shift+right")
        assert "State▼" in stage.text
        assert "Why" in stage.text
        await stage.press("shift+left", "shift+left", "shift+left")
        assert "Subject" in stage.text


async def test_a_frozen_list_stays_and_counts_what_changes() -> None:
    """What comes and what goes is counted; ``f`` again shows it."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("f")
        assert "FROZEN +0" in stage.text
        stage.port.findings = [*stage.port.findings[2:], a_row(9_000, first_seen=NOW + timedelta(seconds=1))]
        await judged_again(stage)
        assert "FROZEN +3" in stage.text
        assert "40" in line_with(stage, " view ")
        await stage.press("f")
        assert "FROZEN" not in stage.text
        assert "39" in line_with(stage, " view ")


async def test_a_menu_copies_what_is_asked_for() -> None:
    """Id, label, the row as text, the runbook, and what is marked as a table that no spreadsheet calculates."""
    rows = [a_row(1, label="=1+1", first_seen=NOW - timedelta(days=9)), a_row(2)]
    async with shown(rows=rows) as stage:
        await opened(stage)
        got = []
        for key in ("i", "l", "r", "o"):
            await stage.press("y", key)
            got.append(stage.app.clipboard)
        assert got[:2] == ["okta-prod/00u1", "=1+1"]
        assert got[2].startswith("FAIL  =1+1  9d")
        assert got[3] == "https://runbooks.example.org/workforce-mfa"
        await stage.press("asterisk", "y", "m")
        assert stage.app.clipboard.splitlines()[1].split("\t")[:3] == ["FAIL", "'=1+1", "9d"]
        assert "copied 2 rows" in stage.lines[-1]


async def test_a_text_is_copied_whole_or_not_at_all() -> None:
    """An id of a provider may be long; half of it is another one."""
    long, longer = "a" * 1_200, "b" * 5_000
    rows = [a_row(1, subject=f"okta-prod/{long}", label=longer, first_seen=NOW - timedelta(days=9))]
    async with shown(rows=rows) as stage:
        await opened(stage)
        await stage.press("y", "i")
        assert stage.app.clipboard == f"okta-prod/{long}"
        await stage.press("y", "l")
        assert stage.app.clipboard == f"okta-prod/{long}"
        assert "not copied: 5 000 characters" in stage.lines[-1]


async def test_too_much_for_the_clipboard_is_offered_as_a_file() -> None:
    """No terminal takes more by OSC 52."""
    async with shown(rows=[a_row(number, reason="r" * 300) for number in range(1, 400)]) as stage:
        await opened(stage)
        await stage.press("asterisk", "y", "m")
        assert stage.app.clipboard == ""
        assert stage.page == "Form"


async def test_the_filtered_view_is_written_to_a_file(tmp_path: Path) -> None:
    """Asked for a path; what is there is replaced only after a question."""
    path = tmp_path / "found.csv"
    async with shown(rows=many_rows(100)) as stage:
        await opened(stage)
        await stage.press("slash", *"status:f", "enter", "w")
        await write_to(stage, path)
        assert "✔ 25 rows in found.csv" in stage.lines[-1]
        first = path.read_text()
        assert "filter: family mfa, view open, filter status:f" in first
        await stage.press("escape", "w")
        await write_to(stage, path)
        assert "Replace found.csv" in stage.lines[-1]
        await stage.press("n")
        assert path.read_text() == first
        await stage.press("w")
        await write_to(stage, path)
        await stage.press("y")
        assert path.read_text() != first


async def test_writing_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    """A million rows take a while: the list stays usable, ``w`` stops it, and nothing is left behind."""
    async with shown(port=EndlessPort(1_000_000)) as stage:
        await opened(stage)
        await stage.press("w")
        stage.app.screen.query_one(Input).value = str(tmp_path / "all.csv")
        await stage.pilot.press("enter")
        await stage.pilot.pause(0.3)
        assert "rows, " in stage.text
        await stage.pilot.press("j", "w")
        await stage.pilot.pause(0.05)
        assert "Stop writing" in stage.lines[-1]
        await stage.pilot.press("y")
        await stage.pilot.pause(0.3)
        assert "writing" not in stage.text
        assert list_of(tmp_path) == []


async def test_pages_come_as_they_are_needed() -> None:
    """The end of ten thousand findings costs one more page, not ten thousand rows."""
    async with shown(rows=many_rows(10_000)) as stage:
        await opened(stage)
        before = len(stage.port.asked)
        await stage.press("G")
        assert "row 10 000/10 000" in stage.text
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
        await judged_again(stage)
        assert table(stage).row == mine
        assert table(stage).index == 3


async def test_a_port_that_fails_is_told_and_rows_stay() -> None:
    """A page that cannot be fetched leaves what is there."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.failing = True
        await stage.press("equals_sign")
        assert "! unsorted rows of 05:30Z, not fetched since 05:30Z: the store is busy" in stage.text
        assert "user00036@" in stage.text


async def test_rows_that_were_not_renewed_are_told_until_they_are() -> None:
    """One failed page does not leave the list old for good: it is asked for again, and not more often than needed."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.findings, port.failing = port.findings[:2], True
        await judged_again(stage)
        assert "! rows of 05:30Z, not fetched since 05:30Z: the store is busy" in stage.text
        port.failing, asked = False, len(port.asked)
        await stage.pass_time(timedelta(seconds=1))
        assert len(port.asked) == asked
        assert "not fetched" in stage.text
        await stage.pass_time(timedelta(seconds=5))
        assert "not fetched" not in stage.text
        assert table(stage).matching == 2


async def test_a_small_screen_tells_of_when_its_rows_are() -> None:
    """At 40 columns since when nothing newer was fetched is whole, beside a filter."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port, size=(40, 10)) as stage:
        await opened(stage)
        await stage.press("slash", *"user", "enter")
        port.failing = True
        await judged_again(stage)
        assert "! of 05:30Z, not fetched since 05:30Z:" in stage.text
        assert "/ user" in stage.text


async def test_rows_of_another_list_are_not_shown_under_a_filter() -> None:
    """Where its own could not be fetched there is none, and nothing is acknowledged."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.failing = True
        stage.app.screen.narrow("status:warn")  # type: ignore[attr-defined]
        await stage.settle()
        assert "user000" not in stage.text
        assert "! rows not fetched since 05:30Z: the store is busy" in stage.text
        await stage.press("a")
        assert stage.page == "FamilyScreen"
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        assert table(stage).matching == sum(row.outcome is Outcome.WARN for row in port.findings)


async def test_a_frozen_list_says_where_it_cannot_count() -> None:
    """What came meanwhile is not known, and told once it is."""
    port = FailingPort(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        await stage.press("f")
        port.failing, port.findings = True, port.findings[1:]
        await judged_again(stage)
        assert "FROZEN +?" in stage.text
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        assert "FROZEN +1" in stage.text


async def test_what_comes_to_match_later_is_not_marked() -> None:
    """A warning that has become a failure was not there to be read when all failures were marked."""
    rows = [a_row(number) for number in range(1, 4)] + [a_row(number, outcome=Outcome.WARN) for number in range(4, 6)]
    async with shown(rows=rows) as stage:
        await opened(stage)
        await stage.press("slash", *"status:fail", "enter", "asterisk")
        assert "3 marked" in stage.text
        stage.port.findings = [msgspec.structs.replace(row, outcome=Outcome.FAIL) for row in stage.port.findings]
        await judged_again(stage)
        await stage.press("a", *"mine", "tab", "tab", *"3", "enter")
        assert sorted(each.finding for each in stage.port.sent if isinstance(each, Ack)) == [1, 2, 3]


async def test_all_of_a_long_list_are_marked_by_id() -> None:
    """Those that the list does not hold are fetched; what a key asks for meanwhile waits for that."""
    async with shown(rows=many_rows(1_500)) as stage:
        await opened(stage)
        await stage.pilot.press("asterisk", "a")
        await stage.settle()
        assert "Acknowledge 1500 findings" in stage.text
        marks = stage.app.screen_stack[-2].query_one(Table).marks
        assert len(marks.ids or ()) == 1_500


async def test_nothing_is_marked_where_it_is_not_known_what_that_is() -> None:
    """An acknowledgement that was asked for meanwhile is not of the cursor's finding instead."""
    port = FailingPort(mixed(), many_rows(1_500))
    async with shown(port=port) as stage:
        await opened(stage)
        port.failing = True
        port.gate.clear()
        await stage.pilot.press("asterisk", "a")
        port.gate.set()
        await stage.settle()
        assert "nothing is marked: rows not fetched: the store is busy" in stage.lines[-1]
        assert stage.page == "FamilyScreen"


async def test_next_jumps_over_warnings() -> None:
    """``n`` goes to the next failure or unknown."""
    async with shown(rows=[a_row(1, outcome=Outcome.WARN), a_row(2, outcome=Outcome.WARN), a_row(3)]) as stage:
        await opened(stage)
        await stage.press("equals_sign", "n")
        assert (table(stage).row or a_row()).id == 3


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

    def __init__(self, snapshot: Snapshot, findings: Sequence[Row]) -> None:
        super().__init__(snapshot, findings)
        self.gate = asyncio.Event()
        """No page is given while it is closed."""
        self.gate.set()

    async def rows(self, query: Query) -> Rows:
        """Fail, or give the page."""
        _ = await self.gate.wait()
        if self.failing:
            raise TimeoutError("the store is busy")
        return await super().rows(query)
