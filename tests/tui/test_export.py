"""A file of findings says what it is, holds all of them or says so, and does nothing in a spreadsheet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from engine.port import PortFault, Query, Row, Rows
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, many_rows, mixed
from tui.export import FORMS, Wanted, Written, cell, marked_rows, path_fault, tsv, write
from tui.marks import Marks, all_of


def wanted(**changes: Any) -> Wanted:
    """Say what is written: all open findings, unless something else is told."""
    told: dict[str, Any] = {
        "query": Query(),
        "marks": Marks(),
        "said": "view open",
        "at": NOW,
        "version": "0.1.0",
        "owner": lambda _check: "identity",
        "judged": lambda: 1,
    }
    return Wanted(**{**told, **changes})


def quiet(_written: int, _total: int) -> None:
    """Tell nobody."""


def names_in(folder: Path) -> list[str]:
    """Name the files of a folder."""
    return sorted(each.name for each in folder.iterdir())


async def exported(rows: Sequence[Row], path: Path, **changes: Any) -> Written:
    """Write findings of a canned port."""
    return await write(CannedPort(mixed(), rows).rows, wanted(**changes), path, quiet)


async def test_every_finding_is_in_the_file_once(tmp_path: Path) -> None:
    """Over several pages; the head tells how many, of which version, when, and of what."""
    path = tmp_path / "all.csv"
    done = await exported(many_rows(5_000), path)

    lines = path.read_bytes().decode().split("\r\n")
    told = list(csv.DictReader(lines[3:]))
    assert done == Written(5_000, whole=True)
    assert lines[0] == '"# Controlwatch 0.1.0, findings, exported 2026-11-21 05:30:00Z"'
    assert lines[1] == "# filter: view open"
    assert lines[2] == "# rows: 5000; while they were written the list stayed as it was"
    assert len({row["subject"] for row in told}) == 5_000
    assert told[0]["owner"] == "identity"
    assert json.loads(told[0]["facts"]) == dict(a_row().facts)
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["all.csv"]


@pytest.mark.parametrize("form", FORMS)
async def test_a_resolved_finding_is_written_as_such(tmp_path: Path, form: str) -> None:
    """With when; it has no state, and never PASS: whoever is deleted or excluded is resolved too."""
    path = tmp_path / f"all{form}"
    await exported([a_row(1, resolved_at=NOW)], path, query=Query(view="resolved"))

    last = path.read_text().splitlines()[-1]
    assert "resolved" in last
    assert "2026-11-21T05:30:00Z" in last
    assert "PASS" not in last


async def test_json_lines_hold_what_was_told(tmp_path: Path) -> None:
    """Typed values; what was not told is null, never an empty text."""
    path = tmp_path / "all.jsonl"
    await exported([a_row(1, cause=Cause.DENIED, label="[b]\u202e'\x1b")], path)

    head, row = (json.loads(each) for each in path.read_text().splitlines())
    assert (head["schema"], head["rows"], head["changed_meanwhile"]) == ("controlwatch.findings/1", 1, False)
    assert (row["cause"], row["due"], row["urgent"], row["facts"]["last_login"]) == ("denied", None, False, None)
    assert row["first_seen"].endswith("Z")
    assert row["label"] == "[b]\u202e'\x1b"
    assert path.read_text().isascii()


async def test_markdown_is_a_table_and_nothing_else(tmp_path: Path) -> None:
    """What a source tells breaks no cell, links nowhere and is no HTML."""
    path = tmp_path / "all.md"
    await exported([a_row(1, label="a|b", reason="[x](http://e) <img> `c`\n# h")], path)

    last = path.read_text().splitlines()[-1]
    assert len(re.findall(r"(?<!\\)\|", last)) == 17
    assert r"a\|b" in last
    assert r"\[x\](http://e) \<img\> \`c\` \# h" in last


@pytest.mark.parametrize("text", ["=1+1", "\t=1", "\u200b=1", "\x1b=cmd|x", "\ufeff@SUM(1)", "\ufe0f-1"], ids=ascii)
def test_no_cell_is_a_formula(text: str) -> None:
    """A cell that would be one begins with an apostrophe, whatever is dropped before its sign."""
    assert cell(text).startswith("'")
    assert cell("ana=b") == "ana=b"
    assert tsv([[text, "a\tb\nc"]]).count("\t") == 1


@pytest.mark.parametrize("form", FORMS)
async def test_hostile_text_stays_in_its_row(tmp_path: Path, form: str) -> None:
    """Line ends, quotes and commas in a label make no other row."""
    path = tmp_path / f"all{form}"
    rows = [a_row(1, label='=cmd|"x",\r\n1', reason="\u2028=2"), a_row(2, facts={"=k": "=v"})]
    await exported(rows, path)

    text = path.read_bytes().decode()
    if form == ".csv":
        assert not [
            each for line in csv.reader(text.split("\r\n")) for each in line if each.startswith(("=", "+", "@"))
        ]
    assert len([each for each in re.split(r"\r\n|\n", text) if "okta-prod/" in each]) == 2


async def test_marked_findings_alone_are_written(tmp_path: Path) -> None:
    """Picked ones wherever they are now; all but some of a query."""
    rows = many_rows(300)
    picked = Marks().toggled(rows[3]).toggled(rows[7])
    every = all_of(Query(outcome=Outcome.FAIL), 75, NOW).toggled(rows[3])
    matching = (await CannedPort(mixed(), rows).rows(Query(outcome=Outcome.FAIL))).matching

    assert (await exported(rows, tmp_path / "a.csv", marks=picked)).rows == 2
    assert (await exported(rows, tmp_path / "b.csv", marks=every)).rows == matching - 1


async def test_a_list_that_changed_meanwhile_is_not_called_whole(tmp_path: Path) -> None:
    """More rows, or another judgement: the head says so."""
    ticks = iter(range(9))
    judged = await exported(many_rows(10), tmp_path / "a.csv", judged=lambda: next(ticks))
    grown = await write(GrowingPort(mixed(), many_rows(5_000)).rows, wanted(), tmp_path / "b.csv", quiet)

    assert (judged.whole, grown.whole) == (False, False)
    assert "THE LIST CHANGED MEANWHILE" in (tmp_path / "a.csv").read_text()


async def test_a_file_that_failed_leaves_the_old_one(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "all.csv"
    path.write_text("old")

    with pytest.raises(PortFault):
        await write(FailingPort(mixed(), many_rows(5_000)).rows, wanted(), path, quiet)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["all.csv"]


async def test_progress_is_told_by_the_page(tmp_path: Path) -> None:
    """Rows written, of how many."""
    told: list[tuple[int, int]] = []
    port = CannedPort(mixed(), many_rows(5_000))
    await write(port.rows, wanted(), tmp_path / "all.jsonl", lambda *each: told.append(each))

    assert told == [(2_000, 5_000), (4_000, 5_000), (5_000, 5_000)]


async def test_too_many_marked_are_not_fetched() -> None:
    """A million rows do not go to the clipboard, and none of which it is not known by id whether they are meant."""
    port = CannedPort(mixed(), many_rows(50))
    marks = all_of(Query(), 1_000_000, NOW)

    assert await marked_rows(port.rows, wanted(marks=marks), 2_000) is None
    few = all_of(Query(), 50, NOW)
    assert await marked_rows(port.rows, wanted(marks=few), 2_000) is None
    assert port.asked == []
    found = await marked_rows(port.rows, wanted(marks=few.resolved(port.findings)), 2_000)
    assert found is not None
    assert len(found) == 50


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (lambda folder: f"{folder}/a.csv", ""),
        (lambda folder: f"{folder}/a.txt", "the name ends in .csv, .jsonl, .md, which says the form"),
        (lambda folder: f"{folder}/no/a.csv", "there is no folder"),
        (lambda folder: f"{folder}/d.csv", "that is a folder"),
        (lambda _folder: "", "where to?"),
    ],
    ids=["good", "form", "no folder", "folder", "empty"],
)
def test_a_path_is_judged_before_anything_is_asked(tmp_path: Path, name: Callable[[Path], str], fault: str) -> None:
    """What is wrong is said while it is typed."""
    (tmp_path / "d.csv").mkdir()
    assert path_fault(name(tmp_path)).startswith(fault)
    assert bool(path_fault(name(tmp_path))) is bool(fault)


class GrowingPort(CannedPort):
    """A port that gets a finding between two pages."""

    async def rows(self, query: Query) -> Rows:
        """Give a page, then grow."""
        found = await super().rows(query)
        self.findings.append(a_row(90_000 + len(self.asked)))
        return found


class FailingPort(CannedPort):
    """A port that fails at the second page."""

    async def rows(self, query: Query) -> Rows:
        """Give the first page alone."""
        if query.offset:
            raise PortFault("the engine is gone")
        return await super().rows(query)
