"""What a check says of what one source told, without an engine between them."""

from __future__ import annotations

import msgspec

from checks.model.check import Check
from checks.model.fold import Fold, Part, Question
from checks.model.result import Result
from tests.support.builders import known_of
from tests.support.clock import NOW
from tests.support.context import Collected


def verdict_of(check: Check, found: Collected, source: str) -> Result:
    """Judge what a source of that name told, by the check's own policy."""
    gaps = tuple(msgspec.structs.replace(gap, source=source) for gap in found.gaps)
    known = known_of(check, [record for record in found.records if check.knows and isinstance(record, check.knows)])
    question = Question(
        name="check",
        check=check,
        policy=check.policy(),
        threshold=1.0,
        now=NOW,
        parts=[Part(source, NOW, gaps)],
        known=known,
    )
    fold = Fold(question)
    fold.feed([record for record in found.records if isinstance(record, check.over)])
    return fold.result()
