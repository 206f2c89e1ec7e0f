"""Rows are judged by Graph's own CSDL: every property is declared, has the declared type, and is null only if it may.

The vendor's Python SDK (msgraph-sdk) would say the same at over 400 MB installed and 24 s to install, so the types are
cut from the vendor's metadata into ``graph_v1.csdl.xml`` instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from xml.etree import ElementTree as ET

_EDM: Final = "{http://docs.oasis-open.org/odata/ns/edm}"
_COLLECTION: Final = re.compile(r"Collection\((.+)\)")


def _guid(value: object) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value.lower()


def _instant(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


_PRIMITIVES: Final[dict[str, Callable[[object], bool]]] = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int32": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Edm.DateTimeOffset": _instant,
    "Edm.Guid": _guid,
    "Edm.Binary": lambda value: isinstance(value, str),
}


@dataclass(frozen=True)
class Property:
    """A declared property."""

    type: str
    nullable: bool


@dataclass
class Csdl:
    """The declared types by name, with the properties that they inherit, and the enumerations."""

    types: dict[str, dict[str, Property]] = field(default_factory=dict)
    enums: dict[str, frozenset[str]] = field(default_factory=dict)

    def faults(self, row: dict[str, Any], name: str) -> list[str]:
        """Return what is wrong with a row of type ``name``, nothing if it is right."""
        declared = self.types[name]
        found = []
        for key, value in row.items():
            if key.startswith("@odata."):
                continue
            if key not in declared:
                found.append(f"{name}.{key} is not declared")
            elif value is None:
                found += [] if declared[key].nullable else [f"{name}.{key} is null"]
            else:
                found += [f"{name}.{key}: {fault}" for fault in self._wrong(value, declared[key].type)]
        return found

    def _wrong(self, value: Any, type_: str) -> list[str]:
        collection = _COLLECTION.fullmatch(type_)
        if collection is not None:
            return [fault for each in value for fault in self._wrong(each, collection[1])]
        if type_ in _PRIMITIVES:
            return [] if _PRIMITIVES[type_](value) else [f"{value!r} is not {type_}"]
        name = type_.removeprefix("graph.")
        if name in self.enums:
            return [] if value in self.enums[name] else [f"{value!r} is not a member of {name}"]
        actual = value.get("@odata.type", name).removeprefix("#microsoft.graph.")
        return self.faults(value, actual)


def read() -> Csdl:
    """Read the cut of the vendor's metadata that lies beside this file."""
    schema = ET.parse(Path(__file__).with_name("graph_v1.csdl.xml")).getroot()  # noqa: S314  # Our own file.
    csdl = Csdl()
    for enum in schema.iter(f"{_EDM}EnumType"):
        csdl.enums[enum.attrib["Name"]] = frozenset(member.attrib["Name"] for member in enum)
    declared = {
        each.attrib["Name"]: each for tag in ("EntityType", "ComplexType") for each in schema.iter(f"{_EDM}{tag}")
    }
    for name in declared:
        csdl.types[name] = _properties(name, declared)
    return csdl


def _properties(name: str, declared: dict[str, ET.Element]) -> dict[str, Property]:
    element = declared[name]
    base = element.get("BaseType")
    inherited = {} if base is None else _properties(base.removeprefix("graph."), declared)
    return inherited | {
        child.attrib["Name"]: Property(child.attrib["Type"], child.get("Nullable") != "false") for child in element
    }
