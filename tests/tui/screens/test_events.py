"""The events: followed, paused, narrowed, folded; a row opens its object."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from engine.port import Event, EventQuery, Events, PortFault
from tests.support.clock import NOW
from tests.support.estates import CannedPort, mixed
from tests.support.pasts import many_events
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.screens.events import EventsScreen


async def happen(stage: Shown, *texts: str) -> None:
    """Let something happen, and let the screen look."""
    for text in texts:
        stage.clock.now += timedelta(seconds=2)
        event = Event(at=stage.clock.now, kind="source", what="okta-prod", text=text)
        stage.port.log.insert(0, event)
        snapshot = stage.port.now_shown
        assert snapshot is not None
        stage.port.now_shown = msgspec.structs.replace(snapshot, at=stage.clock.now, events=[event, *snapshot.events])
    await stage.pass_time(timedelta(seconds=1))


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)], ids=str)
async def test_events_are_drawn(size: tuple[int, int], glyphs: str) -> None:
    """Every size, both glyph sets."""
    async with shown(size=size, glyphs=glyphs) as stage:
        await stage.press("e")
        assert stage.page == "EventsScreen"
        assert [len(line) for line in stage.lines] == [size[0]] * size[1]
        assert "1 000 events" in stage.text
        assert stage.text.isascii() is (glyphs == "ascii")


async def test_older_events_are_fetched_as_they_are_wanted() -> None:
    """A page at a time, towards the end."""
    async with shown(port=CannedPort(mixed(), log=many_events(1000))) as stage:
        await stage.press("e")
        assert "200 here" in stage.text
        await stage.press("G")
        assert "400 here" in stage.text


async def test_the_cursor_steps_over_days() -> None:
    """A rule between two days is no event."""
    log = [Event(at=NOW - timedelta(days=each), kind="source", what="aws", text=f"error {each}") for each in range(4)]
    async with shown(port=CannedPort(mixed(), log=log)) as stage:
        await stage.press("e", "j", "y")
        assert "error 1" in stage.app.clipboard
        await stage.press("j", "k", "k", "y")
        assert "error 0" in stage.app.clipboard


async def test_follow_keeps_the_cursor_on_the_newest() -> None:
    """And leaves it where it is when it is off."""
    async with shown() as stage:
        await stage.press("e")
        await happen(stage, "new one")
        await stage.press("y")
        assert "new one" in stage.app.clipboard
        await stage.press("f")
        assert "follow off" in stage.text
        await happen(stage, "newer one")
        await stage.press("y")
        assert "new one" in stage.app.clipboard
        await stage.press("f", "y")
        assert "newer one" in stage.app.clipboard


async def test_a_paused_view_counts_what_is_new() -> None:
    """In the header too, until it goes on."""
    async with shown() as stage:
        await stage.press("e", "p")
        assert "‖ PAUSED +0 new" in stage.lines[0]
        await happen(stage, "one", "two")
        assert "‖ PAUSED +2 new" in stage.lines[0]
        assert "okta-prod" not in stage.text.split("Time")[1]
        await stage.press("p")
        assert "PAUSED" not in stage.lines[0]
        assert "two" in stage.text


async def test_kinds_and_words_narrow_and_escape_clears() -> None:
    """Typed or by key; escape closes the prompt, then clears, then goes up."""
    async with shown() as stage:
        await stage.press("e", "K")
        assert "state" in stage.text
        assert all(event.kind == "state" for event in (await stage.port.events(EventQuery(kinds=("state",)))).events)
        await stage.press("slash", *"kind", "colon", *"waiver", "enter")
        assert "/ kind:waiver" in stage.text
        await stage.press("escape")
        assert "/ kind:waiver" not in stage.text
        assert stage.page == "EventsScreen"
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


async def test_a_filter_that_is_not_understood_is_told() -> None:
    """And so is a list that it leaves empty."""
    async with shown() as stage:
        await stage.press("e")
        await stage.press("slash", *"kind", "colon", *"zzz", "enter")
        assert "kind is one of state, source" in stage.text
        await stage.press("escape", "slash", *"xyzzy", "enter")
        assert "no event matches" in stage.text


@pytest.mark.parametrize(
    ("event", "page"),
    [
        ({"kind": "source", "what": "aws"}, "SourcesScreen"),
        ({"kind": "state", "what": "backups"}, "FamilyScreen"),
        ({"kind": "waiver", "what": "WV-22"}, "WaiversScreen"),
        ({"kind": "engine", "what": "clock"}, "EventsScreen"),
    ],
    ids=["source", "check", "waiver", "none"],
)
async def test_enter_opens_the_object(event: dict[str, str], page: str) -> None:
    """What has a screen is shown; what has none says so."""
    log = [Event(at=NOW, text="x", **event)]  # type: ignore[arg-type]  # kind and object
    async with shown(port=CannedPort(mixed(), log=log)) as stage:
        await stage.press("e", "enter")
        assert stage.page == page


async def test_a_source_has_its_own_events() -> None:
    """From the sources; ``U`` widens to all."""
    async with shown() as stage:
        await stage.press("S", "e")
        assert " of aws " in stage.text
        await stage.press("U")
        assert " of aws " not in stage.text


async def test_a_click_on_a_kind_adds_it() -> None:
    """And a double click on a row opens its object."""
    async with shown() as stage:
        await stage.press("e")
        row = next(y for y, text in enumerate(stage.lines) if text.startswith(" K all"))
        await stage.pilot.click(offset=(stage.lines[row].index("source") + 1, row))
        await stage.settle()
        assert "125 events" in stage.text
        await stage.pilot.click(offset=(20, row + 3), times=2)
        await stage.settle()
        assert stage.page == "SourcesScreen"


async def test_events_that_cannot_be_fetched_say_so() -> None:
    """A store that does not answer is not an empty log."""
    async with shown(port=DeafPort(mixed())) as stage:
        await stage.press("e")
        assert "not fetched: the store is busy" in stage.text


class DeafPort(CannedPort):
    """A port that gives no events."""

    async def events(self, query: EventQuery) -> Events:
        """Fail."""
        raise TimeoutError("the store is busy")


async def test_what_comes_while_paused_is_folded_and_counted() -> None:
    """It is told above the list, and shown once the view goes on."""
    async with shown() as stage:
        await stage.press("e", "p")
        await happen(stage, "429", "429", "429", "401")
        assert "4 new above, folded into 2: p resumes and shows them" in stage.text
        await stage.press("p")
        assert "×3 429" in stage.text
        assert "new above" not in stage.text


async def test_a_range_narrows_and_is_shown() -> None:
    """An hour, a day, a week, a month, and any time again."""
    async with shown() as stage:
        await stage.press("e", "t")
        assert "last 1h" in stage.text
        assert " 5 events" in stage.text
        await stage.press("U")
        assert "1 000 events" in stage.text


async def test_a_large_screen_tells_how_many_there_were() -> None:
    """Over the list, with who did it and how long after the one before beside each."""
    async with shown(size=LARGE) as stage:
        await stage.press("e")
        assert "most 1" in stage.text
        assert "By (claimed)" in stage.text
        assert "2h00m" in stage.text


def mixed_log(count: int) -> list[Event]:
    """Give events of two kinds, one a minute, the newest first."""
    return [
        Event(at=NOW - timedelta(minutes=n), kind="state" if n % 2 else "source", what="aws", text=f"e{n}")
        for n in range(count)
    ]


class FicklePort(CannedPort):
    """A port that gives no events while ``failing``, and no older ones while its gate is closed."""

    failing = False

    def __init__(self, log: Sequence[Event]) -> None:
        super().__init__(mixed(), log=log)
        self.gate = asyncio.Event()
        self.gate.set()

    async def events(self, query: EventQuery) -> Events:
        """Answer with what is there when it is asked."""
        if self.failing:
            raise PortFault("the store is busy")
        found = await super().events(query)
        if query.offset:
            _ = await self.gate.wait()
        return found


async def test_events_of_another_question_are_not_shown_under_a_filter() -> None:
    """Where its own could not be fetched there is none; they are asked for again."""
    port = FicklePort(mixed_log(40))
    async with shown(port=port) as stage:
        await stage.press("e")
        port.failing = True
        await stage.press("K")
        assert " e1 " not in stage.text
        assert "! events not fetched since 05:30Z: the store is busy" in stage.text
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        assert "not fetched" not in stage.text
        assert " 20 events" in stage.text


async def test_events_that_were_not_renewed_are_told_until_they_are() -> None:
    """Those of before stay, with their time."""
    port = FicklePort(mixed_log(40))
    async with shown(port=port, size=(40, 10)) as stage:
        await stage.press("e")
        port.failing = True
        await happen(stage, "new one")
        assert "! of 05:30Z, not fetched since 05:30Z:" in stage.text
        assert "e0" in stage.text
        port.failing = False
        await stage.pass_time(timedelta(seconds=5))
        assert "not fetched" not in stage.text
        assert "new one" in stage.text


async def test_older_events_of_another_question_are_let_go() -> None:
    """They come after the filter was changed, and are none of its list."""
    port = FicklePort(mixed_log(600))
    async with shown(port=port) as stage:
        await stage.press("e")
        port.gate.clear()
        await stage.pilot.press("G", "K")
        port.gate.set()
        await stage.settle()
        assert " 300 events, 200 here" in stage.text
        await stage.press("G")
        assert " 300 events  " in stage.text


async def test_what_is_new_above_doubles_nothing_below() -> None:
    """Older ones are counted from the newest that is here, however many came since."""
    port = FicklePort(mixed_log(300))
    async with shown(port=port) as stage:
        await stage.press("e", "p")
        await happen(stage, "one", "two", "three")
        await stage.press("G")
        page = stage.app.screen
        assert isinstance(page, EventsScreen)
        assert [event.text for event in page._log.events] == [f"e{n}" for n in range(300)]
