"""The snapshot is built from what is remembered and what is configured, and never changes after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from checks.model.check import AlarmKind
from checks.model.doubt import Cause
from checks.model.state import BLIND, State
from checks.model.units import format_duration
from engine.activity import Activity
from engine.custody import source_writer
from engine.judge import recorded, standing_of
from engine.port import Alarm, BlindBy, CheckView, PolicyValue, Quota, SourceView
from engine.port.timeline import longest_quiet
from engine.store import CheckMemory, SourceMemory
from engine.times import deadlines_of, labels_of
from engine.waivers import NONE, Waivers
from sources.common.traffic import Window

if TYPE_CHECKING:
    from checks.model.check import Check
    from checks.model.result import Result
    from engine.config import CheckConfig, Config, SourceConfig


def source_views(
    config: Config,
    memories: Mapping[str, SourceMemory],
    activity: Mapping[str, Activity],
    now: datetime,
    unkept: Mapping[str, str] = MappingProxyType({}),
) -> list[SourceView]:
    """Show every configured source; ``unkept`` says of writers of evidence why their latest work was not kept."""
    readers: dict[str, list[str]] = {}
    for check in config.checks.values():
        for name in (*check.judged, *check.joined):
            readers.setdefault(name, []).append(check.name)
    return [
        _ran(_active(view, doing), doing, now)
        for name, source in config.sources.items()
        for doing in (activity.get(name) or Activity(),)
        for memory in (memories.get(name) or SourceMemory(name=name),)
        for view in (_kept(_source_view(source, memory, readers.get(name, [])), unkept),)
    ]


def _source_view(source: SourceConfig, memory: SourceMemory, readers: Sequence[str]) -> SourceView:
    """Show what is configured, and what is remembered over restarts."""
    complete = memory.complete
    gaps = [*(complete.gaps if complete is not None else ()), *memory.last_gaps]
    return SourceView(
        name=source.name,
        kind=source.common.kind,
        title=source.source.title,
        attempted_at=memory.attempted_at,
        completed_at=memory.completed_at,
        complete=complete is not None and memory.last_error is None,
        as_of=complete.as_of if complete is not None else None,
        records=complete.kept if complete is not None else 0,
        last_error=memory.last_error,
        cause=Cause(memory.cause) if memory.cause is not None else None,
        failing_since=memory.failing_since,
        gaps=tuple(dict.fromkeys(gaps)),
        every=source.every,
        max_age=source.max_age,
        duration_seconds=memory.duration_seconds,
        checks=tuple(readers),
        digest=complete.blob if complete is not None else None,
        labels=labels_of(source),
    )


def _kept(view: SourceView, unkept: Mapping[str, str]) -> SourceView:
    """Show that the latest run brought nothing, whatever it told, where that could not be kept.

    Whether it was complete, its cause and since when it fails stay the source's own: it is not to blame for the disk.
    """
    lost = unkept.get(source_writer(view.name))
    if lost is None:
        return view
    told = "" if view.last_error is None else f"{view.last_error}; "
    return msgspec.structs.replace(view, last_error=f"{told}evidence cannot be written: {lost}")


def _active(view: SourceView, doing: Activity) -> SourceView:
    """Add what a source is doing, and has done since the engine started."""
    plan, traffic = doing.plan, doing.traffic
    return msgspec.structs.replace(
        view,
        running=doing.running,
        next_run=doing.next_run,
        requests_done=doing.done,
        requests_planned=plan.requests if plan is not None else None,
        plan_seconds=plan.seconds if plan is not None else None,
        runs=doing.runs,
        failures=doing.failures,
        requests=traffic.requests,
        request_failures={cause.value: count for cause, count in traffic.failures.items()},
        throttled=traffic.throttled,
        throttle_seconds=traffic.throttle_seconds,
        quota=_quota(traffic.scarcest),
        credential_expires_at=traffic.credential_ends,
        failures_in_a_row=doing.in_a_row,
    )


def _ran(view: SourceView, doing: Activity, now: datetime) -> SourceView:
    """Add how the runs of the last day ended."""
    lately = doing.lately.at(now)
    return msgspec.structs.replace(
        view,
        runs_24h=len(lately.ended),
        complete_24h=len(lately.took),
        known_since=lately.known_since(now),
        silences=tuple(lately.silences(now, longest_quiet([view.every], view.max_age))),
        p50_seconds=lately.quantile(0.5),
        p95_seconds=lately.quantile(0.95),
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
    """Show what is configured of a check, what its latest judgement found, and what blinds it."""
    view = _judged(_configured(check, memory), check, memory)
    if (state := recorded(memory, now)) in BLIND:
        blind_by = _blind_by(view.sources, memory, sources, state, now, unwritten)
        view = msgspec.structs.replace(view, was=memory.was, blind_by=blind_by)
    return msgspec.structs.replace(
        view,
        state_since=memory.state_since,
        paused_until=memory.paused_until,
        paused_by=memory.paused_by,
        paused_reason=memory.paused_reason,
        opened_24h=counts[0],
        resolved_24h=counts[1],
    )


def _configured(check: CheckConfig, memory: CheckMemory) -> CheckView:
    """Show what is configured of a check, and what its state is derived from."""
    unit, common = check.check, check.common
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
        sources=(*check.judged, *check.joined),
        standing=standing_of(memory),
        max_age=check.max_age,
        policy=policy_of(check),
        explain=unit.explain,
    )


def _judged(view: CheckView, check: CheckConfig, memory: CheckMemory) -> CheckView:
    """Add what the latest judgement found."""
    view = msgspec.structs.replace(view, alarms=_alarms(check.check, memory), evidence=memory.manifests)
    result = memory.result
    if result is None:
        return view
    return msgspec.structs.replace(
        view,
        verdict=result.verdict,
        as_of=result.as_of,
        read=result.read,
        excluded=result.excluded,
        gaps=result.gaps,
        depths=result.depths,
        urgent=result.urgent,
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
