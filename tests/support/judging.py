"""Builders of findings and judgements, and the shortest way to put one through a store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from checks.model.judgement import Outcome
from checks.model.result import Finding, Result
from checks.model.state import State, Tally, Verdict
from engine.evidence import Manifest, digest_of
from engine.port import Event
from engine.store import NO_ALARM, Chained, CheckMemory, Diff, Live, Raises, Store
from tests.support.clock import NOW
from tests.support.servers import needs

CHECK: Final = "workforce-mfa"
KEY: Final = b"a key of thirty-two bytes, fixed"
ROOT: Final = Path(__file__).resolve().parents[2]


def finding(name: str = "ana", **changes: Any) -> Finding:
    """Build a failing finding of ``okta-prod``."""
    plain = Finding(
        subject=f"okta-prod/{name}",
        label=f"{name}@example.org",
        outcome=Outcome.FAIL,
        reason="no second factor is enrolled",
        facts={"mfa": False},
    )
    return msgspec.structs.replace(plain, **changes)


def memory(name: str = CHECK, *, state: State = State.FAIL, now: datetime = NOW, **changes: Any) -> CheckMemory:
    """Build what is remembered of a judged check."""
    result = Result(
        check=name,
        now=now,
        read=10,
        excluded={},
        tally=Tally(passed=9, failed=1),
        verdict=Verdict.FAIL,
        threshold=1.0,
        as_of=now,
        until=None,
    )
    plain = CheckMemory(name=name, check="mfa_coverage", result=result, attempted=True, completed=True, state=state)
    return msgspec.structs.replace(plain, **changes)


def manifest(
    source: str = "okta-prod", *, at: datetime = NOW, body: bytes = b"{}\n", complete: bool = True
) -> Manifest:
    """Build a manifest of a collection that ended at an instant and brought these bytes."""
    return Manifest(
        source=source,
        kind="okta",
        started_at=at,
        finished_at=at,
        as_of=at,
        complete=complete,
        read=1,
        records={"account/1": 1},
        blob=digest_of(body),
        bytes=len(body),
    )


async def judge(
    store: Store,
    found: Sequence[Finding],
    now: datetime = NOW,
    *,
    check: str = CHECK,
    complete: bool = True,
    remediate_within: timedelta = timedelta(0),
    waivers: Sequence[Live] = (),
    remembered: CheckMemory | None = None,
    events: Sequence[Event] = (),
    chain: Sequence[Chained] = (),
    raises: Raises = NO_ALARM,
    passing: Sequence[str] = (),
    same_policy: bool = True,
) -> Diff:
    """Put one judgement through a store."""
    stage = store.stage(check, "mfa", raises)
    try:
        await stage.add(found, passing)
        diff = await stage.diff(
            now=now,
            complete=complete,
            remediate_within=remediate_within,
            waivers=waivers,
            same_policy=same_policy,
        )
        await stage.commit(remembered or memory(check, now=now), events, chain)
    finally:
        await stage.abort()
    return diff


def run_without_privileges(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program for which permission bits count, even where the tests run as root."""
    plain = [sys.executable, "-c", program, *arguments]
    drop = (
        [str(needs("setpriv", package="util-linux")), "--bounding-set=-all", "--inh-caps=-all"]
        if os.geteuid() == 0
        else []
    )
    return subprocess.run([*drop, *plain], check=False, capture_output=True, text=True, timeout=60, cwd=ROOT)
