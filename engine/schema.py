"""The JSON Schema of a configuration comes from the types that validate it, so the two cannot drift."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

import msgspec

import checks
import sources
from checks.model.units import Duration
from engine.config import CheckCommon, EngineSettings, MetricsSettings, SourceCommon, WaiverSettings
from sources.common.settings import Secret

SECTIONS: dict[str, type[msgspec.Struct]] = {
    "engine": EngineSettings,
    "metrics": MetricsSettings,
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


def _object(kind: type[msgspec.Struct]) -> Schema:
    """Describe a struct without references, each key with its text and its default."""
    (root,), components = msgspec.json.schema_components([kind], schema_hook=_special)
    told: Schema = _inlined(root, components)
    docs = field_docs(kind)
    for spec in msgspec.structs.fields(kind):
        entry = told["properties"][spec.encode_name]
        if spec.name in docs:
            entry["description"] = docs[spec.name]
    told.pop("title", None)
    told.pop("description", None)
    told["additionalProperties"] = False
    return told


def _inlined(node: Any, components: Schema) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(components[node["$ref"].rsplit("/", 1)[-1]], components)
        return {key: _inlined(value, components) for key, value in node.items() if key != "default" or _is_json(value)}
    return [_inlined(item, components) for item in node] if isinstance(node, list) else node


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool, list, dict))


def _special(kind: type) -> Schema:
    if kind is Duration:
        return {"type": "string", "pattern": r"^(\d+(\.\d+)?[smhdw])+$", "examples": ["90d", "26h", "1h30m"]}
    if kind is Secret:
        return {
            "type": "string",
            "pattern": "^(keyring|env|file):",
            "examples": ["keyring:okta-prod", "env:OKTA_TOKEN"],
        }
    raise NotImplementedError(kind)
