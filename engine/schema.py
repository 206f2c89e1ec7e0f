"""The JSON Schema of a configuration comes from the types that validate it, so the two cannot drift."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

import checks
import sources
from checks.model.units import Duration, format_duration
from engine.settings import AlertSettings, CheckCommon, EngineSettings, MetricsSettings, SourceCommon, WaiverSettings
from sources.common.settings import Secret

SECTIONS: dict[str, type[msgspec.Struct]] = {
    "engine": EngineSettings,
    "metrics": MetricsSettings,
    "alerts": AlertSettings,
    "waivers": WaiverSettings,
}
Schema = dict[str, Any]


@cache
def field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Read the text under each field of a struct, by the field's name; inherited fields are included."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, msgspec.Struct) or base is msgspec.Struct:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            if (
                isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                docs[field.target.id] = " ".join(text.value.value.split())
    return docs


def schema() -> Schema:
    """Give the JSON Schema (2020-12) of ``controlwatch.toml``."""
    kinds = [_merged(source.config, SourceCommon, "kind", kind) for kind, source in sources.discover().items()]
    units = [_merged(check.policy, CheckCommon, "check", name) for name, check in checks.discover().items()]
    name = {"pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "controlwatch.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{key: _object(section) for key, section in SECTIONS.items()},
            "sources": {"type": "object", "propertyNames": name, "additionalProperties": {"oneOf": kinds}},
            "checks": {"type": "object", "propertyNames": name, "additionalProperties": {"oneOf": units}},
        },
    }


def _merged(own: type[msgspec.Struct], common: type[msgspec.Struct], key: str, value: str) -> Schema:
    """Merge a unit's own keys with the common ones; ``key`` has the one value."""
    first, second = _object(own), _object(common)
    properties = {**second["properties"], **first["properties"], key: {"const": value}}
    required = sorted({*first.get("required", []), *second.get("required", [])})
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


def written(value: object) -> object:
    """Give a default as TOML and JSON write it: durations, references and words as texts, tuples as lists."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return value


def default_of(spec: msgspec.structs.FieldInfo) -> object:
    """Give a key's default as written; None where there is none, or where it is decided elsewhere."""
    if spec.default_factory is not msgspec.NODEFAULT:
        made: object = spec.default_factory()
        return written(made)
    return written(spec.default) if spec.default is not msgspec.NODEFAULT else None


def _object(kind: type[msgspec.Struct]) -> Schema:
    """Describe a struct without references, each key with its text and its default."""
    docs = field_docs(kind)
    hints = get_type_hints(kind, include_extras=True)
    properties: Schema = {}
    for spec in msgspec.structs.fields(kind):
        entry = dict(_of(hints[spec.name]))
        default = default_of(spec)
        if isinstance(default, str | int | float | list):
            entry["default"] = default
        entry["description"] = docs[spec.name]
        properties[spec.encode_name] = entry
    required = [spec.encode_name for spec in msgspec.structs.fields(kind) if spec.required]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


def _of(kind: Any) -> Schema:
    """Describe the values of a type."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _object(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [item.value for item in kind]}
    arguments = [item for item in get_args(kind) if item is not NoneType]
    build = _BUILT.get(get_origin(kind))
    if build is not None:
        return build(arguments)
    return _of(arguments[0]) if len(arguments) == 1 else {"anyOf": [_of(item) for item in arguments]}


def _bounded(arguments: list[Any]) -> Schema:
    bounds = {"minimum": arguments[1].ge, "maximum": arguments[1].le}
    return {**_of(arguments[0]), **{key: value for key, value in bounds.items() if value is not None}}


_BUILT: dict[Any, Callable[[list[Any]], Schema]] = {
    Literal: lambda arguments: {"enum": arguments},
    Annotated: _bounded,
    tuple: lambda arguments: {"type": "array", "items": _of(arguments[0])},
    dict: lambda arguments: {"type": "object", "additionalProperties": _of(arguments[1])},
    Mapping: lambda arguments: {"type": "object", "additionalProperties": _of(arguments[1])},
}
"""What is made of the arguments of a generic type, by its origin."""
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    Duration: {"type": "string", "pattern": r"^(\d+(\.\d+)?[smhdw])+$", "examples": ["90d", "26h", "1h30m"]},
    Secret: {
        "type": "string",
        "pattern": "^(keyring|env|file):.",
        "examples": ["keyring:okta-prod", "env:OKTA_TOKEN", "file:okta-token"],
    },
}
