"""A judgement becomes durable: evaluate, compare with what was open, apply waivers, store, and remember.

When the store cannot be written the memory stays as it was: the last result goes stale by itself, and nothing turns
green.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from checks.model.doubt import Cause
from checks.model.fold import RULE
from checks.model.result import Finding, Result
from checks.model.state import BLIND, Standing, State, state_of
from checks.model.units import plain
from engine.collect import lost_too_many
from engine.evaluate import Material, evaluate
from engine.evidence import digest_of, manifest_bytes
from engine.port import Event, Was
from engine.store import Chained, ChainKind, CheckMemory, Diff, Raises, Stage, Store

if TYPE_CHECKING:
    from checks.model.check import Check
    from engine.config import CheckConfig, SourceConfig
    from engine.waivers import Waivers

_ENCODER = msgspec.json.Encoder(order="deterministic", enc_hook=plain)


class Remembering(Protocol):
    """Who remembers what became of checks."""

    settling: asyncio.Lock
    """Held while what is remembered changes."""

    def in_force(self, check: CheckConfig) -> CheckMemory | None:
        """Give what is remembered of a check; None when it is not in force as it was when it was judged."""
        ...

    def remember(self, memory: CheckMemory) -> None:
        """Remember what was stored of a check."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What judging needs besides the checks."""

    material: Material
    store: Store
    sources: Mapping[str, SourceConfig]
    waivers: Waivers


async def judge(
    checks: Sequence[CheckConfig],
    bench: Bench,
    remembering: Remembering,
    now: datetime,
) -> list[tuple[CheckMemory, list[Event]]]:
    """Judge checks that judge the same sources, make the judgements durable, and remember them; raises ``StoreError``.

    A check that was taken out or configured anew meanwhile is not among those returned: it is judged again.
    """
    stages = {check.name: bench.store.stage(check.name, check.check.family, raises_of(check.check)) for check in checks}

    async def emit(name: str, found: Sequence[Finding], passing: Sequence[str]) -> None:
        await stages[name].add(found, passing)

    try:
        results = await evaluate(checks, bench.material, now, emit)
        memories: list[tuple[CheckMemory, list[Event]]] = []
        for check, result in zip(checks, results, strict=True):
            async with remembering.settling:
                before = remembering.in_force(check)
                if before is None:
                    await stages[check.name].abort()
                    continue
                memory, events = await _settle(check, result, stages[check.name], bench, before)
                remembering.remember(memory)
            memories.append((memory, events))
    except BaseException:
        for stage in stages.values():
            await stage.abort()
        raise
    return memories


async def _settle(
    check: CheckConfig,
    result: Result,
    stage: Stage,
    bench: Bench,
    before: CheckMemory,
) -> tuple[CheckMemory, list[Event]]:
    """Compare a judgement with what was open, and make it durable."""
    now = result.now
    diff = await stage.diff(
        now=now,
        complete=_complete(check, bench),
        remediate_within=check.common.remediate_within,
        waivers=bench.waivers.live_for(check.name, now),
        same_policy=before.policy_digest == policy_digest(check),
    )
    memory = _remember(check, result, diff, bench, before)
    memory, events, chain = transition(memory, now)
    if diff.opened or diff.resolved:
        text = f"{diff.opened} opened, {diff.resolved} resolved"
        events = [*events, Event(at=now, kind="finding", what=check.name, text=text)]
    events = [*events, *_grown(check.name, before.result, result)]
    await stage.commit(memory, events, chain)
    return memory, events


def _grown(check: str, before: Result | None, after: Result) -> list[Event]:
    """Flag exclusions that grew by more than max(5, 10 %): what leaves the count must be looked at."""
    if before is None:
        return []
    grown = [
        f"{reason} {before.excluded.get(reason, 0)} → {count}"
        for reason, count in after.excluded.items()
        if lost_too_many(count, before.excluded.get(reason, 0))
    ]
    text = f"exclusions grew: {', '.join(grown)}"
    return [Event(at=after.now, kind="finding", what=check, text=text)] if grown else []


def raises_of(check: Check) -> Raises:
    """Tell the store which failures of a check raise which alarm."""
    return Raises(
        reasons={reason: kind.value for reason, kind in check.alarms.items()},
        renews=check.renews,
        loses=None if check.loses is None else check.loses.value,
    )


def policy_digest(check: CheckConfig) -> str:
    """Name the policy that a check is judged by."""
    return digest_of(_ENCODER.encode(check.policy))


def _complete(check: CheckConfig, bench: Bench) -> bool:
    """Tell whether a subject that was not judged is gone: all completed, and nothing partial lies over it."""
    memories = [bench.material.of(name) for name in check.judged]
    return all(
        memory is not None
        and memory.complete is not None
        and memory.partial is None
        and not any(gap.kind == "members" for gap in memory.complete.gaps)
        for memory in memories
    )


def _remember(check: CheckConfig, result: Result, diff: Diff, bench: Bench, before: CheckMemory) -> CheckMemory:
    structural = bench.waivers.structural_for(check.name, result.now)
    covered = {f"{source}:{cause}" for source, cause in structural}
    barring = [doubted.gap for doubted in result.gaps if doubted.bars]
    ends = [end for end in (diff.next_due, *structural.values()) if end is not None]
    next_due = min(ends, default=None)
    memories = [bench.material.of(name) for name in (*check.judged, *check.joined)]
    manifests = [memory.complete or memory.partial for memory in memories if memory is not None]
    return msgspec.structs.replace(
        before,
        check=check.common.check,
        config_digest=check.digest,
        result=result,
        attempted=True,
        error=None,
        completed=all(memory is not None and memory.complete is not None for memory in memories),
        max_age_seconds=check.max_age.total_seconds(),
        threshold=check.common.min_coverage,
        allow_empty=bool(check.common.allow_empty) and not any(reason.startswith(RULE) for reason in result.excluded),
        waived=diff.waived,
        undue=diff.undue,
        waived_unknown=sum(count for key, count in result.unknown_causes.items() if key in covered),
        waived_bar=bool(barring) and all((gap.source, Cause(gap.cause)) in structural for gap in barring),
        next_due=next_due,
        policy_digest=policy_digest(check),
        alarms=diff.alarms,
        manifests=tuple(digest_of(manifest_bytes(manifest)) for manifest in manifests if manifest is not None),
        valid_until=valid_until(check, result, bench, next_due),
    )


def valid_until(check: CheckConfig, result: Result, bench: Bench, next_due: datetime | None) -> datetime | None:
    """Find the instant past which nobody may show pass, warn or waived; None when a source never completed."""
    borders: list[datetime] = []
    for name in (*check.judged, *check.joined):
        memory = bench.material.of(name)
        if memory is None or memory.complete is None:
            return None
        borders.append(memory.complete.as_of + _longest(check, name, bench))
    borders += [border for border in (result.until, next_due) if border is not None]
    return min(borders, default=None)


def _longest(check: CheckConfig, source: str, bench: Bench) -> timedelta:
    """Tell how old what a source told may be: the check's limit or the source's own, if shorter or joined."""
    settings = bench.sources.get(source)
    if settings is None:
        return check.max_age
    if source in check.joined:
        return settings.max_age
    return min(check.max_age, settings.common.max_age or check.max_age)


def standing_of(memory: CheckMemory) -> Standing:
    """Tell what the state of a remembered check is derived from."""
    tally = None
    if memory.result is not None:
        tally = msgspec.structs.replace(
            memory.result.tally,
            waived=memory.waived,
            undue=memory.undue,
            waived_unknown=memory.waived_unknown,
            waived_bar=memory.waived_bar,
        )
    waiting = timedelta(seconds=memory.max_age_seconds)
    return Standing(
        tally=tally,
        threshold=memory.threshold,
        allow_empty=memory.allow_empty,
        attempted=memory.attempted,
        completed=memory.completed and memory.error is None,
        as_of=memory.result.as_of if memory.result is not None else None,
        valid_until=memory.valid_until,
        pending_until=memory.configured_at + waiting if memory.configured_at is not None else None,
    )


def recorded(memory: CheckMemory, now: datetime) -> State:
    """Derive the state that the ledger holds: of a paused check nothing is known, whatever it is judged."""
    if memory.paused_until is not None and now < memory.paused_until:
        return State.UNKNOWN
    return state_of(standing_of(memory), now)


def transition(memory: CheckMemory, now: datetime) -> tuple[CheckMemory, list[Event], list[Chained]]:
    """Note a change of state by judgement or by the clock: the memory with it, the event, and the chain entry."""
    state = recorded(memory, now)
    before = memory.state
    if state is before:
        return memory, [], []
    was = memory.was
    if state not in BLIND:
        was = None
    elif before is not None and before not in BLIND:
        was = Was(state=before, at=now)
    changed = msgspec.structs.replace(memory, state=state, state_since=now, was=was)
    told = before.value if before is not None else "new"
    event = Event(at=now, kind="state", what=memory.name, text=f"{told} → {state.value}", state=state)
    body = {
        "check": memory.name,
        "from": told,
        "to": state.value,
        "manifests": list(memory.manifests),
        "config": memory.config_digest,
    }
    return changed, [event], [chained("transition", body)]


def chained(kind: ChainKind, body: Mapping[str, object]) -> Chained:
    """Make a chain entry of a body that names no person."""
    return Chained(kind=kind, body=_ENCODER.encode(body))
