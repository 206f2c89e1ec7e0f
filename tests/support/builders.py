"""Records with every fact told and in order at ``NOW``: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from checks.model.check import Check
from checks.model.doubt import Cause, Gap
from checks.model.judgement import Judgement
from checks.model.known import Known, KnownRecords, NotTold
from checks.model.records import (
    Account,
    Attestation,
    Backup,
    BackupSet,
    Credential,
    Factor,
    Person,
    Record,
    TlsEndpoint,
    type_name,
)
from checks.model.units import parse_duration
from tests.support.clock import NOW

TOTP = Factor(kind="totp", strength="strong")
KEY = Factor(kind="webauthn", strength="phishing_resistant")
SMS = Factor(kind="sms", strength="weak")
NOVEL = Factor(kind="iris")


def ago(text: str) -> datetime:
    """Give the instant that lies a length of time before ``NOW``: ``ago("90d")``."""
    return NOW - parse_duration(text)


def ahead(text: str) -> datetime:
    """Give the instant that lies a length of time after ``NOW``."""
    return NOW + parse_duration(text)


def span(text: str) -> timedelta:
    """Give a length of time."""
    return parse_duration(text)


def account(ident: str = "ana", **told: Any) -> Account:
    """Build a human account in daily use with an authenticator app, of somebody without an administrator role."""
    base = Account(
        id=ident,
        source="okta-prod",
        label=f"{ident}@example.org",
        keys=(f"{ident}@example.org",),
        status="active",
        klass="human",
        klass_basis="provider",
        interactive=True,
        privileged=False,
        roles=(),
        created_at=ago("400d"),
        activated_at=ago("400d"),
        mfa=True,
        factors=(TOTP,),
        last_seen_at=ago("1d"),
        never_seen=False,
        activity_lag=timedelta(),
        activity_basis="success",
    )
    return msgspec.structs.replace(base, **told)


def credential(ident: str = "key-1", **told: Any) -> Credential:
    """Build an access key of ``ana`` that is a month old and was used yesterday."""
    base = Credential(
        id=ident,
        source="okta-prod",
        label=ident,
        kind="access_key",
        status="active",
        owner="ana",
        privileged=False,
        created_at=ago("30d"),
        expires_at=ahead("300d"),
        last_used_at=ago("1d"),
        never_used=False,
        use_lag=timedelta(),
    )
    return msgspec.structs.replace(base, **told)


def person(ident: str = "ana", **told: Any) -> Person:
    """Build somebody who has been here for three years and stays."""
    base = Person(
        id=ident,
        source="people",
        keys=(f"{ident}@example.org",),
        status="active",
        starts_at=ago("1100d"),
        ends=False,
    )
    return msgspec.structs.replace(base, **told)


def backup_set(ident: str = "web", **told: Any) -> BackupSet:
    """Build a declared set of one readable backup, whose objective is the policy's."""
    base = BackupSet(
        id=ident,
        source="offsite",
        label=ident,
        declared=True,
        backups=1,
        unreadable=0,
        rpo_seconds=0,
        grace_seconds=0,
    )
    return msgspec.structs.replace(base, **told)


def backup(ident: str = "snap-1", **told: Any) -> Backup:
    """Build a complete backup of the set ``web`` that began three hours ago."""
    base = Backup(
        id=ident,
        source="offsite",
        set="web",
        started_at=ago("3h"),
        finished_at=ago("2h"),
        status="complete",
        size_bytes=4_000_000,
        depth="complete",
    )
    return msgspec.structs.replace(base, **told)


def endpoint(ident: str = "www.example.org:443", **told: Any) -> TlsEndpoint:
    """Build an endpoint with a trusted 90-day certificate that has 60 days left."""
    base = TlsEndpoint(
        id=ident,
        source="edge",
        label=ident,
        not_before=ago("30d"),
        not_after=ahead("60d"),
        effective_not_after=ahead("60d"),
        trusted=True,
        name_matches=True,
        fingerprint="ab" * 32,
        issuer="CN=Example CA",
        protocol="TLSv1.3",
    )
    return msgspec.structs.replace(base, **told)


def attestation(ident: str = "example/platform/soc2_type2", **told: Any) -> Attestation:
    """Build a reviewed, unqualified SOC 2 Type II report whose period ended five months ago."""
    base = Attestation(
        id=ident,
        source="register",
        label=ident,
        vendor="Example",
        offering="Platform",
        kind="soc2_type2",
        status="issued",
        period_start=ago("515d"),
        period_end=ago("150d"),
        issued_at=ago("100d"),
        valid_until=ahead("700d"),
        surveillance_due=ahead("200d"),
        categories=("security", "availability"),
        required_categories=("security",),
        opinion="unqualified",
        document="reports/example.pdf",
        document_digest="sha256:" + "ab" * 32,
        document_intact=True,
        reviewed_by="vendor-risk",
        reviewed_at=ago("90d"),
    )
    return msgspec.structs.replace(base, **told)


def known_of(check: Check, records: Iterable[Record], gaps: Iterable[Gap] = ()) -> Known:
    """Index the joined population of a check, as the engine does: doubt is a members gap or a key that is not told."""
    index: dict[str, list[Record]] = {}
    doubt: NotTold | None = None
    for record in records:
        keys = None if check.keys is None else check.keys(record)
        if keys is None:
            field = f"{type_name(type(record))}.keys"
            doubt = doubt or NotTold(Cause(record.why.get("keys", Cause.NOT_EXPOSED)), record.source, (field,))
        for key in keys or ():
            index.setdefault(key, []).append(record)
    for gap in sorted(gaps, key=repr):
        if gap.kind == "members":
            doubt = NotTold(gap.cause, gap.source)
    return KnownRecords(index, doubt)


def judged(
    check: Check,
    subject: Record | Sequence[Record],
    joined: Iterable[Record] = (),
    now: datetime = NOW,
    **policy: Any,
) -> Judgement:
    """Judge one subject, with the joined population complete and the policy's other values at their defaults."""
    whole = check.policy(**{name: _converted(value) for name, value in policy.items()})
    item = subject if isinstance(subject, Record) == (check.by is None) else (subject,)
    return check.judge(item, whole, now, known_of(check, joined))


def _converted(value: object) -> object:
    """Read a duration as the configuration would: ``"7d"``."""
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except ValueError:
        return value
