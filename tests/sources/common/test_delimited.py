"""Rows of a delimited file are given or noted."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.common.delimited import Dialect, column_faults, open_text, read_rows

CELLS = st.lists(
    st.lists(st.sampled_from(["", "a", "B", '"', '""', '"a', ",", "\n", "\0", " "]), max_size=5), max_size=8
)


@given(CELLS)
def test_every_row_is_given_noted_or_empty(cells: list[list[str]]) -> None:
    """No content makes a row vanish without a note, and every row given is as wide as the header."""
    content = "k,v\n" + "\n".join("".join(line) for line in cells)
    with open_text(io.BytesIO(content.encode()), Dialect()) as text:
        rows = read_rows(text, Dialect())
        given_rows = list(rows)
    assert all(len(row) == 2 for row in given_rows)
    if any(one in "aB" for line in cells for one in "".join(line)):
        assert given_rows or rows.faults


@pytest.mark.parametrize("seed", range(3))
def test_every_repeated_cell_is_found(seed: int) -> None:
    """The filter may name a cell too many, and never one too few."""
    chance = random.Random(seed)
    keys = [f"Person{chance.randrange(20_000)}@x" for _ in range(10_000)]
    with open_text(io.BytesIO(("k\n" + "\n".join(keys)).encode()), Dialect()) as text:
        found = read_rows(text, Dialect()).repeated("k")
    lower = [key.lower() for key in keys]
    twice = {key for key in set(lower) if lower.count(key) > 1} if seed == 0 else set()
    assert twice <= found
    assert len(found) < len(keys)


def test_a_column_is_there_once() -> None:
    """A missing column names the nearest, in any case; one that is there twice is a fault."""
    wanted = {"key": "email", "name": "Name", "status": "status"}
    assert column_faults(["Email", "name", "status", "status"], wanted) == [
        'key: no column "email", did you mean "Email"?',
        'name: no column "Name", did you mean "name"?',
        'status: 2 columns "status"',
    ]
