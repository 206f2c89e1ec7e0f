"""Tests run against real programs; where one is missing they skip visibly, and under CI they fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

REQUIRED: Final = "CONTROLWATCH_REQUIRE_SERVERS"
"""Environment variable; "1" turns a skip for want of a program into a failure."""


def needs(program: str, *, package: str) -> Path:
    """Return the path of a program that the calling test runs for real.

    Without it the test skips, naming the Debian package that holds it, or fails when ``CONTROLWATCH_REQUIRE_SERVERS``
    is 1. Call it inside a test or a fixture, so that the skip is that test's own and is listed by name::

        restic = needs("restic", package="restic")
    """
    found = shutil.which(program)
    if found is not None:
        return Path(found)
    missing = f"{program} is not installed: apt-get install {package} (or make servers)"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{missing}; {REQUIRED}=1 forbids a skip")
    pytest.skip(missing)
