"""What happened, newest first: followed or paused, narrowed by kind and by words, older pages as they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import ClassVar, Self

import msgspec
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from engine.port import EventQuery, Events
from tui.density import Density
from tui.eventlog import (
    KINDS,
    Fold,
    chips,
    headings,
    held_back,
    kind_chips,
    next_kind,
    nothing,
    parse_filter,
    toggled,
    told,
)
from tui.format import clean, full, number
from tui.keys import EVENTS, Key, bindings
from tui.lines import Line, Span, line
from tui.logged import Logged
from tui.period import SPANS
from tui.place import Place
from tui.screens.answered import Answered
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.widgets.log import Log
from tui.widgets.typed import Typed
from tui.work import start

WIDE = 120
"""From this width on the selected event is told beside the list."""
TALL = 36
"""From this height on it is shown how many there were lately."""
RANGES = ("1h", "24h", "7d", "30d")
DEBOUNCE_SECONDS = 0.1
PAGE_ROWS = 200
NEAR_ROWS = 20
"""This near to the end of what is here, older ones are fetched."""
AGAIN_ROWS = 1_000
"""Events that are fetched again at most when there is news; older ones come again as they are wanted."""


@dataclass(frozen=True, slots=True)
class Left:
    """How the screen was left."""

    query: EventQuery
    typed: str
    follows: bool
    key: str | None
    about: str = ""
    """What the objects and the time of the query are, in words."""
    span: str = ""
    """A range that ends now; empty: that of the query, or any time."""


def events_of(query: EventQuery, about: str) -> Place:
    """Give the place that shows what a query asks for, which is ``about`` something."""
    return Place("events", query.what, Left(query, "", follows=True, key=None, about=about))


class EventsScreen(Answered):
    """A list of events, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(EVENTS)
    KEYS: ClassVar[tuple[Key, ...]] = EVENTS
    FOOTER: ClassVar[tuple[str, ...]] = (
        "move.open",
        "list.filter",
        "events.kinds",
        "events.range",
        "events.follow",
        "events.pause",
        "events.all",
        "do.copy",
        "go.back",
    )

    def __init__(self, what: str = "") -> None:
        self._query = EventQuery(what=what)
        self._about = self._span = self._typed = self._fault = ""
        self._follows = True
        self._paused = False
        self._log = Logged()
        self._lately = Density()
        self._adding = 0
        """The turn of the question for which older events are under way."""
        self._seen: object = None
        self._debounce: Timer | None = None
        self._chips = Strips(self._chip_lines, id="chips")
        self._kinds = Strips(lambda _width: [kind_chips(self._query.kinds, self.home.keymap)], id="heads")
        self._density = Strips(lambda width: self._lately.lines(self.model.now, width), id="density")
        self._list = Log(self._content, id="events")
        self._detail = Board(lambda width: told(self._fold, self.model.now, width), id="event", selects=False)
        self._prompt = Typed(id="prompt", select_on_focus=False)
        super().__init__()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place, as it was left there."""
        page = cls(place.name)
        page.restore(place)
        return page

    def place(self) -> Place:
        """Say whose events these are, and how the list stands."""
        left = Left(self._query, self._typed, self._follows, self._list.key, self._about, self._span)
        return Place("events", self._query.what, left)

    def restore(self, place: Place) -> None:
        """Put the list as it was left."""
        if isinstance(place.left, Left):
            self._query, self._typed, self._follows = place.left.query, place.left.typed, place.left.follows
            self._list.key, self._about, self._span = place.left.key, place.left.about, place.left.span
            self._forget()
            if self.is_mounted:
                self.ask_again()

    def narrow(self, typed: str) -> None:
        """Filter the list, as if it was typed."""
        self._prompt.value = typed
        self._filter(typed)

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ Events"

    def held(self) -> str:
        """Say how many events the paused view does not show."""
        return f"+{number(self._log.new)} new" if self._paused else ""

    def body(self) -> Sequence[Widget]:
        """Give the filter, the kinds, the list and the detail."""
        lists = Container(self._list, self._detail, id="log")
        return [self.untold, self._chips, self._prompt, self._kinds, self._density, lists]

    def on_mount(self) -> None:
        """Fetch the newest."""
        self._prompt.display = False
        self._list.framed = False
        self.set_focus(self._list)
        self.ask_again()

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list where there is room."""
        self.set_class(width >= WIDE, "wide")
        self._kinds.display = height >= 16
        self._density.display = height >= TALL and width >= WIDE

    def draw(self) -> None:
        """Draw; fetch again when something has happened, or count it while paused."""
        snapshot = self.model.snapshot
        began = self.model.engine_began
        seen = (snapshot.events[:1], len(snapshot.events), began) if snapshot is not None else None
        if self._seen is not None and seen != self._seen:
            self.ask_again()
        self._seen = seen
        super().draw()

    def asked_for(self) -> str:
        """Name what is asked of the engine."""
        return "events"

    def ask_again(self) -> None:
        """Fetch what is here again, or count what a paused list does not show."""
        turn = self.answer.ask(self._asking)
        start(self, partial(self._load, turn), group="events", exclusive=True)

    async def _load(self, turn: int) -> None:
        limit = PAGE_ROWS if self._paused else max(PAGE_ROWS, min(len(self._log.events), AGAIN_ROWS))
        query = msgspec.structs.replace(self._asking, offset=0, limit=limit)
        with suppress(OSError, TimeoutError), self.answer.noting(turn):
            self._take(await self.home.port.events(query))
            self.answer.came(turn)
            if self._density.display:
                await self._lately.ask(self.home.port, query, self.model.now, self.app.size.width)
        self._show()

    @property
    def _asking(self) -> EventQuery:
        """Give the query; a range that ends now begins as long before."""
        if not self._span:
            return self._query
        return msgspec.structs.replace(self._query, since=(self.model.now - SPANS[self._span]).astimezone(UTC))

    def _take(self, found: Events) -> None:
        """Show the newest, or tell how many a paused list does not show."""
        if self._paused:
            self._log.count(found)
            return
        self._log.take(found)
        if self._follows and self._log.folds:
            self._list.select(self._log.folds[0].key)

    async def _older(self, turn: int) -> None:
        """Fetch the page below; what comes after the question has changed is of another list."""
        try:
            with suppress(OSError, TimeoutError), self.answer.noting(turn):
                found = await self.home.port.events(self._log.below(self._asking, PAGE_ROWS))
                if turn == self.answer.turn:
                    self._log.add(found)
        finally:
            if self._adding == turn:
                self._adding = 0
        self._show()

    def _show(self) -> None:
        self.tell_untold()
        for widget in (self._top, self._chips, self._kinds, self._density, self._list, self._detail):
            if widget.display:
                widget.redraw()

    @property
    def _fold(self) -> Fold | None:
        return self._log.fold(self._list.key)

    def _content(self, width: int) -> Content:
        is_here = self.answer.shown is not None
        empty = nothing(self._query, self._typed, self.home.keymap) if is_here else line(Span("  …", "dim"))
        if self.answer.error:
            empty = line(Span(f"  not fetched: {clean(self.answer.error)}", "fail"))
        return Content(
            title=line(Span("Events", "strong")),
            note=line(Span("newest first", "dim")),
            head=[*held_back(self._log.new, self._log.new_rows, self.home.keymap), headings(self.model.now, width - 1)],
            rows=self._log.rows(self.model.now, width - 1),
            empty=[empty],
            more=lambda keys: line(Span(f"… {number(len(keys))} more here, {number(self._log.older)} older", "dim")),
        )

    def _chip_lines(self, _width: int) -> list[Line]:
        return [
            chips(
                self._query,
                typed=self._typed,
                fault=self._fault,
                follows=self._follows,
                held=self.held(),
                shown=len(self._log.events),
                matching=self._log.matching if self.answer.shown is not None else None,
                error=self.answer.error,
                about=self._about or (f"last {self._span}" if self._span else ""),
            )
        ]

    def on_board_moved(self, message: Board.Moved) -> None:
        """Tell about another event, and fetch older ones near the end."""
        if message.board is not self._list:
            return
        self._detail.redraw()
        turn = self.answer.turn
        if self._list.left < NEAR_ROWS and self._log.older and self._log.events and self._adding != turn:
            self._adding = turn
            start(self, partial(self._older, turn), group="older")

    def on_board_opened(self) -> None:
        """Go to the object of the event."""
        fold = self._fold
        if fold is None:
            return
        what = fold.newest.what
        check, source = self.model.check(what), self.model.source(what)
        if check is not None:
            self.home.open_check(what)
        elif source is not None:
            self.home.action_sources(what)
        elif fold.newest.kind == "waiver":
            self.home.stack.go(Place("waivers", what))
        else:
            self.say(f"{clean(what, 60)} has no screen of its own", "dim")

    def subject(self) -> tuple[str, str]:
        """Give the event as a line, and the runbook of its check."""
        fold = self._fold
        if fold is None:
            return "", ""
        event = fold.newest
        item = self.model.check(event.what)
        text = f"{full(event.at, self.model.now)} {event.kind} {clean(event.what)} {clean(event.text)}"
        return text, item.view.runbook if item else ""

    def check_here(self) -> str:
        """Name the check of the event."""
        fold = self._fold
        return fold.newest.what if fold is not None and self.model.check(fold.newest.what) is not None else ""

    def object_here(self) -> str:
        """Stay with what is shown."""
        return self._query.what

    def action_filter(self) -> None:
        """Open the prompt."""
        self._prompt.value = self._typed
        self._prompt.display = True
        self.set_focus(self._prompt)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while typing, a moment after the last key."""
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE_SECONDS, lambda: self._filter(message.value))

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the list."""
        _ = self.close_prompt()

    def _filter(self, typed: str) -> None:
        if typed == self._typed:
            return
        self._typed = typed
        text, kinds, self._fault = parse_filter(typed)
        self._change(text=text, kinds=kinds)

    def _change(self, **changes: object) -> None:
        """Show another query, from its newest event on."""
        self._query = msgspec.structs.replace(self._query, **changes)
        self._paused = False
        self._forget()
        self.ask_again()

    def _forget(self) -> None:
        """Let go of what is here: it is of another question."""
        self._log, self._lately = Logged(), Density()
        self.answer.drop()

    def close_prompt(self) -> bool:
        """Go back to the list; what was typed stays."""
        if not self._prompt.display:
            return False
        self._prompt.display = False
        self._list.focus()
        self._filter(self._prompt.value)
        return True

    def clear_filter(self) -> bool:
        """Clear what was typed and the kinds."""
        if not (self._typed or self._query.kinds):
            return False
        self._prompt.value = self._typed = self._fault = ""
        self._change(text="", kinds=())
        return True

    def action_kinds(self) -> None:
        """Show the next kind alone, after the last one all."""
        self._change(kinds=next_kind(self._query.kinds))

    def action_kind(self, name: str) -> None:
        """Add a kind, or take it out; no name: all."""
        kind = next((each for each in KINDS if each == name), None)
        self._change(kinds=() if kind is None else toggled(self._query.kinds, kind))

    def action_all_objects(self) -> None:
        """Show the events of every object."""
        self._about = self._span = ""
        self._change(what="", whats=(), since=None, until=None)

    def action_range(self) -> None:
        """Take the next range that ends now: any time, an hour, a day, a week, a month."""
        names = ["", *RANGES]
        self._span = names[(names.index(self._span) + 1) % len(names)]
        self._about = ""
        self._change(since=None, until=None, whats=() if self._query.since else self._query.whats)

    def action_follow(self) -> None:
        """Keep the cursor on the newest, or leave it where it is."""
        self._follows = not self._follows
        if self._follows:
            self._list.move_to(0)
        self._show()

    def action_hold(self) -> None:
        """Leave the list as it is, or catch up."""
        self._paused = not self._paused
        if not self._paused:
            self.ask_again()
        self._show()
