"""What becomes of each waiver of the file is noted as evidence: once, and over restarts.

The chain itself says what was noted last, so a note, its event and the knowledge that both were made are one write. An
entry of the chain holds the waiver's id, its check, what it is from then on, the digest of the entry in the file, and
the keyed hash of who decided; never a subject, and no name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from engine.port import Event
from engine.port.people import same_person
from engine.store import Chained
from engine.waivers import Malformed, Status, Waiver, Waivers

if TYPE_CHECKING:
    from engine.store import Store

Phase = Status | Literal["malformed", "removed", "unreadable"]
LASTING: Final = frozenset({"revoked", "expired", "removed"})
"""What a waiver stays when its file cannot be read."""
TOLD_AT_ONCE: Final = 20
"""More changes than these are told in one event."""
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a chain entry: what a waiver is from its instant on."""

    waiver: str
    check: str
    phase: Phase = msgspec.field(name="is")
    entry: str
    """Digest of the entry in the file; empty when it is not there."""
    by: str = ""
    """Keyed hash of who decided, hex; empty where nobody did."""


_DECODER: Final = msgspec.json.Decoder(Noted)


@dataclass(frozen=True, slots=True)
class Now:
    """What a waiver is now, and how that is told."""

    check: str
    phase: Phase
    entry: str
    by: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What was noted."""

    events: Sequence[Event] = ()
    checks: frozenset[str] = frozenset()
    """Checks whose waivers it concerns."""


@dataclass(slots=True)
class WaiverNotes:
    """What was noted of the waivers of one store."""

    store: Store
    _noted: dict[str, Noted] | None = None
    _border: datetime | None = None
    """The next instant at which a waiver begins or ends by itself; one that is past was not noted yet."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def due(self, now: datetime) -> bool:
        """Tell whether time alone has changed what a waiver is."""
        return self._border is not None and now >= self._border

    async def note(self, waivers: Waivers, now: datetime) -> Changed:
        """Note what has changed since the last note; raises ``StoreError``, and then it is due again."""
        async with self._turn:
            self._border = now
            if self._noted is None:
                self._noted = await last_notes(self.store)
            found = dict(changes(self._noted, standings(waivers, self._noted, now)))
            noted = {name: self._body(name, one) for name, one in found.items()}
            events = _events(self._noted, found, now)
            if noted:
                chain = [Chained(kind="waiver", body=_ENCODER.encode(body)) for body in noted.values()]
                await self.store.append(chain, events)
            self._noted |= noted
            borders = [at for item in waivers.waivers for at in (item.starts, item.ends) if at > now]
            self._border = min(borders, default=None)
            return Changed(events, frozenset(one.check for one in found.values()))

    def known(self) -> frozenset[str]:
        """Name every waiver that was ever noted."""
        return frozenset(self._noted or ())

    def naming(self, check: str) -> frozenset[str]:
        """Name every waiver that was noted last as one of the check, those that are no more too."""
        return frozenset(name for name, noted in (self._noted or {}).items() if noted.check == check)

    def _body(self, name: str, one: Now) -> Noted:
        by = self.store.hashed(one.by) if one.by else ""
        return Noted(waiver=name, check=one.check, phase=one.phase, entry=one.entry, by=by)


async def last_notes(store: Store) -> dict[str, Noted]:
    """Give what was noted last of every waiver, by its id; raises ``StoreError``."""
    last: dict[str, Noted] = {}
    for body in await store.bodies("waiver"):
        with contextlib.suppress(msgspec.DecodeError):  # not of this version: it is noted again
            noted = _DECODER.decode(body)
            last[noted.waiver] = noted
    return last


def standings(waivers: Waivers, noted: Mapping[str, Noted], now: datetime) -> dict[str, Now]:
    """Tell what every waiver is now: those of the file, and those that were in it."""
    if not waivers.readable:
        text = "cannot be read any more; it waives nothing"
        lost = {name: Now(one.check, "unreadable", one.entry, text=text) for name, one in noted.items()}
        return {name: one for name, one in lost.items() if noted[name].phase not in LASTING}
    gone = {name: Now(one.check, "removed", "", text="removed from the file") for name, one in noted.items()}
    bad = {item.id: _malformed(item) for item in waivers.malformed if item.id}
    return gone | bad | {item.written.id: _standing(item, now) for item in waivers.waivers}


def changes(noted: Mapping[str, Noted], found: Mapping[str, Now]) -> Iterator[tuple[str, Now]]:
    """Give what is not as it was noted last."""
    for name, one in found.items():
        before = noted.get(name)
        if before is None or (before.phase, before.entry, before.check) != (one.phase, one.entry, one.check):
            yield name, one


def _standing(waiver: Waiver, now: datetime) -> Now:
    written, phase = waiver.written, waiver.status(now)
    ends = f"{waiver.ends:%Y-%m-%d %H:%MZ}"
    approver = f"approved by {written.approved_by} (claimed)"
    if written.emergency and not written.approved_by:
        approver = f"EMERGENCY by {written.requested_by} (claimed), whom nobody approved"
    asked = f"requested by {written.requested_by} (claimed)"
    text, by = ("has ended" if waiver.approved else "ended without approval"), ""
    match phase:
        case "requested":
            text, by = f"{asked}; it waives nothing until another person approves it", written.requested_by
        case "future":
            text, by = f"{approver}, from {waiver.starts:%Y-%m-%d %H:%MZ} until {ends}", written.approved_by
        case "active":
            text, by = f"{approver}, in force until {ends}", written.approved_by or written.requested_by
        case "revoked":
            text, by = f"{_ending(waiver)} by {written.revoked_by or 'nobody named'} (claimed)", written.revoked_by
            text += f": {written.revoked_reason}" if written.revoked_reason else ""
        case "expired":
            pass
    return Now(written.check, phase, waiver.digest, by, f"{written.check}: {text}")


def _ending(waiver: Waiver) -> str:
    """Name how somebody ended it: a request was never in force."""
    written = waiver.written
    if waiver.approved:
        return "revoked"
    return "taken back" if same_person(written.revoked_by, written.requested_by) else "rejected"


def _malformed(item: Malformed) -> Now:
    """Tell which keys are at fault, and no more: a fault may repeat a subject."""
    keys = ", ".join(sorted({key.partition("[")[0] for key, _ in item.faults if key}))
    check = item.text("check")
    return Now(check, "malformed", item.digest, text=f"{check}: malformed ({keys}), so it waives nothing")


def _events(noted: Mapping[str, Noted], found: Mapping[str, Now], now: datetime) -> list[Event]:
    """Tell what changed; what was over before it was first seen is no news."""
    news = {name: one for name, one in found.items() if name in noted or one.phase not in LASTING}
    if len(news) > TOLD_AT_ONCE:
        counts: dict[str, int] = {}
        for one in news.values():
            counts[one.phase] = counts.get(one.phase, 0) + 1
        text = ", ".join(f"{count} {phase}" for phase, count in sorted(counts.items()))
        return [Event(at=now, kind="waiver", what="waivers", text=f"changed: {text}")]
    return [
        Event(at=now, kind="waiver", what=name, text=_told(noted.get(name), one), by=one.by)
        for name, one in news.items()
    ]


def _told(before: Noted | None, one: Now) -> str:
    same = before is not None and before.phase == one.phase
    return f"{one.text} (its entry was changed)" if same else one.text
