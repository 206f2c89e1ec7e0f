"""A result is one judged population: counts that add up, gaps, bounds, and the findings that went out on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome, Scalar
from checks.model.state import Tally, Verdict


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One subject that fails, is warned, or cannot be judged."""

    subject: str
    """``source/`` and the provider's immutable id."""
    label: str
    """What people call it; the id when the provider gives no name."""
    outcome: Outcome
    reason: str
    facts: Mapping[str, Scalar] = {}
    cause: Cause | None = None
    """Of an unknown: why."""
    urgent: bool = False
    until: datetime | None = None
    carried: bool = False
    """Unknown only through a gap: counted under it, and neither opens, resolves nor re-dates a finding."""


class Doubted(msgspec.Struct, frozen=True, kw_only=True):
    """A gap and the subjects that are unknown only through it."""

    gap: Gap
    subjects: int = 0
    """How many subjects it makes unknown."""
    examples: tuple[str, ...] = ()
    """Labels of the first few, by subject."""
    bars: bool = True
    """Whether it bars PASS for this check."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says of a population at one instant. ``read = population + excluded``, always."""

    check: str
    """The check's id."""
    now: datetime
    """The instant of judgement, UTC."""
    read: int
    """Subjects read."""
    excluded: Mapping[str, int]
    """Excluded subjects by reason."""
    tally: Tally
    verdict: Verdict
    threshold: float
    as_of: datetime | None
    """The oldest observation that it rests on; None when nothing was ever collected."""
    until: datetime | None
    """The instant at which the same bytes would judge otherwise; None when time changes nothing."""
    gaps: tuple[Doubted, ...] = ()
    depths: Mapping[str, int] = {}
    """Passed subjects by depth of proof."""
    urgent: int = 0
    """Warned subjects that are urgent."""
    unknown_causes: Mapping[str, int] = {}
    """Unknown subjects by ``source:cause``, for waivers and metrics."""
