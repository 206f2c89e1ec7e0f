"""The vendors' own published models judge the replicas' answers; without them a test skips visibly."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

from tests.support.servers import REQUIRED


def needs_models(module: str, *, package: str) -> Any:
    """Return a vendor's module of models.

    Without it the test skips and names the package, or fails when ``CONTROLWATCH_REQUIRE_SERVERS`` is 1.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = f"{module} cannot be imported ({error}): pip install {package}"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{missing}; {REQUIRED}=1 forbids a skip")
        pytest.skip(missing)
