"""What the restic binary says, held against what the repository's own files say.

Exit code 0 does not mean that restic could read: ``snapshots`` prints ``[]`` and exits 0 when it cannot list them (also
when their folder is gone), and leaves out those that it cannot decrypt.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from checks.model.doubt import Cause, Gap, members_gap
from sources.common.command import Ran, last_line, run
from sources.common.errors import Absent, Busy, Malformed, Refused, SourceError, Truncated, Unreachable

READ_ONLY = ("--no-lock", "--no-cache")
_INSTALL = "install restic (apt-get install restic), or give its path in `binary`"
_SNAPSHOT = re.compile(r"[0-9a-f]{64}")
_UNLISTED = "could not load snapshots"
_DROPPED = re.compile(r"could not load snapshot |Ignoring |failed to load")
_FATAL = re.compile(r"Fatal: ([^\n\"\\]+)")
_DENIED = re.compile(
    r"permission denied|access ?denied|forbidden|unauthorized|accesskey|signaturedoesnotmatch", re.IGNORECASE
)
_NETWORK = re.compile(
    r"connection (refused|reset)|no such host|timeout|timed out|unreachable|no route|tls: |x509|dial tcp|unexpected: 5",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"zero size|not a directory|ciphertext verification|invalid (data|character)|unexpected end of JSON"
)

_ENDINGS: Sequence[tuple[int | None, re.Pattern[str], type[SourceError], str]] = (
    (
        12,
        re.compile("wrong password or no key found"),
        Refused,
        "the password is not accepted, or there are no keys (restic says the same for both); correct `password`",
    ),
    (11, re.compile("unable to create lock|already locked"), Busy, "the repository is locked; look for an old lock"),
    (None, _NETWORK, Unreachable, "the repository cannot be reached"),
    (None, _DENIED, Refused, "the repository may not be read; grant read access to its files or bucket"),
    (
        10,
        re.compile("repository does not exist|unable to open config file|Is there a repository"),
        Absent,
        "there is no restic repository",
    ),
    (None, _DAMAGED, Malformed, "the repository is damaged; run `restic check`"),
    (1, re.compile(r"(?!)"), Unreachable, "restic gave up"),
)
"""Exit code (those above 1 are told since 0.17) or text, in this order, and what it means."""


class Summary(msgspec.Struct, frozen=True, gc=False):
    """What the writer counted; since restic 0.17."""

    backup_end: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """End of the run, any offset."""
    total_bytes_processed: int | None = None
    """Logical size of all files."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One snapshot, as ``snapshots --json`` gives it."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    """SHA-256 of the snapshot file, hex."""
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    """Start of the run by the writer's clock, any offset."""
    hostname: str = ""
    """Host that was backed up."""
    paths: tuple[str, ...] | None = None
    """Paths that were backed up."""
    tags: tuple[str, ...] | None = None
    """Tags of the snapshot."""
    summary: Summary | None = None
    """None when an older restic wrote it."""

    def __post_init__(self) -> None:
        """Refuse a time that UTC has no date for; msgspec makes a shape that is new to us of it."""
        ends = (self.summary.backup_end,) if self.summary is not None and self.summary.backup_end is not None else ()
        try:
            for moment in (self.time, *ends):
                moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("a time is outside the calendar") from None


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and how it is opened; holds secrets, so it is never shown."""

    source: str
    """Name of the configured source, for messages."""
    binary: str
    """Name or path of restic."""
    env: Mapping[str, str]
    """The whole environment of restic, the repository's address in it."""
    password: str
    """Password of the repository."""
    timeout: timedelta
    """Time for one command."""
    folder: Path | None
    """Folder of a local repository; None for any other."""
    hidden: tuple[str, ...]
    """Values that no message may hold."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The snapshots that restic could read, and what it could not."""

    rows: Sequence[Row]
    """Snapshots in restic's order."""
    gap: Gap | None = None
    """Why snapshots may be missing; None when all are there."""
    whole: bool = True
    """False when the snapshots could not be listed at all, so that no set can be counted."""


_ROWS = msgspec.json.Decoder(tuple[Row, ...] | None)


async def run_restic(repository: Repository, *arguments: str) -> Ran:
    """Run restic to a good end.

    Raises:
        Unconfigured: no binary; or ``Absent``, no repository there.
        Refused: the password or the permission is wrong.
        Busy: the repository is locked.
        Unreachable: the back end or restic did not answer in time.
        Malformed: the repository is damaged, or restic ended in a way that is new to us.
        Truncated: the output passed its cap.
    """
    ran = await run(
        [repository.binary, *arguments],
        source=repository.source,
        env=repository.env,
        timeout=repository.timeout,
        install=_INSTALL,
        handed={"RESTIC_PASSWORD_FILE": repository.password},
    )
    asked = f"{repository.source}: restic {arguments[0]}"
    if ran.truncated:
        raise Truncated(f"{asked}: the output is larger than our cap; forget old snapshots, or split the repository")
    if ran.code != 0:
        raise _meaning(asked, ran, repository.hidden)
    return ran


async def list_snapshots(repository: Repository) -> Listing:
    """Read all snapshots, and hold against them what the repository's own files say; raises as ``run_restic``."""
    before = await _names(repository)
    if isinstance(before, Gap):
        return Listing((), before, whole=False)
    ran = await run_restic(repository, "snapshots", "--json", *READ_ONLY)
    rows = _rows(repository, ran)
    if _UNLISTED in ran.stderr:
        detail = f"restic exits with 0, but could not list the snapshots: {last_line(ran.stderr, repository.hidden)}"
        return Listing(rows, members_gap(_cause(ran.stderr), detail), whole=False)
    held = await _held(repository, before, doubtful=not rows or _DROPPED.search(ran.stderr) is not None)
    lost = held - {row.id for row in rows}
    if not lost:
        return Listing(rows)
    detail = f"{len(lost)} snapshot files gave no row, as {min(lost)[:8]}; run `restic check` and look for damage"
    return Listing(rows, members_gap(Cause.MALFORMED, detail, missing=len(lost)))


async def _names(repository: Repository) -> frozenset[str] | Gap | None:
    """Name the snapshot files of a local repository; a gap where they cannot be listed, None where no folder is."""
    if repository.folder is None:
        return None
    try:
        async with asyncio.timeout(repository.timeout.total_seconds()):
            return await asyncio.to_thread(_scan, repository.folder)
    except TimeoutError:
        return members_gap(Cause.UNREACHABLE, "the snapshots folder does not answer; is its file system mounted?")
    except PermissionError:
        return members_gap(Cause.DENIED, "the snapshots folder may not be read; grant read access to the repository")
    except OSError as error:
        detail = f"the snapshots folder is gone or damaged ({error.strerror}), and the rest of the repository is there"
        return members_gap(Cause.MALFORMED, f"{detail}; restic itself would show no snapshots")


def _scan(repository: Path) -> frozenset[str] | None:
    """Name the snapshot files; None when the folder holds no repository, which restic says better."""
    try:
        with os.scandir(repository / "snapshots") as entries:
            return frozenset(entry.name for entry in entries if _SNAPSHOT.fullmatch(entry.name))
    except FileNotFoundError:
        if (repository / "config").exists():
            raise
        return None


async def _held(repository: Repository, before: frozenset[str] | None, *, doubtful: bool) -> frozenset[str]:
    """Name the snapshots that the repository holds, as far as another look than ``snapshots`` tells.

    A local folder is looked at twice, so that what came or went meanwhile is not taken for lost. Elsewhere restic lists
    the files, which costs another start, so only a doubtful answer is held against it.
    """
    if before is not None:
        after = await _names(repository)
        return before & after if isinstance(after, frozenset) else before
    if not doubtful:
        return frozenset()
    ran = await run_restic(repository, "list", "snapshots", *READ_ONLY)
    return frozenset(_SNAPSHOT.findall(ran.stdout.decode("ascii", "replace")))


def _meaning(asked: str, ran: Ran, hidden: Sequence[str]) -> SourceError:
    fatal = _FATAL.search(ran.stderr)
    said = last_line(fatal.group(1) if fatal else ran.stderr, hidden)
    if ran.code < 0:
        return Unreachable(f"{asked} was ended by signal {-ran.code}; is memory short?")
    for code, text, error, words in _ENDINGS:
        if ran.code == code or text.search(ran.stderr):
            found = f"{asked} ended with code {ran.code}: {words}"
            if error is Absent:
                return Absent(f"{found} (restic: {said})", "correct `repository`, or mount it", "`repository`")
            return error(f"{found} (restic: {said})")
    return Malformed(
        f"{asked} ended with code {ran.code}, which is new to us (restic: {said}); report it with `restic version`"
    )


def _rows(repository: Repository, ran: Ran) -> Sequence[Row]:
    try:
        return _ROWS.decode(ran.stdout) or ()
    except msgspec.DecodeError as error:
        where = str(error).rsplit(" at ", 1)[-1] if isinstance(error, msgspec.ValidationError) else "$"
        message = f"{repository.source}: restic snapshots: the JSON has a shape that is new to us at {where[:80]}"
        raise Malformed(f"{message}; report it with `restic version`") from None


def _cause(text: str) -> Cause:
    if _DENIED.search(text):
        return Cause.DENIED
    return Cause.MALFORMED if _DAMAGED.search(text) else Cause.UNREACHABLE
