"""Fixtures for every test."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.clock import NOW


@pytest.fixture
def now() -> datetime:
    """Give the one instant at which all tests live: 2026-11-21 05:30 UTC."""
    return NOW
