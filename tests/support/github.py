"""A GitHub organisation that is served, and a source that is asked over it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Gap
from checks.model.records import Account, Credential
from demo.replicas import github as replica
from demo.replicas.faults import Effect, Faults
from demo.replicas.github_tenant import CredentialAuthorization, GithubTenant, GithubToken, GithubUser
from demo.replicas.serve import serving
from sources.common.errors import SourceError
from sources.common.limits import LIMITS, Limits
from sources.common.settings import from_toml
from sources.github import SOURCE, Config, open_api, read
from tests.sources.contract import breaches
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.glass import Glass

MEMBERS = "/orgs/example/members"
USED = datetime(2026, 11, 20, 8, tzinfo=UTC)


@dataclass
class Asked:
    """One organisation that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end, and hold what it told to the contract of a source."""
        api = await open_api(self.config, self.ctx, limits, self.glass.timing())
        found = await collect(read(self.config, self.ctx, api))
        unused = {one.id for one in found.of(Credential) if isinstance(one, Credential) and one.never_used}
        nothing = {f"credential/1 {one!r}: last_used_at is not told, and no why says so" for one in unused}
        assert set(breaches(SOURCE, "gh", found)) - nothing == set()
        return found

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


def tenant(**told: Any) -> GithubTenant:
    """Build an organisation of an owner, a member with text messages, one without anything, and a guest."""
    people = [
        GithubUser("ana", role="admin"),
        GithubUser("ben", two_factor="insecure", public=False),
        GithubUser("cyd", two_factor="disabled", public=False),
    ]
    base: dict[str, Any] = {"members": people, "outside_collaborators": [GithubUser("gus", two_factor="insecure")]}
    return GithubTenant(**(base | told))


@asynccontextmanager
async def asking(
    folder: Path,
    org: GithubTenant,
    *effects: tuple[str, Effect],
    clock: Callable[[], float] = time.time,
    token: GithubToken | None = None,
    secret: str | None = None,
    deadline: timedelta = timedelta(hours=2),
) -> AsyncIterator[Asked]:
    """Serve an organisation, with one fault a path, and lend what a run needs."""
    credential = secret or "ghp_token"
    org.credentials = {credential: token or GithubToken()}
    script = Faults()
    for path, effect in effects:
        script.inject(path, effect)
    async with serving(replica.app(org, script, clock=clock)) as origin:
        secrets = {"env:GH": credential}
        async with lent_context(folder, name="gh", secrets=secrets, deadline=deadline) as ctx:
            yield Asked(ctx, script, {"url": origin, "org": "example", "token": "env:GH"})


async def collected(folder: Path, org: GithubTenant, *effects: tuple[str, Effect], **told: Any) -> Collected:
    """Serve an organisation, and run the source over it once."""
    async with asking(folder, org, *effects, **told) as asked:
        return await asked.collect()


def accounts(found: Collected) -> dict[str, Account]:
    """Index the accounts by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Account)}


def credentials(found: Collected) -> dict[str, Credential]:
    """Index the credentials by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Credential)}


def gaps(found: Collected, *fields: str) -> list[Gap]:
    """Select the gaps of facts that name all these fields; without any, those of members."""
    kind = "facts" if fields else "members"
    return [gap for gap in found.gaps if gap.kind == kind and set(fields) <= set(gap.fields)]


def authorised(**told: Any) -> GithubTenant:
    """Build an organisation with one authorised credential of its owner."""
    return tenant(credential_authorizations=[CredentialAuthorization("ana", **told)])
