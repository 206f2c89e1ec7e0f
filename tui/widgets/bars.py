"""The lines at the edges of a screen: header, what is selected, and the keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from textual import events

from tui.keymap import Keymap, applied
from tui.keys import Key
from tui.lines import Line, Span, crop, size
from tui.widgets.painted import Painted

Draw = Callable[[int], Sequence[Line]]


class Strips(Painted):
    """Lines without a frame or a cursor, from a function of the width."""

    ALLOW_SELECT = False

    def __init__(self, draw: Draw, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw = draw

    def lines(self) -> Sequence[Line]:
        """Draw for the width, cut to it."""
        width = self.size.width
        return [crop(each, width) for each in self._draw(width)]


class Footer(Painted):
    """The keys of the screen, clickable; or one message for a while; or a question."""

    ALLOW_SELECT = False

    def __init__(
        self,
        keys: Callable[[], Sequence[Key]],
        *,
        act: Callable[[Key], Awaitable[None]] | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Show ``keys``, and do with ``act`` what a clicked one does; without it the screen's action is run."""
        super().__init__(id=id)
        self._keys_now = keys
        self._act = act
        self._spots: list[tuple[range, Key]] = []
        self.message: Line | None = None
        """Instead of the keys."""

    def say(self, message: Line | None) -> None:
        """Show a message, or the keys again."""
        self.message = message
        self.redraw()

    def lines(self) -> Sequence[Line]:
        """Draw the message, else as many keys as fit; the last, help, always fits."""
        width = self.size.width
        if self.message is not None:
            self._spots = []
            return [crop((Span(" "), *self.message), width)]
        return [self._keys_line(width)]

    def _keys_line(self, width: int) -> Line:
        keymap: Keymap = self.app.keymap  # type: ignore[attr-defined]  # every app of ours has one
        *many, last = [applied(key, keymap) for key in self._keys_now()]
        spans: list[Span] = [Span(" ")]
        self._spots = []
        end = size(_spot(last))
        for key in many:
            spot = _spot(key)
            at = size(tuple(spans))
            if at + size(spot) + 2 + end > width:
                break
            self._spots.append((range(at, at + size(spot)), key))
            spans += [*spot, Span("  ")]
        at = size(tuple(spans))
        self._spots.append((range(at, at + end), last))
        return crop((*spans, *_spot(last)), width)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        for spot, key in self._spots:
            if event.x in spot and self._act is not None:
                await self._act(key)
            elif event.x in spot:
                await self.screen.run_action(key.first_action)


def _spot(key: Key) -> Line:
    return Span(key.shown, "key"), Span(f" {key.label}", "dim")
