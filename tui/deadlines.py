"""What is about to run out, and whether anybody can vouch for it: ages of backups, ends of TLS, attestations, waivers.

The overview's panels and the history lay out the same, each in its own room; pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.port import KnownTime, WaiverView
from engine.port.timeline import DAY
from tui.format import clean
from tui.model import Item, Model, Word
from tui.status import source_state

EXPIRES = {"tls_not_after": "TLS", "attestation_until": "attestation"}
"""The known times at which something ends, and what that is."""
SOON = 14 * DAY


@dataclass(frozen=True, slots=True)
class Aged:
    """The newest known backup of a set."""

    name: str
    old: timedelta
    rpo: timedelta
    left: timedelta
    """Until it is too old; negative once it is."""

    @property
    def share(self) -> float:
        """Give the age as a share of the RPO."""
        return self.old / self.rpo if self.rpo else 0.0

    @property
    def role(self) -> str:
        """Give what its bar looks like: it fails past RPO and grace, and is warned past the RPO."""
        return "fail" if self.left <= timedelta(0) else "warn" if self.share > 1.0 else "focus"


@dataclass(frozen=True, slots=True)
class End:
    """Something that ends."""

    name: str
    what: str
    at: datetime
    is_sure: bool = True
    """Whether somebody can say now that the date holds."""


def backups(model: Model, items: Sequence[Item]) -> list[Aged]:
    """Give the backups of some checks, those nearest to their RPO first."""
    found = []
    for each in (each for item in items for each in item.view.deadlines):
        if each.what == "backup_newest":
            rpo, grace = timedelta(seconds=each.rpo_seconds), timedelta(seconds=each.grace_seconds)
            old = model.now - each.at + rpo + grace
            found.append(Aged(named(model, each.source, each.id), old, rpo, each.at - model.now))
    return sorted(found, key=lambda each: -each.share)


def expiries(model: Model) -> list[End]:
    """Give what ends of attestations and TLS certificates, the nearest first; what has ended before that."""
    times = model.snapshot.times if model.snapshot is not None else ()
    found = [
        End(_ending(model, each), EXPIRES[each.what], each.at, not _is_doubtful(model, each))
        for each in times
        if each.what in EXPIRES
    ]
    return sorted(found, key=lambda each: each.at)


def waiver_ends(model: Model, checks: Collection[str], waivers: Sequence[WaiverView]) -> list[End]:
    """Give when the waivers of some checks end: what they cover comes back then."""
    return [
        End(clean(each.id, 60), "waiver", each.ends, not model.is_frozen)
        for each in waivers
        if each.check in checks and each.status in {"active", "future"} and each.ends is not None
    ]


def axis(days: int, width: int) -> str:
    """Label an axis from now on at each third."""
    cells = [" "] * width
    for share in range(3):
        label = f"{days * share // 3}d" if share else "now"
        place = share * width // 3
        cells[place : place + len(label)] = label
    return "".join(cells)[:width]


def named(model: Model, source: str, key: str, name: str = "") -> str:
    """Name a target or set as its configuration does."""
    view = model.source(source)
    return clean(name or (view.labels.get(key, key) if view is not None else key), 60).removesuffix(":443")


def _ending(model: Model, each: KnownTime) -> str:
    """Name what ends; of a target that was asked for another name, ``host:port@name``, that name."""
    whole = named(model, each.source, each.id, each.name)
    return whole.rpartition("@")[2] or whole if each.what == "tls_not_after" else whole


def _is_doubtful(model: Model, each: KnownTime) -> bool:
    """Tell whether nobody can say now that a date holds: its source or a check of it is blind, stale or paused."""
    source = model.source(each.source)
    if source is None or source_state(source, model.now)[1] != "OK":
        return True
    readers = (item for item in model.family("certification") if each.source in item.view.sources)
    return model.is_frozen or any(item.is_paused or item.word is Word.BLIND for item in readers)
