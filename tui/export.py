"""Findings as text for elsewhere: a file of CSV, JSON Lines or Markdown, or a few rows for the clipboard.

A file says in its head what was asked for, when, of which version, how many rows it has, and whether the list changed
while it was written. It is written page by page, 0600, and put in its place once it is whole. In CSV and TSV no cell
begins like a formula: what a source tells is data, in a spreadsheet too.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from checks.model.judgement import Scalar
from engine.port import Query, Row, Rows
from engine.port.cells import safe_cell
from tui.format import clean, full
from tui.marks import Marks
from tui.status import row_word

PAGE_ROWS = 2_000
FORMS = (".csv", ".jsonl", ".md")
"""Endings of names, each of which is a form."""
SCHEMA = "controlwatch.findings/1"
CELL_CAP = 4_000
_MARKDOWN = str.maketrans({each: f"\\{each}" for each in "\\|`*_[]<>#~!"})

Fetch = Callable[[Query], Awaitable[Rows]]
Progress = Callable[[int, int], None]
"""Rows written, and rows to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is written."""

    query: Query
    marks: Marks
    """Marked findings instead of all that match; empty: all."""
    said: str
    """The view and the filter in words."""
    at: datetime
    version: str
    """Of the engine."""
    owner: Callable[[str], str]
    """The team of a configured check."""
    judged: Callable[[], object]
    """What differs once the list may have changed."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of it."""

    rows: int
    whole: bool
    """Whether the list stayed as it was while it was written."""


COLUMNS: Sequence[tuple[str, Callable[[Row, Wanted], Scalar]]] = (
    ("state", lambda row, _wanted: str(row_word(row))),
    ("label", lambda row, _wanted: row.label),
    ("subject", lambda row, _wanted: row.subject),
    ("check", lambda row, _wanted: row.check),
    ("family", lambda row, _wanted: row.family),
    ("owner", lambda row, wanted: wanted.owner(row.check)),
    ("outcome", lambda row, _wanted: row.outcome.value),
    ("reason", lambda row, _wanted: row.reason),
    ("cause", lambda row, _wanted: row.cause.value if row.cause else None),
    ("first_seen", lambda row, _wanted: _instant(row.first_seen)),
    ("due", lambda row, _wanted: _instant(row.due)),
    ("resolved_at", lambda row, _wanted: _instant(row.resolved_at)),
    ("regressions", lambda row, _wanted: row.regressions),
    ("waiver", lambda row, _wanted: row.waiver),
    ("acknowledged", lambda row, _wanted: row.acked),
    ("urgent", lambda row, _wanted: row.urgent),
)


def cell(text: str) -> str:
    """Make a cell that no spreadsheet takes for a formula, of at most ``CELL_CAP`` characters, and as it is drawn."""
    return safe_cell(clean(text, CELL_CAP))


def tsv(rows: Sequence[Sequence[str]]) -> str:
    """Write cells as a table to be pasted."""
    return "".join("\t".join(cell(each) for each in row) + "\n" for row in rows)


def path_fault(text: str) -> str:
    """Say why a file cannot be written there; empty when it can."""
    path = Path(text).expanduser()
    if not text:
        return "where to?"
    if path.suffix not in FORMS:
        return f"the name ends in {', '.join(FORMS)}, which says the form"
    if path.is_dir():
        return "that is a folder"
    return "" if path.parent.is_dir() else f"there is no folder {path.parent}"


async def rows_of(fetch: Fetch, wanted: Wanted) -> AsyncIterator[Rows]:
    """Give page by page what is wanted; raises ``PortFault``."""
    query = wanted.marks.every or wanted.query
    if wanted.marks.picked:
        query = Query(view="all", ids=tuple(wanted.marks.picked))
    offset = 0
    while True:
        page = await fetch(msgspec.structs.replace(query, offset=offset, limit=PAGE_ROWS, around=None))
        rows = [row for row in page.rows if row in wanted.marks] if len(wanted.marks) else page.rows
        yield msgspec.structs.replace(page, rows=rows)
        offset += PAGE_ROWS
        if len(page.rows) < PAGE_ROWS or offset >= page.matching:
            return


async def marked_rows(fetch: Fetch, wanted: Wanted, most: int) -> list[Row] | None:
    """Give the rows that are wanted; None when they are more than ``most`` or not known by id. Raises ``PortFault``."""
    if len(wanted.marks) > most or not wanted.marks.is_known:
        return None
    found: list[Row] = []
    async for page in rows_of(fetch, wanted):
        found += page.rows
        if len(found) > most:
            return None
    return found


async def write(fetch: Fetch, wanted: Wanted, path: Path, progress: Progress) -> Written:
    """Write a file; one that is there is replaced once the new one is whole. Raises ``PortFault`` and ``OSError``."""
    form, before = path.suffix, wanted.judged()
    body = await asyncio.to_thread(_scratch, path.parent)
    try:
        count, steady = await _write_body(fetch, wanted, form, body, progress)
        done = Written(count, steady and wanted.judged() == before)
        await asyncio.to_thread(_put, head(form, wanted, done), body, path)
    finally:
        body.close()
    return done


def _scratch(folder: Path) -> IO[str]:
    """Open a file without a name, which is gone once it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", newline="", dir=folder)


async def _write_body(fetch: Fetch, wanted: Wanted, form: str, body: IO[str], progress: Progress) -> tuple[int, bool]:
    """Write the rows; give how many, and whether as many matched all the time."""
    count, seen = 0, set[int]()
    async for page in rows_of(fetch, wanted):
        text = await asyncio.to_thread(rows_text, form, page.rows, wanted)
        await asyncio.to_thread(body.write, text)
        count += len(page.rows)
        seen.add(page.matching)
        progress(count, len(wanted.marks) or page.matching)
    return count, len(seen) <= 1


def _put(start: str, body: IO[str], path: Path) -> None:
    """Put head and body in the file's place at once, for its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".controlwatch-")  # mkstemp makes it 0600.
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(start)
            body.seek(0)
            shutil.copyfileobj(body, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def head(form: str, wanted: Wanted, written: Written) -> str:
    """Write what a reader must know before the rows."""
    told = {
        "schema": SCHEMA,
        "version": wanted.version,
        "exported_at": _instant(wanted.at),
        "filter": clean(wanted.said, CELL_CAP),
        "rows": written.rows,
        "changed_meanwhile": not written.whole,
    }
    if form == ".jsonl":
        return json.dumps(told) + "\n"
    whole = "the list stayed as it was" if written.whole else "THE LIST CHANGED MEANWHILE: rows may be missing or twice"
    lines = [
        f"Controlwatch {wanted.version}, findings, exported {full(wanted.at)}",
        f"filter: {told['filter']}",
        f"rows: {written.rows}; while they were written {whole}",
    ]
    names = [name for name, _ in COLUMNS]
    if form == ".csv":
        return _csv([[f"# {each}"] for each in lines]) + _csv([[*names, "facts"]])
    return (
        "# Findings\n\n"
        + "".join(f"- {_escaped(each)}\n" for each in lines)
        + f"\n| {' | '.join(names)} |\n|{' --- |' * len(names)}\n"
    )


def rows_text(form: str, rows: Sequence[Row], wanted: Wanted) -> str:
    """Write rows in a form."""
    if form == ".jsonl":
        return "".join(json.dumps(_object(row, wanted)) + "\n" for row in rows)
    cells = [[_cell(value(row, wanted)) for _, value in COLUMNS] for row in rows]
    if form == ".csv":
        facts = [cell(json.dumps(dict(row.facts), ensure_ascii=False)) for row in rows]
        return _csv([[*map(cell, line), each] for line, each in zip(cells, facts, strict=True)])
    return "".join(f"| {' | '.join(_escaped(each) for each in line)} |\n" for line in cells)


def _object(row: Row, wanted: Wanted) -> dict[str, object]:
    return {**{name: value(row, wanted) for name, value in COLUMNS}, "facts": dict(row.facts)}


def _cell(value: Scalar) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows(rows)
    return made.getvalue()


def _escaped(text: str) -> str:
    return clean(text, CELL_CAP).translate(_MARKDOWN)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else full(value).replace(" ", "T")
