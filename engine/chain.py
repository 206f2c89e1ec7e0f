r"""The evidence chain: every entry's hash covers its number, kind, instant and body, and the hash of the one before.

The hash is SHA-256 over the frame, which an auditor can print with standard tools::

    printf '%s\n%s\n%s\n%s\n%s' "$prev_hex" "$seq" "$kind" "$at" "$body" | sha256sum

Kind and instant hold no newline and the body comes last, so no two entries have the same frame. A changed, missing,
added or reordered entry is found by reading the chain alone; entries cut off at the end, by the head that was noted
elsewhere. Whoever can write the whole file can forge a whole chain: what proves more is a head that left the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

GENESIS: Final = bytes(32)
"""What the first entry, number 1, follows."""


class Link(NamedTuple):
    """One entry of the chain."""

    seq: int
    """Number, from 1 without a hole."""
    prev: bytes
    """Hash of the entry before; ``GENESIS`` of the first."""
    hash: bytes
    kind: str
    at: str
    """Instant of recording, RFC 3339 in UTC."""
    body: bytes
    """Deterministic JSON."""


class Head(msgspec.Struct, frozen=True):
    """The end of a chain: enough to tell later whether entries were cut off or rewritten."""

    seq: int = 0
    hash: bytes = GENESIS


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a chain showed."""

    entries: int
    """Entries that hold, before the first bad one."""
    head: Head
    """The end of those."""
    first_bad: int | None = None
    """Number at which the chain breaks; None of a whole chain."""
    why: str = ""
    lost: Head | None = None
    """The end that was known and is not there, of a chain that breaks because of that alone; its entries hold."""


def link(head: Head, kind: str, at: str, body: bytes) -> Link:
    """Follow a head with an entry; raises ``ValueError`` when kind or instant hold a newline."""
    if "\n" in kind or "\n" in at:
        raise ValueError("the kind and the instant of a chain entry hold no newline")
    seq = head.seq + 1
    return Link(seq, head.hash, _hash(head.hash, seq, kind, at, body), kind, at, body)


def verify(links: Iterable[Link], expected: Head | None = None, start: Head | None = None) -> Verified:
    """Read a chain and find the first entry that is wrong.

    Args:
        links: the entries, in order.
        expected: a head noted elsewhere, where the chain must end.
        start: the head that the entries follow, of a chain that is read piece by piece; None: they begin it.
    """
    seq, head = (start.seq, start.hash) if start is not None else (0, GENESIS)
    for entry in links:
        fault = _fault(entry, seq + 1, head)
        if fault:
            return Verified(entries=seq, head=Head(seq, head), first_bad=seq + 1, why=fault)
        seq, head = entry.seq, entry.hash
    found = Head(seq, head)
    if expected is not None and expected != found:
        why = (
            f"the chain ends at entry {seq}, but its noted head is entry {expected.seq} with hash {expected.hash.hex()}"
        )
        return Verified(entries=seq, head=found, first_bad=min(seq, expected.seq) + 1, why=why, lost=expected)
    return Verified(entries=seq, head=found)


def _fault(entry: Link, seq: int, head: bytes) -> str:
    """Say what is wrong with an entry; empty when it holds."""
    if entry.seq != seq:
        return f"entry {seq} is missing: entry {entry.seq} is in its place"
    if entry.prev != head:
        return f"entry {seq} does not follow the entry before it"
    if entry.hash != _hash(head, seq, entry.kind, entry.at, entry.body):
        return f"entry {seq} was changed: its hash does not cover what it says"
    return ""


def _hash(prev: bytes, seq: int, kind: str, at: str, body: bytes) -> bytes:
    return sha256(f"{prev.hex()}\n{seq}\n{kind}\n{at}\n".encode() + body).digest()
