"""Tables become typed settings key by key, so that every fault of a table is found at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import Enum
from functools import lru_cache
from itertools import count
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from checks.model.units import Duration
from sources.common.settings import Secret, from_toml

_WORDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "date": "a date",
    "datetime": "an instant",
}
"""What msgspec calls a type, and what a person does."""
_DAY_OR_INSTANT: Final = frozenset({date, datetime})
_SHOWN: Final = 60
"""Characters of a value that a message repeats."""


@dataclass(slots=True)
class Faults:
    """The faults found in one file."""

    file: str
    found: list[tuple[str, str]] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The faults as people read them, in the order in which they were found."""
        return [f"{self.file}: {path}: {message}" for path, message in self.found]

    def add(self, path: str, message: str) -> None:
        """Note one fault: where, what was found, what is allowed."""
        self.found.append((path, message))

    def sort(self, tree: Mapping[str, Any]) -> None:
        """Bring the faults into the order of the file: each at its key, or at the end of the table that misses one."""
        places: dict[str, tuple[int, int]] = {}
        _number(tree, "", places, count())
        self.found.sort(key=lambda fault: _place(fault[0], places))


class _Key(NamedTuple):
    """One key of a table."""

    owner: type[msgspec.Struct]
    name: str
    kind: Any
    required: bool


def nearest(key: str, allowed: Iterable[str]) -> str:
    """Suggest the nearest valid word, as ``, did you mean "token"?``; empty when none is near."""
    close = difflib.get_close_matches(key, list(allowed), n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def choice(word: object, allowed: Iterable[str]) -> str:
    """Suggest the nearest valid word or, when none is near, name them all."""
    known = list(allowed)
    near = nearest(word, known) if isinstance(word, str) else ""
    return near or f"; one of {', '.join(known)}"


def convert_table(
    table: object,
    kinds: tuple[type[msgspec.Struct], ...],
    path: str,
    faults: Faults,
) -> tuple[Any, ...]:
    """Convert one table whose keys belong to several structs, one of each.

    Every fault is noted. A struct then has the default of a faulty key, for further tests; it is None when a key that
    must be there is not. Of two structs with a key of the same name the last has it: a unit's own meaning wins.
    """
    if not isinstance(table, Mapping):
        faults.add(path, f"expected a table, found {shown(table)}")
        return tuple(None for _ in kinds)
    keys = _keys(kinds)
    values: dict[type, dict[str, Any]] = {kind: {} for kind in kinds}
    for key, value in table.items():
        spec = keys.get(key)
        if spec is None:
            faults.add(f"{path}.{key}", f"unknown key{nearest(key, keys)}")
            continue
        before = len(faults.found)
        converted = _convert(value, spec.kind, f"{path}.{key}", faults)
        if len(faults.found) == before:
            values[spec.owner][spec.name] = converted
    wanted = {key: spec for key, spec in keys.items() if spec.required}
    for key in (key for key in wanted if key not in table):
        faults.add(f"{path}.{key}", "missing")
    lacking = {spec.owner for spec in wanted.values() if spec.name not in values[spec.owner]}
    return tuple(kind(**values[kind]) if kind not in lacking else None for kind in kinds)


def shown(value: object) -> str:
    """Show a value in the words of TOML, short: a long text may be a secret in the wrong place."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _SHOWN else text[:12] + '…"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping | list):
        return "a table" if isinstance(value, Mapping) else "a list"
    return str(value)


@lru_cache
def _keys(kinds: tuple[type[msgspec.Struct], ...]) -> Mapping[str, _Key]:
    """List the keys of a table by their names in the file."""
    found: dict[str, _Key] = {}
    for kind in kinds:
        hints = get_type_hints(kind, include_extras=True)
        for spec in msgspec.structs.fields(kind):
            found[spec.encode_name] = _Key(kind, spec.name, hints[spec.name], spec.required)
    return found


def _convert(value: object, kind: Any, path: str, faults: Faults) -> Any:
    """Convert one value; lists and tables item by item, so that each fault names its own place."""
    kind = _told(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return convert_table(value, (kind,), path, faults)[0]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(item, arguments[0], f"{path}[{index}]", faults) for index, item in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {key: _convert(item, arguments[1], f"{path}.{key}", faults) for key, item in value.items()}
    if set(arguments) - {NoneType} == _DAY_OR_INSTANT:  # a union that msgspec does not know
        if not isinstance(value, date):
            faults.add(path, _message("", value, kind))
        return value
    try:
        return msgspec.convert(value, kind, dec_hook=from_toml, strict=True)
    except OverflowError:
        faults.add(path, f"{shown(value)} is more than can be counted with")
    except msgspec.ValidationError as error:
        faults.add(path, _message(str(error), value, kind))
    return None


def _told(kind: Any) -> Any:
    """Strip ``| None`` from a type: TOML has no null."""
    arguments = [item for item in get_args(kind) if item is not NoneType]
    return arguments[0] if len(arguments) == 1 and NoneType in get_args(kind) else kind


def _message(said: str, value: object, kind: Any) -> str:
    """Say what was found and what is allowed; a value in a secret's place is never repeated."""
    allowed = _allowed(kind)
    if allowed:
        hint = nearest(value, allowed) if isinstance(value, str) else ""
        return f"expected {'one of ' * (len(allowed) > 1)}{', '.join(map(shown, allowed))}, found {shown(value)}{hint}"
    if _holds_secret(kind):
        return _in_words(said)
    if kind is Duration and not isinstance(value, str):
        return f'expected a duration such as "90d", found {shown(value)}'
    if date in (kind, *get_args(kind)):
        return f"expected a date such as 2027-03-31, found {shown(value)}"
    is_ours = not said.startswith(("Expected", "Invalid"))
    return said if is_ours else f"{_in_words(said)}, found {shown(value)}"


def _in_words(said: str) -> str:
    """Translate what msgspec says of a type."""
    expected = said.partition(", got")[0]
    words = re.sub(r"`([^`]*)`", lambda match: " or ".join(_WORDS.get(w, w) for w in match[1].split(" | ")), expected)
    return words[:1].lower() + words[1:]


def _allowed(kind: Any) -> list[str]:
    """List the texts that a closed set allows; empty for any other type."""
    if get_origin(kind) is Literal:
        return [str(item) for item in get_args(kind)]
    return [str(item.value) for item in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def _holds_secret(kind: Any) -> bool:
    return kind is Secret or any(_holds_secret(item) for item in get_args(kind))


def _number(value: object, path: str, places: dict[str, tuple[int, int]], numbers: Iterator[int]) -> None:
    """Number every key of a file where its value begins and where it ends."""
    start = next(numbers)
    if isinstance(value, Mapping):
        for key, item in value.items():
            _number(item, f"{path}.{key}" if path else key, places, numbers)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _number(item, f"{path}[{index}]", places, numbers)
    places[path] = (start, next(numbers))


def _place(path: str, places: Mapping[str, tuple[int, int]]) -> int:
    """Find the place of a path; of one that is not there, the end of the table in which it would be."""
    if path in places:
        return places[path][0]
    while path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places[path][1]
