"""Okta's ``search`` and ``filter`` expressions select users.

The grammar is the documented subset of SCIM's (developer.okta.com/docs/api, Operators): comparisons, ``and``, ``or``,
parentheses, ``pr``; no ``ne``. Property names are case-sensitive, operators and string values are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Fields = Callable[[str], object]
"""Gives the value of a property by its dotted name, None where the user has none."""

Predicate = Callable[[Fields], bool]

_TOKEN: Final = re.compile(r'\s*(?:(?P<mark>[()])|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<word>[\w.:-]+))')
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda told, wanted: told == wanted,
    "gt": lambda told, wanted: told > wanted,
    "ge": lambda told, wanted: told >= wanted,
    "lt": lambda told, wanted: told < wanted,
    "le": lambda told, wanted: told <= wanted,
    "sw": lambda told, wanted: told.startswith(wanted),
    "co": lambda told, wanted: wanted in told,
}
_SEARCHABLE: Final = {"id", "status", "created", "activated", "statusChanged", "lastUpdated", "type.id"}
_FILTERABLE: Final = {
    "id",
    "status",
    "lastUpdated",
    "profile.login",
    "profile.email",
    "profile.firstName",
    "profile.lastName",
}
_CONTAINS: Final = {"profile.firstName", "profile.lastName", "profile.email", "profile.login"}


def parse_search(expression: str) -> Predicate:
    """Return what ``search=`` selects; ValueError with Okta's word on it for anything that Okta refuses."""
    return _Parser(expression, _may_search).parsed()


def parse_filter(expression: str) -> Predicate:
    """Return what ``filter=`` selects, which knows fewer properties and operators than ``search=``."""
    return _Parser(expression, _may_filter).parsed()


def _may_search(name: str, operator: str) -> bool:
    known = name in _SEARCHABLE or name.startswith("profile.")
    return known and (operator != "co" or name in _CONTAINS)


def _may_filter(name: str, operator: str) -> bool:
    return name in _FILTERABLE and (
        operator == "eq" or (name == "lastUpdated" and operator in {"gt", "ge", "lt", "le"})
    )


class _Parser:
    """Reads one expression from left to right; ``and`` binds tighter than ``or``."""

    def __init__(self, expression: str, may: Callable[[str, str], bool]) -> None:
        self._tokens = list(_tokens(expression))
        self._may = may

    def parsed(self) -> Predicate:
        predicate = self._either()
        if self._tokens:
            raise ValueError("Invalid search criteria.")
        return predicate

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._follows("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda fields: any(part(fields) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._follows("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda fields: all(part(fields) for part in parts)

    def _one(self) -> Predicate:
        name = self._next()
        if name == "(":
            inner = self._either()
            if self._next() != ")":
                raise ValueError("Invalid search criteria.")
            return inner
        operator = self._next().lower()
        if operator == "pr" and self._may(name, "eq"):
            return lambda fields: fields(name) is not None
        compare = _COMPARE.get(operator)
        if compare is None or not self._may(name, operator):
            raise ValueError("Invalid search criteria.")
        wanted = self._next().removeprefix('"').casefold()
        return lambda fields: (told := fields(name)) is not None and compare(str(told).casefold(), wanted)

    def _follows(self, word: str) -> bool:
        follows = bool(self._tokens) and self._tokens[0].lower() == word
        if follows:
            del self._tokens[0]
        return follows

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError("Invalid search criteria.")
        return self._tokens.pop(0)


def _tokens(expression: str) -> Iterator[str]:
    at = 0
    expression = expression.rstrip()
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise ValueError("Invalid search criteria.")
        at = found.end()
        text = found["text"]
        yield (found["mark"] or found["word"]) if text is None else f'"{text}'
