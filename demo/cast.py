"""The cast of the company: accounts that play a part, by their number; the story moves some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from demo.people import Days, Member

ADMIN_ACTORS: Final = range(5, 8)
"""Administrators who lose their last factor, one a loop of the story."""
LEAVER_ACTORS: Final = range(28, 36)
"""Employees who leave, and whose account is forgotten for a while."""
HIRE_ACTORS: Final = range(36, 40)
"""People whose account waits for its first day."""
CAST_SIZE: Final = 40
"""Numbers of the workforce's directory that are not background."""

Part = Callable[[Member, Days], Member]
"""Turns an ordinary employee into one of the cast."""


@dataclass(frozen=True, slots=True)
class Ago:
    """An instant so many days before first sight; a negative number lies ahead."""

    days: float


def part(local: str = "", **facts: Any) -> Part:
    """Make a part of facts of a ``Member``, instants as ``Ago``; ``local`` is a login before the ``@``."""

    def play(member: Member, days: Days) -> Member:
        told: dict[str, Any] = {
            name: days.ago(fact.days) if isinstance(fact, Ago) else fact for name, fact in facts.items()
        }
        if local:
            told["login"] = f"{local}@{member.login.partition('@')[2]}"
        return replace(member, **told)

    return play


def guest(member: Member) -> Member:
    """Make an account of somebody from a partner, who is on no roster of ours."""
    login = f"{member.login.partition('@')[0]}@partner.example"
    return replace(member, login=login, kind="guest", left_at=None)


def _sealed(local: str, role: str) -> Part:
    return part(local, kind="break_glass", factors=("key",), roles=(role,), seen_at=None)


def _soft(local: str) -> Part:
    return part(local, kind="service", factors=())


WORKFORCE_PARTS: Final[dict[int, Part]] = {
    0: part(roles=("SUPER_ADMIN",), factors=("key", "app")),
    1: part(roles=("SUPER_ADMIN",), factors=("key", "app")),
    2: part(roles=("ORG_ADMIN",), factors=("app",)),
    3: part(group=True, factors=("key",)),
    4: part(group=True, factors=("app",)),
    **dict.fromkeys(ADMIN_ACTORS, part(roles=("USER_ADMIN",), factors=("key",))),
    8: _sealed("break-glass-1", "SUPER_ADMIN"),
    9: _sealed("break-glass-2", "SUPER_ADMIN"),
    10: _soft("svc-backup"),
    11: _soft("svc-deploy"),
    12: _soft("svc-scim"),
    13: part("kiosk-lobby", kind="kiosk", factors=()),
    14: part("kiosk-dock", kind="kiosk", factors=()),
    15: part(factors=()),
    16: part(factors=("text",)),
    17: part(factors=(), created_at=Ago(2), activated_at=Ago(2), seen_at=Ago(0.2), started_at=Ago(3)),
    18: part(seen_at=Ago(130)),
    19: part(seen_at=Ago(86)),
    20: part(created_at=Ago(60), activated_at=Ago(60), seen_at=None, started_at=Ago(61)),
    21: part(left_at=Ago(2 / 24)),
    22: part(status="disabled", left_at=Ago(40)),
    23: part(status="disabled", left_at=Ago(12)),
    24: part(status="locked"),
    25: part(on_leave=True),
    26: part(left_at=Ago(200), started_at=Ago(100)),
    27: part(kind="contractor", left_at=Ago(-60)),
    **dict.fromkeys(
        HIRE_ACTORS,
        part(
            status="pending",
            factors=(),
            created_at=Ago(1),
            activated_at=None,
            seen_at=None,
            started_at=Ago(1),
        ),
    ),
}
OFFICE_PARTS: Final[dict[int, Part]] = {
    0: part(roles=("Global Administrator",), factors=("key",)),
    1: _sealed("break-glass", "Global Administrator"),
    2: _soft("svc-sync"),
    3: lambda member, _days: guest(member),
    4: lambda member, _days: guest(member),
    5: part(factors=()),
    6: part(factors=("text",)),
    7: part(seen_at=Ago(130)),
    8: part(status="disabled", left_at=Ago(20)),
}
CODE_PARTS: Final[dict[int, Part]] = {
    0: part(roles=("owner",)),
    1: part(roles=("owner",)),
    2: part(factors=()),
    3: part(factors=("text",)),
}
