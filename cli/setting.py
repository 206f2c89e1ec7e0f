"""What every command is told, and how it finds its configuration."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

FILE = "controlwatch.toml"


@dataclass(frozen=True, slots=True)
class Setting:
    """The global options."""

    config: Path | None
    log_format: str
    color: bool

    def find(self) -> Path | None:
        """Find the configuration file; None when there is none anywhere. A file that was named is taken as it is."""
        named = self.config or (Path(given) if (given := os.environ.get("CONTROLWATCH_CONFIG")) else None)
        if named is not None:
            return named
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return next((path for path in (Path(FILE), home / "controlwatch" / FILE) if path.is_file()), None)

    def load(self, web_config: Path | None = None) -> Config:
        """Load the configuration; raises ``ConfigError`` when there is none or it is not valid.

        ``web_config`` stands for the configuration's own ``metrics.web_config``.
        """
        from engine.config import ConfigError, load

        path = self.find()
        if path is None:
            message = (
                f"no configuration: looked for ./{FILE} and in the XDG config folder; make one with: controlwatch init"
            )
            raise ConfigError([message])
        if not path.is_file():
            raise ConfigError([f"{path}: there is no such file; make one with: controlwatch init"])
        return load(path, str(web_config.absolute()) if web_config is not None else "")

    def colorful(self) -> bool:
        """Tell whether output may have colour."""
        told = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self.color and not told and sys.stdout.isatty()

    def log(self, level: int = logging.INFO) -> None:
        """Log to standard error."""
        from cli.log import start

        start(self.log_format, level)


def say(*lines: str) -> None:
    """Tell a person something on standard error."""
    for line in lines:
        sys.stderr.write(f"controlwatch: {line}\n")
