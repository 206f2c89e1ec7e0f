"""What is remembered of sources is read beside an engine, and nothing is changed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.store import SourceMemory
from engine.store.earlier import earlier
from engine.store.sqlite import open_sqlite
from tests.support.clock import NOW


async def test_what_is_remembered_of_sources_is_read_while_an_engine_writes(tmp_path: Path) -> None:
    """By name, with the end of the latest complete run."""
    store = open_sqlite(tmp_path / "store.sqlite", subject_key=b"k" * 32)
    try:
        await store.save_source(SourceMemory(name="dumps", completed_at=NOW), None, (), ())
        assert earlier(tmp_path)["dumps"].completed_at == NOW
    finally:
        await store.close()


@pytest.mark.parametrize("content", [None, b"", b"no database, and long enough to be looked at" * 99])
def test_where_nothing_can_be_read_nothing_is_known(tmp_path: Path, content: bytes | None) -> None:
    """No store, an empty one or another file: nobody can say what was; no file is made."""
    if content is not None:
        (tmp_path / "store.sqlite").write_bytes(content)
    assert earlier(tmp_path) == {}
    assert (tmp_path / "store.sqlite").exists() is (content is not None)
