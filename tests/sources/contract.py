"""What every source promises, as functions that the tests of one source call on what it told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

from checks.model.doubt import Cause, Gap
from checks.model.records import IDENTITY, Record, field_names, tag_of, type_name
from sources.common.errors import SourceError
from sources.common.source import Page, Probe, Source
from tests.support.context import Collected, collect

CAUSES = frozenset(Cause)


def told_fields(source: Source) -> set[str]:
    """Name every field that the source may tell, as ``account.mfa``: those of its records that it does not deny."""
    return {name for kind in source.yields for name in field_names(kind)} - set(source.never)


def breaches(source: Source, name: str, collected: Collected) -> list[str]:
    """Name each promise of ``sources.common.source`` that a run broke; empty when it kept all of them."""
    found: list[str] = []
    for record in collected.records:
        found += _of_record(source, name, record)
    for gap in collected.gaps:
        found += _of_gap(source, gap)
    return found


def breaches_of_probes(source: Source, probes: Sequence[Probe]) -> list[str]:
    """Name what is wrong with the answer of a ``source test``: silence, a refusal without words, an unknown cost."""
    known = told_fields(source) | {type_name(kind) for kind in source.yields}
    found = [] if probes else ["a test that tries nothing"]
    for probe in probes:
        if probe.ok is False and not probe.detail:
            found.append(f"{probe.asked}: refused without a word")
        found += [f"{probe.asked}: costs {cost}, which it never tells" for cost in probe.costs if cost not in known]
    return found


async def fault_of(pages: AsyncGenerator[Page, None]) -> SourceError:
    """Run a ``fetch`` that must fail, and return its error; any other kind of error passes through as itself."""
    try:
        await collect(pages)
    except SourceError as error:
        return error
    raise AssertionError("the run ended as if nothing were wrong")


def _of_record(source: Source, name: str, record: Record) -> list[str]:
    kind = type(record)
    where = f"{tag_of(kind)} {record.id!r}"
    found: list[str] = []
    if kind not in source.yields:
        found.append(f"{where}: a type that it does not say it yields")
    if not record.id:
        found.append(f"{where}: has no id")
    if record.source != name:
        found.append(f"{where}: names source {record.source!r}, not {name!r}")
    for field in kind.__struct_fields__:
        if field not in IDENTITY:
            found += [f"{where}: {field} {fault}" for fault in _of_value(source, record, field)]
    stray = set(record.why) - set(kind.__struct_fields__)
    return [*found, *(f"{where}: why names {field}, which it has not" for field in sorted(stray))]


def _of_value(source: Source, record: Record, field: str) -> list[str]:
    value, why = getattr(record, field), record.why.get(field)
    never = f"{type_name(type(record))}.{field}" in source.never
    if value is not None:
        found = ["is told, and a why says that it is not"] if why is not None else []
        found += ["is told, and the source says that it never is"] if never else []
        if isinstance(value, datetime) and value.utcoffset() != timedelta(0):
            found.append("is not in UTC")
        return found
    if why is None:
        proof = {"last_seen_at": "never_seen", "last_used_at": "never_used"}.get(field)
        if proof is not None and getattr(record, proof) is True:
            return []  # that it was never used is told, so nothing is withheld
        return [] if never else ["is not told, and no why says so"]
    return [] if why in CAUSES else [f"is not told because of {why!r}, which is no cause"]


def _of_gap(source: Source, gap: Gap) -> list[str]:
    found: list[str] = []
    if gap.source:
        found.append("a gap names its source; the engine does")
    if not gap.detail:
        found.append(f"a gap of cause {gap.cause} says nothing")
    if (gap.kind == "facts") is not bool(gap.fields):
        found.append(f"a {gap.kind} gap has fields {gap.fields}")
    return found + [
        f"a gap names {field}, which it never tells" for field in gap.fields if field not in told_fields(source)
    ]
