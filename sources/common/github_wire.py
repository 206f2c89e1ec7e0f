"""What GitHub answers, as far as it is read, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from checks.model.doubt import Cause
from sources.common.errors import Refused, SourceError, Throttled
from sources.common.http import Answer, Explain


class User(msgspec.Struct, frozen=True):
    """A member, an outside collaborator or the owner of a token."""

    id: int
    login: str
    type: str


class Membership(msgspec.Struct, frozen=True):
    """Whether the token's user belongs to the organisation."""

    state: str
    """``active`` or ``pending``."""


class Authorization(msgspec.Struct, frozen=True):
    """A credential that a member has authorised for single sign-on."""

    login: str
    credential_id: int
    credential_type: str
    credential_accessed_at: datetime | None
    """The last use; null is never, and a row without it is new to us."""
    authorized_credential_expires_at: datetime | None = None
    authorized_credential_title: str | None = None
    authorized_credential_note: str | None = None


class Grant(msgspec.Struct, frozen=True):
    """A fine-grained token that has access to the organisation."""

    id: int
    owner: User
    token_expired: bool
    token_expires_at: datetime | None
    token_last_used_at: datetime | None
    """The last use; null is never."""
    token_name: str | None = None


class _Error(msgspec.Struct, frozen=True):
    """A refusal."""

    message: str = ""
    documentation_url: str = ""


MEMBERSHIP = msgspec.json.Decoder(Membership)
USERS = msgspec.json.Decoder(list[User])
AUTHORIZATIONS = msgspec.json.Decoder(list[Authorization])
GRANTS = msgspec.json.Decoder(list[Grant])
_ERROR = msgspec.json.Decoder(_Error)
_BUSY: Sequence[str] = ("secondary rate limit", "abuse detection")


def explaining(name: str, org: str) -> Explain:
    """Read GitHub's refusals for messages of the source ``name``."""

    def explain(answer: Answer) -> SourceError | None:
        said = f"{name}: {answer.asked} answered {answer.status}"
        if answer.status in {403, 429} and _is_busy(answer):
            return Throttled(f"{said}: too many requests in a short time (secondary rate limit); ask less often")
        if answer.status == 403 and answer.headers.get("x-github-sso", "").startswith("required"):
            return Refused(f"{said}: authorise the token for the single sign-on of {org}")
        if answer.status in {301, 302, 307} and "members" in answer.headers.get("location", ""):
            return Refused(f"{said}: the token's user is not a member of {org}, so only public members are shown")
        if answer.status in {403, 404} and answer.asked.endswith("/credential-authorizations"):
            hint = f"only owners of {org} may ask this, and only if it has single sign-on with SAML"
            return Refused(f"{said}: {hint}; other classic tokens are shown to nobody", cause=_cause(answer))
        if answer.status in {403, 404} and answer.asked.endswith("/personal-access-tokens"):
            return Refused(f"{said}: fine-grained tokens are shown to GitHub Apps with Personal access tokens: read")
        if answer.status == 422:
            return Refused(f"{said}: only owners of {org} may ask this, or this version does not know it")
        return None

    return explain


def _cause(answer: Answer) -> Cause:
    return Cause.DENIED if answer.status == 403 else Cause.NOT_EXPOSED


def _is_busy(answer: Answer) -> bool:
    try:
        told = _ERROR.decode(answer.body)
    except msgspec.DecodeError:
        return False
    text = f"{told.message} {told.documentation_url}".lower()
    return any(word in text for word in _BUSY) or "secondary-rate-limits" in text
