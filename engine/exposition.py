"""An exposition is Prometheus text 0.0.4 made ahead of the scrape: plain and gzipped bytes, and what was left out.

Nothing here knows what is measured. Whatever rows a metric gives, the bytes stay well-formed: a label value that is
neither a configured name nor a member of its closed set, a label set that occurs twice, a NaN and an infinity are left
out and counted, and past the cap optional families go whole. Format:
https://prometheus.io/docs/instrumenting/exposition_formats/ (read 2026-11-21).
"""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Generic, Literal, TypeVar

from checks.model.check import AlarmKind
from checks.model.doubt import Cause
from checks.model.state import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus 3 fails a scrape whose Content-Type it cannot read, so this goes out byte for byte."""
CAP: Final = 10_000
"""Series of an exposition past which optional families are left out, when the configuration names no other."""
LONGEST_NAME: Final = 200
"""Characters of a label value."""

Number = int | float
Values = tuple[str, ...]
Row = tuple[Values, Number | None]
"""Label values in the metric's order, and the value; None: not told, so no series."""
R = TypeVar("R")

Drop = Literal["label", "duplicate", "not_finite", "cap"]
DROPS: Final[tuple[Drop, ...]] = ("label", "duplicate", "not_finite", "cap")

DEPTHS: Final = frozenset({"exists", "complete", "verified", "restored", "claimed", "document", "reviewed", "enrolled"})
_TARGET: Final = re.compile(r"[^@\s]+:\d{1,5}(?:/[a-z0-9]+)?(?:@[^@\s]+)?")
"""A TLS target; its ``@server-name`` stands behind a port, where no e-mail address has it."""
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
    rows: Callable[[R], Iterable[Row]] = field(repr=False)
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


@lru_cache(maxsize=1 << 15)
def label_text(labels: Values, values: Values) -> str | None:
    """Write a label set as ``{check="a",family="b"}``; None when a value does not fit its label."""
    if not labels:
        return ""
    pairs = list(zip(labels, values, strict=True))
    if not all(fits(label, value) for label, value in pairs):
        return None
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs) + "}"


def expose(
    metrics: Sequence[Metric[R]],
    own: Sequence[Metric[Ledger]],
    reading: R,
    *,
    at: datetime,
    cap: int = CAP,
    foreign: str = "",
    spent: float | None = None,
) -> Exposition:
    """Render ``metrics`` as they read, then what the exposition says of itself (``own``), then ``foreign`` text."""
    drops: Counter[Drop] = Counter()
    blocks = [(metric, _lines(metric, reading, drops)) for metric in metrics]
    ahead = sum(line[:1] not in {"", "#"} for line in foreign.split("\n"))
    optional = [metric.name for metric in metrics if metric.shed]
    told = Ledger(series=0, cap=cap, dropped=drops, shed=optional, spent=spent)
    blocks, shed = _shed(blocks, cap - ahead - _count(own, told), drops)
    told = replace(told, shed=shed)
    series = ahead + sum(len(lines) for _, lines in blocks) + _count(own, told)
    told = replace(told, series=series)
    text = [_block(metric, lines) for metric, lines in blocks if lines]
    text += [_block(metric, lines) for metric in own if (lines := _lines(metric, told, Counter()))]
    body = ("".join(text) + foreign).encode()
    zipped = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return Exposition(body=body, gzipped=zipped, at=at, series=series, dropped=drops.total())


def _lines(metric: Metric[R], reading: R, drops: Counter[Drop]) -> list[str]:
    rows = [row for row in metric.rows(reading) if row[1] is not None]
    table = dict(rows)
    if len(table) != len(rows):
        table = _unrepeated(rows, drops)
    name, labels, lines = metric.name, metric.labels, []
    for values, number in table.items():
        text = label_text(labels, values)
        if text is None:
            drops["label"] += 1
        elif number is None or not math.isfinite(number):
            drops["not_finite"] += 1
        else:
            lines.append(f"{name}{text} {number + 0!r}\n")
    return lines


def _count(own: Sequence[Metric[Ledger]], told: Ledger) -> int:
    return sum(len(_lines(metric, told, Counter())) for metric in own)


def _unrepeated(rows: Sequence[Row], drops: Counter[Drop]) -> dict[Values, Number | None]:
    """Leave out every copy of a repeated label set: Prometheus would keep the first and say nothing."""
    times = Counter(values for values, _ in rows)
    kept = {values: number for values, number in rows if times[values] == 1}
    drops["duplicate"] += len(rows) - len(kept)
    return kept


def _shed(
    blocks: list[tuple[Metric[R], list[str]]],
    cap: int,
    drops: Counter[Drop],
) -> tuple[list[tuple[Metric[R], list[str]]], list[str]]:
    series = sum(len(lines) for _, lines in blocks)
    gone: list[str] = []
    for metric, lines in sorted(blocks, key=lambda block: -block[0].shed):
        if series <= cap or not metric.shed:
            break
        if lines:
            gone.append(metric.name)
            drops["cap"] += len(lines)
            series -= len(lines)
    return [block for block in blocks if block[0].name not in gone], gone


def _block(metric: Metric[R], lines: list[str]) -> str:
    told = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {metric.name} {told}\n# TYPE {metric.name} {metric.kind}\n{''.join(lines)}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
