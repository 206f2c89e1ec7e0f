"""Waivers are code: a TOML file beside the configuration, reviewed like code. A malformed waiver waives nothing.

A waiver covers subjects of a check, or a structural unknown by (check, source, cause). It is a request, and waives
nothing, until another person than the requester has approved it. It ends by itself, or at the instant at which it is
revoked; an emergency waiver of one person ends within 24 hours and is flagged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import tomli

from checks.model.doubt import STRUCTURAL, Cause
from engine.convert import Faults, convert_table, nearest, shown
from engine.port.people import person, same_person
from engine.store import Live
from sources.common.errors import SourceError
from sources.common.local import open_regular

LONGEST_FILE = 4 << 20
NAMED = 3
"""Letters and digits that a glob must name at least, its source apart."""
_NAMING = re.compile(r"\w")
LONGEST = timedelta(days=180)
LONGEST_STRUCTURAL = timedelta(days=365)
LONGEST_EMERGENCY = timedelta(hours=24)
Status = Literal["requested", "future", "active", "expired", "revoked"]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """``[[waiver]]``, as written."""

    id: str
    """Its name, unique in the file."""
    check: str
    """The configured check."""
    subjects: tuple[str, ...] = ()
    """Subjects (``okta-prod/00u1``), labels, or globs of them."""
    source: str = ""
    """Of a structural unknown: the source."""
    cause: str = ""
    """Of a structural unknown: the cause."""
    reason: str
    """Why the deviation is accepted, at least 20 characters."""
    compensating_control: str = ""
    """What is done instead."""
    requested_by: str
    """Who asks."""
    approved_by: str = ""
    """Who accepts; another person. Of an emergency it may be empty; else an empty one makes it a request."""
    emergency: bool = False
    """Whether one person decided, for at most 24 hours."""
    ticket: str = ""
    """Where it was discussed."""
    starts: date | datetime
    """From when it holds; a date means its start, UTC."""
    expires: date | datetime
    """Until when it holds; a date means the end of that day, UTC."""
    vendor: bool = False
    """Whether it waits for a vendor, which allows 365 days."""
    revoked: date | datetime | None = None
    """From when it holds no more, whatever ``expires`` says; a date means its start, UTC."""
    revoked_by: str = ""
    """Who ended it."""
    revoked_reason: str = ""
    """Why it was ended."""
    extends: str = ""
    """The waiver that it goes on with; it stands for itself all the same."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One well-formed waiver, or request for one."""

    written: Written
    starts: datetime
    ends: datetime
    """When it expires or is revoked, whichever comes first."""
    index: int = 0
    """Its place in the file, from 0."""
    digest: str = ""
    """Of the entry as it is written, ``sha256:…``."""

    @property
    def structural(self) -> bool:
        """Whether it covers a structural unknown, not subjects."""
        return bool(self.written.cause)

    @property
    def approved(self) -> bool:
        """Whether two people stand behind it, or one for an emergency."""
        written = self.written
        return written.emergency or person(written.approved_by) not in {"", person(written.requested_by)}

    def live(self, now: datetime) -> bool:
        """Tell whether it holds now; a request never does."""
        return self.approved and self.starts <= now < self.ends

    @property
    def covering(self) -> Live:
        """What the store needs of a waiver of subjects."""
        return Live(id=self.written.id, subjects=self.written.subjects, starts=self.starts, ends=self.ends)

    def status(self, now: datetime) -> Status:
        """Name its place between request and end."""
        if now >= self.ends:
            revoked = self.written.revoked
            return "revoked" if revoked is not None and instant(revoked) == self.ends else "expired"
        if not self.approved:
            return "requested"
        return "future" if now < self.starts else "active"


@dataclass(frozen=True, slots=True)
class Malformed:
    """One entry that waives nothing, because of its faults."""

    index: int
    """Its place in the file, from 0."""
    table: Mapping[str, Any]
    """What was read; empty where the entry is no table."""
    faults: Sequence[tuple[str, str]]
    """Key and what is wrong with it."""
    digest: str = ""

    @property
    def id(self) -> str:
        """Its name; empty when none was told."""
        return self.text("id")

    def text(self, key: str) -> str:
        """Give a text of the entry; empty when there is none."""
        value = self.table.get(key)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of a file, and what is wrong with the others."""

    waivers: Sequence[Waiver] = ()
    faults: Sequence[str] = ()
    malformed: Sequence[Malformed] = ()
    readable: bool = True
    """Whether the file could be read at all, or is not there."""

    def live_for(self, check: str, now: datetime) -> list[Live]:
        """Give the live waivers of subjects of a check."""
        return [
            item.covering
            for item in self.waivers
            if item.written.check == check and item.live(now) and not item.structural
        ]

    def structural_for(self, check: str, now: datetime) -> Mapping[tuple[str, Cause], datetime]:
        """Give the live waivers of structural unknowns of a check: (source, cause) to their end."""
        return {
            (item.written.source, Cause(item.written.cause)): item.ends
            for item in self.waivers
            if item.written.check == check and item.live(now) and item.structural
        }

    def live_by_check(self, now: datetime) -> Mapping[str, Sequence[Waiver]]:
        """Give the live waivers, structural ones included, by the check that they name."""
        found: dict[str, list[Waiver]] = {}
        for item in self.waivers:
            if item.live(now):
                found.setdefault(item.written.check, []).append(item)
        return found

    def expired(self, now: datetime) -> int:
        """Count the waivers that have ended; a request that nobody approved never was one."""
        return sum(1 for item in self.waivers if item.approved and now >= item.ends)


NONE: Final = Waivers()
"""No waivers, and no faults."""


def load(path: Path, checks: Collection[str]) -> Waivers:
    """Read a waiver file; a missing one holds none, and what is malformed is named and waives nothing."""
    try:
        if not path.exists():
            return Waivers()
        with open_regular(path, path.name, "waivers.file") as file:
            data = file.read(LONGEST_FILE + 1)
    except (SourceError, OSError) as error:
        return Waivers(faults=(f"{error}; it waives nothing",), readable=False)
    return parse(data, path.name, checks)


def parse(data: bytes, name: str, checks: Collection[str]) -> Waivers:
    """Read the bytes of a waiver file; what is malformed is named and waives nothing."""
    if len(data) > LONGEST_FILE:
        told = f"{name}: longer than {LONGEST_FILE >> 20} MiB; remove what has ended; it waives nothing"
        return Waivers(faults=(told,), readable=False)
    try:
        return _parsed(tomli.loads(data.decode("utf-8-sig")), name, checks)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        return Waivers(faults=(f"{name}: not valid TOML: {error}; it waives nothing",), readable=False)


def _parsed(tree: Mapping[str, Any], name: str, checks: Collection[str]) -> Waivers:
    found = _Found(Faults(name), checks)
    for key in tree:
        if key != "waiver":
            found.faults.add(key, f"unknown section{nearest(key, ['waiver'])}; write [[waiver]]")
    tables = tree.get("waiver", [])
    if not isinstance(tables, list):
        found.faults.add("waiver", "write [[waiver]], one table a waiver")
        tables = []
    for index, table in enumerate(tables):
        found.take(index, table)
    return Waivers(tuple(found.good.values()), tuple(found.faults.lines), tuple(found.malformed))


def instant(moment: date | datetime, at: time = time.min) -> datetime:
    """Give the instant of a moment of the file: a date means that time of its day, no zone means UTC."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return datetime.combine(moment, at, tzinfo=UTC)


def entry_digest(table: object) -> str:
    """Name an entry as it is written: SHA-256 of its JSON with sorted keys and no spaces, ``sha256:…``."""
    text = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(slots=True)
class _Found:
    """What was found in one file so far."""

    faults: Faults
    checks: Collection[str]
    good: dict[str, Waiver] = field(default_factory=dict)
    malformed: list[Malformed] = field(default_factory=list)

    def take(self, index: int, table: object) -> None:
        """Take in one entry."""
        path, before = f"waiver[{index}]", len(self.faults.found)
        digest = entry_digest(table)
        waiver = _read(table, path, self.checks, self.faults, (index, digest))
        if waiver is not None and waiver.written.id in self.good:
            self.faults.add(f"{path}.id", f"{shown(waiver.written.id)} is there twice")
        elif waiver is not None:
            self.good[waiver.written.id] = waiver
            return
        told = [(where.removeprefix(path).lstrip("."), what) for where, what in self.faults.found[before:]]
        self.malformed.append(Malformed(index, table if isinstance(table, Mapping) else {}, tuple(told), digest))


def _read(table: object, path: str, checks: Collection[str], faults: Faults, place: tuple[int, str]) -> Waiver | None:
    before = len(faults.found)
    written: Written | None = convert_table(table, (Written,), path, faults)[0]
    if written is None:
        return None
    if len(faults.found) > before:
        return None
    try:
        waiver = Waiver(written, instant(written.starts), _end(written), *place)
    except OverflowError:
        faults.add(f"{path}.starts", "an instant at the end of the calendar is no instant of a waiver")
        return None
    for key, message in _faults_of(waiver, checks):
        faults.add(f"{path}.{key}", message)
    return waiver if len(faults.found) == before else None


def _end(written: Written) -> datetime:
    """Find when a waiver ends: a revocation can only shorten it."""
    expires = instant(written.expires, time.max)
    return expires if written.revoked is None else min(expires, instant(written.revoked))


def _faults_of(waiver: Waiver, checks: Collection[str]) -> list[tuple[str, str]]:
    """Name what makes a waiver unusable."""
    written = waiver.written
    found: list[tuple[str, str]] = []
    if written.check not in checks:
        found.append(("check", f"no configured check {shown(written.check)}{nearest(written.check, checks)}"))
    if len(written.reason.strip()) < 20:
        found.append(("reason", "say why in 20 characters or more"))
    if bool(written.subjects) == bool(written.cause):
        found.append(("subjects", "name subjects, or a source and a cause, not both"))
    if written.cause and written.cause not in STRUCTURAL:
        found.append(("cause", f"only structural causes can be waived: {', '.join(sorted(STRUCTURAL))}"))
    if written.cause and not written.source:
        found.append(("source", "missing; a structural unknown is waived by check, source and cause"))
    if any(len(_NAMING.findall(subject.rpartition("/")[2])) < NAMED for subject in written.subjects):
        found.append(("subjects", "a waiver of everything is not a waiver; name the subjects"))
    requester = person(written.requested_by)
    if not written.id.strip():
        found.append(("id", "missing"))
    if not requester:
        found.append(("requested_by", "say who asks"))
    if not written.emergency and requester and same_person(written.approved_by, written.requested_by):
        found.append(("approved_by", "another person than the requester approves"))
    if written.revoked is None and (written.revoked_by or written.revoked_reason):
        found.append(("revoked", "missing; say from when it holds no more"))
    return found + _length_faults(waiver)


def _length_faults(waiver: Waiver) -> list[tuple[str, str]]:
    """Find a waiver that ends before it begins, or lasts too long; a date as its end may end with that day."""
    written = waiver.written
    length = instant(written.expires, time.max) - waiver.starts
    if length <= timedelta(0):
        return [("expires", "lies before its start")]
    if written.emergency:
        return [("expires", "at most 24 hours after its start")] if length > LONGEST_EMERGENCY else []
    longest = LONGEST_STRUCTURAL if waiver.structural or written.vendor else LONGEST
    whole_day = timedelta(0) if isinstance(written.expires, datetime) else timedelta(days=1)
    return [("expires", f"at most {longest.days} days after its start")] if length > longest + whole_day else []
