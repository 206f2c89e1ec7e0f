"""What a filter is typed into."""

from __future__ import annotations

from collections.abc import Callable

from textual.suggester import Suggester

from tui.filters import Scope, completed
from tui.widgets.typed import Typed


class Suggest(Suggester):
    """Completes what is typed into the filter; the right arrow takes it."""

    def __init__(self, scope: Callable[[], Scope]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._scope = scope

    async def get_suggestion(self, value: str) -> str | None:
        """Complete the last word."""
        return completed(value, self._scope())


class Prompt(Typed):
    """What a filter is typed into; what comes in one go with enter is no text of it any more."""

    def __init__(self, close: Callable[[], object], suggester: Suggester) -> None:
        super().__init__(id="prompt", select_on_focus=False, suggester=suggester)
        self._close = close

    async def action_submit(self) -> None:
        """Keep the filter and go back to the list."""
        _ = self._close()
