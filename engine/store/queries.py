"""All SQL is in ``.sql`` files: named blocks that begin with a line ``-- name --``, and numbered migrations."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
_NAME: Final = re.compile(r"^-- ([a-z ]+) --$\n", re.MULTILINE)

Sql = Mapping[str, str]
"""Statements by name."""


def load(file: str) -> dict[str, str]:
    """Read the named blocks of a file beside this one."""
    _, *parts = _NAME.split((FOLDER / file).read_text(encoding="utf-8"))
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def migrations(folder: Path = FOLDER / "schema") -> list[str]:
    """Read the schema's forward migrations in order; raises ``ValueError`` when their numbers have a hole."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    numbers = [int(file.name[:4]) for file in files]
    if numbers != list(range(1, len(files) + 1)):
        raise ValueError(f"{folder}: migrations are numbered {numbers}; they must count from 1 without a hole")
    return [file.read_text(encoding="utf-8") for file in files]


def statements(script: str) -> Iterator[str]:
    """Cut a script into statements, triggers whole, so that they can run inside a transaction that is already open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a migration ends within a statement: {statement.strip()[:80]}")
