"""A family: its checks, and the findings of all of them or of one, filtered, sorted and paged by the engine's store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from engine.port import Detail, Query, Row
from tui.columns import Sort
from tui.family import checks, data, judged, nothing_found, split, told_of
from tui.filters import applied, parse, whole
from tui.findings import Sight, View, about, place
from tui.format import clean, number
from tui.glance import trend
from tui.header import header
from tui.keys import FAMILY, Key, bindings
from tui.lines import BLANK, Line, Span, line
from tui.model import FAMILIES, Item
from tui.outages import outages
from tui.place import Place
from tui.screens.answered import last_deed
from tui.screens.closer import Closer
from tui.screens.listing import Listing
from tui.screens.waive import waive_blind
from tui.status import sources_of
from tui.widgets.bars import Strips
from tui.widgets.table import Table

WIDE = 120
"""From this width on the finding under the cursor is told beside the list."""
VAST = 200
"""From this width on that page has two columns of its own."""
LOW, TALL = 16, 36
"""Below so many rows the list is all there is; from so many on what a source costs is told of three of them."""
ROOMY = (100, 30)
"""Columns and rows from which on the past of one check is told."""


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
        "waiver.request",
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
        self._checks = Strips(self._check_lines, id="checks")
        self._outages = Strips(self._outage_lines, id="outages")
        self._place = Strips(self._place_lines, id="place")
        self._about = Strips(self._about_lines, id="about")
        self._closer = Closer(self, self.table)
        self.table.query_shown = Query(family=family)
        self.table.scrolled = self._place.redraw

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
        """Give the checks, what is not told, the filter, and the list beside its detail."""
        lists = Horizontal(Vertical(self.heads, self.table, self._place, id="list"), self._closer.board, id="lists")
        return [self._checks, self._outages, self.untold, self.chips, self.prompt, self.hints, lists, self._about]

    def on_mount(self) -> None:
        """Fetch the first page."""
        self.show_prompt(shown=False)
        self.set_focus(self.table)
        self._take_up()

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list, or below it, or leave it out."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(width >= VAST, "vast")
        self.set_class(height < LOW, "short")
        self._checks.styles.height = 2 if width >= ROOMY[0] and height >= ROOMY[1] else 1
        self._make_room()
        self.heads.redraw()
        self._look_closer()

    def _make_room(self) -> None:
        """Give what is not told the lines that it needs."""
        told = len(self._outage_lines(80))
        self._outages.display = told > 0
        if self._outages.styles.height is None or self._outages.styles.height.value != max(1, told):
            self._outages.styles.height = max(1, told)

    def draw(self) -> None:
        """Draw; when what the rows come from has changed, fetch them, or count what a frozen list does not show."""
        self.look_back()
        self._make_room()
        super().draw()
        told = [(item.view.name, item.view.as_of, item.view.standing, item.view.opened_24h) for item in self.items()]
        seen = (told, last_deed(self.model, {item.view.name for item in self.items()}), self.model.engine_began)
        if self._seen is not None and seen != self._seen and self.table.is_mounted:
            self.renew()
        self._seen = seen
        self.table.redraw(fresh=True)

    def go_on(self) -> None:
        """Ask again for the evidence of the finding under the cursor, too."""
        self._closer.go_on()
        super().go_on()

    def items(self) -> list[Item]:
        """Give the checks of the family."""
        return self.model.family(self.family)

    def _in_view(self) -> list[Item]:
        check = self.table.query_shown.check
        return [item for item in self.items() if check in {None, item.view.name}]

    def redraw_edges(self) -> None:
        """Draw what is around the list."""
        super().redraw_edges()
        self._make_room()
        for widget in (self._top, self._checks, self._outages, self._place, self._about):
            widget.redraw()
        self._closer.turn()
        self._look_closer()

    def kept_as(self) -> str:
        """Name the family and the view for which columns are kept: each family compares facts of its own."""
        return f"{self.family} {self.table.query_shown.view}"

    def judged(self) -> int | None:
        """Count the subjects that the checks in view judged; None where that is not known exactly."""
        return judged(self._in_view())

    def beside_chips(self) -> Line:
        """Say how the subjects stand that were judged; where there is no line below the list, which row is which."""
        return super().beside_chips() if self.has_class("short") else split(self._in_view())

    def _top_lines(self, width: int) -> list[Line]:
        """Draw the header, with the data of the checks in view."""
        read = {source.name: source for item in self._in_view() for source in sources_of(item, self.model)}
        told = data([source for source in self.model.sources if source.name in read], self.model.now)
        return header(self.model, self.crumbs(), width, rights=self.home.rights, held=self.held(), data=told)

    def _check_lines(self, width: int) -> list[Line]:
        shown = self.table.query_shown.check
        lead, past = told_of(self.items(), shown), self.past
        strip = checks(self.items(), shown, width, self.model.now)
        return [strip, BLANK if lead is None or past is None else trend(past, lead, width)]

    def _outage_lines(self, width: int) -> list[Line]:
        return outages(self._in_view(), self.model, width, 3 if self.app.size.height >= TALL else 1)

    def _place_lines(self, width: int) -> list[Line]:
        table = self.table
        sight = Sight(table.index, table.matching, int(table.scroll_offset.y), table.size.height)
        return [place(table.row if table.counted else None, sight, width)]

    def _about_lines(self, width: int) -> list[Line]:
        row = self.table.row
        return about(row, self.model.check(row.check) if row else None, self.model, width)

    def _look_closer(self) -> None:
        if self.has_class("wide"):
            self._closer.look()

    def nothing(self) -> Line:
        """Say why there is no row: filtered away, or proof that it was looked at."""
        table = self.table
        if self.typed:
            typed = clean(self.typed, 40)
            clears = f"{self.home.keymap.named('go.back')} clears the filter"
            return line(Span(f"0 of {number(table.total)} match “{typed}”: {clears}", "dim"))
        if table.query_shown.view not in {"open", "all"}:
            shows = f"{self.home.keymap.named('list.view')} shows another view"
            return line(Span(f"no finding is {table.query_shown.view}: {shows}", "dim"))
        return nothing_found(self._in_view(), self.model.now, self.home.keymap)

    # What the list tells ----------------------------------------------------------------------------------------------

    def on_table_opened(self, message: Table.Opened) -> None:
        """Show one finding."""
        self.home.stack.go(self.place(), Place("finding", str(message.row.id)))

    def action_open_here(self) -> None:
        """Show the finding under the cursor alone."""
        self.table.action_open()

    def action_scroll_detail(self, way: int) -> None:
        """Scroll the page beside the list."""
        self._closer.scroll(way)

    def action_alike(self) -> None:
        """Show only the findings of the same check with the same reason: a filter, which esc clears."""
        row = self.table.row
        if row is not None:
            self.narrow(f"{whole('check', row.check)} {whole('reason', row.reason)}")

    def action_similar(self) -> None:
        """Do what the text of the page beside the list says of those that are alike."""
        self.action_alike()

    def subject(self) -> tuple[str, str]:
        """Give the finding's subject, and its check's runbook."""
        row = self.table.row
        item = self.model.check(row.check) if row else None
        return (clean(row.subject) if row else "", item.view.runbook if item else "")

    def check_here(self) -> str:
        """Name the check that is shown alone, else that of the finding under the cursor."""
        row = self.table.row
        return self.table.query_shown.check or (row.check if row else "")

    def finding_here(self) -> Row | None:
        """Give the finding under the cursor."""
        return self.table.row

    def run_targets(self) -> Sequence[str]:
        """Name the sources of the family, or of the check that is shown alone."""
        return sorted({name for item in self._in_view() for name in item.view.sources})

    def detail_here(self) -> Detail | None:
        """Give what was told of the finding under the cursor beside the list."""
        return self._closer.found

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

    def action_waive(self) -> None:
        """Request a waiver of the findings, or of what a source cannot tell a check without any."""
        if self.table.row is None and not len(self.table.marks):
            waive_blind(self, self._in_view(), "")
        else:
            super().action_waive()
