"""The keys of the screen below, searchable; enter does what a row says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from tui.format import fit
from tui.keymap import FILE
from tui.keys import HELP, Key, bindings
from tui.lines import Span, line
from tui.screens.page import Page
from tui.widgets.board import Board, Content
from tui.widgets.typed import Typed

WIDE = 100
"""From this width on the ids of the keys are shown, which keys.toml maps."""


class HelpScreen(Page):
    """A list of keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(HELP[:2])
    KEYS: ClassVar[tuple[Key, ...]] = HELP
    PASSING: ClassVar[bool] = True
    FOOTER: ClassVar[tuple[str, ...]] = ("help.search", "help.run", "go.back", "app.quit")

    def __init__(self, of: Page) -> None:
        self._of = of
        self._list = Board(self._content, id="keys")
        self._prompt = Typed(id="prompt", placeholder="type to search", select_on_focus=False)
        super().__init__()

    def crumbs(self) -> str:
        """Say where this is."""
        return f"{self._of.crumbs()} ▸ keys"

    def body(self) -> Sequence[Widget]:
        """Give the search and the list."""
        return [self._prompt, self._list]

    def on_mount(self) -> None:
        """Type at once."""
        self.set_focus(self._prompt)

    def _found(self) -> list[Key]:
        words = self._prompt.value.casefold().split()
        keys = [*self._of.own_keys(), *self._of.shared_keys()]
        told = {key: f"{key.shown} {key.label} {key.help} {key.id}".casefold() for key in keys}
        return [key for key, text in told.items() if all(word in text for word in words)]

    def _content(self, width: int) -> Content:
        found = self._found()
        ids = 20 if width >= WIDE else 0
        rows = [
            (
                key.id,
                line(
                    Span(fit(key.shown, 14), "strong"),
                    Span(fit(key.label, 12), "text"),
                    Span(fit(key.id, ids), "faint"),
                    Span(key.help, "dim"),
                ),
            )
            for key in found
        ]
        return Content(
            title=line(Span("Keys", "strong")),
            note=line(Span(self._note(len(found)), "dim")),
            rows=rows,
            empty=[line(Span(f"  no key matches: {self.home.keymap.named('go.back')} goes back", "dim"))],
        )

    def _note(self, count: int) -> str:
        """Say how many keys there are, and what a person has mapped."""
        mapped, wrong = len(self.home.keymap.keys), len(self.home.keymap.faults)
        parts = [f"{count}", f"{mapped} mapped" if mapped else "", f"{wrong} faults in {FILE}" if wrong else ""]
        return " · ".join(part for part in parts if part)

    def on_input_changed(self) -> None:
        """Search while typing; the first that is found is the one that enter takes."""
        self._list.redraw()
        self._list.move_to(0)

    async def on_input_submitted(self) -> None:
        """Do what the first row found says."""
        await self._run(self._list.key)

    async def on_board_opened(self, message: Board.Opened) -> None:
        """Do what the row says, on the screen below."""
        await self._run(message.key)

    async def _run(self, key_id: str | None) -> None:
        key = next((key for key in self._found() if key.id == key_id), None)
        if key is None:
            return
        _ = self.app.pop_screen()
        await self._of.act(key)

    async def action_do(self) -> None:
        """Do what the row under the cursor says."""
        await self._run(self._list.key)

    def action_into_list(self) -> None:
        """Go from the search into the list."""
        self._list.focus()

    def action_search(self) -> None:
        """Type into the search."""
        self.set_focus(self._prompt)
