"""A population that is empty, partial, shrunken, or narrowed by exclusions proves nothing of those who are missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.doubt import Cause, facts_gap, members_gap
from checks.model.records import Person
from checks.model.state import State
from engine.desk import Desk
from engine.port import Accept
from engine.settings import Exclude
from sources.common.errors import Unreachable
from sources.common.source import Page
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.mfa import bare, enrolled, no_reload, one_check
from tests.support.running import driven

QUARTER = timedelta(minutes=16)


async def test_an_empty_population_is_unknown_unless_a_reason_allows_it(tmp_path: Path) -> None:
    """Zero accounts are not a pass."""
    script = Script()
    script.tell()
    async with driven(one_check(tmp_path / "a", script), Clock()) as it:
        await it.run()
        assert it.state() is State.UNKNOWN
    async with driven(one_check(tmp_path / "b", script, allow_empty="no such people yet"), Clock()) as it:
        await it.run()
        assert it.state() is State.PASS


async def test_a_partial_collection_adds_failures_and_clears_none(tmp_path: Path) -> None:
    """A run that ends early may show a new failure; the failures of the complete one stay open."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(10), bare("bea"))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        mended = account("bea", source="idp")
        script.pages = [Page(records=[mended, bare("cal"), bare("u000")])]
        script.error = Unreachable("idp: broke off")
        await it.run(QUARTER)

        assert it.state() is State.FAIL
        assert {row.subject for row in await it.findings()} == {"idp/bea", "idp/cal", "idp/u000"}
        assert it.check().tally.population == 12


async def test_a_population_that_shrank_bars_pass_until_it_is_accepted(tmp_path: Path) -> None:
    """Half the accounts gone is a shrunken gap; accepting is evidence and makes the next run the baseline."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(100), bare("bea"))
    async with driven(one_check(tmp_path, script, min_coverage=0.5), clock) as it:
        await it.run()
        script.tell(*enrolled(50))
        await it.run(QUARTER)

        assert it.state() is State.UNKNOWN
        assert it.source().cause is Cause.SHRUNKEN
        assert [row.subject for row in await it.findings()] == ["idp/bea"]
        desk = Desk(it.engine, no_reload)
        reply = await desk.send(Accept(source="idp", reason="a subsidiary was sold", by="ana"))
        assert reply.ok
        await it.run(timedelta(seconds=2))
        assert it.state() is State.PASS
        assert await it.findings() == []


@pytest.mark.parametrize(
    ("gap", "state"),
    [
        pytest.param(members_gap(Cause.DENIED, "no guests"), State.UNKNOWN, id="members bar every check"),
        pytest.param(facts_gap(Cause.DENIED, ("account.factors",), "no"), State.UNKNOWN, id="facts that it reads"),
        pytest.param(facts_gap(Cause.DENIED, ("account.last_seen_at",), "no"), State.PASS, id="facts that it does not"),
    ],
)
async def test_a_structural_gap_bars_pass_for_those_it_concerns(tmp_path: Path, gap: object, state: State) -> None:
    """A source may read to its end and still not have been shown everything."""
    script = Script(pages=[Page(records=enrolled(10), gaps=[gap])])  # type: ignore[list-item]
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()

        assert it.state() is state


@pytest.mark.parametrize("left", [0, 40])
async def test_a_shrunken_population_stays_doubtful_through_a_later_fault(tmp_path: Path, left: int) -> None:
    """Losing everything is no milder than losing some, and an outage afterwards does not wipe the doubt."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(100))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        script.tell(*enrolled(left))
        await it.run(QUARTER)
        assert it.state() is State.UNKNOWN
        script.error = Unreachable("idp: broke off")
        await it.run(QUARTER)
        assert it.state() is State.UNKNOWN
        script.tell(*enrolled(100))
        await it.run(QUARTER)

        assert it.state() is State.PASS


async def test_nothing_can_be_accepted_that_did_not_shrink(tmp_path: Path) -> None:
    """Accepting in advance would switch the guard off for whatever comes."""
    script = Script()
    script.tell(*enrolled(100))
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()
        reply = await Desk(it.engine, no_reload).send(Accept(source="idp", reason="in advance", by="ana"))

        assert not reply.ok
        assert it.engine.runner.memories["idp"].baseline is not None


async def test_what_was_accepted_is_what_was_left(tmp_path: Path) -> None:
    """Less than what somebody looked at shrinks again."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(100))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        script.tell(*enrolled(50))
        await it.run(QUARTER)
        script.tell(*enrolled(5))
        await Desk(it.engine, no_reload).send(Accept(source="idp", reason="a subsidiary was sold", by="ana"))
        await it.run(timedelta(seconds=2))
        await it.run(timedelta(seconds=2))

        assert it.state() is State.UNKNOWN


async def test_an_empty_roster_accuses_nobody(tmp_path: Path) -> None:
    """A complete roster without a row does not prove that everybody has left."""
    people, accounts = Script(), Script()
    people.tell()
    accounts.tell(*enrolled(10))
    config = estate(
        tmp_path,
        [source_config("idp", scripted(accounts)), source_config("people", scripted(people, (Person,)))],
        [check_config("leavers", "leaver_access", ["idp"], ["people"])],
    )
    async with driven(config, Clock()) as it:
        await it.run()

        assert it.state("leavers") is State.UNKNOWN
        assert it.check("leavers").tally.failed == 0


async def test_exclusions_that_grow_are_flagged(tmp_path: Path) -> None:
    """What leaves the count in numbers is an event that somebody sees."""
    script, clock = Script(), Clock()
    script.tell(*enrolled(30))
    async with driven(one_check(tmp_path, script), clock) as it:
        await it.run()
        script.tell(*enrolled(20), *(account(f"u{n:03}", source="idp", klass="service") for n in range(20, 30)))
        await it.run(QUARTER)

        assert "exclusions grew: service 0 → 10" in it.texts("finding")


async def test_an_exclusion_cannot_make_an_empty_population_right(tmp_path: Path) -> None:
    """``allow_empty`` is for a population that is empty by itself."""
    script = Script()
    script.tell(*enrolled(3))
    everybody = (Exclude(match={"label": "u*"}, reason="all of them"),)
    async with driven(one_check(tmp_path, script, allow_empty="no people", exclude=everybody), Clock()) as it:
        await it.run()

        assert it.state() is State.UNKNOWN
