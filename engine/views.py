"""The snapshot is built from what is remembered and what is configured, and never changes after."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from checks.model.check import AlarmKind
from checks.model.doubt import Cause
from checks.model.state import BLIND, State
from checks.model.units import format_duration
from engine.judge import recorded, standing_of
from engine.port import Alarm, BlindBy, CheckView, PolicyValue, Quota, SourceView
from engine.store import CheckMemory, SourceMemory
from engine.times import deadlines_of, labels_of
from engine.waivers import NONE, Waivers
from sources.common.traffic import Traffic, Window

if TYPE_CHECKING:
    from checks.model.check import Check
    from checks.model.result import Result
    from engine.config import CheckConfig, Config, SourceConfig
    from sources.common.source import Plan


DAY = timedelta(days=1)
RUNS_KEPT = 1440
"""Runs of one source that are kept to tell how long they take."""


@dataclass(slots=True)
class Lately:
    """The runs of a source within a day, as far as this engine has seen them."""

    ended: deque[tuple[datetime, float | None]] = field(default_factory=lambda: deque(maxlen=RUNS_KEPT))
    """When each ended, and the seconds that it took; None of one that was not complete."""
    took: Sequence[float] = ()
    """Of those that were complete, the shortest first."""

    def note(self, at: datetime, seconds: float | None) -> None:
        """Count one more run, and forget those of more than a day before it."""
        self.ended.append((at, seconds))
        while self.ended[0][0] < at - DAY:
            self.ended.popleft()
        self.took = sorted(each for _, each in self.ended if each is not None)

    def quantile(self, share: float) -> float | None:
        """Give the seconds that so many of the complete runs did not exceed; None when none was."""
        return self.took[min(len(self.took) - 1, int(len(self.took) * share))] if self.took else None


@dataclass(slots=True)
class Activity:
    """What a source is doing, and has done since the engine started."""

    running: bool = False
    next_run: datetime | None = None
    done: int = 0
    plan: Plan | None = None
    runs: int = 0
    failures: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    in_a_row: int = field(default=0)
    """Failures since the last complete run; they space the retries."""
    lately: Lately = field(default_factory=Lately)


def source_views(
    config: Config,
    memories: Mapping[str, SourceMemory],
    activity: Mapping[str, Activity],
) -> list[SourceView]:
    """Show every configured source."""
    readers: dict[str, list[str]] = {}
    for check in config.checks.values():
        for name in (*check.judged, *check.joined):
            readers.setdefault(name, []).append(check.name)
    return [
        _source_view(source, memories.get(name), activity.get(name) or Activity(), readers.get(name, []))
        for name, source in config.sources.items()
    ]


def _source_view(
    source: SourceConfig,
    memory: SourceMemory | None,
    activity: Activity,
    readers: Sequence[str],
) -> SourceView:
    memory = memory or SourceMemory(name=source.name)
    complete = memory.complete
    gaps = [*(complete.gaps if complete is not None else ()), *memory.last_gaps]
    return SourceView(
        name=source.name,
        kind=source.common.kind,
        title=source.source.title,
        attempted_at=memory.attempted_at,
        completed_at=memory.completed_at,
        complete=complete is not None and memory.last_error is None,
        running=activity.running,
        as_of=complete.as_of if complete is not None else None,
        records=complete.kept if complete is not None else 0,
        last_error=memory.last_error,
        cause=Cause(memory.cause) if memory.cause is not None else None,
        failing_since=memory.failing_since,
        gaps=tuple(dict.fromkeys(gaps)),
        next_run=activity.next_run,
        every=source.every,
        max_age=source.max_age,
        duration_seconds=memory.duration_seconds,
        requests_done=activity.done,
        requests_planned=activity.plan.requests if activity.plan is not None else None,
        plan_seconds=activity.plan.seconds if activity.plan is not None else None,
        checks=tuple(readers),
        runs=activity.runs,
        failures=activity.failures,
        digest=complete.blob if complete is not None else None,
        labels=labels_of(source),
        requests=activity.traffic.requests,
        request_failures={cause.value: count for cause, count in activity.traffic.failures.items()},
        throttled=activity.traffic.throttled,
        throttle_seconds=activity.traffic.throttle_seconds,
        quota=_quota(activity.traffic.scarcest),
        credential_expires_at=activity.traffic.credential_ends,
        failures_in_a_row=activity.in_a_row,
        runs_24h=len(activity.lately.ended),
        complete_24h=len(activity.lately.took),
        p50_seconds=activity.lately.quantile(0.5),
        p95_seconds=activity.lately.quantile(0.95),
    )


def _quota(told: Window | None) -> Quota | None:
    return Quota(remaining=told.remaining, limit=told.limit, reset_at=told.reset_at) if told is not None else None


def check_views(
    config: Config,
    memories: Mapping[str, CheckMemory],
    sources: Mapping[str, SourceMemory],
    counts: Mapping[str, tuple[int, int]],
    now: datetime,
    waivers: Waivers = NONE,
    unwritten: str | None = None,
) -> list[CheckView]:
    """Show every configured check; ``unwritten`` says why evidence cannot be written, so that nothing new is kept."""
    live = waivers.live_by_check(now)
    views: list[CheckView] = []
    for name, check in config.checks.items():
        memory = memories.get(name) or CheckMemory(name=name)
        view = _check_view(check, memory, sources, counts.get(name, (0, 0)), now, unwritten)
        covering = live.get(name, ())
        subjects = [waiver.covering for waiver in covering if not waiver.structural]
        views.append(
            msgspec.structs.replace(
                view,
                deadlines=deadlines_of(check, config.sources, sources, subjects),
                waivers=len(covering),
                waiver_ends=min((waiver.ends for waiver in covering), default=None),
            ),
        )
    return views


def _check_view(
    check: CheckConfig,
    memory: CheckMemory,
    sources: Mapping[str, SourceMemory],
    counts: tuple[int, int],
    now: datetime,
    unwritten: str | None,
) -> CheckView:
    result = memory.result
    unit, common = check.check, check.common
    standing = standing_of(memory)
    state = recorded(memory, now)
    names = (*check.judged, *check.joined)
    return CheckView(
        name=check.name,
        check=common.check,
        title=unit.title,
        family=unit.family,
        severity=check.severity,
        team=common.team,
        runbook=common.runbook,
        policy_ref=common.policy_ref,
        controls=common.controls if common.controls is not None else tuple(item.control for item in unit.controls),
        sources=names,
        standing=standing,
        verdict=result.verdict if result is not None else None,
        as_of=result.as_of if result is not None else None,
        read=result.read if result is not None else 0,
        excluded=result.excluded if result is not None else {},
        gaps=result.gaps if result is not None else (),
        depths=result.depths if result is not None else {},
        urgent=result.urgent if result is not None else 0,
        alarms=_alarms(unit, memory),
        max_age=check.max_age,
        state_since=memory.state_since,
        was=memory.was if state in BLIND else None,
        blind_by=_blind_by(names, memory, sources, state, now, unwritten) if state in BLIND else None,
        policy=policy_of(check),
        evidence=memory.manifests,
        explain=unit.explain,
        paused_until=memory.paused_until,
        opened_24h=counts[0],
        resolved_24h=counts[1],
    )


def _alarms(unit: Check, memory: CheckMemory) -> dict[str, Alarm]:
    """Tell every kind of alarm that a check declares; zeros of one that was never judged."""
    declared = {*unit.alarms.values(), unit.loses}
    return {kind.value: memory.alarms.get(kind.value, Alarm()) for kind in AlarmKind if kind in declared}


def _blind_by(
    names: Sequence[str],
    memory: CheckMemory,
    sources: Mapping[str, SourceMemory],
    state: State,
    now: datetime,
    unwritten: str | None,
) -> BlindBy:
    """Find what blinds a check: a source that fails, else a disk that does, else the worst gap or unknown subjects."""
    since = memory.state_since or memory.configured_at or now
    if memory.error is not None:
        return BlindBy(source="", cause=Cause.INTERNAL, since=since, detail=memory.error)
    for name in names:
        source = sources.get(name)
        if source is not None and source.last_error is not None and (source.complete is None or state is State.STALE):
            cause = Cause(source.cause) if source.cause is not None else Cause.UNREACHABLE
            return BlindBy(source=name, cause=cause, since=source.failing_since or since, detail=source.last_error)
    if unwritten is not None and (memory.result is None or state is State.STALE):
        return BlindBy(source="", cause=Cause.INTERNAL, since=since, detail=unwritten)
    told = _in_doubt(memory.result, names, since) if memory.result is not None else None
    if told is not None:
        return _by_now(told, sources.get(told.source))
    if state is State.STALE and all(_told_since(sources.get(name), memory) for name in names):
        detail = "its sources have told anew, and it was not judged again in time"
        return BlindBy(source="", cause=Cause.INTERNAL, since=since, detail=detail)
    missing = next((name for name in names if sources.get(name) is None), names[0] if names else "")
    waits = "waits for its first collection" if state is State.PENDING else "was not judged again in time"
    return BlindBy(source=missing, cause=Cause.UNREACHABLE, since=since, detail=waits)


def _by_now(told: BlindBy, source: SourceMemory | None) -> BlindBy:
    """Blame a source for what it does now, where it fails since it told what is in doubt."""
    if source is None or source.last_error is None or source.cause is None:
        return told
    since = source.failing_since or told.since
    return BlindBy(source=told.source, cause=Cause(source.cause), since=since, detail=source.last_error)


def _told_since(source: SourceMemory | None, memory: CheckMemory) -> bool:
    """Tell whether a source has told all since a check was judged."""
    if source is None or source.complete is None:
        return False
    return memory.result is None or source.complete.as_of > memory.result.now


def _in_doubt(result: Result, names: Sequence[str], since: datetime) -> BlindBy | None:
    """Find what a judgement itself doubts: the worst gap, else its unknown subjects, else that there are none."""
    for doubted in result.gaps:
        if doubted.bars:
            gap = doubted.gap
            return BlindBy(source=gap.source, cause=gap.cause, since=since, detail=gap.detail)
    if result.unknown_causes:
        key, count = max(result.unknown_causes.items(), key=lambda item: item[1])
        name, _, cause_name = key.rpartition(":")
        detail = f"{count} of {result.tally.population} subjects cannot be judged"
        return BlindBy(source=name, cause=Cause(cause_name), since=since, detail=detail)
    if result.tally.population == 0:
        detail = "nothing is in scope; if that is right, set allow_empty to the reason"
        return BlindBy(source=names[0] if names else "", cause=Cause.NOT_CONFIGURED, since=since, detail=detail)
    return None


def policy_of(check: CheckConfig) -> dict[str, PolicyValue]:
    """Tell every parameter of a check and where it comes from."""
    values: dict[str, PolicyValue] = {}
    raw = check.raw
    for holder in (check.policy, check.common):
        kind: Any = type(holder)
        for name, key in _parameters(kind):
            value = getattr(holder, name)
            if name == "max_age" and value is None:
                value = check.max_age
            origin = f"checks.{check.name}.{key}" if key in raw else "default"
            values[key] = PolicyValue(value=_plain(value), origin=origin)
    return values


@cache
def _parameters(kind: Any) -> tuple[tuple[str, str], ...]:
    """Name the parameters of a policy, as attribute and key; msgspec takes its time to tell them."""
    return tuple((spec.name, spec.encode_name) for spec in msgspec.structs.fields(kind) if spec.name not in _NOT_POLICY)


_NOT_POLICY = frozenset(
    {"check", "sources", "severity", "team", "runbook", "policy_ref", "controls", "exclude", "allow_empty", "was"},
)


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
