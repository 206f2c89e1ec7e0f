"""Families that the exposition says of itself."""

from __future__ import annotations

from typing import Final

from engine.catalogue.units import INFO
from engine.exposition import DROPS, Ledger, Metric
from engine.series import of_exposition

OWN: Final[tuple[Metric[Ledger], ...]] = (
    of_exposition("series", "series", "Series in this exposition.", lambda own: [((), own.series)]),
    of_exposition(
        "series_cap", "series", "Series past which optional families are left out.", lambda own: [((), own.cap)]
    ),
    of_exposition(
        "series_dropped",
        "series",
        "Series left out: a name unfit for a label, a label set that occurs twice, no finite number, the cap.",
        lambda own: [((reason,), own.dropped.get(reason, 0)) for reason in DROPS],
        labels=("reason",),
        bound=str(len(DROPS)),
    ),
    of_exposition(
        "render_seconds",
        "seconds",
        "How long the rendering before this one took, gzip included; no series at the first.",
        lambda own: [((), own.spent)],
    ),
    of_exposition(
        "family_dropped",
        INFO,
        "Families left out whole to hold the cap.",
        lambda own: [((name,), 1) for name in own.shed],
        labels=("metric",),
        bound="optional families",
    ),
)
"""Of the exposition itself."""
