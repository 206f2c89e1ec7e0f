"""The difference between a judgement and the open findings, set by set, inside one transaction."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, overload

import msgspec

from engine.port import Alarm
from engine.port.subjects import compiled, is_wild, plain
from engine.store import Chained, Diff, Live, Raises
from engine.store.instants import stored, told, told_or_none
from engine.store.queries import Sql
from engine.store.spooled import Spooled

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
STEPS: Final = (
    "index changes",
    "drop repeated",
    "drop lesser",
    "drop present",
    "name subjects",
    "note changes",
    "put findings",
)
DEPARTED: Final = timedelta(days=30)
"""How long it is remembered of a subject that left the population that it passed, or that its loss was open."""
_OPENING: Final = ("opened", "regressed", "returned")

At = Mapping[str, int | str | None]
"""What the statements of a comparison are about."""

Match = Callable[[str, str], Live | None]
"""Subject and label to the live waiver that covers them and ends last, with the latest start of all that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a judgement is compared under."""

    check: str
    family: str
    now: datetime
    complete: bool
    remediate_within: timedelta
    waivers: Sequence[Live]
    raises: Raises
    same_policy: bool
    """Whether the judgement before was by the same policy."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A diff, and how it is told in the evidence."""

    diff: Diff
    chained: Chained | None
    """None when nothing opened, changed or resolved."""
    opened_failures: bool
    """Whether a failure was seen for the first time, or came back."""


def compare(spooled: Spooled, sql: Sql, judged: Judged) -> Changed:
    """Write the difference into the transaction that is open on the stage's connection."""
    connection, now = spooled.connection, stored(judged.now)
    connection.execute(sql["name check"], {"name": judged.check, "family": judged.family})
    (check,) = connection.execute(sql["check id"], (judged.check,)).fetchone()
    due = stored(judged.now + judged.remediate_within) if judged.remediate_within > timedelta(0) else None
    departed = stored(judged.now - DEPARTED)
    raises = {"loses": judged.raises.loses, "events": bool(judged.raises.renews)}
    at: At = {"check": check, "now": now, "due": due, "departed": departed, **raises}
    spooled.find_changes(check)
    connection.executemany(sql["add change"], spooled.changes())
    for step in STEPS:
        connection.execute(sql[step], at)
    if judged.raises.kinds:
        connection.execute(sql["put alarms"], at)
    if judged.complete:
        connection.execute(sql["remember lost"], at)
        connection.execute(sql["note resolved"], at)
        connection.execute(sql["resolve"], at)
    if judged.raises.loses is not None:
        _tell_losses(connection, sql, at, judged)
    connection.execute(sql["write history"], at)
    _waive(connection, sql, check, [waiver for waiver in judged.waivers if waiver.ends > judged.now])
    return _changed(connection, sql, at, judged)


def matcher(waivers: Sequence[Live]) -> Match:
    """Match subjects exactly, labels without regard to case, as ``engine.port.subjects`` reads a pattern.

    A waiver covers what is written, no more.
    """
    exact: dict[str, Live] = {}
    labels: dict[str, Live] = {}
    globs: list[tuple[re.Pattern[str], re.Pattern[str], Live]] = []
    for waiver in waivers:
        for pattern in waiver.subjects:
            if is_wild(pattern):
                globs.append((compiled(pattern), compiled(pattern.lower()), waiver))
                continue
            text = plain(pattern)
            exact[text] = _both(exact.get(text), waiver)
            labels[text.lower()] = _both(labels.get(text.lower()), waiver)

    def match(subject: str, label: str) -> Live | None:
        lower = label.lower()
        found = _both(exact.get(subject), labels.get(lower))
        for one, two, live in globs:
            if one.fullmatch(subject) or two.fullmatch(lower):
                found = _both(found, live)
        return found

    return match


def count_covered(
    findings: Iterable[tuple[str, str]], waivers: Sequence[Live], beside: Sequence[Live] = ()
) -> dict[str, int]:
    """Count the subjects and labels that each waiver covers and no other of those beside it does, by its id."""
    matches = [(waiver.id, matcher([waiver])) for waiver in waivers]
    others = [(waiver.id, matcher([waiver])) for waiver in beside]
    counts = dict.fromkeys((waiver.id for waiver in waivers), 0)
    for subject, label in findings:
        found = [name for name, match in matches if match(subject, label) is not None]
        if found:
            too = {name for name, match in others if match(subject, label) is not None}
            for name in found:
                counts[name] += not too - {name}
    return counts


@overload
def _both(one: Live | None, other: Live) -> Live: ...
@overload
def _both(one: Live | None, other: Live | None) -> Live | None: ...
def _both(one: Live | None, other: Live | None) -> Live | None:
    """Give the one of two waivers that ends last, begun when the later one began: what that covers is accepted."""
    if one is None or other is None:
        return one or other
    last = max(one, other, key=lambda live: (live.ends, live.id))
    return msgspec.structs.replace(last, starts=max(one.starts, other.starts))


def _tell_losses(connection: sqlite3.Connection, sql: Sql, at: At, judged: Judged) -> None:
    """Raise the alarm of those that passed before and fail now, and remember those that pass."""
    connection.execute(sql["forget departed"], at)
    if judged.same_policy:
        connection.execute(sql["raise lost"], at)
    connection.execute(sql["forget failed"], at)
    connection.execute(sql["remember passers"], at)
    connection.execute(sql["note back"], at)
    if judged.complete:
        connection.execute(sql["note gone"], at)


def _waive(connection: sqlite3.Connection, sql: Sql, check: int, waivers: Sequence[Live]) -> None:
    """Note on every open failure the live waiver that covers it, where that changed."""
    at = {"check": check}
    (waived_before,) = connection.execute(sql["was waived"], at).fetchone()
    if not waivers and not waived_before:
        return
    connection.execute(sql["end waivers"], at)
    match = matcher(waivers)
    changes: list[tuple[str | None, int | None, int | None, int]] = []
    for finding, subject, label, *before in connection.execute(sql["failing"], at):
        live = match(subject, label)
        wanted = (None, None, None) if live is None else (live.id, stored(live.starts), stored(live.ends))
        if wanted != tuple(before):
            changes.append((*wanted, finding))
    connection.executemany(sql["waive"], changes)


def _alarms(connection: sqlite3.Connection, sql: Sql, at: At, raises: Raises) -> dict[str, Alarm]:
    """Count the alarms of every kind that the check may raise."""
    if not raises.kinds:
        return {}
    found = {
        kind: Alarm(count=count, at=told(latest)) for kind, count, latest in connection.execute(sql["count alarms"], at)
    }
    return {kind: found.get(kind, Alarm()) for kind in raises.kinds}


def _changed(connection: sqlite3.Connection, sql: Sql, at: At, judged: Judged) -> Changed:
    counts: dict[str, int] = {}
    opened_failures = False
    for what, outcome, count in connection.execute(sql["count changes"]):
        counts[what] = counts.get(what, 0) + count
        opened_failures |= outcome == "fail" and what in _OPENING
    waived, first_end = connection.execute(sql["count waived"], at).fetchone()
    undue, first_due = connection.execute(sql["count undue"], at).fetchone()
    borders = [told_or_none(micros) for micros in (first_end, first_due)]
    diff = Diff(
        opened=sum(counts.get(what, 0) for what in _OPENING),
        resolved=counts.get("resolved", 0),
        regressed=counts.get("regressed", 0),
        waived=waived,
        undue=undue,
        next_due=min((border for border in borders if border is not None), default=None),
        alarms=_alarms(connection, sql, at, judged.raises),
    )
    chained = _chained(connection, sql, counts, judged) if counts else None
    return Changed(diff, chained, opened_failures)


def _chained(connection: sqlite3.Connection, sql: Sql, counts: dict[str, int], judged: Judged) -> Chained:
    """Tell the changes in one entry: counts, and a digest over who changed how, by keyed hash."""
    seen = hashlib.sha256()
    for subject, what, outcome in connection.execute(sql["changes"]):
        seen.update(f"{subject.hex()} {what} {outcome}\n".encode())
    body = {"check": judged.check, "changes": counts, "digest": f"sha256:{seen.hexdigest()}", "now": judged.now}
    return Chained(kind="finding", body=_ENCODER.encode(body))
