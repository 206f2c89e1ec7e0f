"""The evidence chain is read again while the engine runs, and held to every end that was seen before.

Reading goes by pages through the store's reading threads, so neither the writer nor the loop waits, and an entry that
is appended meanwhile disturbs nothing. The end that was seen lies in memory, where whoever can write the file cannot
reach it: entries that are cut off or rewritten show, even if the head that is noted in the file was made to fit. A
break that the chain itself tells stands until somebody accepts it, over restarts too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from engine.breaks import BROKEN, Breaks, judged
from engine.chain import Head, Link, Verified, verify

if TYPE_CHECKING:
    from engine.store import Store

PAGE: Final = 500
"""Entries read at once: some 5 ms of the interpreter."""
REST_SECONDS: Final = 0.005
"""Left to everything else between two pages."""


@dataclass(slots=True)
class Rereading:
    """The chain of one store, and the end that was last seen to hold."""

    store: Store
    seen: Head = field(default_factory=Head)

    async def whole(self) -> Verified:
        """Read the chain from its start; raises ``StoreError`` when it cannot be read.

        What it gives has a ``lost`` end where that is not told in the chain yet.
        """
        reading = _Reading(await self._noted(), self.seen)
        more = True
        while more:
            page = await self.store.links(reading.head.seq, PAGE)
            found = await asyncio.to_thread(reading.take, page)
            if found.first_bad is not None:
                return found
            more = len(page) == PAGE
            await asyncio.sleep(REST_SECONDS)
        untold = reading.untold(await self._noted())
        if untold is not None:
            return untold
        self.seen = reading.head
        found = judged(
            Verified(entries=reading.head.seq, head=reading.head), reading.breaks, await self.store.noted_break()
        )
        return msgspec.structs.replace(found, lost=None)

    async def end_holds(self) -> bool:
        """Tell whether the end that was seen is still there and what follows it holds; then that is the end seen."""
        while True:
            page = await self.store.links(max(0, self.seen.seq - 1), PAGE)
            if self.seen.seq > 0 and (not page or (page[0].seq, page[0].hash) != (self.seen.seq, self.seen.hash)):
                return False
            after = page[1:] if self.seen.seq > 0 else page
            found = verify(after, start=self.seen)
            if found.first_bad is not None or any(entry.kind == BROKEN for entry in after):
                return False
            self.seen = found.head
            if len(page) < PAGE:
                return True

    async def _noted(self) -> Head:
        try:
            return await self.store.noted_head()
        except ValueError:  # whoever wrote it there, it was not the engine: no entry is before none
            return Head(-1)


@dataclass(slots=True)
class _Reading:
    """A chain that is read page by page, held to an end that is noted beside it and to one that was seen before."""

    noted: Head
    seen: Head
    head: Head = field(default_factory=Head)
    breaks: Breaks = field(default_factory=Breaks)
    _missed: list[tuple[Head, Verified]] = field(default_factory=list)

    def take(self, page: Sequence[Link]) -> Verified:
        """Verify the next page, and note the known ends that are not where they were."""
        start = self.head
        found = verify(self.breaks.watched(page), start=start)
        if found.first_bad is not None:
            return found
        for known in sorted({self.noted, self.seen}, key=lambda known: known.seq):
            if start.seq < known.seq <= found.head.seq:
                entry = page[known.seq - start.seq - 1]
                if entry.hash != known.hash:
                    before = Head(entry.seq - 1, entry.prev)
                    self._missed.append((known, _broken(before, "it is not the entry that was there before", known)))
        self.head = found.head
        return found

    def untold(self, noted: Head) -> Verified | None:
        """Give the first end that is not where it was, unless the chain tells that itself; ``noted`` is read anew."""
        missed = list(self._missed)
        for known in sorted({self.noted, self.seen}, key=lambda known: -known.seq):
            if known.seq > self.head.seq:
                why = f"the chain ends there, and once went on to entry {known.seq}"
                missed.append((known, _broken(self.head, why, known)))
        if noted.seq < self.head.seq:
            why = "it was added beside the engine: the noted head is before it"
            missed.append((noted, _broken(noted, why, noted)))
        return next((found for known, found in missed if not self.breaks.tell(known)), None)


def _broken(head: Head, why: str, lost: Head) -> Verified:
    return Verified(entries=max(0, head.seq), head=head, first_bad=max(0, head.seq) + 1, why=why, lost=lost)
