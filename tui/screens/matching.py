"""Looking up the open findings that subjects name, as the engine would match them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from engine.port import Port, Query, Row
from tui.waivers import covers, words_of

COUNTED = 8
"""Subjects that are looked up."""
PAGE_ROWS = 500
PAGES = 4


@dataclass(frozen=True, slots=True)
class Named:
    """The findings that subjects name."""

    rows: Sequence[Row]
    total: int
    """Open findings of the check, among which was looked."""
    whole: bool
    """Whether all were looked up."""


async def named_by(port: Port, check: str, subjects: Sequence[str]) -> Named:
    """Look up open findings of a check, those under a waiver too; raises ``PortFault``."""
    found: dict[int, Row] = {}
    total, complete = 0, len(subjects) <= COUNTED
    for subject in subjects[:COUNTED]:
        query = Query(check=check, text=words_of(subject), sort="label", limit=PAGE_ROWS)
        for page_number in range(PAGES):
            rows = await port.rows(msgspec.structs.replace(query, offset=page_number * PAGE_ROWS))
            total = rows.total
            found |= {row.id: row for row in rows.rows if covers(subject, row)}
            if (page_number + 1) * PAGE_ROWS >= rows.matching:
                break
        else:
            complete = False
    return Named(list(found.values()), total, complete)
