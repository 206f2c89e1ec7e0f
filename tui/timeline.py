"""The last day of a source: when it answered, when it failed, and when nobody looked; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.port import Event, SourceView
from tui.lines import Line, Span

DAY = timedelta(days=1)
RECOVERED = "complete again"
"""The text of the event by which a source ends to fail."""
EVENTS_ASKED = 100


def timeline(events: Sequence[Event], source: SourceView, now: datetime, cells: int) -> Line:
    """Draw the last 24 hours, one cell an equal part: ``✖`` where it failed at any time, ``·`` where nothing is known.

    ``events`` are the source's own, newest first, as far back as they reach. Nothing is known before its first run, nor
    of a time in which no run ended though one was due.
    """
    step = DAY / cells
    failing = _failing(events, source, now)
    begins = now - DAY
    known = source.known_since
    spans: list[Span] = []
    for cell in range(cells):
        since, until = begins + cell * step, begins + (cell + 1) * step
        if any(a < until and b > since for a, b in failing):
            spans.append(Span("✖", "fail"))
        elif known is None or until <= known or any(a.start <= since and until <= a.end for a in source.silences):
            spans.append(Span("·", "faint"))
        else:
            spans.append(Span("✔", "pass"))
    return tuple(spans)


def _failing(events: Sequence[Event], source: SourceView, now: datetime) -> list[tuple[datetime, datetime]]:
    """Give the times in which it failed, from the events that tell of its errors and its recoveries."""
    found: list[tuple[datetime, datetime]] = []
    begun: datetime | None = None
    for event in reversed(events):
        if event.text == RECOVERED:
            if begun is not None:
                found.append((begun, event.at))
            begun = None
        elif begun is None:
            begun = event.at
    if source.failing_since is not None:
        found.append((min(source.failing_since, begun or now), now))
    return found
