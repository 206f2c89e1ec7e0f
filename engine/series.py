"""How families of the catalogue are declared, and the series of those whose labels go beyond one check or source."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

from checks.model.state import WORST_FIRST, State, Tally
from engine import exposition
from engine.exposition import LABELS, Columns, Ledger, Metric, Number, Row, Values, fits
from engine.port import Deadline, SourceView
from engine.reading import Checked, Reading

SUBJECTS: Final = "subjects"
CHECK: Final = ("check", "family")
SOURCE: Final = ("source", "kind")

_FAMILIES: Final = tuple(sorted(LABELS["family"].values or ()))


def of_engine(
    name: str,
    unit: str,
    told: str,
    value: Callable[[Reading], Number | None],
    *,
    kind: Literal["gauge", "counter"] = "gauge",
) -> Metric[Reading]:
    """Declare a family of one series."""

    def columns(reading: Reading) -> Columns:
        return [()], [value(reading)]

    return Metric(name=f"controlwatch_{name}", kind=kind, help=told, unit=unit, bound="1", columns=columns)


def of_checks(
    name: str,
    unit: str,
    told: str,
    value: Callable[[Checked], Number | None],
    *,
    kind: Literal["gauge", "counter"] = "gauge",
    shed: int = 0,
) -> Metric[Reading]:
    """Declare a family of one series per configured check; None: no series."""

    def columns(reading: Reading) -> Columns:
        return reading.check_keys, [value(check) for check in reading.checks]

    full = f"controlwatch_check_{name}"
    return Metric(name=full, kind=kind, help=told, unit=unit, labels=CHECK, bound="checks", shed=shed, columns=columns)


def of_judged(
    name: str,
    told: str,
    value: Callable[[Tally, Checked], Number | None],
    *,
    unit: str = SUBJECTS,
    shed: int = 2,
) -> Metric[Reading]:
    """Declare a count of a judgement; a check that was never judged has none, because zero would be a claim."""

    def told_value(check: Checked) -> Number | None:
        tally = check.view.standing.tally
        return None if tally is None else value(tally, check)

    return of_checks(name, unit, told, told_value, shed=shed)


def of_sources(
    name: str,
    unit: str,
    told: str,
    value: Callable[[SourceView], Number | None],
    *,
    kind: Literal["gauge", "counter"] = "gauge",
    shed: int = 0,
) -> Metric[Reading]:
    """Declare a family of one series per source; None: no series."""

    def columns(reading: Reading) -> Columns:
        return reading.source_keys, [value(source) for source in reading.sources]

    full = f"controlwatch_source_{name}"
    return Metric(
        name=full, kind=kind, help=told, unit=unit, labels=SOURCE, bound="sources", shed=shed, columns=columns
    )


def of_rows(
    name: str,
    unit: str,
    told: str,
    rows: Callable[[Reading], Iterable[Row]],
    *,
    labels: Values,
    bound: str,
    kind: Literal["gauge", "counter"] = "gauge",
    shed: int = 0,
) -> Metric[Reading]:
    """Declare a family whose rows bring their own labels."""
    full, columns = f"controlwatch_{name}", exposition.of_rows(rows)
    return Metric(name=full, kind=kind, help=told, unit=unit, labels=labels, bound=bound, shed=shed, columns=columns)


def of_exposition(
    name: str,
    unit: str,
    told: str,
    rows: Callable[[Ledger], Iterable[Row]],
    *,
    labels: Values = (),
    bound: str = "1",
) -> Metric[Ledger]:
    """Declare a family that the exposition says of itself."""
    full, columns = f"controlwatch_exposition_{name}", exposition.of_rows(rows)
    return Metric(name=full, help=told, unit=unit, labels=labels, bound=bound, columns=columns)


def unix(at: datetime | None) -> float | None:
    """Give an instant as Unix time; None of none."""
    return None if at is None else at.timestamp()


def build(reading: Reading) -> Iterable[Row]:
    """What runs."""
    return [((reading.snapshot.version or "unknown", platform.python_version()), 1)]


def blanked(reading: Reading) -> int:
    """Count the teams that cannot stand in a label."""
    return sum(not fits("team", check.view.team) for check in reading.checks)


def infos(reading: Reading) -> Iterable[Row]:
    """What is configured of each check."""
    for check in reading.checks:
        view = check.view
        yield (view.name, view.family, view.check, view.severity, _team(check)), 1


def controls(reading: Reading) -> Iterable[Row]:
    """Controls of each check, many to many."""
    for check in reading.checks:
        for control in dict.fromkeys(check.view.controls):
            framework, _, criterion = control.rpartition(":")
            yield (check.view.name, control, framework, criterion), 1


def feeds(reading: Reading) -> Iterable[Row]:
    """Sources of each check, joined ones included."""
    return [((check.view.name, source), 1) for check in reading.checks for source in dict.fromkeys(check.view.sources)]


def states(reading: Reading) -> Iterable[Row]:
    """All seven states of each check, exactly one of them 1."""
    for check in reading.checks:
        for state, values in _state_keys(check.key):
            yield values, 1 if state is check.state else 0


def blind(reading: Reading) -> Iterable[Row]:
    """Whom each blind check blames; a paused or pending one blames nobody."""
    for check in reading.checks:
        if check.blame is not None:
            yield (*check.key, check.blame.source, str(check.blame.cause)), 1


def check_gaps(reading: Reading) -> Iterable[Row]:
    """Gaps that bar PASS, by cause."""
    for check in reading.checks:
        causes = Counter(str(doubted.gap.cause) for doubted in check.view.gaps if doubted.bars)
        for cause, times in causes.items():
            yield (*check.key, cause), times


def alarms(reading: Reading) -> Iterable[Row]:
    """Failures that may be worth waking somebody for, zeros included."""
    for check in reading.checks:
        for kind, alarm in check.view.alarms.items():
            yield (*check.key, kind), alarm.count


def alarmed(reading: Reading) -> Iterable[Row]:
    """When the latest of them was raised."""
    for check in reading.checks:
        for kind, alarm in check.view.alarms.items():
            yield (*check.key, kind), unix(alarm.at) if alarm.count else None


def depths(reading: Reading) -> Iterable[Row]:
    """Passed subjects by depth of proof."""
    for check in reading.checks:
        if check.tally is not None:
            for depth, subjects in check.view.depths.items():
                yield (*check.key, depth), subjects


def waivers(reading: Reading) -> Iterable[Row]:
    """Waivers in force, and those that have ended."""
    told = reading.snapshot
    return [(("active",), told.waivers_active), (("expired",), told.waivers_expired)]


def families(reading: Reading) -> Iterable[Row]:
    """Configured checks of all four families, so that none is visible as 0."""
    counts = Counter(check.view.family for check in reading.checks)
    return [((family,), counts[family]) for family in _FAMILIES]


def incomplete(reading: Reading) -> Iterable[Row]:
    """Why the latest run of a source was not complete."""
    for source in reading.sources:
        if not source.complete and source.cause is not None:
            yield (source.name, source.kind, str(source.cause)), 1


def source_gaps(reading: Reading) -> Iterable[Row]:
    """Gaps of each source."""
    for source in reading.sources:
        for (cause, kind), times in Counter((str(gap.cause), gap.kind) for gap in source.gaps).items():
            yield (source.name, source.kind, cause, kind), times


def blinding(reading: Reading) -> Iterable[Row]:
    """Checks that each source blinds."""
    return [((source.name, source.kind), reading.blinded.get(source.name, 0)) for source in reading.sources]


def blinds(reading: Reading) -> Iterable[Row]:
    """Checks that each source blinds, by cause."""
    kinds = {source.name: source.kind for source in reading.sources}
    for (source, cause), checks in reading.blinds.items():
        if source in kinds:
            yield (source, kinds[source], str(cause)), checks


def request_failures(reading: Reading) -> Iterable[Row]:
    """Requests of each source that failed, by cause."""
    for source in reading.sources:
        for cause, requests in source.request_failures.items():
            yield (source.name, source.kind, cause), requests


def deadlines(what: str) -> Callable[[Reading], Iterable[Row]]:
    """Read when what is known of each declared set, or of each TLS target, is too old for a check."""
    return lambda reading: _of_deadlines(reading, what, lambda deadline: deadline.at.timestamp())


def rpos(reading: Reading) -> Iterable[Row]:
    """RPO of each declared set."""
    return _of_deadlines(reading, "backup_newest", lambda deadline: deadline.rpo_seconds)


@lru_cache(maxsize=8_192)
def _state_keys(check: tuple[str, str]) -> tuple[tuple[State, Values], ...]:
    """Make the seven label sets of a check, the most that any family has, once."""
    return tuple((state, (*check, str(state))) for state in WORST_FIRST)


def _of_deadlines(reading: Reading, what: str, value: Callable[[Deadline], float]) -> Iterable[Row]:
    labels = {source.name: source.labels for source in reading.sources}
    for check in reading.checks:
        for deadline in check.view.deadlines:
            name = labels.get(deadline.source, {}).get(deadline.id)
            if deadline.what == what and name is not None:
                yield (check.view.name, deadline.source, name), value(deadline)


def known(what: str) -> Callable[[Reading], Iterable[Row]]:
    """Read known times of configured names; what a source discovered by itself has no label, so no series."""

    def rows(reading: Reading) -> Iterable[Row]:
        labels = {source.name: source.labels for source in reading.sources}
        for time in reading.snapshot.times:
            name = labels.get(time.source, {}).get(time.id) or time.name
            if time.what == what and name:
                yield (time.source, name), time.at.timestamp()

    return rows


def never_known(reading: Reading) -> Iterable[Row]:
    """Whether the time of each configured name was never known."""
    told = {(time.source, time.id) for time in reading.snapshot.times}
    for source in reading.sources:
        for record, name in source.labels.items():
            yield (source.name, source.kind, name), (source.name, record) not in told


def _team(check: Checked) -> str:
    return check.view.team if fits("team", check.view.team) else ""
