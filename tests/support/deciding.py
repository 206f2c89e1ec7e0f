"""An engine with an open finding, and people who ask for a waiver of it and decide."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from checks.model.state import State
from engine.config import Config
from engine.desk import Desk
from engine.port import (
    ApproveWaiver,
    Command,
    RejectWaiver,
    Reply,
    RequestWaiver,
    RevokeWaiver,
    WaiverView,
)
from tests.support.builders import account
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

REASON: Final = "the kiosk has no second factor until the new hardware comes"
ASK: Final = RequestWaiver(check="mfa", subjects=("idp/bea",), reason=REASON, by="ana")
BOB: Final = ApproveWaiver(id="W-2026-0001", entry="", by="bob")
END: Final = RevokeWaiver(id="W-2026-0001", entry="", reason="the hardware came", by="cal")


def one_check(folder: Path, **engine: Any) -> Config:
    """Configure a check over ten accounts that pass and one that does not."""
    script = Script()
    good = [account(f"u{number}", source="idp") for number in range(10)]
    script.tell(*good, account("bea", source="idp", label="Bea@example.org", mfa=False, factors=()))
    return estate(
        folder, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])], **engine
    )


@asynccontextmanager
async def failing(folder: Path, clock: Clock | None = None, **engine: Any) -> AsyncIterator[tuple[Driven, Desk]]:
    """Drive an engine whose only check fails for one account."""

    async def reload() -> Reply:
        return Reply(ok=False, message="nobody reads the configuration again here")

    async with driven(one_check(folder, **engine), clock or Clock()) as it:
        await it.run()
        assert it.state() is State.FAIL
        yield it, Desk(it.engine, reload)


async def notes(it: Driven) -> list[tuple[str, str]]:
    """Give what the chain says of waivers: id and what it is."""
    bodies = [json.loads(body) for body in await it.engine.store.bodies("waiver")]
    return [(body["waiver"], body["is"]) for body in bodies]


async def decide(desk: Desk, command: Command) -> Reply:
    """Send a command; one about a waiver is about the waiver as the file says it now."""
    if isinstance(command, ApproveWaiver | RevokeWaiver | RejectWaiver):
        entries = {each.id: each.entry for each in await desk.waivers()}
        command = msgspec.structs.replace(command, entry=entries.get(command.id, ""))
    return await desk.send(command)


async def view(desk: Desk) -> WaiverView:
    """Give the only waiver of the file."""
    (found,) = await desk.waivers()
    return found
