"""Logs go to standard error: one line per source run and per change of state, ``key=value`` or JSON."""

from __future__ import annotations

import json
import logging
import sys
import time


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


def start(form: str, level: int = logging.INFO) -> None:
    """Log to standard error in ``kv`` or ``json`` form."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = Json() if form == "json" else KeyValue()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
