"""What the tests of more than one file about a source stand on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.restic import Repo
from tests.support.servers import needs


@pytest.fixture(scope="session")
def restic_template(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Make an empty repository of restic once; its key takes the time."""
    repo = Repo(tmp_path_factory.mktemp("restic"), needs("restic", package="restic"))
    repo.restic("init")
    return repo


@pytest.fixture
def repo(restic_template: Repo, tmp_path: Path) -> Repo:
    """Give an empty repository of restic of the test's own."""
    shutil.copytree(restic_template.folder / "repo", tmp_path / "repo")
    return Repo(tmp_path, restic_template.binary)


@pytest.fixture
def fake_restic(tmp_path: Path) -> Any:
    """Write a stand-in for restic that prints what a real one printed; for versions and back ends that are not here."""

    def write(body: str) -> str:
        path = tmp_path / "restic-fake"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o700)
        return str(path)

    return write
