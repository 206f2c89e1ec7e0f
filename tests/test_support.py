"""A missing program is never a silent pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.servers import REQUIRED, needs


def test_a_present_program_is_found_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on the PATH is returned as the path to run."""
    python = Path(sys.executable)
    monkeypatch.setenv("PATH", str(python.parent))

    assert needs(python.name, package="python3") == python


def test_a_missing_program_skips_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a contributor's machine the test is skipped, and the reason says what to install."""
    monkeypatch.delenv(REQUIRED, raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"apt-get install no-such-package"):
        needs("no-such-program", package="no-such-package")


def test_a_missing_program_fails_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under CI the same absence is a failure, so coverage cannot rot in silence."""
    monkeypatch.setenv(REQUIRED, "1")

    with pytest.raises(pytest.fail.Exception, match=r"forbids a skip"):
        needs("no-such-program", package="no-such-package")
