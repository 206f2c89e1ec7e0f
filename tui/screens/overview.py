"""The overview answers within five seconds: what is red, since when, whose, is the data fresh, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget

from checks.model.state import State
from tui.attention import GROUP, key_of, selection, worst_first
from tui.glance import glance
from tui.header import header
from tui.keys import OVERVIEW, Key, bindings
from tui.lines import Line
from tui.model import FAMILIES, attention, leaves_in_doubt
from tui.panels import configured, event_of, events, panel, unset
from tui.place import Place
from tui.screens.family import FamilyScreen, Left
from tui.screens.page import Page
from tui.screens.waive import waive_blind
from tui.widgets.bars import Strips
from tui.widgets.board import Board, Content
from tui.yesterday import changed, moves, told

SMALL = (80, 24)
"""Below this only the worst-first list is shown."""
LARGE = (120, 36)
"""From here on the lists have frames, and events are shown."""


TALL = 30
"""From so many rows on three lines tell about the selected row, else two."""
GLANCE = 6
"""Lines that a panel likes to have below its checks."""
FEW = 6
"""Lines of the worst first in a large terminal as long as it has few rows to show."""
_EDGES = 3
"""Lines of a panel that are neither checks nor below them."""
_AROUND = 5
"""Lines of the header, the selection and the footer."""
_ODD = 3
"""Panels of which the last has no neighbour."""
_ROOMY = 4
"""With so many of them a panel tells in one how much was judged."""


class OverviewScreen(Page):
    """Four panels that never move, and the worst first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(OVERVIEW)
    KEYS: ClassVar[tuple[Key, ...]] = OVERVIEW
    FOOTER: ClassVar[tuple[str, ...]] = (
        "go.panel",
        "move.next_bad",
        "do.run",
        "do.runbook",
        "go.sources",
        "go.history",
        "overview.changed",
        "app.quit",
    )

    def __init__(self) -> None:
        self._worst = Board(self._worst_first, id="worst")
        self._panels = [Board(partial(self._panel, family), id=family) for family in FAMILIES]
        self._events = Board(lambda _width: events(self.model, settled=not self._events.has_focus), id="events")
        self._changed = Board(lambda width: changed(self.model, self.past, width), id="changed")
        for board in (self._worst, *self._panels, self._events, self._changed):
            board.settles = board.leads = True
        self._about = Strips(self._selection, id="about")
        self._grid = Container(*self._panels, id="panels")
        self._unset = Strips(lambda _width: [unset(self.model)], id="unset")
        self._has_many = False
        """Whether the worst first had more rows than a few; it keeps their room, so that nothing moves twice."""
        super().__init__()

    def place(self) -> Place:
        """Say which row of which board has the cursor."""
        board = self.focused if isinstance(self.focused, Board) else self._worst
        return Place("overview", "", (board.id, board.chosen))

    def restore(self, place: Place) -> None:
        """Put the cursor where it was."""
        for board in (self._worst, *self._panels):
            if isinstance(place.left, tuple) and board.id == place.left[0] and board.display:
                self.set_focus(board)
                board.select(str(place.left[1] or ""))

    def object_here(self) -> str:
        """Mean the events of all: this is the top."""
        return ""

    def crumbs(self) -> str:
        """Name the product: this is the top."""
        return "controlwatch"

    def body(self) -> Sequence[Widget]:
        """Give the worst first, the panels, the events and the selection."""
        latest = Horizontal(self._events, self._changed, id="latest")
        return [self._worst, self._grid, self._unset, latest, self._about]

    def on_mount(self) -> None:
        """Start on the worst."""
        self.set_focus(self._worst)

    def lay_out(self, width: int, height: int) -> None:
        """Give each board its share of the terminal."""
        single = width < SMALL[0] or height < SMALL[1]
        large = width >= LARGE[0] and height >= LARGE[1]
        self.set_class(single, "single")
        self.set_class(large, "large")
        self._worst.framed = large
        self._about.styles.height = 3 if height >= TALL else 2
        self._has_many = False
        if single:
            self.set_focus(self._worst)
            self._worst.styles.height = "1fr"
            return
        self._share(height)

    def _share(self, height: int) -> None:
        """Give the worst first and the panels what they need, and the events the rest, where they are shown."""
        if self._zoom is not None or self.has_class("single"):
            return
        shown = configured(self.model)
        self._arrange(shown)
        ranks = (len(shown) + 1) // 2
        most = max((len(self.model.family(family)) for family in FAMILIES), default=0) + _EDGES
        if self.has_class("large"):
            few, many = FEW, max(8, (height - _AROUND) // (2 + ranks))
            self._grid.styles.height = ranks * min(max(most + GLANCE, 7), (height - 2) // 4)
        else:
            few = max(5, height // 5)
            many = max(few, height - _AROUND - self.has_class("part") - ranks * (most + 2))
            self._grid.styles.height = "1fr"
        room = few - (_EDGES if self._worst.framed else 1)
        self._has_many = self._has_many or len(attention(self.model)) > room
        self._worst.styles.height = many if self._has_many else few

    def _arrange(self, shown: Sequence[str]) -> None:
        """Show the panels of families with checks, two side by side; a last odd one is as wide as both."""
        self.set_class(len(shown) < len(FAMILIES), "part")
        for board in self._panels:
            board.display = board.id in shown
            board.styles.column_span = 2 if len(shown) == _ODD and board.id == shown[-1] else 1
            if board.has_focus and not board.display:
                self.set_focus(self._worst)
        self._grid.styles.grid_size_columns = min(2, len(shown))
        self._grid.styles.grid_size_rows = (len(shown) + 1) // 2

    def draw(self) -> None:
        """Draw, the panels as high as their checks need; ask for the past again when it is too old."""
        self._share(self.app.size.height)
        self.look_back()
        super().draw()

    def _top_lines(self, width: int) -> list[Line]:
        """Draw the header, with what changed since yesterday once it is known."""
        drawn = self.past
        moved = told(self.model, None if drawn is None else moves(self.model, drawn))
        return header(self.model, self.crumbs(), width, rights=self.home.rights, held=self.held(), moved=moved)

    def _panel(self, family: str, width: int) -> Content:
        board = self._panels[list(FAMILIES).index(family)]
        room = board.size.height - 3 - len(self.model.family(family))
        below = glance(self.model, self.past, family, width, room if room < _ROOMY else room - 1)
        return panel(self.model, family, list(FAMILIES).index(family) + 1, width, board.size.height, below)

    def _worst_first(self, width: int) -> Content:
        return worst_first(self.model, width)

    def _selection(self, _width: int) -> list[Line]:
        return selection(self.model, self.selected, self.past)

    @property
    def selected(self) -> str | None:
        """Give the key of the row under the cursor."""
        board = self.focused
        return board.key if isinstance(board, Board) and board is not self._events else self._worst.key

    def check_here(self) -> str:
        """Name the check under the cursor; empty on a blind source."""
        key = self.selected or ""
        return "" if key.startswith(GROUP) else key

    def subject(self) -> tuple[str, str]:
        """Give the check or the source under the cursor."""
        key = self.selected or ""
        if key.startswith(GROUP):
            return key.removeprefix(GROUP).partition(":")[0], ""
        item = self.model.check(key)
        return (key, item.view.runbook) if item else ("", "")

    def run_targets(self) -> Sequence[str]:
        """Name the sources of the selected check, or the blind source."""
        key = self.selected or ""
        if key.startswith(GROUP):
            return [name for name in [self.subject()[0]] if name]
        item = self.model.check(key)
        return list(item.view.sources) if item else []

    def action_waive(self) -> None:
        """Request a waiver of what the selected blind source cannot tell."""
        item = self.model.check(self.selected or "")
        name = self.subject()[0]
        items = [item] if item else [each for each in self.model.items if name in each.view.sources]
        waive_blind(self, items, "" if item else name)

    def on_board_moved(self) -> None:
        """Tell about another row."""
        self._about.redraw()

    def on_board_opened(self, message: Board.Opened) -> None:
        """Go to the findings of a check, or to the source that is blind."""
        key = message.key
        if message.board is self._events:
            self._open_event(key)
        elif message.board is self._changed:
            self._open_moved(key)
        elif key.startswith(GROUP):
            self._open_blind(key)
        else:
            self._open_check(key)

    def _open_blind(self, key: str) -> None:
        """Show the source that does not tell; where it has told all, the subjects that cannot be judged by it."""
        group = next((each for each in self.model.groups if key_of(each) == key), None)
        name = self.subject()[0]
        if group is None or not self.model.tells_all(name) or group.items[0].view.standing.tally is None:
            self.home.action_sources(name)
            return
        first, *others = (item.view for item in group.items)
        alone = None if any(each.family == first.family for each in others) else first.name
        typed = "status:blind" if leaves_in_doubt(name, group.items[0]) else ""
        self.home.stack.show(FamilyScreen(first.family, left=Left(check=alone, typed=typed)))

    def _open_check(self, name: str) -> None:
        item = self.model.check(name)
        if item is None:
            return
        if item.state is State.PENDING and item.view.sources:
            self.home.action_sources(item.view.sources[0])
        else:
            self.home.stack.show(FamilyScreen(item.view.family, name))

    def _open_moved(self, name: str) -> None:
        """Show which findings of a check moved: those that are new, else those that were resolved."""
        item = self.model.check(name)
        if item is None or not (item.view.opened_24h or item.view.resolved_24h):
            self._open_check(name)
        else:
            left = Left(check=name, view="new" if item.view.opened_24h else "resolved")
            self.home.stack.show(FamilyScreen(item.view.family, name, left=left))

    def _open_event(self, key: str) -> None:
        event = event_of(self.model, key)
        if event is None:
            return
        if self.model.source(event.what) is not None:
            self.home.action_sources(event.what)
        else:
            self._open_check(event.what)

    def action_panel(self, place: int) -> None:
        """Focus a panel; the second time, open its family."""
        board = self._panels[place - 1]
        if self.focused is board or not board.display or self.has_class("single"):
            self.home.stack.show(FamilyScreen(list(FAMILIES)[place - 1]))
        else:
            self.set_focus(board)

    def action_changed(self) -> None:
        """Go to what changed since yesterday, and back; on a small screen it takes the panels' place."""
        if self._changed.has_focus:
            self.remove_class("diff")
            self.set_focus(self._worst)
        else:
            self.add_class("diff")
            self.set_focus(self._changed)
        self.call_after_refresh(self.draw)

    def to_first(self) -> None:
        """Put the cursor on the worst first."""
        if not self.close_prompt():
            self.set_focus(self._worst)

    def close_prompt(self) -> bool:
        """Leave what changed since yesterday; False when that is not where one is."""
        was = self._changed.has_focus
        if was:
            self.action_changed()
        return was

    def action_next_bad(self) -> None:
        """Go to the next thing that does not pass."""
        self._step(1)

    def action_previous_bad(self) -> None:
        """Go to the previous thing that does not pass."""
        self._step(-1)

    def _step(self, way: int) -> None:
        if self.focused is self._worst:
            self._worst.action_down() if way > 0 else self._worst.action_up()
        else:
            self.set_focus(self._worst)
