"""``controlwatch config``: all faults of a configuration at once, and its JSON Schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from cli.options import WEB_CONFIG
from cli.setting import Setting


@click.group("config")
def config_command() -> None:
    """Check the configuration, or print its JSON Schema."""


@config_command.command("check")
@WEB_CONFIG
@click.pass_obj
def config_check(setting: Setting, web_config: Path | None) -> int:
    """Tell every fault of the configuration, its waivers and web configuration at once; exit 2 when there is one."""
    from engine import waivers
    from engine.config import ConfigError
    from engine.serve import open_web_config

    config = setting.load(web_config)
    found = waivers.load(config.folder / config.waivers.file, config.checks)
    metrics = config.metrics
    _, listening = open_web_config(metrics.listen, config.web_config, allow_public=metrics.allow_public)
    if found.faults or listening:
        raise ConfigError([*found.faults, *(f"{config.path.name}: {fault}" for fault in listening)])
    counts = f"{len(config.sources)} sources, {len(config.checks)} checks, {len(found.waivers)} waivers"
    sys.stdout.write(f"{config.path}: {counts}; no fault\n")
    return 0


@config_command.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of controlwatch.toml, made from the types that validate it."""
    from engine.schema import schema

    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
    return 0
