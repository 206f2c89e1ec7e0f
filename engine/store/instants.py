"""Instants are stored as whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def stored(instant: datetime) -> int:
    """Give an aware instant as it is stored."""
    return (instant - EPOCH) // MICROSECOND


def told(micros: int) -> datetime:
    """Give a stored instant, in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def told_or_none(micros: int | None) -> datetime | None:
    """Give a stored instant, in UTC; None when there is none."""
    return None if micros is None else told(micros)


def day_of(instant: datetime) -> str:
    """Name the UTC day of an instant: ``2026-11-21``."""
    return instant.astimezone(UTC).date().isoformat()


def told_text(text: str) -> datetime | None:
    """Read the instant of a chain entry; None of one that was written over."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
