"""Pause, acknowledge and accept as commands for the engine; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from checks.model.units import parse_duration
from engine.port import Ack, Pause

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=7)
"""Of a pause."""


def pause_fault(span: str) -> str:
    """Say what is wrong with the length of a pause; empty when nothing is."""
    try:
        length = parse_duration(span)
    except ValueError:
        return f"for how long? from 1h to 7d, not {span!r}"
    return "" if SHORTEST <= length <= LONGEST else f"from 1h to 7d, not {span}"


def pause(check: str, reason: str, span: str, by: str, now: datetime) -> Pause:
    """Make the command; ``span`` is one that ``pause_fault`` allows."""
    return Pause(check=check, reason=reason, by=by, until=(now + parse_duration(span)).astimezone(UTC))


def resume(check: str, by: str, now: datetime) -> Pause:
    """Make the command that ends a pause."""
    return Pause(check=check, reason="", by=by, until=now.astimezone(UTC))


def acks(findings: Sequence[int], note: str, ticket: str, by: str) -> list[Ack]:
    """Make the commands, one a finding."""
    told = f"{note} ({ticket})" if ticket else note
    return [Ack(finding=each, note=told, by=by) for each in findings]
