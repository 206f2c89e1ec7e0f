"""Where a person is, as data: places make a trail that one can go back and forward on, as in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

TRAIL_MAX = 50
"""Views that are remembered."""


@dataclass(frozen=True, slots=True)
class Place:
    """A screen, what it is about, and how it was left."""

    screen: str
    """Its module in ``tui.screens``."""
    name: str = ""
    """What it is about: a family, a check, a source, a finding's id; empty: all."""
    left: object = None
    """How it was left (filter, sort, view, cursor), frozen data that only the screen itself reads; None: as new."""

    def same(self, other: Place) -> bool:
        """Tell whether both are the same screen about the same thing."""
        return (self.screen, self.name) == (other.screen, other.name)


View = tuple[Place, ...]
"""What is on the stack, the overview first."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The views that were seen, and where among them one is; ``last`` is where one was before."""

    views: Sequence[View] = ()
    at: int = 0
    last: int | None = None

    @property
    def here(self) -> View:
        """Give the present view; empty at the very beginning."""
        return self.views[self.at] if self.views else ()

    def left(self, view: View) -> Trail:
        """Remember how the present view is left."""
        if not self.views:
            return replace(self, views=(view,))
        return replace(self, views=(*self.views[: self.at], view, *self.views[self.at + 1 :]))

    def then(self, view: View) -> Trail:
        """Go to a new view; what was ahead is forgotten."""
        if self.views and _same(view, self.here):
            return self.left(view)
        views = (*self.views[: self.at + 1], view)[-TRAIL_MAX:]
        return Trail(views, len(views) - 1, len(views) - 2 if len(views) > 1 else None)

    def step(self, way: int) -> Trail | None:
        """Go back (-1) or forward (1); None where there is nothing."""
        goal = self.at + way
        return replace(self, at=goal, last=self.at) if 0 <= goal < len(self.views) else None

    def swap(self) -> Trail | None:
        """Go to where one was before; None where that is nowhere."""
        if self.last is None or not 0 <= self.last < len(self.views):
            return None
        return replace(self, at=self.last, last=self.at)


def _same(one: View, other: View) -> bool:
    return len(one) == len(other) and all(a.same(b) for a, b in zip(one, other, strict=True))
