"""A waiver's subject is a text or a pattern: ``*`` and ``?`` are wild, ``[*]`` and ``[?]`` are the signs themselves.

Every other bracket stands for itself, since a subject may hold an IPv6 address. The store that waives and the screen
that counts both match by this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SIGN = re.compile(r"\[([*?])\]|[*?]")
_WILD = re.compile(r"[*?]")


def literal(subject: str) -> str:
    """Write a subject, as it was told, so that it covers itself and nothing that merely looks like it."""
    return _WILD.sub(r"[\g<0>]", subject)


def is_wild(pattern: str) -> bool:
    """Tell whether more than one text may match."""
    return any(sign[1] is None for sign in _SIGN.finditer(pattern))


def plain(pattern: str) -> str:
    """Give the text that a pattern without a wildcard stands for."""
    return _SIGN.sub(lambda sign: sign[1] or sign[0], pattern)


def certain(pattern: str) -> str:
    """Give what each text that matches surely holds, with spaces in between."""
    return _SIGN.sub(" ", pattern)


def compiled(pattern: str) -> re.Pattern[str]:
    """Make an expression that matches as the pattern does, whole texts only."""
    made, after = [], 0
    for sign in _SIGN.finditer(pattern):
        made += [re.escape(pattern[after : sign.start()]), _expression(sign)]
        after = sign.end()
    return re.compile("".join([*made, re.escape(pattern[after:])]), re.DOTALL)


def _expression(sign: re.Match[str]) -> str:
    return re.escape(sign[1]) if sign[1] else ".*" if sign[0] == "*" else "."


def matching(pattern: str) -> Callable[[str, str], bool]:
    """Give what tells whether a pattern covers a subject or its label; labels without regard to case."""
    if not is_wild(pattern):
        text, lower = plain(pattern), plain(pattern).lower()
        return lambda subject, label: subject == text or label.lower() == lower
    exact, folded = compiled(pattern), compiled(pattern.lower())
    return lambda subject, label: bool(exact.fullmatch(subject) or folded.fullmatch(label.lower()))
