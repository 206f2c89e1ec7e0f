"""Calendar months: an attestation is current for twelve months, not for 365 days."""

from __future__ import annotations

from datetime import datetime

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def add_months(moment: datetime, months: int) -> datetime:
    """Add calendar months; a day that the month does not have becomes its last day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 29 if month == 1 and leap else _DAYS[month]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
