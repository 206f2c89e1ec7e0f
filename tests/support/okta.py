"""An Okta org that is served, and a source that is asked over it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.check import Check
from checks.model.records import Account, Credential
from checks.model.result import Result
from demo.replicas import okta as replica
from demo.replicas.faults import Effect, Faults
from demo.replicas.okta import OktaTenant as Tenant
from demo.replicas.okta import OktaUser as User
from demo.replicas.serve import serving
from sources.common.errors import SourceError
from sources.common.limits import LIMITS, Limits
from sources.common.settings import from_toml
from sources.okta import SOURCE, Config, open_api, read
from tests.sources.contract import breaches
from tests.support.builders import ago
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.glass import Glass
from tests.support.verdicts import verdict_of

LAST = ago("2d")


@dataclass
class Asked:
    """One org that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end."""
        api = await open_api(self.config, self.ctx, limits, self.glass.timing())
        return await collect(read(self.config, self.ctx, api))

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


@asynccontextmanager
async def asking(
    folder: Path,
    tenant: Tenant,
    *effects: tuple[str, Effect],
    deadline: timedelta = timedelta(minutes=30),
    glass: Glass | None = None,
    clock: Callable[[], float] = time.time,
    **keys: Any,
) -> AsyncIterator[Asked]:
    """Serve an org, with one fault a path, and lend what a run needs."""
    faults = Faults()
    for path, effect in effects:
        faults.inject(path, effect)
    async with serving(replica.app(tenant, faults, clock=clock)) as origin:
        table = {"url": origin, "token": "env:OKTA", **keys}
        secrets = {"env:OKTA": "okta-token"}
        async with lent_context(folder, name="okta-prod", secrets=secrets, deadline=deadline) as ctx:
            yield Asked(ctx, faults, table, glass or Glass())


async def collected(folder: Path, tenant: Tenant, *effects: tuple[str, Effect], **keys: Any) -> Collected:
    """Serve an org, run the source over it once, and hold what it told to the contract of a source."""
    async with asking(folder, tenant, *effects, **keys) as asked:
        found = await asked.collect()
    never = {f"account/1 {one.id!r}" for one in by_id(found).values() if one.never_seen is True}
    broken = breaches(SOURCE, "okta-prod", found)
    nothing_to_tell = {f"{one}: last_seen_at is not told, and no why says so" for one in never}
    assert set(broken) - nothing_to_tell == set()
    return found


def by_id(found: Collected) -> dict[str, Account]:
    """Index the accounts."""
    return {record.id: record for record in found.records if isinstance(record, Account)}


def tokens(found: Collected) -> dict[str, Credential]:
    """Index the credentials."""
    return {record.id: record for record in found.records if isinstance(record, Credential)}


def person(ident: str = "00u1", **told: Any) -> User:
    """Build a user who signed in two days ago with a security key."""
    return User(ident, f"{ident}@example.org", **{"last_login": LAST, "factors": ["webauthn"], **told})


def people(count: int) -> list[User]:
    """Build so many of them."""
    return [person(f"00u{at:05}") for at in range(count)]


def verdict(check: Check, found: Collected) -> Result:
    """Judge what was told, as the engine does."""
    return verdict_of(check, found, "okta-prod")
