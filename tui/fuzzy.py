"""Names as people type them: whole, the beginning, a part, or letters of it in order; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches


def found(typed: str, names: Iterable[str]) -> list[str]:
    """Give the names that are meant, the best kind of match first, each kind in the order given."""
    wanted = typed.casefold()
    every = list(names)
    ranked: list[str] = []
    for holds in _KINDS:
        ranked += [name for name in every if holds(wanted, name.casefold()) and name not in ranked]
    return ranked


def meant(typed: str, names: Sequence[str], *, strict: bool = False) -> list[str]:
    """Give the one name that is meant, or all that could be; empty where none is.

    ``strict``: only a whole name or the beginning of one alone, for what changes something.
    """
    wanted = typed.casefold()
    for holds in _KINDS[:2] if strict else _KINDS:
        matching = [name for name in names if holds(wanted, name.casefold())]
        if matching:
            return matching
    return []


def nearest(typed: str, names: Iterable[str]) -> str:
    """Give `` did you mean …?`` with the nearest name; empty where none is near."""
    every = list(names)
    near = get_close_matches(typed.casefold(), every, n=1, cutoff=0.5) or found(typed, every)[:1]
    return f', did you mean "{near[0]}"?' if near else ""


def _letters(wanted: str, name: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in wanted)


_KINDS: Sequence[Callable[[str, str], bool]] = (
    lambda wanted, name: name == wanted,
    lambda wanted, name: name.startswith(wanted),
    lambda wanted, name: wanted in name,
    _letters,
)
