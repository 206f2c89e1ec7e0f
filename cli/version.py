"""The version, as a constant: asking for it loads nothing."""

from __future__ import annotations

VERSION = "0.1.0"
