"""Records are the normalised facts that sources tell; checks see nothing else.

Every told field is optional: ``None`` means *not told*, never "no" and never "zero", and ``why`` then gives the cause.
Identity (``id``, ``source``, and ``set`` of a backup) is always told. A version in a tag (``account/1``), once
released,
stays decodable: a changed meaning is a new version.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec


class Factor(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One usable second factor of an account."""

    kind: str
    """The provider's own word, for example ``webauthn``."""
    strength: str | None = None
    """``weak``, ``strong`` or ``phishing_resistant``; None when the provider's word is new to us."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", omit_defaults=True):
    """What every record has."""

    id: str
    """The provider's immutable id, unique within the source and record type."""
    source: str
    """Name of the configured source."""
    label: str | None = None
    """What people call it (a login, a host); shown, never judged."""
    why: dict[str, str] = {}
    """Field name to ``Cause`` for each field that is None because it could not be told."""


class Account(Record, frozen=True, kw_only=True, gc=False, tag="account/1"):
    """An account that somebody or something can sign in with."""

    keys: tuple[str, ...] | None = None
    """Lower-case match keys of its person (employee id, e-mail addresses, login), for joins with a roster."""
    status: str | None = None
    """``active``, ``locked``, ``pending``, ``disabled``, ``deleted``; another word is the provider's, kept raw."""
    klass: str | None = None
    """``human``, ``service``, ``guest``, ``bot``, ``break_glass``."""
    klass_basis: str | None = None
    """Who says so: ``provider``, ``presumed`` or ``rule:<reason>``."""
    interactive: bool | None = None
    """Whether it can sign in interactively with the provider (False: keys only, or no password)."""
    privileged: bool | None = None
    """Whether it holds an administrator role, directly or through a group."""
    roles: tuple[str, ...] | None = None
    """Administrator roles held."""
    created_at: datetime | None = None
    """Creation, UTC."""
    activated_at: datetime | None = None
    """Activation (the start of the enrolment grace), UTC."""
    mfa: bool | None = None
    """Whether any usable second factor is enrolled."""
    factors: tuple[Factor, ...] | None = None
    """The usable second factors; empty means told that there are none."""
    last_seen_at: datetime | None = None
    """Last activity that the provider tells, UTC."""
    never_seen: bool | None = None
    """True when the provider proves that it was never used; None when it cannot tell."""
    activity_lag: timedelta | None = None
    """How far the true last activity may be later than ``last_seen_at`` (resolution and replication)."""
    activity_basis: str | None = None
    """``success``, ``attempt``, ``login_only``, ``api`` or ``any``."""


class Credential(Record, frozen=True, kw_only=True, gc=False, tag="credential/1"):
    """A long-lived key, token or secret."""

    kind: str | None = None
    """``access_key``, ``api_token``, ``pat``, ``deploy_key``, ``app_secret``, ``signing_certificate``, ``ssh_key``."""
    status: str | None = None
    """``active`` or ``inactive``."""
    owner: str | None = None
    """The id of the owning account in the same source; None when not told."""
    privileged: bool | None = None
    """Whether it acts for an administrator or the root user."""
    created_at: datetime | None = None
    """Creation or last rotation, UTC."""
    expires_at: datetime | None = None
    """Expiry, UTC."""
    last_used_at: datetime | None = None
    """Last use that the provider tells, UTC."""
    never_used: bool | None = None
    """True when the provider proves that it was never used since ``created_at``; None when it cannot tell."""
    use_lag: timedelta | None = None
    """How far the true last use may be later than ``last_used_at``."""


class Person(Record, frozen=True, kw_only=True, gc=False, tag="person/1"):
    """One row of an HR roster."""

    keys: tuple[str, ...] | None = None
    """Lower-case match keys: the roster's key and its aliases."""
    status: str | None = None
    """``active``, ``leave`` or ``terminated``; another word is the roster's, kept raw."""
    starts_at: datetime | None = None
    """Start of (the latest) employment, UTC."""
    ends: bool | None = None
    """True: an end of employment is told; False: told that there is none."""
    ends_at: datetime | None = None
    """End of employment, UTC; a date means the end of that day in the roster's time zone."""


class BackupSet(Record, frozen=True, kw_only=True, gc=False, tag="backup_set/1"):
    """A backup set that a source should hold a copy of; ``id`` is the set's name."""

    declared: bool | None = None
    """True: the configuration declares it; False: found in the source, not declared."""
    backups: int | None = None
    """Backups of the set that the source holds; 0 is told, None is not."""
    unreadable: int | None = None
    """Backups that exist and could not be read."""
    rpo_seconds: float | None = None
    """The set's own recovery point objective; 0 means that the check's policy decides."""
    grace_seconds: float | None = None
    """The set's own grace; 0 means that the check's policy decides."""


class Backup(Record, frozen=True, kw_only=True, gc=False, tag="backup/1"):
    """One backup (snapshot, dump, archive) of a set."""

    set: str
    """The id of its ``BackupSet`` in the same source."""
    started_at: datetime | None = None
    """The instant whose data it holds (the start of the run), UTC."""
    finished_at: datetime | None = None
    """The end of the run, UTC; None also where the tool does not record it."""
    status: str | None = None
    """``complete``, ``partial``, ``running`` or ``failed``; another word is the tool's, kept raw."""
    size_bytes: int | None = None
    """Logical size; 0 is an empty backup."""
    depth: str | None = None
    """What was proven: ``exists``, ``complete``, ``verified`` or ``restored``."""


class TlsEndpoint(Record, frozen=True, kw_only=True, gc=False, tag="tls_endpoint/1"):
    """What one handshake with a configured target showed; ``id`` is the target as configured."""

    not_before: datetime | None = None
    """Start of validity of the leaf, UTC."""
    not_after: datetime | None = None
    """End of validity of the leaf, UTC."""
    effective_not_after: datetime | None = None
    """The earliest end of validity over the chain that was verified (or sent), UTC."""
    trusted: bool | None = None
    """Whether the chain leads to a trusted root, validity dates apart."""
    trust_error: str | None = None
    """The verifier's reason when ``trusted`` is False, or why no certificate was shown."""
    name_matches: bool | None = None
    """Whether the leaf's names cover the name asked for."""
    last_known_not_after: datetime | None = None
    """The end of validity that was last seen, when the endpoint cannot be reached now."""
    fingerprint: str | None = None
    """SHA-256 of the leaf, hex."""
    issuer: str | None = None
    """Issuer of the leaf, RFC 4514."""
    protocol: str | None = None
    """Negotiated protocol, for example ``TLSv1.3``."""


class Bridge(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A bridge (gap) letter: the vendor's own, unaudited word for the time after a report's period."""

    start: datetime
    """Start of the bridged time, UTC."""
    end: datetime
    """End of the bridged time (end of that day), UTC."""
    issued: datetime | None = None
    """When the letter was issued."""


class Attestation(Record, frozen=True, kw_only=True, gc=False, tag="attestation/1"):
    """One attestation or certification of a vendor's offering, as registered; ``id`` is ``vendor/offering/kind``."""

    vendor: str | None = None
    """``self`` for our own."""
    offering: str | None = None
    """The product or tier that it covers."""
    kind: str | None = None
    """``soc2_type2``, ``soc2_type1``, ``iso27001``, ``iso27701``, ``iso42001``, ``pci_aoc``, ``hitrust_r2``,
    ``csa_star``, …"""
    status: str | None = None
    """``issued``, ``in_progress``, ``withdrawn`` or ``suspended``."""
    next_expected: datetime | None = None
    """When an attestation in progress is expected."""
    period_start: datetime | None = None
    """Start of the examined period, UTC."""
    period_end: datetime | None = None
    """End of the examined period (end of that day), UTC; the point in time of a Type I report."""
    issued_at: datetime | None = None
    """When the report or certificate was issued."""
    valid_until: datetime | None = None
    """End of a certificate's validity (end of that day), UTC."""
    surveillance_due: datetime | None = None
    """When the next surveillance audit is due (end of that day), UTC."""
    categories: tuple[str, ...] | None = None
    """Trust services categories or scope covered."""
    required_categories: tuple[str, ...] | None = None
    """Categories that we need; empty: none demanded."""
    opinion: str | None = None
    """``unqualified``, ``qualified``, ``adverse`` or ``disclaimer``."""
    bridge: Bridge | None = None
    """The bridge letter; None also when there is none, which proves nothing."""
    document: str | None = None
    """Path of the document as registered; empty: told that there is none."""
    document_digest: str | None = None
    """``sha256:…`` of the document as read now; None when it could not be read."""
    document_intact: bool | None = None
    """False: missing, unreadable or changed since it was last reviewed."""
    reviewed_by: str | None = None
    """Who reviewed the document; empty: told that nobody has."""
    reviewed_at: datetime | None = None
    """When it was reviewed."""


RECORD_TYPES: tuple[type[Record], ...] = (
    Account,
    Credential,
    Person,
    BackupSet,
    Backup,
    TlsEndpoint,
    Attestation,
)
IDENTITY = frozenset({"id", "source", "label", "why", "set"})
"""Fields that are never doubtful: they say which record it is, not what is true of it."""


def subject_of(record: Record) -> str:
    """Name the subject of a record: ``source/id``."""
    return f"{record.source}/{record.id}"


def erase(record: Record, field: str, cause: str) -> Record:
    """Return the record with one field not told, and why."""
    return msgspec.structs.replace(record, **{field: None}, why={**record.why, field: cause})


def field_names(kind: type[Record]) -> tuple[str, ...]:
    """Name the fields of a record type that may be doubtful, as a ``facts`` gap names them: ``account.mfa``."""
    prefix = type_name(kind)
    return tuple(f"{prefix}.{field}" for field in kind.__struct_fields__ if field not in IDENTITY)


def type_name(kind: type[Record]) -> str:
    """Name a record type without its version: ``account``."""
    return tag_of(kind).split("/", 1)[0]


def tag_of(kind: type[Record]) -> str:
    """Name a record type with its version: ``account/1``."""
    return str(kind.__struct_config__.tag)
