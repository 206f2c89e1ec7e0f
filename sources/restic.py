"""A restic repository: its snapshots, grouped into backup sets, and what of it could not be read.

API:        the restic binary, 0.14 and later: ``restic snapshots --json --no-lock --no-cache``, all rows, grouped here;
            ``restic list snapshots`` where that answer is doubtful; ``cat config`` and ``version`` for the test.
            Without a cache a damaged snapshot file cannot hide behind a good copy; without a lock nothing is written.
Privilege:  read access to the repository's files or bucket, and its password (restic has no lesser one).
Limits:     one process at a time, ended after ``command_timeout`` with its children; 64 MiB of output (about 100 000
            snapshots).
Unknown:    restic prints ``[]`` and exits 0 when it cannot list the snapshots, and drops those that it cannot decrypt.
            A folder that cannot be read, or is gone, is a gap and no zero; so is every snapshot file that gave no row.
            A snapshot does not say whether files were skipped on the way (exit code 3 of the run does), so what is
            proven is that it exists. Its time is the writer's own clock. Retagging a snapshot gives it another id.
Read:       restic.readthedocs.io 075_scripting and design, 2026-11-21; behaviour tried with 0.14.0, 0.18.0 and 0.19.1.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from pathlib import Path

import msgspec

from checks.model.doubt import Cause
from checks.model.records import Backup, BackupSet, Record
from checks.model.units import Duration, duration
from sources.common.command import last_line, minimal_env
from sources.common.errors import SourceError
from sources.common.restic_cli import READ_ONLY, Listing, Repository, Row, Summary, list_snapshots, run_restic
from sources.common.restic_sizes import with_sizes
from sources.common.settings import Secret
from sources.common.source import Context, Fact, Page, Probe, Progress, Source

_PAGE = 1_000
_OWN_VARIABLES = frozenset({"PATH", "HOME", "TZ", "LC_ALL"})
_BACKEND = re.compile(r"(rest|sftp|s3|b2|azure|gs|swift|rclone):")
_RESTIC_VARIABLES = frozenset(
    {"RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD", "RESTIC_CACERT", "RESTIC_TLS_CLIENT_CERT"}
)


class DeclaredSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backup set that the repository should hold."""

    set: str
    """Name of the set: the subject of its findings, and a metric label."""
    host: str
    """Host name as the snapshots tell it."""
    paths: tuple[str, ...]
    """All paths of the snapshots, as they tell them; the order does not matter."""
    tags: tuple[str, ...] = ()
    """Tags that a snapshot must bear to count, among others; by default any."""
    rpo: Duration | None = None
    """The set's own recovery point objective; by default the check's."""
    grace: Duration | None = None
    """The set's own grace; by default the check's."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``restic`` source."""

    repository: str
    """Repository as restic writes it: a folder (relative to the configuration file), ``s3:…``, ``rest:…``, …"""
    password: Secret
    """Reference to the repository's password."""
    binary: str = "restic"
    """Name on the PATH, or path relative to the configuration file, of the restic binary."""
    sets: tuple[DeclaredSet, ...] = ()
    """Sets that must be there; others that are found are warned. Without any, each host and paths found is a set."""
    environment: Mapping[str, Secret] = {}
    """Variables of the back end, as ``AWS_ACCESS_KEY_ID``, each a reference to a secret; nothing else is inherited."""
    command_timeout: Duration = duration("60s")
    """Time for one restic command; against a back end that is down restic itself would try for ever."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield the backups, and then their sets with what is declared and counted."""
    repository = await _repository(config, ctx)
    listing = await list_snapshots(repository)
    ctx.progress(Progress(done=1))
    named = [(row, _set_of(config.sets, row)) for row in listing.rows]
    named = await with_sizes(repository, named, ctx.scratch, ctx.now())
    for start in range(0, len(named), _PAGE):
        yield Page(records=[to_backup(ctx.name, row, name) for row, name in named[start : start + _PAGE]])
        await asyncio.sleep(0)
    counts = Counter(name for _, name in named)
    yield Page(records=list(to_sets(ctx.name, config.sets, counts, listing)), gaps=[listing.gap] if listing.gap else [])


def to_backup(source: str, row: Row, name: str) -> Backup:
    """Tell one snapshot; restic records a snapshot only at the end of a run, whatever the run had to skip."""
    summary = row.summary or Summary()
    why: dict[str, str] = {}
    if summary.backup_end is None:
        why["finished_at"] = Cause.NOT_EXPOSED
    if summary.total_bytes_processed is None:
        why["size_bytes"] = Cause.NOT_EXPOSED
    return Backup(
        id=row.id,
        source=source,
        label=f"{name} {row.id[:8]}",
        why=why,
        set=name,
        started_at=row.time.astimezone(UTC),
        finished_at=summary.backup_end.astimezone(UTC) if summary.backup_end is not None else None,
        status="complete",
        size_bytes=summary.total_bytes_processed,
        depth="exists",
    )


def to_sets(
    source: str, declared: Sequence[DeclaredSet], counts: Mapping[str, int], listing: Listing
) -> Iterator[BackupSet]:
    """Tell the declared sets, found or not, and those found besides; without declarations all count as declared."""
    terms = {one.set: (_seconds(one.rpo), _seconds(one.grace)) for one in declared}
    for name in [*terms, *(name for name in counts if name not in terms)]:
        rpo, grace = terms.get(name, (0.0, 0.0))
        why: dict[str, str] = {}
        held: int | None = counts.get(name, 0)
        if listing.gap is not None:
            why["unreadable"] = listing.gap.cause
            if not listing.whole or held == 0:
                why["backups"], held = listing.gap.cause, None
        yield BackupSet(
            id=name,
            source=source,
            label=name,
            why=why,
            declared=name in terms or not terms,
            backups=held,
            unreadable=0 if listing.gap is None else None,
            rpo_seconds=rpo,
            grace_seconds=grace,
        )


async def test(config: Config, ctx: Context) -> Sequence[Probe]:
    """Try the binary, the password and the listing; each needs the one before."""
    probes: list[Probe] = []
    costs = ("backup_set", "backup")
    asked = ("restic version", "restic cat config", "restic snapshots")
    try:
        repository = await _repository(config, ctx)
        version = await run_restic(repository, "version")
        probes.append(Probe(asked[0], ok=True, detail=last_line(version.stdout.decode("utf-8", "replace"))))
        await run_restic(repository, "cat", "config", *READ_ONLY)
        probes.append(Probe(asked[1], ok=True, detail="the repository opens with the password"))
        listing = await list_snapshots(repository)
        detail = listing.gap.detail if listing.gap else f"{len(listing.rows)} snapshots"
        probes.append(Probe(asked[2], ok=listing.gap is None, detail=detail, costs=costs if listing.gap else ()))
    except SourceError as error:
        probes.append(Probe(asked[len(probes)], ok=False, detail=str(error), cause=error.cause, costs=costs))
    return [*probes, *(Probe(rest, ok=None, detail="not tried", costs=costs) for rest in asked[len(probes) :])]


async def _repository(config: Config, ctx: Context) -> Repository:
    """Resolve secrets and paths; restic learns repository and password from its environment, not its arguments."""
    folder = None if _BACKEND.match(config.repository) else ctx.folder / config.repository.removeprefix("local:")
    extra = {name: await ctx.secret(reference) for name, reference in config.environment.items()}
    password = await ctx.secret(config.password)
    where = str(folder) if folder is not None else config.repository
    return Repository(
        source=ctx.name,
        binary=str(ctx.folder / config.binary) if "/" in config.binary else config.binary,
        env=minimal_env(ctx.scratch, **extra, RESTIC_REPOSITORY=where),
        password=password,
        timeout=min(config.command_timeout, max(ctx.deadline - (ctx.now() - ctx.started), timedelta(seconds=1))),
        folder=folder,
        hidden=(password, *extra.values()),
    )


def _set_of(declared: Sequence[DeclaredSet], row: Row) -> str:
    """Name the declared set of a snapshot, the one with most tags first; else its host and paths."""
    paths, tags = _paths(row.paths or ()), frozenset(row.tags or ())
    fits = [
        one for one in declared if one.host == row.hostname and _paths(one.paths) == paths and tags.issuperset(one.tags)
    ]
    if fits:
        return max(fits, key=lambda one: len(one.tags)).set
    return f"{row.hostname}:{','.join(path.replace(',', '%2C') for path in sorted(paths))}"


def _paths(paths: Sequence[str]) -> frozenset[str]:
    return frozenset(path.rstrip("/") or "/" for path in paths)


def _seconds(length: timedelta | None) -> float:
    return 0.0 if length is None else length.total_seconds()


def check(config: Config, folder: Path) -> Sequence[str]:
    """Name the faults that the types cannot say: repeated sets, empty paths, variables that bend what restic reads."""
    faults: list[str] = []
    names = Counter(one.set for one in config.sets)
    faults += [f'sets: "{name}" is declared {count} times' for name, count in names.items() if count > 1]
    keys = Counter((one.host, _paths(one.paths), frozenset(one.tags)) for one in config.sets)
    faults += [
        f"sets: two sets have host {key[0]} and the same paths and tags" for key, count in keys.items() if count > 1
    ]
    faults += [f'sets: "{one.set}" has no paths' for one in config.sets if not one.paths]
    for name in config.environment:
        if name in _OWN_VARIABLES or (name.startswith("RESTIC_") and name not in _RESTIC_VARIABLES):
            faults.append(f"environment: {name} is not allowed here; allowed are the back end's own variables")
    if config.command_timeout <= timedelta(0):
        faults.append("command_timeout: must be longer than 0s")
    return faults


def labels(config: Config) -> Mapping[str, str]:
    """Give the declared sets as metric labels; sets that were only found are none."""
    return {one.set: one.set for one in config.sets}


_PERMISSION = "read access to the repository, and its password"
_TELLS: tuple[type[Record], ...] = (BackupSet, Backup)

SOURCE = Source(
    title="restic repository: snapshots by backup set",
    config=Config,
    yields=_TELLS,
    fetch=fetch,
    test=test,
    facts=(
        Fact("backup_set", _PERMISSION, Cause.DENIED, "declared sets are always told; others are found"),
        Fact(
            "backup_set.declared",
            "none",
            Cause.NOT_CONFIGURED,
            "without declarations every set found counts as declared",
        ),
        Fact("backup_set.backups", _PERMISSION, Cause.DENIED),
        Fact("backup_set.unreadable", _PERMISSION, Cause.DENIED, "0, or not told: a damaged snapshot hides its set"),
        Fact("backup_set.rpo_seconds", "none", Cause.NOT_CONFIGURED, "0: the check's"),
        Fact("backup_set.grace_seconds", "none", Cause.NOT_CONFIGURED, "0: the check's"),
        Fact("backup", _PERMISSION, Cause.DENIED, "by snapshot id, which retagging changes"),
        Fact("backup.started_at", _PERMISSION, Cause.DENIED, "the writer's own clock"),
        Fact("backup.finished_at", _PERMISSION, Cause.NOT_EXPOSED, "snapshots written by restic 0.17 and later"),
        Fact("backup.status", _PERMISSION, Cause.DENIED, "a snapshot does not tell that files were skipped"),
        Fact("backup.size_bytes", _PERMISSION, Cause.NOT_EXPOSED, "from the writer since 0.17; else of a set's newest"),
        Fact("backup.depth", _PERMISSION, Cause.DENIED, "exists: neither verified nor restored"),
    ),
    every=timedelta(minutes=30),
    max_age=timedelta(hours=6),
    labels=labels,
    check=check,
)
