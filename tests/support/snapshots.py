"""Snapshots for what reads them: one configured check, one source, or a whole estate, all well at ``NOW``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from checks.model.state import Standing, Tally
from engine.port import CheckView, KnownTime, Selftest, Snapshot, SourceView
from tests.support.clock import NOW

FAMILIES: Final = ("mfa", "access", "backup", "certification")


def a_standing(**changes: Any) -> Standing:
    """Build the standing of a check that passes for another hour."""
    well = Standing(
        tally=Tally(passed=98, warned=0),
        attempted=True,
        completed=True,
        valid_until=NOW + timedelta(hours=1),
        pending_until=NOW,
    )
    return msgspec.structs.replace(well, **changes)


def a_check(name: str = "workforce-mfa", **changes: Any) -> CheckView:
    """Build a configured check that passes."""
    view = CheckView(
        name=name,
        check="mfa_coverage",
        title="Every active account is enrolled in MFA",
        family="mfa",
        severity="high",
        team="identity",
        controls=("soc2:CC6.1", "iso27001:A.8.5"),
        sources=("okta-prod",),
        standing=a_standing(),
        as_of=NOW - timedelta(minutes=5),
        read=143,
        excluded={"disabled": 40, "kiosk": 5},
        state_since=NOW - timedelta(days=3),
    )
    return msgspec.structs.replace(view, **changes)


def a_source(name: str = "okta-prod", **changes: Any) -> SourceView:
    """Build a source whose latest run was complete."""
    view = SourceView(
        name=name,
        kind="okta",
        attempted_at=NOW - timedelta(minutes=5),
        completed_at=NOW - timedelta(minutes=4),
        complete=True,
        as_of=NOW - timedelta(minutes=5),
        records=143,
        next_run=NOW + timedelta(minutes=10),
        every=timedelta(minutes=15),
        max_age=timedelta(hours=24),
        duration_seconds=61.5,
        requests_done=12,
        checks=("workforce-mfa",),
        runs=7,
        failures=2,
    )
    return msgspec.structs.replace(view, **changes)


def a_snapshot(**changes: Any) -> Snapshot:
    """Build the snapshot of a live engine with one check and one source; every part can be replaced."""
    snapshot = Snapshot(
        seq=1,
        at=NOW,
        started_at=NOW - timedelta(days=1),
        version="0.1.0",
        phase="live",
        selftest=Selftest(passed_at=NOW - timedelta(minutes=10)),
        checks=(a_check(),),
        sources=(a_source(),),
        ticked_at=NOW,
    )
    return msgspec.structs.replace(snapshot, **changes)


def an_estate(checks: int, sources: int = 8) -> Snapshot:
    """Build a live estate of any size with TLS targets; about 33 series a check."""
    names = [f"source-{number:02}" for number in range(sources)]
    targets = {f"t{number}": f"host{number}.example.org:443" for number in range(checks // 4)}
    edge = a_source("edge", kind="tls", labels=targets)
    return a_snapshot(
        checks=[_one_of_many(number, names[number % sources]) for number in range(checks)],
        sources=[*(a_source(name) for name in names), edge],
        times=[
            KnownTime(source="edge", id=target, what="tls_not_after", at=NOW + timedelta(days=30)) for target in targets
        ],
    )


def _one_of_many(number: int, source: str) -> CheckView:
    tally = Tally(passed=100 + number, warned=number % 3, failed=number % 5, unknown=number % 2)
    return a_check(
        f"check-{number:04}",
        family=FAMILIES[number % len(FAMILIES)],
        sources=(source,),
        standing=a_standing(tally=tally, threshold=0.95),
    )
