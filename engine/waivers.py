"""Waivers are code: a TOML file beside the configuration, reviewed like code. A malformed waiver waives nothing.

A waiver covers subjects of a check, or a structural unknown by (check, source, cause). It ends by itself; an emergency
waiver of one person ends within 24 hours and is flagged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
import tomli

from checks.model.doubt import STRUCTURAL, Cause
from engine.convert import Faults, convert_table, nearest, shown
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
    """Who accepts; another person, unless it is an emergency."""
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


@dataclass(frozen=True, slots=True)
class Waiver:
    """One well-formed waiver."""

    written: Written
    starts: datetime
    ends: datetime

    @property
    def structural(self) -> bool:
        """Whether it covers a structural unknown, not subjects."""
        return bool(self.written.cause)

    def live(self, now: datetime) -> bool:
        """Tell whether it holds now."""
        return self.starts <= now < self.ends

    @property
    def covering(self) -> Live:
        """What the store needs of a waiver of subjects."""
        return Live(id=self.written.id, subjects=self.written.subjects, ends=self.ends)

    def status(self, now: datetime) -> Literal["active", "expired", "future"]:
        """Name its place in time."""
        if now < self.starts:
            return "future"
        return "active" if now < self.ends else "expired"


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of a file, and what is wrong with the others."""

    waivers: Sequence[Waiver] = ()
    faults: Sequence[str] = ()

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
        """Count the waivers that have ended."""
        return sum(1 for item in self.waivers if item.status(now) == "expired")


NONE: Final = Waivers()
"""No waivers, and no faults."""


def load(path: Path, checks: Collection[str]) -> Waivers:
    """Read a waiver file; a missing one holds none, and what is malformed is named and waives nothing."""
    try:
        if not path.exists():
            return Waivers()
        with open_regular(path, path.name, "waivers.file") as file:
            tree = tomli.loads(file.read(LONGEST_FILE).decode("utf-8-sig"))
    except (SourceError, OSError) as error:
        return Waivers(faults=(f"{error}; it waives nothing",))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        return Waivers(faults=(f"{path.name}: not valid TOML: {error}; it waives nothing",))
    faults = Faults(path.name)
    for key in tree:
        if key != "waiver":
            faults.add(key, f"unknown section{nearest(key, ['waiver'])}; write [[waiver]]")
    tables = tree.get("waiver", [])
    if not isinstance(tables, list):
        faults.add("waiver", "write [[waiver]], one table a waiver")
        tables = []
    good: dict[str, Waiver] = {}
    for index, table in enumerate(tables):
        waiver = _read(table, f"waiver[{index}]", checks, faults)
        if waiver is not None and waiver.written.id in good:
            faults.add(f"waiver[{index}].id", f"{shown(waiver.written.id)} is there twice")
        elif waiver is not None:
            good[waiver.written.id] = waiver
    return Waivers(tuple(good.values()), tuple(faults.lines))


def _read(table: object, path: str, checks: Collection[str], faults: Faults) -> Waiver | None:
    before = len(faults.found)
    written: Written | None = convert_table(table, (Written,), path, faults)[0]
    if written is None:
        return None
    if len(faults.found) > before:
        return None
    try:
        waiver = Waiver(written, _instant(written.starts, time.min), _instant(written.expires, time.max))
    except OverflowError:
        faults.add(f"{path}.starts", "an instant at the end of the calendar is no instant of a waiver")
        return None
    for key, message in _faults_of(waiver, checks):
        faults.add(f"{path}.{key}", message)
    return waiver if len(faults.found) == before else None


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
    requester, approver = written.requested_by.strip().casefold(), written.approved_by.strip().casefold()
    if not requester:
        found.append(("requested_by", "say who asks"))
    if not written.emergency and approver in {"", requester}:
        found.append(("approved_by", "another person than the requester approves"))
    return found + _length_faults(waiver)


def _length_faults(waiver: Waiver) -> list[tuple[str, str]]:
    """Find a waiver that ends before it begins, or lasts too long; a date as its end may end with that day."""
    length = waiver.ends - waiver.starts
    if length <= timedelta(0):
        return [("expires", "lies before its start")]
    written = waiver.written
    if written.emergency:
        return [("expires", "at most 24 hours after its start")] if length > LONGEST_EMERGENCY else []
    longest = LONGEST_STRUCTURAL if waiver.structural or written.vendor else LONGEST
    whole_day = timedelta(0) if isinstance(written.expires, datetime) else timedelta(days=1)
    return [("expires", f"at most {longest.days} days after its start")] if length > longest + whole_day else []


def _instant(moment: date | datetime, at: time) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return datetime.combine(moment, at, tzinfo=UTC)
