"""The accounts of a synthetic company, each a pure function of the seed, the time and its number.

What is true of an account is said here once, in plain words; the replicas write it in their vendors' words, and the
answer sheet judges it. Facts keep a day or more away from every limit that a check compares them with, but for those
of somebody who has left two hours ago.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from demo.draw import Draw, draw

Kind = Literal["human", "contractor", "guest", "service", "break_glass", "kiosk"]
Status = Literal["active", "locked", "pending", "disabled"]
Factor = Literal["key", "app", "code", "text"]
"""A security key, an authenticator app, a one-time code, a text message."""

_FIRST: Final = (
    *("ada", "aki", "ana", "ben", "bo", "cleo", "dana", "eli", "eva", "finn", "gus", "hana", "ida", "ivo", "jan"),
    *("joy", "kai", "kim", "lea", "leo", "lin", "lou", "mara", "max", "mia", "nia", "noa", "ola", "pia", "quin"),
    *("rae", "ria", "rui", "sam", "sol", "tao", "uma", "val", "yan", "zoe"),
)
_LAST: Final = (
    *("alder", "ash", "aspen", "balsa", "bay", "beech", "birch", "box", "cedar", "cherry", "cypress", "ebony", "elder"),
    *("elm", "fig", "fir", "hawthorn", "hazel", "holly", "hornbeam", "juniper", "larch", "laurel", "lime", "linden"),
    *("maple", "myrtle", "oak", "olive", "palm", "pear", "pine", "plane", "plum", "poplar", "quince", "rowan"),
    *("spruce", "sumac", "teak", "thorn", "walnut", "willow", "yew"),
)
_PAIRS: Final = len(_FIRST) * len(_LAST)
_STEP: Final = 997
"""A prime that divides no number of names, so that stepping by it meets every pair."""
_KINDS: Final[tuple[tuple[float, Kind], ...]] = (
    (0.01, "service"),
    (0.005, "kiosk"),
    (0.08, "contractor"),
    (0.905, "human"),
)
_FACTORS: Final[tuple[tuple[float, tuple[Factor, ...]], ...]] = (
    (0.55, ("key", "app")),
    (0.36, ("app",)),
    (0.06, ("code",)),
    (0.02, ("text",)),
    (0.01, ()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account, and what is true of it."""

    number: int
    """Its place in its directory, from 0."""
    login: str
    kind: Kind = "human"
    status: Status = "active"
    factors: tuple[Factor, ...] = ("key", "app")
    roles: tuple[str, ...] = ()
    """Administrator roles of its own."""
    group: bool = False
    """Whether it is in the group that hands out a role."""
    created_at: datetime
    activated_at: datetime | None
    seen_at: datetime | None
    """Last sign-in; None: never."""
    started_at: datetime
    """Start of employment, on the roster."""
    left_at: datetime | None = None
    """End of employment, on the roster; that of a contractor lies ahead."""
    on_leave: bool = False

    @property
    def admin(self) -> bool:
        """Whether it administers the directory, directly or through the group."""
        return bool(self.roles) or self.group

    @property
    def live(self) -> bool:
        """Whether somebody can sign in with it, once it is unlocked."""
        return self.status in {"active", "locked"}

    @property
    def person(self) -> bool:
        """Whether it is somebody's, who is on the roster."""
        return self.kind in {"human", "contractor"}


@dataclass(frozen=True, slots=True)
class Days:
    """Instants before ``now``, which is told to the second."""

    now: datetime

    def ago(self, days: float) -> datetime:
        """Return the instant so many days ago, to the second; a negative number lies ahead."""
        return self.now - timedelta(seconds=round(days * 86_400))


def person_name(seed: int, number: int) -> str:
    """Return a name like ``ana.alder``; no two numbers share one."""
    at = (number * _STEP + seed) % _PAIRS
    turn = number // _PAIRS
    return f"{_FIRST[at % len(_FIRST)]}.{_LAST[at // len(_FIRST)]}{turn or ''}"


def ordinary(seed: int, directory: str, domain: str, number: int, days: Days) -> Member:
    """Draw an employee whom nobody would notice."""
    chance = draw(seed, f"{directory}/{number}")
    created = days.ago(chance.between(0, 120, 1500))
    return Member(
        number=number,
        login=f"{person_name(seed, number)}@{domain}",
        factors=("key", "app") if chance.share(1) < 0.6 else ("app",),
        created_at=created,
        activated_at=created + timedelta(hours=1),
        seen_at=days.ago(chance.between(2, 0.2, 20)),
        started_at=created - timedelta(days=1),
    )


def background(seed: int, directory: str, domain: str, number: int, days: Days) -> Member:
    """Draw anybody: most are ordinary, a few are what audits are about."""
    usual = ordinary(seed, directory, domain, number, days)
    chance = draw(seed, f"{directory}/{number}/more")
    kind = chance.pick(0, _KINDS)
    if kind == "service":
        return replace(usual, login=f"svc-job-{number}@{domain}", kind="service", factors=())
    if kind == "kiosk":
        return replace(usual, login=f"kiosk-desk-{number}@{domain}", kind="kiosk", factors=())
    facts: dict[str, Any] = {"kind": kind, "factors": chance.pick(1, _FACTORS), **_luck(chance, days)}
    if kind == "contractor":
        facts.setdefault("left_at", days.ago(-chance.between(2, 40, 300)))
    return replace(usual, **facts)


def _luck(chance: Draw, days: Days) -> dict[str, Any]:
    """Let what happens to people happen: they leave, are away, forget passwords, or stop coming."""
    luck = chance.share(3)
    if luck >= 0.10:
        return {}
    if luck < 0.05:
        return {"status": "disabled", "left_at": days.ago(chance.between(4, 10, 100))}
    if luck < 0.07:
        return {"on_leave": True}
    if luck < 0.08:
        return {"status": "locked"}
    return {"seen_at": days.ago(chance.between(4, 100, 119) if luck < 0.09 else chance.between(4, 84.5, 88))}
