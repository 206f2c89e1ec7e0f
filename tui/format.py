"""What a value looks like in cells of a terminal; pure, so that the same value looks the same on every screen.

Times are in the zone of the reader's ``now``: UTC, or the terminal's own, always with the zone beside them.

Text from sources is untrusted: ``clean`` strips control, bidi and zero-width characters and caps the length, and every
width is counted in terminal cells, so a CJK name moves no column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from rich.cells import cell_len, set_cell_size

from checks.model.judgement import Scalar
from checks.model.state import Tally

TEXT_CAP = 400
"""Characters of one untrusted text that are ever looked at."""
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are never drawn: control, format (bidi, zero width), surrogate, private, unassigned."""
_BREAKS = re.compile(r"[\t\n\r\v\f\x85\u2028\u2029]+")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,500}")
"""What may be given to a terminal as a link: nothing that could end the escape sequence."""
_EMOJI_SELECTORS = frozenset("\ufe0e\ufe0f")
_MARKS_MAX = 2
"""Combining marks kept on one character; more is a stack that covers its neighbours."""

_ASCII: Mapping[str, str] = {
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("─━–\u2212—", "-"),
    **dict.fromkeys("│┃▏", "|"),
    "▌": ">",
    "✖": "F",
    "✔": "P",
    "▲": "W",
    "◆": "E",
    "▼": "v",
    "…": "~",
    "▸": ">",
    "→": ">",
    "·": ".",
    "●": "*",
    "•": "*",
    "↵": "<",
    "↻": "@",
    "↑": "^",
    "↓": "v",
    "←": "<",
    "≥": ">",
    "≤": "<",
    "Δ": "d",
    "‖": "=",
    **dict(zip("▁▂▃▄▅▆▇█", ".:-=+*##", strict=True)),
    "░": ".",
    "×": "x",
    "“": '"',
    "”": '"',
    "\u2019": "'",
    "\u00a0": " ",
    "\u202f": " ",
}


def clean(text: str, cap: int = TEXT_CAP) -> str:
    """Make untrusted text safe to draw on one line, at most ``cap`` characters, an ellipsis where it was cut."""
    cut = text[: cap * 2]
    kept: list[str] = []
    marks = 0
    for char in _BREAKS.sub(" ", cut):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in _DROPPED or char in _EMOJI_SELECTORS or marks > _MARKS_MAX:
            continue
        kept.append(" " if category == "Zs" else char)
    short = "".join(kept[:cap])
    return short[:-1] + "…" if len(kept) > cap or len(cut) < len(text) else short


def drawable(text: str) -> str:
    """Give text of the same width that no terminal obeys: the last wall, where somebody forgot ``clean``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _instead(char) for char in text)


def _instead(char: str) -> str:
    """Give what stands for a character that is no sign: a blank for a wide or narrow one, else nothing, or ``?``."""
    return (" " if unicodedata.category(char) == "Zs" else "?") * cell_len(char)


def clean_lines(text: str, cap: int = 20_000) -> list[str]:
    """Make untrusted text of several lines safe to draw, at most ``cap`` characters in all."""
    return [clean(line, cap) for line in text[:cap].splitlines()]


def to_ascii(text: str) -> str:
    """Write text in ASCII without changing its width in cells; ``≥`` with a blank after it has room for ``>=``."""
    if text.isascii():
        return text
    text = text.replace("≥ ", ">=").replace("≤ ", "<=")
    return "".join(char if char.isascii() else _ASCII.get(char, "?" * cell_len(char)) for char in text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Pad or cut text to exactly ``width`` cells; a cut ends in an ellipsis."""
    if width <= 0:
        return ""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - size) + text if right else text + " " * (width - size)


def fitting(width: int, *forms: str) -> str:
    """Give the first form that fits into ``width`` cells, else the last: a number that is cut reads as another one."""
    return next((each for each in forms if cell_len(each) <= width), forms[-1])


def moved(opened: int, resolved: int, width: int) -> str:
    """Write what came and went as ``+3 -1``; where there is no room, rounded down, then what came alone."""
    if not opened and not resolved:
        return ""
    short = f"+{compact(opened)} -{compact(resolved)}"
    return fitting(width, f"+{opened} -{resolved}", short, f"+{compact(opened)}" if opened else f"-{compact(resolved)}")


def address(text: str) -> str:
    """Give what a terminal may open; empty where it is no plain web address."""
    return text if _ADDRESS.fullmatch(text) else ""


def wrap(text: str, width: int) -> list[str]:
    """Break text into lines of at most ``width`` cells, at spaces where there are any."""
    lines: list[str] = []
    left = ""
    for word in text.split():
        joined = f"{left} {word}" if left else word
        if cell_len(joined) <= width:
            left = joined
            continue
        if left:
            lines.append(left)
        *whole, left = _chop(word, width)
        lines.extend(whole)
    return [*lines, left] if left else lines


def _chop(word: str, width: int) -> list[str]:
    """Cut a word into pieces of at most ``width`` cells; never gives an empty list."""
    pieces: list[str] = [""]
    used = 0
    for char in word:
        size = cell_len(char)
        if used + size > width and pieces[-1]:
            pieces.append("")
            used = 0
        pieces[-1] += char
        used += size
    return pieces


def number(value: int) -> str:
    """Write a count with thin groups: ``43 112``."""
    return f"{value:,}".replace(",", " ")


def compact(value: int) -> str:
    """Write a count in four cells: ``999``, ``1.2k``, ``43k``, ``1.2M``; rounded down."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= 10 * size:
            return f"{value // size}{unit}"
        if value >= size:
            return f"{value * 10 // size / 10:.1f}{unit}"
    return str(value)


def percent(ratio: float) -> str:
    """Write a ratio rounded down to a tenth, so that 99.97 % never reads as 100 %."""
    tenths = int(ratio * 1000 + 1e-9)
    return "100%" if ratio >= 1.0 else f"{tenths / 10:.1f}%"


def interval(tally: Tally) -> str:
    """Write the coverage as ``97.2%``, or ``92.0–95.0%`` while doubt leaves it open."""
    if tally.population == 0 and not tally.missing:
        return "–" if tally.missing == 0 else "0–100%"
    low, high = tally.coverage()
    if low == high:
        return percent(low)
    return f"{percent(low).rstrip('%')}–{percent(high)}"


def age(span: timedelta) -> str:
    """Write a length of time with one unit, rounded down: ``<1m``, ``4m``, ``7h``, ``19d``, ``2y``; at most 4 cells."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return "<1m"
    for size, unit, limit in ((60, "m", 3_600), (3_600, "h", 172_800)):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    days = seconds // 86_400
    return f"{days}d" if days < 1000 else f"{days // 365}y"


def age3(span: timedelta) -> str:
    """Write a length of time as ``age`` does, in at most three cells: from a hundred days on in weeks, then years."""
    days = span.days
    if days < 100:
        return age(span)
    return f"{days // 7}w" if days < 700 else f"{days // 365}y"


def age2(span: timedelta) -> str:
    """Write a length of time with its two largest units: ``4h12m``, ``2d03h``, ``7m``."""
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return "<1m"
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days}d{hours:02d}h"
    return f"{hours}h{minutes % 60:02d}m" if hours else f"{minutes}m"


def elapsed(span: timedelta) -> str:
    """Write a short wait to the second: ``00:41``; from an hour on as ``age2`` does."""
    whole = max(0, int(span.total_seconds()))
    return age2(span) if whole >= 3_600 else f"{whole // 60:02d}:{whole % 60:02d}"


def zoned(value: datetime, now: datetime | None = None) -> datetime:
    """Give an instant in the reader's zone, which ``now`` carries; UTC without one."""
    return in_zone(value, UTC if now is None else now.tzinfo)


def in_zone(value: datetime, zone: tzinfo | None) -> datetime:
    """Give an instant in a zone; in UTC, or as it is, where it would fall before the first or after the last year."""
    for each in (zone, UTC):
        try:
            return value.astimezone(each)
        except OverflowError:
            continue
    return value


def zone_mark(at: datetime) -> str:
    """Name a zone beside a time: ``Z``, ``+01``, ``+0530``."""
    if not at.utcoffset():
        return "Z"
    return at.strftime("%z").removesuffix("00")


def clock(value: datetime, now: datetime | None = None, *, seconds: bool = False) -> str:
    """Write a time of day: ``05:27Z``, or ``06:27+01`` in the reader's zone; with ``seconds`` ``05:27:09Z``."""
    at = zoned(value, now)
    return f"{at:%H:%M:%S}{zone_mark(at)}" if seconds else f"{at:%H:%M}{zone_mark(at)}"


def moment(value: datetime | None, now: datetime) -> str:
    """Write an instant as short as ``now`` allows: ``02:05Z``, ``19 Nov 08:12Z``, ``19 Nov 2025``."""
    if value is None:
        return "–"
    at = zoned(value, now)
    if at.date() == now.date():
        return f"{at:%H:%M}{zone_mark(at)}"
    return f"{at:%d %b %H:%M}{zone_mark(at)}" if at.year == now.year else f"{at:%d %b} {at.year:04}"


def brief(value: datetime | None, now: datetime, width: int) -> str:
    """Write an instant as ``moment`` does, without the zone where that has no room."""
    whole = moment(value, now)
    return whole if value is None else fitting(width, whole, whole.removesuffix(zone_mark(zoned(value, now))))


def full(value: datetime | None, now: datetime | None = None) -> str:
    """Write an instant whole: ``2026-11-21 05:27:31Z``, or in the reader's zone, which ``now`` carries."""
    if value is None:
        return "–"
    at = zoned(value, now)
    return f"{at.year:04}-{at:%m-%d %H:%M:%S}{zone_mark(at)}"


def counted(count: int, what: str) -> str:
    """Write a number of things: ``1 event``, ``4 812 events``."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def seconds(value: float | None) -> str:
    """Write a run's length: ``0.8s``, ``41s``, ``6m10s``."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f}s"
    whole = round(value)
    return f"{whole}s" if whole < 120 else f"{whole // 60}m{whole % 60:02d}s"


def plan(requests: int | None, span: float | None) -> str:
    """Write a request plan: ``1 204 requests, ~6m to full coverage``; empty when there is none."""
    if requests is None:
        return ""
    rest = "" if span is None else f", ~{age2(timedelta(seconds=span))} to full coverage"
    return f"{number(requests)} requests{rest}"


def scalar(value: Scalar) -> str:
    """Write one compared fact; ``None`` was not told."""
    if value is None:
        return "not told"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value) if isinstance(value, str) else str(value)
