"""Durations are written ``"90d"``; ratios lie in 0–1; instants are aware UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LONGEST_SECONDS = 36_500 * 86_400
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


class Duration(timedelta):
    """A length of time that a configuration writes as ``"90d"``, ``"26h"`` or ``"1h30m"``."""


def parse_duration(text: str) -> Duration:
    """Parse a duration; raises ``ValueError`` that says what is allowed."""
    compact = text.replace(" ", "")
    if not _DURATION.fullmatch(compact):
        message = f'"{text}" is not a duration; write a number and a unit, as in "90d", "26h", "1h30m" (s, m, h, d, w)'
        raise ValueError(message)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(compact))
    if seconds > LONGEST_SECONDS:
        message = f'"{text}" is longer than any duration here may be (36500d)'
        raise ValueError(message)
    return Duration(seconds=seconds)


def duration(text: str) -> Duration:
    """Write a default in code as the configuration would."""
    return parse_duration(text)


def plain(value: object) -> object:
    """Turn a ``Duration`` into the length of time that it is; msgspec's hook for encoding."""
    if isinstance(value, timedelta):
        return timedelta(seconds=value.total_seconds())
    raise NotImplementedError(type(value))


def format_duration(value: timedelta) -> str:
    """Format a length of time with its two largest units: ``90d``, ``1h30m``, ``0s``."""
    left = round(abs(value.total_seconds()))
    sign = "-" if value < timedelta(0) else ""
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _SECONDS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return sign + ("".join(parts[:2]) or "0s")


def utc(text: str) -> datetime:
    """Parse an RFC 3339 instant and return it in UTC; raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f'"{text}" has no time zone'
        raise ValueError(message)
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Format an instant as RFC 3339 in UTC, whole seconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
