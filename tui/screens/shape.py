"""Which columns a list shows: chosen or those that fit, scrolled sideways, kept for the next start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.port import Row
from tui.columns import COLUMNS, Column, Layout, chosen, column, fact_columns, lay_out
from tui.screens.menu import ColumnsMenu
from tui.screens.page import Page
from tui.widgets.table import GUTTER, Table


class Shape:
    """The columns of one list."""

    def __init__(self, page: Page, table: Table, kept_as: Callable[[], str]) -> None:
        """Keep what is chosen under the name that ``kept_as`` gives."""
        self._page = page
        self._table = table
        self._kept_as = kept_as
        self._shift = 0
        """Columns that are scrolled away."""
        self._laid: tuple[object, Layout] | None = None
        """The latest layout, and what it was made from."""

    @property
    def width(self) -> int:
        """Give the cells of a row."""
        return self._table.size.width - GUTTER

    def chosen(self) -> list[Column]:
        """Give the columns in order."""
        return chosen(self._names(), self.width, alone=self._alone)

    def layout(self) -> Layout:
        """Lay them out; worked out once for a width."""
        asked = (self.width, self._shift, tuple(self._names() or ()), self._alone)
        if self._laid is None or self._laid[0] != asked:
            self._laid = (asked, lay_out(self.chosen(), max(1, self.width), self._shift))
        return self._laid[1]

    def hidden(self) -> int:
        """Count the columns that there are and that are not drawn, those of single facts included."""
        shown = {each.name for each, _ in self.layout().cells}
        return len({*COLUMNS, *fact_columns(self._rows())} - shown)

    def shift(self, way: int) -> None:
        """Scroll sideways by a column."""
        self._shift = lay_out(self.chosen(), self.width, max(0, self._shift + way)).before

    def ask(self, then: Callable[[], None]) -> None:
        """Ask which columns are shown, and keep the answer."""
        memory, kept_as = self._page.home.memory, self._kept_as()

        def picked(names: Sequence[str] | None) -> None:
            if names is not None:
                memory.choose(kept_as, [each for each in names if column(each) is not None] or None)
                self._shift = 0
                then()

        shown = [each.name for each in self.chosen()]
        menu = ColumnsMenu(self._table.query_shown.view, shown, fact_columns(self._rows()))
        _ = self._page.app.push_screen(menu, picked)

    @property
    def _alone(self) -> bool:
        return self._table.query_shown.check is not None

    def _names(self) -> Sequence[str] | None:
        return self._page.home.memory.columns(self._kept_as())

    def _rows(self) -> list[Row]:
        """Give the rows in sight."""
        top = int(self._table.scroll_offset.y)
        found = (self._table.row_at(index) for index in range(top, top + max(1, self._table.size.height)))
        return [row for row in found if row is not None]
