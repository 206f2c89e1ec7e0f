"""What happened, newest first: followed or paused, narrowed by kind and by words, older pages as they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar, Self

import msgspec
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from engine.port import Event, EventQuery
from tui.density import Density
from tui.eventlog import (
    KINDS,
    Fold,
    chips,
    folded,
    fresh,
    headings,
    held_back,
    kind_chips,
    next_kind,
    nothing,
    parse_filter,
    rows,
    toggled,
    told,
)
from tui.format import clean, full, number
from tui.keys import EVENTS, Key, bindings
from tui.lines import Line, Span, line
from tui.period import SPANS
from tui.place import Place
from tui.screens.page import Page
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


class EventsScreen(Page):
    """A list of events, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(EVENTS)
    KEYS: ClassVar[tuple[Key, ...]] = EVENTS
    WAITS: ClassVar[bool] = True
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
        self._about = self._span = self._typed = self._fault = self._error = ""
        self._follows = True
        self._paused = False
        self._events: Sequence[Event] = ()
        self._folds: Sequence[Fold] = ()
        self._version = 0
        self._matching = 0
        self._new = 0
        """Events that came since the view was paused."""
        self._new_rows = 0
        """Rows that they fold into."""
        self._lately = Density()
        self._asked = False
        self._loading = False
        self._seen: object = None
        self._debounce: Timer | None = None
        self._drawn: tuple[object, list[tuple[str, Line]]] = (None, [])
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
            if self.is_mounted:
                self._again()

    def narrow(self, typed: str) -> None:
        """Filter the list, as if it was typed."""
        self._prompt.value = typed
        self._filter(typed)

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ Events"

    def held(self) -> str:
        """Say how many events the paused view does not show."""
        return f"+{number(self._new)} new" if self._paused else ""

    def body(self) -> Sequence[Widget]:
        """Give the filter, the kinds, the list and the detail."""
        return [self._chips, self._prompt, self._kinds, self._density, Container(self._list, self._detail, id="log")]

    def on_mount(self) -> None:
        """Fetch the newest."""
        self._prompt.display = False
        self._list.framed = False
        self.set_focus(self._list)
        self._again()

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list where there is room."""
        self.set_class(width >= WIDE, "wide")
        self._kinds.display = height >= 16
        self._density.display = height >= TALL and width >= WIDE

    def draw(self) -> None:
        """Draw; fetch again when something has happened, or count it while paused."""
        snapshot = self.model.snapshot
        seen = (snapshot.events[:1], len(snapshot.events)) if snapshot is not None else None
        if self._seen is not None and seen != self._seen and self._asked:
            self._again()
        self._seen = seen
        super().draw()

    def _again(self) -> None:
        """Fetch what is here again."""
        start(self, self._load, group="events", exclusive=True)

    async def _load(self) -> None:
        limit = PAGE_ROWS if self._paused else max(PAGE_ROWS, min(len(self._events), AGAIN_ROWS))
        query = msgspec.structs.replace(self._asking, offset=0, limit=limit)
        try:
            found = await self.home.port.events(query)
            if self._density.display:
                await self._lately.ask(self.home.port, query, self.model.now, self.app.size.width)
            self._error = ""
        except (OSError, TimeoutError) as error:
            self._error, self._asked = str(error), True
            self._show()
            return
        self._asked = True
        if self._paused:
            self._new = max(0, found.matching - self._matching)
            self._new_rows = len(fresh(found.events, self._events[0] if self._events else None))
        else:
            self._take(found.events, found.matching)
            if self._follows and self._folds:
                self._list.select(self._folds[0].key)
        self._show()

    @property
    def _asking(self) -> EventQuery:
        """Give the query; a range that ends now begins as long before."""
        if not self._span:
            return self._query
        return msgspec.structs.replace(self._query, since=(self.model.now - SPANS[self._span]).astimezone(UTC))

    def _take(self, events: Sequence[Event], matching: int) -> None:
        self._events, self._matching = events, matching
        self._folds = folded(events)
        self._version += 1

    async def _older(self) -> None:
        """Fetch the page below."""
        query = msgspec.structs.replace(self._asking, offset=len(self._events), limit=PAGE_ROWS)
        try:
            found = await self.home.port.events(query)
        except (OSError, TimeoutError) as error:
            self.say(f"events not fetched: {error}", "fail")
            return
        finally:
            self._loading = False
        matching = self._matching if self._paused else found.matching
        self._take([*self._events, *found.events], matching)
        self._show()

    def _show(self) -> None:
        self.unveil()
        for widget in (self._top, self._chips, self._kinds, self._density, self._list, self._detail):
            if widget.display:
                widget.redraw()

    @property
    def _fold(self) -> Fold | None:
        return next((fold for fold in self._folds if fold.key == self._list.key), None)

    def _content(self, width: int) -> Content:
        depends = (self._version, width, self.model.now.tzinfo)
        if self._drawn[0] != depends:
            self._drawn = depends, rows(self._folds, self.model.now, width - 1)
        empty = line(Span("  …", "dim")) if not self._asked else nothing(self._query, self._typed, self.home.keymap)
        if self._error:
            empty = line(Span(f"  not fetched: {clean(self._error)}", "fail"))
        older = self._matching - len(self._events)
        return Content(
            title=line(Span("Events", "strong")),
            note=line(Span("newest first", "dim")),
            head=[*held_back(self._new, self._new_rows, self.home.keymap), headings(self.model.now, width - 1)],
            rows=self._drawn[1],
            empty=[empty],
            more=lambda keys: line(Span(f"… {number(len(keys))} more here, {number(max(0, older))} older", "dim")),
        )

    def _chip_lines(self, _width: int) -> list[Line]:
        return [
            chips(
                self._query,
                typed=self._typed,
                fault=self._fault,
                follows=self._follows,
                held=self.held(),
                shown=len(self._events),
                matching=self._matching,
                about=self._about or (f"last {self._span}" if self._span else ""),
            )
        ]

    def on_board_moved(self, message: Board.Moved) -> None:
        """Tell about another event, and fetch older ones near the end."""
        if message.board is not self._list:
            return
        self._detail.redraw()
        if self._list.left < NEAR_ROWS and len(self._events) < self._matching and not self._loading and self._events:
            self._loading = True
            start(self, self._older, group="older")

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
        self._paused, self._new, self._events = False, 0, ()
        self._again()

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
            self._new = 0
            self._again()
        self._show()
