"""Dates in the names of backup files: ISO 8601 and its compact forms, or a template of the operator's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from sources.common.moments import in_utc

_DATE: Final = (
    r"(?<!\d)(?P<year>19\d\d|20\d\d)(?P<sep>[-_./]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])"
)
_TIME: Final = (
    r"(?:[T_\-. ]?(?P<hour>[01]\d|2[0-3])[-_:.h]?(?P<minute>[0-5]\d)(?:[-_:.m]?(?P<second>[0-5]\d)(?:[.,]\d+)?)?"
)
_OFFSET: Final = r"(?P<offset>Z|[+-](?:0\d|1[0-4]):?(?:00|15|30|45))?)?(?![\d])"
_NAMED: Final = re.compile(_DATE + _TIME + _OFFSET)
_DIRECTIVES: Final = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "j": r"\d{1,3}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{1,2}",
    "S": r"\d{1,2}",
    "f": r"\d{1,6}",
    "p": r"[AaPp][Mm]",
    "b": r"[A-Za-z]{3}",
    "B": r"[A-Za-z]{3,9}",
    "a": r"[A-Za-z]{3}",
    "A": r"[A-Za-z]{6,9}",
    "z": r"Z|[+-]\d{2}:?\d{2}",
    "%": "%",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A date that a name tells."""

    start: datetime
    """The instant, or the start of the day, UTC."""
    end: datetime
    """The same instant, or the start of the next day, UTC."""


def named_in(path: str, zone: tzinfo) -> Named | None:
    """Find the date in a file's name, else in its folders'; the oldest where there are several."""
    return min(_found(path.rpartition("/")[2], zone), key=_start, default=None) or min(
        _found(path, zone), key=_start, default=None
    )


def named_by(path: str, template: str, zone: tzinfo) -> Named | None:
    """Find the date in a file's name that a strptime template describes; the oldest where there are several."""
    moments: list[Named] = []
    for match in compiled(template).finditer(path.rpartition("/")[2]):
        try:
            moment = datetime.strptime(match[0], template)  # noqa: DTZ007 - the zone is set below
            moments.append(_named(moment, zone, whole_day=not re.search("%[HI]", template)))
        except (ValueError, OverflowError):  # no such day, or the last one of all
            continue
    return min(moments, key=_start, default=None)


def compiled(template: str) -> re.Pattern[str]:
    """Make a search of a strptime template; raises ``ValueError`` on an unknown directive, or without a day."""
    directives = re.findall("%(.?)", template)
    unknown = next((one for one in directives if one not in _DIRECTIVES), None)
    if unknown is not None:
        raise ValueError(f"%{unknown} is not supported; use {' '.join('%' + one for one in _DIRECTIVES)}")
    told = set(directives)
    if not (told & set("Yy") and ("j" in told or ("d" in told and told & set("mbB")))):
        raise ValueError("it names no year, month and day")
    parts = re.split("%(.)", template)
    text = "".join(f"(?:{_DIRECTIVES[part]})" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(rf"(?<!\d){text}(?!\d)")


def _found(text: str, zone: tzinfo) -> Iterator[Named]:
    for match in _NAMED.finditer(text):
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
        hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=_offset(match["offset"]))
        except ValueError:  # 30 February
            continue
        yield _named(moment, zone, whole_day=match["hour"] is None)


def _offset(text: str | None) -> tzinfo | None:
    if text is None or text == "Z":
        return None if text is None else UTC
    digits = text[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if text[0] == "-" else size)


def _named(moment: datetime, zone: tzinfo, *, whole_day: bool) -> Named:
    start = in_utc(moment, zone)
    return Named(start, in_utc(moment + timedelta(days=1), zone) if whole_day else start)


def _start(named: Named) -> datetime:
    return named.start
