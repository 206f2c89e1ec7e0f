"""Things break and heal on the wall clock: a loop of ten minutes in which each family has its turn.

A step changes what a provider would show, never what the engine holds; the engine finds out by asking. Tests take the
steps one by one, without the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from demo.cast import ADMIN_ACTORS, HIRE_ACTORS, LEAVER_ACTORS
from demo.configured import Pace
from demo.estate import BackupCopy
from demo.listeners import renewed
from demo.replicas.faults import Failed, Rule
from demo.replicas.okta_tenant import ALL_SCOPES, OktaUser
from demo.running import Demo
from demo.tenants import OKTA_FACTORS

LOOP: Final = timedelta(minutes=10)
_SHORT: Final = "api.example.org"
"""The host whose certificate lives for minutes."""
_FLAKY: Final = "vpn.example.org"
_WAL_EVERY: Final = timedelta(seconds=30)
_BEAT_SECONDS: Final = 1.0


@dataclass
class Story:
    """What happens to one demo; ``turn`` counts the loops, so that each has actors of its own."""

    demo: Demo
    turn: int = 0
    archiving: bool = True
    """Whether the write-ahead log is archived."""
    _outage: Rule | None = None
    _archived_at: datetime | None = None
    steps: Mapping[str, Callable[[], Awaitable[None]]] = field(init=False)
    """What can happen, by name."""

    def __post_init__(self) -> None:
        """Name the steps."""
        self.steps = {
            "admin loses the last factor": self._lose_factor,
            "administrator enrols again": self._enrol_again,
            "new hire starts": self._hire,
            "new hire enrols": self._hire_enrols,
            "somebody leaves": self._leave,
            "leaver is disabled": self._disable,
            "archive stops": self._stop_archive,
            "archive catches up": self._resume_archive,
            "roles are hidden": self._hide_roles,
            "roles are granted": self._grant_roles,
            "host goes dark": self._darken,
            "host is back": self._light,
            "certificate is renewed": self._renew,
            "directory is down": self._break_directory,
            "directory is back": self._mend_directory,
            "next loop": self._next_loop,
        }

    async def step(self, name: str) -> None:
        """Let one thing happen; raises ``KeyError`` when nothing has that name."""
        await self.steps[name]()

    async def beat(self) -> None:
        """Let what goes on all the time go on: the archive gets a file every half minute, the report is made anew."""
        demo, now = self.demo, self.demo.clock()
        demo.tenants.graph.report_updated = now
        copy = next(copy for copy in demo.estate.backups if copy.source == "wal")
        before = self._archived_at or demo.estate.now
        if self.archiving and now - before >= _WAL_EVERY:
            await self._archive(copy, now)

    # -- the steps -------------------------------------------------------------------------------

    async def _lose_factor(self) -> None:
        self._admin().factors = []

    async def _enrol_again(self) -> None:
        self._admin().factors = [OKTA_FACTORS["key"]]

    async def _hire(self) -> None:
        user, now = self._user(HIRE_ACTORS), self.demo.clock()
        user.status, user.activated, user.status_changed = "ACTIVE", now, now
        user.last_login = user.last_updated = now

    async def _hire_enrols(self) -> None:
        self._user(HIRE_ACTORS).factors = [OKTA_FACTORS["key"], OKTA_FACTORS["app"]]

    async def _leave(self) -> None:
        """HR enters late that somebody left: the grace is over by now."""
        self.demo.files.left[self._user(LEAVER_ACTORS).login] = self.demo.clock() - timedelta(hours=30)
        await asyncio.to_thread(self.demo.files.write_roster)

    async def _disable(self) -> None:
        user = self._user(LEAVER_ACTORS)
        user.status, user.status_changed = "DEPROVISIONED", self.demo.clock()

    async def _stop_archive(self) -> None:
        self.archiving = False

    async def _resume_archive(self) -> None:
        self.archiving, self._archived_at = True, None

    async def _hide_roles(self) -> None:
        self._grant(ALL_SCOPES - {"okta.roles.read"})

    async def _grant_roles(self) -> None:
        self._grant(ALL_SCOPES)

    async def _darken(self) -> None:
        await self.demo.listeners[_FLAKY].close()

    async def _light(self) -> None:
        await self.demo.listeners[_FLAKY].open()

    async def _renew(self) -> None:
        """Renew late; the new certificate ends at the same place of the next loop."""
        listener, life = self.demo.listeners[_SHORT], LOOP - timedelta(seconds=45)
        await asyncio.to_thread(listener.certify, *renewed(self.demo.clock(), life))

    async def _break_directory(self) -> None:
        self._outage = self.demo.okta_faults.inject("*", Failed(status=503), times=None)

    async def _mend_directory(self) -> None:
        if self._outage is not None:
            self.demo.okta_faults.heal(self._outage)

    async def _next_loop(self) -> None:
        """Choose the next actors, and let those who had a turn before be as they were at first."""
        self.turn += 1
        users = self.demo.tenants.okta_users
        for actors in (ADMIN_ACTORS, HIRE_ACTORS, LEAVER_ACTORS):
            users.renew(_actor(actors, self.turn))
        if self.demo.files.left.pop(self._user(LEAVER_ACTORS).login, None) is not None:
            await asyncio.to_thread(self.demo.files.write_roster)

    # -- what they change ------------------------------------------------------------------------

    def _admin(self) -> OktaUser:
        return self._user(ADMIN_ACTORS)

    def _user(self, actors: range) -> OktaUser:
        return self.demo.tenants.okta_users.keep(_actor(actors, self.turn))

    def _grant(self, scopes: frozenset[str]) -> None:
        credentials = self.demo.tenants.okta.credentials
        credentials.update(dict.fromkeys(credentials, scopes))

    async def _archive(self, copy: BackupCopy, now: datetime) -> None:
        self._archived_at = now
        await asyncio.to_thread(self.demo.files.back_up, copy, now - timedelta(seconds=2))


def timetable(pace: Pace) -> list[tuple[timedelta, str]]:
    """Say when in a loop each step is taken; the certificate's end is where the estate put it, at five minutes."""
    outage = timedelta(seconds=450)
    told = {
        8: "admin loses the last factor",
        50: "new hire starts",
        85: "administrator enrols again",
        105: "somebody leaves",
        140: "archive stops",
        165: "new hire enrols",
        190: "leaver is disabled",
        215: "roles are hidden",
        265: "roles are granted",
        345: "certificate is renewed",
        380: "host goes dark",
        415: "archive catches up",
        425: "host is back",
    }
    steps = [(timedelta(seconds=at), name) for at, name in told.items()]
    steps += [(outage, "directory is down"), (outage + pace.outage, "directory is back")]
    return [*steps, (max(LOOP, outage + pace.outage + pace.every), "next loop")]


@asynccontextmanager
async def telling(demo: Demo) -> AsyncIterator[Story]:
    """Tell the story, loop after loop, for as long as the block runs; what broke it off is raised at its end."""
    story = Story(demo)
    task = asyncio.get_running_loop().create_task(_tell(story), name="story")
    try:
        yield story
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _tell(story: Story) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        for at, name in timetable(Pace(story.demo.estate.accounts)):
            while loop.time() - began < at.total_seconds():
                await story.beat()
                await asyncio.sleep(_BEAT_SECONDS)
            await story.step(name)


def _actor(actors: range, turn: int) -> int:
    return actors[turn % len(actors)]
