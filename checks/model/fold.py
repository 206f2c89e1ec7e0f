"""The fold does the arithmetic of a check over a population, page by page; nothing leaves the count.

The result does not depend on page borders or on the order of records, and the same bytes, policy and ``now`` give the
same
result, byte for byte.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Judgement, Outcome, excluded, unknown
from checks.model.known import NOTHING, Known
from checks.model.records import Record, subject_of
from checks.model.result import Doubted, Finding, Result
from checks.model.state import Tally, verdict_of

if TYPE_CHECKING:
    from checks.model.check import Check

Item = Record | Sequence[Record]
"""One subject: a record, or all records of the subject where the check groups them."""

EXAMPLES_SHOWN = 3
RULE = "rule:"
"""What the reason of a configured exclusion begins with."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A configured reason to leave subjects out of scope."""

    match: Mapping[str, str]
    """Record field to a glob, all of which must match, case-insensitively."""
    reason: str

    def fits(self, record: Record) -> bool | None:
        """Tell whether it leaves a record out; None when a field that decides is not told."""
        return _fits(record, self.match)


@dataclass(frozen=True, slots=True)
class Part:
    """What the manifest of one source says of its part of the population."""

    source: str
    as_of: datetime | None
    """The oldest observation of its latest complete collection; None when it never completed one."""
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that a judgement depends on besides the records."""

    name: str
    check: Check
    policy: Any
    threshold: float
    now: datetime
    parts: Sequence[Part]
    """The sources judged."""
    joined: Sequence[Part] = ()
    """The sources of the joined population."""
    known: Known = NOTHING
    exclude: Sequence[Exclusion] = ()
    allow_empty: bool = False


@dataclass(slots=True)
class Fold:
    """The running arithmetic of one question."""

    question: Question
    _outcomes: Counter[Outcome] = field(default_factory=Counter)
    _excluded: Counter[str] = field(default_factory=Counter)
    _depths: Counter[str] = field(default_factory=Counter)
    _causes: Counter[str] = field(default_factory=Counter)
    _until: datetime | None = None
    _urgent: int = 0
    _gaps: dict[Gap, _UnderGap] = field(default_factory=dict)
    _carriers: dict[tuple[str, str], list[Gap]] = field(default_factory=dict)
    _passing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Index the gaps that may carry unknown subjects."""
        for part in (*self.question.parts, *self.question.joined):
            for gap in part.gaps:
                self._gaps[gap] = _UnderGap()
                for name in gap.fields or ("",):
                    self._carriers.setdefault((gap.source, name), []).append(gap)

    def feed(self, items: Iterable[Item]) -> list[Finding]:
        """Judge subjects (records, or groups of records where the check has ``by``) and return the findings."""
        found: list[Finding] = []
        question, count = self.question, self._count
        if question.exclude or question.check.loses is not None:
            for item in items:
                count(item, self._judge(item), found)
            return found
        judge, policy, now, known = question.check.judge, question.policy, question.now, question.known
        fine, last, again, passed, until = Outcome.PASS, None, 0, 0, self._until
        for item in items:
            try:
                judgement = judge(item, policy, now, known)
            except Exception as error:  # noqa: BLE001 - whatever a judge raises leaves its subject in the count
                judgement = _broken(error)
            if judgement is last:  # Most subjects are judged alike, by one judgement that the check keeps.
                again += 1
            elif judgement.outcome is fine and judgement.depth is None:
                passed += 1
                if judgement.until is not None and (until is None or judgement.until < until):
                    until = judgement.until
            else:
                if judgement.outcome is fine or judgement.outcome is Outcome.EXCLUDED:
                    self._repeat(last, again)
                    last, again = judgement, 0
                count(item, judgement, found)
        self._repeat(last, again)
        self._outcomes[fine] += passed
        if until is not None and (self._until is None or until < self._until):
            self._until = until
        return found

    def _repeat(self, judgement: Judgement | None, times: int) -> None:
        """Count a pass or an exclusion that came again."""
        if judgement is None or not times:
            return
        self._outcomes[judgement.outcome] += times
        if judgement.outcome is Outcome.EXCLUDED:
            self._excluded[judgement.reason] += times
        elif judgement.depth is not None:
            self._depths[judgement.depth] += times

    def feed_over(self, pairs: Iterable[tuple[Item | None, Item]]) -> list[Finding]:
        """Judge a partial collection over the last complete one: it may add failures and subjects, never clear one.

        Each pair is a subject in the complete collection (None: new) and the same subject in the partial one.
        """
        found: list[Finding] = []
        for before, after in pairs:
            judgement = self._judge(after)
            if before is not None and judgement.outcome is not Outcome.FAIL:
                judgement = self._judge(before)
            self._count(after, judgement, found)
        return found

    def take_passing(self) -> list[str]:
        """Give the subjects that passed, warned ones too, since the last call; of a check with ``loses`` alone."""
        taken, self._passing = self._passing, []
        return taken

    def result(self) -> Result:
        """Close the arithmetic."""
        question = self.question
        tally = Tally(
            passed=self._outcomes[Outcome.PASS] + self._outcomes[Outcome.WARN],
            warned=self._outcomes[Outcome.WARN],
            failed=self._outcomes[Outcome.FAIL],
            unknown=self._outcomes[Outcome.UNKNOWN],
            missing=_missing(question),
            barred=any(_bars(gap, question) for gap in self._gaps),
        )
        times = [part.as_of for part in (*question.parts, *question.joined)]
        told = [moment for moment in times if moment is not None]
        return Result(
            check=question.name,
            now=question.now,
            read=self._outcomes.total(),
            excluded=dict(sorted(self._excluded.items())),
            tally=tally,
            verdict=verdict_of(tally, question.threshold, allow_empty=self._empty_allowed()),
            threshold=question.threshold,
            as_of=min(told) if times and len(told) == len(times) else None,
            until=self._until,
            gaps=tuple(self._doubted(gap) for gap in sorted(self._gaps, key=_gap_order)),
            depths=dict(sorted(self._depths.items())),
            urgent=self._urgent,
            unknown_causes=dict(sorted(self._causes.items())),
        )

    def _empty_allowed(self) -> bool:
        """An empty population is right only for the reason given: not when configured exclusions made it empty."""
        return self.question.allow_empty and not any(reason.startswith(RULE) for reason in self._excluded)

    def _judge(self, item: Item) -> Judgement:
        """Judge one subject in its scope."""
        question = self.question
        try:
            judgement = question.check.judge(item, question.policy, question.now, question.known)
        except Exception as error:  # noqa: BLE001 - whatever a judge raises leaves its subject in the count
            judgement = _broken(error)
        return self._scoped(_naming(item, question.check), judgement) if question.exclude else judgement

    def _scoped(self, record: Record, judgement: Judgement) -> Judgement:
        """Apply the configured exclusions; a field that is not told leaves the subject in the count, unknown."""
        for rule in self.question.exclude:
            fits = rule.fits(record)
            if fits is True:
                return excluded(f"{RULE}{rule.reason}", until=judgement.until)
            if fits is None and judgement.outcome not in {Outcome.FAIL, Outcome.EXCLUDED}:
                return unknown("cannot tell whether an exclusion applies", Cause.NOT_EXPOSED, until=judgement.until)
        return judgement

    def _count(self, item: Item, judgement: Judgement, found: list[Finding]) -> None:
        """Count one judgement, and note a finding."""
        outcome, until = judgement.outcome, judgement.until
        self._outcomes[outcome] += 1
        if until is not None and (self._until is None or until < self._until):
            self._until = until
        if outcome is Outcome.PASS or outcome is Outcome.WARN:
            if judgement.depth is not None:
                self._depths[judgement.depth] += 1
            if self.question.check.loses is not None:
                self._passing.append(subject_of(_naming(item, self.question.check)))
            if outcome is Outcome.PASS:
                return
            self._urgent += judgement.urgent
        elif outcome is Outcome.EXCLUDED:
            self._excluded[judgement.reason] += 1
            return
        record = _naming(item, self.question.check)
        carried = outcome is Outcome.UNKNOWN and self._carry(record, judgement)
        found.append(_finding(record, judgement, carried=carried))

    def _carry(self, record: Record, judgement: Judgement) -> bool:
        """Count an unknown by its cause, and under the gap that alone makes it so; tell whether there is one."""
        source = judgement.of or record.source
        self._causes[f"{source}:{judgement.cause or Cause.INTERNAL}"] += 1
        carrier = self._carrier(source, judgement)
        if carrier is not None:
            self._gaps[carrier].add(subject_of(record), record.label or record.id)
        return carrier is not None

    def _carrier(self, source: str, judgement: Judgement) -> Gap | None:
        """Find the gap through which alone a subject is unknown."""
        if not self._carriers or judgement.cause is None or not (judgement.fields or judgement.of):
            return None
        fields = judgement.fields or ("",)
        fitting: set[Gap] | None = None
        for name in fields:
            gaps = {gap for gap in self._carriers.get((source, name), ()) if gap.cause is judgement.cause}
            fitting = gaps if fitting is None else fitting & gaps
        return min(fitting, key=_gap_order) if fitting else None

    def _doubted(self, gap: Gap) -> Doubted:
        under = self._gaps[gap]
        return Doubted(gap=gap, subjects=under.count, examples=under.examples(), bars=_bars(gap, self.question))


@dataclass(slots=True)
class _UnderGap:
    """The subjects that one gap carries: a count and the first few by name."""

    count: int = 0
    _first: list[_Reversed] = field(default_factory=list)

    def add(self, subject: str, label: str) -> None:
        """Count a subject."""
        self.count += 1
        heapq.heappush(self._first, _Reversed((subject, label)))
        if len(self._first) > EXAMPLES_SHOWN:
            heapq.heappop(self._first)

    def examples(self) -> tuple[str, ...]:
        """Name the first few subjects."""
        return tuple(label for _, label in sorted(item.value for item in self._first))


@dataclass(frozen=True, slots=True)
class _Reversed:
    """Order that turns a smallest-first heap into a largest-first one."""

    value: tuple[str, str]

    def __lt__(self, other: _Reversed) -> bool:
        return other.value < self.value


def _broken(error: Exception) -> Judgement:
    return unknown(f"the check itself failed: {type(error).__name__}", Cause.INTERNAL)


def _finding(record: Record, judgement: Judgement, *, carried: bool) -> Finding:
    return Finding(
        subject=subject_of(record),
        label=record.label or record.id,
        outcome=judgement.outcome,
        reason=judgement.reason,
        facts=judgement.facts,
        cause=judgement.cause,
        urgent=judgement.urgent,
        until=judgement.until,
        carried=carried,
    )


def _naming(item: Item, check: Check) -> Record:
    """Choose the record that names a subject; of a group, the first of the first type in ``over``."""
    return item if isinstance(item, Record) else _naming_group(item, check)


def _naming_group(group: Sequence[Record], check: Check) -> Record:
    rank = {kind: index for index, kind in enumerate(check.over)}
    first = min(group, key=lambda record: (rank[type(record)], record.id))
    if check.by is None or rank[type(first)] == 0:
        return first
    key = check.by(first)
    return msgspec.structs.replace(first, id=key, label=key)


def _fits(record: Record, match: Mapping[str, str]) -> bool | None:
    """Tell whether every field matches its glob; None when a field that decides is not told."""
    doubt = False
    for name, pattern in match.items():
        value = getattr(record, name, None)
        if value is None:
            doubt = True
        elif not any(fnmatchcase(str(item).lower(), pattern.lower()) for item in _items(value)):
            return False
    return None if doubt else True


def _items(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,)


def _missing(question: Question) -> int | None:
    """Add up what members gaps of the judged sources may hide; None when one of them has no bound."""
    gaps = [gap for part in question.parts for gap in part.gaps if gap.kind == "members"]
    bounds = [gap.missing for gap in gaps]
    return None if None in bounds else sum(bound for bound in bounds if bound is not None)


def _bars(gap: Gap, question: Question) -> bool:
    """Tell whether a gap bars PASS: members always, facts where the check reads one of the fields."""
    return gap.kind == "members" or bool(question.check.reads.intersection(gap.fields))


def _gap_order(gap: Gap) -> tuple[str, str, str, tuple[str, ...], str, int]:
    return gap.source, gap.kind, gap.cause, gap.fields, gap.detail, -1 if gap.missing is None else gap.missing
