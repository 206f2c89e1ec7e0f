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
_BUSY: Sequence[str] = ("secondary rate limit", "secondary-rate-limits", "abuse detection")
_LISTS: Sequence[tuple[str, str]] = (
    ("/credential-authorizations", "only owners of {org} may ask this, and only if it has single sign-on with SAML"),
    ("/personal-access-tokens", "fine-grained tokens are shown to GitHub Apps with Personal access tokens: read alone"),
)


def explaining(name: str, org: str) -> Explain:
    """Read GitHub's refusals for messages of the source ``name``."""

    def explain(answer: Answer) -> SourceError | None:
        said = f"{name}: {answer.asked} answered {answer.status}"
        if answer.status in {403, 429} and _is_limit(answer):
            return Throttled(f"{said}: too many requests for this token, or in too short a time; ask less often")
        hint = _hint(answer, org)
        if hint is None:
            return None
        hidden = answer.status == 404
        return Refused(f"{said}: {hint}", cause=Cause.NOT_EXPOSED if hidden else Cause.DENIED)

    return explain


def _hint(answer: Answer, org: str) -> str | None:
    """Say what a refusal means; None leaves it to the status."""
    if answer.status == 403 and answer.headers.get("x-github-sso", "").startswith("required"):
        return f"authorise the token for the single sign-on of {org}"
    if answer.status == 302 and "members" in answer.headers.get("location", ""):
        return f"the token's user is not a member of {org}, so only public members are shown"
    if answer.status == 422:
        return f"only owners of {org} may ask this, or this version does not know it"
    if answer.status in {403, 404}:
        return next((hint.format(org=org) for end, hint in _LISTS if answer.asked.endswith(end)), None)
    return None


def _is_limit(answer: Answer) -> bool:
    """Tell a limit, primary or secondary, from a refusal: GitHub answers both with 403."""
    if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0":
        return True
    try:
        told = _ERROR.decode(answer.body)
    except msgspec.DecodeError:
        return False
    text = f"{told.message} {told.documentation_url}".lower()
    return any(word in text for word in _BUSY)
