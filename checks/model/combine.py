"""Several judgements of one subject are combined by the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from checks.model.judgement import Outcome

if TYPE_CHECKING:
    from checks.model.judgement import Judgement

_BADNESS = {Outcome.EXCLUDED: 0, Outcome.PASS: 0, Outcome.WARN: 1, Outcome.UNKNOWN: 2, Outcome.FAIL: 3}


def worst(judgements: Sequence[Judgement]) -> Judgement:
    """Choose the worst (fail, unknown, warned, passed; the first of equals) and the instant at which that may change.

    A failure stands whatever becomes of the others. Anything else stands until the first of them changes.
    """
    chosen, until = judgements[0], None
    for judgement in judgements:
        if _BADNESS[judgement.outcome] > _BADNESS[chosen.outcome]:
            chosen = judgement
        if judgement.until is not None and (until is None or judgement.until < until):
            until = judgement.until
    if chosen.outcome is Outcome.FAIL or (chosen.until is until and chosen.outcome is not Outcome.WARN):
        return chosen
    urgent = any(judgement.urgent for judgement in judgements if judgement.outcome is chosen.outcome)
    return msgspec.structs.replace(chosen, until=until, urgent=urgent)


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """Choose the earliest of the instants that are told; None when none is."""
    return min((instant for instant in instants if instant is not None), default=None)
