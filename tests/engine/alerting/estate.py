"""Estates as Prometheus sees them: a signal for every series, minute by minute, on a clock that begins at 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from checks.model.state import WORST_FIRST

Sample = float | Literal["stale"] | None
"""A value, the mark of a series that ended, or no sample at all (a lost scrape)."""
Signal = Callable[[int], Sample]
"""What a series tells at a minute."""
Estate = Mapping[str, Signal]

JOB: Final = "controlwatch"
HOUR: Final = 3_600
COUNTS: Final = {"population": 40, "failed": 3, "warned": 2, "urgent": 0, "read": 100, "excluded": 10}
FAMILIES: Final = ("mfa", "access", "backup", "certification")


def always(value: float) -> Signal:
    """Tell the same for ever."""
    return lambda _: value


def clock(ahead: float = 0, *, until: int | None = None) -> Signal:
    """Tell the time, so many seconds ahead, until it stands still."""
    return lambda minute: 60 * (minute if until is None else min(minute, until)) + ahead


def then(*turns: tuple[int, Signal | float | None], first: Signal | float | None = None) -> Signal:
    """Tell one thing after the other, each from its minute on; None: the series is gone."""
    steps = [(0, first), *turns]

    def told(minute: int) -> Sample:
        since, what = [step for step in steps if step[0] <= minute][-1]
        if what is None:
            return "stale" if minute == since and since > 0 else None
        return what(minute) if callable(what) else what

    return told


def off(signal: Signal, start: int, end: int | None = None) -> Signal:
    """Lose a series from a minute on, with the mark that Prometheus sets, until another."""

    def told(minute: int) -> Sample:
        if minute < start or (end is not None and minute >= end):
            return signal(minute)
        return "stale" if minute == start else None

    return told


def key(name: str, **labels: str) -> str:
    """Name a series of Controlwatch as promtool reads it."""
    inner = ", ".join(f'{label}="{value}"' for label, value in {"job": JOB, **labels}.items())
    return f"{name if name == 'up' else f'controlwatch_{name}'}{{{inner}}}"


def monitor(instance: str = "a", *, demo: bool = False) -> Estate:
    """Build what an instance tells of itself when all is well."""
    told: dict[str, Signal] = {
        "up": always(1),
        "demo": always(demo),
        "engine_started_timestamp_seconds": always(0),
        "scheduler_last_tick_timestamp_seconds": clock(),
        "exposition_snapshot_timestamp_seconds": clock(),
        "exposition_render_timestamp_seconds": clock(),
        "selftest_ok": always(1),
        "selftest_last_success_timestamp_seconds": clock(),
        "selftest_max_age_seconds": always(2 * HOUR),
        "engine_checks_blinded": always(0),
        "config_last_reload_successful": always(1),
        "config_loaded_timestamp_seconds": always(0),
        "waivers_valid": always(1),
        "evidence_chain_valid": always(1),
    }
    dropped = {
        key("exposition_series_dropped", instance=instance, reason=reason): always(0) for reason in ("cap", "label")
    }
    families = {key("checks_configured", instance=instance, family=family): always(1) for family in FAMILIES}
    return {key(name, instance=instance): signal for name, signal in told.items()} | dropped | families


def states(check: str, family: str, state: Callable[[int], str] | str, instance: str = "a") -> Estate:
    """Build the seven series of a check's state, for one that stays or one that changes."""

    def of(named: str) -> Signal:
        return lambda minute: float((state(minute) if callable(state) else state) == named)

    return {
        key("check_state", instance=instance, check=check, family=family, state=named): of(named)
        for named in map(str, WORST_FIRST)
    }


def check(
    name: str = "workforce-mfa",
    family: str = "mfa",
    state: Callable[[int], str] | str = "pass",
    *,
    instance: str = "a",
    check_id: str = "mfa_coverage",
    severity: str = "high",
    source: str = "okta-prod",
) -> Estate:
    """Build what an instance tells of one check; its proof ends in an hour, at every minute."""
    one = {"instance": instance, "check": name, "family": family}
    control = {"control": "soc2:CC6.1", "framework": "soc2", "criterion": "CC6.1"}
    return {
        key("check_info", **one, check_id=check_id, severity=severity, team="identity"): always(1),
        key("check_control_info", instance=instance, check=name, **control): always(1),
        key("check_source_info", instance=instance, check=name, source=source): always(1),
        **states(name, family, state, instance),
        key("check_valid_until_timestamp_seconds", **one): clock(HOUR),
        key("check_as_of_timestamp_seconds", **one): clock(),
        key("check_state_since_timestamp_seconds", **one): always(0),
        key("check_paused", **one): always(0),
        **{key(f"check_{count_of}", **one): always(count) for count_of, count in COUNTS.items()},
    }


def alarm(name: str, family: str, kind: str, count: Signal, at: Signal | None = None, instance: str = "a") -> Estate:
    """Build an alarm of a check: how many, and when the latest was raised."""
    one = {"instance": instance, "check": name, "family": family, "alarm": kind}
    return {key("check_alarms", **one): count, key("check_alarm_timestamp_seconds", **one): at or always(0)}


def source(name: str = "okta-prod", kind: str = "okta", *, instance: str = "a", every: int = HOUR) -> Estate:
    """Build what an instance tells of one source whose runs are complete."""
    one = {"instance": instance, "source": name, "kind": kind}
    return {
        key("source_up", **one): always(1),
        key("source_never_attempted", **one): always(0),
        key("source_checks_blinded", **one): always(0),
        key("source_interval_seconds", **one): always(every),
        key("source_checks", **one): always(1),
    }


def failing(
    cause: str, start: int, *, blinds: int = 0, blinded_from: int | None = None, end: int | None = None
) -> Estate:
    """Build the source ``okta-prod`` failing whole from a minute on, for one cause, and how many checks it blinds."""
    one = {"instance": "a", "source": "okta-prod", "kind": "okta"}
    ends = () if end is None else ((end, None),)
    well: tuple[tuple[int, float], ...] = () if end is None else ((end, 0.0),)
    up: tuple[tuple[int, float], ...] = () if end is None else ((end, 1.0),)
    blind = start if blinded_from is None else blinded_from
    told: dict[str, Signal] = {
        key("source_up", **one): then((start, 0.0), *up, first=1.0),
        key("source_incomplete", **one, cause=cause): then((start, 1.0), *ends),
        key("source_failing_since_timestamp_seconds", **one): then((start, 60.0 * start), *ends),
    }
    if blinds:
        told[key("source_checks_blinded", **one)] = then((blind, float(blinds)), *well, first=0.0)
        told[key("source_blinds", **one, cause=cause)] = then((blind, float(blinds)), *ends)
    return told


def healthy(instance: str = "a", *, demo: bool = False) -> Estate:
    """Build an instance with one check and one source, all well."""
    return {**monitor(instance, demo=demo), **check(instance=instance), **source(instance=instance)}


def at_site(estate: Estate, site: str) -> Estate:
    """Give every series of an estate one more label of its target, which job and instance do not tell."""
    return {f'{name[:-1]}, site="{site}"}}': signal for name, signal in estate.items()}


def lost(estate: Estate, start: int, end: int | None = None) -> Estate:
    """Lose the scrape of an estate: every series ends and ``up`` is 0."""

    def of(name: str, signal: Signal) -> Signal:
        if name.startswith("up{"):
            back: tuple[tuple[int, float], ...] = () if end is None else ((end, 1.0),)
            return then((start, 0.0), *back, first=1.0)
        return off(signal, start, end)

    return {name: of(name, signal) for name, signal in estate.items()}


def frozen(estate: Estate, start: int) -> Estate:
    """Freeze an exposition: the same bytes for ever, and scrapes that succeed."""
    return {name: _held(signal, start) for name, signal in estate.items()}


def _held(signal: Signal, start: int) -> Signal:
    return lambda minute: signal(min(minute, start))
