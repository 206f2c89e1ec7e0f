"""A board is a framed list: a title, a heading, rows with a cursor that stays on its row by key, and a foot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from tui.keys import MOVE, bindings
from tui.lines import BLANK, Line, Span, crop, frame_bottom, frame_side, frame_top, line, rule
from tui.widgets.painted import Painted


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a board shows, for one width."""

    title: Line
    note: Line = BLANK
    head: Sequence[Line] = ()
    """Above the rows; never scrolls."""
    rows: Sequence[tuple[str, Line]] = ()
    """Key and line; keys are unique."""
    empty: Sequence[Line] = ()
    """Instead of rows."""
    foot: Sequence[Line] = ()
    """Below the rows; never scrolls."""
    more: Callable[[Sequence[str]], Line] = field(default=lambda keys: line(Span(f"… {len(keys)} more", "dim")))
    """What to say of the rows that do not fit, so that nothing bad hides below the edge."""


Source = Callable[[int], Content]
"""Content for the width inside the frame."""


class Board(Painted, can_focus=True):
    """A list in a frame."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(MOVE)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, board: Board, key: str) -> None:
            super().__init__()
            self.board = board
            self.key = key

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, board: Board, key: str | None) -> None:
            super().__init__()
            self.board = board
            self.key = key

    def __init__(self, source: Source, *, id: str | None = None, selects: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self._source = source
        self.framed = True
        """A box; else a rule above only."""
        self.settles = False
        """Whether it shows its top while it does not have the focus, so that what is worst or newest is in sight."""
        self.leads = False
        """Whether the cursor stays on the first row until somebody moves it, so that what is worst stays in sight."""
        self._selects = selects
        """Whether rows have a cursor; else the board scrolls as a page of text."""
        self._keys: list[str] = []
        self._index = 0
        self._top = 0
        self._room = 1
        self._first_row = 0
        """Where on the widget the first row is drawn."""
        self.key: str | None = None
        """The cursor's row."""
        self._led: str | None = None
        """The row that the cursor stands on because nobody has moved it: the first."""
        self._told: str | None = None
        """The row that was last told of."""

    def redraw(self) -> None:
        """Draw again, and tell when the cursor came to be on another row."""
        super().redraw()
        if self.key != self._told:
            self._told = self.key
            self.post_message(self.Moved(self, self.key))

    def lines(self) -> Sequence[Line]:
        """Lay out the frame around the rows that fit."""
        width, height = self.size
        inner = width - 2 if self.framed else width
        content = self._source(inner)
        edge = "focus" if self.has_focus else "faint"
        body = self._body(content, inner, height - (2 if self.framed else 1))
        self._first_row = 1 + len(content.head)
        if not self.framed:
            return [rule(content.title, content.note, width, edge), *body]
        top = frame_top(content.title, content.note, width, edge)
        return [top, *(frame_side(each, edge) for each in body), frame_bottom(width, edge)]

    def _body(self, content: Content, inner: int, height: int) -> list[Line]:
        """Give exactly ``height`` lines: head, rows, what is hidden, foot."""
        self._follow([key for key, _ in content.rows])
        fixed = len(content.head) + len(content.foot)
        room = max(1, height - fixed)
        hidden = len(content.rows) > room
        self._room = max(1, room - 1) if hidden else room
        self._scroll()
        shown = content.rows[self._top : self._top + self._room]
        rows = [self._row(key, each) for key, each in shown] or list(content.empty)[:room]
        if hidden:
            below = [key for key, _ in content.rows[self._top + self._room :]]
            above = [key for key, _ in content.rows[: self._top]]
            rows += [BLANK] * (self._room - len(rows))
            told = _hidden(content, above, below) if self._selects else content.more(below or above)
            rows.append((Span(" "), *told))
        rows += [BLANK] * (room - len(rows))
        return [crop(each, inner) for each in (*content.head, *rows, *content.foot)][:height]

    def _row(self, key: str, each: Line) -> Line:
        if not self._selects:
            return each
        return (Span("▌", "mark") if key == self.key and self.has_focus else Span(" "), *each)

    def _follow(self, keys: list[str]) -> None:
        """Keep the cursor on its row when rows come and go; where its row is gone, on the nearest place.

        Where it ``leads`` it is on the first row until somebody has moved it.
        """
        self._keys = keys
        if self.leads and self._selects and self.key == self._led:
            self._index = 0
            self.key = self._led = keys[0] if keys else None
        elif self.key in keys:
            self._index = keys.index(self.key)
        else:
            self._index = max(0, min(self._index, len(keys) - 1))
            self.key = keys[self._index] if keys else None

    def _scroll(self) -> None:
        last = max(0, len(self._keys) - self._room)
        if self.settles and not self.has_focus:
            self._top = 0
        elif self._selects:
            self._top = min(max(self._top, self._index - self._room + 1), self._index)
        self._top = max(0, min(self._top, last))

    def highlighted(self) -> int | None:
        """Give the cursor's row while the board has the focus."""
        if not (self._selects and self.has_focus and self._keys):
            return None
        return self._first_row + self._index - self._top

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, or scroll a page of text to it."""
        if not self._keys:
            return
        if not self._selects:
            self._top = index
            self.redraw()
            return
        self._index = max(0, min(index, len(self._keys) - 1))
        self.key = self._keys[self._index]
        self._led = None
        self.redraw()

    def select(self, key: str) -> None:
        """Put the cursor on the row with this key, if it is there."""
        if key in self._keys:
            self.move_to(self._keys.index(key))
        elif key:
            self.key, self._led = key, None

    @property
    def chosen(self) -> str | None:
        """Give the cursor's row where somebody has put it there."""
        return None if self.leads and self.key == self._led else self.key

    def action_down(self) -> None:
        """Go one row down."""
        self.move_to(self._at + 1)

    def action_up(self) -> None:
        """Go one row up."""
        self.move_to(self._at - 1)

    def action_top(self) -> None:
        """Go to the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.move_to(len(self._keys))

    def action_page_down(self) -> None:
        """Go one page down."""
        self.move_to(self._at + self._room)

    def action_page_up(self) -> None:
        """Go one page up."""
        self.move_to(self._at - self._room)

    def action_open(self) -> None:
        """Open the cursor's row."""
        if self.key is not None and self._selects:
            self.post_message(self.Opened(self, self.key))

    @property
    def _at(self) -> int:
        return self._index if self._selects else self._top

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's watchers are called like this
        """Show the cursor, or hide it."""
        super().watch_has_focus(_has_focus)
        self.redraw()
        self.post_message(self.Moved(self, self.key))

    async def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer; a second click opens it."""
        row = event.y - self._first_row
        if not (self._selects and 0 <= row < self._room and self._top + row < len(self._keys)):
            return
        if event.chain > 1:
            self.action_open()
        else:
            self.move_to(self._top + row)

    def on_mouse_scroll_down(self) -> None:
        """Go three rows down."""
        self.move_to(self._at + 3)

    def on_mouse_scroll_up(self) -> None:
        """Go three rows up."""
        self.move_to(self._at - 3)


def _hidden(content: Content, above: Sequence[str], below: Sequence[str]) -> Line:
    """Say what does not fit: what is above is as hidden as what is below, and as a rule worse."""
    rest = content.more(below) if below else ()
    if not above:
        return rest
    return (Span(f"↑ {len(above)} above ", "dim"), *content.more(above)[1:], *((Span("  "), *rest) if rest else ()))
