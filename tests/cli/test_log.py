"""While a screen has the terminal, logs go to a file for its owner alone, and never to the terminal."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.log import KEPT_BYTES, beside


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """Give the root logger, and put it back as it was."""
    found = logging.getLogger()
    handlers, level = list(found.handlers), found.level
    found.handlers = []
    yield found
    for each in found.handlers:
        each.close()
    found.handlers, found.level = handlers, level


def test_a_fault_is_in_the_file_with_where_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line and the fault; no file before, 0600 in a folder of its own, and not a byte on the terminal."""
    path = tmp_path / "controlwatch" / "tui.log"
    beside(path)
    assert not path.parent.exists()

    logging.getLogger("engine.runner").info("run=ok")
    logging.getLogger("tui.work").error("screen=Page work=rows failed", exc_info=ValueError("a table without rows"))

    text = path.read_text(encoding="utf-8")
    assert "level=error screen=Page work=rows failed\nValueError: a table without rows" in text
    assert "run=ok" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert capfd.readouterr() == ("", "")


def test_a_file_that_cannot_be_written_is_borne(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is said into the screen."""
    (tmp_path / "taken").write_text("a file, where a folder is needed")
    beside(tmp_path / "taken" / "tui.log")
    logging.getLogger("tui.work").error("lost")
    assert capfd.readouterr() == ("", "")


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    """The one before it is kept, and both are its owner's alone."""
    path = tmp_path / "tui.log"
    beside(path)
    for _ in range(5):
        logging.getLogger("tui.work").error("x" * (KEPT_BYTES // 2))
    kept = sorted(tmp_path.iterdir())
    assert [each.name for each in kept] == ["tui.log", "tui.log.1"]
    assert all(each.stat().st_size <= KEPT_BYTES and stat.S_IMODE(each.stat().st_mode) == 0o600 for each in kept)
