"""Register of attestations: what people wrote down in ``attestations.toml``, and the documents that they reviewed.

API:        a TOML 1.0 file of ``[[attestation]]`` tables, and the files that its ``document`` keys name.
Privilege:  read access to the register and to the documents.
Limits:     a document of more than 512 MiB is not hashed.
Unknown:    a key that a row does not have is ``not_configured``; a word that we do not know is kept, and is unknown. A
            register with any fault is not read at all: every fault is named, and the last complete reading stands.

A document counts as reviewed as it was when it was first seen under the row's ``reviewed_on``. It is intact while its
SHA-256 is that of then, and again after ``reviewed_on`` has moved on; ``document_sha256`` states the digest instead.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import tomli

from checks.model.doubt import Cause
from checks.model.records import Attestation, Bridge
from sources.common.errors import Malformed, SourceError
from sources.common.local import file_error, open_regular
from sources.common.moments import end_of_day, start_of_day
from sources.common.reviews import (
    NO_DOCUMENT,
    Document,
    Review,
    is_intact,
    keep_reviews,
    read_document,
    read_reviews,
    stated_digest,
)
from sources.common.source import Context, Fact, Page, Probe, Source
from sources.common.tables import convert_rows

_REGISTER_LIMIT: Final = 16 << 20
"""The longest register, in octets."""
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "kind": frozenset(
        {
            *("soc2_type2", "soc2_type1", "iso27001", "iso27701", "iso42001", "pci_aoc", "hitrust_r2", "hitrust_i1"),
            *("hitrust_e1", "csa_star", "pentest", "dpa", "baa"),
        },
    ),
    "status": frozenset({"issued", "in_progress", "withdrawn", "suspended"}),
    "opinion": frozenset({"unqualified", "qualified", "adverse", "disclaimer"}),
}
"""Words that are known; another one is kept, and judged unknown."""
NOT_YET_VALID: Final = "not_yet_valid"
"""The status of a certificate that was issued and is not valid yet: no check knows the word, so none passes it."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``register`` source."""

    path: str = "attestations.toml"
    """The register, relative to the configuration file."""


class BridgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A bridge letter, as registered."""

    start: date
    """First day that it covers."""
    end: date
    """Last day that it covers."""
    issued: date | None = None
    """Day of the letter."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[attestation]]``; days are UTC."""

    vendor: str
    """The vendor; ``self`` for our own."""
    offering: str
    """The product or tier that it covers."""
    kind: str
    """``soc2_type2``, ``iso27001``, …"""
    status: str | None = None
    """``issued``, ``in_progress``, ``withdrawn`` or ``suspended``."""
    next_expected: date | None = None
    """When an attestation in progress is expected."""
    period_start: date | None = None
    """First day of the examined period."""
    period_end: date | None = None
    """Last day of the examined period; the day of a Type I report."""
    issued: date | None = None
    """Day of the report or certificate."""
    valid_from: date | None = None
    """First day of a certificate's validity."""
    valid_until: date | None = None
    """Last day of a certificate's validity."""
    surveillance_due: date | None = None
    """Last day for the next surveillance audit."""
    categories: tuple[str, ...] | None = None
    """What it covers: ``security``, ``availability``, ``confidentiality``, ``processing_integrity``, ``privacy``."""
    required_categories: tuple[str, ...] = ()
    """What it must cover for us."""
    opinion: str | None = None
    """``unqualified``, ``qualified``, ``adverse`` or ``disclaimer``."""
    bridge: BridgeRow | None = None
    """A bridge letter."""
    document: str | None = None
    """The document, relative to the register."""
    document_sha256: str | None = None
    """SHA-256 of the document that was reviewed, 64 hexadecimal digits."""
    reviewed_by: str | None = None
    """Who reviewed the document."""
    reviewed_on: date | None = None
    """Day of that review."""

    @property
    def id(self) -> str:
        """``vendor/offering/kind``."""
        return f"{self.vendor}/{self.offering}/{self.kind}"


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield one record per vendor, offering and kind, all on one page.

    Raises ``Unconfigured`` (no register), ``Refused``, ``Unreachable``, or ``Malformed`` with all of its faults.
    """
    path = ctx.folder / config.path
    rows, _ = current(await asyncio.to_thread(read_register, path, ctx.name), ctx.started.date())
    before = await ctx.previous()
    memory = ctx.scratch / "reviewed.json"
    remembered = await asyncio.to_thread(read_reviews, memory)
    known = dict(remembered)
    records: list[Attestation] = []
    for row in rows:
        document = await _document(row, path, ctx.name)
        intact = is_intact(_review(row), document, known, before.get(row.id))
        records.append(to_attestation(row, document, ctx.name, ctx.started.date(), intact=intact))
    if known != remembered:
        await asyncio.to_thread(keep_reviews, memory, known, ctx.name)
    if records:
        yield Page(records=records, claimed=len(records), as_of=ctx.started)


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Read the register and every document, and tell which rows are superseded and which words are new to us."""
    path = ctx.folder / config.path
    try:
        rows, superseded = current(await asyncio.to_thread(read_register, path, ctx.name), ctx.started.date())
    except SourceError as doubt:
        return [Probe(f"read {path}", ok=False, detail=str(doubt), cause=doubt.cause, costs=("attestation",))]
    found = [Probe(f"read {path}", ok=True, detail=f"{len(rows)} attestations, {superseded} superseded rows left out")]
    for row in rows:
        words = {"kind": row.kind, "status": row.status, "opinion": row.opinion}
        odd = [f'{key} "{word}"' for key, word in words.items() if word is not None and word not in _KNOWN[key]]
        if odd:
            found.append(Probe(row.id, ok=None, detail=f"{', '.join(odd)} is new to us, and judged unknown"))
        if row.document is not None:
            document = await _document(row, path, ctx.name)
            costs = () if document.digest is not None else ("attestation.document_digest",)
            found.append(
                Probe(f"read {row.document}", ok=not costs, detail=document.digest or document.fault, costs=costs)
            )
    return found


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say."""
    return [] if config.path else ["path: name the register, such as attestations.toml"]


# ------------------------------------------------------------------------------------------------------- the register


def read_register(path: Path, name: str) -> Sequence[Row]:
    """Read and check a register; blocking. Raises ``Malformed`` that names every fault, or what opening it raises."""
    octets = _whole(path, name)
    try:
        table = tomli.loads(octets.decode())
    except UnicodeDecodeError as fault:
        line = octets.count(b"\n", 0, fault.start) + 1
        column = fault.start - octets.rfind(b"\n", 0, fault.start)
        raise Malformed(f"{name}: {path}: line {line}, column {column}: not UTF-8, as TOML must be") from fault
    except (ValueError, RecursionError) as fault:  # TOMLDecodeError is a ValueError, and so is an endless number
        raise Malformed(f"{name}: {path}: {fault}") from fault
    rows, wrong = convert_rows(table, "attestation", Row)
    wrong.extend(fault for index, row in rows.items() for fault in _row_faults(f"attestation[{index}]", row))
    wrong.extend(_repetitions(rows))
    if wrong:
        count = "1 fault" if len(wrong) == 1 else f"{len(wrong)} faults"
        raise Malformed(f"{name}: {path}: {count}: " + "; ".join(wrong))
    return list(rows.values())


def _whole(path: Path, name: str) -> bytes:
    with open_regular(path, name, "path") as handle:
        try:
            octets = handle.read(_REGISTER_LIMIT + 1)
        except OSError as fault:
            raise file_error(fault, path, name, "path") from fault
    if len(octets) > _REGISTER_LIMIT:
        raise Malformed(f"{name}: {path}: longer than {_REGISTER_LIMIT >> 20} MiB, and no register")
    return octets


def current(rows: Sequence[Row], today: date) -> tuple[list[Row], int]:
    """Choose the row that stands for each vendor, offering and kind, and count the others.

    It is the one that ends last, whatever its status, since a withdrawn certificate ends the one before. One that does
    not tell its end comes before those that do; one in progress or not valid yet stands only where there is no other.
    """
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.id].append(row)
    chosen = [max(group, key=lambda row: (_starts(row, today), _ends(row))) for group in grouped.values()]
    return chosen, len(rows) - len(chosen)


def _starts(row: Row, today: date) -> bool:
    return row.status != "in_progress" and (row.valid_from is None or row.valid_from <= today)


def _ends(row: Row) -> date:
    """Give the day from which the time of a kind is counted; the last of all days when it is not told."""
    by_kind = {"soc2_type2": row.period_end, "soc2_type1": row.period_end}
    by_kind |= dict.fromkeys(("pci_aoc", "csa_star", "pentest"), row.issued)
    return by_kind.get(row.kind, row.valid_until) or date.max


def _row_faults(path: str, row: Row) -> list[str]:
    """Name what the types of one row cannot say."""
    found = [
        f"{path}.{key}: must not be empty, nor begin or end with a space"
        for key in ("vendor", "offering", "kind")
        if getattr(row, key) != getattr(row, key).strip() or not getattr(row, key)
    ]
    for first, last in (("period_start", "period_end"), ("valid_from", "valid_until")):
        start, end = getattr(row, first), getattr(row, last)
        if start is not None and end is not None and end < start:
            found.append(f"{path}.{last}: {end} is before {first} {start}")
    if row.bridge is not None and row.bridge.end < row.bridge.start:
        found.append(f"{path}.bridge.end: {row.bridge.end} is before start {row.bridge.start}")
    if row.document == "":
        found.append(f"{path}.document: must not be empty; leave it out where there is none")
    if row.document_sha256 is not None and stated_digest(row.document_sha256) is None:
        found.append(f"{path}.document_sha256: must be 64 hexadecimal digits")
    if row.document_sha256 is not None and row.document is None:
        found.append(f"{path}.document_sha256: there is no document")
    return found


def _repetitions(rows: Mapping[int, Row]) -> list[str]:
    """Name rows of one vendor, offering and kind that end alike, or that only look alike."""
    found: list[str] = []
    first: dict[tuple[str, bool, date], int] = {}
    named: dict[str, tuple[int, str]] = {}
    for index, row in rows.items():
        other = first.setdefault((row.id, row.status == "in_progress", _ends(row)), index)
        if other != index:
            found.append(f"attestation[{index}]: the same vendor, offering, kind and end as attestation[{other}]")
        twin, vendor = named.setdefault(row.id, (index, row.vendor))
        if vendor != row.vendor:
            found.append(f"attestation[{index}]: {row.id} cannot be told from attestation[{twin}]; name it otherwise")
    return found


# ------------------------------------------------------------------------------------------------------- records


async def _document(row: Row, register: Path, name: str) -> Document:
    """Read the document of a row as it is now."""
    if row.document is None:
        return NO_DOCUMENT
    return await asyncio.to_thread(read_document, register.parent / row.document, name)


def _review(row: Row) -> Review:
    return Review(row.id, row.reviewed_on, None if row.document_sha256 is None else stated_digest(row.document_sha256))


def to_attestation(row: Row, document: Document, source: str, today: date, *, intact: bool | None) -> Attestation:
    """Tell what the register tells; a key that is not there is ``not_configured``."""
    early = row.status == "issued" and row.valid_from is not None and row.valid_from > today
    told = Attestation(
        id=row.id,
        source=source,
        label=f"{row.vendor} {row.offering} {row.kind}",
        vendor=row.vendor,
        offering=row.offering,
        kind=row.kind,
        status=NOT_YET_VALID if early else row.status,
        next_expected=_end(row.next_expected),
        period_start=_start(row.period_start or row.valid_from),
        period_end=_end(row.period_end),
        issued_at=_start(row.issued),
        valid_until=_end(row.valid_until),
        surveillance_due=_end(row.surveillance_due),
        categories=() if row.categories is None and _has_no_categories(row) else row.categories,
        required_categories=row.required_categories,
        opinion=row.opinion,
        bridge=_to_bridge(row.bridge),
        document=row.document or "",
        document_digest=document.digest,
        document_intact=intact,
        reviewed_by=row.reviewed_by or "",
        reviewed_at=_start(row.reviewed_on),
    )
    return msgspec.structs.replace(told, why=_why(told, document))


def _has_no_categories(row: Row) -> bool:
    """Tell whether the kind knows no categories, and nobody demands one."""
    return not row.kind.startswith("soc2_") and not row.required_categories


def _why(told: Attestation, document: Document) -> dict[str, str]:
    """Say why a fact is not told, unless there is nothing to tell (no letter, no document, no review)."""
    fields = {
        *(
            "status",
            "period_start",
            "period_end",
            "issued_at",
            "valid_until",
            "surveillance_due",
            "categories",
            "opinion",
        ),
        *(("next_expected",) if told.status == "in_progress" else ()),
        *(("reviewed_at",) if told.reviewed_by else ()),
    }
    why = {field: Cause.NOT_CONFIGURED.value for field in sorted(fields) if getattr(told, field) is None}
    if told.document:
        held = ("document_digest", "document_intact")
        cause = (document.cause or Cause.INTERNAL).value
        why.update({field: cause for field in held if getattr(told, field) is None})
    return why


def _to_bridge(row: BridgeRow | None) -> Bridge | None:
    if row is None:
        return None
    return Bridge(start_of_day(row.start, UTC), end_of_day(row.end, UTC), _start(row.issued))


def _start(day: date | None) -> datetime | None:
    return None if day is None else start_of_day(day, UTC)


def _end(day: date | None) -> datetime | None:
    return None if day is None else end_of_day(day, UTC)


SOURCE: Final = Source(
    title="Register of attestations (SOC 2, ISO 27001, …) in a TOML file",
    config=Config,
    yields=(Attestation,),
    fetch=fetch,
    test=probe,
    facts=(
        Fact("attestation", "read access to the register", Cause.DENIED, "What people wrote down: claimed, not seen."),
        Fact("attestation.vendor", "vendor", Cause.NOT_CONFIGURED),
        Fact("attestation.offering", "offering", Cause.NOT_CONFIGURED),
        Fact("attestation.kind", "kind", Cause.NOT_CONFIGURED),
        Fact("attestation.status", "status", Cause.NOT_CONFIGURED),
        Fact("attestation.next_expected", "next_expected", Cause.NOT_CONFIGURED),
        Fact("attestation.period_start", "period_start", Cause.NOT_CONFIGURED),
        Fact("attestation.period_end", "period_end", Cause.NOT_CONFIGURED, "Last second of that day, UTC."),
        Fact("attestation.issued_at", "issued", Cause.NOT_CONFIGURED),
        Fact("attestation.valid_until", "valid_until", Cause.NOT_CONFIGURED, "Last second of that day, UTC."),
        Fact("attestation.surveillance_due", "surveillance_due", Cause.NOT_CONFIGURED, "Last second of that day, UTC."),
        Fact("attestation.categories", "categories", Cause.NOT_CONFIGURED),
        Fact("attestation.required_categories", "required_categories", Cause.NOT_CONFIGURED, "Empty: none demanded."),
        Fact("attestation.opinion", "opinion", Cause.NOT_CONFIGURED),
        Fact("attestation.bridge", "bridge", Cause.NOT_CONFIGURED, "Unaudited; none proves nothing."),
        Fact("attestation.document", "document", Cause.NOT_CONFIGURED, "Empty: told that there is none."),
        Fact("attestation.document_digest", "document, and read access to it", Cause.DENIED, "Up to 512 MiB."),
        Fact(
            "attestation.document_intact",
            "document and reviewed_on, or document_sha256",
            Cause.NOT_CONFIGURED,
            "Compared with what was there when reviewed_on was first seen, unless document_sha256 states it.",
        ),
        Fact("attestation.reviewed_by", "reviewed_by", Cause.NOT_CONFIGURED, "Empty: told that nobody has."),
        Fact("attestation.reviewed_at", "reviewed_on", Cause.NOT_CONFIGURED),
    ),
    every=timedelta(hours=1),
    max_age=timedelta(hours=24),
    check=faults,
)
