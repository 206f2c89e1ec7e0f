"""A menu takes the foot of the screen: one of a few things is picked by its key, by enter or by a click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.columns import COLUMNS, Column, column, column_row
from tui.format import clean, fit
from tui.keys import COLUMNS_MENU, MENU, Key, bindings
from tui.lines import Span, line
from tui.screens.once import Once
from tui.widgets.bars import Footer
from tui.widgets.board import Board, Content

FRAME_ROWS = 3
"""Rows of a menu beside its own: the rule, and two of the screen below that stay in sight."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be picked."""

    name: str
    """What the menu gives."""
    key: str
    """The letter that picks it at once; empty: none."""
    label: str
    note: str = ""


class Menu(Once, ModalScreen[str | None]):
    """Gives the name of what was picked; None when nothing was."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = bindings(MENU)
    KEYS: ClassVar[tuple[Key, ...]] = MENU

    def __init__(self, title: str, options: Sequence[Option], *, at: str = "") -> None:
        super().__init__()
        self._title = clean(title)
        self._options = options
        self._list = Board(self._content, id="menu-list")
        self._list.framed = False
        self._list.key = at or (options[0].name if options else None)
        self._foot = Footer(lambda: self.KEYS, id="foot")

    def compose(self) -> ComposeResult:
        """Put the options above the keys."""
        yield Vertical(self._list, id="menu")
        yield self._foot

    def on_mount(self) -> None:
        """Take the keys."""
        self.set_focus(self._list)

    def on_resize(self, event: events.Resize) -> None:
        """Take the rows that are needed, or as many as there are."""
        self._list.styles.height = max(2, min(self.count() + 1, event.size.height - FRAME_ROWS))

    def count(self) -> int:
        """Count the rows."""
        return len(self._options)

    def _content(self, width: int) -> Content:
        room = max(8, min(34, width // 2))
        rows = [
            (
                each.name,
                line(
                    Span(f"{each.key or ' '} ", "key"),
                    Span(fit(each.label, room), "strong"),
                    Span(f" {each.note}", "dim"),
                ),
            )
            for each in self._options
        ]
        return Content(title=line(Span(self._title, "strong")), rows=rows)

    def takes_key(self, key: events.Key) -> bool:
        """Pick by letter."""
        found = next((each for each in self._options if each.key and each.key == key.character), None)
        if found is not None:
            _ = self.dismiss(found.name)
        return found is not None

    def on_board_opened(self, message: Board.Opened) -> None:
        """Pick the row."""
        _ = self.dismiss(message.key)

    def action_pick(self) -> None:
        """Pick the row under the cursor."""
        _ = self.dismiss(self._list.key)

    def action_cancel(self) -> None:
        """Pick nothing."""
        _ = self.dismiss(None)


class ColumnsMenu(Once, ModalScreen[Sequence[str] | None]):
    """Gives the columns that are to be shown, in order, none for those that fit by themselves; None when cancelled."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = bindings(COLUMNS_MENU)
    KEYS: ClassVar[tuple[Key, ...]] = COLUMNS_MENU

    def __init__(self, view: str, shown: Sequence[str], more: Sequence[str] = ()) -> None:
        """Offer the columns of a list, and ``more`` that its rows have."""
        super().__init__()
        self._view = view
        known = ((name, column(name)) for name in dict.fromkeys((*shown, *COLUMNS, *more)))
        self._columns: dict[str, Column] = {name: each for name, each in known if each is not None}
        self._shown = [each for each in shown if each in self._columns]
        self._order = list(self._columns)
        self._list = Board(self._content, id="menu-list")
        self._list.framed = False
        self._foot = Footer(lambda: self.KEYS, id="foot")

    def compose(self) -> ComposeResult:
        """Put the columns above the keys."""
        yield Vertical(self._list, id="menu")
        yield self._foot

    def on_mount(self) -> None:
        """Take the keys."""
        self.set_focus(self._list)

    def on_resize(self, event: events.Resize) -> None:
        """Take the rows that are needed, or as many as there are."""
        self._list.styles.height = max(2, min(len(self._order) + 1, event.size.height - FRAME_ROWS))

    def _content(self, _width: int) -> Content:
        rows = [(name, column_row(self._columns[name], shown=name in self._shown)) for name in self._order]
        return Content(
            title=line(Span(f"Columns of view {self._view}", "strong")),
            note=line(Span(f"{len(self._shown)} shown", "dim")),
            rows=rows,
        )

    def action_show_or_hide(self) -> None:
        """Show the column, or hide it; one always stays."""
        name = self._list.key
        if name in self._shown and len(self._shown) > 1:
            self._shown.remove(name)
        elif name is not None and name not in self._shown:
            self._shown.append(name)
        self._shown.sort(key=self._order.index)
        self._list.redraw()

    def action_shift(self, way: int) -> None:
        """Move the column up or down."""
        name = self._list.key
        if name is None:
            return
        at = self._order.index(name)
        goal = max(0, min(at + way, len(self._order) - 1))
        self._order.insert(goal, self._order.pop(at))
        self._shown.sort(key=self._order.index)
        self._list.redraw()

    def on_board_opened(self) -> None:
        """Take the columns as they stand."""
        self.action_pick()

    def action_pick(self) -> None:
        """Take the columns as they stand."""
        _ = self.dismiss(list(self._shown))

    def action_automatic(self) -> None:
        """Let the width decide again."""
        _ = self.dismiss([])

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        _ = self.dismiss(None)
