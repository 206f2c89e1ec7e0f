"""All that a finding's page is made from, asked of the port; what findings of one check share is asked once.

The finding's own screen and the page beside the list are made from the same answers, so that they never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.port import Detail, Past, PastQuery, Port, Query, Row
from tui.finding import Page
from tui.lookback import BEFORE, REFRESH
from tui.model import Model
from tui.period import named

_KEPT = 64
"""Reasons whose findings were counted that are kept."""


@dataclass(frozen=True, slots=True)
class _Told:
    past: Past | None
    at: datetime
    """When it was asked for."""
    standing: object
    """What the check said then."""


class Dossier:
    """What is known about one finding at a time."""

    def __init__(self) -> None:
        self.found: Detail | None = None
        """The finding; None before the first answer, and when it is gone."""
        self._pasts: dict[str, _Told] = {}
        self._similar: dict[tuple[str, str], tuple[object, int]] = {}
        """Open findings by check and reason, and what the check said when they were counted."""

    async def find(self, port: Port, finding: int) -> None:
        """Ask for the finding; raises ``PortFault``."""
        self.found = await port.detail(finding)

    async def look_around(self, port: Port, model: Model) -> None:
        """Ask what became of its check, and how many are like it; without an answer nothing is told of that."""
        if self.found is not None:
            await self._count(port, self.found, model)
            await self._look_back(port, self.found.check.name, model)

    async def _count(self, port: Port, found: Detail, model: Model) -> None:
        key, said = (found.row.check, found.row.reason), _standing(model, found.row.check)
        if key in self._similar and self._similar[key][0] == said:
            return
        try:
            rows = await port.rows(Query(check=key[0], reason_is=key[1], limit=0))
        except (OSError, TimeoutError):
            _ = self._similar.pop(key, None)
            return
        if len(self._similar) >= _KEPT:
            self._similar.clear()
        self._similar[key] = (said, rows.matching)

    async def _look_back(self, port: Port, check: str, model: Model) -> None:
        told, said = self._pasts.get(check), _standing(model, check)
        if told is not None and told.standing == said and model.now - told.at < REFRESH:
            return
        period = named("90d", model.now)
        query = PastQuery(checks=(check,), since=period.since - BEFORE, until=period.until)
        try:
            (past,) = await port.past(query)
        except (OSError, TimeoutError, ValueError):
            _ = self._pasts.pop(check, None)
            return
        self._pasts[check] = _Told(past, model.now, said)

    def sheet(self, model: Model, keys: Mapping[str, str], row: Row | None = None) -> Page | None:
        """Give what the page is made from, of the finding or, while it is under way, of a row of the list alone.

        None where neither is known.
        """
        found = self.found
        if row is not None and (found is None or found.row.id != row.id):
            item = model.check(row.check)
            return (
                None
                if item is None
                else Page(detail=Detail(row=row, check=item.view), model=model, whole=False, keys=dict(keys))
            )
        if found is None:
            return None
        told = self._pasts.get(found.check.name)
        past, told_at = (None, None) if told is None else (told.past, told.at)
        return Page(detail=found, model=model, past=past, told_at=told_at, similar=self._others(found), keys=dict(keys))

    def _others(self, found: Detail) -> int | None:
        """Count the other open findings of the check with the same reason; None while that is not known."""
        counted = self._similar.get((found.row.check, found.row.reason))
        is_open = found.row.resolved_at is None
        return None if counted is None else max(0, counted[1] - is_open)


def _standing(model: Model, check: str) -> object:
    """Give what a check says now."""
    item = model.check(check)
    return None if item is None else (item.view.as_of, item.view.standing)
