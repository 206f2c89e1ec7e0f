"""Populations are judged page by page: one decode serves every check that reads the same sources.

Checks see blobs and nothing else, so the same bytes, policy and instant give the same result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from checks.model import codec
from checks.model.doubt import Cause, Gap
from checks.model.fold import Exclusion, Fold, Item, Part, Question
from checks.model.known import NOTHING, Known, NotTold
from checks.model.records import Record, tag_of, type_name
from engine.joined import Joined, KnownJoined
from engine.keyed import Keyed
from engine.pages import Page, pages

if TYPE_CHECKING:
    from checks.model.result import Finding, Result
    from engine.blobs import FolderBlobs, Unnamed
    from engine.config import CheckConfig
    from engine.evidence import Manifest
    from engine.store import SourceMemory

Emit = Callable[[str, Sequence["Finding"], Sequence[str]], Awaitable[None]]
"""Takes a check's name, findings, and the subjects that passed, of a check that remembers them (``loses``)."""
GROUPS_A_STEP = 200


@dataclass(frozen=True, slots=True)
class Material:
    """What one judgement rests on: the sources' latest collections."""

    memory: Mapping[str, SourceMemory]
    blobs: FolderBlobs

    def of(self, source: str) -> SourceMemory | None:
        """Give what is remembered of a source; None when it never ran."""
        return self.memory.get(source)


async def evaluate(checks: Sequence[CheckConfig], material: Material, now: datetime, emit: Emit) -> list[Result]:
    """Judge checks that judge the same sources; findings go out through ``emit`` by check name as they are found."""
    memories = [memory for name in checks[0].judged if (memory := material.of(name)) is not None]
    waiting: dict[str, _Waiting] = {}
    folds: dict[str, Fold] = {}
    joins = _Joins(material)
    try:
        for check in checks:
            if _may_wait(check, memories):
                waiting[check.name] = _waiting(check, material)
            else:
                folds[check.name] = Fold(_question(check, material, now, await joins.known(check)))
        plain = [fold for fold in folds.values() if fold.question.check.by is None]
        grouped = [fold for fold in folds.values() if fold.question.check.by is not None]
        for memory in memories:
            await _judge_source(memory, material.blobs, _Round(plain, grouped, [*waiting.values()], emit))
        for name, late in waiting.items():
            folds[name] = await late.judge(material, now, emit)
    finally:
        for late in waiting.values():
            late.close()
        joins.close()
    return [folds[check.name].result() for check in checks]


@dataclass(frozen=True, slots=True)
class _Round:
    """Who is fed from one reading of a collection."""

    plain: Sequence[Fold]
    grouped: Sequence[Fold]
    waiting: Sequence[_Waiting]
    emit: Emit


@dataclass(slots=True)
class _Waiting:
    """A check that joins with the very sources that it judges: what it judges waits until all of it was read once."""

    check: CheckConfig
    joined: Joined
    doubt: NotTold | None
    aside: Unnamed
    blocks: list[int] = field(default_factory=list)
    """Lengths of the blocks of lines that were set aside."""

    def read(self, source: str, page: Page) -> None:
        """Take in one page."""
        unit = self.check.check
        assert unit.knows is not None
        silent = self.joined.put(page.of(unit.knows), page.lines_of(unit.knows))
        if silent is not None:
            self.doubt = self.doubt or _untold(silent, source)
        data = b"".join(line for kind in unit.over for line in page.lines_of(kind))
        if data:
            self.aside.write(data)
            self.blocks.append(len(data))

    async def judge(self, material: Material, now: datetime, emit: Emit) -> Fold:
        """Judge what was set aside."""
        fold = Fold(_question(self.check, material, now, KnownJoined(self.joined, self.doubt)))
        offset = 0
        for length in self.blocks:
            await _send(fold, fold.feed(codec.decode_lines(self.aside.read(offset, length))), emit)
            await asyncio.sleep(0)
            offset += length
        return fold

    def close(self) -> None:
        """Let everything go."""
        self.joined.close()
        self.aside.close()


def _waiting(check: CheckConfig, material: Material) -> _Waiting:
    assert check.check.keys is not None
    joined = Joined(check.check.keys, material.blobs.unnamed())
    return _Waiting(check, joined, _absence(check.judged, material), material.blobs.unnamed())


def _may_wait(check: CheckConfig, memories: Sequence[SourceMemory]) -> bool:
    """Tell whether one reading serves a check that joins with its own sources: nothing lies over them or is grouped."""
    laid_over = any(memory.complete is not None and memory.partial is not None for memory in memories)
    return check.check.knows_own and check.check.by is None and not laid_over


def parts_of(names: Iterable[str], material: Material) -> list[Part]:
    """Tell what the manifests of the sources say of their parts of the population."""
    return [_part(name, material.of(name)) for name in names]


def _part(name: str, memory: SourceMemory | None) -> Part:
    if memory is None or (memory.complete is None and memory.partial is None):
        cause = Cause(memory.cause) if memory is not None and memory.cause is not None else Cause.UNREACHABLE
        detail = (memory.last_error if memory is not None else None) or f"{name} has not been collected yet"
        return Part(name, None, (Gap(source=name, cause=cause, kind="members", detail=detail),))
    if memory.complete is None:
        assert memory.partial is not None
        return Part(name, None, _barring(name, memory.partial))
    gaps = list(memory.complete.gaps)
    if memory.shrunken is not None:
        gaps.append(memory.shrunken.gap)
    return Part(name, memory.complete.as_of, tuple(gaps))


def _barring(name: str, partial: Manifest) -> tuple[Gap, ...]:
    """Give the gaps of a collection that never completed; there is always one that bars PASS."""
    gaps = tuple(partial.gaps)
    if any(gap.kind == "members" for gap in gaps):
        return gaps
    return (*gaps, Gap(source=name, cause=Cause.TRUNCATED, kind="members", detail=f"{name} never completed"))


def _question(check: CheckConfig, material: Material, now: datetime, known: Known) -> Question:
    return Question(
        name=check.name,
        check=check.check,
        policy=check.policy,
        threshold=check.common.min_coverage,
        now=now,
        parts=parts_of(check.judged, material),
        joined=parts_of(check.joined, material),
        known=known,
        exclude=[Exclusion(rule.match, rule.reason) for rule in check.common.exclude],
        allow_empty=bool(check.common.allow_empty),
    )


@dataclass(slots=True)
class _Joins:
    """The joined populations of one evaluation; checks that join alike share one."""

    material: Material
    _made: dict[object, tuple[Joined, NotTold | None]] = field(default_factory=dict)

    async def known(self, check: CheckConfig) -> Known:
        """Index the joined population of a check by its keys."""
        unit = check.check
        if unit.knows is None or unit.keys is None:
            return NOTHING
        names = check.judged if unit.knows_own else check.joined
        like = (unit.knows, unit.keys, names)
        if like not in self._made:
            joined = Joined(unit.keys, self.material.blobs.unnamed())
            self._made[like] = joined, None
            self._made[like] = joined, await self._fill(joined, unit.knows, names, own=unit.knows_own)
        return KnownJoined(*self._made[like])

    async def _fill(self, joined: Joined, kind: type[Record], names: Sequence[str], *, own: bool) -> NotTold | None:
        """Put the records of a type into an index; tell why absence from it proves nothing, if it does not."""
        doubt = _absence(names, self.material, roster=None if own else kind)
        for name in names:
            memory = self.material.of(name)
            manifest = memory.complete or memory.partial if memory is not None else None
            if manifest is None:
                continue
            async for page in pages(manifest, self.material.blobs):
                silent = joined.put(page.of(kind), page.lines_of(kind))
                if silent is not None:
                    doubt = doubt or _untold(silent, name)
        return doubt

    def close(self) -> None:
        """Let everything go."""
        for joined, _ in self._made.values():
            joined.close()


def _absence(names: Sequence[str], material: Material, *, roster: type[Record] | None = None) -> NotTold | None:
    """Tell the first reason why the joined population may hold more than it shows; an empty ``roster`` is one."""
    for part in parts_of(names, material):
        for gap in part.gaps:
            if gap.kind == "members":
                return NotTold(gap.cause, part.source)
        memory = material.of(part.source)
        complete = memory.complete if memory is not None else None
        if roster is not None and complete is not None and not complete.records.get(tag_of(roster)):
            return NotTold(Cause.NOT_CONFIGURED, part.source)
    return None


def _untold(record: Record, source: str) -> NotTold:
    """Say that a joined record does not tell its keys, so that absence cannot be proven."""
    field = "keys"
    cause = record.why.get(field, Cause.NOT_EXPOSED)
    return NotTold(Cause(cause), source, (f"{type_name(type(record))}.{field}",))


async def _judge_source(memory: SourceMemory, blobs: FolderBlobs, judging: _Round) -> None:
    """Judge the latest complete collection of a source, with a later partial one laid over it."""
    if memory.complete is None or memory.partial is None:
        manifest = memory.complete or memory.partial
        if manifest is not None:
            await _judge_one(manifest, blobs, judging)
        return
    over = Keyed()
    try:
        async for page in pages(memory.partial, blobs):
            over.put((_identity(record), codec.encode(record)) for record in page.records)
        await _overlay(memory.complete, over, blobs, judging.plain, judging.emit)
        for fold in judging.grouped:
            await _overlay_groups(fold, memory, blobs, judging.emit)
    finally:
        over.close()


async def _judge_one(manifest: Manifest, blobs: FolderBlobs, judging: _Round) -> None:
    groups = [(fold, Keyed()) for fold in judging.grouped]
    async for page in pages(manifest, blobs):
        for fold in judging.plain:
            await _send(fold, fold.feed(page.of(*fold.question.check.over)), judging.emit)
        for fold, keyed in groups:
            keyed.put(_grouping(fold, page))
        for late in judging.waiting:
            late.read(manifest.source, page)
    for fold, keyed in groups:
        batch: list[Item] = []
        for _, lines in keyed.groups():
            batch.append([codec.decode(line) for line in lines])
            if len(batch) >= GROUPS_A_STEP:
                await _send(fold, fold.feed(batch), judging.emit)
                batch = []
        await _send(fold, fold.feed(batch), judging.emit)
        keyed.close()


async def _overlay(
    complete: Manifest,
    over: Keyed,
    blobs: FolderBlobs,
    plain: Sequence[Fold],
    emit: Emit,
) -> None:
    """Judge the complete collection, then what the partial one adds to it."""
    async for page in pages(complete, blobs):
        untouched: list[Record] = []
        pairs: list[tuple[Item | None, Item]] = []
        for record in page.records:
            later = over.pop(_identity(record))
            if later:
                pairs.append((record, codec.decode(later[0])))
            else:
                untouched.append(record)
        for fold in plain:
            await _send(fold, fold.feed(_over(fold, untouched)), emit)
            await _send(fold, fold.feed_over(_pairs_over(fold, pairs)), emit)
    fresh: list[tuple[Item | None, Item]] = []
    for _, lines in over.groups():
        fresh.append((None, codec.decode(lines[0])))
    for fold in plain:
        await _send(fold, fold.feed_over(_pairs_over(fold, fresh)), emit)


async def _overlay_groups(fold: Fold, memory: SourceMemory, blobs: FolderBlobs, emit: Emit) -> None:
    """Judge grouped subjects of the complete collection, each against the same subject of the partial one."""
    assert memory.complete is not None
    assert memory.partial is not None
    before, after = Keyed(), Keyed()
    for manifest, keyed in ((memory.complete, before), (memory.partial, after)):
        async for page in pages(manifest, blobs):
            keyed.put(_grouping(fold, page))
    for key, lines in before.groups():
        old: list[Record] = [codec.decode(line) for line in lines]
        later: list[Record] = [codec.decode(line) for line in after.pop(key)]
        found = fold.feed_over([(old, later)]) if later else fold.feed([old])
        await _send(fold, found, emit)
    for _, lines in after.groups():
        await _send(fold, fold.feed_over([(None, [codec.decode(line) for line in lines])]), emit)
    before.close()
    after.close()


async def _send(fold: Fold, found: Sequence[Finding], emit: Emit) -> None:
    passing = fold.take_passing()
    if found or passing:
        await emit(fold.question.name, found, passing)


def _over(fold: Fold, records: Sequence[Record]) -> Iterable[Record]:
    kinds = fold.question.check.over
    return [record for record in records if type(record) in kinds]


def _pairs_over(
    fold: Fold,
    pairs: Iterable[tuple[Item | None, Item]],
) -> Iterable[tuple[Item | None, Item]]:
    kinds = fold.question.check.over
    return [pair for pair in pairs if type(pair[1]) in kinds]


def _grouping(fold: Fold, page: Page) -> list[tuple[str, bytes]]:
    by, over = fold.question.check.by, fold.question.check.over
    assert by is not None
    return [
        (by(record), line) for kind in over for record, line in zip(page.of(kind), page.lines_of(kind), strict=True)
    ]


def _identity(record: Record) -> str:
    return f"{type(record).__name__}\0{record.id}"
