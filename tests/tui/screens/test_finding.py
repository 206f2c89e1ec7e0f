"""One finding on a screen of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from checks.model.judgement import Outcome
from engine.port import Ack, Detail, Event, PortFault, Row, Run, Snapshot
from tests.support.clock import NOW
from tests.support.estates import CannedPort, many_rows, mixed
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.actor import actor
from tui.screens.closer import REST_SECONDS
from tui.screens.finding import FindingScreen


async def opened(stage: Shown) -> None:
    """Open the first finding of the first family."""
    await stage.press("1", "1", "enter")
    assert stage.page == "FindingScreen"


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
async def test_why_comes_first(size: tuple[int, int], glyphs: str) -> None:
    """Whose, since when and why are on the first screenful, at every size."""
    async with shown(rows=many_rows(40), size=size, glyphs=glyphs) as stage:
        await opened(stage)
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        assert "user00036@example.org" in stage.text
        assert "Why" in stage.text
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_everything_is_reached_by_scrolling() -> None:
    """The evidence in full is on the same page, below."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        assert "controlwatch check workforce-mfa" not in stage.text
        await stage.press("G")
        assert "controlwatch check workforce-mfa" in stage.text
        await stage.press("g", "pagedown", "k", "pageup")
        assert "Why" in stage.text


async def test_the_record_takes_the_place_of_the_page_and_escape_closes_it() -> None:
    """``v`` shows what the source told; esc goes back to the page, then up."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("v")
        assert '"type": "account/1"' in stage.text
        assert "Evidence" not in stage.text
        await stage.press("escape")
        assert stage.page == "FindingScreen"
        assert "Evidence" in stage.text
        await stage.press("escape")
        assert stage.page == "FamilyScreen"


async def test_a_wide_terminal_shows_the_record_beside_the_page() -> None:
    """At 160 columns both are there, and ``v`` moves between them."""
    async with shown(rows=many_rows(40), size=LARGE) as stage:
        await opened(stage)
        assert "Evidence" in stage.text
        assert '"type": "account/1"' in stage.text
        await stage.press("v")
        assert stage.app.focused is not None
        assert stage.app.focused.id == "record"


async def test_copy_runbook_and_run() -> None:
    """The subject and the runbook are copied, the check's sources run."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("y")
        assert stage.app.clipboard == "okta-prod/00u36"
        await stage.press("o")
        assert stage.app.clipboard == "https://runbooks.example.org/workforce-mfa"
        await stage.press("r")
        assert stage.port.sent == [Run(source="okta-prod")]


async def test_a_finding_that_is_gone_says_so() -> None:
    """A finding may vanish between the list and the screen."""
    async with shown(rows=many_rows(40)) as stage:
        await stage.press("1", "1")
        stage.port.findings.clear()
        await stage.press("enter")
        assert "this finding is gone" in stage.text


async def test_a_finding_that_cannot_be_fetched_says_so() -> None:
    """A store that does not answer is not a finding that is gone."""
    async with shown(port=DeafPort(mixed(), many_rows(40))) as stage:
        await opened(stage)
        assert "finding not fetched since 05:30Z: the store is busy" in stage.text
        assert "gone" not in stage.text


async def test_a_new_judgement_fetches_the_finding_again() -> None:
    """The page follows the engine."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.pass_time(timedelta(seconds=6))
        stage.port.findings = [msgspec.structs.replace(row, reason="all is new") for row in stage.port.findings]
        changed = msgspec.structs.replace(mixed().checks[0], as_of=stage.clock.now)
        stage.port.now_shown = msgspec.structs.replace(mixed(), checks=[changed, *mixed().checks[1:]])
        await stage.pass_time(timedelta(seconds=1))
        assert "all is new" in stage.text


async def test_the_next_and_the_previous_of_the_list_are_an_arrow_away() -> None:
    """In the list's own order and filter, until its ends; the list's cursor goes along."""
    async with shown(rows=many_rows(40)) as stage:
        await stage.press("1", "1", "slash", *"status", "colon", *"warn", "enter", "y", "i")
        first = stage.app.clipboard
        await stage.press("enter")
        await stage.press("left")
        assert "no finding before this one" in stage.lines[-1]
        await stage.press("right", "y")
        second = stage.app.clipboard
        assert second != first
        await stage.press("right", "left", "y")
        assert stage.app.clipboard == second
        await stage.press("escape", "y", "i")
        assert stage.app.clipboard == second


async def test_similar_findings_are_counted_and_shown() -> None:
    """Same check, same reason; ``=`` opens the list of them."""
    async with shown(rows=many_rows(40)) as stage:
        await opened(stage)
        await stage.press("G")
        assert "9 other open findings of this check with the same reason" in stage.text
        await stage.press("equals_sign")
        assert stage.page == "FamilyScreen"
        assert stage.port.asked[-1].reason_is == "no second factor is enrolled"
        assert stage.port.asked[-1].check == "workforce-mfa"


async def test_what_is_done_is_done_to_the_finding_that_is_shown() -> None:
    """Where the next one cannot be fetched, this one stays, and it is told that nothing newer is known."""
    port = FickleDetails(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.failing = True
        await stage.press("right")
        assert "user00036@" in stage.text
        assert "! finding of 05:30Z, not fetched since 05:30Z: the store is busy" in stage.text
        await stage.press("a", *"mine", "enter", "enter")
        assert stage.port.sent == [Ack(finding=36, note="mine", by=actor())]
        port.failing = False
        await stage.press("right")
        assert "not fetched since" not in stage.text
        assert "user00036@" not in "".join(stage.lines[:-1])


async def test_steps_that_are_typed_ahead_add_up() -> None:
    """The finding that is shown at last is as many further down; until then this one is acted upon."""
    port = FickleDetails(mixed(), many_rows(40))
    async with shown(port=port) as stage:
        await opened(stage)
        port.gate.clear()
        await stage.pilot.press("right", "right", "right", "left")
        page = stage.app.screen
        assert isinstance(page, FindingScreen)
        assert page.finding_here() == next(row for row in port.findings if row.id == 36)
        port.gate.set()
        await stage.settle()
        third = sorted((row for row in port.findings if row.outcome is Outcome.FAIL), key=lambda row: row.first_seen)[2]
        assert page.finding_here() == third


async def test_a_finding_that_was_not_renewed_is_told_until_it_is() -> None:
    """A failure that is resolved is not left there as one for good."""
    port = FickleDetails(mixed(), many_rows(40))
    async with shown(port=port, size=(40, 10)) as stage:
        await opened(stage)
        port.failing = True
        port.findings = [msgspec.structs.replace(row, reason="all is new") for row in port.findings]
        changed = msgspec.structs.replace(mixed().checks[0], as_of=NOW)
        port.now_shown = msgspec.structs.replace(mixed(), checks=[changed, *mixed().checks[1:]])
        await stage.pass_time(timedelta(seconds=1))
        assert "! of 05:30Z, not fetched since 05:30Z:" in stage.text
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        assert "not fetched" not in stage.text
        page = stage.app.screen
        assert isinstance(page, FindingScreen)
        assert "all is new" in str(page.finding_here())


async def test_what_somebody_else_does_is_shown() -> None:
    """An acknowledgement judges no check, and is on the page all the same."""
    async with shown(rows=many_rows(40), size=LARGE) as stage:
        await opened(stage)
        stage.port.findings = [msgspec.structs.replace(row, acked="SEC-1") for row in stage.port.findings]
        event = Event(at=NOW, kind="operator", what="workforce-mfa", text="a finding was acknowledged by bob: SEC-1")
        stage.port.now_shown = msgspec.structs.replace(mixed(), seq=2, events=[event])
        await stage.pass_time(timedelta(seconds=1))
        assert "SEC-1" in stage.text


class DeafPort(CannedPort):
    """A port that gives no finding."""

    async def detail(self, finding: int) -> Detail | None:
        """Fail."""
        raise TimeoutError("the store is busy")


class FickleDetails(CannedPort):
    """A port that gives no finding while ``failing``, and none while its gate is closed."""

    failing = False

    def __init__(self, snapshot: Snapshot, findings: Sequence[Row]) -> None:
        super().__init__(snapshot, findings)
        self.gate = asyncio.Event()
        self.gate.set()

    async def detail(self, finding: int) -> Detail | None:
        """Wait, fail or answer."""
        _ = await self.gate.wait()
        if self.failing:
            raise PortFault("the store is busy")
        return await super().detail(finding)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_without_an_answer_it_shows_what_the_list_knew(size: tuple[int, int]) -> None:
    """Greyed, with why there is nothing newer; also evidence and record, where those were beside the list."""
    port = Silent(mixed(), many_rows(40))
    async with shown(port=port, size=size) as stage:
        await stage.press("1", "1")
        await stage.pilot.pause(REST_SECONDS * 2)
        await stage.settle()
        port.silent = True
        await stage.press("enter")
        assert stage.page == "FindingScreen"
        assert "finding not fetched" in stage.text
        assert "user00036@example.org — no second factor is enrolled" in stage.text
        assert "last_login not told" in stage.text
        page = stage.app.screen
        assert isinstance(page, FindingScreen)
        assert {span.role for _, row in page._page_content(100).rows for span in row} == {"dim"}
        assert ('"type": "account/1"' in stage.text) is (size == LARGE)
        port.silent = False
        await stage.pass_time(timedelta(seconds=3))
        page.go_on()
        await stage.settle()
        assert "not fetched" not in stage.text
        assert {span.role for _, row in page._page_content(100).rows for span in row} > {"dim"}


class Silent(CannedPort):
    """A port that tells nothing of one finding while it is silent."""

    silent = False

    async def detail(self, finding: int) -> Detail | None:
        """Tell, or not."""
        if self.silent:
            raise PortFault("the engine is down")
        return await super().detail(finding)
