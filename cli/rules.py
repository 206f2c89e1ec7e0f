"""``controlwatch rules``: recording and alert rules for Prometheus, written from the configuration."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cli.setting import Setting
from cli.version import VERSION

if TYPE_CHECKING:
    from engine.alerting.writing import Form


@click.command("rules")
@click.option(
    "--format",
    "form",
    type=click.Choice(["prometheus", "operator"]),
    default="prometheus",
    show_default=True,
    help="A file for rule_files, or a PrometheusRule for the operator.",
)
@click.pass_obj
def rules_command(setting: Setting, form: Form) -> int:
    """Write recording and alert rules for Prometheus, from the configuration."""
    from engine.alerting.writing import text

    sys.stdout.write(text(setting.load(), VERSION, form))
    return 0
