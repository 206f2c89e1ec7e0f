"""One line of ``source test``: something is asked for real, and what came back becomes a probe."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from sources.common.errors import SourceError, Throttled, Unreachable
from sources.common.source import Probe


async def tried(asked: str, costs: Sequence[str], attempt: Awaitable[str]) -> Probe:
    """Await an attempt, whose text says what came back; a refusal tells its reason and what it costs.

    What time will mend (no answer, a rate limit) leaves the question open: ``ok`` is then None.
    """
    try:
        return Probe(asked, ok=True, detail=await attempt, costs=costs)
    except (Unreachable, Throttled) as fault:
        return Probe(asked, ok=None, detail=str(fault), costs=costs, cause=fault.cause)
    except SourceError as fault:
        return Probe(asked, ok=False, detail=str(fault), costs=costs, cause=fault.cause)
