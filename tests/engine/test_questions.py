"""What screens ask, by whichever port: pages around a finding, what became of checks, events, waivers.

The double that screens are tested on holds what the engine told, and answers by code of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from checks.model.judgement import Outcome
from checks.model.records import Factor
from checks.model.state import State
from checks.model.units import duration
from engine.attach.client import AttachedPort
from engine.attach.server import AttachServer
from engine.desk import Desk
from engine.elsewhere import Elsewhere
from engine.port import EventQuery, PastQuery, Port, PortFault, Query, Reply, Rows
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.estates import CannedPort
from tests.support.running import Driven, driven

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEAK = (Factor("sms", "weak"),)
KINDS = ("in-process", "elsewhere", "attached", "canned")
SORTS = get_args(get_type_hints(Query)["sort"])
EVER = PastQuery(checks=("mfa", "admins", "nobody"), since=NOW - DAY, until=NOW + 9 * DAY)

FILTERS: Sequence[tuple[str, dict[str, Any], str]] = (
    ("of some checks", {"checks": ["admins"]}, "dan eve fay gus"),
    ("of no check", {"checks": ["nobody"]}, ""),
    ("of a source", {"source": "ldap"}, "ANA"),
    ("words in any case", {"check": "mfa", "text": "ana"}, "ANA"),
    ("not a word", {"check": "mfa", "text": "!ana !fay"}, "dan eve gus"),
    ("a regular expression", {"check": "mfa", "text": "~^(dan|eve)@"}, "dan eve"),
    ("not a regular expression", {"check": "mfa", "text": "!~^(fay|idp/d)"}, "ANA eve gus"),
    ("both", {"check": "mfa", "text": "~^ldap/ ANA"}, "ANA"),
    ("words of the reason", {"check": "mfa", "reason": "strength"}, "gus"),
    ("the reason alone", {"check": "mfa", "reason": "ana"}, ""),
    ("reason and words", {"check": "mfa", "reason": "!strength", "text": "idp/"}, "dan eve fay"),
    ("resolved", {"check": "mfa", "view": "resolved"}, "bea ced"),
    ("words among the resolved", {"check": "mfa", "view": "resolved", "text": "ced"}, "ced"),
    ("of outcomes", {"check": "mfa", "outcomes": [Outcome.UNKNOWN, Outcome.WARN]}, "fay"),
    ("waived", {"check": "mfa", "waived": True}, ""),
    ("open with a live waiver", {"check": "admins", "view": "open"}, "dan eve fay gus"),
    ("the view of the waived", {"view": "waived"}, "eve"),
    ("under a waiver", {"waived": True}, "eve"),
    ("open under no waiver", {"check": "admins", "waived": False}, "dan fay gus"),
    ("all with a live waiver", {"check": "admins", "view": "all"}, "bea ced dan eve fay gus"),
    ("not waived", {"check": "mfa", "waived": False, "text": "dan"}, "dan"),
    ("due", {"check": "mfa", "due_by": NOW + DAY}, ""),
    ("of ids", {"check": "mfa", "ids": [4711]}, ""),
)
"""Of each filter: its name, its query, and whom it leaves."""
WAIVER = """
[[waiver]]
id = "W-1"
check = "admins"
subjects = ["eve@example.org"]
reason = "the token of eve is on its way"
requested_by = "ana"
approved_by = "bob"
starts = 2026-11-01
expires = 2026-12-24
"""


async def _reloaded() -> Reply:
    return Reply(ok=True, message="read again")


@asynccontextmanager
async def asked(kind: str, folder: Path) -> AsyncIterator[Port]:
    """Give a port of a kind over an engine of two sources that judged two checks thrice in three days."""
    idp, ldap = Script(), Script()
    sources = [source_config(name, scripted(script), every=duration("1h")) for name, script in _named(idp, ldap)]
    checks = [check_config("mfa", "mfa_coverage", ["idp", "ldap"]), check_config("admins", "mfa_coverage", ["idp"])]
    config = estate(folder, sources, checks)
    (folder / "waivers.toml").write_text(WAIVER)
    async with driven(config, Clock()) as it:
        for day, bare in enumerate((("bea", "ced"), ("bea", "ced", "dan"), ("dan", "eve"))):
            idp.tell(
                *(account(name, source="idp", mfa=False, factors=()) for name in bare),
                account("fay", source="idp", mfa=None, factors=None),
                account("gus", source="idp", factors=WEAK),
                *(account(f"u{number}", source="idp") for number in range(9)),
            )
            ldap.tell(account("ANA", source="ldap", mfa=False, factors=()), account("u1", source="ldap"))
            await it.run(DAY if day else timedelta(0))
        async with _port(kind, it) as port:
            yield port


def _named(idp: Script, ldap: Script) -> Sequence[tuple[str, Script]]:
    return (("idp", idp), ("ldap", ldap))


@asynccontextmanager
async def _port(kind: str, it: Driven) -> AsyncIterator[Port]:
    desk = Desk(it.engine, _reloaded)
    if kind == "in-process":
        yield desk
    elif kind == "elsewhere":
        yield Elsewhere(desk, asyncio.get_running_loop())
    elif kind == "canned":
        rows = (await desk.rows(Query(view="all", limit=99))).rows
        log = (await desk.events(EventQuery())).events
        yield CannedPort(
            it.engine.snapshot, rows, pasts=await desk.past(EVER), log=log, waiver_file=await desk.waivers()
        )
    else:
        async with _attached(it.engine.config.state_dir, desk) as port:
            yield port


@asynccontextmanager
async def _attached(folder: Path, desk: Desk) -> AsyncIterator[AttachedPort]:
    server = AttachServer(folder, desk, desk.snapshot)
    await server.start()
    port = AttachedPort(folder)
    await port.open()
    try:
        yield port
    finally:
        await port.close()
        await server.stop()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of port in turn."""
    return str(request.param)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
async def test_a_page_around_a_finding_holds_it(kind: str, tmp_path: Path, *, reverse: bool) -> None:
    """In every order, the page around a finding is the one that holds it, and tells its place."""
    async with asked(kind, tmp_path) as port:
        for sort in SORTS:
            whole = (await port.rows(Query(sort=sort, reverse=reverse))).rows
            assert len(whole) == 9
            for place, row in enumerate(whole):
                page = await port.rows(Query(sort=sort, reverse=reverse, limit=2, around=row.id))
                told = (page.place, page.offset, [each.id for each in page.rows])
                first = place - place % 2
                assert told == (place, first, [each.id for each in whole[first : first + 2]])


async def test_around_what_does_not_match_is_the_page_that_was_asked(kind: str, tmp_path: Path) -> None:
    """A finding that is gone, or that the filter leaves out, has no place; the offset counts."""
    async with asked(kind, tmp_path) as port:
        [other] = (await port.rows(Query(text="ana"))).rows
        for number in (other.id, 4711):
            page = await port.rows(Query(text="!ana", around=number, offset=2, limit=2))
            assert (page.place, page.offset, len(page.rows)) == (None, 2, 2)


async def test_filters_narrow(kind: str, tmp_path: Path) -> None:
    """Each filter leaves these, and all of them count."""
    async with asked(kind, tmp_path) as port:
        for name, query, labels in FILTERS:
            page = await port.rows(Query(sort="label", **query))
            assert (name, " ".join(row.label.partition("@")[0] for row in page.rows)) == (name, labels)
            assert page.matching == len(page.rows)


async def test_total_leaves_words_out(kind: str, tmp_path: Path) -> None:
    """Total counts the view, the check and the source; words and outcomes are what narrow it."""
    async with asked(kind, tmp_path) as port:
        query = Query(check="mfa", source="idp", text="dan", reason="second", outcome=Outcome.FAIL)
        page = await port.rows(query)
        assert (page.matching, page.total) == (1, 4)


@pytest.mark.parametrize(("text", "where"), [("~(a+)+", "character 5"), ("dan ~[a", "character 1")])
async def test_what_is_no_filter_is_told_with_its_place(kind: str, tmp_path: Path, text: str, where: str) -> None:
    """A regular expression that is none, or may never end, is refused by rows and events, and the next one is taken."""
    async with asked(kind, tmp_path) as port:
        with pytest.raises(PortFault, match=where):
            await port.rows(Query(text=text))
        with pytest.raises(PortFault, match=where):
            await port.events(EventQuery(text=text))
        assert (await port.rows(Query(text="~^dan"))).matching == 2


async def test_the_past_begins_with_what_held(kind: str, tmp_path: Path) -> None:
    """The first turn is the one that held when the period began; the others lie within, and every day was judged."""
    async with asked(kind, tmp_path) as port:
        whole, admins, nobody = await port.past(EVER)
        assert [(turn.at - NOW, turn.state) for turn in whole.turns] == [(day * DAY, State.FAIL) for day in (0, 1, 2)]
        assert [turn.failed for turn in admins.turns] == [3, 4, 3]
        assert [(day.day.day, day.judged, day.conclusive) for day in admins.days] == [
            (21, 1, 1),
            (22, 1, 1),
            (23, 1, 1),
        ]
        assert (nobody.check, list(nobody.turns), list(nobody.days)) == ("nobody", [], [])
        query = PastQuery(checks=("admins",), since=NOW + 1.5 * DAY, until=NOW + 2 * DAY)
        [cut] = await port.past(query)
        assert [turn.at - NOW for turn in cut.turns] == [DAY]
        assert [day.day.day for day in cut.days] == [22]
        [all_day] = await port.past(PastQuery(checks=("admins",), since=NOW + DAY, until=NOW + 2 * DAY + HOUR))
        assert [turn.at - NOW for turn in all_day.turns] == [DAY, 2 * DAY]
        assert [day.longest_gap_seconds for day in all_day.days] == [86_400.0, 86_400.0]


async def test_events_come_newest_first_by_page(kind: str, tmp_path: Path) -> None:
    """Page after page gives each event once, newest first, and all of them count."""
    async with asked(kind, tmp_path) as port:
        whole = await port.events(EventQuery())
        pages = [await port.events(EventQuery(offset=at, limit=2)) for at in range(0, whole.matching, 2)]
        assert whole.matching == len(whole.events) >= 4
        assert [event for page in pages for event in page.events] == list(whole.events)
        assert sorted((event.at for event in whole.events), reverse=True) == [event.at for event in whole.events]
        assert {page.matching for page in pages} == {whole.matching}


async def test_events_of_a_check_tell_of_its_waivers(kind: str, tmp_path: Path) -> None:
    """They bear the id of the waiver; those of another check's waivers stay out."""
    async with asked(kind, tmp_path) as port:
        mine = (await port.events(EventQuery(what="admins"))).events
        others = (await port.events(EventQuery(what="mfa"))).events

        assert {event.what for event in mine} == {"admins", "W-1"}
        assert {event.what for event in others} == {"mfa"}


async def test_events_are_filtered(kind: str, tmp_path: Path) -> None:
    """By kind, by object, by words and by period."""
    async with asked(kind, tmp_path) as port:
        whole = (await port.events(EventQuery())).events

        async def ask(**query: Any) -> list[object]:
            found = await port.events(EventQuery(**query))
            assert found.matching == len(found.events)
            return list(found.events)

        assert await ask(kinds=["state"]) == [event for event in whole if event.kind == "state"] != []
        assert await ask(kinds=["state", "source"]) == [event for event in whole if event.kind in {"state", "source"}]
        assert await ask(what="mfa") == [event for event in whole if event.what == "mfa"] != []
        assert await ask(text="FAIL !admins") == [
            event for event in whole if "fail" in event.text.lower() and event.what != "admins"
        ]
        own = [event for event in whole if event.what == "admins" and event.kind == "state"]
        assert await ask(text="~^adm", kinds=["state"]) == own != []
        assert await ask(since=NOW + DAY, until=NOW + 2 * DAY) == [
            event for event in whole if NOW + DAY <= event.at < NOW + 2 * DAY
        ]
        assert await ask(what="nobody") == []


async def test_waivers_are_those_of_the_file(kind: str, tmp_path: Path) -> None:
    """Each with what it covers now."""
    async with asked(kind, tmp_path) as port:
        assert [(each.id, each.covers) for each in await port.waivers()] == [("W-1", 1)]


class SlowDesk(Desk):
    """A desk that never answers a question about findings, and tells when it was stopped."""

    def __init__(self, it: Driven) -> None:
        super().__init__(it.engine, _reloaded)
        self.asked = asyncio.Event()
        self.stopped = asyncio.Event()

    async def rows(self, query: Query) -> Rows:
        """Wait for ever."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()
        return await super().rows(query)


@pytest.mark.parametrize("kind", ["elsewhere", "attached"])
async def test_a_question_that_nobody_waits_for_is_stopped(kind: str, tmp_path: Path) -> None:
    """A screen that has typed on leaves its question, and the engine does not go on with it."""
    config = estate(tmp_path, [], [])
    async with driven(config, Clock()) as it:
        await it.run()
        desk = SlowDesk(it)
        async with _attached(config.state_dir, desk) as attached:
            port: Port = attached if kind == "attached" else Elsewhere(desk, asyncio.get_running_loop())
            question = asyncio.ensure_future(port.rows(Query()))
            await asyncio.wait_for(desk.asked.wait(), 60)
            question.cancel()
            await asyncio.wait_for(desk.stopped.wait(), 60)
