"""A break of the evidence chain is an end that was noted and is not there any more. It stands until it is accepted.

The next append would otherwise heal a chain whose end was cut off: what follows fits what is left. So the loss is told
by an entry of kind ``broken`` that names the lost end, and by a note beside the chain; an entry of kind ``accept``
names the entries that somebody has accepted, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from engine.chain import Head, Link, Verified

BROKEN: Final = "broken"
ACCEPT: Final = "accept"
ADVICE: Final = "once it is explained: controlwatch evidence accept-break --reason …"


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a ``broken`` entry: an end of the chain that is not there any more."""

    seq: int
    """Number of the entry that was the last one."""
    hash: str
    """Its hash, hex."""
    why: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Body of an ``accept`` entry about breaks; those about anything else name none."""

    broken: Sequence[int] = ()
    """Numbers of the ``broken`` entries that are accepted."""


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """One break."""

    entry: int
    """Number of the ``broken`` entry."""
    at: str
    """When it was noticed, RFC 3339 in UTC."""
    lost: Lost

    @property
    def head(self) -> Head:
        """The end that was lost."""
        return Head(self.lost.seq, bytes.fromhex(self.lost.hash))


_UNREADABLE: Final = Lost(seq=0, hash=Head().hash.hex(), why="a break was told in words that cannot be read")


def noted(text: str) -> Break:
    """Read what is noted beside the chain; a note that cannot be read is a break of its own."""
    try:
        found = msgspec.json.decode(text, type=Break)
        bytes.fromhex(found.lost.hash)
    except (msgspec.DecodeError, ValueError):
        return Break(entry=1, at="at an instant that cannot be read", lost=_UNREADABLE)
    return found


def lost_end(head: Head, why: str) -> bytes:
    """Encode the body of a ``broken`` entry."""
    return msgspec.json.encode(Lost(seq=head.seq, hash=head.hash.hex(), why=why), order="deterministic")


@dataclass(slots=True)
class Breaks:
    """The breaks that the entries of a chain tell, and which of them are accepted."""

    told: dict[int, Break] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)

    @property
    def standing(self) -> list[Break]:
        """Those that nobody has accepted, in order."""
        return [found for entry, found in self.told.items() if entry not in self.accepted]

    def watched(self, links: Iterable[Link]) -> Iterator[Link]:
        """Pass entries on, and take in what they tell of breaks."""
        for entry in links:
            if entry.kind == BROKEN:
                self.told[entry.seq] = Break(entry=entry.seq, at=entry.at, lost=_lost(entry.body))
            elif entry.kind == ACCEPT:
                self.accepted |= set(_accepted(entry.body))
            yield entry

    def tell(self, lost: Head) -> bool:
        """Tell whether an entry says that this end was lost, or one behind it."""
        return any(found.head == lost or found.entry <= lost.seq <= found.lost.seq for found in self.told.values())


def judged(found: Verified, breaks: Breaks, beside: Break | None) -> Verified:
    """Add to a chain whose entries hold the first break that nobody accepted, by its entries or the note beside it."""
    standing = [*breaks.standing, *([beside] if beside is not None else [])]
    if found.first_bad is not None or not standing:
        return found
    first = standing[0]
    why = f"{first.lost.why}; noticed {first.at}; {ADVICE}"
    return msgspec.structs.replace(found, first_bad=first.entry, why=why, lost=first.head)


def _lost(body: bytes) -> Lost:
    try:
        lost = msgspec.json.decode(body, type=Lost)
        bytes.fromhex(lost.hash)
    except (msgspec.DecodeError, ValueError):  # a ValidationError is a DecodeError
        return _UNREADABLE
    return lost


def _accepted(body: bytes) -> Sequence[int]:
    try:
        return msgspec.json.decode(body, type=Accepted).broken
    except msgspec.DecodeError:
        return ()
