"""Tables become typed settings key by key, so that every fault of a table is found at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from sources.common.settings import from_toml


@dataclass(slots=True)
class Faults:
    """The faults found in one file."""

    file: str
    lines: list[str] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Note one fault: where, what was found, what is allowed."""
        self.lines.append(f"{self.file}: {path}: {message}")


def nearest(key: str, allowed: Iterable[str]) -> str:
    """Suggest the nearest valid word, as ``, did you mean "token"?``; empty when none is near."""
    close = difflib.get_close_matches(key, list(allowed), n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def convert_table(
    table: object,
    kinds: tuple[type[msgspec.Struct], ...],
    path: str,
    faults: Faults,
) -> tuple[Any, ...] | None:
    """Convert one table whose keys belong to several structs; None when it has a fault, which is noted."""
    if not isinstance(table, Mapping):
        faults.add(path, f"expected a table, found {type(table).__name__}")
        return None
    before = len(faults.lines)
    owners = {f.encode_name: (kind, f) for kind in reversed(kinds) for f in msgspec.structs.fields(kind)}
    for key in table:
        if key not in owners:
            faults.add(f"{path}.{key}", f"unknown key{nearest(key, owners)}")
    values: dict[type, dict[str, Any]] = {kind: {} for kind in kinds}
    for key, (kind, spec) in owners.items():
        if key in table:
            hint = get_type_hints(kind, include_extras=True)[spec.name]
            converted = _convert(table[key], hint, f"{path}.{key}", faults)
            values[kind][spec.name] = converted
        elif spec.required:
            faults.add(f"{path}.{key}", "missing")
    return tuple(kind(**values[kind]) for kind in kinds) if len(faults.lines) == before else None


def _convert(value: object, kind: Any, path: str, faults: Faults) -> Any:
    if _is_struct_list(kind) and isinstance(value, list):
        item = get_args(kind)[0]
        rows = [convert_table(row, (item,), f"{path}[{index}]", faults) for index, row in enumerate(value)]
        return tuple(row[0] for row in rows if row is not None)
    try:
        return msgspec.convert(value, kind, dec_hook=from_toml, strict=True)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        message = message[:1].lower() + message[1:]
        faults.add(path + where.rstrip("`"), f"{message}, found {_shown(value)}" if "found" not in message else message)
        return None


def _is_struct_list(kind: Any) -> bool:
    first = next(iter(get_args(kind)), None)
    return get_origin(kind) is tuple and isinstance(first, type) and issubclass(first, msgspec.Struct)


def _shown(value: object) -> str:
    """Show a value short; a long text is cut, since it may be a secret in the wrong place."""
    text = repr(value)
    return text if len(text) <= 40 else text[:12] + "…"
