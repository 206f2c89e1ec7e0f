"""The second factors of an organisation's people, by the two filters that only its owners may use.

Who is in neither list has a second factor that is not weak; an empty list says that there is nobody. A managed user
(its login has an underscore, which no other login may have) signs in with the enterprise's identity provider, of whose
factors GitHub knows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.records import Factor
from sources.common import github_wire as wire
from sources.common.errors import Refused
from sources.common.http import Api
from sources.common.pages import link_next

FIELDS: Final = ("account.factors", "account.mfa")
"""What the filters tell."""
NONE: Final = "2fa_disabled"
"""The filter for people without a second factor."""
WEAK: Final = "2fa_insecure"
"""The filter for people with text messages."""

_STRONG: Final = (Factor(kind="2fa", strength="strong"),)
_TEXT: Final = (Factor(kind=WEAK, strength="weak"),)


@dataclass(frozen=True, slots=True)
class Factors:
    """Who has no second factor, and who has a weak one, by id; None where it is not told."""

    none: frozenset[int] | None
    weak: frozenset[int] | None
    gaps: Sequence[Gap] = ()
    cause: Cause = Cause.DENIED
    """Why the one is not told that is None."""

    def of(self, user: wire.User) -> tuple[dict[str, Any], dict[str, str]]:
        """Tell the factors of a user, and why what is not told is not."""
        if "_" in user.login:
            return {}, dict.fromkeys(("mfa", "factors"), Cause.FEDERATED.value)
        if self.none is None:
            return {}, dict.fromkeys(("mfa", "factors"), self.cause.value)
        if user.id in self.none:
            return {"mfa": False, "factors": ()}, {}
        if self.weak is None:
            return {"mfa": True}, {"factors": self.cause.value}
        return {"mfa": True, "factors": _TEXT if user.id in self.weak else _STRONG}, {}


async def read_factors(api: Api, path: str) -> Factors:
    """Read both filters of a list of people; a refusal is a gap of the facts that it costs."""
    try:
        none = await _ids(api, path, NONE)
    except Refused as fault:
        return Factors(None, None, [facts_gap(fault.cause, FIELDS, str(fault))], fault.cause)
    try:
        return Factors(none, await _ids(api, path, WEAK))
    except Refused as fault:  # owners may use the other filter, so this one is not known here
        gap = facts_gap(Cause.UNSUPPORTED, ("account.factors",), str(fault))
        return Factors(none, None, [gap], Cause.UNSUPPORTED)


async def _ids(api: Api, path: str, name: str) -> frozenset[int]:
    words = f"GET /{path}?filter={name}"
    pages = api.pages(path, {"filter": name, "per_page": "100"}, next_of=link_next, words=words)
    return frozenset([user.id async for answer in pages for user in api.decode(answer, wire.USERS)])
