"""A widget that draws lines and repaints only the rows that changed.

Terminals are slow, far away and sometimes stuck: an unchanged row sends no byte.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.format import drawable, to_ascii
from tui.lines import Line, action_at
from tui.theme import Palette

_LINKLESS = frozenset({"linux", "vt100", "dumb"})
"""Terminals that would write a link's address beside its text."""


class Painted(Widget):
    """Draws what ``lines`` gives; ``redraw`` compares with what is on the screen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: list[tuple[Line, bool]] = []
        self._base: Style | None = None
        """What Textual derives for every line, until the styles change."""
        self._drawn_at: Size | None = None
        """The size for which it was drawn; None while that is not shown."""

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
        self._drawn_at = self.size
        lit = self.highlighted()  # After the lines, which may move the cursor.
        fresh = [(line, index == lit) for index, line in enumerate(lines)]
        old, self._drawn = self._drawn, fresh
        longest = max(len(old), len(fresh))
        changed = [row for row in range(longest) if old[row : row + 1] != fresh[row : row + 1]]
        if changed:
            self.refresh(*(Region(0, row, width, 1) for row in changed))

    def repaint(self) -> None:
        """Draw everything again: the theme or the size is another."""
        self._drawn, self._base = [], None
        self.redraw()
        self.refresh()

    def notify_style_update(self) -> None:
        """Derive the style of lines again."""
        super().notify_style_update()
        self._base = None

    def on_resize(self) -> None:
        """Fit the new size, unless that was done; Textual itself paints what is shown or has another size."""
        if self._drawn_at != self.size:
            self.repaint()

    def on_hide(self) -> None:
        """Draw again once it is shown: until then nobody keeps it up to date."""
        self._drawn_at = None

    async def on_click(self, event: events.Click) -> None:
        """Do what the text under the pointer says."""
        action = action_at(self._drawn[event.y][0], event.x) if 0 <= event.y < len(self._drawn) else ""
        if action:
            await self.screen.run_action(action)

    def render_line(self, y: int) -> Strip:
        """Turn one line into segments; text is literal, never markup."""
        if self._base is None:
            self._base = self.rich_style
        base, width = self._base, self.size.width
        if y >= len(self._drawn):
            return Strip.blank(width, base)
        line, lit = self._drawn[y]
        strip = strip_of(line, palette_of(self), lit=lit, ascii_only=ascii_of(self))
        return strip.extend_cell_length(width).apply_style(base)


class Ascii(LineFilter):
    """Writes whatever is drawn in ASCII: also what is typed, and what Textual draws itself."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Give the same cells in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


def palette_of(widget: Widget) -> Palette:
    """Give the style of every role in the app's theme."""
    found: Palette = widget.app.palette  # type: ignore[attr-defined]  # every app of ours has one
    return found


def ascii_of(widget: Widget) -> bool:
    """Tell whether the terminal gets ASCII alone."""
    return bool(widget.app.ascii_only)  # type: ignore[attr-defined]  # every app of ours says so


@cache
def linked(address: str) -> Style:
    """Give the style of a link; the same one each time, so that terminals know its parts to belong together."""
    is_link = address.isprintable() and os.environ.get("TERM") not in _LINKLESS
    return Style(link=address) if is_link else Style.null()


def strip_of(line: Line, palette: Palette, *, lit: bool, ascii_only: bool) -> Strip:
    """Turn a line into a strip of as few segments as look the same: each costs some forty bytes on the wire.

    Every line of every screen comes by here, so this is where nothing passes that a terminal would obey.
    """
    cursor = palette["cursor"] if lit else None
    segments: list[Segment] = []
    last, style = "", Style.null()
    for text, role, _action, link in line:
        own = palette[role] + linked(link) if link and not ascii_only else palette[role]
        look = own + cursor if cursor else own
        shown = to_ascii(text) if ascii_only else text
        if look == style or (_is_plain(look, style) and (not shown.strip(" ") or not last.strip(" "))):
            style = look if not last.strip(" ") else style
            last += shown
            continue
        segments.append(Segment(drawable(last), style))
        last, style = shown, look
    return Strip([each for each in (*segments, Segment(drawable(last), style)) if each.text])


def _is_plain(one: Style, other: Style) -> bool:
    """Tell whether blanks look the same in two styles."""
    seen = (one.bgcolor, one.underline, one.reverse, one.strike, one.link)
    return seen == (other.bgcolor, other.underline, other.reverse, other.strike, other.link) and not (
        one.underline or one.reverse or one.strike or one.link
    )
