"""What became of every check over a period: strips, the day under the cursor, coverage and failures, breaches."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Self

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from engine.port import EventQuery, PastQuery
from engine.port.timeline import DAY
from tui.ahead import ahead
from tui.breaches import breach_list
from tui.calendar import keys, strips, told, when_of
from tui.difference import difference
from tui.keys import HISTORY, Key, bindings
from tui.lines import BLANK, Line, Span, line
from tui.lookback import Lookback, WaiversRead
from tui.model import FAMILIES
from tui.period import AUDIT, SPANS, Period, named, rezoned, zoomed
from tui.place import Place
from tui.scene import Scene, scene
from tui.screens.events import EventsScreen, events_of
from tui.screens.family import FamilyScreen
from tui.screens.packing import pack_form
from tui.screens.page import Page
from tui.screens.periods import period_form
from tui.trends import plots
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.work import start

WIDE = 120
"""From this width on the breaches are beside the strips."""
TALL = 36
"""From this height on the checks of all families are shown at first."""
SIDE = 48
"""Columns of the breaches, where they are beside."""
WIDEST = 150
"""From this width on they are told wider."""
SIDE_WIDEST = 56
_FIRST = "30d"
TIME, DIFFERENCE, AHEAD = "time", "difference", "ahead"
"""What is below the strips: plots over time, what the cursor's cell changed, or ages and ends."""


@dataclass(frozen=True, slots=True)
class Left:
    """How the screen was left."""

    period: Period
    opened: frozenset[str]
    key: str | None
    at: datetime | None
    lower: str = TIME


class HistoryScreen(Page):
    """Strips over plots, on one axis of time."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(HISTORY)
    KEYS: ClassVar[tuple[Key, ...]] = HISTORY
    FOOTER: ClassVar[tuple[str, ...]] = (
        "history.later",
        "history.closer",
        "history.range",
        "move.open",
        "history.difference",
        "history.pack",
        "history.breaches",
        "history.ahead",
    )

    def __init__(self, name: str = "") -> None:
        self._check = name
        """The check that was asked for; empty: all."""
        self._lookback = Lookback()
        self._period: Period | None = None
        """None: not chosen yet, since it is not known how far back anything is known."""
        self._audit: Period | None = None
        self._opened: frozenset[str] = frozenset()
        self._at: datetime | None = None
        """An instant in the cursor's cell."""
        self._lower = TIME
        self._waivers = WaiversRead()
        self._packing = ""
        """What became of the evidence pack that was asked for last."""
        self._scene: tuple[object, Scene] | None = None
        self._strips = Board(self._strip_content, id="strips")
        self._strips.framed = False
        self._about = Strips(self._about_lines, id="about")
        self._plots = Strips(self._plot_lines, id="plots")
        self._breaches = Board(self._breach_content, id="breaches")
        self._breaches.framed = False
        super().__init__()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a check, as it was left."""
        page = cls(place.name)
        page.restore(place)
        return page

    def place(self) -> Place:
        """Say what is looked at, and how."""
        left = Left(self.period, self._opened, self._strips.key, self._at, self._lower)
        return Place("history", self._check, left if self._period else None)

    def restore(self, place: Place) -> None:
        """Look at it as it was left."""
        if isinstance(place.left, Left):
            self._period, self._opened = place.left.period, place.left.opened
            self._audit = place.left.period if place.left.period.name == AUDIT else None
            self._strips.key, self._at, self._lower = place.left.key, place.left.at, place.left.lower
            if self.is_mounted:
                self.draw()

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ History"

    def body(self) -> Sequence[Widget]:
        """Give strips, what the cursor is on, plots and breaches."""
        return [Horizontal(Vertical(self._strips, self._about, self._plots, id="over-time"), self._breaches, id="past")]

    def on_mount(self) -> None:
        """Start on the check that was asked for."""
        if self.size.height >= TALL and self._scene is None and not self._opened:
            self._opened = frozenset(item.view.family for item in self.model.items)
        item = self.model.check(self._check)
        if item is not None and self._strips.key is None:
            self._opened |= {item.view.family}
            self._strips.key = f"{item.view.family}/{item.view.name}"
        self.set_focus(self._strips)

    def lay_out(self, width: int, height: int) -> None:
        """Put the breaches beside the strips where there is room, and give the strips what they need."""
        self.set_class(width >= WIDE, "wide")
        side = SIDE_WIDEST if width >= WIDEST else SIDE
        self._breaches.styles.width = side if width >= WIDE else "1fr"
        self._about.styles.height = 3 if self._packing else 2
        rows = len(keys(self.model.items, self._opened)) + 2
        self._strips.styles.height = max(4, min(rows, (height - 3) // 2))

    @property
    def period(self) -> Period:
        """Give the period; one that ends now is taken anew."""
        found = self._period
        if found is None:
            return named(_FIRST, self.model.now)
        if found.name in SPANS:
            return named(found.name, self.model.now)
        zone = self.model.now.tzinfo
        return found if found.since.utcoffset() == self.model.now.utcoffset() else rezoned(found, zone)

    def draw(self) -> None:
        """Draw, and ask again what is too old."""
        period = self.period
        query = self._lookback.due(self.model, period.since, period.until)
        if query is not None:
            start(self, partial(self._load, query), group="past", exclusive=True)
        if self._waivers.due(self.model):
            start(self, self._load_waivers, group="waivers", exclusive=True)
        self.lay_out(*self.app.size)
        super().draw()

    async def _load(self, query: PastQuery) -> None:
        await self._lookback.ask(self.home.port, query)
        if self._period is None and self._lookback.told_at is not None:
            self._period = self._first_period()
        self.draw()

    async def _load_waivers(self) -> None:
        """Fetch what the breaches and the ends are told with; without it they say so."""
        await self._waivers.ask(self.home.port)
        self.draw()

    def _first_period(self) -> Period:
        """Begin with the shortest range that holds all that is known, at most thirty days."""
        days = [day.first_at for past in self._lookback.pasts.values() for day in past.days]
        known = self.model.now - min(days, default=self.model.now)
        name = next((name for name in SPANS if name == _FIRST or (days and known < SPANS[name])), _FIRST)
        return named(name, self.model.now)

    def scene(self, width: int) -> Scene:
        """Lay out what is known; made once for each answer, period and width."""
        horizon = self._lookback.horizon(self.model.now)
        drawn = scene(self.model, self._lookback.pasts, self.period, horizon, width)
        standings = tuple((item.view.name, item.word, item.view.standing.threshold) for item in drawn.items)
        zone = drawn.period.since.utcoffset()
        key = (self._lookback.version, drawn.period, zone, horizon, width, tuple(drawn.limits.items()), standings)
        if self._scene is None or self._scene[0] != key:
            self._scene = (key, drawn)
        return self._scene[1]

    @property
    def _shown(self) -> Scene:
        """Give the scene as wide as the strips are."""
        return self.scene(max(20, self._strips.size.width - 1))

    @property
    def cursor(self) -> int | None:
        """Give the cursor's cell; None while there is no cursor, or outside the period."""
        found = self._shown.edges
        if self._at is None or not found[0] <= self._at < found[-1]:
            return None
        return bisect_right(found, self._at) - 1

    def _strip_content(self, width: int) -> Content:
        note = "…" if self._lookback.told_at is None and not self._lookback.error else ""
        if self._lookback.error:
            note = "! not fetched"
        return strips(self.scene(width - 1), self._opened, self.cursor, self._strips.key, note)

    def _about_lines(self, _width: int) -> list[Line]:
        error = self._lookback.error
        fault = line(Span(f" ! not fetched: {error}", "stale")) if error else line(Span(" …", "dim"))
        if self._lookback.told_at is None:
            return [fault, BLANK]
        first, second = told(self._shown, self._strips.key, self.cursor)
        return [first, fault if error else second, line(Span(f" {self._packing}", "strong"))]

    def _plot_lines(self, _width: int) -> list[Line]:
        height = self._plots.size.height
        if self._lower == DIFFERENCE:
            return difference(self._shown, self.cursor, height, self.home.keymap)
        if self._lower == AHEAD:
            return ahead(self.model, self._shown, self._strips.key, height, self._waivers.known)
        return plots(self._shown, self._strips.key, self.cursor, height)

    def _breach_content(self, width: int) -> Content:
        return breach_list(self._shown, self._strips.key, width, self._waivers.known, self._breaches.key)

    def check_here(self) -> str:
        """Name the check of the row, or the one that is plotted for its family."""
        key = self._strips.key
        item = self._shown.lead(key) if key is not None else None
        return item.view.name if item is not None else ""

    def subject(self) -> tuple[str, str]:
        """Give the check's name and its runbook."""
        item = self.model.check(self.check_here())
        return (item.view.name, item.view.runbook) if item else ("", "")

    def on_board_moved(self, message: Board.Moved) -> None:
        """Tell about another row."""
        if message.board is self._strips:
            self.draw()

    def on_board_opened(self, message: Board.Opened) -> None:
        """Go to the events of the cursor's day; without a cursor open a family, or go to the findings of a check."""
        if message.board is self._breaches:
            self._go_to_breach(int(message.key))
            return
        if self.cursor is not None:
            self._open_cell(message.key, self.cursor)
            return
        family, _, name = message.key.partition("/")
        if name:
            self.home.stack.show(FamilyScreen(family, name))
        else:
            self.action_expand()

    def _open_cell(self, key: str, cell: int) -> None:
        """Show what happened to a row's checks, and to their sources, in the time of a cell."""
        drawn = self._shown
        family, _, name = key.partition("/")
        views = [item.view for item in drawn.items if item.view.family == family and name in {"", item.view.name}]
        whats = tuple(dict.fromkeys(each for view in views for each in (view.name, *view.sources)))
        since, until = drawn.edges[cell], min(drawn.edges[cell + 1], drawn.period.until)
        query = EventQuery(whats=whats, since=since.astimezone(UTC), until=until.astimezone(UTC))
        about = f"{name or FAMILIES[family]}, {when_of(drawn.edges[cell], drawn.edges[cell + 1])}"
        self.home.stack.show(EventsScreen.at(events_of(query, about)))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the cell under the pointer."""
        board, drawn = self._strips.region, self._shown
        column = event.screen_x - board.x - drawn.name_width - 2
        cell = column // drawn.stride
        if board.contains(event.screen_x, event.screen_y) and 0 <= cell < len(drawn.edges) - 1:
            self._put(cell)

    def action_cell(self, way: int) -> None:
        """Move the cursor along the axis of time; it appears on the latest cell."""
        found = self._shown.edges
        latest = max(0, min(len(found) - 2, bisect_right(found, self._shown.horizon) - 1))
        here = self.cursor
        self._put(latest if here is None else max(0, min(len(found) - 2, here + way)))

    def _put(self, cell: int) -> None:
        self._at = self._shown.edges[cell]
        self.draw()

    def action_expand(self) -> None:
        """Show the checks of the row's family, or hide them."""
        family = (self._strips.key or "").partition("/")[0]
        if not family:
            return
        if family in self._opened:
            self._strips.key = family
        self._opened ^= {family}
        self.draw()

    def action_range(self) -> None:
        """Take the next range: a day up to a year, then the audit period, if one was named."""
        names = [*SPANS, *([AUDIT] if self._audit else [])]
        here = self.period.name
        name = names[(names.index(here) + 1) % len(names)] if here in names else _FIRST
        self._look_at(self._audit if name == AUDIT and self._audit else named(name, self.model.now))

    def action_closer(self, way: int) -> None:
        """Look closer at the cursor's cell, or from further away."""
        drawn = self._shown
        centre = self._at or min(drawn.horizon, drawn.period.until)
        self._look_at(zoomed(self.period, centre, way, self.model.now))

    def action_period(self) -> None:
        """Ask for the first and the last day, as of an audit."""
        now = self.model.now
        first = self._audit.since if self._audit else now - 365 * DAY
        last = self._audit.until - DAY if self._audit else now
        period_form(self, first, last, self._named)

    def _named(self, period: Period) -> None:
        self._audit = period
        self._look_at(period)

    def _look_at(self, period: Period) -> None:
        self._period = period
        self.draw()

    def action_difference(self) -> None:
        """Show what the cursor's cell changed, or the plots again."""
        self._below(DIFFERENCE)
        if self._lower == DIFFERENCE and self.cursor is None:
            self.action_cell(0)

    def action_ahead(self) -> None:
        """Show ages and ends, or the plots again."""
        self._below(AHEAD)

    def _below(self, what: str) -> None:
        self._lower = TIME if self._lower == what else what
        self.draw()

    def action_pack(self) -> None:
        """Ask where to, and make an evidence pack of the range."""
        pack_form(self, self.period, self._packed)

    def _packed(self, told: str) -> None:
        self._packing = told
        self.lay_out(self.size.width, self.size.height)
        self.call_after_refresh(self.draw)

    def action_breaches(self) -> None:
        """Go to the list of breaches and back; on a narrow screen it takes the plots' place."""
        if self._breaches.has_focus:
            self.remove_class("listing")
            self._strips.focus()
        else:
            self.add_class("listing")
            self._breaches.focus()
        self.call_after_refresh(self.draw)

    def close_prompt(self) -> bool:
        """Leave the list of breaches; False when that is not where one is."""
        was = self._breaches.has_focus
        if was:
            self.action_breaches()
        return was

    def action_breach(self, way: int) -> None:
        """Put the cursor where the next or the previous breach began."""
        key = self._strips.key
        starts = [self._in_period(breach.start) for breach in self._shown.breaches(key)] if key else []
        here = self._at
        ahead = [start for start in starts if here is None or (start > here if way > 0 else start < here)]
        if not ahead:
            self.say("no further breach in this period", "dim")
            return
        self._at = min(ahead) if way > 0 and here is not None else max(ahead)
        self.draw()

    def _go_to_breach(self, index: int) -> None:
        found = self._shown.breaches(self._strips.key or "")
        if index < len(found):
            self._at = self._in_period(found[index].start)
            self.draw()

    def _in_period(self, instant: datetime) -> datetime:
        return max(instant, self._shown.edges[0])
