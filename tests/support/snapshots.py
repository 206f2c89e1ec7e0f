"""Snapshots for what reads them: one configured check, one source, or a whole estate, all well at ``NOW``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from checks.model.check import AlarmKind
from checks.model.doubt import Cause, Gap
from checks.model.result import Doubted
from checks.model.state import Standing, Tally
from engine.port import (
    Alarm,
    BlindBy,
    CheckView,
    Deadline,
    EvidenceView,
    KnownTime,
    Quota,
    Selftest,
    Snapshot,
    SourceView,
)
from tests.support.clock import NOW

FAMILIES: Final = ("mfa", "access", "backup", "certification")
DEPTHS: Final = ("exists", "complete", "verified", "restored", "claimed", "document", "reviewed", "enrolled")
DAY: Final = timedelta(days=1)


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
        known_since=NOW - timedelta(days=1),
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


def a_full_estate(checks: int, sources: int, sets: int, targets: int, offerings: int = 1) -> Snapshot:
    """Build an estate in which every field is told: each check is blind with two gaps, each source has been failing.

    Sets, targets and offerings are read by one source each, which are counted in ``sources``; sets by one check.
    """
    names = [f"source-{number:02}" for number in range(sources)]
    ids = {name: [f"{name}-{number}" for number in range(count)] for name, count in _named(sets, targets, offerings)}
    views = [_full_source(name) for name in names]
    for number, named in enumerate(ids.values()):
        labels = {key: f"{key}.example.org:443" if key.startswith("target") else key for key in named}
        views[number] = msgspec.structs.replace(views[number], labels=labels)
    told = [_full_check(number, names[number % sources]) for number in range(checks)]
    sets_end = [_deadline(names[0], key) for key in ids["set"]]
    targets_end = [Deadline(source=names[1], id=key, what="tls_not_after", at=NOW + DAY) for key in ids["target"]]
    told[0] = msgspec.structs.replace(told[0], deadlines=[*sets_end, *targets_end])
    return a_snapshot(
        config_loaded_at=NOW - DAY,
        web_config_ok=True,
        checks=told,
        sources=views,
        times=_times(names, ids),
        evidence=EvidenceView(
            writes=9,
            written_at=NOW,
            failing_since=NOW,
            bytes=1,
            chain_valid=True,
            chain_verified_at=NOW,
            chain_entries=8,
        ),
        waivers_active=2,
        waivers_expired=1,
    )


def _named(sets: int, targets: int, offerings: int) -> Sequence[tuple[str, int]]:
    return [("set", sets), ("target", targets), ("offering", offerings)]


def _deadline(source: str, key: str) -> Deadline:
    return Deadline(source=source, id=key, at=NOW + DAY, rpo_seconds=86_400, grace_seconds=21_600)


def _times(names: Sequence[str], ids: dict[str, list[str]]) -> list[KnownTime]:
    backups = [KnownTime(source=names[0], id=key, what="backup_newest", at=NOW - DAY) for key in ids["set"]]
    ends = [KnownTime(source=names[1], id=key, what="tls_not_after", at=NOW + DAY) for key in ids["target"]]
    current = [KnownTime(source=names[2], id=key, what="attestation_until", at=NOW + DAY) for key in ids["offering"]]
    return [*backups, *ends, *current]


def _full_check(number: int, source: str) -> CheckView:
    gaps = [Doubted(gap=Gap(source=source, cause=cause, kind="members")) for cause in (Cause.DENIED, Cause.BUSY)]
    return a_check(
        f"check-{number:04}",
        family=FAMILIES[number % len(FAMILIES)],
        sources=(source, "roster"),
        standing=a_standing(tally=Tally(passed=90, unknown=5, missing=3, barred=True)),
        gaps=gaps,
        blind_by=BlindBy(source=source, cause=Cause.DENIED, since=NOW - DAY),
        depths=dict.fromkeys(DEPTHS[:3], 30),
        alarms={AlarmKind.MFA_LOST: Alarm(count=1, at=NOW), AlarmKind.TLS_BROKEN: Alarm()},
        max_age=DAY,
        judged_at=NOW,
        judging_seconds=0.25,
        judgements=4,
        judgement_failures=1,
        waivers=1,
        waiver_ends=NOW + DAY,
    )


def _full_source(name: str) -> SourceView:
    gaps = [Gap(source=name, cause=cause, kind="facts") for cause in (Cause.DENIED, Cause.BUSY)]
    return a_source(
        name,
        complete=False,
        cause=Cause.THROTTLED,
        failing_since=NOW - DAY,
        gaps=gaps,
        request_failures={"throttled": 3, "unreachable": 1},
        requests=100,
        throttled=3,
        throttle_seconds=1.5,
        quota=Quota(remaining=10, limit=600, reset_at=NOW + timedelta(minutes=1)),
        credential_expires_at=NOW + DAY,
    )


def _one_of_many(number: int, source: str) -> CheckView:
    tally = Tally(passed=100 + number, warned=number % 3, failed=number % 5, unknown=number % 2)
    return a_check(
        f"check-{number:04}",
        family=FAMILIES[number % len(FAMILIES)],
        sources=(source,),
        standing=a_standing(tally=tally, threshold=0.95),
    )
