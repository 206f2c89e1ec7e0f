"""A screen whose styles are derived once while it is opened: Textual derives them again when it is first shown."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.screen import Screen


class Once(Screen[Any]):
    """Leaves out the second derivation."""

    _is_new = True

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Leave the styles as they are when the screen is new: they were derived a moment ago."""
        if self._is_new:
            self._is_new = event.refresh_styles = False
