"""How the evidence chain is written: every append is held to the end that was noted beside the chain.

Every function runs inside a transaction that its caller opened, so an end and its note never part by themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from engine.breaks import ACCEPT, BROKEN, Break, Breaks, judged, lost_end, noted
from engine.chain import Head, Link, Verified, link, verify
from engine.store import Chained
from engine.store.queries import Sql

HEAD: Final = "chain_head"
BREAK: Final = "chain_break"
"""Keys of what is noted beside the chain."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def put_chain(connection: sqlite3.Connection, sql: Sql, entries: Sequence[Chained], at: datetime) -> None:
    """Append, and note the new head beside the chain; an end that is not the noted one is told by an entry before."""
    if entries:
        end = _end(connection, sql)
        _append(connection, sql, end, [*_unnoted(connection, sql, end), *entries], at)


def put_break(connection: sqlite3.Connection, sql: Sql, lost: Head, why: str, at: datetime) -> None:
    """Tell that an end of the chain was lost, unless its entries tell that already."""
    end = _end(connection, sql)
    end = _append(connection, sql, end, _unnoted(connection, sql, end), at)
    if lost.seq > 0 and not _breaks(connection, sql).tell(lost):
        _append(connection, sql, end, [Chained(kind="broken", body=lost_end(lost, why))], at)


def accept_breaks(connection: sqlite3.Connection, sql: Sql, reason: str, by: str, at: datetime) -> list[Break]:
    """Accept every break that stands, as evidence; give them. ``by`` is a keyed hash."""
    end = _end(connection, sql)
    end = _append(connection, sql, end, _unnoted(connection, sql, end), at)
    beside = noted_break(connection, sql)
    standing = {} if beside is None else {beside.entry: beside}
    standing |= {found.entry: found for found in _breaks(connection, sql).standing}
    if standing:
        body = _ENCODER.encode({"broken": sorted(standing), "reason": reason, "by": by})
        _append(connection, sql, end, [Chained(kind="accept", body=body)], at)
        connection.execute(sql["drop meta"], (BREAK,))
    return [standing[entry] for entry in sorted(standing)]


def verified(connection: sqlite3.Connection, sql: Sql) -> Verified:
    """Read the whole chain against itself, against its noted head, and for breaks that nobody accepted."""
    try:
        head = noted_head(connection, sql)
    except ValueError:
        head = Head()
    breaks = Breaks()
    links = map(Link._make, connection.execute(sql["chain"], (0, -1)))
    return judged(verify(breaks.watched(links), head), breaks, noted_break(connection, sql))


def noted_head(connection: sqlite3.Connection, sql: Sql) -> Head:
    """Give the head that was noted beside the chain; raises ``ValueError`` when what lies there is none."""
    row = connection.execute(sql["meta"], (HEAD,)).fetchone()
    if row is None:
        return Head()
    seq, _, digest = row[0].partition(" ")
    return Head(int(seq), bytes.fromhex(digest))


def noted_break(connection: sqlite3.Connection, sql: Sql) -> Break | None:
    """Give the first break that nobody accepted, as it was noted beside the chain; None when there is none."""
    row = connection.execute(sql["meta"], (BREAK,)).fetchone()
    return None if row is None else noted(row[0])


def _append(connection: sqlite3.Connection, sql: Sql, head: Head, entries: Sequence[Chained], at: datetime) -> Head:
    """Write entries behind a head; give the new one."""
    if not entries:
        return head
    instant = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    breaks = Breaks()
    for entry in entries:
        new = link(head, entry.kind, instant, entry.body)
        connection.execute(sql["put link"], (*new[:5], new.body.decode()))
        head = Head(new.seq, new.hash)
        for _ in breaks.watched([new]):
            pass
    connection.execute(sql["put meta"], (HEAD, f"{head.seq} {head.hash.hex()}"))
    for found in breaks.standing:
        connection.execute(sql["put meta once"], (BREAK, _ENCODER.encode(found).decode()))
    return head


def _end(connection: sqlite3.Connection, sql: Sql) -> Head:
    row = connection.execute(sql["chain end"]).fetchone()
    return Head() if row is None else Head(*row)


def _unnoted(connection: sqlite3.Connection, sql: Sql, end: Head) -> list[Chained]:
    """Tell that the chain does not end where it was noted to end; nothing when it does."""
    try:
        head = noted_head(connection, sql)
    except ValueError:
        why = "the head that was noted beside the chain cannot be read"
        return [Chained(kind="broken", body=lost_end(Head(), why))]
    if head == end:
        return []
    if head.seq > end.seq:
        why = f"the chain ended at entry {end.seq}, and was noted to go on to entry {head.seq}"
    elif head.seq == end.seq:
        why = f"entry {end.seq} was not the one that was noted as the last"
    else:
        why = f"the entries from {head.seq + 1} to {end.seq} were added beside the engine"
    return [Chained(kind="broken", body=lost_end(head, why))]


def _breaks(connection: sqlite3.Connection, sql: Sql) -> Breaks:
    """Read what the chain tells of breaks."""
    found = Breaks()
    for _ in found.watched(Link(*row) for row in connection.execute(sql["chain of breaks"], (BROKEN, ACCEPT))):
        pass
    return found
