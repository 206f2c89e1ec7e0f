"""Work beside the screen: it is made when it starts, so that what is superseded before is never left unawaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def start(
    owner: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False
) -> None:
    """Run work of a screen or widget; ``exclusive`` ends what runs of the group. A fault of it never ends the app."""
    made: Any = work
    owner.run_worker(made, group=group, exclusive=exclusive, exit_on_error=False)
