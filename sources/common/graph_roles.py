"""Who administers an Entra tenant: who holds a directory role, who may activate one, and the members of such groups."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from checks.model.doubt import Gap, facts_gap
from sources.common import graph_wire as wire
from sources.common.admins import FIELDS, Admins
from sources.common.errors import Refused
from sources.common.graph_api import NO_PIM, Graph
from sources.common.urls import segment

_HELD: Final = "roleManagement/directory/roleAssignments"
_ELIGIBLE: Final = "roleManagement/directory/roleEligibilityScheduleInstances"
_NAMES: Final = "roleManagement/directory/roleDefinitions"
_PRINCIPAL: Final = {"$expand": "principal"}
_USER: Final = "#microsoft.graph.user"
_NO_GROUP: Final = frozenset({_USER, "#microsoft.graph.servicePrincipal"})


@dataclass(slots=True)
class _Found:
    """What the lists have brought so far."""

    graph: Graph
    names: dict[str, str] = field(default_factory=dict)
    """Role names by id."""
    holders: dict[str, set[str]] = field(default_factory=dict)
    """Roles by principal id."""
    groups: set[str] = field(default_factory=set)
    """Principals that are groups, or may be."""
    users: set[str] = field(default_factory=set)
    """Principals and members that are users."""

    async def definitions(self) -> None:
        async with aclosing(self.graph.pages(_NAMES, wire.DEFINITIONS, {"$select": "id,displayName"})) as pages:
            async for page in pages:
                self.names.update({one.id: one.display_name for one in page.value if one.display_name})

    async def held(self) -> None:
        """Read the roles that are held."""
        async with aclosing(self.graph.pages(_HELD, wire.ASSIGNMENTS, _PRINCIPAL)) as pages:
            async for page in pages:
                self._add(page.value)

    async def eligible(self) -> None:
        """Read the roles that may be activated at will; a tenant without that feature has none."""
        answer = await self.graph.get(_ELIGIBLE, _PRINCIPAL, ok=(200, 400, 403, 404))
        if answer.status == 404 or wire.error_code(answer.body) == NO_PIM:
            return
        if answer.status != 200:
            raise Refused(f"{answer.asked} answered {answer.status}; grant RoleManagement.Read.Directory")
        first = self.graph.api.decode(answer, wire.ASSIGNMENTS)
        self._add(first.value, " (eligible)")
        if first.next is not None:
            async with aclosing(self.graph.pages(first.next, wire.ASSIGNMENTS)) as pages:
                async for page in pages:
                    self._add(page.value, " (eligible)")

    async def members(self) -> None:
        """Give the members of groups, however deep, the roles of their group."""
        for group in sorted(self.groups):
            path = f"groups/{segment(group)}/transitiveMembers"
            answer = await self.graph.get(path, {"$select": "id"}, ok=(200, 404))
            if answer.status == 404:
                continue
            page = self.graph.api.decode(answer, wire.MEMBERS)
            self._inherit(group, page.value)
            if page.next is not None:
                async with aclosing(self.graph.pages(page.next, wire.MEMBERS)) as pages:
                    async for more in pages:
                        self._inherit(group, more.value)

    def _add(self, assignments: Iterable[wire.Assignment], mark: str = "") -> None:
        for one in assignments:
            name = self.names.get(one.role_definition_id, one.role_definition_id) + mark
            self.holders.setdefault(one.principal_id, set()).add(name)
            if one.principal is not None and one.principal.kind == _USER:
                self.users.add(one.principal_id)
            if one.principal is None or one.principal.kind not in _NO_GROUP:
                self.groups.add(one.principal_id)

    def _inherit(self, group: str, members: Iterable[wire.Identified]) -> None:
        for member in members:
            self.holders.setdefault(member.id, set()).update(self.holders[group])
            if member.kind == _USER:
                self.users.add(member.id)


async def read_admins(graph: Graph, source: str) -> tuple[Admins, set[str]]:
    """Read who administers the tenant, and which of them are users.

    What is refused leaves a gap, and those who were found besides.
    """
    found = _Found(graph)
    gaps: list[Gap] = []
    for step in (found.definitions, found.held, found.eligible, found.members):
        try:
            await step()
        except Refused as fault:
            said = str(fault) if str(fault).startswith(source) else f"{source}: {fault}"
            gaps.append(facts_gap(fault.cause, FIELDS, said))
    roles = {principal: tuple(sorted(names)) for principal, names in found.holders.items()}
    return Admins(roles, gaps[0] if gaps else None), found.users
