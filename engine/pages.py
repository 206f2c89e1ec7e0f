"""A blob is read as pages: some hundred lines, decoded once, told apart by record type."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from checks.model import codec
from checks.model.records import Record

if TYPE_CHECKING:
    from engine.blobs import FolderBlobs
    from engine.evidence import Manifest

T = TypeVar("T")


@dataclass(slots=True)
class Page:
    """Consecutive records of a blob."""

    data: bytes
    """Their lines, each ended by a newline."""
    records: Sequence[Record]
    _records: dict[type[Record], Sequence[Record]] = field(default_factory=dict)
    _lines: dict[type[Record], Sequence[bytes]] = field(default_factory=dict)

    def of(self, *kinds: type[Record]) -> Sequence[Record]:
        """Give the records of some types."""
        if not self._records:
            self._records = _apart(self.records, self.records)
        if len(kinds) == 1:
            return self._records.get(kinds[0], ())
        return [record for kind in kinds for record in self._records.get(kind, ())]

    def lines_of(self, kind: type[Record]) -> Sequence[bytes]:
        """Give the lines of a type's records, in the order of ``of``."""
        if not self._lines:
            self._lines = _apart(self.records, self.data.splitlines(keepends=True))
        return self._lines.get(kind, ())


def _apart(records: Sequence[Record], items: Sequence[T]) -> dict[type[Record], Sequence[T]]:
    """Tell items apart by the type of the record in their place; most pages hold one type."""
    kinds = set(map(type, records))
    if len(kinds) == 1:
        return {kinds.pop(): items}
    told: dict[type[Record], list[T]] = {kind: [] for kind in kinds}
    for record, item in zip(records, items, strict=True):
        told[type(record)].append(item)
    return dict(told)


async def pages(manifest: Manifest, blobs: FolderBlobs) -> AsyncIterator[Page]:
    """Read a collection page by page, yielding to the loop between pages; raises what ``FolderBlobs.open`` raises."""
    for data in blobs.open(manifest.blob):
        yield Page(data, codec.decode_lines(data))
        await asyncio.sleep(0)
