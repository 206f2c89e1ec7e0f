"""The waivers: what is accepted, by whom, until when, what it covers now, and what waits for an approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from engine.port import EventQuery, WaiverView
from tui.actor import actor
from tui.findings import View
from tui.format import clean
from tui.keys import WAIVERS, Key, bindings
from tui.lines import Line, Span, line
from tui.place import Place
from tui.screens.family import FamilyScreen, Left
from tui.screens.matching import named_by
from tui.screens.page import Page
from tui.screens.waive import request_waiver
from tui.screens.waiver_deeds import approve_waiver, extend_waiver, reject_waiver, revoke_waiver
from tui.waiver_page import Beside, told
from tui.waivers import ENDED, listed, ordered, status, words_of
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.widgets.typed import Typed
from tui.work import start

WIDE = 120
"""From this width on the selected waiver is told beside the list."""
LOG_EVENTS = 50
AGAIN = timedelta(seconds=15)
"""How long the list is believed while nothing else says that it changed."""


class WaiversScreen(Page):
    """A list of waivers, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(WAIVERS)
    KEYS: ClassVar[tuple[Key, ...]] = WAIVERS
    FOOTER: ClassVar[tuple[str, ...]] = (
        "waiver.request",
        "waiver.approve",
        "waiver.reject",
        "waiver.extend",
        "waiver.revoke",
        "waiver.log",
        "list.filter",
        "do.copy",
        "go.back",
    )

    def __init__(self) -> None:
        self.typed = ""
        """What was typed into the filter."""
        self._waivers: Sequence[WaiverView] | None = None
        self._error = ""
        self._seen: object = None
        """What the list depends on, as it was when it was fetched."""
        self._wanted: str | None = None
        """The row to put the cursor on once it is known."""
        self._fetched_at: datetime | None = None
        self._beside: tuple[WaiverView, Beside] | None = None
        """What was looked up about a waiver."""
        self._log = False
        """Whether what became of it is told alone."""
        self._chips = Strips(self._chip_lines, id="chips")
        self._table = Board(self._list_content, id="waivers")
        self._detail = Board(self._detail_content, id="waiver", selects=False)
        self._prompt = Typed(id="prompt", select_on_focus=False)
        super().__init__()

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ Waivers"

    def place(self) -> Place:
        """Say where this is: the list, its filter, and the waiver under the cursor."""
        return Place("waivers", left=(self.typed, self._table.key))

    def restore(self, place: Place) -> None:
        """Put filter and cursor as they were; a name is the id of a waiver."""
        if isinstance(place.left, tuple):
            self.typed, self._wanted = place.left
        if place.name:
            self._wanted = f"{place.name}#0"
        if self.is_mounted:
            self._filter(self.typed)
            self._take_wanted()

    def narrow(self, typed: str) -> None:
        """Filter the list."""
        self._filter(typed)

    def body(self) -> Sequence[Widget]:
        """Give the filter, the list and the detail."""
        return [self._chips, self._prompt, Container(self._table, self._detail, id="waived")]

    def on_mount(self) -> None:
        """Fetch the waivers."""
        self._prompt.display = False
        self._chips.display = bool(self.typed)
        self.set_focus(self._table)
        self._fetch()

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list, or below it, or leave it out."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(height < 16, "short")
        self._share(height)

    def _share(self, height: int) -> None:
        rows = len(self._waivers or ()) + 3
        beside = self.has_class("wide") or self.has_class("short")
        self._table.styles.height = "1fr" if beside else max(5, min(rows, (height - 3) // 2))

    def draw(self) -> None:
        """Draw; fetch again when what the waivers come from has changed, and now and then."""
        seen = self._depends_on()
        old = self._fetched_at is not None and not timedelta(0) <= self.model.now - self._fetched_at < AGAIN
        if self._seen is not None and (seen != self._seen or old):
            self._fetch()
        self._seen = seen
        super().draw()

    def _depends_on(self) -> object:
        snapshot = self.model.snapshot
        if snapshot is None:
            return ()
        judged = [(view.name, view.judged_at, view.as_of, view.waivers) for view in snapshot.checks]
        told = snapshot.waivers_active, snapshot.waivers_expired, snapshot.waivers_error
        return told, snapshot.config_digest, snapshot.started_at, judged

    def _fetch(self) -> None:
        self._fetched_at = self.model.now
        start(self, self._load, group="waivers", exclusive=True)

    async def _load(self) -> None:
        try:
            self._waivers = await self.home.port.waivers()
            self._error = ""
        except (OSError, TimeoutError) as error:
            self._error = str(error)
        self._share(self.app.size.height)
        self._show()
        self._take_wanted()
        self._look_up()

    def _take_wanted(self) -> None:
        """Put the cursor where it is wanted, once the list is known."""
        if self._wanted is not None and self._waivers is not None:
            self._table.select(self._wanted)
            self._wanted = None
            self._show()

    def _show(self) -> None:
        for widget in (self._table, self._chips, self._detail):
            if widget.display:
                widget.redraw()

    def look_again(self) -> None:
        """Show what a command changed."""
        self._fetch()

    def _list_content(self, width: int) -> Content:
        return listed(self._waivers, self.typed, self.model, width, error=self._error)

    def _detail_content(self, width: int) -> Content:
        found = self._beside[1] if self._beside is not None and self._beside[0] == self.selected else None
        beside = found if self._log or self.has_class("wide") else None
        return told(self.selected, self.model, width, by=actor(), beside=beside, log=self._log and found is not None)

    def _chip_lines(self, _width: int) -> list[Line]:
        return [line(Span(" "), Span(f" / {clean(self.typed)} ", "chip.waived"))]

    @property
    def selected(self) -> WaiverView | None:
        """Give the waiver under the cursor; None where there is none."""
        found = dict(ordered(self._waivers or (), self.typed, self.model.now))
        return found.get(self._table.key or "")

    def subject(self) -> tuple[str, str]:
        """Give the selected waiver's id, and its check's runbook."""
        waiver = self.selected
        item = self.model.check(waiver.check) if waiver else None
        return clean(waiver.id) if waiver else "", item.view.runbook if item else ""

    def check_here(self) -> str:
        """Name the selected waiver's check."""
        return self.selected.check if self.selected is not None else ""

    def object_here(self) -> str:
        """Name the selected waiver, whose events are meant."""
        return self.selected.id if self.selected is not None else ""

    def on_board_moved(self) -> None:
        """Tell about another waiver."""
        self._detail.redraw()
        self._look_up()

    def _look_up(self) -> None:
        """Look up, in the background, which findings the selected waiver names and what became of it."""
        waiver = self.selected
        if waiver is None or (self._beside is not None and self._beside[0] == waiver):
            return
        if self._log or self.has_class("wide"):
            start(self, partial(self._looked_up, waiver), group="beside", exclusive=True)

    async def _looked_up(self, waiver: WaiverView) -> None:
        port = self.home.port
        try:
            events = await port.events(EventQuery(what=waiver.id, kinds=("waiver",), limit=LOG_EVENTS))
            named = await named_by(port, waiver.check, waiver.subjects) if waiver.subjects else None
        except (OSError, TimeoutError) as error:
            self.say(f"not looked up: {error}", "warn")
            return
        rows = named.rows if named is not None else ()
        self._beside = waiver, Beside(rows, named is None or named.whole, events.events)
        self._detail.redraw()

    def on_board_opened(self) -> None:
        """Show the findings that the waiver names."""
        waiver = self.selected
        item = self.model.check(waiver.check) if waiver else None
        if item is None:
            self.say("its check is not configured, so it has no findings", "warn")
        else:
            left = _left(waiver, item.view.name, self.model.now)
            self.home.stack.show(FamilyScreen.at(Place("family", item.view.family, left)))

    def action_waive(self) -> None:
        """Request a waiver; prefilled like an ended one, to renew it."""
        waiver = self.selected
        if waiver is None or waiver.cause:
            request_waiver(self, "")
        else:
            request_waiver(self, waiver.check, waiver.subjects)

    def action_approve(self) -> None:
        """Approve the selected request."""
        if self.selected is not None:
            approve_waiver(self, self.selected, self.send)

    def action_reject(self) -> None:
        """Turn down the selected request."""
        if self.selected is not None:
            reject_waiver(self, self.selected, self.send)

    def action_extend(self) -> None:
        """Ask for the selected waiver to go on."""
        if self.selected is not None:
            extend_waiver(self, self.selected)

    def action_log(self) -> None:
        """Tell what became of the waiver, and which findings it names; or everything else again."""
        self._log = not self._log
        self._detail.redraw()
        self._look_up()

    def action_revoke(self) -> None:
        """End the selected waiver."""
        if self.selected is not None:
            revoke_waiver(self, self.selected, self.send)

    def action_filter(self) -> None:
        """Open the prompt."""
        self._prompt.value = self.typed
        self._prompt.display = True
        self.set_focus(self._prompt)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while typing."""
        self._filter(message.value)

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the list."""
        _ = self.close_prompt()

    def _filter(self, typed: str) -> None:
        self.typed = typed
        self._chips.display = bool(typed)
        self._show()

    def close_prompt(self) -> bool:
        """Close the prompt; False when it is not open."""
        was = bool(self._prompt.display)
        if was:
            self._prompt.display = False
            self._table.focus()
        return was

    def clear_filter(self) -> bool:
        """Clear the filter; False when there is none."""
        was = bool(self.typed)
        self._prompt.value = ""
        self._filter("")
        return was


def _left(waiver: WaiverView | None, check: str, now: datetime) -> Left:
    """Say how the list of a check's findings shows those that a waiver names."""
    if waiver is None:
        return Left(check=check)
    view: View = "all" if waiver.covers and status(waiver, now) not in ENDED else "open"
    return Left(check=check, typed=words_of(waiver.subjects[0]) if len(waiver.subjects) == 1 else "", view=view)
