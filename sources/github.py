"""A GitHub organisation: members, owners, outside collaborators, their second factors and their tokens.

API:        REST, version 2022-11-28, of github.com, GHE.com or an Enterprise Server: members by role, outside
            collaborators, both with the filters 2fa_disabled and 2fa_insecure, credential authorisations (with SAML),
            fine-grained tokens (for GitHub Apps).
Privilege:  a classic token of an owner with read:org; or a GitHub App or an owner's fine-grained token with the
            organisation permissions Members: read and Administration: read; for fine-grained tokens an App with Personal
            access tokens: read.
Limits:     a hundred people a request, 10 requests a second at most, a tenth of the hourly limit left to the others.
            A 403 that asks to wait is a limit, not a refusal.
Unknown:    without an owner's token second factors, and whom the lists leave out; without read:org (or Members: read)
            GitHub shows public members alone with status 200, which is a gap. GitHub tells neither when an account was
            created nor when it was last active, nor when a token was made; tokens without SAML, SSH keys of people and
            deploy keys are not read. A managed user's factors are the identity provider's.
Read:       docs.github.com/rest (orgs, members, outside collaborators, personal access tokens, rate limits), 2026-11-21.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from yarl import URL

from checks.model.doubt import Cause, Gap, facts_gap, members_gap
from checks.model.records import Account, Credential, Record, field_names
from sources.common import github_wire as wire
from sources.common.errors import Refused, Unconfigured
from sources.common.github_factors import FIELDS as MFA
from sources.common.github_factors import NONE, WEAK, Factors, read_factors
from sources.common.http import Answer, Api, static_header
from sources.common.limits import LIMITS, TIMING, Limits, Timing
from sources.common.pages import link_next
from sources.common.settings import Secret
from sources.common.source import Context, Fact, Page, Probe, Source
from sources.common.tried import tried
from sources.common.urls import segment

_VERSION: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SEES_MEMBERS: Final = frozenset({"read:org", "write:org", "admin:org"})
_NEVER: Final = (
    "account.created_at",
    "account.activated_at",
    "account.never_seen",
    "account.activity_lag",
    "account.activity_basis",
    "credential.created_at",
)
_SEEN: Final = ("account.last_seen_at",)
_CREDENTIAL: Final = tuple(name for name in field_names(Credential) if name not in _NEVER)
_KINDS: Final = {"personal access token": "pat", "ssh key": "ssh_key"}
_ROLES: Final = (("admin", True, ("owner",)), ("member", False, ()))
"""GitHub's word, whether it administers the organisation, and the roles that we tell."""
_PER_SECOND: Final = 10.0
_LAG: Final = timedelta(days=1)
"""How late GitHub may tell the use of a token; it documents none."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``github`` source."""

    org: str
    """The organisation's login."""
    token: Secret
    """Reference to a token of an owner, or of an App."""
    url: str = "https://api.github.com"
    """The API; that of an Enterprise Server ends in ``/api/v3``."""


@dataclass(slots=True)
class _Run:
    """What one run has learnt so far."""

    ctx: Context
    api: Api
    org: str
    scopes: frozenset[str] | None = None
    """Scopes of a classic token; None: it is of another kind."""
    owner: bool = False
    """Whether we are shown what only owners are."""
    people: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Id, and whether it is an owner, by login in lower case."""

    @property
    def path(self) -> str:
        """The organisation's path."""
        return f"orgs/{segment(self.org)}"

    async def open(self) -> Organization_:
        """Ask for the organisation, and learn what kind of token we have."""
        answer = await self.api.get(self.path, headers=_VERSION)
        told = self.api.decode(answer, wire.ORGANIZATION)
        self.scopes, self.owner = _scopes(answer), told.plan is not None
        return told
