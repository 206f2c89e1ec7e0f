"""The facts of a judgement are what was compared, written so that people and machines read them alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from checks.model.units import format_duration, rfc3339

if TYPE_CHECKING:
    from checks.model.judgement import Scalar

Facts = dict[str, "Scalar"]
"""What was compared, by name."""


def compared(**values: Scalar | datetime | timedelta) -> Facts:
    """Write told values: instants as RFC 3339, lengths of time as ``90d``; what is not told is left out."""
    return {name: _written(value) for name, value in values.items() if value is not None}


def _written(value: Scalar | datetime | timedelta) -> Scalar:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    return value
