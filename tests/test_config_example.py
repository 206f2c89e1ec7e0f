"""config.example.toml shows every key of every source kind and every check, and loads as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import msgspec
import pytest
import tomli

import checks
import sources
from engine.config import load
from engine.settings import AlertSettings, CheckCommon, EngineSettings, MetricsSettings, SourceCommon, WaiverSettings

EXAMPLE: Final = Path(__file__).resolve().parent.parent / "config.example.toml"
TREE: Final[Mapping[str, Any]] = tomli.loads(EXAMPLE.read_text(encoding="utf-8"))
MISSING: Final = "{where} has the key {key!r}, which config.example.toml does not show; add it with a comment"

SELF_EXPLAINING: Final = {
    *("kind", "check", "sources", "url", "client_id", "client_secret", "password", "path", "set", "host", "paths"),
    *("access_key_id", "secret_access_key", "key", "name", "status", "active", "leave", "terminated"),
    *("match", "class", "reason", "owner", "review_by", "runbook"),
}
"""Keys whose name and value say it, in blocks whose head explains the rest."""


def struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """Find the struct that a field holds, one or many; None for a plain value."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    inner = [struct_in(item) for item in get_args(kind) if item not in {NoneType, ...}]
    return next((item for item in inner if item is not None), None)


def unshown(kind: type[msgspec.Struct], tables: Sequence[Mapping[str, Any]], where: str) -> Iterator[str]:
    """Name the keys of a struct, and of the structs in it, that none of the tables shows."""
    hints = get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        found = [table[field.encode_name] for table in tables if field.encode_name in table]
        if not found:
            yield MISSING.format(where=where, key=field.encode_name)
            continue
        inner = struct_in(hints[field.name])
        if inner is not None:
            rows = [row for value in found for row in (value if isinstance(value, list) else [value])]
            yield from unshown(inner, rows, f"{where}.{field.encode_name}")


def tables_of(section: str, key: str, unit: str) -> list[Mapping[str, Any]]:
    """List the example's tables of one kind of source, or of one check."""
    return [table for table in TREE[section].values() if table.get(key) == unit]


def test_the_example_loads_as_it_stands() -> None:
    """A newcomer who copies the file begins with one that has no fault."""
    config = load(EXAMPLE)

    assert set(config.sources) == set(TREE["sources"])
    assert set(config.checks) == set(TREE["checks"])


@pytest.mark.parametrize("kind", sources.kinds())
def test_the_example_shows_every_key_of_a_source_kind(kind: str) -> None:
    """A new kind, or a new key of an old one, is not forgotten."""
    tables = tables_of("sources", "kind", kind)

    assert tables, f"config.example.toml has no source of kind {kind}; add [sources.NAME] with every key of it"
    assert list(unshown(sources.load(kind).config, tables, f"sources of kind {kind}")) == []


@pytest.mark.parametrize("unit", list(checks.discover()))
def test_the_example_shows_every_key_of_a_check(unit: str) -> None:
    """A new check, or a new parameter of an old one, is not forgotten."""
    tables = tables_of("checks", "check", unit)

    assert tables, f"config.example.toml has no check {unit}; add [checks.NAME] with every key of its policy"
    assert list(unshown(checks.discover()[unit].policy, tables, f"the check {unit}")) == []


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        pytest.param(EngineSettings, [TREE["engine"]], id="engine"),
        pytest.param(MetricsSettings, [TREE["metrics"]], id="metrics"),
        pytest.param(AlertSettings, [TREE["alerts"]], id="alerts"),
        pytest.param(WaiverSettings, [TREE["waivers"]], id="waivers"),
        pytest.param(SourceCommon, list(TREE["sources"].values()), id="every-source"),
        pytest.param(CheckCommon, list(TREE["checks"].values()), id="every-check"),
    ],
)
def test_the_example_shows_every_common_key(kind: type[msgspec.Struct], tables: list[Mapping[str, Any]]) -> None:
    """The keys that are no unit's own are shown too."""
    assert list(unshown(kind, tables, kind.__doc__ or kind.__name__)) == []


def test_a_key_that_is_not_shown_is_named() -> None:
    """The tests above can fail, and say what to do."""
    tables = [{key: value for key, value in TREE["engine"].items() if key != "concurrency"}]

    assert list(unshown(EngineSettings, tables, "[engine]")) == [MISSING.format(where="[engine]", key="concurrency")]


def test_every_key_of_the_example_has_a_comment() -> None:
    """A line that sets something says what it means, itself or right above."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if "=" in line and not line.startswith("#")]
    silent = [line for line in keys if "#" not in line]

    assert {line.partition("=")[0].strip() for line in silent} <= SELF_EXPLAINING
