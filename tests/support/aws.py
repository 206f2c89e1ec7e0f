"""An AWS account that is served, and a source that is asked over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Gap
from checks.model.records import Account, Credential, Factor
from sources.aws_iam import SOURCE, Config, open_iam, read
from sources.common.errors import SourceError
from sources.common.limits import LIMITS, Limits
from sources.common.settings import from_toml
from tests.sources.contract import breaches
from tests.support import iam as wire
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.glass import Glass
from tests.support.iam import Iam, serving_iam, table

ROOT = f"arn:aws:iam::{wire.ACCOUNT}:root"
VIRTUAL = f"arn:aws:iam::{wire.ACCOUNT}:mfa/phone"
PASSKEY = f"arn:aws:iam::{wire.ACCOUNT}:u2f/user/ana/key-ABC"
STRONG = (Factor(kind="mfa", strength="strong"),)
LAG = timedelta(hours=4, minutes=15)
SECRETS = {"env:KEY": "AKIDEXAMPLE", "env:SECRET": "wJalrXUtnFEMI"}
EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


@dataclass
class Asked:
    """One account that is served, and how it is asked."""

    ctx: LentContext
    iam: Iam
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end, and hold what it told to the contract of a source."""
        query = await open_iam(self.config, self.ctx, limits, self.glass.timing())
        found = await collect(read(self.config, self.ctx, query, self.glass.timing()))
        assert broken(found) == set()
        return found

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


def broken(found: Collected) -> set[str]:
    """Name the promises that a run broke; of what was never used there is no last use to tell."""
    unused = {f"account/1 {one.id!r}: last_seen_at" for one in found.of(Account) if getattr(one, "never_seen", None)}
    unused |= {
        f"credential/1 {one.id!r}: last_used_at" for one in found.of(Credential) if getattr(one, "never_used", 0)
    }
    return set(breaches(SOURCE, "aws", found)) - {f"{one} is not told, and no why says so" for one in unused}


def answers(*rows: dict[str, str], made: str = wire.MADE, **told: Any) -> dict[str, Any]:
    """Answer everything for an account of these rows, whose users have no policies and one virtual device each."""
    users = [one["user"] for one in rows if one["user"] != "<root_account>"]
    return {
        "GenerateCredentialReport": wire.result("GenerateCredentialReport", "<State>COMPLETE</State>"),
        "GetCredentialReport": wire.report(table(*rows), made),
        "GetAccountSummary": wire.summary(Users=len(users), AccountMFAEnabled=1, AccountPasswordPresent=1),
        "GetAccountAuthorizationDetails": wire.details(*(wire.detail(user) for user in users)),
        "ListMFADevices": wire.devices(VIRTUAL),
        "ListVirtualMFADevices": wire.virtuals(ROOT),
        **told,
    }


@asynccontextmanager
async def asking(
    folder: Path,
    *rows: dict[str, str],
    keys: dict[str, Any] | None = None,
    deadline: timedelta = timedelta(minutes=5),
    made: str = wire.MADE,
    **told: Any,
) -> AsyncIterator[Asked]:
    """Serve an account, and lend what a run needs."""
    iam = Iam(answers(*rows, made=made, **told))
    async with serving_iam(iam) as url, lent_context(folder, name="aws", secrets=SECRETS, deadline=deadline) as ctx:
        base = {"endpoint_url": url, "access_key_id": "env:KEY", "secret_access_key": "env:SECRET"}
        yield Asked(ctx, iam, base | (keys or {}))


async def collected(folder: Path, *rows: dict[str, str], **told: Any) -> Collected:
    """Serve an account, and run the source over it once."""
    async with asking(folder, *rows, **told) as asked:
        return await asked.collect()


def accounts(found: Collected) -> dict[str, Account]:
    """Index the accounts by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Account)}


def credentials(found: Collected) -> dict[str, Credential]:
    """Index the credentials by the part of their id after the user's ARN."""
    return {one.id.partition("#")[2]: one for one in found.records if isinstance(one, Credential)}


def gap(found: Collected) -> Gap:
    """Give the only gap."""
    (only,) = found.gaps
    return only
