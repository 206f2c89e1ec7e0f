"""A family: its checks, and the findings of all of them or of one, filtered, sorted and paged by the engine's store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget

from engine.port import Detail, Query
from tui.columns import Sort
from tui.filters import applied, parse
from tui.findings import View, about, check_chip, page, todo, why
from tui.findings import standing as standing_lines
from tui.format import clean, number, wrap
from tui.keys import FAMILY, Key, bindings
from tui.lines import BLANK, Line, Span, line
from tui.model import FAMILIES, Item, Word
from tui.place import Place
from tui.screens.listing import Listing
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.widgets.table import Table
from tui.work import start

REST_SECONDS = 0.15
"""How long the cursor rests on a finding before its evidence is fetched."""
WIDE = 120
"""From this width on the finding under the cursor is told beside the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How a list was left."""

    check: str | None = None
    typed: str = ""
    view: View = "open"
    sort: Sort = "worst"
    reverse: bool = False
    row: int | None = None
    """The finding under the cursor."""


class FamilyScreen(Listing):
    """Findings of a family."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FAMILY)
    KEYS: ClassVar[tuple[Key, ...]] = FAMILY
    FOOTER: ClassVar[tuple[str, ...]] = (
        "list.filter",
        "list.view",
        "list.sort",
        "mark.one",
        "list.columns",
        "do.copy",
        "list.export",
        "go.back",
    )

    def __init__(self, family: str = "mfa", check: str | None = None, *, left: Left | None = None) -> None:
        super().__init__()
        self.family = family
        self._left = left or (Left(check=check) if check is not None else None)
        """How the list is to be shown once it is there."""
        self._seen: object = None
        """What the rows depend on, as it was when they were fetched."""
        self._found: Detail | None = None
        """The finding under the cursor with its evidence and history, once the cursor rests on it."""
        self._rest: Timer | None = None
        self._checks = Strips(self._check_lines, id="checks")
        self._about = Strips(self._about_lines, id="about")
        self._detail = Board(self._detail_content, id="detail", selects=False)
        self.table.query_shown = Query(family=family)

    # Places -----------------------------------------------------------------------------------------------------------

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place, as it was left there."""
        return cls(place.name, left=place.left if isinstance(place.left, Left) else None)

    def place(self) -> Place:
        """Say where this is, and how the list stands."""
        query = self.table.query_shown
        row = self.table.cursor_id
        left = Left(
            check=query.check, typed=self.typed, view=query.view, sort=query.sort, reverse=query.reverse, row=row
        )
        return Place("family", self.family, self._left if self._left is not None else left)

    def restore(self, place: Place) -> None:
        """Put the list as it was left."""
        if isinstance(place.left, Left):
            self._left = place.left
            if self.is_mounted:
                self._take_up()

    def _take_up(self) -> None:
        """Show the list as it was left here, or the last time that this family was shown."""
        kept = self.home.memory.left.get(self.family)
        left = self._left or (kept if isinstance(kept, Left) else Left())
        self._left = None
        self.typed = self.prompt.value = left.typed
        self.narrowed = parse(left.typed, self.scope())
        self.table.cursor_id = left.row
        query = Query(family=self.family, check=left.check, view=left.view, sort=left.sort, reverse=left.reverse)
        self.table.show(applied(query, self.narrowed))
        self.redraw_edges()

    def on_unmount(self) -> None:
        """Keep how the list is left, while the app runs."""
        self.home.memory.left[self.family] = self.place().left

    # What is drawn ----------------------------------------------------------------------------------------------------

    def crumbs(self) -> str:
        """Say where this is."""
        return f"controlwatch ▸ {FAMILIES.get(self.family, self.family)}"

    def body(self) -> Sequence[Widget]:
        """Give the checks, the filter, and the list beside its detail."""
        lists = Horizontal(self.table, self._detail, id="lists")
        return [self._checks, self.chips, self.prompt, self.hints, self.heads, lists, self._about]

    def on_mount(self) -> None:
        """Fetch the first page."""
        self.show_prompt(shown=False)
        self.table.focus()
        self._take_up()

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list, or below it, or leave it out."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(height < 16, "short")
        self.heads.redraw()
        self._look_closer()

    def draw(self) -> None:
        """Draw; when what the rows come from has changed, fetch them, or count what a frozen list does not show."""
        super().draw()
        seen = [(item.view.name, item.view.as_of, item.view.standing, item.view.opened_24h) for item in self.items()]
        if self._seen is not None and seen != self._seen and self.table.is_mounted:
            self.renew()
        self._seen = seen
        self.table.redraw(fresh=True)

    def items(self) -> list[Item]:
        """Give the checks of the family."""
        return self.model.family(self.family)

    def _in_view(self) -> list[Item]:
        check = self.table.query_shown.check
        return [item for item in self.items() if check in {None, item.view.name}]

    def redraw_edges(self) -> None:
        """Draw what is around the list."""
        super().redraw_edges()
        for widget in (self._checks, self._about, self._detail):
            widget.redraw()
        self._look_closer()

    def _check_lines(self, _width: int) -> list[Line]:
        spans: list[Span] = [Span(" ")]
        for item in self.items():
            picked = self.table.query_shown.check in {None, item.view.name}
            chip = check_chip(item)
            drawn = chip if picked else tuple(Span(each.text, "faint") for each in chip)
            spans += [*(each._replace(action=f"only('{item.view.name}')") for each in drawn), Span("   ")]
        return [tuple(spans)] if len(spans) > 1 else [line(Span(" no check of this family is configured", "dim"))]

    def _about_lines(self, _width: int) -> list[Line]:
        row = self.table.row
        return about(row, self.model.check(row.check) if row else None, self.model.now)

    def _look_closer(self) -> None:
        """Fetch evidence and history of the finding beside the list, once the cursor rests."""
        row = self.table.row
        if not self.has_class("wide") or row is None or (self._found is not None and self._found.row == row):
            return
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, self._fetch_detail)

    def _fetch_detail(self) -> None:
        row = self.table.row
        if row is not None:
            start(self, partial(self._load, row.id), group="detail", exclusive=True)

    async def _load(self, finding: int) -> None:
        try:
            self._found = await self.home.port.detail(finding)
        except (OSError, TimeoutError) as error:
            self.say(f"evidence not fetched: {error}", "fail")
            return
        self._detail.redraw()

    def _detail_content(self, width: int) -> Content:
        row = self.table.row
        if row is None:
            return Content(title=line(Span("Finding", "strong")))
        title = line(Span(clean(row.label, 80), "strong"))
        item = self.model.check(row.check)
        if self._found is not None and self._found.row.id == row.id:
            told = page(self._found, self.model.now, width)
            return Content(title=title, rows=[(str(index), each) for index, each in enumerate(told)])
        lines = [*standing_lines(row, self.model.now, width), BLANK, *why(row, width), BLANK]
        lines += [line(Span(" Do", "strong")), *_wrapped(todo(row, item), width)]
        if item is not None:
            lines += [BLANK, line(Span(" Check", "strong")), *_wrapped(f"{clean(row.check)}: {item.view.title}", width)]
            owner = clean(item.view.team) or "unowned"
            lines += _wrapped(f"owner {owner}, severity {clean(item.view.severity)}", width)
        rows = [(str(index), each) for index, each in enumerate(lines)]
        return Content(title=title, rows=rows)

    def nothing(self) -> Line:
        """Say why there is no row: filtered away, or proof that it was looked at."""
        table = self.table
        if self.typed:
            typed = clean(self.typed, 40)
            return line(Span(f"0 of {number(table.total)} match “{typed}”: esc clears the filter", "dim"))
        if table.query_shown.view not in {"open", "all"}:
            return line(Span(f"no finding is {table.query_shown.view}: v shows another view", "dim"))
        scope = self._in_view()
        if any(item.word is Word.BLIND for item in scope):
            told = "no finding is known, and a check is blind: this proves nothing"
            return line(Span("? ", "bold.blind"), Span(told, "dim"))
        subjects = sum(item.view.tally.population for item in scope)
        return line(Span("✔ ", "pass"), Span(f"no findings, {number(subjects)} subjects judged", "text"))

    # What the list tells ----------------------------------------------------------------------------------------------

    def on_table_opened(self, message: Table.Opened) -> None:
        """Show one finding."""
        self.home.go(self.place(), Place("finding", str(message.row.id)))

    def subject(self) -> tuple[str, str]:
        """Give the finding's subject, and its check's runbook."""
        row = self.table.row
        item = self.model.check(row.check) if row else None
        return (clean(row.subject) if row else "", item.view.runbook if item else "")

    def check_here(self) -> str:
        """Name the check that is shown alone, else that of the finding under the cursor."""
        row = self.table.row
        return self.table.query_shown.check or (row.check if row else "")

    def findings_here(self) -> Sequence[int]:
        """Give the findings that were marked one by one, else the one under the cursor."""
        return list(self.table.marks.picked) or ([self.table.cursor_id] if self.table.cursor_id is not None else [])

    def run_targets(self) -> Sequence[str]:
        """Name the sources of the family, or of the check that is shown alone."""
        return sorted({name for item in self._in_view() for name in item.view.sources})

    async def neighbour(self, finding: int, way: int) -> int | None:
        """Put the cursor on the finding after (1) or before (-1) one, and give its id; raises ``PortFault``."""
        return await self.table.neighbour(finding, way)

    def said(self) -> str:
        """Say in words what the list shows."""
        query = self.table.query_shown
        parts = [f"family {self.family}", f"view {query.view}"]
        parts += [f"check {query.check}"] * (query.check is not None) + [f"filter {self.typed}"] * bool(self.typed)
        return ", ".join(parts)

    def action_only(self, check: str) -> None:
        """Show one check of the family alone, or all again."""
        self.change(check=None if self.table.query_shown.check == check else check)

    def action_next_check(self) -> None:
        """Show the next check of the family alone, after the last one all."""
        self._step_check(1)

    def action_previous_check(self) -> None:
        """Show the previous check of the family alone, before the first one all."""
        self._step_check(-1)

    def _step_check(self, way: int) -> None:
        names: list[str | None] = [None, *(item.view.name for item in self.items())]
        check = self.table.query_shown.check
        at = names.index(check) if check in names else 0
        self.change(check=names[(at + way) % len(names)])

    def action_panel(self, place: int) -> None:
        """Show the family of that number."""
        self.home.go(Place("family", list(FAMILIES)[place - 1]))


def _wrapped(text: str, width: int) -> list[Line]:
    return [line(Span(f"  {each}")) for each in wrap(text, max(8, width - 3))]
