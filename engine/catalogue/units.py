"""What the value of a family is: an instant, a truth, or nothing beyond its labels."""

from __future__ import annotations

from typing import Final

INSTANT: Final = "Unix time, seconds"
TRUTH: Final = "0 or 1"
INFO: Final = "always 1"
