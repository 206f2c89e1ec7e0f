"""Every test lives at one instant, so no result depends on when it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
