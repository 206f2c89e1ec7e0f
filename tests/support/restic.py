"""Repositories of restic, and what is told of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from checks.model.records import Backup, BackupSet
from sources.common.settings import from_toml
from sources.restic import SOURCE, Config
from tests.sources.contract import breaches
from tests.support.context import Collected, LentContext, collect

PASSWORD = "correct horse battery"
NOBODY = 65_534


class Repo:
    """A real repository, written by the real restic."""

    def __init__(self, folder: Path, binary: Path) -> None:
        """Name the folder that holds ``repo`` and the data to back up."""
        self.folder = folder
        self.binary = binary

    def restic(self, *arguments: str, **variables: str) -> str:
        """Run restic on it, and return what it prints."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RESTIC_REPOSITORY": str(self.folder / "repo"),
            "RESTIC_PASSWORD": PASSWORD,
            **variables,
        }
        command = [str(self.binary), "--no-cache", *arguments]
        return subprocess.run(command, env=env, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def back_up(self, host: str, path: str, *arguments: str, **variables: str) -> str:
        """Back up one folder, and return the id of the snapshot."""
        data = self.folder / path
        data.mkdir(exist_ok=True)
        (data / "file").write_text("data")
        before = set(self.snapshots())
        self.restic("backup", "--quiet", "--host", host, *arguments, str(data), **variables)
        (made,) = set(self.snapshots()) - before
        return made

    def snapshots(self) -> list[str]:
        """Name the snapshot files."""
        return [path.name for path in (self.folder / "repo" / "snapshots").iterdir()]

    def path(self, name: str) -> str:
        """Name a folder of data as its snapshots do."""
        return str(self.folder / name)


def configured(**keys: Any) -> Config:
    """Convert keys as the configuration would be."""
    return msgspec.convert({"repository": "repo", "password": "env:PW", **keys}, Config, dec_hook=from_toml)


async def told(ctx: LentContext, **keys: Any) -> Collected:
    """Collect from a configuration with these keys."""
    collected = await collect(SOURCE.fetch(configured(**keys), ctx))
    assert breaches(SOURCE, ctx.name, collected) == []
    return collected


def sets_of(collected: Collected) -> dict[str, BackupSet]:
    """Give the sets by id."""
    return {record.id: record for record in collected.records if isinstance(record, BackupSet)}


def backups_of(collected: Collected) -> dict[str, Backup]:
    """Give the backups by id."""
    return {record.id: record for record in collected.records if isinstance(record, Backup)}
