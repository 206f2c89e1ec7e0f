"""A synthetic company as the screens see it, for pictures: every state, a blind source, a past, waivers, events.

Everything is written down here and nothing is drawn by chance, so that two pictures of one screen are the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.state import State, Tally
from engine.port import (
    BlindBy,
    CheckView,
    Deadline,
    Detail,
    Event,
    EvidenceRef,
    KnownTime,
    Row,
    Snapshot,
    SourceView,
    Was,
)
from tests.support.clock import NOW
from tests.support.company_past import latest_events, older_events, past_of, waiver_file
from tests.support.estates import CannedPort
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
AWS_DOWN: Final = "503 Service Unavailable after 4 tries; the provider will answer again"


class CompanyPort(CannedPort):
    """The company's port; a finding's history, evidence and record are its own."""

    def __init__(self) -> None:
        estate = company()
        super().__init__(
            estate,
            findings(),
            pasts=[past_of(view) for view in estate.checks],
            log=[*estate.events, *older_events()],
            waiver_file=waiver_file(),
        )

    async def detail(self, finding: int) -> Detail | None:
        """Give a finding with its history, evidence and record."""
        estate = self.now_shown
        row = next((each for each in self.findings if each.id == finding), None)
        view = next((each for each in estate.checks if row and each.name == row.check), None) if estate else None
        return _detail(row, view) if row and view else None


def company() -> Snapshot:
    """Build the estate."""
    return a_snapshot(
        started_at=NOW - 6 * DAY,
        checks=[_check(each) for each in _CHECKS],
        sources=[_source(*each) for each in _SOURCES],
        events=latest_events(),
        times=[*_tls_times(), *_attestation_times(), *_backup_times()],
        waivers_active=3,
        waivers_expired=1,
    )


def findings() -> list[Row]:
    """Build the findings, those of a check one after the other."""
    made: list[Row] = []
    families = {each.name: each.family for each in _CHECKS}
    for check, source, outcome, reason, facts, told in _FINDINGS:
        for label, days in told:
            number = len(made) + 1
            row = Row(
                id=number,
                check=check,
                family=families[check],
                subject=f"{source}/{label.partition('@')[0]}",
                label=label,
                outcome=outcome,
                reason=reason,
                facts=facts,
                cause=Cause.UNREACHABLE if outcome is Outcome.UNKNOWN else None,
                first_seen=NOW - days * DAY - number * 7 * MINUTE,
                due=NOW + (14 - days) * DAY if outcome is Outcome.WARN and days < 14 else None,
                waiver=_WAIVED.get(label),
            )
            made.append(row)
    return made


class _Told(NamedTuple):
    name: str
    check: str
    family: str
    title: str
    team: str
    sources: tuple[str, ...]
    since: timedelta
    tally: Tally
    blind: str = ""


_CHECKS: Final = (
    _Told(
        *("workforce-mfa", "mfa_coverage", "mfa", "Every active account is enrolled in MFA", "identity"),
        *(("okta-prod",), 11 * DAY, Tally(passed=1298, warned=32)),
    ),
    _Told(
        *("admin-mfa", "admin_mfa", "mfa", "Every administrator signs in with a strong factor", "identity"),
        *(("okta-prod", "entra-corp"), 2 * DAY + 3 * HOUR, Tally(passed=40, failed=2)),
    ),
    _Told(
        *("code-mfa", "mfa_coverage", "mfa", "Every member of the organisation is enrolled in MFA", "platform"),
        *(("github",), 41 * DAY, Tally(passed=214)),
    ),
    _Told(
        *("leavers", "leaver_access", "access", "Nobody who has left still has a live account", "people-ops"),
        *(("okta-prod", "people"), 9 * HOUR, Tally(passed=1290, failed=1, waived=0)),
    ),
    _Told(
        *("dormant-accounts", "stale_access", "access", "Every account is still used", "identity"),
        *(("okta-prod", "entra-corp"), 6 * DAY, Tally(passed=1302, warned=4)),
    ),
    _Told(
        *("cloud-keys", "key_age", "access", "Every access key is rotated, used and owned", "platform"),
        *(("aws",), 4 * HOUR, Tally(passed=311), "aws"),
    ),
    _Told(
        *("provider-keys", "key_age", "access", "Every key of a model provider is rotated and owned", "platform"),
        *(("github",), 20 * DAY, Tally(passed=16, failed=2, waived=2)),
    ),
    _Told(
        *("databases", "backup_freshness", "backup", "The newest complete backup is younger than its RPO", "data"),
        *(("pg-dumps",), 7 * HOUR + 13 * MINUTE, Tally(passed=5, failed=1)),
    ),
    _Told(
        *("model-registry", "backup_freshness", "backup", "The newest complete backup is younger than its RPO", "ml"),
        *(("weights",), 93 * DAY, Tally(passed=3)),
    ),
    _Told(
        *("public-tls", "tls_expiry", "certification", "Every TLS certificate is in force", "edge"),
        *(("edge",), 3 * DAY, Tally(passed=38, warned=2)),
    ),
    _Told(
        *("vendors", "certification_expiry", "certification", "Every attestation is in force", "risk"),
        *(("register",), 60 * DAY, Tally(passed=12)),
    ),
)
_SOURCES: Final = (
    ("okta-prod", "okta", 1_347, 15 * MINUTE, DAY, 21.4),
    ("entra-corp", "entra", 902, 15 * MINUTE, DAY, 8.2),
    ("github", "github", 232, 30 * MINUTE, DAY, 3.1),
    ("aws", "aws_iam", 311, HOUR, DAY, 12.0),
    ("people", "roster", 1_309, HOUR, 2 * DAY, 0.1),
    ("pg-dumps", "files", 6, 10 * MINUTE, 6 * HOUR, 0.2),
    ("weights", "restic", 3, 10 * MINUTE, 6 * HOUR, 1.9),
    ("edge", "tls", 40, HOUR, DAY, 4.4),
    ("register", "register", 12, HOUR, DAY, 0.1),
)
_SETS: Final = (
    ("pg-dumps", "billing-db", 31 * HOUR + 2 * MINUTE, 24 * HOUR),
    ("pg-dumps", "customers-db", 5 * HOUR, 24 * HOUR),
    ("pg-dumps", "ledger-db", 4 * HOUR + 40 * MINUTE, 24 * HOUR),
    ("pg-dumps", "search-db", 19 * HOUR, 24 * HOUR),
    ("weights", "checkpoints", 9 * HOUR, 48 * HOUR),
    ("weights", "released-models", 30 * HOUR, 48 * HOUR),
)
_ENDS: Final = (
    ("edge", "status.example.org", "tls_not_after", 9 * DAY),
    ("edge", "vpn.example.org", "tls_not_after", 21 * DAY),
    ("edge", "api.example.org", "tls_not_after", 58 * DAY),
    ("edge", "www.example.org", "tls_not_after", 71 * DAY),
    ("register", "Example Cloud SOC 2", "attestation_until", 33 * DAY),
    ("register", "Example Models ISO 27001", "attestation_until", 80 * DAY),
    ("register", "Example Pay PCI DSS", "attestation_until", 205 * DAY),
)
_NO_FACTOR: Final = {"factors": 0, "required": "any factor that is not weak", "status": "active"}
_WEAK: Final = {"factors": "text message", "required": "strong", "role": "Super Administrator"}
_UNUSED: Final = {"last_login": "2026-08-14T09:12:00Z", "dormant": "90d", "class": "human"}
_KEY: Final = {"age": "203d", "rotate": "90d", "owner": None}
_HIRED: Final = (
    *("ana.birch", "bo.maple", "dana.holly", "eli.spruce", "eva.linden", "hana.rowan", "ida.poplar", "jan.myrtle"),
    *("joy.cypress", "kim.olive", "lea.pear", "leo.thorn", "lin.yew", "mara.fir", "max.laurel", "mia.plum", "nia.elm"),
    *("ola.fig", "pia.beech", "quin.bay", "ria.oak", "rui.palm", "sam.cherry", "sol.ebony", "val.teak", "zoe.plane"),
)
_FINDINGS: Final[Sequence[tuple[str, str, Outcome, str, Mapping[str, Any], Sequence[tuple[str, int]]]]] = (
    (
        *("admin-mfa", "okta-prod", Outcome.FAIL, "an administrator has only a weak factor", _WEAK),
        (("rae.cedar@example.org", 2), ("ivo.larch@example.org", 2)),
    ),
    (
        *("workforce-mfa", "okta-prod", Outcome.WARN, "no factor yet, inside the enrolment grace", _NO_FACTOR),
        (
            ("ada.alder@example.org", 1),
            ("ben.juniper@example.org", 3),
            ("cleo.ash@example.org", 3),
            ("noa.willow@example.org", 4),
            ("tao.quince@example.org", 5),
            ("uma.walnut@example.org", 6),
            *((f"{name}@example.org", 1 + number % 7) for number, name in enumerate(_HIRED)),
        ),
    ),
    (
        *("leavers", "okta-prod", Outcome.FAIL, "left 2026-11-19 and the account is still active", {"left": "2d"}),
        (("finn.hazel@example.org", 0),),
    ),
    (
        *("dormant-accounts", "okta-prod", Outcome.WARN, "not used for 83 days; dormant at 90", _UNUSED),
        (
            ("gus.elder@example.org", 6),
            ("hana.lime@example.org", 6),
            ("kai.sumac@example.org", 2),
            ("svc-exports@example.org", 4),
        ),
    ),
    (
        *("provider-keys", "github", Outcome.FAIL, "not rotated for 203 days", _KEY),
        (("eval-runner key …7f3a", 20), ("batch-labels key …91c0", 20)),
    ),
    (
        *("databases", "pg-dumps", Outcome.FAIL, "newest complete backup is 31 h old, RPO 24 h", {"rpo": "24h"}),
        (("billing-db", 0),),
    ),
    (
        *("public-tls", "edge", Outcome.WARN, "expires soon", {"issuer": "Example CA R3", "lifetime": "90d"}),
        (("status.example.org:443", 3), ("vpn.example.org:443", 1)),
    ),
)
_WAIVED: Final = {"eval-runner key …7f3a": "WV-22", "batch-labels key …91c0": "WV-22"}


def _check(told: _Told) -> CheckView:
    view = a_check(
        told.name,
        check=told.check,
        family=told.family,
        title=told.title,
        team=told.team,
        sources=told.sources,
        severity="critical" if told.name in {"admin-mfa", "leavers"} else "high",
        runbook=f"https://runbooks.example.org/{told.name}",
        policy_ref="ISP-07 §3.2",
        read=told.tally.population + 12,
        excluded={"disabled": 9, "kiosk": 3},
        standing=a_standing(tally=told.tally, valid_until=NOW - 4 * HOUR if told.blind else NOW + 5 * HOUR),
        state_since=NOW - told.since,
        opened_24h=1 if told.since < DAY else 0,
        evidence=("sha256:" + "9f2c" * 16,),
        deadlines=[_deadline(*each) for each in _SETS if each[0] in told.sources],
    )
    if not told.blind:
        return view
    since = NOW - told.since
    by = BlindBy(source=told.blind, cause=Cause.UNREACHABLE, since=since, detail=AWS_DOWN)
    return msgspec.structs.replace(view, was=Was(state=State.PASS, at=since), blind_by=by)


def _deadline(source: str, name: str, old: timedelta, rpo: timedelta) -> Deadline:
    return Deadline(source=source, id=name, at=NOW - old + rpo, rpo_seconds=rpo.total_seconds())


def _source(name: str, kind: str, records: int, every: timedelta, max_age: timedelta, seconds: float) -> SourceView:
    view = a_source(
        name,
        kind=kind,
        records=records,
        every=every,
        max_age=max_age,
        as_of=NOW - 4 * MINUTE,
        next_run=NOW + every - 4 * MINUTE,
        duration_seconds=seconds,
        checks=tuple(each.name for each in _CHECKS if name in each.sources),
        runs=576,
        failures=0,
    )
    if name != "aws":
        return view
    down = {"last_error": AWS_DOWN, "cause": Cause.UNREACHABLE, "failing_since": NOW - 4 * HOUR}
    return msgspec.structs.replace(view, complete=False, as_of=NOW - 28 * HOUR, failures=17, **down)


def _tls_times() -> list[KnownTime]:
    return [
        KnownTime(source=source, id=name, what="tls_not_after", at=NOW + left, name=name)
        for source, name, what, left in _ENDS
        if what == "tls_not_after"
    ]


def _attestation_times() -> list[KnownTime]:
    return [
        KnownTime(source=source, id=name, what="attestation_until", at=NOW + left, name=name)
        for source, name, what, left in _ENDS
        if what == "attestation_until"
    ]


def _backup_times() -> list[KnownTime]:
    return [
        KnownTime(
            source=source, id=name, what="backup_newest", at=NOW - old, name=name, limit_seconds=rpo.total_seconds()
        )
        for source, name, old, rpo in _SETS
    ]


def _detail(row: Row, view: CheckView) -> Detail:
    """Tell how a finding came about, and show the record that it rests on."""
    record = {"type": "account/1", "id": row.subject.partition("/")[2], "label": row.label, **row.facts}
    return Detail(
        row=row,
        check=view,
        history=[
            Event(at=row.first_seen, kind="finding", what=row.subject, text="opened", state=State.FAIL),
            Event(at=row.first_seen - 41 * DAY, kind="finding", what=row.subject, text="resolved"),
            Event(at=row.first_seen - 44 * DAY, kind="finding", what=row.subject, text="opened", state=State.FAIL),
        ],
        evidence=[
            EvidenceRef(
                source=source,
                digest="sha256:" + "9f2c" * 16,
                blob="sha256:" + "a1b2" * 16,
                as_of=NOW - 5 * MINUTE,
                records=1_347,
                complete=True,
            )
            for source in view.sources
        ],
        record=msgspec.json.encode(record).decode() + "\n",
    )
