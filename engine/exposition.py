"""An exposition is Prometheus text 0.0.4 made ahead of the scrape: plain and gzipped bytes, and what was left out.

Nothing here knows what is measured. Whatever series a metric gives, the bytes stay well-formed: a label value that is
neither a configured name nor a member of its closed set, a label set that occurs twice, a NaN and an infinity are left
out and counted, and past the cap optional families go whole. A family that says what it said at the rendering before is
not written again. Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (read 2026-11-21).
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Generic, Literal, TypeVar

from checks.model.check import AlarmKind
from checks.model.doubt import Cause
from checks.model.state import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus 3 fails a scrape whose Content-Type it cannot read, so this goes out byte for byte."""
CAP: Final = 20_000
"""Series of an exposition past which optional families are left out, when the configuration names no other.

200 checks, 50 sources, 40 backup sets and 20 TLS targets stay below it whatever befalls them, as a test proves.
"""
LONGEST_NAME: Final = 200
"""Characters of a label value."""

Number = int | float
Values = tuple[str, ...]
Row = tuple[Values, Number | None]
"""Label values in the metric's order, and the value; None: not told, so no series."""
Columns = tuple[Sequence[Values], Sequence[Number | None]]
"""The same of a whole family, side by side: label sets, and as many values."""
R = TypeVar("R")

Drop = Literal["label", "duplicate", "not_finite", "cap"]
DROPS: Final[tuple[Drop, ...]] = ("label", "duplicate", "not_finite", "cap")

DEPTHS: Final = frozenset({"exists", "complete", "verified", "restored", "claimed", "document", "reviewed", "enrolled"})
_TARGET: Final = re.compile(r"[^@\s]+:\d{1,5}(?:/[a-z0-9]+)?(?:@[^@\s]+)?")
"""A TLS target; its ``@server-name`` stands behind a port, where no e-mail address has it."""
_LARGEST: Final = sys.float_info.max
"""Prometheus cannot read a number beyond it, and then drops the whole scrape."""
_GZIP_LEVEL: Final = 1
"""Six times faster than level 9 for a third more bytes, on loopback or a LAN."""


@dataclass(frozen=True, slots=True)
class Label:
    """What may stand in one label."""

    meaning: str
    values: frozenset[str] | None = None
    """The closed set; None: a configured name."""
    empty: bool = False
    """Whether it may be empty, which Prometheus reads as no label."""
    target: bool = False
    """Whether a TLS target with ``@server-name`` may stand here."""


LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "check": Label("name of the configured check"),
        "check_id": Label("the check that it configures"),
        "family": Label("family of the check", frozenset({"mfa", "access", "backup", "certification"})),
        "severity": Label("of the configured check", frozenset({"critical", "high", "medium", "low"})),
        "team": Label("as configured; empty when not, or when it is no single word", empty=True),
        "control": Label("a control that the check tests, as `soc2:CC6.1`"),
        "framework": Label("the framework of the control, as `soc2`; empty when it names none", empty=True),
        "criterion": Label("the control's own number, as `CC6.1`"),
        "alarm": Label("what may be worth waking somebody for", frozenset(AlarmKind)),
        "depth": Label("how deep the proof goes", DEPTHS),
        "status": Label("place of a waiver in time", frozenset({"active", "expired"})),
        "state": Label("one of the seven states", frozenset(State)),
        "cause": Label("why something is not told", frozenset(Cause)),
        "source": Label("name of the configured source; empty where the engine itself is at fault", empty=True),
        "kind": Label("provider kind of the source"),
        "gap": Label("what the gap hides: subjects, or facts of them", frozenset({"members", "facts"})),
        "target": Label("a configured TLS target", target=True),
        "set": Label("a declared backup set"),
        "attestation": Label("a registered offering"),
        "name": Label("a configured target or declared set", target=True),
        "metric": Label("a family of this catalogue"),
        "reason": Label("why series are left out", frozenset(DROPS)),
        "version": Label("of Controlwatch"),
        "python_version": Label("of the interpreter"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[R]):
    """One family: a row of the catalogue, from which its series, its page of the docs and its tests come."""

    name: str
    kind: Literal["gauge", "counter"] = "gauge"
    help: str
    unit: str
    labels: Values = ()
    bound: str
    """The number of its series, as a reader would say it."""
    shed: int = 0
    """0: core, kept whatever the cap says; else families go, highest first, until the cap is held."""
    columns: Callable[[R], Columns] = field(repr=False)
    """Its series, read off what is exposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What an exposition says of itself."""

    series: int
    """Series in it, its own included."""
    cap: int
    dropped: Mapping[Drop, int]
    """Series left out, by reason."""
    shed: Sequence[str]
    """Families left out whole."""
    spent: float | None = None
    """Seconds that the rendering before this one took; None at the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """The bytes that answer a scrape."""

    body: bytes
    gzipped: bytes
    at: datetime
    """When it was rendered, UTC; also inside the bytes."""
    series: int
    dropped: int
    """Series left out."""


def fits(label: str, value: str) -> bool:
    """Tell whether a value may stand in a label: a member of its closed set, or one printable word without ``@``."""
    rule = LABELS[label]
    if rule.values is not None:
        return value in rule.values
    if not value:
        return rule.empty
    if len(value) > LONGEST_NAME or not value.isprintable() or " " in value:
        return False
    return "@" not in value or (rule.target and _TARGET.fullmatch(value) is not None)


def label_text(labels: Values, values: Values) -> str | None:
    """Write a label set as ``{check="a",family="b"}``; None when a value does not fit its label."""
    if not labels:
        return ""
    pairs = list(zip(labels, values, strict=True))
    if not all(fits(label, value) for label, value in pairs):
        return None
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs) + "}"


def of_rows(rows: Callable[[R], Iterable[Row]]) -> Callable[[R], Columns]:
    """Read the columns of a family off its rows."""

    def columns(reading: R) -> Columns:
        keys: list[Values] = []
        numbers: list[Number | None] = []
        for values, number in rows(reading):
            keys.append(values)
            numbers.append(number)
        return keys, numbers

    return columns


class Texts(dict[Values, str | None]):
    """Label sets of one shape as text, each written when it is first asked for."""

    def __init__(self, labels: Values) -> None:
        """Keep the names of the labels."""
        super().__init__()
        self.labels = labels

    def __missing__(self, values: Values) -> str | None:
        """Write a label set; None when it may not be shown."""
        self[values] = text = label_text(self.labels, values)
        return text


@dataclass(frozen=True, slots=True)
class Block:
    """One family as it goes out."""

    columns: Columns
    """What it was written from."""
    text: bytes
    """Its help, its type and its series; empty without series."""
    series: int
    dropped: Mapping[Drop, int]


@dataclass(slots=True)
class Kept:
    """What a rendering leaves for the next: its families and its label sets, never those of one before it.

    One rendering at a time may use it.
    """

    blocks: dict[str, Block] = field(default_factory=dict)
    """By name of the family."""
    texts: dict[Values, Texts] = field(default_factory=dict)
    """By names of the labels."""
    moved: bool = False
    """Whether some family has other label sets than before."""

    def write(self, metric: Metric[R], reading: R) -> Block:
        """Write a family, or give it as it was when it says the same."""
        columns, former = metric.columns(reading), self.blocks.get(metric.name)
        if former is not None and former.columns == columns:
            return former
        self.moved |= former is not None and former.columns[0] != columns[0]
        texts = self.texts.setdefault(metric.labels, Texts(metric.labels))
        block = self.blocks[metric.name] = _written(metric, columns, texts)
        return block

    def forget(self, metrics: Sequence[Metric[R]]) -> None:
        """Let go of the label sets that these families no longer show."""
        if not self.moved:
            return
        former, self.texts, self.moved = self.texts, {}, False
        for metric in metrics:
            old, texts = former[metric.labels], self.texts.setdefault(metric.labels, Texts(metric.labels))
            texts.update((values, old[values]) for values in self.blocks[metric.name].columns[0] if values in old)


def expose(
    metrics: Sequence[Metric[R]],
    own: Sequence[Metric[Ledger]],
    reading: R,
    *,
    at: datetime,
    cap: int = CAP,
    foreign: str = "",
    spent: float | None = None,
    kept: Kept | None = None,
) -> Exposition:
    """Render ``metrics`` as they read, then what the exposition says of itself (``own``), then ``foreign`` text.

    ``kept`` comes from the rendering before, and is made ready for the next.
    """
    blocks, drops = _blocks(metrics, reading, Kept() if kept is None else kept)
    ahead = sum(line[:1] not in {"", "#"} for line in foreign.split("\n"))
    optional = [metric.name for metric in metrics if metric.shed]
    told = Ledger(series=0, cap=cap, dropped=drops, shed=optional, spent=spent)
    blocks, shed = _shed(blocks, cap - ahead - _own(own, told)[1], drops)
    told = replace(told, shed=shed)
    series = ahead + sum(block.series for _, block in blocks) + _own(own, told)[1]
    text, _ = _own(own, replace(told, series=series))
    body = b"".join([*(block.text for _, block in blocks), *text, foreign.encode()])
    zipped = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return Exposition(body=body, gzipped=zipped, at=at, series=series, dropped=drops.total())


def _blocks(
    metrics: Sequence[Metric[R]], reading: R, kept: Kept
) -> tuple[list[tuple[Metric[R], Block]], Counter[Drop]]:
    """Write every family, and count what was left out of them."""
    blocks = [(metric, kept.write(metric, reading)) for metric in metrics]
    kept.forget(metrics)
    drops: Counter[Drop] = Counter()
    for _, block in blocks:
        drops.update(block.dropped)
    return blocks, drops


def _own(own: Sequence[Metric[Ledger]], told: Ledger) -> tuple[list[bytes], int]:
    """Write what the exposition says of itself; gives the text and the number of series."""
    blocks = [_written(metric, metric.columns(told), Texts(metric.labels)) for metric in own]
    return [block.text for block in blocks], sum(block.series for block in blocks)


def _written(metric: Metric[R], columns: Columns, texts: Texts) -> Block:
    keys, numbers = columns
    repeated = _repeated(columns) if len(set(keys)) < len(keys) else frozenset()
    name, lines, drops = metric.name, [], Counter[Drop]()
    for values, number in zip(keys, numbers, strict=True):
        if number is None:
            continue
        text = texts[values]
        if values in repeated:
            drops["duplicate"] += 1
        elif text is None:
            drops["label"] += 1
        elif not -_LARGEST <= number <= _LARGEST:
            drops["not_finite"] += 1
        else:
            lines.append(f"{name}{text} {number + 0!r}\n")
    told = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    head = f"# HELP {name} {told}\n# TYPE {name} {metric.kind}\n" if lines else ""
    return Block(columns, (head + "".join(lines)).encode(), len(lines), drops)


def _repeated(columns: Columns) -> frozenset[Values]:
    """Find label sets that occur twice: of such Prometheus keeps the first and says nothing, so every copy goes."""
    times = Counter(values for values, number in zip(*columns, strict=True) if number is not None)
    return frozenset(values for values, count in times.items() if count > 1)


def _shed(
    blocks: list[tuple[Metric[R], Block]],
    cap: int,
    drops: Counter[Drop],
) -> tuple[list[tuple[Metric[R], Block]], list[str]]:
    series = sum(block.series for _, block in blocks)
    gone: list[str] = []
    for metric, block in sorted(blocks, key=lambda pair: -pair[0].shed):
        if series <= cap or not metric.shed:
            break
        if block.series:
            gone.append(metric.name)
            drops["cap"] += block.series
            series -= block.series
    return [pair for pair in blocks if pair[0].name not in gone], gone


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
