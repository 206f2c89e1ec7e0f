"""Logs go to standard error: one line per source run and per change of state, ``key=value`` or JSON.

While a screen has the terminal they go to a file of the person's, from warnings on.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

KEPT_BYTES = 1_000_000
"""Of the file; as much again of the one before it."""


class KeyValue(logging.Formatter):
    """One line of ``key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        text = f"time={moment} level={record.levelname.lower()} {record.getMessage()}"
        return text if record.exc_info is None else f"{text}\n{self.formatException(record.exc_info)}"


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        told = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info is not None:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)


class Beside(RotatingFileHandler):
    """A file for its owner alone, made with the first line; what cannot be written is lost, and nothing says so."""

    def __init__(self, path: Path) -> None:
        """Log to a file of that name."""
        super().__init__(path, maxBytes=KEPT_BYTES, backupCount=1, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Leave the screen alone."""


def beside(path: Path) -> None:
    """Log to a file, and to nothing else: a screen has the terminal."""
    handler = Beside(path)
    formatter = KeyValue()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def start(form: str, level: int = logging.INFO) -> None:
    """Log to standard error in ``kv`` or ``json`` form."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = Json() if form == "json" else KeyValue()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
