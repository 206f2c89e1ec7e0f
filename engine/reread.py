"""The evidence chain is read again while the engine runs, and held to every end that was seen before.

Reading goes by pages through the store's reading threads, so neither the writer nor the loop waits, and an entry that
is appended meanwhile disturbs nothing. The end that was seen lies in memory, where whoever can write the file cannot
reach it: entries that are cut off or rewritten show, even if the head that is noted in the file was made to fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
        """Read the chain from its start; raises ``StoreError`` when it cannot be read."""
        known = [self.seen, await self._noted()]
        head = Head()
        more = True
        while more:
            page = await self.store.links(head.seq, PAGE)
            found = await asyncio.to_thread(_held, page, head, known)
            if found.first_bad is not None:
                return found
            head, more = found.head, len(page) == PAGE
            await asyncio.sleep(REST_SECONDS)
        last = max(known, key=lambda noted: noted.seq)
        if last.seq > head.seq:
            return _broken(head, f"the chain ends there, and once went on to entry {last.seq}")
        noted = await self._noted()
        if noted.seq < head.seq:
            return _broken(Head(noted.seq, noted.hash), "it was added beside the engine: the noted head is before it")
        self.seen = head
        return Verified(entries=head.seq, head=head)

    async def end_holds(self) -> bool:
        """Tell whether the end that was seen is still there and what follows it holds; then that is the end seen."""
        while True:
            page = await self.store.links(max(0, self.seen.seq - 1), PAGE)
            if self.seen.seq > 0 and (not page or (page[0].seq, page[0].hash) != (self.seen.seq, self.seen.hash)):
                return False
            after = page[1:] if self.seen.seq > 0 else page
            found = verify(after, start=self.seen)
            if found.first_bad is not None:
                return False
            self.seen = found.head
            if len(page) < PAGE:
                return True

    async def _noted(self) -> Head:
        try:
            return await self.store.noted_head()
        except ValueError:  # whoever wrote it there, it was not the engine: no entry is before none
            return Head(-1)


def _held(page: Sequence[Link], start: Head, known: Sequence[Head]) -> Verified:
    """Verify a page that follows ``start``, and that the known heads on it are where they were."""
    found = verify(page, start=start)
    for noted in sorted(known, key=lambda noted: noted.seq):
        if start.seq < noted.seq <= found.head.seq:
            entry = page[noted.seq - start.seq - 1]
            if entry.hash != noted.hash:
                return _broken(Head(entry.seq - 1, entry.prev), "it is not the entry that was there before")
    return found


def _broken(head: Head, why: str) -> Verified:
    return Verified(entries=max(0, head.seq), head=head, first_bad=max(0, head.seq) + 1, why=why)
