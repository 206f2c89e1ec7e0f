"""``controlwatch dashboard``: a Grafana dashboard as JSON, on standard output."""

from __future__ import annotations

import sys
from importlib.resources import files

import click

NAMES = ("overview", "internals")


@click.command("dashboard")
@click.argument("name", type=click.Choice(NAMES), default="overview")
def dashboard_command(name: str) -> int:
    """Write a Grafana dashboard to import or to provision: overview (the default) or internals.

    It needs the recording rules that controlwatch rules writes, and no configuration.
    """
    sys.stdout.write(files("engine").joinpath("dashboards", f"{name}.json").read_text(encoding="utf-8"))
    sys.stdout.flush()
    return 0
