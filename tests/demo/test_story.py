"""Each step of the story changes what a real engine sees, and its counterpart heals it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import sources
from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.state import State
from demo.cast import ADMIN_ACTORS, HIRE_ACTORS, LEAVER_ACTORS
from demo.configured import Pace
from demo.estate import FEWEST, Estate
from demo.running import Demo, running
from demo.story import LOOP, Story, telling, timetable
from engine.config import load
from engine.host import Hosted, hosting
from engine.port import CheckView, Query, SourceView, state_at

PATIENCE = timedelta(seconds=60)


class Watched:
    """A demo, its story, and an engine that looks when it is told to."""

    def __init__(self, demo: Demo, hosted: Hosted, clock: Shifted) -> None:
        self.demo = demo
        self.story = Story(demo)
        self.hosted = hosted
        self.clock = clock

    async def look(self, check: str) -> tuple[CheckView, State]:
        """Collect and judge one check anew; return it and its state."""
        await self.hosted.engine.once((check,), PATIENCE)
        snapshot = self.hosted.engine.snapshot
        assert snapshot is not None
        view = next(view for view in snapshot.checks if view.name == check)
        return view, state_at(view, snapshot, self.clock())

    async def labels(self, check: str, outcome: Outcome) -> set[str]:
        """Name those whom a check finds, as of its last look."""
        rows = await self.hosted.port.rows(Query(check=check, view="all", limit=1_000))
        return {row.label for row in rows.rows if row.outcome is outcome and row.resolved_at is None}

    def source(self, name: str) -> SourceView:
        """Return a source as of the last look."""
        assert self.hosted.engine.snapshot is not None
        return next(view for view in self.hosted.engine.snapshot.sources if view.name == name)


class Shifted:
    """The time of the machine, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """Let a demo and an engine over it stand; nothing happens by itself."""
    clock = Shifted()
    async with AsyncExitStack() as stack:
        estate = Estate(5, FEWEST, clock())
        demo = await stack.enter_async_context(running(estate, tmp_path, clock, kinds=sources.kinds()))
        config = load(demo.config)
        engine = hosting(config, version="test", demo=True, listen=False, watch=False, clock=clock)
        yield Watched(demo, await stack.enter_async_context(engine), clock)


async def test_an_administrator_loses_the_last_factor_and_enrols_again(watched: Watched) -> None:
    """The check of administrators fails by exactly this account, and then holds again."""
    login = watched.demo.estate.workforce(ADMIN_ACTORS[0]).login
    assert (await watched.look("admin-mfa"))[1] is State.WARN
    await watched.story.step("admin loses the last factor")
    assert (await watched.look("admin-mfa"))[1] is State.FAIL
    assert await watched.labels("admin-mfa", Outcome.FAIL) == {login}
    await watched.story.step("administrator enrols again")
    assert (await watched.look("admin-mfa"))[1] is State.WARN


async def test_a_new_hire_is_warned_inside_the_grace_and_then_enrols(watched: Watched) -> None:
    """A pending account enters the population when it is activated, and is warned until it enrols."""
    login = watched.demo.estate.workforce(HIRE_ACTORS[0]).login
    before, _ = await watched.look("workforce-mfa")
    await watched.story.step("new hire starts")
    after, _ = await watched.look("workforce-mfa")
    assert after.tally.population == before.tally.population + 1
    assert login in await watched.labels("workforce-mfa", Outcome.WARN)
    await watched.story.step("new hire enrols")
    await watched.look("workforce-mfa")
    assert login not in await watched.labels("workforce-mfa", Outcome.WARN)


async def test_a_leaver_stays_active_and_is_disabled(watched: Watched) -> None:
    """HR tells late of an end, so the account fails at once, until it is disabled."""
    login = watched.demo.estate.workforce(LEAVER_ACTORS[0]).login
    assert (await watched.look("leavers"))[1] is State.WARN
    await watched.story.step("somebody leaves")
    assert (await watched.look("leavers"))[1] is State.FAIL
    assert await watched.labels("leavers", Outcome.FAIL) == {login}
    await watched.story.step("leaver is disabled")
    assert (await watched.look("leavers"))[1] is State.WARN


async def test_a_backup_misses_its_slots_and_catches_up(watched: Watched) -> None:
    """Without new files the set passes its objective, is warned inside the grace, fails, and heals with one file."""
    assert (await watched.look("backups"))[1] is State.PASS
    await watched.story.step("archive stops")
    watched.clock.ahead = timedelta(minutes=3, seconds=15)
    await watched.story.beat()
    assert (await watched.look("backups"))[1] is State.WARN
    watched.clock.ahead = timedelta(minutes=5)
    assert (await watched.look("backups"))[1] is State.FAIL
    assert await watched.labels("backups", Outcome.FAIL) == {"orders-wal"}
    await watched.story.step("archive catches up")
    await watched.story.beat()
    assert (await watched.look("backups"))[1] is State.PASS


async def test_a_certificate_expires_and_is_renewed(watched: Watched) -> None:
    """The short-lived certificate is warned in its last quarter, fails past its end, and the new one passes."""
    target = watched.demo.listeners["api.example.org"].target
    await watched.look("public-tls")
    assert target not in await watched.labels("public-tls", Outcome.WARN)
    watched.clock.ahead = timedelta(minutes=4)
    await watched.look("public-tls")
    assert target in await watched.labels("public-tls", Outcome.WARN)
    watched.clock.ahead = timedelta(minutes=6)
    assert (await watched.look("public-tls"))[1] is State.FAIL
    assert await watched.labels("public-tls", Outcome.FAIL) == {target}
    await watched.story.step("certificate is renewed")
    assert (await watched.look("public-tls"))[1] is State.WARN  # the shop's certificate, as always
    assert target not in await watched.labels("public-tls", Outcome.WARN)


async def test_a_host_goes_dark_and_comes_back(watched: Watched) -> None:
    """An endpoint that refuses connections is unknown, never gone, and keeps its last known end."""
    target = watched.demo.listeners["vpn.example.org"].target
    await watched.look("public-tls")
    await watched.story.step("host goes dark")
    view, state = await watched.look("public-tls")
    assert (state, view.tally.unknown) == (State.UNKNOWN, 1)
    assert await watched.labels("public-tls", Outcome.UNKNOWN) == {target}
    await watched.story.step("host is back")
    assert (await watched.look("public-tls"))[0].tally.unknown == 0


async def test_hidden_roles_make_administrators_unknown_and_nothing_else(watched: Watched) -> None:
    """A withdrawn scope is a gap of one source with its cause; granting it again ends it."""
    await watched.look("admin-mfa")
    await watched.story.step("roles are hidden")
    view, state = await watched.look("admin-mfa")
    assert state is State.UNKNOWN
    assert view.blind_by is not None
    assert (view.blind_by.source, view.blind_by.cause) == ("okta-prod", Cause.DENIED)
    assert (await watched.look("workforce-mfa"))[1] is State.WARN
    await watched.story.step("roles are granted")
    assert (await watched.look("admin-mfa"))[1] is State.WARN


async def test_an_outage_is_one_source_down_and_no_verdict_lost(watched: Watched) -> None:
    """The last complete collection stands while the directory answers 503; past its age the check is stale."""
    await watched.look("admin-mfa")
    await watched.story.step("directory is down")
    view, state = await watched.look("admin-mfa")
    assert state is State.WARN
    assert watched.source("okta-prod").cause is Cause.UNREACHABLE
    watched.clock.ahead = Pace(FEWEST).max_age + timedelta(seconds=30)
    view, state = await watched.look("admin-mfa")
    assert state is State.STALE
    assert view.blind_by is not None
    assert view.blind_by.source == "okta-prod"
    await watched.story.step("directory is back")
    assert (await watched.look("admin-mfa"))[1] is State.WARN
    assert watched.source("okta-prod").last_error is None


async def test_the_next_loop_has_other_actors(watched: Watched) -> None:
    """A loop plays with people of its own, and whoever had a turn long ago starts as at first."""
    story, users = watched.story, watched.demo.tenants.okta_users
    for _ in range(len(LEAVER_ACTORS)):
        await story.step("somebody leaves")
        await story.step("leaver is disabled")
        await story.step("next loop")
    assert story.turn == len(LEAVER_ACTORS)
    assert users[LEAVER_ACTORS[0]].status == "ACTIVE"
    assert users[LEAVER_ACTORS[1]].status == "DEPROVISIONED"
    assert len(watched.demo.files.left) == len(LEAVER_ACTORS) - 1


@pytest.mark.parametrize("accounts", [FEWEST, 100_000], ids=["few", "many"])
def test_the_timetable_is_in_order_and_heals_what_it_breaks(accounts: int) -> None:
    """Steps come in the order of time, the first within half a minute, and a loop lasts ten minutes or a sweep more."""
    steps = timetable(Pace(accounts))
    times = [at for at, _ in steps]
    assert times == sorted(times)
    assert times[0] < timedelta(seconds=15)
    assert times[-1] >= LOOP
    names = [name for _, name in steps]
    assert len(set(names)) == len(names)
    for broken, healed in (
        ("admin loses the last factor", "administrator enrols again"),
        ("archive stops", "archive catches up"),
        ("roles are hidden", "roles are granted"),
        ("host goes dark", "host is back"),
        ("directory is down", "directory is back"),
    ):
        assert names.index(broken) < names.index(healed)


async def test_every_step_of_the_timetable_can_be_taken(watched: Watched) -> None:
    """The timetable names steps that there are."""
    assert {name for _, name in timetable(Pace(FEWEST))} == set(watched.story.steps)


async def test_the_story_ends_with_its_block(watched: Watched) -> None:
    """Leaving the block leaves no task behind, in the middle of a story too."""
    before = asyncio.all_tasks()
    async with telling(watched.demo) as story:
        await asyncio.sleep(0)
        assert story.turn == 0
    assert asyncio.all_tasks() == before
