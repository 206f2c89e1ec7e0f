"""Faults of a configuration that no type can say: a rule for everything, a password in clear, a name that clashes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from checks.model.check import Check
from checks.model.records import Record, type_name
from checks.model.units import Duration, duration, format_duration
from engine.convert import choice, nearest

CLASSES: Final = ("human", "service", "guest", "bot", "break_glass", "privileged")
"""What a classify rule can say of an account."""
CLASSIFIED_BY: Final = ("login", "label", "id", "status", "roles", "keys")
"""Fields that a classify rule can match."""
RESERVED: Final = frozenset({"selftest", "selftest-joined"})
"""Names of sources through which the engine proves itself."""
SHORTEST: Final = duration("1s")
"""Of an interval, an age and a time-out."""

Tells = Mapping[str, tuple[type[Record], ...] | None]
"""The record types of every declared source; None of one whose kind is not known."""

_NAMING: Final = re.compile(r"\w")
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Roles:
    """What a check does with each of its sources."""

    judged: tuple[str, ...]
    """Sources whose records it judges."""
    joined: tuple[str, ...]
    """Sources that it joins with."""
    faults: Sequence[tuple[str, str]]
    """Key and message."""


def roles(named: Sequence[str], check: Check, unit: str, tells: Tells) -> Roles:
    """Tell which of the named sources a check judges and which it joins with."""
    judged: list[str] = []
    joined: list[str] = []
    faults: list[tuple[str, str]] = []
    for index, name in enumerate(named):
        yields = tells.get(name, ())
        if name not in tells:
            faults.append((f"sources[{index}]", f'no source "{name}"{nearest(name, tells)}; declare [sources.{name}]'))
        elif name in named[:index]:
            faults.append((f"sources[{index}]", f'"{name}" is named twice'))
        elif yields is not None and set(check.over) & set(yields):
            judged.append(name)
        elif yields is not None and _joins(check) in yields:
            joined.append(name)
        elif yields is not None:
            faults.append((f"sources[{index}]", f'"{name}" tells nothing that {unit} reads; {_wanted(check)}'))
    sound = not faults and all(tells[name] is not None for name in named)
    if sound and not judged:
        faults.append(("sources", f"{unit} needs a source to judge; {_wanted(check)}"))
    if sound and _joins(check) is not None and not joined:
        faults.append(("sources", f"{unit} needs a source to join with, for example of kind roster"))
    return Roles(tuple(judged), tuple(joined), faults)


def name_fault(section: str, name: str, allowed: re.Pattern[str]) -> str | None:
    """Say what is wrong with the name of a source or a check."""
    if not allowed.fullmatch(name):
        return "a name has lower-case letters, digits and hyphens, at most 63"
    if section == "sources" and name in RESERVED:
        return "the name is reserved for the self-test; choose another"
    return None


def match_faults(match: Mapping[str, str], reason: str, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Find what makes a rule unusable, as key and message: no reason, no field, or a field that no record has."""
    if not match:
        yield "match", f"matches everything; name a field, one of {', '.join(allowed)}"
    for field in match:
        if field not in allowed:
            yield f"match.{field}", f"no such field{choice(field, allowed)}"
        elif not _NAMING.search(match[field]):
            yield f"match.{field}", f'"{match[field]}" matches everything; name a part of what it must match'
    if not reason.strip():
        yield "reason", "say why, for the auditor"


def fields_of(kinds: tuple[type[Record], ...]) -> tuple[str, ...]:
    """Name the fields of records that an exclusion can match, identity first."""
    named = dict.fromkeys(("label", "id", *(field for kind in kinds for field in kind.__struct_fields__)))
    return tuple(field for field in named if field not in {"why", "source"})


def too_short(settings: Mapping[str, Duration | None]) -> Iterator[tuple[str, str]]:
    """Find intervals and ages of less than a second, as key and message."""
    for key, value in settings.items():
        if value is not None and value < SHORTEST:
            yield key, f"expected {format_duration(SHORTEST)} or more, found {format_duration(value)}"


def _joins(check: Check) -> type[Record] | None:
    """Name the record type that a check joins with from sources of its own."""
    return None if check.knows_own else check.knows


def _wanted(check: Check) -> str:
    """Say which records a check judges."""
    return f"it judges {' and '.join(type_name(kind) for kind in check.over)} records (see: controlwatch source kinds)"


def passwords(value: Any, path: str) -> Iterator[str]:
    """Find the paths of texts that hold a password in an address, as ``https://user:password@host``."""
    if isinstance(value, str) and _PASSWORD.search(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from passwords(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from passwords(item, f"{path}[{index}]")


def was_faults(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Find former names (the values) that still exist, or that two claim; as name and message."""
    claimed: dict[str, str] = {}
    for name, was in names.items():
        if was in names:
            yield name, f'"{was}" still exists; `was` names a former name'
        elif was and claimed.setdefault(was, name) != name:
            yield name, f'"{was}" is the former name of "{claimed[was]}" already'
