"""All alerts are one table, in the order of the rules file."""

from __future__ import annotations

from typing import Final

from engine.alerting.of_checks import CHECKS
from engine.alerting.of_monitor import MONITOR
from engine.alerting.of_sources import SOURCES

ALERTS: Final = (*MONITOR, *SOURCES, *CHECKS)
"""Every alert, once."""
