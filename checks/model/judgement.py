"""A judgement is what a check says of one subject, with a reason and the facts compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from checks.model.doubt import Cause

Scalar = str | int | float | bool | None


class Outcome(StrEnum):
    """What may be said of one subject."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    EXCLUDED = "excluded"


class Judgement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One subject, judged."""

    outcome: Outcome
    reason: str = ""
    """A sentence without names or numbers, the same for every subject judged so; of an exclusion, a slug."""
    facts: Mapping[str, Scalar] = {}
    """What was compared: told values and the limit; instants as RFC 3339, lengths of time as ``90d``."""
    until: datetime | None = None
    """The instant at which the same bytes would be judged otherwise; None when time changes nothing."""
    cause: Cause | None = None
    """Of an unknown: why."""
    fields: tuple[str, ...] = ()
    """Of an unknown: the fields not told, as ``account.mfa``, so that a source-wide gap can carry it."""
    of: str | None = None
    """Of an unknown: the source that did not tell, when it is not the subject's own (a roster)."""
    urgent: bool = False
    """Of a warning: it should wake somebody."""
    depth: str | None = None
    """How deep the proof goes: ``exists complete verified restored``, ``claimed document reviewed``, ``enrolled``."""


def passed(*, until: datetime | None = None, depth: str | None = None) -> Judgement:
    """Say that the subject is as it should be."""
    return Judgement(outcome=Outcome.PASS, until=until, depth=depth)


def warned(
    reason: str,
    facts: Mapping[str, Scalar],
    *,
    until: datetime | None = None,
    urgent: bool = False,
    depth: str | None = None,
) -> Judgement:
    """Say that the subject passes, and that something about it is expiring, due or doubtful in part."""
    return Judgement(outcome=Outcome.WARN, reason=reason, facts=facts, until=until, urgent=urgent, depth=depth)


def failed(reason: str, facts: Mapping[str, Scalar], *, until: datetime | None = None) -> Judgement:
    """Say that the subject is not as it should be."""
    return Judgement(outcome=Outcome.FAIL, reason=reason, facts=facts, until=until)


def unknown(
    reason: str,
    cause: Cause,
    fields: tuple[str, ...] = (),
    facts: Mapping[str, Scalar] | None = None,
    *,
    of: str | None = None,
    until: datetime | None = None,
) -> Judgement:
    """Say that the subject is seen and cannot be judged."""
    return Judgement(
        outcome=Outcome.UNKNOWN,
        reason=reason,
        cause=cause,
        fields=fields,
        facts=facts or {},
        of=of,
        until=until,
    )


def excluded(reason: str, *, until: datetime | None = None) -> Judgement:
    """Say that told facts put the subject out of scope; ``reason`` is a slug that exclusions are counted by."""
    return Judgement(outcome=Outcome.EXCLUDED, reason=reason, until=until)
