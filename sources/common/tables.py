"""Tables of a TOML file become typed rows, key by key, so that every fault of the file is found at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar, get_args, get_type_hints

import msgspec

from sources.common.settings import from_toml

Row = TypeVar("Row", bound=msgspec.Struct)


def convert_rows(document: Mapping[str, object], name: str, kind: type[Row]) -> tuple[dict[int, Row], list[str]]:
    """Convert the array of tables ``[[name]]``, the only key of a document: rows by position, and all faults.

    A fault says where, what is wrong and what is near: ``attestation[2].vendr: unknown key, did you mean "vendor"?``
    """
    wrong = [f"{key}: unknown key{_nearest(key, (name,))}" for key in document if key != name]
    tables = document.get(name, [])
    if not isinstance(tables, list):
        return {}, [*wrong, f"{name}: write it as [[{name}]]"]
    rows: dict[int, Row] = {}
    for index, table in enumerate(tables):
        row = _converted(table, kind, f"{name}[{index}]", wrong)
        if row is not None:
            rows[index] = row
    return rows, wrong


def _converted(table: object, kind: type[Row], path: str, wrong: list[str]) -> Row | None:
    """Convert one table; None when it has a fault, which is noted."""
    if not isinstance(table, Mapping):
        wrong.append(f"{path}: expected a table, got {type(table).__name__}")
        return None
    before = len(wrong)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    hints = get_type_hints(kind)
    wrong.extend(f"{path}.{key}: unknown key{_nearest(key, fields)}" for key in table if key not in fields)
    wrong.extend(f"{path}.{key}: missing" for key, field in fields.items() if field.required and key not in table)
    values = {key: _value(table[key], hints[key], f"{path}.{key}", wrong) for key in fields if key in table}
    return kind(**values) if len(wrong) == before else None


def _value(value: object, hint: object, path: str, wrong: list[str]) -> object:
    nested = next((one for one in (hint, *get_args(hint)) if _is_struct(one)), None)
    if nested is not None:
        return _converted(value, nested, path, wrong)
    try:
        return msgspec.convert(value, hint, dec_hook=from_toml)
    except msgspec.ValidationError as fault:
        message, _, where = str(fault).partition(" - at `$")
        message = message[:1].lower() + message[1:].replace(" | null", "").replace("`", "")
        wrong.append(f"{path}{where.rstrip('`')}: {message}")
        return None


def _is_struct(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _nearest(key: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, list(allowed), n=1)
    return f', did you mean "{close[0]}"?' if close else ""
