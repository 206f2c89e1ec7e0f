"""A million findings of one check, for the benches of the list of them."""

from __future__ import annotations

from typing import Final

from bench.store import PAGE
from checks.model.judgement import Outcome
from checks.model.result import Finding

OUTCOMES: Final = (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN, Outcome.WARN)
REASONS: Final = ("no second factor is enrolled", "only a weak factor is enrolled", "the source may not read factors")


def findings(number: int) -> list[list[Finding]]:
    """Make findings of several kinds."""
    made = [
        Finding(
            subject=f"okta-prod/00u{index * 2_654_435_761 % 2**40:017d}",
            label=f"user{index:07d}@example.org",
            outcome=OUTCOMES[index % 4],
            reason=REASONS[index % 3],
            facts={"factors": 0, "status": "active"},
        )
        for index in range(number)
    ]
    return [made[start : start + PAGE] for start in range(0, number, PAGE)]
