"""Who holds an administrator role in a directory, and whether others may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.model.doubt import Cause, Gap

FIELDS = ("account.privileged", "account.roles")
"""What the lists of administrators tell."""


@dataclass(frozen=True, slots=True)
class Admins:
    """Who holds an administrator role."""

    roles: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Roles by account id, sorted; None where they are not told."""
    gap: Gap | None = None
    """Why others may be administrators too; None: nobody else is."""

    def privileged(self, account: str) -> bool | None:
        """Tell whether an account is an administrator; None when the lists are not complete."""
        if account in self.roles:
            return True
        return False if self.gap is None else None

    @property
    def cause(self) -> Cause:
        """Why what is not told is not."""
        return Cause.NOT_EXPOSED if self.gap is None else self.gap.cause
