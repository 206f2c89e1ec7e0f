"""Strategies for any check, present or future: its own examples, bent field by field towards the borders."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from checks import discover
from checks.model.check import EXAMPLE_NOW, Check
from checks.model.doubt import Cause, Gap
from checks.model.judgement import Judgement
from checks.model.known import Known
from checks.model.records import IDENTITY, RECORD_TYPES, Bridge, Factor, Record, erase, field_names, type_name
from checks.model.units import Duration, duration
from tests.support.builders import known_of

CHECKS: Mapping[str, Check] = discover()
SOURCE, ROSTER = "selftest", "selftest-joined"
TICK = timedelta(microseconds=1)
_LENGTHS = (
    "0s",
    "5m",
    "2h",
    "4h",
    "6h",
    "24h",
    "30h",
    "48h",
    "4d",
    "7d",
    "14d",
    "30d",
    "38d",
    "45d",
    "60d",
    "76d",
    "83d",
)
_LONG = ("90d", "91d", "105d", "180d", "365d", "366d", "400d", "457d", "900d")
OFFSETS = tuple(duration(text) for text in (*_LENGTHS, *_LONG))
FACTORS = (
    (),
    (Factor(kind="totp", strength="strong"),),
    (Factor(kind="sms", strength="weak"),),
    (Factor(kind="iris"),),
    (Factor(kind="sms", strength="weak"), Factor(kind="webauthn", strength="phishing_resistant")),
    (Factor(kind="iris"), Factor(kind="totp", strength="strong")),
)


@dataclass(frozen=True)
class Case:
    """A population, what it is joined with, and how it is asked."""

    name: str
    items: Sequence[Any]
    """Subjects as ``judge`` takes them."""
    joined: Sequence[Record]
    policy: Any
    now: datetime

    @property
    def check(self) -> Check:
        """The check that judges; named rather than held, so that a failing case can be read."""
        return CHECKS[self.name]

    def known(self, gaps: Sequence[Gap] = ()) -> Known:
        """Index the joined population."""
        return known_of(self.check, self.joined, gaps)

    def judge(self, item: Any, now: datetime | None = None) -> Judgement:
        """Judge one subject."""
        return self.check.judge(item, self.policy, now or self.now, self.known())

    def erasures(self, *, declared: bool = True) -> Iterator[tuple[str, Case]]:
        """Give each case that differs by one told field of one record, judged or joined, which is not told."""
        for position, item in enumerate(self.items):
            for name, changed in _erased_item(item, self.check, declared=declared):
                items = [*self.items[:position], changed, *self.items[position + 1 :]]
                yield name, Case(self.name, items, self.joined, self.policy, self.now)
        for position, record in enumerate(self.joined):
            for name, gone in _erased(record, self.check, declared=declared):
                joined = [*self.joined[:position], gone, *self.joined[position + 1 :]]
                yield name, Case(self.name, self.items, joined, self.policy, self.now)


def _erased_item(item: Any, check: Check, *, declared: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(item, Record):
        yield from _erased(item, check, declared=declared)
        return
    for position, record in enumerate(item):
        for name, gone in _erased(record, check, declared=declared):
            yield name, (*item[:position], gone, *item[position + 1 :])


def _erased(record: Record, check: Check, *, declared: bool) -> Iterator[tuple[str, Record]]:
    prefix = type_name(type(record))
    for name in type(record).__struct_fields__:
        read = f"{prefix}.{name}" in check.reads
        if name not in IDENTITY and getattr(record, name) is not None and read is declared:
            yield f"{prefix}.{name}", erase(record, name, Cause.DENIED.value)


@st.composite
def cases(draw: st.DrawFn, name: str, *, most: int = 1, least: int = 1) -> Case:
    """Draw a case whose subjects are bent examples of the check."""
    check = CHECKS[name]
    count = draw(st.integers(least, most))
    chosen = draw(st.permutations(range(len(check.examples))))[:count]
    items, joined = [], []
    for index in chosen:
        example = check.examples[index]
        item = _group(check, [draw(bent(record)) for record in _extended(draw, check, example.records)])
        items.append(item if check.by is not None else item[0])
        joined += [draw(bent(record)) for record in _extended(draw, None, example.joined)]
    return Case(name, items, joined, draw(policies(check)), draw(nows()))


def _extended(draw: st.DrawFn, check: Check | None, records: Sequence[Record]) -> list[Record]:
    """Add a second record like the last one, where a subject or a person may have several."""
    grown = list(records)
    several = check is None or check.by is not None
    if grown and several and (check is None or type(grown[-1]) is not check.over[0]) and draw(st.booleans()):
        grown.append(msgspec.structs.replace(grown[-1], id=f"{grown[-1].id}-b"))
    return grown


def _group(check: Check, records: Sequence[Record]) -> tuple[Record, ...]:
    """Keep the records that are still one subject."""
    if check.by is None:
        return (records[0],)
    key = check.by(records[0])
    return tuple(record for record in records if check.by(record) == key)


def near_examples(name: str) -> Iterator[Case]:
    """Give every example, and every example with one declared field of one record at each of its borders."""
    check = CHECKS[name]
    for example in check.examples:
        records = [*example.records, *example.joined]
        split = len(example.records)
        for position, record in enumerate(records):
            for other in (record, *_neighbours(record, check)):
                bent_records = [*records[:position], other, *records[position + 1 :]]
                group = _group(check, bent_records[:split])
                item = group if check.by is not None else group[0]
                yield Case(name, [item], bent_records[split:], check.policy(), EXAMPLE_NOW)


def _neighbours(record: Record, check: Check) -> Iterator[Record]:
    prefix = type_name(type(record))
    for name, values in _values()[type(record)].items():
        if f"{prefix}.{name}" in check.reads:
            for value in values:
                yield msgspec.structs.replace(record, **{name: value})


@st.composite
def bent(draw: st.DrawFn, record: Record) -> Record:
    """Replace up to four fields of a record with border values, or with nothing."""
    values = _values()[type(record)]
    changes: dict[str, Any] = {}
    why = dict(record.why)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(values)))
        value = draw(st.one_of(st.none(), st.sampled_from(values[name])))
        changes[name] = value
        why.pop(name, None)
        if value is None and draw(st.booleans()):
            why[name] = draw(st.sampled_from([cause.value for cause in Cause]))
    return msgspec.structs.replace(record, **changes, why=why)


def nows() -> st.SearchStrategy[datetime]:
    """Draw the instant of judgement: the examples' own, mostly, or one not far from it."""
    return st.sampled_from([EXAMPLE_NOW, EXAMPLE_NOW, EXAMPLE_NOW + TICK, EXAMPLE_NOW + duration("11h7m")])


def gaps(check: Check) -> st.SearchStrategy[Gap]:
    """Draw any gap: members or facts, of any field whether it is read or not, of any cause."""
    fields = sorted({name for kind in RECORD_TYPES for name in field_names(kind)})
    causes = st.sampled_from(list(Cause))
    source = st.sampled_from([SOURCE, ROSTER])
    members = st.builds(
        Gap, source=source, cause=causes, kind=st.just("members"), missing=st.sampled_from([None, 0, 1, 50])
    )
    told = st.sampled_from([*fields, *sorted(check.reads)]).map(lambda name: (name,))
    return st.one_of(members, st.builds(Gap, source=source, cause=causes, kind=st.just("facts"), fields=told))


@st.composite
def policies(draw: st.DrawFn, check: Check) -> Any:
    """Draw a policy: the default, or one with a field or two changed."""
    default = check.policy()
    hints = get_type_hints(check.policy, include_extras=True)
    changes = {}
    for _ in range(draw(st.integers(0, 2)) if hints else 0):
        name = draw(st.sampled_from(sorted(hints)))
        changes[name] = draw(_setting(hints[name], getattr(default, name)))
    return msgspec.structs.replace(default, **changes)


def _setting(hint: Any, default: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if isinstance(default, Duration):
        return st.sampled_from([default, duration("0s"), duration("1h"), duration("5d"), duration("120d")])
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.sampled_from([default, 0, 2, 24])
    return st.just(default)


@cache
def _values() -> Mapping[type[Record], Mapping[str, Sequence[Any]]]:
    """Give the values that a field of a record type may take: those of all examples, and borders by type."""
    seen: dict[tuple[type[Record], str], set[Any]] = {}
    for check in CHECKS.values():
        for example in check.examples:
            for record in (*example.records, *example.joined):
                for name in type(record).__struct_fields__:
                    seen.setdefault((type(record), name), set()).add(_hashable(getattr(record, name)))
    return {
        kind: {
            name: _field(hint, seen.get((kind, name), set()))
            for name, hint in get_type_hints(kind).items()
            if name in kind.__struct_fields__ and name not in IDENTITY
        }
        for kind in RECORD_TYPES
    }


def _hashable(value: Any) -> Any:
    return None if isinstance(value, (dict, list)) else value


def _field(hint: Any, seen: set[Any]) -> Sequence[Any]:
    arms = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    kind = next(arm for arm in arms if arm is not type(None))
    borders = _borders(kind)
    told = sorted((value for value in seen if value is not None and not isinstance(value, Bridge)), key=repr)
    return [*told, *borders]


def _borders(kind: Any) -> Sequence[Any]:
    """Give the values of a type at which something may change."""
    dates = [EXAMPLE_NOW + sign * offset + tick for offset in OFFSETS for sign in (-1, 1) for tick in (-TICK, 0 * TICK)]
    table: dict[Any, Sequence[Any]] = {
        bool: (True, False),
        datetime: dates,
        timedelta: (timedelta(), duration("1h"), duration("9d")),
        int: (0, 1, 2, 1000),
        float: (0.0, 3600.0, 86_400.0, -1.0, 1e300),
        str: ("", "novel"),
        Bridge: [
            Bridge(start, start + length) for start in dates[::5] for length in (timedelta(days=30), timedelta(days=91))
        ],
    }
    if kind in table:
        return table[kind]
    return FACTORS if Factor in get_args(kind) else ((), ("security",), ("novel@example.org",))
