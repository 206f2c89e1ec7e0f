"""A screen that paints once where Textual paints two or three times.

Textual paints a new screen while it is empty, again when its styles are laid out, and again with its content; and it
paints twice when a layout and a repaint fall into one frame. Here every paint waits for the frame's end, which is at
most ``1 / FRAMES`` of a second away, and the first one of a screen that asks the engine for its content waits for that.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.screen import Screen
from textual.timer import Timer

FRAMES = 120
"""Paints a second, at most; Textual's 60 would have a key that draws twice wait for 33 ms."""
VEIL_SECONDS = 0.04
"""How long the first paint waits for the engine's answer."""


class Once(Screen[Any]):
    """Paints at the end of a frame, and not before there is something to see."""

    WAITS: ClassVar[bool] = False
    """Whether the first content is asked of the engine; ``unveil`` tells that it is there."""

    _is_new = True
    _is_told = False
    _is_veiled = False
    """Whether what was on the terminal before stays there for a moment."""
    _in_frame = False
    _is_due = False
    """Whether something is to be painted at the frame's end."""
    _has_waited = False
    """Whether the last frame was left out for a layout."""
    _frames: Timer | None = None

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Leave the styles as they are when the screen is new: they were derived a moment ago."""
        if self._is_new:
            self._is_new = event.refresh_styles = False
            self._is_veiled = self.WAITS and not self._is_told
            if self._is_veiled:
                self.set_timer(VEIL_SECONDS, self.unveil)

    def unveil(self) -> None:
        """Paint: what the screen asked for is there, or is taking too long."""
        self._is_told = True
        if self._is_veiled:
            self._is_veiled = False
            self.refresh()

    @property
    def _update_timer(self) -> Timer:
        if self._frames is None:
            self._frames = self.set_interval(1 / FRAMES, self._on_timer_update, name="screen_update", pause=True)
        return self._frames

    def _compositor_refresh(self) -> None:
        self._is_due = True
        if not self._in_frame:
            self._update_timer.resume()

    def _on_timer_update(self) -> None:
        """Lay out what is to be; where that gave widgets another size, paint with the next frame: they draw first."""
        waits = self._has_waited = self._layout_required and not self._has_waited
        self._in_frame = True
        super()._on_timer_update()
        self._in_frame = False
        if waits or self.app._batch_count:  # noqa: SLF001 - Textual offers no other way
            self._update_timer.resume()
        elif self._is_due and not self._is_veiled:
            self._is_due = False
            self._paint()

    def _paint(self) -> None:
        """Paint; below another screen only what is seen through it, and once.

        Textual has the screen on top paint all of itself whenever the one below gets a message, also where it hides it.
        """
        top = self.app.screen
        if top is self or top.styles.background.a < 1:
            super()._compositor_refresh()
        if top is not self:
            self._repaint_required = False
