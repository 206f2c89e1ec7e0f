"""All users of an Okta org, and whether the list of them ended where the org does.

Okta claims no total. A list is taken for whole when every answer carries a Link header, when it holds the newest users
that a second question, sorted the other way round, shows, and when it holds every administrator. A user who is missing
from the middle of the list, is no administrator, and was never read before, stays unseen.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from checks.model.doubt import Cause, Gap, members_gap
from sources.common import okta_wire as wire
from sources.common.http import Api
from sources.common.pages import linked_next

PATH: Final = "api/v1/users"
_EVERYBODY: Final = {"search": 'created gt "1970-01-01T00:00:00.000Z"', "limit": "200"}
_NEWEST: Final = {**_EVERYBODY, "sortBy": "created", "sortOrder": "desc", "limit": "20"}
_LEAN: Final = {"Content-Type": "application/json; okta-response=omitTransitioningToStatus"}


@dataclass(slots=True)
class Users:
    """The users as they are listed."""

    source: str
    api: Api
    _ids: set[str] = field(default_factory=set)

    async def pages(self) -> AsyncGenerator[Sequence[wire.User], None]:
        """Yield the users of every status, page by page; raises ``Truncated`` where an answer has no Link header."""
        async with aclosing(self.api.pages(PATH, _EVERYBODY, next_of=linked_next, headers=_LEAN)) as answers:
            async for answer in answers:
                users = self.api.decode(answer, wire.USERS)
                self._ids.update(user.id for user in users)
                yield users

    async def gaps(self, named: Iterable[str], started: datetime) -> Sequence[Gap]:
        """Say what shows that the list ended early; ``named`` are users that other lists named before.

        Users created after ``started`` need not be there.
        """
        found = self.api.decode(await self.api.get(PATH, _NEWEST, headers=_LEAN), wire.USERS)
        newest = {user.id for user in found if user.created <= started}
        told = (("of the newest users", newest), ("of the administrators", set(named)))
        missing = [(words, len(ids - self._ids)) for words, ids in told if ids - self._ids]
        if not missing:
            return ()
        said = " and ".join(f"{count} {words}" for words, count in missing)
        detail = f"{self.source}: GET /{PATH} listed {len(self._ids)} users and left out {said}"
        return (members_gap(Cause.TRUNCATED, f"{detail}; is there a proxy between that cuts answers or headers?"),)
