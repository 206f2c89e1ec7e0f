"""Roster: the people whom HR knows, from a CSV file (RFC 4180, any delimiter).

API:        a file, read twice (once for repeated keys, once for people); streamed, so its size does not matter.
Privilege:  read access to the file and search access to its folder.
Limits:     none. The file should be replaced by a rename; one that is rewritten while it is read is refused (busy).
Unknown:    a row that cannot be read (cells, quotes, key, export stamp) is a ``members`` gap that names its line: the
            rest is told, and nothing passes until the row is mended. A date or a status that cannot be read leaves the
            person in the count with that fact not told. A column that is not configured is ``not_configured``. Data
            that claims to come from the future has no age, and is a gap too.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Final

import msgspec

from checks.model.doubt import Cause, Gap, members_gap
from checks.model.records import Person
from checks.model.units import rfc3339, utc
from sources.common.delimited import Dialect, Rows, column_faults, is_encoding, open_text, read_rows, undecodable
from sources.common.errors import Busy, Malformed, SourceError, Unconfigured
from sources.common.local import file_error, open_regular
from sources.common.moments import end_of_day, in_utc, is_date_format, read_moment, start_of_day, zone_of
from sources.common.source import Context, Fact, Page, Probe, Source

_BATCH: Final = 1_000
_SKEW: Final = timedelta(minutes=5)
"""How far our clock and the exporter's may differ."""
_SEPARATORS: Final = re.compile(r"[;|,\s]+")


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of the header tells what."""

    key: str
    """The key that accounts are matched by: an e-mail address, a login or an employee id. Never empty in a row."""
    aliases: str | None = None
    """Further keys of the person, separated by ``;``, ``|``, a comma or white space."""
    name: str | None = None
    """What people call the person; shown, never judged. Default: the key."""
    status: str | None = None
    """The person's status, in the words of ``status_values``."""
    starts_at: str | None = None
    """Start of employment; a date means the start of that day. Needed to tell a rehire from a leaver in one row."""
    terminated_at: str | None = None
    """End of employment; a date means the end of that day, an empty cell that none is planned."""


class StatusValues(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The roster's words for a status; case, ``-`` and ``_`` do not matter. Another word is kept, and is unknown."""

    active: tuple[str, ...] = ("active", "employed", "current", "working", "hired", "aktiv", "actif", "activo")
    """Words for people who work here."""
    leave: tuple[str, ...] = (
        "leave",
        "on leave",
        "leave of absence",
        "loa",
        "parental leave",
        "sabbatical",
        "beurlaubt",
    )
    """Words for people who work here and are away."""
    terminated: tuple[str, ...] = (
        *("terminated", "left", "leaver", "inactive", "former", "departed", "resigned", "dismissed", "retired"),
        *("offboarded", "deceased", "inaktiv", "ausgeschieden"),
    )
    """Words for people who have left."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``roster`` source."""

    path: str
    """The CSV file, relative to the configuration file."""
    columns: Columns
    """Which column tells what."""
    as_of: str = "mtime"
    """When the data was true: ``mtime`` of the file, a column (the oldest cell counts), or an RFC 3339 instant."""
    timezone: str = "UTC"
    """IANA time zone of dates, and of times without an offset."""
    date_format: str | None = None
    """How dates are written, as ``%d.%m.%Y`` (Python's strptime); by default ISO 8601."""
    delimiter: str = ","
    """The character between cells."""
    encoding: str = "utf-8"
    """Encoding of the file; a byte order mark is accepted."""
    status_values: StatusValues = StatusValues()
    """The roster's words for a status."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield the people in batches; a row that cannot be read is a gap on the last page.

    Raises ``Unconfigured`` (no such file, column or time zone), ``Refused``, ``Unreachable``, ``Malformed`` (no header,
    wrong encoding) or ``Busy`` (rewritten while it was read).
    """
    path = ctx.folder / config.path
    pages = _pages(_Roster(config, ctx.name, path, ctx.started))
    try:
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            yield page
    except OSError as fault:
        raise file_error(fault, path, ctx.name, "path") from fault


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Read the whole file, and tell what could not be read."""
    asked = f"read {ctx.folder / config.path}"
    people, gaps, stamps = 0, list[Gap](), list[datetime]()
    try:
        async for page in fetch(config, ctx):
            people += len(page.records)
            gaps.extend(page.gaps)
            stamps.extend([] if page.as_of is None else [page.as_of])
    except SourceError as doubt:
        return [Probe(asked, ok=False, detail=str(doubt), cause=doubt.cause, costs=("person",))]
    told = f"{people} people as of {rfc3339(min(stamps))}" if stamps else "no people"
    doubts = [Probe(asked, ok=False, detail=gap.detail, costs=("person",)) for gap in gaps]
    return [Probe(asked, ok=True, detail=told), *doubts]


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: an unknown time zone or encoding, a delimiter of two characters, a word twice."""
    found: list[str] = []
    if not config.path:
        found.append("path: name the CSV file")
    if zone_of(config.timezone) is None:
        found.append(f'timezone: "{config.timezone}" is no IANA time zone; write one such as "Europe/Berlin"')
    if len(config.delimiter) != 1 or config.delimiter in '"\r\n':
        found.append(f'delimiter: "{config.delimiter}" is not one character; write "," or ";" or "\\t"')
    if not is_encoding(config.encoding):
        found.append(f'encoding: "{config.encoding}" is not known; write utf-8, utf-16, cp1252 or iso-8859-1')
    if config.date_format is not None and not is_date_format(config.date_format):
        found.append(f'date_format: "{config.date_format}" names no day, month and year; write one such as "%d.%m.%Y"')
    seen: dict[str, str] = {}
    for status, words in msgspec.structs.asdict(config.status_values).items():
        twice = [word for word in words if seen.setdefault(_plain(word), status) != status]
        found.extend(f'status_values.{status}: "{word}" is a word for {seen[_plain(word)]} already' for word in twice)
    return found


# ------------------------------------------------------------------------------------------------------- the file


@dataclass(frozen=True, slots=True)
class _Roster:
    """What one reading is about."""

    config: Config
    name: str
    path: Path
    started: datetime


def _pages(roster: _Roster) -> Iterator[Page]:
    """Open and read the file; blocking, for a thread, which also closes it."""
    dialect = Dialect(roster.config.delimiter, roster.config.encoding)
    handle = open_regular(roster.path, roster.name, "path")
    with open_text(handle, dialect) as text:
        before = os.fstat(handle.fileno())
        try:
            repeated = _rows(text, dialect, roster).repeated(roster.config.columns.key)
            reading = _Reading(roster, _rows(text, dialect, roster), datetime.fromtimestamp(before.st_mtime, UTC))
            people = _people(reading, repeated)
            while batch := list(islice(people, _BATCH)):
                yield Page(records=batch, as_of=reading.oldest)
        except UnicodeDecodeError as fault:
            place = undecodable(handle, dialect.encoding, fault)
            raise Malformed(f'{roster.name}: {roster.path}: {place}; set encoding, as "cp1252"') from fault
        after = os.fstat(handle.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Busy(f"{roster.name}: {roster.path} was rewritten while it was read; replace it by a rename, or wait")
    yield Page(gaps=_gaps(reading), as_of=reading.oldest)


def _rows(text: io.TextIOWrapper, dialect: Dialect, roster: _Roster) -> Rows:
    """Start at the header; raises ``Malformed`` when there is none, ``Unconfigured`` when it lacks a column."""
    try:
        rows = read_rows(text, dialect)
    except UnicodeDecodeError:
        raise
    except ValueError as fault:
        raise Malformed(f"{roster.name}: {roster.path}: {fault}") from fault
    columns = msgspec.structs.asdict(roster.config.columns)
    wanted = {f"columns.{key}": name for key, name in columns.items() if name is not None}
    if _stamp(roster.config.as_of) is None:
        wanted["as_of"] = roster.config.as_of
    if wrong := column_faults(rows.header, wanted):
        raise Unconfigured(f"{roster.name}: {roster.path}: line 1: {'; '.join(wrong)}")
    return rows


# ------------------------------------------------------------------------------------------------------- people


class _Reading:
    """How the rows of one file become people."""

    def __init__(self, roster: _Roster, rows: Rows, modified: datetime) -> None:
        config, columns = roster.config, roster.config.columns
        zone = zone_of(config.timezone)
        if zone is None:
            raise Unconfigured(f'{roster.name}: timezone: "{config.timezone}" is not known on this machine')
        self.roster = roster
        self.rows = rows
        self.oldest = modified if config.as_of == "mtime" else _stamp(config.as_of)
        self.start_of = lru_cache(maxsize=65_536)(lambda text: _moment(text, zone, config.date_format, end=False))
        self.end_of = lru_cache(maxsize=65_536)(lambda text: _moment(text, zone, config.date_format, end=True))
        self.status_of = lru_cache(maxsize=1_024)(_statuses(config.status_values))
        self.key_at = rows.header.index(columns.key)
        self.places = [
            None if name is None else rows.header.index(name)
            for name in (columns.aliases, columns.name, columns.status, columns.starts_at, columns.terminated_at)
        ]
        self.stamp_at = None if self.oldest is not None else rows.header.index(config.as_of)

    def to_person(self, row: list[str]) -> Person:
        """Make a person of a row; a cell that cannot be read is a fact that is not told."""
        typed = row[self.key_at].strip()
        key = typed.lower()
        aliases_at, name_at, status_at, starts_at, ends_at = self.places
        if self.stamp_at is not None:
            self._note_stamp(row[self.stamp_at].strip())
        keys: tuple[str, ...] = (key,)
        if aliases_at is not None and (aliases := row[aliases_at].strip()):
            keys = tuple(dict.fromkeys(alias for alias in (key, *_SEPARATORS.split(aliases.lower())) if alias))
        why: dict[str, str] = {}
        status = self.status_of(row[status_at].strip()) if status_at is not None else None
        if status is None:
            why["status"] = (Cause.NOT_CONFIGURED if status_at is None else Cause.NOT_EXPOSED).value
        start = _told(self.start_of, None if starts_at is None else row[starts_at].strip(), "starts_at", why)
        ends, end = self._end(None if ends_at is None else row[ends_at].strip(), status, why)
        label = typed if name_at is None else row[name_at].strip() or typed
        return Person(
            id=key,
            source=self.roster.name,
            label=label,
            why=why,
            keys=keys,
            status=status,
            starts_at=start,
            ends=ends,
            ends_at=end,
        )

    def _end(self, text: str | None, status: str | None, why: dict[str, str]) -> tuple[bool | None, datetime | None]:
        """Tell whether and when employment ends. Without a column the status alone decides; an empty cell is no end."""
        if text is None:
            if status is None:
                why["ends"] = Cause.NOT_CONFIGURED.value
                return None, None
            if status == "terminated":
                why["ends_at"] = Cause.NOT_CONFIGURED.value
            return status == "terminated", None
        if not text:
            return False, None
        return True, _told(self.end_of, text, "ends_at", why)

    def _note_stamp(self, text: str) -> None:
        moment = self.start_of(text) if text else None
        if moment is None:
            self.rows.doubt(f'no time in column "{self.roster.config.as_of}"')
        elif self.oldest is None or moment < self.oldest:
            self.oldest = moment


def _people(reading: _Reading, repeated: frozenset[str]) -> Iterator[Person]:
    """Give a person per row; those whose key occurs more than once come last, each with an id of its own."""
    held: defaultdict[str, list[Person]] = defaultdict(list)

    def single() -> Iterator[Person]:
        for row in reading.rows:
            person = reading.to_person(row)
            if not person.id:
                reading.rows.doubt(f'no key in column "{reading.roster.config.columns.key}"')
            elif person.id in repeated:
                held[person.id].append(person)
            else:
                yield person

    def several() -> Iterator[Person]:
        for people in held.values():
            yield from _told_apart(people)

    return chain(single(), several())


def _told_apart(people: list[Person]) -> Iterator[Person]:
    """Give each employment of one key an id: the key, and its start, else its end; equal rows are one."""
    distinct = sorted(set(map(msgspec.json.encode, people)))
    if len(distinct) == 1:
        yield people[0]
        return
    taken: defaultdict[str, int] = defaultdict(int)
    for line in distinct:
        person = msgspec.json.decode(line, type=Person)
        day = person.starts_at or person.ends_at
        name = f"{person.id}@{'open' if day is None else day.date().isoformat()}"
        taken[name] += 1
        unique = name if taken[name] == 1 else f"{name}#{taken[name]}"
        yield msgspec.structs.replace(person, id=unique)


def _gaps(reading: _Reading) -> Sequence[Gap]:
    """Say which rows could not be read, and that data from the future has no age."""
    rows, roster, gaps = reading.rows, reading.roster, list[Gap]()
    if rows.faults:
        gaps.append(members_gap(Cause.MALFORMED, f"{roster.name}: {roster.path}: {rows.told()}; mend the export"))
    if reading.oldest is not None and reading.oldest > roster.started + _SKEW:
        detail = (
            f"{roster.name}: {roster.path} is as of {rfc3339(reading.oldest)}, in the future: how old it is is not told"
        )
        gaps.append(members_gap(Cause.MALFORMED, detail))
    return gaps


def _told(parse: Callable[[str], datetime | None], text: str | None, name: str, why: dict[str, str]) -> datetime | None:
    if not text:
        why[name] = (Cause.NOT_CONFIGURED if text is None else Cause.NOT_EXPOSED).value
        return None
    moment = parse(text)
    if moment is None:
        why[name] = Cause.MALFORMED.value
    return moment


def _moment(text: str, zone: tzinfo, form: str | None, *, end: bool) -> datetime | None:
    """Read a date or a time; a date is the start or the end of that day in the zone. None: it cannot be read."""
    try:
        moment, whole_day = read_moment(text, form)
    except ValueError:
        return None
    if whole_day:
        return end_of_day(moment.date(), zone) if end else start_of_day(moment.date(), zone)
    return in_utc(moment, zone)


def _statuses(values: StatusValues) -> Callable[[str], str | None]:
    """Make the function that reads a status; another word is kept raw, an empty one is not told."""
    words = {_plain(word): status for status, given in msgspec.structs.asdict(values).items() for word in given}
    return lambda text: words.get(_plain(text), text) or None


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _stamp(text: str) -> datetime | None:
    """Read an ``as_of`` that is ``mtime`` (the epoch stands for it) or an instant; None: it is a column."""
    if text == "mtime":
        return datetime.fromtimestamp(0, UTC)
    try:
        return utc(text)
    except ValueError:
        return None


SOURCE: Final = Source(
    title="HR roster in a CSV file",
    config=Config,
    yields=(Person,),
    fetch=fetch,
    test=probe,
    facts=(
        Fact("person", "read access to the file", Cause.DENIED, "A row that cannot be read is a gap, never left out."),
        Fact("person.keys", "columns.key", Cause.NOT_CONFIGURED, "columns.aliases adds further keys."),
        Fact("person.status", "columns.status", Cause.NOT_CONFIGURED, "Without terminated_at it alone decides."),
        Fact("person.starts_at", "columns.starts_at", Cause.NOT_CONFIGURED, "Tells a rehire from a leaver."),
        Fact(
            "person.ends", "columns.terminated_at or columns.status", Cause.NOT_CONFIGURED, "An empty cell is no end."
        ),
        Fact("person.ends_at", "columns.terminated_at", Cause.NOT_CONFIGURED, "A date is the end of that day."),
    ),
    every=timedelta(minutes=15),
    max_age=timedelta(hours=48),
    check=faults,
)
