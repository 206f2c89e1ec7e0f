"""Long lists by label: each page is walked to from a place that is known, an end or a finding of another page.

Labels are in another table than findings, so that no index tells the place of a finding: what comes before it is
counted, in a sixth of the time that it takes to put all in order. Only a page far from all that is known needs that.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.port import Query, Row, Rows
from engine.store import rows as pages
from engine.store.asked import comes_before, has_words, without_words
from engine.store.conditions import OPEN
from engine.store.rows import Reading


def by_label(reading: Reading) -> Rows | None:
    """Give a page of a long list by label within the transaction that is open; None where the order is better."""
    query = reading.query
    asked, alike = reading.alike()
    if query.sort != "label" or has_words(asked) or query.view not in OPEN or asked.ids:
        return None
    total, matching = reading.count(without_words(alike)), reading.count(alike)
    if not reading.is_long(matching) or reading.kept.order(asked, reading.now) is not None:
        return None
    place = _place(reading, asked)
    offset, limit = reading.bounds(place, matching)
    rows: Sequence[Row] | None = reading.walked_from(asked, offset, limit, matching)
    if rows is None:
        if min(offset, matching - offset) > pages.WALKED_BY_LABEL:
            return None
        rows = reading.walk(offset, limit, matching)
    reading.note(asked, offset, rows)
    return Rows(rows=rows, offset=offset, place=place, matching=matching, total=total)


def _place(reading: Reading, asked: Query) -> int | None:
    """Count what comes before the finding that is asked around; None when none is, or it does not match."""
    around = reading.query.around
    if around is None:
        return None
    place = reading.kept.places(asked, reading.now).get(around)
    if place is not None or not reading.holds():
        return place
    where, that = reading.walked_to(), reading.that(around)
    ways = comes_before(reading.sorted(reverse=reading.query.reverse), ":that_")
    text = reading.put("place by label", where).replace("{way}", " OR ".join(f"({way})" for way in ways))
    place = int(reading.connection.execute(text, {**where.values, **that}).fetchone()[0])
    reading.kept.keep_place(asked, around, place, reading.times(reading.alike()[1]))
    return place
