"""Words are looked up in the subjects, which are read once in the order in which they lie.

Most words are in names of subjects or nowhere. Those that hardly narrow are counted by what they leave out, since a
finding that is left alone costs a tenth of one that is looked at. A sample tells which way is the shorter; both are
exact.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.store.conditions import Value, parameter, read_terms, tested
from engine.store.queries import Sql
from engine.words import Term

SAMPLE: Final = 4_000
"""Subjects that are looked at to tell how many hold what was typed."""
MOST_SHARE: Final = 0.6
"""Where more of the subjects than this would have their findings looked at, the findings are read instead."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was typed, as conditions on a finding ``f`` joined to its subject ``s``."""

    holds: str
    fails: str
    values: Mapping[str, Value]
    held: float
    """The share of the subjects that are looked at to find what holds; estimated."""
    left_out: float
    """The same to find what does not hold; estimated."""

    @property
    def is_long(self) -> bool:
        """Whether reading the findings is quicker, whatever is wanted."""
        return min(self.held, self.left_out) > MOST_SHARE


def look_up(connection: sqlite3.Connection, sql: Sql, text: str, reasons: str) -> Lookup:
    """Say what was typed, by what names of checks and ``reasons``, a statement that lists them, hold of it.

    Raises ``QueryRefused``.
    """
    holds: list[str] = []
    among: list[str] = []
    besides: list[str] = []
    values: dict[str, Value] = {}
    for number, term in enumerate(read_terms(text)):
        name = f"word_0_{number}"
        values[name] = parameter(term)
        elsewhere = tested(sql["elsewhere"].replace("{reasons}", reasons), term, name)
        is_elsewhere = bool(connection.execute(elsewhere, {name: values[name]}).fetchone()[0])
        of_subject = f"({tested(sql['words of subject'], term, name)})"
        found = sql["words by subject"].replace("{reasons}", reasons)
        whole = f"({tested(found, term, name)})" if is_elsewhere else of_subject
        holds.append(f"NOT {whole}" if term.without else whole)
        if term.without or not is_elsewhere:
            among.append(f"NOT {of_subject}" if term.without else of_subject)
        besides.append(f"NOT {of_subject}" if not term.without else "1" if is_elsewhere else of_subject)
    here, there = " AND ".join(among) or "1", " OR ".join(besides) or "0"
    held, left_out = _shares(connection, sql, here, there, values)
    whole = " AND ".join(holds) or "1"
    if among == holds:  # All of it is told by subjects, which need no second look.
        return Lookup(whole, f"NOT ({whole})", values, held, left_out)
    return Lookup(f"{here} AND {whole}", f"({there}) AND NOT ({whole})", values, held, left_out)


def implies(text: str, other: str) -> bool:
    """Tell whether all of which the words of ``text`` hold are among those of which ``other`` holds."""
    typed = read_terms(text)
    return all(any(_implies(each, term) for each in typed) for term in read_terms(other))


def _implies(term: Term, other: Term) -> bool:
    if term == other:
        return True
    is_plain = not (term.without or other.without or term.pattern or other.pattern)
    return is_plain and other.text.encode().lower() in term.text.encode().lower()  # As LIKE, which folds ASCII alone.


def _shares(
    connection: sqlite3.Connection, sql: Sql, among: str, besides: str, values: Mapping[str, Value]
) -> tuple[float, float]:
    text = sql["sample"].replace("{among}", among).replace("{besides}", besides)
    held, left_out = connection.execute(text, {**values, "sample": SAMPLE}).fetchone()
    return held or 0.0, left_out or 0.0
