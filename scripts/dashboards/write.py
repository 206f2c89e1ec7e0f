"""Write the dashboards into the package that ships them, and the mixin's rules. Run it with ``make dashboards``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from engine.alerting.writing import rules
from engine.config import load
from scripts.dashboards.internals import internals
from scripts.dashboards.overview import overview

ROOT: Final = Path(__file__).resolve().parent.parent.parent
SHIPPED: Final = ROOT / "engine" / "dashboards"
MIXIN: Final = ROOT / "mixin"
EXAMPLE: Final = ROOT / "config.example.toml"
RECORDS: Final = "controlwatch-records"
"""The group of the recording rules; every other one holds alerts."""


def dashboards() -> Mapping[str, Dashboard]:
    """Build every dashboard, by the name of its file without the suffix."""
    return {"overview": overview(), "internals": internals()}


def written(dashboard: Dashboard) -> str:
    """Write a dashboard as JSON: keys in order, so that a change shows as what it is."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def mixin() -> Mapping[str, str]:
    """Write the rules of the example configuration, by the name of their file."""
    groups = rules(load(EXAMPLE))["groups"]
    parts = {
        "rules.json": [group for group in groups if group["name"] == RECORDS],
        "alerts.json": [group for group in groups if group["name"] != RECORDS],
    }
    return {name: json.dumps({"groups": told}, indent=1, ensure_ascii=False) + "\n" for name, told in parts.items()}


def files() -> Mapping[Path, str]:
    """Give every file that is generated, and what stands in it."""
    boards = {SHIPPED / f"{name}.json": written(dashboard) for name, dashboard in dashboards().items()}
    return {**boards, **{MIXIN / name: text for name, text in mixin().items()}}


def main() -> None:
    """Write every file."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
