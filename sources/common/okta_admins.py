"""Who administers an Okta org: users with roles of their own, and the members of groups with roles.

Okta does not say whether its list of users with roles names those who have them through a group, so groups are read.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from checks.model.doubt import Gap, facts_gap
from sources.common import okta_wire as wire
from sources.common.admins import FIELDS, Admins
from sources.common.errors import Refused
from sources.common.http import Api
from sources.common.pages import each, linked_next
from sources.common.urls import segment


@dataclass(slots=True)
class _Found:
    """What the lists have brought so far."""

    api: Api
    names: dict[str, set[str]] = field(default_factory=dict)
    """Roles through groups by user id; empty for a user who is only known to be an administrator."""
    own: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    async def groups(self) -> None:
        """Read every group, its roles, and the members of those that have any."""
        groups = [
            group.id
            async for answer in self.api.pages("api/v1/groups", {"limit": "200"}, next_of=linked_next)
            for group in self.api.decode(answer, wire.IDS)
        ]
        async with aclosing(each(groups, self._roles_of_group)) as answers:
            async for group, roles in answers:
                if roles:
                    await self._members(group, roles)

    async def assignees(self) -> None:
        """Read the users with roles, and then their roles."""
        pages = self.api.listing(
            "api/v1/iam/assignees/users", wire.ASSIGNEES, {"limit": "200"}, next_of=lambda page: page.next
        )
        async for page in pages:
            for user in page.value:
                self.names.setdefault(user.id, set())

    async def roles(self) -> None:
        """Read the roles of everybody who was found."""
        async with aclosing(each(sorted(self.names), self._roles_of_user)) as answers:
            async for user, roles in answers:
                self.own[user] = roles

    async def _roles_of_group(self, group: str) -> tuple[str, ...]:
        answer = await self.api.get(f"api/v1/groups/{segment(group)}/roles", ok=(200, 404))
        return () if answer.status == 404 else _in_force(self.api.decode(answer, wire.ROLES))

    async def _roles_of_user(self, user: str) -> tuple[str, ...] | None:
        words = "GET /api/v1/users/{id}/roles"
        answer = await self.api.get(f"api/v1/users/{segment(user)}/roles", ok=(200, 403, 404), words=words)
        return _in_force(self.api.decode(answer, wire.ROLES)) if answer.status == 200 else None

    async def _members(self, group: str, roles: tuple[str, ...]) -> None:
        path = f"api/v1/groups/{segment(group)}/users"
        async for answer in self.api.pages(path, {"limit": "200"}, next_of=linked_next):
            for member in self.api.decode(answer, wire.IDS):
                self.names.setdefault(member.id, set()).update(roles)

    def admins(self, gap: Gap | None) -> Admins:
        """Add up what was found."""
        return Admins({user: self._all_roles(user) for user in self.names}, gap)

    def _all_roles(self, user: str) -> tuple[str, ...] | None:
        own = self.own.get(user)
        through = self.names[user]
        return tuple(sorted(through.union(own))) if own is not None else None


async def read_admins(api: Api) -> Admins:
    """Read who administers the org; what is refused leaves a gap, and those who were found besides."""
    found = _Found(api)
    gaps: list[Gap] = []
    for step in (found.assignees, found.groups, found.roles):
        try:
            await step()
        except Refused as fault:
            gaps.append(facts_gap(fault.cause, FIELDS, str(fault)))
    return found.admins(gaps[0] if gaps else None)


def _in_force(roles: list[wire.Role]) -> tuple[str, ...]:
    return tuple(role.name for role in roles if role.status != "INACTIVE")
