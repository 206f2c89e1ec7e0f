"""Files: the dumps and archives that a glob pattern finds are the backups of one set.

API:        the file system: names, sizes and modification times; contents only for ``checksum``.
Privilege:  read and search access to the folders; read access to the newest file for ``checksum``.
Limits:     links, sockets and folders never count. Up to 8 GiB are hashed, once per version of the newest file.
Unknown:    a folder that is not there, may not be read or is not mounted ends the run: it is never an empty set. A name
            without the date that ``date`` asks for leaves the age of that file not told (``malformed``).

The age is that of the data, so the older word wins. Modification times are refreshed by copies and restores, so a date
in the name that is older decides; a name that is newer than the last change of its file does not. A name that tells
only a day means the time of the last change where that lies within the day, else the start of the day.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from checks.model.doubt import Cause
from checks.model.records import Backup, BackupSet
from checks.model.units import Duration, duration, rfc3339
from sources.common.errors import SourceError, Unconfigured, Unreachable
from sources.common.globbing import Found, Glob, find, legible, look_again, split_pattern
from sources.common.local import file_error
from sources.common.moments import zone_of
from sources.common.mounts import is_mount_point
from sources.common.named_dates import Named, compiled, named_by, named_in
from sources.common.sidecar import SUFFIX, hashing, stated_sha256
from sources.common.source import Context, Fact, Page, Probe, Source

_BATCH: Final = 1_000
_GAP_SECONDS: Final = 0.2
"""Time between the two looks at the newest files."""
_LOOKED_AT_TWICE: Final = 32
_HASHED: Final = 8 << 30
"""The longest file that is hashed, in octets."""
_SKEW: Final = timedelta(minutes=5)
"""How far our clock and the file server's may differ."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``files`` source."""

    set: str
    """The backup set that these files are a copy of."""
    pattern: str
    """Glob of the files, relative to the configuration file; ``**`` stands for any number of folders."""
    rpo: Duration | None = None
    """Recovery point objective of the set; default: the check's."""
    grace: Duration | None = None
    """Time past ``rpo`` in which the set is warned; default: the check's."""
    date: str = "auto"
    """``auto`` (the older of name and file time), ``name``, ``mtime``, or a template such as ``%d%m%Y-%H%M``."""
    timezone: str = "UTC"
    """IANA time zone of dates in names that tell no offset."""
    min_bytes: int = 1
    """A smaller file is a failed backup."""
    ignore: tuple[str, ...] = ("*.part", "*.partial", "*.tmp", "*.sha256")
    """Names that never count; hidden files count only when the pattern begins with a dot."""
    settle: Duration = duration("60s")
    """A file that changed more recently is still being written."""
    mount: bool | str = False
    """The folder that must be a mount point (true: the fixed part of the pattern): an unmounted disk looks empty."""
    checksum: Literal["none", "sha256"] = "none"
    """``sha256``: the newest file is compared with ``NAME.sha256`` beside it, and is ``verified`` or ``failed``."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield the set and its backups.

    Raises ``Unconfigured`` (no such folder), ``Unreachable`` (not mounted, not readable now) or ``Refused``.
    """
    copy = _copy(config, ctx)
    looks = await _looked_twice(copy, await _listed(copy))
    if config.checksum == "sha256":
        looks = await _verified(copy, looks, ctx.scratch / "verified.json")
    yield Page(records=[_to_set(copy, len(looks))], claimed=1 + len(looks))
    backups = iter(looks)
    while batch := list(islice(backups, _BATCH)):
        yield Page(records=[_to_backup(copy, look) for look in batch])


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """List the files, and tell the newest and what is odd about their dates."""
    asked = f"list {ctx.folder / config.pattern}"
    try:
        copy = _copy(config, ctx)
        looks = await _listed(copy)
    except SourceError as doubt:
        return [Probe(asked, ok=False, detail=str(doubt), cause=doubt.cause, costs=("backup_set", "backup"))]
    newest = max((look for look in looks if look.started_at is not None), key=_age, default=None)
    told = "none" if newest is None else f"{legible(newest.found.path)} with data of {rfc3339(_age(newest))}"
    found = [Probe(asked, ok=True, detail=f"{len(looks)} files, the newest: {told}")]
    if undated := sum(look.started_at is None for look in looks):
        found.append(
            Probe("dates in names", ok=False, detail=f"{undated} names tell none", costs=("backup.started_at",))
        )
    if odd := [look for look in looks if look.disagrees]:
        detail = f"{len(odd)} names differ from the file time by more than a day, as {legible(odd[0].found.path)}"
        found.append(Probe("dates in names", ok=None, detail=detail))
    return found


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name what the types cannot say: an impossible pattern, date template, time zone, objective or mount point."""
    found = _pattern_faults(config, folder)
    if not config.set:
        found.append("set: name the backup set")
    zero = {"rpo": config.rpo, "grace": config.grace}
    found.extend(
        f"{key}: must be longer than 0s; leave it out for the check's own"
        for key, value in zero.items()
        if value is not None and value <= timedelta(0)
    )
    if config.min_bytes < 1:
        found.append("min_bytes: must be at least 1, since an empty file is no backup")
    if zone_of(config.timezone) is None:
        found.append(f'timezone: "{config.timezone}" is no IANA time zone; write one such as "Europe/Berlin"')
    if config.date not in {"auto", "name", "mtime"}:
        try:
            compiled(config.date)
        except ValueError as fault:
            found.append(f'date: "{config.date}" is not auto, name or mtime, and as a template: {fault}')
    return found


def _pattern_faults(config: Config, folder: Path) -> list[str]:
    try:
        root = split_pattern(config.pattern, folder).root
    except ValueError as fault:
        return [f'pattern: "{config.pattern}": {fault}']
    if isinstance(config.mount, str):
        mount = folder / config.mount
        within = root.resolve()
        if not config.mount or mount.resolve() not in {within, *within.parents}:
            return [f'mount: "{config.mount}" does not hold the files of {root}']
    return []


def labels(config: Config) -> Mapping[str, str]:
    """Let the declared set be a metric label."""
    return {config.set: config.set}


# ------------------------------------------------------------------------------------------------------- looking


@dataclass(frozen=True, slots=True)
class _Copy:
    """One copy of a set, at one time."""

    config: Config
    name: str
    glob: Glob
    zone: tzinfo
    now: datetime
    mount: Path | None


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of one file."""

    found: Found
    modified: datetime | None
    """Last change, UTC; None: beyond the calendar."""
    started_at: datetime | None
    """The time of its data, UTC; None: not told."""
    disagrees: bool
    """Whether name and last change differ by more than a day."""
    status: str
    depth: str = "exists"


def _copy(config: Config, ctx: Context) -> _Copy:
    zone = zone_of(config.timezone)
    if wrong := faults(config, ctx.folder):
        raise Unconfigured(f"{ctx.name}: {'; '.join(wrong)}")
    glob = split_pattern(config.pattern, ctx.folder)
    mount = ctx.folder / config.mount if isinstance(config.mount, str) else glob.root if config.mount else None
    return _Copy(config, ctx.name, glob, zone or UTC, ctx.now(), mount)


async def _listed(copy: _Copy) -> list[_Look]:
    """Find the files; raises the error of who must act: a folder that cannot be read is never an empty one."""
    if copy.mount is not None and not await asyncio.to_thread(is_mount_point, copy.mount):
        raise Unreachable(f"{copy.name}: {copy.mount} is not mounted; mount it, or mend mount")
    try:
        found = await asyncio.to_thread(find, copy.glob)
    except OSError as fault:
        raise file_error(fault, Path(fault.filename or copy.glob.root), copy.name, "pattern") from fault
    ignored = (*copy.config.ignore, *(("*" + SUFFIX,) if copy.config.checksum == "sha256" else ()))
    counted = [one for one in found.values() if not any(fnmatchcase(Path(one.path).name, name) for name in ignored)]
    return [_look(copy, one) for one in counted]


def _look(copy: _Copy, found: Found) -> _Look:
    try:
        modified = _EPOCH + timedelta(microseconds=found.mtime_ns // 1_000)
    except OverflowError:
        modified = None
    named = _named(copy, found.path)
    far = named is not None and modified is not None and not named.start - _DAY <= modified <= named.end + _DAY
    return _Look(
        found, modified, _started_at(copy.config.date, named, modified), far, _status(copy, found.size, modified)
    )


def _named(copy: _Copy, path: str) -> Named | None:
    if copy.config.date == "mtime":
        return None
    if copy.config.date in {"auto", "name"}:
        return named_in(path, copy.zone)
    return named_by(path, copy.config.date, copy.zone)


def _started_at(date: str, named: Named | None, modified: datetime | None) -> datetime | None:
    """Choose the older of what the name and the file tell, unless the operator has chosen one of them."""
    if named is None:
        return modified if date in {"auto", "mtime"} else None
    if modified is not None and (named.start <= modified < named.end or (date == "auto" and modified < named.start)):
        return modified
    return named.start


def _status(copy: _Copy, size: int, modified: datetime | None) -> str:
    """Tell a file that is still being written, or too small. One from the future is left to the second look."""
    if modified is not None and copy.now - copy.config.settle < modified <= copy.now + _SKEW:
        return "running"
    return "failed" if size < copy.config.min_bytes else "complete"


async def _looked_twice(copy: _Copy, looks: list[_Look]) -> list[_Look]:
    """Look at the newest files again: one that has changed is still being written, one that has vanished is none."""
    suspects = sorted((look for look in looks if look.status == "complete"), key=_age)[-_LOOKED_AT_TWICE:]
    if not suspects:
        return looks
    await asyncio.sleep(_GAP_SECONDS)
    try:
        again = await asyncio.to_thread(lambda: {one.found.path: look_again(copy.glob, one.found) for one in suspects})
    except OSError as fault:
        raise file_error(fault, Path(fault.filename or copy.glob.root), copy.name, "pattern") from fault
    kept = [look for look in looks if again.get(look.found.path, look.found) is not None]
    return [
        look if again.get(look.found.path, look.found) == look.found else replace(look, status="running")
        for look in kept
    ]


def _age(look: _Look) -> datetime:
    return look.started_at or datetime.max.replace(tzinfo=UTC)


# ------------------------------------------------------------------------------------------------------- checksums


class _Compared(msgspec.Struct, frozen=True):
    """The last file that was compared with its checksum."""

    path: str
    size: int
    mtime_ns: int
    stated: str
    equal: bool


async def _verified(copy: _Copy, looks: list[_Look], memory: Path) -> list[_Look]:
    """Compare the newest complete file with its checksum."""
    settled = [look for look in looks if look.status == "complete" and look.started_at is not None]
    newest = max((look for look in settled if _age(look) <= copy.now + _SKEW), key=_age, default=None)
    if newest is None or newest.found.size > _HASHED:
        return looks
    equal = await _is_as_stated(copy, newest.found, memory)
    if equal is None:
        return looks
    proven = replace(newest, depth="verified") if equal else replace(newest, status="failed")
    return [proven if look is newest else look for look in looks]


async def _is_as_stated(copy: _Copy, found: Found, memory: Path) -> bool | None:
    """Compare a file with its sidecar; None: there is none, or the file cannot be read as it was seen."""
    path = copy.glob.root / found.path
    stated = await asyncio.to_thread(stated_sha256, path, copy.name)
    if stated is None:
        return None
    asked = _Compared(legible(found.path), found.size, found.mtime_ns, stated, equal=True)
    remembered = await asyncio.to_thread(_remembered, memory)
    if remembered is not None and msgspec.structs.replace(remembered, equal=True) == asked:
        return remembered.equal
    digest = await _hashed(path, copy.name)
    if digest is None or await asyncio.to_thread(look_again, copy.glob, found) != found:
        return None
    answer = msgspec.structs.replace(asked, equal=digest == stated)
    with suppress(OSError):  # only a cache: without it the file is hashed again
        await asyncio.to_thread(memory.write_bytes, msgspec.json.encode(answer))
    return answer.equal


async def _hashed(path: Path, name: str) -> str | None:
    steps = hashing(path, name)
    try:
        while (digests := await asyncio.to_thread(lambda: list(islice(steps, 64)))) and digests[-1] is None:
            pass
    except (SourceError, OSError):
        return None
    return digests[-1] if digests else None


def _remembered(memory: Path) -> _Compared | None:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=_Compared)
    except (OSError, msgspec.DecodeError):
        return None


# ------------------------------------------------------------------------------------------------------- records


def _to_set(copy: _Copy, count: int) -> BackupSet:
    config = copy.config
    return BackupSet(
        id=config.set,
        source=copy.name,
        label=config.set,
        declared=True,
        backups=count,
        unreadable=0,
        rpo_seconds=0.0 if config.rpo is None else config.rpo.total_seconds(),
        grace_seconds=0.0 if config.grace is None else config.grace.total_seconds(),
    )


def _to_backup(copy: _Copy, look: _Look) -> Backup:
    """Tell one file; the end of its run is its last change, where that is near the time of its data."""
    started, modified = look.started_at, look.modified
    near = started is not None and modified is not None and started <= modified <= started + _DAY
    finished = modified if near and look.status != "running" else None
    untold = {
        "started_at": Cause.MALFORMED if started is None else None,
        "finished_at": Cause.NOT_EXPOSED if finished is None else None,
    }
    path = legible(look.found.path)
    changed = "" if modified is None or not look.disagrees else f" (changed {rfc3339(modified)})"
    return Backup(
        id=path,
        source=copy.name,
        label=path + changed,
        why={field: cause.value for field, cause in untold.items() if cause is not None},
        set=copy.config.set,
        started_at=started,
        finished_at=finished,
        status=look.status,
        size_bytes=look.found.size,
        depth=look.depth,
    )


SOURCE: Final = Source(
    title="Dumps and archives in a folder, found by a glob pattern",
    config=Config,
    yields=(BackupSet, Backup),
    fetch=fetch,
    test=probe,
    facts=(
        Fact("backup_set", "read and search access to the folders", Cause.DENIED, "The set is declared; always there."),
        Fact("backup_set.declared", "none", Cause.NOT_CONFIGURED, "The configuration names it."),
        Fact("backup_set.backups", "read and search access to the folders", Cause.DENIED, "0 is told."),
        Fact("backup_set.unreadable", "read and search access to the folders", Cause.DENIED),
        Fact("backup_set.rpo_seconds", "none", Cause.NOT_CONFIGURED, "0: the check's."),
        Fact("backup_set.grace_seconds", "none", Cause.NOT_CONFIGURED, "0: the check's."),
        Fact("backup", "read and search access to the folders", Cause.DENIED, "Regular files; links never count."),
        Fact("backup.started_at", "none beyond listing", Cause.MALFORMED, "The older of name and last change."),
        Fact("backup.finished_at", "none beyond listing", Cause.NOT_EXPOSED, "The last change of the file."),
        Fact("backup.size_bytes", "none beyond listing", Cause.DENIED),
        Fact("backup.status", "none beyond listing", Cause.UNREACHABLE, "complete: settled, and min_bytes or longer."),
        Fact("backup.depth", "read access to the newest file", Cause.DENIED, "verified only by checksum = sha256."),
    ),
    every=timedelta(minutes=15),
    max_age=timedelta(hours=6),
    labels=labels,
    check=faults,
)
