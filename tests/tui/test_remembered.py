"""What is remembered over a restart is columns alone, and nothing that is in the file can do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui.remembered import Memory, default_path


def test_columns_are_remembered_over_a_restart(tmp_path: Path) -> None:
    """By view; taking them back is remembered too. The file is for its owner alone."""
    path = tmp_path / "state" / "controlwatch" / "tui.json"
    memory = Memory(path)
    memory.choose("open", ["State", "Why"])
    memory.choose("new", ["Subject"])
    memory.choose("new", None)

    assert Memory(path).columns("open") == ["State", "Why"]
    assert Memory(path).columns("new") is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["tui.json"]


def test_no_filter_is_written(tmp_path: Path) -> None:
    """A filter may hold a name."""
    path = tmp_path / "tui.json"
    memory = Memory(path)
    memory.left["mfa"] = "ana@example.org"
    memory.choose("open", ["State"])

    assert json.loads(path.read_text()) == {"columns": {"open": ["State"]}}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"columns": 3}', b"\xff\xfe", b'{"columns": {"open": [1]}}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, body: bytes) -> None:
    """And the next choice mends it."""
    path = tmp_path / "tui.json"
    path.write_bytes(body)
    memory = Memory(path)
    assert memory.columns("open") is None
    memory.choose("open", ["Why"])
    assert Memory(path).columns("open") == ["Why"]


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    """The choice holds until the end."""
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file" / "tui.json")
    memory.choose("open", ["Why"])
    assert memory.columns("open") == ["Why"]


def test_without_a_path_nothing_is_written() -> None:
    """A test, or an app without a home."""
    memory = Memory()
    memory.choose("open", ["Why"])
    assert memory.columns("open") == ["Why"]


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/controlwatch/tui.json"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/controlwatch/tui.json"),
        ({"HOME": "/h"}, "/h/.local/state/controlwatch/tui.json"),
    ],
)
def test_the_file_is_in_the_state_folder(environment: dict[str, str], path: str) -> None:
    """By the XDG rule: a relative path is ignored."""
    assert default_path(environment) == Path(path)
