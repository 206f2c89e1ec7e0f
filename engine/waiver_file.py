"""The waiver file is edited as a careful person does it: lines are added, or one value replaced; nothing else moves.

Comments, order, spacing and line ends of everything else stay byte for byte. An edit is a change of text that is proven
before it is written: what the file then says is what it said before and the one change, or it is not written. A file
that was changed since it was read is never overwritten; one that does not parse is not touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from engine import waiver_text
from engine.convert import nearest
from engine.port.people import person
from engine.waivers import LONGEST_EMERGENCY, LONGEST_FILE, Malformed, Waiver, Waivers, parse
from sources.common.errors import SourceError
from sources.common.local import open_regular

LOCK_SECONDS: Final = 5.0
LOCK_POLL_SECONDS: Final = 0.02
MOST_DAYS: Final = 100_000
"""More than any limit allows, and few enough to count with."""

Edit = Callable[[str, Waivers], tuple[str, str]]
"""Text without its byte order mark, and what it says, to the new text and the id of the entry that changed."""


class WaiverRefused(Exception):
    """The file was not changed; the message says why and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for."""

    check: str
    by: str
    reason: str
    subjects: tuple[str, ...] = ()
    source: str = ""
    cause: str = ""
    compensating_control: str = ""
    ticket: str = ""
    days: int = 90
    until: date | datetime | None = None
    """Instead of ``days``; a date means the end of that day, UTC."""
    emergency: bool = False
    """One person decides, for 24 hours at most; ``days`` does not count."""
    vendor: bool = False
    extends: str = ""
    """The waiver that it goes on with, which must be in the file."""


def request(path: Path, asked: Asked, checks: Collection[str], now: datetime, taken: Collection[str] = ()) -> Waiver:
    """Add a request, or an emergency waiver, under a new id that is none of ``taken``; raises ``WaiverRefused``."""

    def edit(text: str, found: Waivers) -> tuple[str, str]:
        if asked.extends:
            _named(path, asked.extends, found)
        named = {item.written.id for item in found.waivers} | {item.id for item in found.malformed}
        fresh = waiver_text.next_id({*named, *taken}, now.year)
        changed = waiver_text.appended(text, _entry(fresh, asked, now))
        if changed is None:
            raise WaiverRefused(f"{path.name}: a [[waiver]] cannot be added as it is written; write [[waiver]] tables")
        return changed, fresh

    return _edited(path, checks, edit)


def approve(
    path: Path,
    name: str,
    by: str,
    checks: Collection[str],
    now: datetime,
    *,
    user: str = "",
    entry: str | None = None,
) -> Waiver:
    """Have another person than the requester approve a request; raises ``WaiverRefused``.

    ``by`` is whom the file names; ``user``, where it is known beside that, is who really asks, and another too.
    ``entry`` is the digest of what was read, here and below; None: whatever the file says now is meant.
    """

    def edit(text: str, found: Waivers) -> tuple[str, str]:
        waiver = _read_one(path, name, found, entry)
        status = waiver.status(now)
        if status != "requested":
            raise WaiverRefused(f"{name} is {status}; only a request can be approved{_anew(status)}")
        if not person(by):
            raise WaiverRefused("say who approves")
        if person(waiver.written.requested_by) in {person(by), person(user)}:
            raise WaiverRefused(
                f"{waiver.written.requested_by} requested {name}: another person than the requester approves; have "
                f"somebody else run: controlwatch waiver approve {name}; what cannot wait is an emergency, which one "
                "person decides for at most 24 hours: controlwatch waiver request --emergency",
            )
        return _set(path, text, waiver, [("approved_by", by, ("requested_by",))]), name

    return _edited(path, checks, edit)


def revoke(
    path: Path, name: str, by: str, reason: str, checks: Collection[str], now: datetime, *, entry: str | None = None
) -> Waiver:
    """End a waiver now, or take back a request; its entry stays. Raises ``WaiverRefused``."""

    def edit(text: str, found: Waivers) -> tuple[str, str]:
        waiver = _read_one(path, name, found, entry)
        status = waiver.status(now)
        if status in {"expired", "revoked"}:
            raise WaiverRefused(f"{name} is {status} already; it waives nothing")
        return _ended(path, text, waiver, (by, "revoke"), reason, now), name

    return _edited(path, checks, edit)


def reject(
    path: Path,
    name: str,
    by: str,
    reason: str,
    checks: Collection[str],
    now: datetime,
    *,
    user: str = "",
    entry: str | None = None,
) -> Waiver:
    """Turn down a request, as another person than its requester; its entry stays. Raises ``WaiverRefused``."""

    def edit(text: str, found: Waivers) -> tuple[str, str]:
        waiver = _read_one(path, name, found, entry)
        status = waiver.status(now)
        if status != "requested":
            raise WaiverRefused(f"{name} is {status}; only a request can be rejected, a waiver in force is revoked")
        if person(waiver.written.requested_by) in {person(by), person(user)}:
            told = f"{waiver.written.requested_by} requested {name}, and takes it back by revoking it"
            raise WaiverRefused(told)
        return _ended(path, text, waiver, (by, "reject"), reason, now), name

    return _edited(path, checks, edit)


def _ended(path: Path, text: str, waiver: Waiver, who: tuple[str, str], reason: str, now: datetime) -> str:
    """End a waiver or a request: who does what, and why."""
    by, verb = who
    if not person(by):
        raise WaiverRefused(f"say who {verb}s")
    if not reason.strip():
        raise WaiverRefused(f"say why it is {verb.removesuffix('e')}ed: --reason …")
    changes: list[tuple[str, waiver_text.Value, tuple[str, ...]]] = [
        ("revoked", now.replace(microsecond=0), ("expires", "approved_by", "requested_by")),
        ("revoked_by", by, ("revoked",)),
        ("revoked_reason", reason, ("revoked_by",)),
    ]
    return _set(path, text, waiver, changes)


def _anew(status: str) -> str:
    return "; request a new one" if status in {"expired", "revoked"} else ""


def _entry(fresh: str, asked: Asked, now: datetime) -> dict[str, waiver_text.Value]:
    """Write down a request; what says nothing is left out."""
    at = now.replace(microsecond=0)
    ends: date | datetime
    if asked.until is not None:
        ends = asked.until
    elif asked.emergency:
        ends = at + LONGEST_EMERGENCY
    else:
        ends = at.date() + timedelta(days=max(-1, min(asked.days, MOST_DAYS)))
    told: dict[str, waiver_text.Value] = {
        "id": fresh,
        "check": asked.check,
        "subjects": asked.subjects,
        "source": asked.source,
        "cause": asked.cause,
        "reason": asked.reason,
        "compensating_control": asked.compensating_control,
        "ticket": asked.ticket,
        "requested_by": asked.by,
        "emergency": asked.emergency,
        "vendor": asked.vendor,
        "extends": asked.extends,
        "starts": at,
        "expires": ends,
    }
    needed = {"reason", "requested_by", "subjects"} if not asked.cause and not asked.source else {"reason"}
    return {key: value for key, value in told.items() if value or key in needed}


def _read_one(path: Path, name: str, found: Waivers, entry: str | None) -> Waiver:
    """Find the entry of a name that says what somebody has read."""
    waiver = _named(path, name, found)
    if entry is not None and waiver.digest != entry:
        raise WaiverRefused(f"{path.name}: {name} was changed since it was shown; nothing was done, read it again")
    return waiver


def _named(path: Path, name: str, found: Waivers) -> Waiver:
    """Find the one entry of a name that can be used."""
    bad = [item for item in found.malformed if item.id == name]
    if bad:
        raise WaiverRefused(f"{path.name}: {_fault(bad[0])}; mend the file by hand, by review")
    waiver = next((item for item in found.waivers if item.written.id == name), None)
    if waiver is None:
        near = nearest(name, [item.written.id for item in found.waivers])
        raise WaiverRefused(f"{path.name}: no waiver {name!r}{near}; see: controlwatch waiver list --all")
    return waiver


def _set(path: Path, text: str, waiver: Waiver, changes: list[tuple[str, waiver_text.Value, tuple[str, ...]]]) -> str:
    """Set keys of one entry, each below the first of some keys that is there."""
    for key, value, below in changes:
        changed = waiver_text.with_key(text, waiver.index, key, value, below)
        if changed is None:
            message = f"{path.name}: {waiver.written.id} cannot be changed as it is written; set {key} by hand"
            raise WaiverRefused(message)
        text = changed
    return text


def _fault(item: Malformed) -> str:
    told = "; ".join(f"{key}: {message}" if key else message for key, message in item.faults)
    return f"{item.id or f'waiver[{item.index}]'} is malformed ({told})"


def _edited(path: Path, checks: Collection[str], edit: Edit) -> Waiver:
    """Read, change, prove and write the file; gives the entry that changed."""
    target = path.resolve()
    try:
        with _locked(target.parent):
            before = _read(target)
            found = parse(before or b"", path.name, checks)
            if not found.readable:
                raise WaiverRefused(f"{'; '.join(found.faults)}; it was not touched, mend it first")
            text = (before or b"").decode("utf-8")
            mark = "\ufeff" if text.startswith("\ufeff") else ""
            changed, name = edit(text.removeprefix(mark), found)
            after = f"{mark}{changed}".encode()
            waiver = _proven(after, path.name, checks, name)
            _replace(target, before, after)
    except (SourceError, UnicodeEncodeError) as error:
        raise WaiverRefused(f"{path.name} was not changed: {error}") from None
    except OSError as error:
        raise WaiverRefused(f"{target} was not changed: {error.strerror or error}") from None
    return waiver


def _proven(data: bytes, name: str, checks: Collection[str], changed: str) -> Waiver:
    """Read the entry that changed as the engine will; raises ``WaiverRefused`` in its words when it would not do."""
    found = parse(data, name, checks)
    for item in found.malformed:
        if item.id == changed:
            raise WaiverRefused("; ".join(f"{key}: {message}" for key, message in item.faults))
    waiver = next((item for item in found.waivers if item.written.id == changed), None)
    if waiver is None:
        raise WaiverRefused("; ".join(found.faults) or f"{name}: {changed} would not be there")
    return waiver


def _read(target: Path) -> bytes | None:
    """Read the file; None when it is not there."""
    if not target.exists():
        return None
    with open_regular(target, target.name, "waivers.file") as file:
        return file.read(LONGEST_FILE + 1)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that one edit at a time is under way and nothing is left lying there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    ends = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise WaiverRefused(f"{folder} is being edited by another process; try again") from None
                time.sleep(LOCK_POLL_SECONDS)
            except OSError:  # some network file systems lock no folder; the comparison before the rename still holds
                break
        yield
    finally:
        os.close(descriptor)


def _replace(target: Path, before: bytes | None, after: bytes) -> None:
    """Put new bytes in place of those that were read, whole or not at all; raises ``WaiverRefused`` if they changed."""
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        _write(fresh, after, target if before is not None else None)
        if _read(target) != before:
            raise WaiverRefused(f"{target} was changed meanwhile; nothing was written, try again")
        if before is None:
            os.link(fresh, target)  # fails, as it must, when somebody else has just made one
        else:
            fresh.replace(target)
        _settle(target.parent)
    except FileExistsError:
        raise WaiverRefused(f"{target} was made meanwhile; nothing was written, try again") from None
    finally:
        fresh.unlink(missing_ok=True)


def _write(fresh: Path, data: bytes, like: Path | None) -> None:
    """Write a new file with the mode, and where possible the owner, of another."""
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb") as file:
        if like is not None:
            status = like.stat()
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Have a rename survive a power cut, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot; the rename holds all the same
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
