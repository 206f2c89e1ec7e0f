"""A query becomes conditions of SQL out of named pieces; what a person typed is only ever a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from engine.port import Query
from engine.store import QueryRefused
from engine.store.instants import stored
from engine.store.queries import Sql
from engine.words import Term, WordsFault, terms

NEW: Final = timedelta(hours=24)
"""How long a finding counts as new."""
OPEN: Final = frozenset({"open", "new", "waived"})
"""Views of open findings, which have indexes of their own."""
BY_OUTCOME: Final = frozenset({"worst", "check", "source"})
"""Orders in which the outcome comes after waived or not."""

_TEST: Final = re.compile(r"\{is ([^}]+)\}")

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What rows must be, and the values that this is said with."""

    text: str
    values: Mapping[str, Value]


def of_query(sql: Sql, query: Query, now: datetime, *, at_once: bool) -> Conditions:
    """Say what findings a query wants.

    With ``at_once``, words are looked up in all names and reasons first, to find all that match; without, in each
    finding that is walked to. Raises ``QueryRefused``.
    """
    parts = [sql[f"view {query.view}"]]
    values: dict[str, Value] = {"now": stored(now), "day_ago": stored(now - NEW)}
    for piece, name, value in _wanted(query):
        parts.append(sql[piece])
        values[name] = value
    if not at_once and query.sort in BY_OUTCOME and (query.outcome or query.outcomes):
        parts.append(sql["waived or not"])
    reasons = sql["open reasons" if query.view in OPEN else "reasons"]
    among = ("words among subjects", "words among reasons") if at_once else ("words of finding", "words of reason")
    for number, (text, piece) in enumerate(zip((query.text, query.reason), among, strict=True)):
        found = of_words(text, sql[piece].replace("{reasons}", reasons), f"word_{number}")
        parts.append(found.text)
        values |= found.values
    return Conditions(" AND ".join(part for part in parts if part), values)


def of_words(text: str, template: str, prefix: str) -> Conditions:
    """Say that all that was typed holds, each by a template in which ``{is a, b}`` tests columns.

    Raises ``QueryRefused``.
    """
    parts: list[str] = []
    values: dict[str, Value] = {}
    for number, term in enumerate(read_terms(text)):
        name = f"{prefix}_{number}"
        found = tested(template, term, name)
        parts.append(f"NOT ({found})" if term.without else f"({found})")
        values[name] = parameter(term)
    return Conditions(" AND ".join(parts), values)


def read_terms(text: str) -> tuple[Term, ...]:
    """Read what was typed; raises ``QueryRefused``."""
    try:
        return terms(text)
    except WordsFault as fault:
        raise QueryRefused(str(fault)) from None


def tested(template: str, term: Term, name: str) -> str:
    """Fill a template in which ``{is a, b}`` tests columns for a term, whose parameter has that name."""
    return _TEST.sub(lambda match: _test(term, match[1], f":{name}"), template)


def _test(term: Term, columns: str, word: str) -> str:
    if term.pattern is not None:
        return f"occurs ({word}, {columns})"
    return " OR ".join(f"{column} LIKE {word} ESCAPE '\\'" for column in columns.split(", "))


def parameter(term: Term) -> str:
    """Give a regular expression, or a LIKE pattern that finds a word as it was typed."""
    if term.pattern is not None:
        return term.text
    plain = term.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def _wanted(query: Query) -> list[tuple[str, str, Value]]:
    """Give the pieces that a query needs, words apart, each with its parameter and value."""
    told: list[tuple[str, str, Value]] = [
        ("in check", "check", query.check),
        ("in family", "family", query.family),
        ("of source", "source", query.source),
        ("of outcome", "outcome", None if query.outcome is None else query.outcome.value),
        ("waived", "waived", None if query.waived is None else int(query.waived)),
        ("due by", "due_by", None if query.due_by is None else stored(query.due_by)),
        ("in checks", "checks", _listed(query.checks)),
        ("of outcomes", "outcomes", _listed(query.outcomes)),
        ("of ids", "ids", _listed(query.ids)),
        ("of reason", "reason_is", query.reason_is or None),
    ]
    return [each for each in told if each[2] is not None]


def _listed(values: object) -> str | None:
    """Give a list as JSON; None of an empty one."""
    return msgspec.json.encode(values).decode() if values else None
