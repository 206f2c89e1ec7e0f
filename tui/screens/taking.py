"""Taking findings away from a list: to the clipboard, to a file, into an acknowledgement or a request for a waiver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from engine.port import Row
from engine.port.subjects import literal
from tui.columns import Column, plain_cells
from tui.export import CELL_CAP, Wanted, Written, marked_rows, path_fault, tsv, write
from tui.format import clean, number
from tui.marks import MARKED_MOST, Marks
from tui.screens.deeds import acknowledge
from tui.screens.form import Field, Form
from tui.screens.menu import Menu, Option
from tui.screens.page import Page
from tui.screens.waive import request_waiver
from tui.widgets.table import Table
from tui.work import Answered, report, start

CLIPBOARD_BYTES = 100_000
"""More than this no terminal takes by OSC 52; a file does."""
EXPORT = "export"


class Taking:
    """What a list's findings are taken for.

    ``said`` tells in words what the list shows; ``ready`` waits until it is known which findings are marked.
    """

    def __init__(self, on: Page, table: Table, said: Callable[[], str], ready: Callable[[], Awaitable[object]]) -> None:
        self._on = on
        self._table = table
        self._said = said
        self._ready = ready

    @property
    def exporting(self) -> str:
        """How far the file is, whichever list it is of; empty while none is written."""
        return self._on.home.errands.said(EXPORT)

    def wanted(self, *, marks: Marks | None = None) -> Wanted:
        """Say what is taken: what is marked, else all that match."""
        model = self._on.model
        found = self._table.marks if marks is None else marks
        said = found.described() if found.picked else ", ".join(filter(None, (self._said(), found.described())))
        teams = {item.view.name: item.view.team for item in model.items}
        return Wanted(
            query=self._table.query_shown,
            marks=found,
            said=said,
            at=model.now,
            version=model.snapshot.version if model.snapshot else "",
            owner=lambda check: teams.get(check, ""),
            judged=lambda: [(item.view.name, item.view.judged_at) for item in self._on.model.items],
        )

    # The clipboard ----------------------------------------------------------------------------------------------------

    def copy(self, columns: Sequence[Column]) -> None:
        """Ask what to copy, and copy it."""
        row = self._table.row
        if row is None:
            return
        cells = plain_cells(row, self._on.model.check(row.check), self._on.model.now, columns)
        texts = {"id": row.subject, "label": row.label, "row": "  ".join(cells), "runbook": self._on.subject()[1]}
        options = [
            Option("id", "i", "id", clean(row.subject, 60)),
            Option("label", "l", "label", clean(row.label, 60)),
            Option("row", "r", "row as text", clean("  ".join(cells), 60)),
        ]
        if texts["runbook"]:
            options.append(Option("runbook", "o", "runbook", clean(texts["runbook"], 60)))
        if len(self._table.marks):
            options.append(Option("marked", "m", f"{self._table.marks.described()}, as a table", "tabs between cells"))

        def picked(name: str | None) -> None:
            if name == "marked":
                self.each_marked(lambda rows: self._copy_table(rows, columns))
            elif name is not None:
                self._copy_text(texts[name])

        _ = self._on.app.push_screen(Menu("Copy", options), picked)

    def _copy_text(self, text: str) -> None:
        """Copy one text whole, or not at all: half an id is another one."""
        if len(text) > CELL_CAP:
            most = f"at most {number(CELL_CAP)} are"
            self._on.say(f"not copied: {number(len(text))} characters, {most}; a file ({self._key()}) has it", "warn")
            return
        self._copied(clean(text, CELL_CAP), clean(text, 60))

    def _copy_table(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        model = self._on.model
        cells = [plain_cells(row, model.check(row.check), model.now, columns) for row in rows]
        self._copied(tsv([[each.title for each in columns], *cells]), f"{number(len(rows))} rows")

    def _copied(self, text: str, said: str) -> None:
        size = len(text.encode())
        if size > CLIPBOARD_BYTES:
            self._on.say(f"{number(size)} bytes are too much for a terminal's clipboard: a file takes them", "warn")
            self.export()
            return
        self._on.app.copy_to_clipboard(text)
        self._on.say(f"copied {said}")

    # What is marked ---------------------------------------------------------------------------------------------------

    def each_marked(self, then: Callable[[Sequence[Row]], None]) -> None:
        """Do something with the marked findings, else with the one under the cursor."""
        if not len(self._table.marks):
            then([self._table.row] if self._table.row is not None else [])
            return
        start(self._on, partial(self._fetch_marked, then), group="marked", exclusive=True)

    async def _fetch_marked(self, then: Callable[[Sequence[Row]], None]) -> None:
        _ = await self._ready()
        if not len(self._table.marks):
            return  # It was told that they could not be fetched.
        try:
            rows = await marked_rows(self._on.home.port.rows, self.wanted(), MARKED_MOST)
        except (OSError, TimeoutError) as error:
            self._on.say(f"rows not fetched: {error}", "fail")
            return
        if rows is None:
            most = f"more than {number(MARKED_MOST)} are marked"
            self._on.say(f"{most}: narrow the list, or write a file ({self._key()})", "warn")
        elif not rows:
            self._on.say("none of the marked findings is there any more", "warn")
        else:
            then(rows)

    def ack(self, rows: Sequence[Row], note: str = "") -> None:
        """Acknowledge; ask for a note where none is given, or for more than one finding."""
        acknowledge(self._on, rows, note)

    def waive(self, rows: Sequence[Row]) -> None:
        """Request a waiver; one is of one check."""
        checks = sorted({row.check for row in rows})
        if len(checks) > 1:
            way = " ".join(self._on.home.keymap.named(each) for each in ("list.check_back", "list.check"))
            self._on.say(f"a waiver is of one check, and these are of {len(checks)}: {way} shows one alone", "warn")
        elif rows:
            request_waiver(self._on, checks[0], [literal(row.subject) for row in rows])

    # The file ---------------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Ask where to write what is marked, else all that match; while a file is written, ask whether to stop."""
        if self.exporting:
            self._on.ask(f"Stop writing ({self.exporting})?", partial(self._on.home.errands.stop, EXPORT))
            return
        wanted = self.wanted()
        count = len(wanted.marks) or self._table.matching
        many = f"{number(count)} findings" if len(wanted.marks) or self._table.counted else "all findings"
        name = f"controlwatch-{wanted.query.family or 'findings'}-{wanted.at:%Y%m%dT%H%M}.csv"
        hint = "ends in .csv, .jsonl or .md; only you can read it"
        field = Field(name="path", label="File", value=name, hint=hint, fault=lambda value, _values: path_fault(value))
        form = Form(f"Write {many}: {wanted.said}", [field])
        self._on.request(
            form, lambda values, answered: self._begin(wanted, Path(values["path"]).expanduser(), answered)
        )

    def _begin(self, wanted: Wanted, path: Path, answered: Answered) -> None:
        if path.exists():
            self._on.ask(
                f"Replace {path.name}, which is there already?",
                partial(self._start, wanted, path, answered),
                partial(answered, "", "fail"),
            )
        else:
            self._start(wanted, path, answered)

    def _start(self, wanted: Wanted, path: Path, answered: Answered) -> None:
        """Write; the form is left once the first rows are in a file."""
        home, key = self._on.home, self._key()

        def far(written: int, total: int) -> None:
            _ = answered("", "text")
            home.errands.is_at(EXPORT, _far(written, total, key))

        work = partial(_write, self._on.app, partial(write, home.port.rows, wanted, path, far), path, answered)
        if not home.errands.begin(EXPORT, _far(0, 0, key), work):
            report(self._on.app, f"✖ another file is being written: {self.exporting}", "fail", answered)
        self._on.draw()

    def _key(self) -> str:
        return self._on.home.keymap.named("list.export")


def _far(written: int, total: int, key: str) -> str:
    """Say how far a file is, and which key stops it."""
    share = f", {written * 100 // total}%" if total else ""
    return f"writing {number(written)} rows{share} ({key} stops)"


async def _write(app: App[Any], written: Callable[[], Awaitable[Written]], path: Path, answered: Answered) -> None:
    """Write a file, and tell of it on whichever screen is on top by then."""
    try:
        done = await written()
    except (OSError, TimeoutError) as error:
        report(app, f"✖ {path.name} was not written: {error}", "fail", answered)
        return
    changed = "" if done.whole else "; the list changed meanwhile, which its head says"
    said = f"✔ {number(done.rows)} rows in {path.name}{changed} ({path.parent})"
    report(app, said, "pass" if done.whole else "warn", answered)
