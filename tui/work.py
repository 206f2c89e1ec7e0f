"""Work beside the screen: it is made when it starts, so that what is superseded before is never left unawaited."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.dom import DOMNode
from textual.worker import Worker

LOG = logging.getLogger(__name__)


Answered = Callable[[str, str], bool]
"""Takes what became of something, and the role of that; True where it is shown there, and needs no other place."""


@runtime_checkable
class Says(Protocol):
    """A screen that shows messages."""

    def say(self, text: str, role: str = "text") -> None:
        """Show a message for a while."""
        ...


def start(
    owner: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False
) -> Worker[None]:
    """Run work of a screen or widget, which ends with it; ``exclusive`` ends what runs of the group.

    A fault of it never ends the app: it is logged, and told on the screen on top.
    """
    made: Any = partial(_guarded, owner, work, group)
    return owner.run_worker(made, group=group, exclusive=exclusive, exit_on_error=False)


def tell(app: App[Any], text: str, role: str = "text") -> None:
    """Show a message on the topmost screen that shows messages, whichever that is by now."""
    screen = next((each for each in reversed(app.screen_stack) if isinstance(each, Says)), None)
    if screen is not None:
        screen.say(text, role)


def report(app: App[Any], text: str, role: str, answered: Answered | None = None) -> None:
    """Tell what became of something where it was asked for, as long as that is open; else on the screen."""
    if answered is None or not answered(text, role):
        tell(app, text, role)


async def _guarded(owner: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
    app: App[Any] = owner.app
    try:
        await work()
    except Exception as fault:  # whatever it was, the screen goes on, and says that it did not do this
        LOG.exception("screen=%s work=%s failed", type(owner).__name__, group)
        if app.is_running:
            tell(app, f"✖ own fault in {group}: {type(fault).__name__}: {fault}", "fail")
