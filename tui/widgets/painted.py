"""A widget that draws lines and repaints only the rows that changed.

Terminals are slow, far away and sometimes stuck: an unchanged row sends no byte.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.format import to_ascii
from tui.lines import Line, action_at
from tui.theme import Palette


class Painted(Widget):
    """Draws what ``lines`` gives; ``redraw`` compares with what is on the screen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: list[tuple[Line, bool]] = []

    def lines(self) -> Sequence[Line]:
        """Give the lines to draw, for the widget's size."""
        raise NotImplementedError

    def highlighted(self) -> int | None:
        """Give the row that has the cursor's background."""
        return None

    def redraw(self) -> None:
        """Draw again; rows that are as they were are left alone."""
        width, height = self.size
        if not width or not height:
            return
        lines = self.lines()[:height]
        lit = self.highlighted()  # After the lines, which may move the cursor.
        fresh = [(line, index == lit) for index, line in enumerate(lines)]
        old, self._drawn = self._drawn, fresh
        longest = max(len(old), len(fresh))
        changed = [row for row in range(longest) if old[row : row + 1] != fresh[row : row + 1]]
        if changed:
            self.refresh(*(Region(0, row, width, 1) for row in changed))

    def repaint(self) -> None:
        """Draw everything again: the theme or the size is another."""
        self._drawn = []
        self.redraw()
        self.refresh()

    def on_resize(self) -> None:
        """Fit the new size."""
        self.repaint()

    async def on_click(self, event: events.Click) -> None:
        """Do what the text under the pointer says."""
        action = action_at(self._drawn[event.y][0], event.x) if 0 <= event.y < len(self._drawn) else ""
        if action:
            await self.screen.run_action(action)

    def render_line(self, y: int) -> Strip:
        """Turn one line into segments; text is literal, never markup."""
        base = self.rich_style
        width = self.size.width
        if y >= len(self._drawn):
            return Strip.blank(width, base)
        line, lit = self._drawn[y]
        strip = strip_of(line, palette_of(self), lit=lit, ascii_only=ascii_of(self))
        return strip.extend_cell_length(width).apply_style(base)


def palette_of(widget: Widget) -> Palette:
    """Give the style of every role in the app's theme."""
    found: Palette = widget.app.palette  # type: ignore[attr-defined]  # every app of ours has one
    return found


def ascii_of(widget: Widget) -> bool:
    """Tell whether the terminal gets ASCII alone."""
    return bool(widget.app.ascii_only)  # type: ignore[attr-defined]  # every app of ours says so


def strip_of(line: Line, palette: Palette, *, lit: bool, ascii_only: bool) -> Strip:
    """Turn a line into a strip."""
    cursor = palette["cursor"] if lit else None
    segments = []
    for text, role, _action in line:
        style = palette[role]
        segments.append(Segment(to_ascii(text) if ascii_only else text, style + cursor if cursor else style))
    return Strip(segments)
