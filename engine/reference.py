"""Reference pages come from the types that validate, and from what sources declare, so the docs cannot drift."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

import checks
import sources
from checks.model.records import type_name
from checks.model.units import Duration, format_duration
from engine.convert import shown
from engine.schema import SECTIONS, default_of, field_docs
from engine.settings import CheckCommon, SourceCommon
from sources.common.settings import Secret

GENERATED: Final = "<!-- Generated: CONTROLWATCH_WRITE_DOCS=1 .venv/bin/python -m pytest tests/test_docs.py -->"
CONFIGURATION: Final = """\
The configuration is one TOML file: `--config PATH`, else `$CONTROLWATCH_CONFIG`, `./controlwatch.toml`, or
`controlwatch/controlwatch.toml` in the XDG config folder. [config.example.toml](../config.example.toml) shows every
key in use. `controlwatch config check` names every fault at once, each with its place; nothing starts on a bad file.
`controlwatch config schema` prints a JSON Schema for editors.

Durations are texts (`"90d"`, `"26h"`, `"1h30m"`; s, m, h, d, w), instants are RFC 3339, shares lie between 0 and 1, and
paths are relative to the file. Secrets are references: `keyring:NAME` (`controlwatch secret set NAME`), `env:NAME`, or
`file:PATH` (mode 0600). Names of sources and checks have lower-case letters, digits and hyphens, at most 63.

A running engine takes a changed file over between runs; one with faults is refused, the screen says so, and the last
good one stays in force; `state_dir`, `store` and `[metrics]` need a restart. Refused is, too, a file that lost much:
all checks or sources, the last check of a family, or more than half of more than three checks. That is what an emptied
file or half of one looks like. SIGHUP takes it, if it has a check left, and so does a restart. A file that is cut off
within a line is rarely TOML; one that lost little at the end of a line is taken, and its checks are told as vanished.
"""
SOURCES: Final = """\
A source is a configured instance of a provider kind: `[sources.NAME]` with `kind`. Its keys are in
[configuration](configuration.md). `controlwatch source test NAME` tries reach and every permission, and tells what each
missing one costs.

What is not told is never taken for "no" or "zero": without the permission in the table below a fact is *unknown* with
the cause given, and no check that reads it can pass on it.
"""


def configuration() -> str:
    """Write docs/configuration.md."""
    return _page("Configuration", CONFIGURATION, _sections())


def kinds() -> str:
    """Write docs/sources.md."""
    found = sources.discover()
    rows = (
        (
            f"[`{kind}`](sources/{kind}.md)",
            source.title,
            ", ".join(f"`{type_name(record)}`" for record in source.yields),
            format_duration(source.every),
            format_duration(source.max_age),
        )
        for kind, source in found.items()
    )
    facts = (
        (f"`{kind}`", f"`{fact.fact}`", fact.permission, f"{fact.without}", fact.note)
        for kind, source in found.items()
        for fact in source.facts
    )
    table = [
        *_table(("kind", "what it is", "tells", "every", "stale after"), rows),
        "## Source × fact × permission\n",
        *_table(("source", "fact", "permission", "without it", "note"), facts),
    ]
    return _page("Sources", SOURCES, table)


def _page(title: str, text: str, parts: Sequence[str] | Iterator[str]) -> str:
    return "\n".join([f"# {title}\n", f"{GENERATED}\n", text, *parts]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    for key, kind in SECTIONS.items():
        yield f"## `[{key}]`\n"
        yield from _keys(kind)
    yield "## `[sources.NAME]`: keys of every kind\n"
    yield from _keys(SourceCommon)
    for name, source in sources.discover().items():
        yield f'## `kind = "{name}"`\n'
        every, stale = format_duration(source.every), format_duration(source.max_age)
        yield f"{source.title}. See [{name}](sources/{name}.md). By default every {every}, stale after {stale}.\n"
        yield from _keys(source.config)
    yield "## `[checks.NAME]`: keys of every check\n"
    yield from _keys(CheckCommon)
    for name, check in checks.discover().items():
        yield f'## `check = "{name}"`\n'
        stale = format_duration(check.max_age(check.policy()))
        usual = f"By default severity `{check.severity}`, stale after {stale}"
        yield f"{check.title}. See [{name}](checks/{name}.md). {usual}.\n"
        yield from _keys(check.policy, hidden=_common(CheckCommon))


def _common(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(spec.encode_name for spec in msgspec.structs.fields(kind))


def _keys(kind: type[msgspec.Struct], prefix: str = "", hidden: frozenset[str] = frozenset()) -> Iterator[str]:
    """Write a table of a struct's keys, and one of each table in it."""
    docs, hints = field_docs(kind), get_type_hints(kind, include_extras=True)
    rows: list[Sequence[str]] = []
    inner: list[tuple[str, type[msgspec.Struct]]] = []
    for spec in msgspec.structs.fields(kind):
        text = docs[spec.name].replace("``", "`")
        if spec.encode_name in hidden:
            text += " It stands in place of the common key of that name."
        rows.append((f"`{prefix}{spec.encode_name}`", _type(hints[spec.name]), _default(spec), text))
        struct = _struct_in(hints[spec.name])
        if struct is not None:
            inner.append((f"{prefix}{spec.encode_name}.", struct))
    yield from _table(("key", "type", "default", "meaning"), rows)
    for path, struct in inner:
        yield from _keys(struct, path)


def _default(spec: msgspec.structs.FieldInfo) -> str:
    if spec.required:
        return "must be there"
    default = default_of(spec)
    if isinstance(default, list):
        return f"`{json.dumps(default, ensure_ascii=False)}`" if default else "none"
    return f"`{shown(default)}`" if isinstance(default, str | int | float) and default != "" else "none"


def _type(kind: Any) -> str:
    """Name a type in the words of the configuration."""
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice([item.value for item in kind])
    if isinstance(kind, type):
        return "table"
    arguments = [item for item in get_args(kind) if item is not NoneType]
    build = _BUILT.get(get_origin(kind))
    return build(arguments) if build is not None else " or ".join(_type(item) for item in arguments)


def _many(word: str) -> str:
    return {"reference to a secret": "references to secrets"}.get(word, f"{word}s" if word.isalpha() else word)


def _choice(words: Sequence[object]) -> str:
    return ", ".join(f"`{shown(word)}`" for word in words)


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """Find the struct that a key holds, one or many; None for a plain value."""
    if isinstance(kind, type):
        return kind if issubclass(kind, msgspec.Struct) else None
    found = (_struct_in(item) for item in get_args(kind) if item is not ...)
    return next((item for item in found if item is not None), None)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]] | Iterator[Sequence[str]]) -> Iterator[str]:
    lines = [_row(row) for row in rows]
    if not lines:
        yield "No keys of its own.\n"
        return
    yield _row(head)
    yield f"|{'---|' * len(head)}"
    yield from lines
    yield ""


_BUILT: Final[Mapping[Any, Callable[[list[Any]], str]]] = {
    tuple: lambda arguments: f"list of {_many(_type(arguments[0]))}",
    dict: lambda arguments: f"table of {_many(_type(arguments[1]))}",
    Mapping: lambda arguments: f"table of {_many(_type(arguments[1]))}",
    Annotated: lambda arguments: f"{_type(arguments[0])}, {arguments[1].ge} to {arguments[1].le}",
    Literal: _choice,
}
"""What is said of the arguments of a generic type, by its origin."""
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    Duration: "duration",
    Secret: "reference to a secret",
}


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
