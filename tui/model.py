"""What a snapshot means at the reader's instant: states in five words, the worst first, blind checks by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.state import BLIND, State, state_of
from engine.port import (
    SELFTEST_MAX_AGE,
    CheckView,
    Snapshot,
    SourceView,
    Was,
    ahead_by,
    is_fresh,
    selftest_holds,
    stalled_for,
    state_at,
)
from tui.format import zone_mark, zoned
from tui.keymap import PLAIN, Keymap

NEVER = datetime.max.replace(tzinfo=UTC)
FAMILIES: Mapping[str, str] = {
    "mfa": "MFA coverage",
    "access": "Stale access",
    "backup": "Backup freshness",
    "certification": "Attestations & TLS",
}
"""The four panels, in their fixed places."""
Clock = Callable[[], datetime]
LATE_AFTER = timedelta(seconds=10)
"""A snapshot older than this is told as late: an engine publishes one every five seconds."""
_TICK = timedelta(microseconds=1)
_Key = tuple[int, bool, int, int, datetime, str]
PAUSED = "paused"
"""The cause of a check that an operator has paused."""
INTERNAL = Cause.INTERNAL.value
"""The cause of a check that fails inside controlwatch, which is no fault of any source."""
SEVERITIES = ("critical", "high", "medium", "low")


class Word(StrEnum):
    """The five words of the overview, worst first."""

    FAIL = "FAIL"
    BLIND = "BLIND"
    WARN = "WARN"
    WAIVED = "WAIVED"
    PASS = "PASS"  # noqa: S105 - a state, not a password


WORD_OF: Mapping[State, Word] = {
    State.FAIL: Word.FAIL,
    **dict.fromkeys(BLIND, Word.BLIND),
    State.WAIVED: Word.WAIVED,
    State.WARN: Word.WARN,
    State.PASS: Word.PASS,
}
RANK: Mapping[Word, int] = {word: rank for rank, word in enumerate(Word)}


@dataclass(frozen=True, slots=True)
class Blindness:
    """Why a check is blind, at the reader's instant."""

    source: str
    """The source that does not tell; empty when the engine itself, or an operator, is the reason."""
    cause: str
    """In words."""
    since: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A configured check and its state at the reader's instant."""

    view: CheckView
    state: State
    since: datetime | None
    """When this state began, UTC."""
    blind: Blindness | None = None
    stale_since: datetime | None = None
    """Since when the data under a failing check is too old."""

    @property
    def word(self) -> Word:
        """Give the state's word."""
        return WORD_OF[self.state]

    @property
    def is_paused(self) -> bool:
        """Whether an operator has paused it."""
        return self.blind is not None and self.blind.cause == PAUSED


class Seen(SourceView, frozen=True, kw_only=True):
    """A source as it is shown: what it leaves in doubt is a gap, and of a frozen engine nothing is promised."""

    is_frozen: bool = False
    """Whether nothing newer is known of it, so that nobody knows how it is."""


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that are blind for the same reason."""

    blind: Blindness
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that the screens draw, at one instant."""

    now: datetime
    snapshot: Snapshot | None
    fault: str | None
    items: Sequence[Item]
    """In configured order."""
    groups: Sequence[Group]
    counts: Mapping[Word, int]
    began: datetime | None = None
    """When the screen began to look, UTC."""
    sources: Sequence[SourceView] = ()
    """The configured ones, as they are shown: one that leaves subjects in doubt has a gap that says so."""
    keymap: Keymap = PLAIN
    """The keys that texts name."""

    @property
    def stalled_for(self) -> timedelta | None:
        """Tell how old the snapshot is when it is too old; None while it is not."""
        return None if self.snapshot is None else stalled_for(self.snapshot, self.now)

    @property
    def ahead_by(self) -> timedelta | None:
        """Tell how far the snapshot is in the future when a clock is wrong; None while it is not."""
        return None if self.snapshot is None else ahead_by(self.snapshot, self.now)

    @property
    def late_for(self) -> timedelta | None:
        """Tell how old the snapshot is when the next one should have been there; None while it should not."""
        if self.snapshot is None or self.now - self.snapshot.at <= LATE_AFTER:
            return None
        return self.now - self.snapshot.at

    @property
    def engine_began(self) -> datetime | None:
        """Tell when the engine that is shown was started, UTC: what was asked of another is to be asked again."""
        return None if self.snapshot is None else self.snapshot.started_at

    @property
    def is_counting(self) -> bool:
        """Whether the header counts seconds: nothing to go by yet, or nothing newer is known."""
        return self.is_frozen or self.late_for is not None or self.snapshot is None or self.snapshot.phase == "starting"

    @property
    def paused(self) -> int:
        """Count the checks that somebody has paused."""
        return sum(item.is_paused for item in self.items)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing newer than the snapshot is known, or nobody knows how old it is."""
        return self.fault is not None or self.stalled_for is not None or self.ahead_by is not None

    def tells_all(self, name: str) -> bool:
        """Whether a source has told all that it was asked lately, so that it is its subjects that are in doubt."""
        told = next((each for each in (self.snapshot.sources if self.snapshot else ()) if each.name == name), None)
        return told is not None and told.last_error is None and not told.gaps and is_fresh(told, self.now)

    def family(self, name: str) -> list[Item]:
        """Give the checks of a family in configured order."""
        return [item for item in self.items if item.view.family == name]

    def check(self, name: str) -> Item | None:
        """Find a configured check."""
        return next((item for item in self.items if item.view.name == name), None)

    def source(self, name: str) -> SourceView | None:
        """Find a source."""
        return next((source for source in self.sources if source.name == name), None)


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(tz=UTC)


def build(
    snapshot: Snapshot | None,
    fault: str | None,
    now: datetime,
    began: datetime | None = None,
    keymap: Keymap = PLAIN,
) -> Model:
    """Derive what is shown; times are told in the zone of ``now``."""
    items = [_item(view, snapshot, now) for view in snapshot.checks] if snapshot else []
    counted = Counter(item.word for item in items)
    counts = {word: counted[word] for word in Word}
    model = Model(now, snapshot, fault, items, _groups(items), counts, began, keymap=keymap)
    return replace(model, sources=[_seen(each, model) for each in (snapshot.sources if snapshot else ())])


def _seen(source: SourceView, model: Model) -> SourceView:
    """Show a source with the subjects that it leaves in doubt; of a frozen engine's without what it would do next."""
    gaps = [
        Gap(source=source.name, cause=told.cause, kind="facts", detail=f"{item.view.name}: {told.detail}")
        for item in model.items
        if (told := item.view.blind_by) is not None and leaves_in_doubt(source.name, item)
        if not any(gap.cause is told.cause for gap in source.gaps)
    ]
    if not gaps and not model.is_frozen:
        return source
    known = {**msgspec.structs.asdict(source), "gaps": (*source.gaps, *gaps)}
    return Seen(**known | ({"is_frozen": True, "next_run": None, "running": False} if model.is_frozen else {}))


def leaves_in_doubt(source: str, item: Item) -> bool:
    """Tell whether a source has told of subjects that cannot be judged by it, so that a check is blind."""
    tally = item.view.standing.tally
    named = item.blind is not None and item.blind.source == source
    return named and item.state is State.UNKNOWN and tally is not None and tally.unknown > tally.waived_unknown


def differs(old: Model, new: Model) -> bool:
    """Tell whether anything but the passing of time lies between two models; a new snapshot alone is nothing."""
    return (
        old.fault != new.fault
        or old.is_frozen is not new.is_frozen
        or old.items != new.items
        or _moved(old.snapshot, new.snapshot)
    )


def _moved(old: Snapshot | None, new: Snapshot | None) -> bool:
    if old is new:
        return False
    return old is None or new is None or old.timeless() != new.timeless()


def attention(model: Model) -> list[Item | Group]:
    """Order what does not pass: failures, blind sources and paused checks, warnings, waived; by severity, then age."""
    entries: list[tuple[_Key, Item | Group]] = [
        ((RANK[item.word], False, *_gravity(item), item.since or NEVER, item.view.name), item)
        for item in model.items
        if item.word not in {Word.PASS, Word.BLIND} or item.is_paused
    ]
    for group in model.groups:
        gravity = min(_gravity(item) for item in group.items)
        pending = all(item.state is State.PENDING for item in group.items)
        key = (RANK[Word.BLIND], pending, *gravity, group.blind.since or NEVER, group.blind.source + group.blind.cause)
        entries.append((key, group))
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def worst_word(items: Sequence[Item]) -> Word | None:
    """Give the worst word; None of none."""
    return min((item.word for item in items), key=RANK.__getitem__, default=None)


def _gravity(item: Item) -> tuple[int, int]:
    """Rank by severity, urgent first."""
    severity = item.view.severity
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return rank, 0 if item.view.urgent else 1


def _item(view: CheckView, snapshot: Snapshot, now: datetime) -> Item:
    state = state_at(view, snapshot, now)
    blind = _blindness(view, state, snapshot, now) if state in BLIND else None
    since = (blind.since if blind else None) or view.state_since
    until = view.standing.valid_until
    known = _was(view, state, snapshot, now) if state in BLIND else None
    return Item(
        view=view if known is view.was else msgspec.structs.replace(view, was=known),
        state=state,
        since=since,
        blind=blind,
        stale_since=until if state is State.FAIL and until is not None and now >= until else None,
    )


def _was(view: CheckView, state: State, snapshot: Snapshot, now: datetime) -> Was | None:
    """Give the last known state of a blind check: what the engine knows, else the verdict that the clock overrules.

    That held until its data was too old, or until the monitor had no longer proven itself.
    """
    if view.was is not None or view.as_of is None or state is State.PENDING:
        return view.was
    proven = snapshot.selftest.passed_at
    if proven is not None and snapshot.selftest.error is None:
        proven += SELFTEST_MAX_AGE
    ends = [view.standing.valid_until] if state is State.STALE else []
    ends += [] if selftest_holds(snapshot, now) else [proven]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends) or not view.as_of < min(known) <= now:
        return None
    before = state_of(view.standing, min(known) - _TICK)
    return None if before in BLIND else Was(state=before, at=min(known))


def _blindness(view: CheckView, state: State, snapshot: Snapshot, now: datetime) -> Blindness:
    if view.paused_until is not None and now < view.paused_until:
        until = zoned(view.paused_until, now)
        by = f" by {view.paused_by}" if view.paused_by else ""
        why = f": {view.paused_reason}" if view.paused_reason else ""
        return Blindness("", PAUSED, view.state_since, f"until {until:%d %b %H:%M}{zone_mark(until)}{by}{why}")
    if state is not State.PENDING and not selftest_holds(snapshot, now):
        return _unproven(snapshot, now)
    told = view.blind_by
    if state is State.STALE and (told is None or view.state_since is None):
        return Blindness(_oldest(view, snapshot), "too old", view.standing.valid_until)
    source = next((each for each in snapshot.sources if told is not None and each.name == told.source), None)
    if told is not None and source is not None and source.as_of is None and source.last_error is None:
        return Blindness(told.source, "first run", told.since, told.detail)
    if told is not None:
        return Blindness(told.source, told.cause.value.replace("_", " "), told.since, told.detail)
    cause = "first run" if state is State.PENDING or view.standing.tally is None else "in doubt"
    return Blindness(_oldest(view, snapshot), cause, view.state_since)


def _unproven(snapshot: Snapshot, now: datetime) -> Blindness:
    """Say since when the monitor has not proven itself."""
    proof = snapshot.selftest
    if proof.error is not None:
        return Blindness("", "self-test failed", proof.passed_at, proof.error)
    since = snapshot.started_at if proof.passed_at is None else min(now, proof.passed_at + SELFTEST_MAX_AGE)
    return Blindness("", "self-test missing", since, "no self-test has passed within the last two hours")


def _oldest(view: CheckView, snapshot: Snapshot) -> str:
    """Name the source with the oldest data, of those that the check reads."""
    mine = [source for source in snapshot.sources if source.name in view.sources]
    if not mine:
        return view.sources[0] if view.sources else ""
    return min(mine, key=lambda source: (source.as_of is not None, source.as_of or NEVER)).name


def _groups(items: Sequence[Item]) -> list[Group]:
    found: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.blind is not None and not item.is_paused:
            found.setdefault((item.blind.source, item.blind.cause), []).append(item)
    return [Group(_first(members), members) for members in found.values()]


def _first(members: Sequence[Item]) -> Blindness:
    """Give the blindness that began first."""
    known = [item.blind for item in members if item.blind is not None]
    return min(known, key=lambda blind: blind.since or NEVER)
