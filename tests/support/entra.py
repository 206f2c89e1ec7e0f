"""An Entra tenant that is served, and a source that is asked over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from checks.model.check import Check
from checks.model.records import Account
from checks.model.result import Result
from demo.replicas import graph as replica
from demo.replicas.faults import Effect, Faults
from demo.replicas.graph import ALL_PERMISSIONS, GraphClient, SignIn
from demo.replicas.graph import GraphTenant as Tenant
from demo.replicas.graph import GraphUser as User
from demo.replicas.serve import serving
from sources.common.errors import SourceError
from sources.common.limits import LIMITS, Limits
from sources.common.settings import from_toml
from sources.entra import SOURCE, Config, open_tenant, read
from tests.sources.contract import breaches
from tests.support.builders import ago
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.glass import Glass
from tests.support.verdicts import verdict_of

CLIENT = "0c5e1b9a-2f8d-4a51-8f0e-6a3b7f1d9e42"
ELIGIBLE = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
USERS, REPORT = "/v1.0/users", "/v1.0/reports/authenticationMethods/userRegistrationDetails"
SIGNED_IN = SignIn(interactive=ago("1d"), non_interactive=ago("1d"), successful=ago("2d"))
PUSH = ["microsoftAuthenticatorPush"]
ADMIN_FIELDS, MFA_FIELDS = ("account.privileged", "account.roles"), ("account.factors", "account.mfa")
ACTIVITY_FIELDS = ("account.activity_basis", "account.activity_lag", "account.last_seen_at", "account.never_seen")


@dataclass
class Asked:
    """One tenant that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end."""
        graph = open_tenant(self.config, self.ctx, limits, self.glass.timing())
        return await collect(read(self.ctx, graph))

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
    eligible: Callable[[], web.Response] | None = None,
    **keys: Any,
) -> AsyncIterator[Asked]:
    """Serve a tenant, with one fault a path, and lend what a run needs; ``eligible`` answers for roles to activate."""
    faults = Faults()
    for path, effect in effects:
        faults.inject(path, effect)
    app = replica.app(tenant, faults)
    if eligible is not None:
        _answer_eligible(app, eligible)
    async with serving(app) as origin:
        table = {
            "tenant_id": tenant.tenant_id,
            "client_id": CLIENT,
            "client_secret": "env:ENTRA",
            "authority": origin,
            "graph": origin,
            **keys,
        }
        deadline = timedelta(minutes=30)
        async with lent_context(folder, name="entra", secrets={"env:ENTRA": "graph-secret"}, deadline=deadline) as ctx:
            yield Asked(ctx, faults, table)


def _answer_eligible(app: web.Application, answer: Callable[[], web.Response]) -> None:
    """Answer for roles that somebody may activate, which the replica does not know."""

    async def instances(request: web.Request) -> web.Response:
        return answer()

    app.router.add_get(ELIGIBLE, instances)


async def collected(folder: Path, tenant: Tenant, *effects: tuple[str, Effect]) -> Collected:
    """Serve a tenant, run the source over it once, and hold what it told to the contract of a source."""
    async with asking(folder, tenant, *effects) as asked:
        found = await asked.collect()
    never = {f"account/1 {one.id!r}" for one in by_id(found).values() if one.never_seen is True}
    nothing_to_tell = {f"{one}: last_seen_at is not told, and no why says so" for one in never}
    assert set(breaches(SOURCE, "entra", found)) - nothing_to_tell == set()
    return found


def by_id(found: Collected) -> dict[str, Account]:
    """Index the accounts."""
    return {record.id: record for record in found.records if isinstance(record, Account)}


def person(name: str = "ana", **told: Any) -> User:
    """Build a member who signed in two days ago and has a push authenticator."""
    return User(f"{name}@example.org", name, **{"sign_in": SIGNED_IN, "methods": list(PUSH), **told})


def people(count: int) -> list[User]:
    """Build so many of them."""
    return [person(f"user-{at:04}") for at in range(count)]


def without(*permissions: str, **told: Any) -> Tenant:
    """Build a tenant of three whose application lacks permissions."""
    client = GraphClient(permissions=ALL_PERMISSIONS - set(permissions))
    return Tenant(**{"users": people(3), "clients": {CLIENT: client}, **told})


def verdict(check: Check, found: Collected) -> Result:
    """Judge what was told, as the engine does."""
    return verdict_of(check, found, "entra")
