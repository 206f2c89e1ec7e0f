"""What a person types to narrow a list: words, ``!word`` for what must not occur, ``~regex``, ``!~regex``.

All of them must hold; upper and lower case are the same. Python's regular expressions backtrack while nothing else of
the process runs, so only those are taken whose worst case is bounded: no repetition within a repetition, no
alternatives within one, no references back, and few ways to match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_TEXT: Final = 200
"""Characters of a value that a regular expression is shown."""
MOST_WAYS: Final = 50_000
"""Ways to match at one place: two unbounded repetitions have 40 000."""
LONGEST_PATTERN: Final = 200

_TOKEN: Final = re.compile(
    r"""(?P<escape>\\.) | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\]) | (?P<open>\((?:\?:)?) | (?P<close>\))
      | (?P<repeat>(?:[*+?]|\{(?:\d+|\d*,\d*)\})[?+]?) | (?P<or>\|) | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_COUNTS: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")


class WordsFault(ValueError):
    """What was typed is no filter; the message names the place."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must occur, or must not."""

    text: str
    without: bool = False
    """Whether it must not occur."""
    pattern: re.Pattern[str] | None = None
    """Of a regular expression."""

    def holds(self, *values: str) -> bool:
        """Tell whether values, none of which runs on into the next, are as this term wants them."""
        return self.occurs(*values) is not self.without

    def occurs(self, *values: str) -> bool:
        """Tell whether it occurs in any of the values."""
        if self.pattern is not None:
            return any(self.pattern.search(value[:LONGEST_TEXT]) for value in values)
        wanted = self.text.casefold()
        return any(wanted in value.casefold() for value in values)


def terms(text: str) -> tuple[Term, ...]:
    """Read what was typed; raises ``WordsFault``."""
    return tuple(_term(word) for word in text.split() if word not in {"!", "~", "!~"})


def all_hold(wanted: Sequence[Term], *values: str) -> bool:
    """Tell whether every term holds of the values."""
    return all(term.holds(*values) for term in wanted)


def _term(word: str) -> Term:
    without = word.startswith("!")
    plain = word.removeprefix("!")
    if not plain.startswith("~"):
        return Term(plain, without)
    return Term(plain[1:], without, _compiled(plain[1:]))


def _compiled(text: str) -> re.Pattern[str]:
    """Compile a regular expression whose worst case is bounded."""
    if len(text) > LONGEST_PATTERN:
        raise WordsFault(f"~{text[:20]}…: a regular expression has at most {LONGEST_PATTERN} characters")
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        position = getattr(error, "pos", None) or 0
        reason = getattr(error, "msg", str(error))
        raise _fault(text, position, f"no regular expression: {reason}") from None
    _bounded(text)
    return pattern


@dataclass(slots=True)
class _Group:
    """A group while it is read."""

    ways: int = 1
    varies: bool = False
    """Whether it may match in several ways: it repeats something, or has alternatives."""


def _bounded(text: str) -> None:
    """Refuse a regular expression that may match in too many ways; raises ``WordsFault``."""
    groups, last = [_Group()], _Group()
    for at, kind, sign in _tokens(text):
        if kind == "open":
            groups.append(_Group())
        elif kind == "close":
            last = groups.pop()
            groups[-1].ways *= last.ways
            groups[-1].varies |= last.varies
        elif kind == "or":
            groups[-1].ways += 1
            groups[-1].varies = True
        elif kind == "repeat":
            if last.varies and not sign.startswith("?"):
                raise _fault(text, at, "a repetition of what varies in itself may never end; write it apart")
            choices = _choices(sign)
            groups[-1].ways *= choices
            groups[-1].varies |= choices > 1
        else:
            last = _Group()
        if groups[-1].ways > MOST_WAYS:
            raise _fault(text, at, "too many ways to match; use two of * and + at most, and words for the rest")


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    for match in _TOKEN.finditer(text):
        kind, sign = match.lastgroup or "plain", match.group()
        if kind == "open" and sign == "(" and text.startswith("(?", match.start()):
            raise _fault(text, match.start(), "of groups only (…) and (?:…) are taken")
        if kind == "escape" and (sign[1].isdigit() or sign[1] == "N"):
            raise _fault(text, match.start(), f"{sign} is not taken")
        yield match.start(), kind, sign


def _choices(sign: str) -> int:
    """Count in how many ways a repetition may match a text."""
    if sign.startswith("?"):
        return 2
    counts = _COUNTS.match(sign)
    if counts is None:
        return LONGEST_TEXT
    low, comma, high = counts.groups()
    if not comma:
        return 1
    return max(1, min(int(high or LONGEST_TEXT), LONGEST_TEXT) - int(low or 0) + 1)


def _fault(text: str, at: int, why: str) -> WordsFault:
    return WordsFault(f"~{text}: character {at + 1}: {why}")
