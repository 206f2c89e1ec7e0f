"""The factors of Okta users, one request each; what is learnt of the org on the way serves the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.model.doubt import Cause, Gap, facts_gap
from sources.common import okta_wire as wire
from sources.common.errors import Refused, SourceError
from sources.common.http import Answer, Api, Explain
from sources.common.urls import segment

GIVE_UP = 10
"""Refusals with no grant between, after which the token is taken to have no permission at all."""
FIELDS = ("account.factors", "account.mfa")
"""What a user's factors tell."""
_NOT_LICENSED = "E0000015"
_DENIED = wire.Enrolled(cause=Cause.DENIED)


def explain_for(source: str) -> Explain:
    """Read the code of a feature that the org does not have, which may come as 401; other codes say their status."""

    def explain(answer: Answer) -> SourceError | None:
        if answer.status not in {401, 403} or wire.error_code(answer.body) != _NOT_LICENSED:
            return None
        said = f"{source}: {answer.asked} answered {_NOT_LICENSED}: the org does not have this feature"
        return Refused(said, cause=Cause.UNLICENSED)

    return explain


@dataclass(slots=True)
class FactorsOf:
    """Asks for the factors of one user after the other, in the way that the org knows."""

    api: Api
    """An ``Api`` with ``explain_for``."""
    fastpass: str = "strong"
    """Strength of FastPass; above ``strong`` the users of Okta Verify are asked for twice."""
    classic: bool | None = None
    """True: the org has factors only; False: it has authenticator enrollments; None: not known yet."""
    granted: int = 0
    refused: int = 0
    _strengths: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Rate FastPass as configured."""
        self._strengths = {**wire.FACTOR_TYPES, "signed_nonce": self.fastpass}

    @property
    def each_costs(self) -> int:
        """Requests that one user takes at most."""
        return 1 if self.fastpass == "strong" else 2

    async def of(self, user: str, *, federated: bool) -> wire.Enrolled:
        """Tell a user's factors; raises what time will mend, and a token that is not accepted."""
        if self.refused >= GIVE_UP and self.granted == 0:
            return _DENIED
        if self.classic is not True:
            answer = await self._ask(user, "authenticator-enrollments")
            if answer is not None and answer.status == 200:
                return await self._enrolled(user, answer, federated=federated)
            if self.classic is False:
                return self._untold(answer)
        answer = await self._ask(user, "factors")
        if answer is None or answer.status != 200:
            return self._untold(answer)
        self.classic = True
        self.granted += 1
        return wire.enrolled(self._pairs(answer), self._strengths, federated=federated)

    def gaps(self, source: str) -> Iterator[Gap]:
        """Say that nothing was told to anybody; a refusal of some users' factors is kept by their own records."""
        if self.refused and not self.granted:
            detail = f"{source}: GET /api/v1/users/{{id}}/factors is refused; grant okta.users.read to the token"
            yield facts_gap(Cause.DENIED, FIELDS, detail)

    async def _enrolled(self, user: str, answer: Answer, *, federated: bool) -> wire.Enrolled:
        self.classic = False
        self.granted += 1
        pairs = [(one.key, one.status) for one in self.api.decode(answer, wire.ENROLLMENTS)]
        strengths = wire.AUTHENTICATORS
        if self.each_costs > 1 and ("okta_verify", "ACTIVE") in pairs:
            more = await self._ask(user, "factors")
            if more is not None and more.status == 200:
                pairs += [pair for pair in self._pairs(more) if pair[0] == "signed_nonce"]
                strengths = {**wire.AUTHENTICATORS, "signed_nonce": self.fastpass}
        return wire.enrolled(pairs, strengths, federated=federated)

    def _pairs(self, answer: Answer) -> list[tuple[str, str]]:
        return [(one.factor_type, one.status) for one in self.api.decode(answer, wire.FACTORS)]

    def _untold(self, answer: Answer | None) -> wire.Enrolled:
        """Say why a user's factors are not told: refused, or the user has gone since the list was read."""
        if answer is not None and answer.status == 404:
            return wire.Enrolled(cause=Cause.NOT_EXPOSED)
        self.refused += 1
        return _DENIED

    async def _ask(self, user: str, what: str) -> Answer | None:
        """Ask for a list of one user's; None when the org has no such feature."""
        words = f"GET /api/v1/users/{{id}}/{what}"
        try:
            return await self.api.get(f"api/v1/users/{segment(user)}/{what}", ok=(200, 403, 404), words=words)
        except Refused as fault:
            if fault.cause is not Cause.UNLICENSED:
                raise
            return None
