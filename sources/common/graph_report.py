"""The registration report of an Entra tenant, by user: bulk, up to a day old, and without disabled users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import msgspec

from checks.model.doubt import Cause, Gap, facts_gap
from sources.common import graph_wire as wire
from sources.common.errors import Refused
from sources.common.graph_api import Graph
from sources.common.lookup import Lookup

FIELDS: Final = ("account.factors", "account.mfa")
"""What the report tells."""
PATH: Final = "reports/authenticationMethods/userRegistrationDetails"


class Row(msgspec.Struct, frozen=True, gc=False):
    """What many users' rows have in common."""

    member: wire.Told
    guest: wire.Told
    admin: bool | None


_DISABLED: Final = wire.Told(cause=Cause.NOT_EXPOSED)
_GUEST: Final = wire.Told(cause=Cause.FEDERATED)
_LATE: Final = wire.Told(cause=Cause.TRUNCATED)


@dataclass(slots=True)
class Report:
    """The rows of the report; a user who has none is not told to have no factor."""

    gap: Gap | None = None
    """Why there are no rows."""
    _rows: list[Row] = field(default_factory=list)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)
    _of: Lookup = field(default_factory=Lookup)

    def add(self, registrations: Sequence[wire.Registration]) -> None:
        """Keep a page of rows."""
        self._of.add({one.id: self._number(one) for one in registrations})

    def of(self, users: Sequence[str]) -> Mapping[str, int]:
        """Look users up; the numbers are for ``row``."""
        return self._of.find(users)

    def row(self, number: int | None) -> Row | None:
        """Give the row of a number."""
        return None if number is None else self._rows[number]

    def absent(self, user: wire.User) -> wire.Told:
        """Say why a user has no row: disabled ones are left out on purpose, others may be missing until tomorrow."""
        if self.gap is not None:
            return wire.Told(cause=self.gap.cause)
        if user.account_enabled is not True:
            return _DISABLED
        return _GUEST if user.user_type == "Guest" else _LATE

    def close(self) -> None:
        """Let everything go."""
        self._of.close()

    def _number(self, one: wire.Registration) -> int:
        key = (one.is_mfa_capable, one.is_admin, one.methods_registered)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._rows)
            methods = one.methods_registered or ()
            member = wire.told(one.is_mfa_capable, methods, guest=False)
            self._rows.append(Row(member, wire.told(one.is_mfa_capable, methods, guest=True), one.is_admin))
        return number


async def read_report(graph: Graph) -> Report:
    """Read the whole report; a refusal is a gap."""
    report = Report()
    try:
        async with aclosing(graph.pages(PATH, wire.REGISTRATIONS)) as pages:
            async for page in pages:
                report.add(page.value)
    except Refused as fault:
        report.gap = facts_gap(fault.cause, FIELDS, str(fault))
    return report
