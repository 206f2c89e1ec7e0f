"""What the database tells, as it is shown."""

from __future__ import annotations

import json

import pytest

from engine.store import shown
from engine.store.shown import ids_of


@pytest.mark.parametrize("at_once", [1, 2, 7, 65_536])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
def test_a_list_of_ids_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch, at_once: int, count: int) -> None:
    """Wherever a piece ends, each number is read once, in order."""
    monkeypatch.setattr(shown, "READ_AT_ONCE", at_once)
    numbers = [number * 37 for number in range(count)]
    assert list(ids_of(json.dumps(numbers, separators=(",", ":")))) == numbers
