"""Options that more than one command has."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

WEB_CONFIG: Final = click.option(
    "--web.config.file",
    "web_config",
    type=click.Path(path_type=Path),
    help="TLS, client certificates and users of the metrics listener; instead of metrics.web_config.",
)
