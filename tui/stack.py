"""The screens on the stack, as the places that a person went through: there, back, forward, up."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import Screen

from tui.place import Place, Trail, View
from tui.screens.build import screen_of
from tui.screens.command import CommandScreen
from tui.screens.help import HelpScreen
from tui.screens.page import Page


class Stack:
    """Which screen is below which, and the views that were seen."""

    def __init__(self, app: App[Any]) -> None:
        """Stack the screens of an app."""
        self._app = app
        self._trail = Trail()

    def begin(self, page: Page) -> None:
        """Show the screen that is below all others."""
        _ = self._app.push_screen(page)
        self._trail = self._trail.left(self.view)

    @property
    def page(self) -> Page | None:
        """Give the topmost of our screens."""
        return next((screen for screen in reversed(self._app.screen_stack) if isinstance(screen, Page)), None)

    @property
    def pages(self) -> list[Page]:
        """Give our screens on the stack that are places, the overview first."""
        return [screen for screen in self._app.screen_stack if isinstance(screen, Page) and not screen.PASSING]

    @property
    def view(self) -> View:
        """Say what is on the stack, as it stands now."""
        return tuple(page.place() for page in self.pages)

    def show(self, page: Screen[None]) -> None:
        """Put a screen on the stack; the same kind of screen on top is replaced."""
        self._trail = self._trail.left(self.view)
        self._drop_passing()
        app = self._app
        _ = app.switch_screen(page) if type(app.screen) is type(page) else app.push_screen(page)
        self._trail = self._trail.then(self.view)

    def go(self, *places: Place, typed: str = "") -> None:
        """Show a place below the overview, the last one narrowed by a filter."""
        self._trail = self._trail.left(self.view)
        if self._stand(self.view[:1] + places) and typed:
            self._app.call_after_refresh(self._narrow, typed)
        self._trail = self._trail.then(self.view)

    def _narrow(self, typed: str) -> None:
        if self.page is not None:
            self.page.narrow(typed)

    async def neighbour(self, page: Screen[None], finding: int, way: int) -> int | None:
        """Give the finding after (1) or before (-1) one in the list below a screen; None where there is none."""
        at = next((at for at, each in enumerate(self.pages) if each is page), 0)
        return await self.pages[at - 1].neighbour(finding, way) if at else None

    def climb(self, level: int) -> None:
        """Go up to the screen at that level; 0 is the overview."""
        self._trail = self._trail.left(self.view)
        self._drop_passing()
        while len(self.pages) > level + 1:
            _ = self._app.pop_screen()
        self._trail = self._trail.then(self.view)

    def travel(self, way: int) -> None:
        """Go back or forward over the views, each as it was left."""
        self._travel(self._trail.left(self.view).step(way), "nothing before this" if way < 0 else "nothing after this")

    def swap(self) -> None:
        """Go to the view where one was before, and back again."""
        self._travel(self._trail.left(self.view).swap(), "no view before this")

    def _travel(self, trail: Trail | None, otherwise: str) -> None:
        if trail is None:
            if self.page is not None:
                self.page.say(otherwise, "dim")
        elif self._stand(trail.here):
            self._trail = trail

    def _drop_passing(self) -> None:
        """Leave the screens that are only about another one."""
        while isinstance(self._app.screen, HelpScreen | CommandScreen):
            _ = self._app.pop_screen()

    def _stand(self, view: View) -> bool:
        """Make the stack show a view; False when a screen of it is not in this build."""
        makers = [self._maker(place) for place in view]
        if None in makers:
            return False
        self._drop_passing()
        same = 0
        for page, place in zip(self.pages, view, strict=False):
            if not page.place().same(place):
                break
            same += 1
        while len(self.pages) > max(1, same):
            _ = self._app.pop_screen()
        for page, place in zip(self.pages, view, strict=False):
            if place.left is not None and page.place() != place:
                page.restore(place)
        for place, maker in list(zip(view, makers, strict=True))[max(1, same) :]:
            if maker is not None:
                _ = self._app.push_screen(maker.at(place))
        return True

    def _maker(self, place: Place) -> type[Page] | None:
        """Find the class of a place's screen, and say so where this build has none."""
        found = screen_of(place)
        if found is None and self.page is not None:
            self.page.say(f"no {place.screen} screen in this build", "warn")
        return found
