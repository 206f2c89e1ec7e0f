"""A line right above a sheet, for a moment: what is said in the footer of the page below is hidden by the sheet."""

from __future__ import annotations

from datetime import timedelta

from textual.screen import Screen

from tui.lines import Span, line
from tui.widgets.bars import Strips


class Hint(Strips):
    """One line that goes by itself."""

    DEFAULT_CSS = "Hint { height: 1; }"


def hint(sheet: Screen[object], text: str, span: timedelta) -> None:
    """Show a text above a sheet; another one takes its place."""
    for before in sheet.query(Hint):
        _ = before.remove()
    shown = Hint(lambda _width: [line(Span(f" {text} ", "chip.warn"))])
    _ = sheet.mount(shown, before=0)
    _ = sheet.set_timer(span.total_seconds(), shown.remove)
