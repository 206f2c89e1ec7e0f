"""A dashboard as Grafana reads it: its queries, and the hue that it gives a value.

The hues follow Grafana's display processor: a mapping of the value first, then the thresholds; a value that is missing
has the hue of its mapping, else that of the lowest threshold. Grafana itself is not run here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.promapi import Series

Json = Mapping[str, Any]

VARIABLES: Mapping[str, str] = {
    "$job": ".+",
    "$instance": ".+",
    "$family": ".+",
    "$team": ".*",
    "$__rate_interval": "20s",
}
"""What Grafana puts in place of each variable, with All chosen."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one panel."""

    panel: Json
    target: Json

    @property
    def name(self) -> str:
        """Title of the panel, and letter of the query."""
        return f"{self.panel['title']} {self.target['refId']}"

    @property
    def promql(self) -> str:
        """The query with every variable put in."""
        text = str(self.target["expr"])
        for name, value in VARIABLES.items():
            text = text.replace(name, value)
        return text


def panels(dashboard: Json) -> Iterator[Json]:
    """Give every panel that shows something, those of shut rows included."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries(dashboard: Json) -> list[Query]:
    """Give every query."""
    return [Query(panel, target) for panel in panels(dashboard) for target in panel["targets"]]


def hues(query: Query, told: Sequence[Series]) -> list[str]:
    """Give the hue of everything that a query shows; a tile without a value has one too, a table without rows none."""
    if query.panel["type"] == "timeseries":
        return []  # lines have hues of their own, whatever their values
    if query.panel["type"] != "table":
        defaults = query.panel["fieldConfig"]["defaults"]
        return [hue(defaults, series.value) for series in told] or [hue(defaults, None)]
    cells: list[str] = []
    for series in told:
        values: dict[str, str | float] = {**series.metric, f"Value #{query.target['refId']}": series.value}
        for field, config in hued_columns(query.panel).items():
            if field in values:
                cells.append(hue(config, values[field]))
    return cells


def hued_columns(panel: Json) -> Mapping[str, Json]:
    """Give the columns whose cells have a hue: name of the field, and how its values read."""
    (organized,) = (step for step in panel["transformations"] if step["id"] == "organize")
    fields = {shown: field for field, shown in organized["options"]["renameByName"].items()}
    found = {}
    for override in panel["fieldConfig"]["overrides"]:
        config = {item["id"]: item["value"] for item in override["properties"]}
        if "custom.cellOptions" in config:
            found[fields[override["matcher"]["options"]]] = config
    return found


def hue(config: Json, value: str | float | None) -> str:
    """Give the hue of one value."""
    text = None if value is None else value if isinstance(value, str) else f"{value:g}"
    for mapping in config.get("mappings", ()):
        options = mapping["options"]
        if mapping["type"] == "value" and text in options:
            return str(options[text]["color"])
        if mapping["type"] == "special" and options["match"] == "null+nan" and (value is None or text == "nan"):
            return str(options["result"]["color"])
    steps = config["thresholds"]["steps"]
    found = str(steps[0]["color"])
    for step in steps[1:]:
        if isinstance(value, float) and value >= step["value"]:
            found = str(step["color"])
    return found
