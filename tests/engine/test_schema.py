"""The JSON Schema of a configuration agrees with what validates it."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import jsonschema
import msgspec
import pytest
import tomli

import checks
import sources
from engine.schema import field_docs, schema
from engine.settings import CheckCommon, SourceCommon

ROOT: Final = Path(__file__).resolve().parent.parent.parent
BAD: Final = Path(__file__).parent / "configs" / "bad"
SHAPES: Final = (
    "unknown_section",
    "unknown_key",
    "unknown_key_in_a_nested_table",
    "unknown_key_in_a_listed_table",
    "wrong_types",
    "wrong_type_in_a_list",
    "bad_durations",
    "missing_keys",
    "unknown_kind",
    "unknown_check",
    "secrets_in_clear",
    "not_one_of_a_few",
    "number_out_of_range",
    "names_with_other_characters",
    "sections_of_a_wrong_type",
)
"""Bad configurations whose faults lie in shapes, which a schema can say."""


def validator() -> jsonschema.Draft202012Validator:
    """Build a validator of our schema, which must itself be valid."""
    told = schema()
    jsonschema.Draft202012Validator.check_schema(told)
    return jsonschema.Draft202012Validator(told)


def as_json(value: Any) -> Any:
    """Write TOML's own types as JSON has them."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def test_the_schema_is_json() -> None:
    """What ``config schema`` prints can be read by any editor."""
    assert json.loads(json.dumps(schema()))["title"] == "controlwatch.toml"


def test_the_example_is_valid_under_the_schema() -> None:
    """An editor shows no fault in a file that loads."""
    tree = as_json(tomli.loads((ROOT / "config.example.toml").read_text(encoding="utf-8")))

    assert [error.message for error in validator().iter_errors(tree)] == []


@pytest.mark.parametrize("name", SHAPES)
def test_what_has_a_wrong_shape_is_invalid_under_the_schema(name: str) -> None:
    """An editor shows the faults that a schema can say before the file is loaded."""
    tree = as_json(tomli.loads((BAD / f"{name}.toml").read_text(encoding="utf-8")))

    assert not validator().is_valid(tree)


def test_every_kind_and_check_is_in_the_schema() -> None:
    """Units are found by discovery, so a new one is in the schema."""
    properties = schema()["properties"]
    kinds = [item["properties"]["kind"]["const"] for item in properties["sources"]["additionalProperties"]["oneOf"]]
    units = [item["properties"]["check"]["const"] for item in properties["checks"]["additionalProperties"]["oneOf"]]

    assert kinds == sources.kinds()
    assert units == list(checks.discover())


@pytest.mark.parametrize(
    "kind",
    [
        SourceCommon,
        CheckCommon,
        *(pytest.param(source.config, id=name) for name, source in sources.discover().items()),
        *(pytest.param(check.policy, id=name) for name, check in checks.discover().items()),
    ],
)
def test_every_key_has_a_text_under_it(kind: type[msgspec.Struct]) -> None:
    """Schema and reference explain each key in the words of the code."""
    fields = [field.name for field in msgspec.structs.fields(kind)]

    assert [name for name in fields if not field_docs(kind).get(name)] == []


def test_a_text_of_several_lines_becomes_one() -> None:
    """Line breaks of the code do not reach the reader."""
    assert all("\n" not in text for text in field_docs(CheckCommon).values())
