"""Whether the list of an Entra tenant's users is whole: Graph counts them, and the roles name some of them.

The count is asked before the list and, where it is larger than the list, again after it, since people leave meanwhile.
A tenant that does not count (B2C, some national clouds) is held to the users who are named alone. The registration
report is no witness: it is up to a day old, and names users who have been deleted since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from checks.model.doubt import Cause, Gap, members_gap
from sources.common import graph_wire as wire
from sources.common.errors import Malformed, Refused
from sources.common.graph_api import Graph
from sources.common.lookup import Lookup

_COUNT: Final = "users/$count"
_EVENTUAL: Final = {"ConsistencyLevel": "eventual", "Accept": "text/plain, */*"}


@dataclass(slots=True)
class Counted:
    """The users as they are listed, against what is known of them otherwise."""

    source: str
    graph: Graph
    named: set[str]
    """Users that other lists named before, and this one has not yet."""
    claimed: int | None = None
    """Users that Graph counted before they were listed; None where it does not count."""
    refused: Gap | None = None
    """Why Graph may not tell the count."""
    listed: int = 0
    """Users listed so far, each once."""
    _seen: Lookup = field(default_factory=Lookup)

    async def start(self) -> None:
        """Ask for the count before the list; that it is refused matters once the list was not."""
        try:
            self.claimed = await self._count()
        except Refused as fault:
            self.refused = members_gap(fault.cause, str(fault))

    def add(self, users: Sequence[wire.User]) -> None:
        """Take note of a page."""
        ids = {user.id for user in users}
        found = self._seen.find(list(ids))
        self.listed += sum(one not in found for one in ids)
        self._seen.add(dict.fromkeys(ids, 1))
        self.named -= ids

    async def gaps(self) -> Sequence[Gap]:
        """Say what shows that the list ended early."""
        if self.refused is not None:
            return (self.refused,)
        missing: int | None = None
        if self.claimed is not None and self.claimed > self.listed:
            missing = max(0, min(self.claimed, await self._count() or self.claimed) - self.listed)
        if not missing and not self.named:
            return ()
        said = [f"{missing} fewer than Graph counts"] if missing else []
        said += [f"without {len(self.named)} who hold a role"] if self.named else []
        detail = f"{self.source}: GET /v1.0/users listed {self.listed} users, {' and '.join(said)}"
        bound = max(missing, len(self.named)) if missing else None
        return (members_gap(Cause.TRUNCATED, f"{detail}; is there a proxy between that cuts answers?", missing=bound),)

    def close(self) -> None:
        """Let everything go."""
        self._seen.close()

    async def _count(self) -> int | None:
        answer = await self.graph.get(_COUNT, ok=(200, 400, 404, 501), headers=_EVENTUAL)
        if answer.status != 200:
            return None
        try:
            return int(answer.body.decode("utf-8-sig"))
        except ValueError:
            raise Malformed(f"{self.source}: {answer.asked} answered no number; report it") from None
