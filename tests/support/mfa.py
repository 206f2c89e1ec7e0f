"""An engine of one check, of the second factors of scripted accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checks.model.records import Account
from engine.config import Config
from engine.port import Reply
from tests.support.builders import account
from tests.support.estate import Script, check_config, estate, scripted, source_config


def enrolled(count: int, start: int = 0) -> list[Account]:
    """Build accounts that pass."""
    return [account(f"u{number:03}", source="idp") for number in range(start, start + count)]


def bare(name: str) -> Account:
    """Build an account without a second factor, long after its grace."""
    return account(name, source="idp", mfa=False, factors=())


def one_check(folder: Path, script: Script, **common: Any) -> Config:
    """Configure MFA coverage over one scripted source."""
    source = source_config("idp", scripted(script))
    return estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"], **common)])


async def no_reload() -> Reply:
    """Reload nothing."""
    return Reply(ok=False, message="not here")
