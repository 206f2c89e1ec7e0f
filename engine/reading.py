"""A reading is a snapshot read at an instant: each check's state derived then, and whom each blind one blames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from checks.model.doubt import Cause
from checks.model.state import State, Tally
from engine.port import SELFTEST_MAX_AGE, CheckView, Snapshot, SourceView, selftest_holds, state_at


class Blame(msgspec.Struct, frozen=True, gc=False):
    """Why a check is blind."""

    source: str
    """The source that does not tell; empty where the engine itself is at fault."""
    cause: Cause


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A configured check, read at an instant; nothing in it refers back to it, so the collector need not look."""

    view: CheckView
    key: tuple[str, str]
    """Its name and family."""
    state: State
    paused: bool
    blame: Blame | None
    """Of an unknown or stale check that is not paused."""
    since: datetime | None
    """When its state began, UTC."""
    valid_until: datetime | None
    """Until when pass, warn and waived may be believed, UTC: a self-test that lapses ends every proof."""

    @property
    def tally(self) -> Tally | None:
        """The latest counts; None when it was never judged, which is not zero."""
        return self.view.standing.tally


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot, read at an instant."""

    snapshot: Snapshot
    now: datetime
    proven: bool
    """Whether the self-test held within the last two hours."""
    checks: Sequence[Checked]
    sources: Sequence[SourceView]
    check_keys: Sequence[tuple[str, ...]]
    """Name and family of each check, in the order of ``checks``."""
    source_keys: Sequence[tuple[str, ...]]
    """Name and kind of each source, in the order of ``sources``."""
    blinded: Mapping[str, int]
    """Checks blinded, by the source to blame; by the empty name those that the engine itself blinds."""
    blinds: Mapping[tuple[str, Cause], int]
    """The same, by source and cause."""


def read(snapshot: Snapshot, now: datetime) -> Reading:
    """Derive every state at ``now``, and whom each blind check blames."""
    proven = selftest_holds(snapshot, now)
    failing = {source.name: None if source.complete else source.cause for source in snapshot.sources}
    proof = snapshot.selftest
    ends = proof.passed_at + SELFTEST_MAX_AGE if proven and proof.passed_at is not None else None
    checks = [_checked(view, snapshot, now, failing, ends) for view in snapshot.checks]
    blames = [check.blame for check in checks if check.blame]
    blinded = Counter(blame.source for blame in blames)
    blinds = Counter((blame.source, blame.cause) for blame in blames)
    keys = [check.key for check in checks], [(source.name, source.kind) for source in snapshot.sources]
    return Reading(snapshot, now, proven, checks, snapshot.sources, *keys, blinded, blinds)


def _checked(
    view: CheckView,
    snapshot: Snapshot,
    now: datetime,
    failing: Mapping[str, Cause | None],
    proven_until: datetime | None,
) -> Checked:
    """Read one check; ``proven_until`` is when the self-test ends to vouch for it, None when it does not."""
    proven, proof = proven_until is not None, view.standing.valid_until
    state = state_at(view, snapshot, now)
    paused = view.paused_until is not None and now < view.paused_until
    blind = state in {State.UNKNOWN, State.STALE} and not paused
    blame = _blame(view, failing, proven=proven) if blind else None
    since = _since(view, state, snapshot, proven=proven)
    until = min(proof, proven_until) if proof is not None and proven_until is not None else None
    return Checked(view, (view.name, view.family), state, paused, blame, since, until)


def _since(view: CheckView, state: State, snapshot: Snapshot, *, proven: bool) -> datetime | None:
    """Give the engine's answer, or where proof ended by itself since: the check's own, or the monitor's."""
    proof, ended = snapshot.selftest, None
    if state is State.STALE:
        ended = view.standing.valid_until
    elif state is State.UNKNOWN and not proven and proof.error is None and proof.passed_at is not None:
        ended = proof.passed_at + SELFTEST_MAX_AGE
    return max(filter(None, (view.state_since, ended)), default=None)


def _blame(view: CheckView, failing: Mapping[str, Cause | None], *, proven: bool) -> Blame:
    """Give the engine's answer; for a check that it has not judged since, the first source that fails or has a gap.

    What would be blamed on a source that is configured no more is blamed on the engine, or nobody would hear of it.
    """
    if not proven:
        return Blame("", Cause.INTERNAL)
    source, cause = _answer(view, failing)
    return Blame(source if source in failing else "", cause)


def _answer(view: CheckView, failing: Mapping[str, Cause | None]) -> tuple[str, Cause]:
    if view.blind_by is not None:
        return view.blind_by.source, view.blind_by.cause
    for source in view.sources:
        cause = failing.get(source)
        if cause is not None:
            return source, cause
    barring = (doubted.gap for doubted in view.gaps if doubted.bars)
    return next(((gap.source, gap.cause) for gap in barring), ("", Cause.INTERNAL))
