"""Stores that every contract test runs against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.clock import NOW
from tests.support.judging import KEY

Opener = Callable[[], SqliteStore]


@pytest.fixture(params=[100_000, 1], ids=["sqlite", "sqlite past memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Give what opens the same store again and again; another kind of store joins as a parameter."""
    clock: Callable[[], datetime] = lambda: NOW  # noqa: E731 - one instant for all chain entries
    return lambda: open_sqlite(tmp_path / "store.sqlite", subject_key=KEY, clock=clock, in_memory=request.param)


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[SqliteStore]:
    """Give an empty store."""
    opened = opener()
    yield opened
    await opened.close()
