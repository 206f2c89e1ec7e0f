"""A scenario is an engine, what breaks it, what mends it, and whom that must tell what."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.support.engines import EngineProcess
from tests.support.webhook import Told

HOUR: Final = timedelta(hours=1)
Act = Callable[[], None]


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that must be told once, and its end once."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those that tell it from others of its name, beside its job."""
    receiver: str = "tickets"
    ends: bool = True
    """Whether mending ends it."""
    early: bool = False
    """Whether it is told before anything is broken."""

    def fits(self, told: Told, job: str) -> bool:
        """Tell whether a notification is about it."""
        return told.name == self.name and told.job == job and told.about(**self.labels)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One engine, in a job of its own, and what befalls it."""

    engine: EngineProcess
    start: Act
    expects: Sequence[Expected] = ()
    breaks: Act = nothing
    mends: Act = nothing
    steady: Collection[str] = ("backups",)
    """Checks that are held before anything breaks."""
    scraped: bool = True
    """Whether there is a scrape job from the beginning."""

    @property
    def job(self) -> str:
        """Its scrape job, and its instance."""
        return self.engine.name


def dump(folder: Path, *, age: timedelta = HOUR) -> Path:
    """Put a backup of that age into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "db.sql"
    path.write_text("create table ledger (id integer);\n")
    return aged(path, age)


def aged(path: Path, age: timedelta) -> Path:
    """Make a file look that old."""
    changed = time.time() - age.total_seconds()
    os.utime(path, (changed, changed))
    return path


def files(name: str, *, every: str = "4s", more: str = "") -> str:
    """Configure a source of the backups in the folder of its name, one set of the same name."""
    return f"""
[sources.{name}]
kind = "files"
every = "{every}"
set = "{name}"
pattern = "{name}/*.sql"
settle = "1s"
{more}
"""


def backups(name: str, source: str, more: str = "") -> str:
    """Configure a check of the backups of a source."""
    return f'\n[checks.{name}]\ncheck = "backup_freshness"\nsources = ["{source}"]\n{more}\n'


def plain(folder: Path, name: str, more: str = "", engine: str = "") -> EngineProcess:
    """Make an engine with one check that holds, ``backups``."""
    made = EngineProcess(name, folder / name)
    dump(made.folder / "dumps")
    made.write(files("dumps") + backups("backups", "dumps") + more, engine)
    return made
