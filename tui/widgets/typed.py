"""What one line is typed into."""

from __future__ import annotations

from textual.suggester import Suggester
from textual.widgets import Input


class Typed(Input):
    """An input of one line, without a border, that does not blink.

    Textual derives the styles of an input and of its five parts again for each class that it gets or loses while it is
    made, though they are derived once it is mounted. Forms judge what is typed themselves.
    """

    def __init__(
        self,
        value: str | None = None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
        placeholder: str = "",
        password: bool = False,
        max_length: int = 0,
        select_on_focus: bool = True,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder,
            id=id,
            password=password,
            max_length=max_length,
            select_on_focus=select_on_focus,
            suggester=suggester,
            validate_on=(),
            compact=True,
        )
        self.cursor_blink = False

    def update_node_styles(self, animate: bool = True) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Derive the styles again, once the input is on a screen."""
        if self.is_attached:
            super().update_node_styles(animate)
